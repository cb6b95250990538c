// Under production's NetworkPolicies the real services do all that they have to, and when one connection is cut they say so and stay alive:
// five processes, each behind the firewall of its pod, asked through the load balancer as clients ask them.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasOpenssl } from '../certificates.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFoundOrInstalled } from '../pgbouncer-found.ts'
import { howToGetPostgres, testBinaries } from '../postgres-found.ts'
import { HOW_TO_GET_REDIS, redisFoundOrInstalled } from '../redis-found.ts'
import { until } from '../until.ts'
import { withoutKubectl } from './manifests.ts'
import { type DeployedServices, deployServices, LENDER, SERVICE_ROLES } from './network/deployed-services.ts'
import { firewallOf, OPEN_FIREWALL } from './network/firewall.ts'
import { type Listener, startListener } from './network/listeners.ts'
import { makeNetwork, type Network, namespacesMissing } from './network/namespaces.ts'
import { builtAs, PLACES } from './network/places.ts'

const INTEGRATION = fileURLToPath(new URL('../../../test/scripts/run_integration_tests.sh', import.meta.url))
/** As the load balancer reaches it. */
const GATEWAY = 'https://api-gateway:8444'
/** Whoever a price passes through. */
const TRACED = ['api-gateway', 'calculation-service', 'data-service']
const START_WAIT_MS = 60_000
/** A component that does not answer counts as away after 2 s. */
const NOTICE_WAIT_MS = 20_000
/** All the waits of a test that cuts and heals. */
const CUT_TEST_MS = 120_000

const missing = whatIsMissing()
if (missing !== null) console.warn(`The services are not tried under the network policies: ${missing}`)

function whatIsMissing(): string | null {
  if (withoutKubectl()) return 'there is no kubectl'
  if (testBinaries() === null) return howToGetPostgres()
  if (!redisFoundOrInstalled()) return HOW_TO_GET_REDIS
  if (!pgbouncerFoundOrInstalled()) return HOW_TO_GET_PGBOUNCER
  return hasOpenssl ? namespacesMissing() : 'there is no openssl'
}

describe.skipIf(missing !== null)('under the network policies of prod', () => {
  let network: Network
  let services: DeployedServices
  let client: Listener
  let prometheus: Listener
  beforeAll(async () => {
    network = await makeNetwork(PLACES, { 'server on the internet': [LENDER] })
    const built = builtAs('prod')
    await Promise.all(
      PLACES.map(({ name }) => {
        const pod = built.podAt(name)
        return network.firewall(name, pod === undefined ? OPEN_FIREWALL : firewallOf(pod, built.cluster))
      }),
    )
    services = await deployServices(network)
    client = await startListener(network, 'load balancer', [], services.caFile)
    prometheus = await startListener(network, 'prometheus', [])
    await until('all five are healthy', START_WAIT_MS, async () => {
      const statuses = await Promise.all(NAMES.map(async (name) => (await details(name)).status))
      return statuses.every((status) => status === 'ok')
    }).catch((error) => {
      throw new Error(`${error.message}\n${NAMES.map((name) => services.log(name).slice(-800)).join('\n')}`)
    })
  })
  afterAll(async () => {
    await Promise.all([client?.stop(), prometheus?.stop()])
    await services?.stop()
    await network?.remove()
  })

  const NAMES = Object.keys(SERVICE_ROLES)
  const key = (name: string) => services.keys.find((one) => one.name === name)?.apiKey ?? ''

  /** As Prometheus reaches them. */
  async function details(service: string): Promise<{ status: string; components: Record<string, { state: string }> }> {
    const { status, text } = await prometheus.get(`http://${service}:8000/health/details`)
    return status === 200 ? JSON.parse(text) : { status: `${status} ${text}`, components: {} }
  }

  function quote() {
    return client.get(`${GATEWAY}/api/v1/calculate-locate`, {
      headers: { 'x-api-key': key('desk'), 'content-type': 'application/json' },
      body: { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' },
    })
  }

  test('a quote is answered, from a rate that the lender on the internet gave', async () => {
    const rate = await client.get(`${GATEWAY}/api/v1/rates/GME?use_cache=false`, {
      headers: { 'x-api-key': key('desk') },
    })
    expect(JSON.parse(rate.text).data_sources.base_rate).toMatchObject({
      provider: expect.stringContaining(LENDER),
      value: 0.0321,
    })
    const { status, text } = await quote()
    expect(status, text).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ status: 'success', client_id: 'demo-classic' })
  })

  test('metrics of each are collected', async () => {
    for (const name of NAMES) {
      const { status, text } = await prometheus.get(`http://${name}:8000/metrics`)
      expect(status, name).toBe(200)
      expect(text).toContain('process_resident_memory_bytes')
    }
  })

  test('records are sealed and their heads go to storage; traces of all arrive', async () => {
    expect((await quote()).status).toBe(200)
    await until('a head is in storage', NOTICE_WAIT_MS, () => services.storage.requests('PutObject') > 0)
    // Its own health says the same.
    expect((await details('audit-service')).components.exported_heads).toMatchObject({ state: 'up' })
    await until('traces came', NOTICE_WAIT_MS, () => services.tracesOf().size >= TRACED.length)
    expect([...services.tracesOf()]).toEqual(expect.arrayContaining(TRACED))
  })

  test('all integration tests pass, run from where the load balancer is', async () => {
    const [program, ...words] = network.on('load balancer')
    const asked = ['--environment', 'staging', '--client-id', 'demo-classic', '--strict']
    const { status, text } = await new Promise<{ status: number; text: string }>((done) => {
      const env = {
        PATH: process.env.PATH ?? '',
        BASE_URL_STAGING: GATEWAY,
        NODE_EXTRA_CA_CERTS: services.caFile,
        BORROW_RATE_API_KEY: key('desk'),
        BORROW_RATE_AUDITOR_KEY: key('auditor'),
        BORROW_RATE_ADMIN_KEY: key('admin'),
      }
      execFile(program, [...words, INTEGRATION, ...asked], { env }, (error, stdout, stderr) =>
        done({ status: error === null ? 0 : Number(error.code), text: stdout + stderr }),
      )
    })
    expect(text).toMatch(/ 0 failed, in /)
    expect(status, text).toBe(0)
  })

  test(
    'cut off from its database, each stays alive and says what is away; healed, all is as before',
    async () => {
      await network.cut('pgbouncer', 'database')
      try {
        const withDatabase = ['api-gateway', 'data-service', 'audit-service']
        await until('they notice', NOTICE_WAIT_MS, async () => {
          const all = await Promise.all(withDatabase.map(details))
          return all.every(({ components }) => components.database?.state === 'down')
        })
        for (const name of NAMES) {
          expect((await prometheus.get(`http://${name}:8000/health`)).status, name).toBe(200)
        }
        for (const name of withDatabase) expect((await details(name)).status).toBe('degraded')
        // No price leaves that is not on the record.
        const refused = await quote()
        expect(refused.status).toBe(503)
        expect(JSON.parse(refused.text)).toMatchObject({ status: 'error' })
      } finally {
        await network.heal('pgbouncer', 'database')
      }
      await until('prices are given again', START_WAIT_MS, async () => (await quote()).status === 200)
      await until('all is well again', NOTICE_WAIT_MS, async () => (await details('api-gateway')).status === 'ok')
    },
    CUT_TEST_MS,
  )

  test(
    'without Redis prices are given all the same, and whoever misses it says so',
    async () => {
      await Promise.all(NAMES.map((name) => network.cut(name, 'redis')))
      try {
        await until(
          'they notice',
          NOTICE_WAIT_MS,
          async () => (await details('api-gateway')).components.redis?.state === 'down',
        )
        expect((await quote()).status).toBe(200)
        expect((await prometheus.get('http://api-gateway:8000/health')).status).toBe(200)
      } finally {
        await Promise.all(NAMES.map((name) => network.heal(name, 'redis')))
      }
      await until('all is well again', NOTICE_WAIT_MS * 2, async () => (await details('api-gateway')).status === 'ok')
    },
    CUT_TEST_MS,
  )

  test(
    'a gateway that is cut off from the calculation service refuses, and tells of no other',
    async () => {
      await network.cut('api-gateway', 'calculation-service')
      try {
        await until('it notices', NOTICE_WAIT_MS, async () => {
          const { components } = await details('api-gateway')
          return components.calculation_service?.state === 'down'
        })
        expect((await quote()).status).toBe(503)
        const { status, components } = await details('api-gateway')
        expect(status).toBe('degraded')
        expect(components).toMatchObject({ data_service: { state: 'up' }, audit_service: { state: 'up' } })
      } finally {
        await network.heal('api-gateway', 'calculation-service')
      }
      await until('prices are given again', START_WAIT_MS, async () => (await quote()).status === 200)
    },
    CUT_TEST_MS,
  )
})
