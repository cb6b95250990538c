// What a canary does to the cluster, each a function: the stage machine knows nothing of kubectl, and the words of kubectl stand here.
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES, type ServiceName } from '../../gateway/operations.ts'
import type { Kubectl } from './kubectl.ts'
import { withImage } from './manifests-with-image.ts'
import type { Pods } from './verdict.ts'

/** A Deployment as it was before. */
export interface Released {
  readonly image: string
  readonly revision: number
}

export interface Cluster {
  services(): Promise<Readonly<Record<ServiceName, Released>>>
  /** What would be in the way of a canary, each a sentence. */
  obstacles(): Promise<string[]>
  startCanary(image: string): Promise<void>
  canaryIsReady(limitMs: number): Promise<void>
  canaryPods(): Promise<Pods>
  /** Writes the split. @param percent of the canary */
  split(percent: number): Promise<void>
  /** Until the route has these weights. @throws Error when it has others after that time */
  splitArrives(percent: number, limitMs: number): Promise<void>
  /** Gives everything to the stable version by the route itself, where nobody translates splits. */
  allToStable(): Promise<void>
  removeSplit(): Promise<void>
  removeCanary(): Promise<void>
  /** Applies the overlay with this image for all five. */
  release(image: string): Promise<void>
  isRolledOut(service: ServiceName, limitMs: number): Promise<void>
  undo(service: ServiceName, toRevision: number): Promise<void>
}

export interface ClusterOptions {
  readonly kubectl: Kubectl
  readonly namespace: string
  /** `infrastructure/kubernetes` */
  readonly manifests: string
  /** `prod` */
  readonly overlay: string
  readonly isRehearsal?: boolean
}

const GATEWAY = 'api-gateway'
const CANARY = 'api-gateway-canary'
const STABLE = 'api-gateway-stable'
const SPLIT = 'api-gateway-split'
const REVISION = 'deployment.kubernetes.io/revision'
const ROUTE_LOOK_MS = 250

interface Deployment {
  readonly metadata: {
    readonly name: string
    readonly generation?: number
    readonly annotations?: Record<string, string>
  }
  readonly spec: {
    readonly replicas?: number
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] }
    }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly replicas?: number
  }
}

interface Pod {
  readonly metadata: { readonly deletionTimestamp?: string }
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly restartCount?: number }[]
  }
}

interface Route {
  readonly spec?: {
    readonly rules?: readonly {
      readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[]
    }[]
  }
}

export function createCluster({
  kubectl,
  namespace,
  manifests,
  overlay,
  isRehearsal = false,
}: ClusterOptions): Cluster {
  const readJson = async <T>(words: readonly string[]) => {
    const text = await kubectl.read([...words, '-o', 'json'])
    return text === '' ? null : (JSON.parse(text) as T)
  }
  const find = <T>(kind: string, name: string) => readJson<T>(['get', kind, name, '--ignore-not-found'])
  const deployments = async () =>
    (await readJson<{ items: Deployment[] }>(['get', 'deployments', '-l', 'app.kubernetes.io/component=service']))
      ?.items ?? []

  return {
    async services() {
      const found = await deployments()
      const released = SERVICES.map((name) => {
        const deployment = found.find(({ metadata }) => metadata.name === name)
        if (deployment === undefined) throw new Error(`there is no Deployment ${name} in ${namespace}`)
        return [
          name,
          { image: imageOf(deployment), revision: Number(deployment.metadata.annotations?.[REVISION] ?? 0) },
        ] as const
      })
      return Object.fromEntries(released) as Record<ServiceName, Released>
    },

    async obstacles() {
      const [found, canary, split] = await Promise.all([
        deployments(),
        find('deployment', CANARY),
        find('trafficsplit', SPLIT),
      ])
      const moving = found.filter(isMoving).map(({ metadata }) => metadata.name)
      return [
        ...(canary === null ? [] : [`there is a Deployment ${CANARY} already`]),
        ...(split === null ? [] : [`there is a TrafficSplit ${SPLIT} already`]),
        ...(moving.length === 0
          ? []
          : [`${moving.join(', ')} ${moving.length === 1 ? 'is' : 'are'} being rolled out, or not all ready`]),
      ]
    },

    startCanary: (image) =>
      withImage(manifests, 'canary', image, async (path) => void (await kubectl.write(['apply', '-k', path]))),

    canaryIsReady: async (limitMs) => void (await kubectl.wait(['rollout', 'status', `deployment/${CANARY}`], limitMs)),

    async canaryPods() {
      const [deployment, pods] = await Promise.all([
        find<Deployment>('deployment', CANARY),
        readJson<{ items: Pod[] }>(['get', 'pods', '-l', `app=${CANARY}`]),
      ])
      if (deployment === null) throw new Error(`there is no Deployment ${CANARY} any more`)
      const own = (pods?.items ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      const restarts = own
        .flatMap(({ status }) => status?.containerStatuses ?? [])
        .map(({ restartCount = 0 }) => restartCount)
      return {
        // One that was scaled to nothing is not ready.
        wanted: Math.max(1, deployment.spec.replicas ?? 1),
        ready: own.filter(isReady).length,
        restarts: restarts.reduce((sum, count) => sum + count, 0),
      }
    },

    split: async (percent) =>
      void (await kubectl.write(['apply', '-f', '-'], JSON.stringify(splitOf(namespace, percent)))),

    async splitArrives(percent, limitMs) {
      if (isRehearsal) return
      const endsAt = performance.now() + limitMs
      for (;;) {
        // An API that does not answer for a moment is no other weight.
        const now = weightsOf(await find<Route>('httproute', GATEWAY).catch(() => null))
        if (now.length > 0 && now.every((weight) => weight === percent)) return
        if (performance.now() > endsAt) {
          const has = now.length === 0 ? 'no weight' : now.join(', ')
          throw new Error(
            `the route gives the canary ${has} and not ${percent} after ${limitMs / 1000} s: does the controller run?`,
          )
        }
        await sleep(ROUTE_LOOK_MS)
      }
    },

    async allToStable() {
      const rules = (await find<Route>('httproute', GATEWAY))?.spec?.rules ?? []
      const changes = rules.flatMap(({ backendRefs = [] }, rule) =>
        backendRefs.map(({ name }, ref) => ({
          op: 'add',
          path: `/spec/rules/${rule}/backendRefs/${ref}/weight`,
          value: name === STABLE ? 100 : 0,
        })),
      )
      await kubectl.write(['patch', 'httproute', GATEWAY, '--type=json', '-p', JSON.stringify(changes)])
    },

    removeSplit: async () => void (await kubectl.write(['delete', 'trafficsplit', SPLIT, '--ignore-not-found'])),

    async removeCanary() {
      // By name, not by the manifests: those of today may be others than those it was made of, and its ConfigMap is production's too.
      const own = [`deployment/${CANARY}`, `horizontalpodautoscaler/${CANARY}-hpa`, `poddisruptionbudget/${CANARY}-pdb`]
      await kubectl.write(['delete', ...own, '--ignore-not-found'])
    },

    release: (image) =>
      withImage(
        manifests,
        `overlays/${overlay}`,
        image,
        async (path) => void (await kubectl.write(['apply', '-k', path])),
      ),

    isRolledOut: async (service, limitMs) =>
      void (await kubectl.wait(['rollout', 'status', `deployment/${service}`], limitMs)),

    undo: async (service, toRevision) =>
      void (await kubectl.write(['rollout', 'undo', `deployment/${service}`, `--to-revision=${toRevision}`])),
  }
}

/** As an operator would write it. */
function splitOf(namespace: string, percent: number): object {
  return {
    apiVersion: 'split.smi-spec.io/v1alpha1',
    kind: 'TrafficSplit',
    metadata: { name: SPLIT, namespace },
    spec: {
      service: GATEWAY,
      backends: [
        { service: STABLE, weight: 100 - percent },
        { service: CANARY, weight: percent },
      ],
    },
  }
}

/** Of the canary, in each rule that has it. */
function weightsOf(route: Route | null): number[] {
  const refs = (route?.spec?.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs)
  return refs.filter(({ name }) => name === CANARY).map(({ weight = 1 }) => weight)
}

function imageOf({ metadata, spec }: Deployment): string {
  const container = spec.template.spec.containers.find(({ name }) => name === 'service')
  if (container === undefined) throw new Error(`the Deployment ${metadata.name} has no container service`)
  return container.image
}

function isMoving({ metadata, spec, status }: Deployment): boolean {
  const { observedGeneration = 0, updatedReplicas = 0, readyReplicas = 0, replicas = 0 } = status ?? {}
  const wanted = spec.replicas ?? 1
  return (
    observedGeneration < (metadata.generation ?? 0) ||
    updatedReplicas < wanted ||
    readyReplicas < wanted ||
    replicas > updatedReplicas
  )
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false
}
