// The program that releases by a canary, as a pipeline starts it; and the controller that it needs, in this process, with the rights of
// its service account.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { SERVICES } from '../../gateway/operations.ts'
import { createLog } from '../../server/log.ts'
import type { RunRecord } from '../../tools/canary/run-record.ts'
import type { Outcome, Told } from '../../tools/canary/stage-machine.ts'
import { startKeeper } from '../../tools/keep.ts'
import { clusterAccess } from '../../tools/traffic-split/cluster-access.ts'
import { type Controller, startController } from '../../tools/traffic-split/controller.ts'
import type { Authority } from '../certificates.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import { applyRoute, NAMESPACE } from './gateway-route.ts'
import type { OperatorShell } from './guide-kubectl.ts'
import type { KubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { makeSecrets } from './kubernetes-api/secret-makers.ts'

interface Report extends Partial<RunRecord> {
  readonly outcome: Outcome | 'refused'
  readonly reason: string
  readonly undone: readonly string[]
  readonly left: readonly string[]
  readonly decisions: readonly Told[]
}

export interface CanaryEnded {
  readonly status: number | null
  readonly text: string
  readonly errors: string
  /** Empty where it wrote none. */
  readonly report: Report
}

export interface CanaryProgram {
  readonly child: ChildProcess
  /** What it has printed so far. */
  said(): string
  readonly ended: Promise<CanaryEnded>
}

const NO_REPORT: Report = { outcome: 'refused', reason: '', undone: [], left: [], decisions: [] }
const keeper = startKeeper()
let started = 0

/** @param folder for its report and as its home */
export function startCanaryProgram(folder: string, api: KubernetesApi, words: readonly string[]): CanaryProgram {
  started += 1
  const reportAt = join(folder, `canary-report-${started}.json`)
  const child = spawn(process.execPath, ['--import', 'tsx', 'tools/canary.ts', ...words, '--report', reportAt], {
    cwd: join(PROJECT_ROOT, BACKEND),
    env: { PATH: process.env.PATH, HOME: folder, KUBECONFIG: api.kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  keeper.mind(child)
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (bytes: Buffer) => {
      said[stream] += bytes.toString()
    })
  }
  const ended = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    text: said.stdout,
    errors: said.stderr,
    report: existsSync(reportAt) ? (JSON.parse(readFileSync(reportAt, 'utf8')) as Report) : NO_REPORT,
  }))
  return { child, said: () => said.stdout, ended }
}

/** Production as it is before a canary: everything applied, with what its pods need, and rolled out. */
export async function runProduction(api: KubernetesApi, authority: Authority, shell: OperatorShell): Promise<void> {
  const typed = async (command: string) => {
    const { status, stdout, stderr } = await shell.type(command)
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
  }
  await applyRoute(shell)
  await typed('kubectl apply -k infrastructure/kubernetes/overlays/prod')
  makeSecrets({ api, authority, secretValue: () => 'none' }, NAMESPACE)
  for (const service of SERVICES) await typed(`kubectl rollout status deployment/${service} -n ${NAMESPACE}`)
}

export function startSplitController(api: KubernetesApi): Controller {
  const { folder } = api.serviceAccount(NAMESPACE, 'traffic-split-controller')
  const place = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) }
  const log = createLog({
    level: 'error',
    service: 'traffic-split-controller',
    destination: { write: () => {} },
  })
  return startController({ access: clusterAccess(place, folder), log, registry: new Registry(), now: () => new Date() })
}
