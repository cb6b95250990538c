// The canary's controller as it runs in the cluster: a process of its own with the rights that the manifests give its service account,
// on the manifests' route, while the guide's splits are typed into kubectl and the API does what an API may do to its clients.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { temporaryFolder } from '../postgres.ts'
import { until } from '../until.ts'
import { applyRoute, NAMESPACE, ROUTE, type RunningController, routeWeights, startController } from './gateway-route.ts'
import { guideLines, type OperatorShell, operatorShell } from './guide-kubectl.ts'
import { type ApiObject, treeAt } from './kubernetes-api/api-object.ts'
import { type KubernetesApi, type ServiceAccountAccess, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { withoutKubectl } from './manifests.ts'

const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
const SOON_MS = 15_000
const SERVICE_ACCOUNT = 'traffic-split-controller'

const lines = guideLines()
const ALL_STABLE = 'api-gateway-stable 100, api-gateway-canary 0'
const TEN_PERCENT = 'api-gateway-stable 90, api-gateway-canary 10'
const THIRTY_PERCENT = 'api-gateway-stable 70, api-gateway-canary 30'

let authority: Authority
let api: KubernetesApi
let access: ServiceAccountAccess
let folder: string
let shell: OperatorShell
const controllers: RunningController[] = []

if (!hasOpenssl) console.warn('\nThe traffic split is not run: there is no openssl (apt-get install -y openssl)\n')

describe.skipIf(withoutKubectl() || !hasOpenssl)('a TrafficSplit becomes the weights of the HTTPRoute', () => {
  beforeAll(async () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`there is no build to run:\n${stdout}${stderr}`)
    folder = temporaryFolder('traffic-split')
    authority = certificateAuthority()
    api = await startKubernetesApi({ imageOf: () => null, tls: authority.sign('kubernetes') })
    shell = operatorShell(join(folder, 'shell'), api.kubeconfig)
    await applyRoute(shell)
    access = api.serviceAccount(NAMESPACE, SERVICE_ACCOUNT)
    controllers.push(await startController(api, access))
  })

  afterAll(async () => {
    for (const controller of controllers) await controller.end()
    await api?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const typed = async (command: string) => {
    const { status, stdout, stderr } = await shell.type(command)
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
    return stdout
  }
  const guide = (name: string) => typed(lines.get(name) as string)
  const weightsAre = (weights: string) =>
    until(`the weights are ${weights}, not ${routeWeights(api)}`, SOON_MS, () => {
      const rules = routeWeights(api)
      return rules.length > 0 && rules.every((rule) => rule === weights)
    })
  const eventsOf = (reason: string) =>
    api
      .list('events', NAMESPACE)
      .filter((event) => event.reason === reason)
      .map(({ message }) => String(message))
  const putSplit = (name: string, service: string, ...weights: [string, unknown][]) =>
    api.put({
      apiVersion: 'split.smi-spec.io/v1alpha1',
      kind: 'TrafficSplit',
      metadata: { name, namespace: NAMESPACE },
      spec: { service, backends: weights.map(([backend, weight]) => ({ service: backend, weight })) },
    } as ApiObject)

  test("the guide's 10 %, then 30 %, then none: all to the stable one", async () => {
    await weightsAre(ALL_STABLE)
    await guide('canary-10')
    await weightsAre(TEN_PERCENT)
    await guide('canary-30')
    await weightsAre(THIRTY_PERCENT)
    await until('both are said', SOON_MS, () => eventsOf('TrafficSplitApplied').length === 2)
    expect(eventsOf('TrafficSplitApplied').sort()).toEqual([THIRTY_PERCENT, TEN_PERCENT])
    await typed(`kubectl delete trafficsplit api-gateway-split -n ${NAMESPACE}`)
    await weightsAre(ALL_STABLE)
  })

  test('nothing of the route but weights is changed, and it is written under a name of its own', async () => {
    const before = api.find('httproutes', NAMESPACE, ROUTE)
    await guide('canary-10')
    await weightsAre(TEN_PERCENT)
    const after = api.find('httproutes', NAMESPACE, ROUTE)
    const withoutWeights = (route: ApiObject | null) => JSON.stringify(route?.spec).replace(/,?"weight":\d+/g, '')
    expect(withoutWeights(after)).toBe(withoutWeights(before))
    expect(after?.metadata.managedFields).toContainEqual(
      expect.objectContaining({
        manager: 'traffic-split-controller',
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:rules': {} } },
      }),
    )
  })

  test('a deployment in the middle of a canary puts the weights back, and they are written again', async () => {
    const writes = () => api.asked.filter((ask) => ask === 'patch httproutes').length
    const before = writes()
    await typed("kubectl apply -k infrastructure/kubernetes/overlays/prod -l 'app.kubernetes.io/component!=service'")
    await until('kubectl and the controller have written', SOON_MS, () => writes() >= before + 2)
    await weightsAre(TEN_PERCENT)
  })

  test('a split that does not add up is refused aloud, and the weights stay as they are', async () => {
    putSplit('api-gateway-split', 'api-gateway', ['api-gateway-stable', 90], ['api-gateway-canary', 1])
    const why = 'the weights add up to 91, not to 100: api-gateway-stable 90, api-gateway-canary 1'
    await until('the refusal is said', SOON_MS, () => eventsOf('TrafficSplitRefused').includes(why))
    expect(routeWeights(api).every((rule) => rule === TEN_PERCENT)).toBe(true)
    await expect.poll(() => metric('traffic_split_refused')).toBe(1)
    expect(controllers[0]?.log).toContainEqual(expect.objectContaining({ level: 'error', split: 'api-gateway-split' }))
    const described = await typed(`kubectl get events -n ${NAMESPACE}`)
    expect(described).toContain('TrafficSplitRefused')
    await guide('canary-30')
    await weightsAre(THIRTY_PERCENT)
    // Counted anew once the look that wrote the weights has ended.
    await expect.poll(() => metric('traffic_split_refused')).toBe(0)
  })

  test('two splits of one service, a service that the route does not know, a route that is not there: refused', async () => {
    putSplit('another', 'api-gateway', ['api-gateway-stable', 100])
    await until('that is said', SOON_MS, () =>
      eventsOf('TrafficSplitRefused').some((said) =>
        said.includes('another and api-gateway-split both split api-gateway'),
      ),
    )
    api.remove('trafficsplits', NAMESPACE, 'another')
    putSplit('elsewhere', 'data-service', ['data-service', 100])
    await until('that is said', SOON_MS, () =>
      eventsOf('TrafficSplitRefused').some((said) => said.includes('there is no HTTPRoute data-service')),
    )
    api.remove('trafficsplits', NAMESPACE, 'elsewhere')
    putSplit('api-gateway-split', 'api-gateway', ['api-gateway-stable', 90], ['kanary', 10])
    await until('that is said', SOON_MS, () =>
      eventsOf('TrafficSplitRefused').some((said) => said.includes('does not know kanary')),
    )
    expect(routeWeights(api).every((rule) => rule === THIRTY_PERCENT)).toBe(true)
  })

  test('watches that break, a history that is forgotten, a token that is renewed: the next split is seen', async () => {
    api.cutWatches()
    api.compact()
    await guide('canary-10')
    await weightsAre(TEN_PERCENT)
    access.renew()
    api.cutWatches()
    await guide('canary-30')
    await weightsAre(THIRTY_PERCENT)
  })

  test('an API that is away: weights stay, health says so, and it is found again', async () => {
    await api.stop()
    try {
      await until('the controller says that the cluster is away', SOON_MS, async () => (await details()) === 'down')
      expect((await fetch(`${controllers[0]?.url}/health`)).status).toBe(200)
    } finally {
      await api.start()
    }
    putSplit('api-gateway-split', 'api-gateway', ['api-gateway-stable', 90], ['api-gateway-canary', 10])
    await weightsAre(TEN_PERCENT)
    await until('the controller says that the cluster is there', SOON_MS, async () => (await details()) === 'up')
  })

  test('two at once do no harm: the same weights, each thing said once', async () => {
    controllers.push(await startController(api, access))
    const said = () => eventsOf('TrafficSplitApplied').filter((message) => message === THIRTY_PERCENT).length
    const before = said()
    await guide('canary-30')
    await weightsAre(THIRTY_PERCENT)
    const generation = api.find('httproutes', NAMESPACE, ROUTE)?.metadata.generation
    await until('both have looked', SOON_MS, () => said() > before)
    expect(said()).toBe(before + 1)
    expect(api.find('httproutes', NAMESPACE, ROUTE)?.metadata.generation).toBe(generation)
  })

  test('its rights end at its route: nothing else of the namespace, and nothing elsewhere', async () => {
    const may = async (question: string) =>
      (
        await shell.type(
          `kubectl --token="$(cat ${access.folder}/token)" --kubeconfig=${tokenlessConfig()} ${question}`,
        )
      ).status === 0
    expect(await may(`get httproutes -n ${NAMESPACE}`)).toBe(true)
    expect(await may(`get secrets -n ${NAMESPACE}`)).toBe(false)
    expect(await may(`get trafficsplits -n borrow-rate-engine-dev`)).toBe(false)
    expect(await may(`delete httproute ${ROUTE} -n ${NAMESPACE}`)).toBe(false)
    expect(api.find('httproutes', NAMESPACE, ROUTE)).not.toBeNull()
  })

  test('outside of a pod it says where it belongs', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        fileURLToPath(new URL('../../dist/services/borrow-rate-engine.js', import.meta.url)),
        'traffic-split-controller',
      ],
      {
        env: { PATH: process.env.PATH },
        encoding: 'utf8',
      },
    )
    expect(`${status} ${stderr}`).toContain('1 This runs in a pod of a Kubernetes cluster')
  })

  /** A configuration that knows the cluster and nobody's name. */
  function tokenlessConfig(): string {
    const config = JSON.parse(readFileSync(api.kubeconfig, 'utf8')) as { users: { user: object }[] }
    for (const user of config.users) user.user = {}
    const path = join(folder, 'nobody')
    writeFileSync(path, JSON.stringify(config))
    return path
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${controllers[0]?.url}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${name}{`))
    return Number(line?.split(' ').at(-1))
  }

  async function details(): Promise<unknown> {
    const body = await (await fetch(`${controllers[0]?.url}/health/details`)).json()
    return treeAt(body, 'components', 'kubernetes_api').state
  }
})
