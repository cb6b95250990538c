// What a client of the gateway gets of a canary: the guide's splits are typed into kubectl, the controller writes the route, and a real
// HAProxy with the route's weights divides a thousand requests between two gateways.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { temporaryFolder } from '../postgres.ts'
import { until } from '../until.ts'
import { applyRoute, NAMESPACE, ROUTE, type RunningController, routeWeights, startController } from './gateway-route.ts'
import { guideLines, type OperatorShell, operatorShell } from './guide-kubectl.ts'
import { type Haproxy, HOW_TO_GET_HAPROXY, haproxyFoundOrInstalled, startHaproxy } from './haproxy.ts'
import { listAt } from './kubernetes-api/api-object.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { withoutKubectl } from './manifests.ts'

const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
const SERVICES = ['api-gateway-stable', 'api-gateway-canary'] as const
const REQUESTS = 1000
const SOON_MS = 15_000

const hasHaproxy = haproxyFoundOrInstalled()
if (!hasHaproxy) console.warn(`\nThe canary's requests are not counted: there is no HAProxy. ${HOW_TO_GET_HAPROXY}\n`)

const lines = guideLines()
let authority: Authority
let api: KubernetesApi
let controller: RunningController
let haproxy: Haproxy
let folder: string
let shell: OperatorShell
const gateways: Server[] = []
const agent = new Agent({ connections: 4 })

describe.skipIf(withoutKubectl() || !hasOpenssl || !hasHaproxy)('a thousand requests through a canary', () => {
  beforeAll(async () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`there is no build to run:\n${stdout}${stderr}`)
    folder = temporaryFolder('canary-split')
    authority = certificateAuthority()
    api = await startKubernetesApi({ imageOf: () => null, tls: authority.sign('kubernetes') })
    shell = operatorShell(join(folder, 'shell'), api.kubeconfig)
    await applyRoute(shell)
    controller = await startController(api, api.serviceAccount(NAMESPACE, 'traffic-split-controller'))
    const ports = new Map<string, number>()
    for (const service of SERVICES) ports.set(service, await startGateway(service))
    haproxy = await startHaproxy(folder, ports)
  })

  afterAll(async () => {
    await agent.close()
    await haproxy?.end()
    await controller?.end()
    for (const gateway of gateways) gateway.close()
    await api?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    ['before there is a split', null, { 'api-gateway-stable': 1000 }],
    ["with the guide's split of 10 %", 'canary-10', { 'api-gateway-stable': 900, 'api-gateway-canary': 100 }],
    ["with the guide's split of 30 %", 'canary-30', { 'api-gateway-stable': 700, 'api-gateway-canary': 300 }],
    ['when the split is deleted', 'delete', { 'api-gateway-stable': 1000 }],
  ])('%s', async (_, step, expected) => {
    if (step !== null) {
      const command = lines.get(step) ?? `kubectl delete trafficsplit api-gateway-split -n ${NAMESPACE}`
      expect(await shell.type(command)).toMatchObject({ status: 0 })
    }
    const percent = (service: keyof typeof expected) => (expected[service] ?? 0) / 10
    const wanted = SERVICES.map((service) => `${service} ${percent(service as keyof typeof expected)}`).join(', ')
    await until(`the route has ${wanted}`, SOON_MS, () => routeWeights(api).every((weights) => weights === wanted))
    for (const [service, weight] of weightsOfRoute()) await haproxy.setWeight(service, weight)
    expect(await count()).toEqual(expected)
  })

  /** Of the rule whose weights all rules have. */
  function weightsOfRoute(): [string, number][] {
    const rules = listAt(api.find('httproutes', NAMESPACE, ROUTE), 'spec', 'rules')
    const refs = rules.map((rule) => listAt(rule, 'backendRefs')).find((backendRefs) => backendRefs.length > 0) ?? []
    return refs.map(({ name, weight }) => [String(name), Number(weight)])
  }

  async function count(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const answer = await request(haproxy.url, { dispatcher: agent })
      const service = await answer.body.text()
      counts[service] = (counts[service] ?? 0) + 1
    }
    return counts
  }
})

/** Says who it is. */
async function startGateway(service: string): Promise<number> {
  const server = createServer((_, response) => response.end(service))
  gateways.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
