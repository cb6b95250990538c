// The one machine of the cluster. Pods become ready on it as they do on a node: not before every ConfigMap, Secret and key that they
// name is there. A pod that runs to its end (a Job's, `kubectl run --restart=Never`) has its command started for real, and so has a
// pod of a service where the test says so; the others are only said to run. Commands that are executed in a pod are always real,
// with the pod's environment and files.
//
// Unlike on a node: a container that asks for input is started when somebody attaches, so that its first words are not lost; init
// containers run in pods that run to their end only; a process that ends is not started again; readiness is not looked at again once
// it was had; of a pod's containers the first is the one whose process counts.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../image/ports.ts'
import { ApiFailure, type ApiObject, listAt, type Tree, treeAt } from './api-object.ts'
import { containerEnvironment, containerFiles, NotYet, onThisMachine } from './container.ts'
import { type ContainerProcess, type LogLine, startContainerProcess } from './container-process.ts'
import { fixedKind } from './kinds.ts'
import type { Store } from './store.ts'

/** An image, as far as this machine has it. */
export interface Image {
  readonly entrypoint: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  /** By which setting a program takes another port than its container's: several pods share this machine. */
  readonly portSettings: Readonly<Record<string, number>>
  /** Whether the process of a pod that runs for good is started. */
  starts(pod: ApiObject): boolean
}

export interface Node {
  /** The command in the container, started now. */
  exec(pod: ApiObject, container: string, words: readonly string[]): Promise<ContainerProcess>
  /** The container's own process; one that waits for input is started by this. */
  attach(pod: ApiObject, container: string): Promise<ContainerProcess>
  log(pod: ApiObject, container: string): readonly LogLine[]
  /** Resolves when the container's process has ended, at once when it has none. */
  ended(pod: ApiObject): Promise<void>
  close(): Promise<void>
}

export interface NodeOptions {
  readonly store: Store
  readonly folder: string
  /** null: no registry has it. */
  readonly imageOf: (reference: string) => Image | null
}

interface Placed {
  readonly folder: string
  readonly ports: Map<string, number>
  /** By the name of the container. */
  readonly processes: Map<string, ContainerProcess>
}

const PODS = fixedKind('pods')
const READY_WAIT_MS = 20_000
const PROBE_EVERY_MS = 50
const CLOSED_PORT = 1

export function startNode({ store, folder, imageOf }: NodeOptions): Node {
  const placed = new Map<string, Placed>()
  const waiting = new Set<string>()
  const work = new Set<Promise<unknown>>()
  let isClosed = false

  const track = (running: Promise<unknown>) => {
    const done = running.catch((error: unknown) => {
      // What belongs to a pod that was removed meanwhile is of no interest.
      if (!(error instanceof ApiFailure)) throw error
    })
    work.add(done)
    void done.finally(() => work.delete(done))
  }
  const unsubscribe = store.subscribe(({ type, kind, object }) => {
    if (kind.plural === 'pods') {
      const uid = object.metadata.uid as string
      if (type === 'ADDED') setImmediate(() => track(start(object)))
      else if (type === 'DELETED') {
        waiting.delete(uid)
        for (const process of placed.get(uid)?.processes.values() ?? []) process.kill()
      }
    } else if (kind.plural === 'configmaps' || kind.plural === 'secrets') {
      setImmediate(() => {
        for (const pod of store.list(PODS, object.metadata.namespace)) {
          if (waiting.delete(pod.metadata.uid as string)) track(start(pod))
        }
      })
    }
  })

  async function start(pod: ApiObject): Promise<void> {
    if (isClosed) return
    const container = firstContainer(pod)
    const endsByItself = treeAt(pod, 'spec').restartPolicy !== 'Always'
    try {
      const image = imageOf(String(container.image))
      if (image === null) throw new NotYet('ErrImagePull', `${container.image}: not found`)
      // Everything that is named must be there, also where nothing is started.
      for (const each of [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')]) {
        containerEnvironment(store, pod, each)
        containerFiles(store, pod, each, await folderOf(pod))
      }
      if (endsByItself) {
        if (!(await prepared(pod))) return
        setStatus(pod, running(pod, true))
        if (container.stdin !== true) await follow(pod, await begin(pod, container, image))
      } else if (image.starts(pod)) {
        setStatus(pod, running(pod, false))
        const process = await begin(pod, container, image)
        if (await turnsReady(pod, container, process)) setStatus(pod, running(pod, true))
        await follow(pod, process)
      } else setStatus(pod, running(pod, true))
    } catch (error) {
      if (!(error instanceof NotYet)) throw error
      waiting.add(pod.metadata.uid as string)
      setStatus(pod, pending(pod, error))
    }
  }

  /** Runs the init containers, one after the other. @returns whether the pod goes on */
  async function prepared(pod: ApiObject): Promise<boolean> {
    for (const container of listAt(pod, 'spec', 'initContainers')) {
      const image = imageOf(String(container.image))
      if (image === null) throw new NotYet('ErrImagePull', `${container.image}: not found`)
      const exitCode = await (await begin(pod, container, image)).ended
      if (exitCode === 0) continue
      if (!isClosed) setStatus(pod, terminated(pod, exitCode))
      return false
    }
    return true
  }

  async function begin(pod: ApiObject, container: Tree, image: Image): Promise<ContainerProcess> {
    const { command, args } = container as { command?: string[]; args?: string[] }
    const program = command === undefined ? image.entrypoint : []
    const process = await startIn(pod, container, image, [...(command ?? []), ...(args ?? [])], program)
    const { processes } = await placeOf(pod)
    processes.set(String(container.name), process)
    return process
  }

  async function follow(pod: ApiObject, process: ContainerProcess): Promise<void> {
    const exitCode = await process.ended
    if (!isClosed) setStatus(pod, terminated(pod, exitCode))
  }

  async function startIn(
    pod: ApiObject,
    container: Tree,
    image: Image,
    words: readonly string[],
    /** What stands before the words, of the image itself. */
    program: readonly string[] = [],
  ): Promise<ContainerProcess> {
    const { folder: own, ports } = await placeOf(pod)
    const mounts = containerFiles(store, pod, container, own)
    const given = containerEnvironment(store, pod, container)
    const environment: Record<string, string> = { ...image.environment }
    for (const [name, value] of Object.entries(given)) environment[name] = onThisMachine(value, mounts)
    for (const [name, port] of ports) environment[name] = String(port)
    // In the container localhost:8000 is the service's own port, and nothing where no service was started.
    const ways = Object.entries(image.portSettings).flatMap(([name, port]) =>
      ['localhost', '127.0.0.1'].map(
        (host) => `connect-to = "${host}:${port}:127.0.0.1:${ports.get(name) ?? CLOSED_PORT}"`,
      ),
    )
    writeFileSync(join(own, '.curlrc'), `${ways.join('\n')}\n`)
    return startContainerProcess({
      words: [...program, ...words.map((word) => onThisMachine(word, mounts))],
      environment: {
        ...environment,
        ...(ports.size > 0 && { HOST: '127.0.0.1' }),
        CURL_HOME: own,
        HOSTNAME: pod.metadata.name,
      },
      workingDirectory: image.workingDirectory,
    })
  }

  async function turnsReady(pod: ApiObject, container: Tree, process: ContainerProcess): Promise<boolean> {
    const { path = '/', port } = treeAt(container, 'readinessProbe', 'httpGet')
    const { ports } = await placeOf(pod)
    const image = imageOf(String(container.image)) as Image
    const number =
      typeof port === 'number' ? port : listAt(container, 'ports').find(({ name }) => name === port)?.containerPort
    const setting = Object.entries(image.portSettings).find(([, own]) => own === number)?.[0] ?? ''
    const giveUpAt = performance.now() + READY_WAIT_MS
    while (process.exitCode === null && performance.now() < giveUpAt && !isClosed) {
      const answer = await fetch(`http://127.0.0.1:${ports.get(setting)}${path}`).catch(() => null)
      await answer?.arrayBuffer()
      if (answer?.ok) return true
      await sleep(PROBE_EVERY_MS)
    }
    return false
  }

  async function folderOf(pod: ApiObject): Promise<string> {
    return (await placeOf(pod)).folder
  }

  async function placeOf(pod: ApiObject): Promise<Placed> {
    const uid = pod.metadata.uid as string
    const there = placed.get(uid)
    if (there !== undefined) return there
    const image = imageOf(String(firstContainer(pod).image))
    const isStarted = image !== null && treeAt(pod, 'spec').restartPolicy === 'Always' && image.starts(pod)
    const names = isStarted ? Object.keys(image.portSettings) : []
    const place: Placed = { folder: join(folder, uid), ports: new Map(), processes: new Map() }
    placed.set(uid, place)
    mkdirSync(place.folder, { recursive: true })
    const ports = await freePorts(names.length)
    for (const [at, name] of names.entries()) place.ports.set(name, ports[at] as number)
    return place
  }

  function setStatus(pod: ApiObject, status: Tree): void {
    const { namespace = '', name, uid } = pod.metadata
    const now = store.find(PODS, namespace, name)
    if (now === null || now.metadata.uid !== uid || isClosed) return
    store.replace(PODS, { ...now, status: { ...treeAt(now, 'status'), ...status } })
  }

  const containerOf = (pod: ApiObject, name: string): Tree => {
    const containers = [...listAt(pod, 'spec', 'containers'), ...listAt(pod, 'spec', 'initContainers')]
    const found = name === '' ? containers[0] : containers.find((container) => container.name === name)
    if (found === undefined) {
      throw new ApiFailure('BadRequest', `container ${name} is not valid for pod ${pod.metadata.name}`)
    }
    return found
  }

  return {
    async exec(pod, name, words) {
      const container = containerOf(pod, name)
      const { phase } = treeAt(pod, 'status')
      if (phase !== 'Running') {
        throw new ApiFailure('InternalError', `cannot exec into a container in a ${String(phase).toLowerCase()} pod`)
      }
      return startIn(pod, container, imageOf(String(container.image)) as Image, words)
    },
    async attach(pod, name) {
      const container = containerOf(pod, name)
      const process = (await placeOf(pod)).processes.get(String(container.name))
      if (process !== undefined) return process
      if (container.stdin !== true) throw new ApiFailure('BadRequest', 'nothing runs in this container')
      const started = await begin(pod, container, imageOf(String(container.image)) as Image)
      track(follow(pod, started))
      return started
    },
    log(pod, name) {
      const processes = placed.get(pod.metadata.uid as string)?.processes
      return processes?.get(String(containerOf(pod, name).name))?.log ?? []
    },
    async ended(pod) {
      await Promise.all(
        [...(placed.get(pod.metadata.uid as string)?.processes.values() ?? [])].map(({ ended }) => ended),
      )
    },
    async close() {
      isClosed = true
      unsubscribe()
      const processes = [...placed.values()].flatMap((place) => [...place.processes.values()])
      for (const process of processes) process.kill()
      await Promise.all(processes.map(({ ended }) => ended))
      await Promise.allSettled(work)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function firstContainer(pod: ApiObject): Tree {
  return listAt(pod, 'spec', 'containers')[0] ?? {}
}

// ---- status

function statusOf(pod: ApiObject, phase: string, ready: boolean, state: Tree): Tree {
  const now = new Date().toISOString()
  const condition = (type: string, holds: boolean) => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
  })
  return {
    phase,
    podIP: '127.0.0.1',
    hostIP: '127.0.0.1',
    startTime: pod.metadata.creationTimestamp,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: listAt(pod, 'spec', 'containers').map(({ name, image }) => ({
      name,
      image,
      imageID: String(image),
      ready,
      started: ready,
      restartCount: 0,
      state,
    })),
  }
}

function running(pod: ApiObject, ready: boolean): Tree {
  return statusOf(pod, 'Running', ready, { running: { startedAt: new Date().toISOString() } })
}

function pending(pod: ApiObject, { reason, message }: NotYet): Tree {
  return statusOf(pod, 'Pending', false, { waiting: { reason, message } })
}

function terminated(pod: ApiObject, exitCode: number): Tree {
  const reason = exitCode === 0 ? 'Completed' : 'Error'
  const state = { terminated: { exitCode, reason, finishedAt: new Date().toISOString() } }
  if (treeAt(pod, 'spec').restartPolicy !== 'Always') {
    return statusOf(pod, exitCode === 0 ? 'Succeeded' : 'Failed', false, state)
  }
  const message = `the process ended with ${exitCode}`
  return { ...statusOf(pod, 'Running', false, { waiting: { reason: 'CrashLoopBackOff', message } }) }
}
