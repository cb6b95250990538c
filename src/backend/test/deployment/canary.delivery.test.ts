// A release by a canary, as the pipeline starts it: the real program and the real kubectl on an API in memory, the real controller, and a
// Prometheus that has seen what the test says. A story is a table: what each version looks like while the canary has so many per cent.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SERVICES } from '../../gateway/operations.ts'
import type { RunRecord } from '../../tools/canary/run-record.ts'
import type { Controller } from '../../tools/traffic-split/controller.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { temporaryFolder } from '../postgres.ts'
import { until } from '../until.ts'
import { runProduction, startCanaryProgram, startSplitController } from './canary-program.ts'
import { NAMESPACE, routeWeights } from './gateway-route.ts'
import { type OperatorShell, operatorShell } from './guide-kubectl.ts'
import { type ApiObject, listAt, treeAt } from './kubernetes-api/api-object.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { withoutKubectl } from './manifests.ts'
import { type PrometheusStandIn, startPrometheusStandIn } from './prometheus-stand-in.ts'

const FIRST = '0.1.0'
const SECOND = '1.3.0'
/** Pushed by nobody. */
const NEVER_BUILT = '9.9.9'
/** Its gateway is there, and one of its services is not. */
const HALF_BUILT = '8.8.8'
const REPOSITORY = '333333333333.dkr.ecr.us-east-1.amazonaws.com/borrow-rate-engine'
const QUICK = [
  ...['--stage-minutes', '0.01', '--look-seconds', '0.1', '--wait-minutes', '0.02'],
  ...['--rollout-minutes', '0.1', '--split-seconds', '5'],
]
const ALL_STABLE = 'api-gateway-stable 100, api-gateway-canary 0'
const GOOD = '600 1 41'
const SOON_MS = 120_000

let authority: Authority
let api: KubernetesApi
let controller: Controller
let prometheus: PrometheusStandIn
let folder: string
let shell: OperatorShell
/** What is seen, by the canary's per cent. */
let story = new Map<number, { canary: string; stable: string }>()

describe.skipIf(withoutKubectl() || !hasOpenssl)('a release by a canary', () => {
  beforeAll(async () => {
    folder = temporaryFolder('canary')
    authority = certificateAuthority()
    const image = {
      entrypoint: ['true'],
      environment: {},
      workingDirectory: folder,
      portSettings: {},
      starts: () => false,
    }
    api = await startKubernetesApi({
      tls: authority.sign('kubernetes'),
      imageOf: (reference) => (reference.endsWith(`:${NEVER_BUILT}`) ? null : image),
    })
    shell = operatorShell(join(folder, 'shell'), api.kubeconfig)
    await runProduction(api, authority, shell)
    controller = startSplitController(api)
    prometheus = await startPrometheusStandIn((version) => {
      const percents = [...story.keys()].filter((each) => each <= percentNow()).sort((a, b) => b - a)
      return story.get(percents[0] ?? -1)?.[version] ?? '-'
    })
  })

  afterAll(async () => {
    await controller?.close()
    await prometheus?.end()
    await api?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Nothing of a canary is left, whatever happened. */
  afterEach(async () => {
    expect({
      canary: api.find('deployments', NAMESPACE, 'api-gateway-canary'),
      autoscaler: api.find('horizontalpodautoscalers', NAMESPACE, 'api-gateway-canary-hpa'),
      budget: api.find('poddisruptionbudgets', NAMESPACE, 'api-gateway-canary-pdb'),
      split: api.find('trafficsplits', NAMESPACE, 'api-gateway-split'),
      weights: [...new Set(routeWeights(api))],
    }).toEqual({ canary: null, autoscaler: null, budget: null, split: null, weights: [ALL_STABLE] })
  })

  test('a rehearsal says what it would type, and changes nothing', async () => {
    tell(`0 | - | ${GOOD}`)
    const before = api.asked.filter((ask) => !/^(get|list|watch) /.test(ask)).length
    const { status, text } = await canary('run', '--version', SECOND, '--dry-run')
    expect(status).toBe(0)
    for (const line of [
      'apply -k',
      '"weight":10',
      '"weight":60',
      'rollout status deployment/audit-service',
      'delete trafficsplit',
    ]) {
      expect(text).toContain(line)
    }
    expect(api.asked.filter((ask) => !/^(get|list|watch) /.test(ask))).toHaveLength(before)
  })

  test('does not begin where nothing can be watched, or what runs is what is wanted', async () => {
    tell('0 | - | -')
    expect(await canary('run', '--version', SECOND)).toMatchObject({
      status: 1,
      errors: 'not begun: nothing could be watched: Prometheus knows no request of the gateway that runs\n',
    })
    tell(`0 | - | ${GOOD}`)
    expect((await canary('run', '--version', FIRST)).errors).toContain('is what the gateway runs already')
    expect((await canary('run', '--version', '1.3.0; rm')).errors).toContain('It must be a tag')
    expect(record()).toBeNull()
  })

  test('bad at 30 %: withdrawn, and the five services were never touched', async () => {
    tell(`0 | - | ${GOOD}
          10 | ${GOOD} | ${GOOD}
          30 | 600 60 41 | ${GOOD}`)
    const before = services()
    const { status, report } = await canary('run', '--version', SECOND)
    expect(status).toBe(2)
    expect(report).toMatchObject({
      outcome: 'withdrawn',
      stage: 30,
      previousVersion: FIRST,
      changed: ['canary', 'split'],
      undone: ['the canary has 0 %', 'the split is deleted', 'the canary is deleted'],
      left: [],
    })
    expect(report.reason).toContain('10 % of requests failed')
    expect(services()).toEqual(before)
    expect(record()?.phase).toBe('withdrawn')
  })

  test('nothing seen of the canary: withdrawn', async () => {
    tell(`0 | - | ${GOOD}`)
    const { status, report } = await canary('run', '--version', SECOND)
    expect(`${status} ${report.reason}`).toMatch(/^2 nothing has been seen of the canary for /)
  })

  test('a Prometheus that goes away in the middle is nothing seen', async () => {
    tell(`0 | - | ${GOOD}
          10 | away | away`)
    const { status, report } = await canary('run', '--version', SECOND)
    expect(`${status} ${report.reason}`).toMatch(/^2 nothing has been seen of the canary and of the stable version/)
  })

  test('an image that nobody pushed never gets a request', async () => {
    tell(`0 | - | ${GOOD}`)
    const { status, report } = await canary('run', '--version', NEVER_BUILT, '--rollout-minutes', '0.03')
    expect(`${status} ${report.reason}`).toMatch(/^2 kubectl rollout status deployment\/api-gateway-canary: /)
    expect(report.changed).toEqual(['canary'])
  })

  test('a pod that is restarted under traffic: withdrawn', async () => {
    tell(`0 | - | ${GOOD}
          10 | 3 0 41 | ${GOOD}`)
    const running = start('run', '--version', SECOND, '--wait-minutes', '5')
    await until('the canary has 10 %', SOON_MS, () => percentNow() === 10)
    const pod = api.list('pods', NAMESPACE).find(({ metadata }) => metadata.labels?.app === 'api-gateway-canary')
    const [status] = listAt(pod ?? null, 'status', 'containerStatuses')
    api.put({
      ...(pod as ApiObject),
      status: { ...treeAt(pod ?? null, 'status'), containerStatuses: [{ ...status, restartCount: 1 }] },
    })
    const ended = await running.ended
    expect(`${ended.status} ${ended.report.reason}`).toBe('2 its pods have been restarted once')
  })

  test('a pipeline that is cancelled withdraws what it began', async () => {
    tell(`0 | - | ${GOOD}
          10 | 3 0 41 | ${GOOD}`)
    const running = start('run', '--version', SECOND, '--wait-minutes', '5')
    await until('the canary has 10 %', SOON_MS, () => percentNow() === 10)
    running.child.kill('SIGTERM')
    const { status, report } = await running.ended
    expect(`${status} ${report.reason}`).toBe('2 it was stopped: SIGTERM')
  })

  test('a machine that dies leaves a record: a second run is refused, and another machine goes on or aborts', async () => {
    tell(`0 | - | ${GOOD}
          10 | 3 0 41 | ${GOOD}`)
    const running = start('run', '--version', SECOND, '--wait-minutes', '5')
    await until('the canary has 10 %', SOON_MS, () => percentNow() === 10)
    running.child.kill('SIGKILL')
    await running.ended
    expect(percentNow()).toBe(10)
    expect((await canary('run', '--version', SECOND)).errors).toContain(
      'a run of 1.3.0 is open at 10 %: resume or abort it first',
    )
    const resumed = start('resume', '--wait-minutes', '5')
    await until('it is taken over', SOON_MS, () => resumed.said().includes('the canary has 10 %'))
    expect(await canary('abort', '--reason', 'somebody was woken')).toMatchObject({
      status: 0,
      report: { outcome: 'undone' },
    })
    // Whoever watched stops, and does nothing more.
    expect(await resumed.ended).toMatchObject({
      status: 3,
      report: { reason: 'somebody else has taken this run over' },
    })
    expect(record()).toMatchObject({ phase: 'withdrawn', reason: 'somebody was woken' })
    expect(await canary('abort')).toMatchObject({ status: 0, report: { reason: 'there is no run to abort' } })
  })

  test('a controller that is away does not keep a bad canary in traffic', async () => {
    tell(`0 | - | ${GOOD}
          10 | 3 0 41 | ${GOOD}`)
    const running = start('run', '--version', SECOND, '--wait-minutes', '5', '--split-seconds', '1')
    await until('the canary has 10 %', SOON_MS, () => percentNow() === 10)
    await controller.close()
    tell('0 | 40 40 41 | -')
    const { status, report } = await running.ended
    expect(`${status} ${report.reason}`).toBe('2 100 % of its 40 requests failed')
    controller = startSplitController(api)
  })

  test('a cluster that is away when the canary turns bad: it says what is left, and another run takes it back later', async () => {
    tell(`0 | - | ${GOOD}
          10 | 3 0 41 | ${GOOD}`)
    const running = start('run', '--version', SECOND, '--wait-minutes', '5', '--split-seconds', '1')
    await until('it watches', SOON_MS, () => /10 % {2}watch/.test(running.said()))
    await api.stop()
    tell('0 | 40 40 41 | -')
    const { status, report, errors } = await running.ended
    await api.start()
    expect(`${status} ${report.outcome}: ${report.reason}`).toBe('3 stuck: 100 % of its 40 requests failed')
    expect(errors).toContain('not done: the canary has 0 %')
    expect(errors).toContain('the canary was left where it is, because it may still have traffic')
    expect((await canary('undo')).errors).toContain('not begun: the last run, of 1.3.0, is open')
    expect(await canary('abort')).toMatchObject({ status: 0, report: { outcome: 'undone', left: [] } })
  })

  test('a release whose last service does not come up is rolled back, the services one by one', async () => {
    tell(`0 | ${GOOD} | ${GOOD}`)
    const before = services()
    const { status, report } = await canary('run', '--version', HALF_BUILT, '--manifests', await withBrokenAudit())
    expect(`${status} ${report.reason}`).toMatch(/^2 kubectl rollout status deployment\/audit-service: /)
    expect(report.undone).toEqual([
      'the canary has 0 %',
      ...SERVICES.map((service) => `${service} is back at ${FIRST}`),
      'the split is deleted',
      'the canary is deleted',
    ])
    expect(images()).toEqual(SERVICES.map((service) => before[service]?.image))
  })

  test('good all the way: everybody has it; the way back is kept, and touches what this run gave and nothing else', async () => {
    tell(`0 | ${GOOD} | ${GOOD}`)
    const { status, report, text } = await canary('run', '--version', SECOND)
    console.log(text.replace(/^/gm, '  '))
    expect(status).toBe(0)
    expect(report).toMatchObject({ outcome: 'promoted', version: SECOND, previousVersion: FIRST, stage: 100, left: [] })
    expect(report.decisions.filter(({ action }) => action === 'advance').map(({ stage }) => stage)).toEqual([
      10, 30, 60,
    ])
    expect(new Set(images())).toEqual(new Set([`${REPOSITORY}:${SECOND}`]))

    expect(await canary('watch', '--minutes', '0.01')).toMatchObject({ status: 0, report: { outcome: 'good' } })
    tell(`0 | - | 600 60 41`)
    expect(await canary('watch', '--minutes', '0.01')).toMatchObject({ status: 2, report: { outcome: 'bad' } })

    await typed(`kubectl set image deployment/cache-service service=${REPOSITORY}:1.3.1 -n ${NAMESPACE}`)
    const undone = await canary('undo')
    expect(undone).toMatchObject({ status: 0, report: { outcome: 'undone', previousVersion: FIRST } })
    const others = SERVICES.filter((service) => service !== 'cache-service')
    expect(undone.report.undone).toEqual(others.map((service) => `${service} is back at ${FIRST}`))
    expect(Object.fromEntries(SERVICES.map((service, at) => [service, images()[at]]))).toEqual({
      ...Object.fromEntries(others.map((service) => [service, `${REPOSITORY}:${FIRST}`])),
      'cache-service': `${REPOSITORY}:1.3.1`,
    })
    expect((await canary('undo')).errors).toContain('not begun: the last run, of 1.3.0, is withdrawn')
  })

  // ---- what the tests are made of

  function tell(text: string): void {
    story = new Map(
      text.split('\n').map((line) => {
        const [percent = '', canary = '', stable = ''] = line.split('|').map((part) => part.trim())
        return [Number(percent), { canary, stable }]
      }),
    )
  }

  function percentNow(): number {
    return Number(/canary (\d+)/.exec(routeWeights(api)[0] ?? '')?.[1] ?? 0)
  }

  async function typed(command: string): Promise<void> {
    const { status, stdout, stderr } = await shell.type(command)
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
  }

  const services = () =>
    Object.fromEntries(
      SERVICES.map((service) => {
        const deployment = api.find('deployments', NAMESPACE, service)
        const image = String(listAt(deployment, 'spec', 'template', 'spec', 'containers')[0]?.image)
        return [service, { image, revision: deployment?.metadata.annotations?.['deployment.kubernetes.io/revision'] }]
      }),
    )
  const images = () => SERVICES.map((service) => services()[service]?.image)

  function record(): RunRecord | null {
    const found = api.find('configmaps', NAMESPACE, 'api-gateway-canary-run')
    return found === null ? null : (JSON.parse(String(treeAt(found, 'data')['record.json'])) as RunRecord)
  }

  /** Manifests in which the audit service waits for a Secret that nobody makes. */
  async function withBrokenAudit(): Promise<string> {
    const file = 'infrastructure/kubernetes/base/audit-service.yaml'
    await typed(`sed -i 's/secretName: audit-service-internal-tls/secretName: nobody-makes-this/' ${file}`)
    return join(folder, 'shell/project/infrastructure/kubernetes')
  }

  function start(command: string, ...words: string[]) {
    const needsFigures = ['run', 'resume', 'watch'].includes(command)
    const given = needsFigures ? ['--prometheus', prometheus.url, ...QUICK] : QUICK.slice(-4)
    return startCanaryProgram(folder, api, [command, ...given, ...words])
  }

  const canary = (command: string, ...words: string[]) => start(command, ...words).ended
})
