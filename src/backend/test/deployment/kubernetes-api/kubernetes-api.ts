// A Kubernetes API in memory, good enough for the real kubectl: it proves that commands, names, namespaces, labels, references and
// permissions are right. It is no cluster: nothing is scheduled, no packet is routed, and no controller runs but those of
// `workloads.ts`.
//
//     const api = await startKubernetesApi({ imageOf: () => null, tls: certificateAuthority().sign('kubernetes') })
//     kubectl with KUBECONFIG=api.kubeconfig
//     await api.end()
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TlsFiles } from '../../../server/internal-tls.ts'
import { temporaryFolder } from '../../postgres.ts'
import { answerAbout } from './about.ts'
import { admit } from './admission.ts'
import { ApiFailure, type ApiObject } from './api-object.ts'
import { createAuthorization } from './authorization.ts'
import { apiVersionOf, CRD, fixedKind, type Kind, kindsWith, NAMESPACE } from './kinds.ts'
import { type Image, startNode } from './node.ts'
import { REMOTE_COMMAND_PROTOCOLS, refuseRemoteCommand, serveRemoteCommand } from './remote-command.ts'
import { type Answer, matching, readBody, scaleOf, send, type Target, targetOf } from './request.ts'
import { createStore } from './store.ts'
import { isTableAsked, tableOf } from './tables.ts'
import { createWatches } from './watches.ts'
import { acceptWebSocket } from './web-socket.ts'
import { runWorkloads } from './workloads.ts'
import { write } from './writes.ts'

export interface KubernetesApiOptions {
  /** What this machine has of an image; null: no registry has it. */
  readonly imageOf: (reference: string) => Image | null
  /** kubectl gives its token to nobody without TLS. */
  readonly tls: TlsFiles
}

export interface KubernetesApi {
  readonly url: string
  readonly port: number
  /** A file with the administrator's access. */
  readonly kubeconfig: string
  readonly folder: string
  /** Requests so far, as `patch httproutes`. */
  readonly asked: readonly string[]
  /** An object as it is now, null when it is not there. */
  find(plural: string, namespace: string, name: string): ApiObject | null
  list(plural: string, namespace?: string): ApiObject[]
  /** Puts an object in place as a controller of the cluster would, without asking anybody. */
  put(object: ApiObject): ApiObject
  remove(plural: string, namespace: string, name: string): void
  /** A folder as a pod of the service account has it mounted: token, namespace, and the API's authority. */
  serviceAccount(namespace: string, name: string): ServiceAccountAccess
  /** Cuts every open watch, as a load balancer between does. */
  cutWatches(): void
  /** Forgets the history: a watch that goes on from before is told 410. */
  compact(): void
  /** Closes the door and cuts everything. What it keeps, it keeps. */
  stop(): Promise<void>
  /** After `stop`: on the same port. */
  start(): Promise<void>
  end(): Promise<void>
}

export interface ServiceAccountAccess {
  readonly folder: string
  /** Another token; the one before is refused from now on. */
  renew(): void
}

const PODS = fixedKind('pods')
const LOG_EVERY_MS = 50

export async function startKubernetesApi(options: KubernetesApiOptions): Promise<KubernetesApi> {
  const folder = temporaryFolder('kubernetes')
  const store = createStore()
  const authorization = createAuthorization(store)
  const watches = createWatches(store)
  const node = startNode({ store, folder: join(folder, 'pods'), imageOf: options.imageOf })
  const endWorkloads = runWorkloads({
    store,
    createPod: (pod) => void store.create(PODS, admit(store, PODS, pod, 'Strict').object),
  })
  const asked: string[] = []
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    store.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } })
  }
  const kinds = () => kindsWith(store.list(CRD))

  const { server, sockets } = door(options.tls, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const failure = failureOf(error)
      if (response.headersSent) response.destroy()
      else send(response, { code: failure.code, body: failure.body() })
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    void answerUpgrade(request, socket, head)
  })
  const listen = (at: number) =>
    new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen(at, '127.0.0.1', () => {
        server.off('error', fail)
        done()
      })
    })
  await listen(0)
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigOf(url, authorization.adminToken, options.tls), { mode: 0o600 })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://api')
    const method = request.method ?? 'GET'
    const user = authorization.userOf(request.headers.authorization)
    const about = method === 'GET' ? answerAbout(kinds(), pathname, String(request.headers.accept)) : null
    if (about !== null) return send(response, about)
    const target = allowedTarget(user, pathname, method, query)
    if (target.verb === 'watch') return watches.serve(target, request, response)
    if (target.verb === 'list') return send(response, list(target, isTableAsked(request)))
    if (target.verb === 'get' && target.subresource === 'log') return sendLog(target, response)
    if (target.verb === 'get') return send(response, get(target, isTableAsked(request)))
    const content = await readBody(request)
    const type = String(request.headers['content-type']).split(';')[0] as string
    const client = String(request.headers['user-agent'] ?? 'unknown').split('/')[0] as string
    const manager = query.get('fieldManager') ?? client
    send(response, write({ store, kinds }, target, { content, type, manager }))
  }

  function allowedTarget(user: string, path: string, method: string, query: URLSearchParams): Target {
    const target = targetOf(kinds(), path, method, query)
    const { verb, kind, subresource } = target
    asked.push(`${verb} ${kind.plural}${subresource === '' ? '' : `/${subresource}`}`)
    authorization.require(user, target)
    return target
  }

  function list(target: Target, asTable: boolean): Answer {
    const { kind } = target
    const items = store.list(kind).filter(matching(target))
    const resourceVersion = String(store.version)
    if (asTable) return { code: 200, body: tableOf(kind, items, resourceVersion) }
    const metadata = { resourceVersion }
    return { code: 200, body: { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items } }
  }

  function get({ kind, namespace, name, subresource }: Target, asTable: boolean): Answer {
    const object = store.get(kind, namespace, name)
    if (subresource === 'scale') return { code: 200, body: scaleOf(object) }
    return { code: 200, body: asTable ? tableOf(kind, [object], String(store.version)) : object }
  }

  async function sendLog({ namespace, name, query }: Target, response: ServerResponse): Promise<void> {
    const pod = store.get(PODS, namespace, name)
    const container = query.get('container') ?? ''
    const withTimes = query.get('timestamps') === 'true'
    const tail = query.get('tailLines')
    let sent = tail === null ? 0 : Math.max(0, node.log(pod, container).length - Number(tail))
    const sendNew = () => {
      const lines = node.log(pod, container).slice(sent)
      sent += lines.length
      for (const { at, text } of lines) response.write(`${withTimes ? `${at.toISOString()} ` : ''}${text}\n`)
    }
    response.writeHead(200, { 'Content-Type': 'text/plain' })
    sendNew()
    if (query.get('follow') === 'true') {
      const gone = Promise.race([node.ended(pod), new Promise((done) => response.once('close', done))]).then(() => true)
      while (!(await Promise.race([gone, sleep(LOG_EVERY_MS)]))) sendNew()
      sendNew()
    }
    response.end()
  }

  /** A command in a pod. What is wrong before the upgrade is an HTTP answer, after it a status on the channel of errors. */
  async function answerUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://api')
    try {
      const user = authorization.userOf(request.headers.authorization)
      const { namespace, name, subresource } = allowedTarget(user, pathname, 'POST', query)
      const pod = store.get(PODS, namespace, name)
      const connection = acceptWebSocket(request, socket, head, REMOTE_COMMAND_PROTOCOLS)
      if (connection === null) return
      const flag = (word: string) => query.get(word) === 'true'
      const streams = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') }
      const isExec = subresource === 'exec'
      const container = query.get('container') ?? ''
      try {
        const words = query.getAll('command')
        const process = await (isExec ? node.exec(pod, container, words) : node.attach(pod, container))
        await serveRemoteCommand(connection, process, streams, isExec)
      } catch (error) {
        refuseRemoteCommand(connection, failureOf(error).body())
      }
    } catch (error) {
      const failure = failureOf(error)
      const body = JSON.stringify(failure.body())
      const lines = [
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
      ]
      socket.end(`HTTP/1.1 ${failure.code} ${failure.reason}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
    }
  }

  const kindNamed = (plural: string): Kind => {
    const found = kinds().find((kind) => kind.plural === plural)
    if (found === undefined) throw new Error(`the API has no ${plural}`)
    return found
  }
  const stop = async () => {
    const closed = new Promise<void>((done) => server.close(() => done()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url,
    port,
    kubeconfig,
    folder,
    asked,
    find: (plural, namespace, name) => store.find(kindNamed(plural), namespace, name),
    list: (plural, namespace) => store.list(kindNamed(plural), namespace),
    put(object) {
      const kind = kinds().find((each) => each.kind === object.kind && apiVersionOf(each) === object.apiVersion)
      if (kind === undefined) throw new Error(`the API has no ${object.apiVersion} ${object.kind}`)
      const before = store.find(kind, object.metadata.namespace ?? '', object.metadata.name)
      const admitted = admit(store, kind, object, 'Strict').object
      if (before === null) return store.create(kind, admitted)
      return store.replace(kind, { ...admitted, metadata: { ...before.metadata, ...admitted.metadata } })
    },
    remove: (plural, namespace, name) => void store.remove(kindNamed(plural), namespace, name),
    serviceAccount(namespace, name) {
      const at = join(folder, 'service-accounts', namespace, name)
      mkdirSync(at, { recursive: true })
      writeFileSync(join(at, 'namespace'), namespace)
      writeFileSync(join(at, 'ca.crt'), readFileSync(options.tls.caFile))
      let token = ''
      const renew = () => {
        authorization.expire(token)
        token = authorization.issueToken(namespace, name)
        writeFileSync(join(at, 'token'), token)
      }
      renew()
      return { folder: at, renew }
    },
    cutWatches: watches.cut,
    compact: store.compact,
    stop,
    start: () => listen(port),
    async end() {
      endWorkloads()
      await node.close()
      if (server.listening) await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

function door(tls: TlsFiles, onRequest: Listener) {
  const server = createServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, onRequest)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return { server, sockets }
}

function failureOf(error: unknown): ApiFailure {
  return error instanceof ApiFailure ? error : new ApiFailure('InternalError', (error as Error).message)
}

function kubeconfigOf(url: string, token: string, tls: TlsFiles): string {
  const cluster = { server: url, 'certificate-authority-data': readFileSync(tls.caFile).toString('base64') }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'in-memory', cluster }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'in-memory', context: { cluster: 'in-memory', user: 'admin' } }],
    'current-context': 'in-memory',
  })
}
