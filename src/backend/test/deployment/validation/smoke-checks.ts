// The smoke tests: in a few seconds, whether a deployment is there, is the one that was deployed, and gives a price that holds together and
// is on the record.
import { headerFaults, refusalFaults } from './answer-faults.ts'
import { type Check, expectThat, NotOffered } from './check.ts'
import type { Answer, Engine } from './engine.ts'
import { priceFaults } from './price-faults.ts'

export const SERVICES = ['api-gateway', 'calculation-service', 'data-service', 'cache-service', 'audit-service']
/** What one process that is all of them calls itself. */
const ONE_PROCESS = 'all-in-one'

export const LOAN_DAYS = 30
export const POSITION_VALUE = '50000.00'
/** A quote is asked so often, and the one in the middle counts. */
const LATENCY_QUOTES = 5
const OPENAPI_VERSION = /^3\.1\./

export const alive: Check = {
  group: 'health',
  name: 'the gateway is alive',
  expected: '200 from /health with the status ok',
  run: async (engine) => {
    const answer = await engine.ask('/health')
    expectStatus(answer, 200)
    const { status, service, version } = answer.json
    expectThat(status === 'ok', `the status is ${status}`)
    return `${service} ${version}`
  },
}

export const rightVersion: Check = {
  group: 'health',
  name: 'it is the version that was deployed',
  expected: 'the version that was given, in /health',
  run: async (engine) => {
    const answer = await engine.ask('/health')
    expectStatus(answer, 200)
    const { version } = answer.json
    expectThat(engine.version === null || version === engine.version, `version ${version}, not ${engine.version}`)
    return version
  },
}

const components: Check = {
  group: 'health',
  name: 'all that the gateway stands on is up',
  expected: 'the status ok and every component up, in /health/details',
  run: async (engine) => {
    const answer = await engine.ask('/health/details')
    expectStatus(answer, 200)
    const all = Object.entries(answer.json.components as Record<string, { state: string }>)
    const down = all.filter(([, { state }]) => state !== 'up').map(([name]) => name)
    expectThat(down.length === 0, `down: ${down.join(', ')}`)
    expectThat(answer.json.status === 'ok', `the status is ${answer.json.status}`)
    return `${all.length} components`
  },
}

export const services: Check = {
  group: 'health',
  name: 'all five services answer',
  expected: `each of ${SERVICES.join(', ')} with the state ok, in one version`,
  keys: ['quoting'],
  run: async (engine) => {
    const answer = await engine.ask('/api/v1/operations', { as: engine.hasKey('auditing') ? 'auditing' : 'quoting' })
    if (answer.status === 403) throw new NotOffered("a broker's key may not ask how the services are")
    expectStatus(answer, 200)
    const lines = answer.json.services as { service: string; state: string; version: string }[]
    const ill = lines.filter(({ state }) => state !== 'ok').map(({ service, state }) => `${service} is ${state}`)
    expectThat(ill.length === 0, ill.join(', '))
    if (engine.mayBeOneProcess && lines.length === 1 && lines[0]?.service === ONE_PROCESS) return 'all in one process'
    const named = lines.map(({ service }) => service)
    const missing = SERVICES.filter((service) => !named.includes(service))
    expectThat(missing.length === 0, `there is no word of ${missing.join(', ')}`)
    const versions = [...new Set(lines.map(({ version }) => version))]
    expectThat(versions.length === 1, `versions ${versions.join(' and ')}`)
    return `version ${versions[0]}`
  },
}

const documentation: Check = {
  group: 'documentation',
  name: 'the page where the API is read is there',
  expected: '200 and a page from /docs',
  run: async (engine) => {
    const answer = await engine.ask('/docs')
    expectStatus(answer, 200)
    expectThat(/^text\/html/.test(answer.headers.get('content-type') ?? ''), 'it is no page')
    return undefined
  },
}

const contract: Check = {
  group: 'documentation',
  name: 'the contract is there',
  expected: 'OpenAPI 3.1 from /openapi.json, with the quote among its paths',
  run: async (engine) => {
    const answer = await engine.ask('/openapi.json')
    expectStatus(answer, 200)
    const { openapi, paths } = answer.json
    expectThat(OPENAPI_VERSION.test(String(openapi)), `openapi is ${openapi}`)
    expectThat('/api/v1/calculate-locate' in (paths ?? {}), 'the quote is not among its paths')
    return `${Object.keys(paths).length} paths`
  },
}

const unauthenticated: Check = {
  group: 'access',
  name: 'whoever shows no key is refused',
  expected: '401 UNAUTHORIZED in the documented shape, for a rate and for a quote',
  run: async (engine) => {
    for (const answer of [
      await engine.ask(`/api/v1/rates/${engine.ticker}`),
      await engine.ask('/api/v1/calculate-locate', { body: quoteBody(engine) }),
    ]) {
      const faults = refusalFaults(answer, 401, 'UNAUTHORIZED')
      expectThat(faults.length === 0, faults.join('; '))
    }
    return undefined
  },
}

const headers: Check = {
  group: 'access',
  name: 'answers carry the headers that protect who reads them',
  expected: 'X-Request-ID, nosniff, X-Frame-Options, a CSP and HSTS of half a year, no Server',
  run: async (engine) => {
    const faults = headerFaults((await engine.ask('/api/v1/config', { as: 'quoting' })).headers)
    expectThat(faults.length === 0, faults.join('; '))
    return undefined
  },
}

export const price: Check = {
  group: 'quotes',
  name: 'a price adds up to the last digit',
  expected: 'parts that make the total, steps that go on from each other, a cost that the rate gives',
  keys: ['quoting'],
  run: async (engine) => {
    const answer = await quote(engine)
    const faults = priceFaults(answer.json, LOAN_DAYS)
    expectThat(faults.length === 0, faults.join('; '))
    return `${engine.ticker}: ${answer.json.total_fee} USD`
  },
}

const onTheRecord: Check = {
  group: 'records',
  name: 'a price is on the record as soon as it is given',
  expected: 'the record under its audit_id, with the same total',
  keys: ['quoting', 'auditing'],
  run: async (engine) => {
    const { audit_id, total_fee } = (await quote(engine)).json
    const answer = await engine.ask(`/api/v1/audit/${encodeURIComponent(audit_id)}`, { as: 'auditing' })
    expectStatus(answer, 200)
    const recorded = answer.json.record?.result?.total_fee
    expectThat(recorded === total_fee, `the total was ${total_fee}, and is ${recorded} on the record`)
    return audit_id
  },
}

export const rate: Check = {
  group: 'rates',
  name: 'a rate can be read',
  expected: '200 with a rate and where each input came from',
  keys: ['quoting'],
  run: async (engine) => {
    const answer = await engine.ask(`/api/v1/rates/${engine.ticker}`, { as: 'quoting' })
    expectStatus(answer, 200)
    const { current_rate, borrow_status, data_sources } = answer.json
    expectThat(Number(current_rate) > 0, `the rate is ${current_rate}`)
    const nameless = ['base_rate', 'volatility', 'event_risk'].filter((name) => !data_sources?.[name]?.source)
    expectThat(nameless.length === 0, `no source is named for ${nameless.join(', ')}`)
    return `${current_rate}, ${borrow_status}`
  },
}

export const latency: Check = {
  group: 'quotes',
  name: 'a price comes in time',
  expected: 'the one in the middle of five within the time that was given',
  keys: ['quoting'],
  advisory: true,
  run: async (engine) => {
    const times: number[] = []
    for (let count = 0; count < LATENCY_QUOTES; count += 1) times.push((await quote(engine)).ms)
    const middle = times.sort((a, b) => a - b)[Math.floor(LATENCY_QUOTES / 2)] as number
    expectThat(middle <= engine.latencyMs, `${middle} ms; ${engine.latencyMs} ms were given`)
    return `${middle} ms`
  },
}

const feedsKnown: Check = {
  group: 'feeds',
  name: 'the feeds deliver',
  expected: 'every feed up, in /health/external',
  advisory: true,
  run: feedsUp,
}

export const SMOKE_CHECKS: readonly Check[] = [
  alive,
  rightVersion,
  components,
  services,
  unauthenticated,
  headers,
  price,
  onTheRecord,
  rate,
  latency,
  feedsKnown,
  documentation,
  contract,
]

/** Every feed has a state, and it is up. */
export async function feedsUp(engine: Engine): Promise<string> {
  const answer = await engine.ask('/health/external')
  expectStatus(answer, 200)
  const feeds = Object.entries((answer.json.feeds ?? {}) as Record<string, { state?: string; provider?: string }>)
  const missing = ['lender', 'volatility', 'events'].filter((name) => !feeds.some(([feed]) => feed === name))
  expectThat(missing.length === 0, `there is no word of ${missing.join(', ')}`)
  const down = feeds.filter(([, { state }]) => state !== 'up')
  expectThat(
    down.length === 0,
    down.map(([name, { state, provider }]) => `${name} (${provider}) is ${state}`).join(', '),
  )
  return feeds.map(([name, { provider }]) => `${name}: ${provider}`).join(', ')
}

export function quoteBody({ ticker, clientId }: Pick<Engine, 'ticker' | 'clientId'>): Record<string, unknown> {
  return { ticker, position_value: POSITION_VALUE, loan_days: LOAN_DAYS, client_id: clientId }
}

/** @throws Unexpected with the refusal */
export async function quote(engine: Engine, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const answer = await engine.ask('/api/v1/calculate-locate', { as: 'quoting', body: quoteBody(engine), headers })
  expectStatus(answer, 200)
  return answer
}

/** A refusal in place of what was asked for is shown with its sentence. */
export function expectStatus(answer: Answer, status: number): void {
  expectThat(answer.status === status, () => {
    const said = /"error":"([^"]*)"/.exec(answer.text)?.[1]
    const request = answer.headers.get('x-request-id')
    return `HTTP ${answer.status}${said ? `: ${said}` : ''}${request ? ` (request ${request})` : ''}`
  })
}
