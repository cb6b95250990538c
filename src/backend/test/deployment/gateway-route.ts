// The route of a canary on an API in memory, as the manifests of production make it, with the controller's rights; and the controller
// as the image starts it, a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import type { OperatorShell } from './guide-kubectl.ts'
import { listAt } from './kubernetes-api/api-object.ts'
import type { KubernetesApi, ServiceAccountAccess } from './kubernetes-api/kubernetes-api.ts'

export const NAMESPACE = 'borrow-rate-engine-prod'
export const ROUTE = 'api-gateway'

const PROGRAM = join(PROJECT_ROOT, BACKEND, 'dist/services/borrow-rate-engine.js')

export interface RunningController {
  /** Of health and metrics. */
  readonly url: string
  /** Lines of its log so far, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
  end(): Promise<void>
}

/** Applies the manifests with kubectl: what a canary needs and nothing has to run for. */
export async function applyRoute(shell: OperatorShell): Promise<void> {
  const { status, stderr } = await shell.type(
    `kubectl apply -f infrastructure/kubernetes/base/namespace.yaml
     kubectl apply -f infrastructure/kubernetes/crds/
     kubectl apply -k infrastructure/kubernetes/cluster/prod
     kubectl apply -k infrastructure/kubernetes/overlays/prod -l 'app.kubernetes.io/component!=service'`,
  )
  if (status !== 0) throw new Error(stderr)
}

/** `api-gateway-stable 90, api-gateway-canary 10` for each rule of the route that has backends. */
export function routeWeights(api: KubernetesApi): string[] {
  return listAt(api.find('httproutes', NAMESPACE, ROUTE), 'spec', 'rules')
    .filter((rule) => listAt(rule, 'backendRefs').length > 0)
    .map((rule) =>
      listAt(rule, 'backendRefs')
        .map(({ name, weight }) => `${name} ${weight}`)
        .join(', '),
    )
}

/** Starts it and waits until it listens. */
export async function startController(api: KubernetesApi, access: ServiceAccountAccess): Promise<RunningController> {
  const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, 'traffic-split-controller', access.folder], {
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(api.port),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  startKeeper().mind(child)
  const log: Readonly<Record<string, unknown>>[] = []
  const url = await new Promise<string>((done, fail) => {
    let unread = ''
    child.stdout.on('data', (bytes: Buffer) => {
      const lines = (unread + bytes.toString()).split('\n')
      unread = lines.pop() as string
      for (const line of lines) {
        const entry = JSON.parse(line) as Record<string, unknown>
        log.push(entry)
        if (entry.message === 'listening') done(String(entry.url))
      }
    })
    child.once('exit', (code) => fail(new Error(`the controller ended with ${code}`)))
  })
  return { url, log, end: () => ended(child) }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
