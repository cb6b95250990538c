// For operators: how all services are, in one answer, and how much their logs say.
import { beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { SERVICES } from '../../gateway/operations.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask } from './http.ts'
import { listPlain } from './market.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment({ environment: { DASHBOARD_LINKS: 'Latency=https://grafana.example.com/d/desk' } })
})

type KeyName = keyof Deployment['keys']
const read = (name: KeyName = 'desk') => ask(deployed, { path: '/api/v1/operations', key: deployed.keys[name] })
const put = (body: object, name: KeyName = 'admin') =>
  ask(deployed, { method: 'PUT', path: '/api/v1/log-level', key: deployed.keys[name], body })
const isFive = () => deployed.kind === 'five-services'
interface Line {
  readonly service: string
  readonly state: string
  readonly log_level: string
  readonly log_level_until: string | null
  readonly components: Record<string, { state: string; latency_ms: string }>
}
const lines = async (): Promise<Line[]> => (await read()).json.services

describe('/operations', () => {
  test('has a line for every service, each with its version and what it stands on', async () => {
    const { status, headers, json } = await read('admin')
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('no-store')
    const services = json.services as (Line & { version: string; answered_ms: string })[]
    expect(services.map(({ service }) => service)).toEqual(isFive() ? SERVICES : ['all-in-one'])
    for (const { service, state, version, components, log_level } of services) {
      expect(state, service).toBe('ok')
      expect(version).toMatch(/^\d+\.\d+\.\d+/)
      expect(log_level).toBe('info')
      expect(Object.keys(components).length).toBeGreaterThan(1)
      for (const component of Object.values(components)) expect(component.state).toBe('up')
    }
    expect(json.feeds.lender).toMatchObject({ state: 'up' })
  })

  test('says how fast the services answered, what copies found, what the record waits for, and the quotes of an hour', async () => {
    await listPlain(deployed.database, 'ZZA', '0.05')
    const quotesOf = (answer: { json: { quotes: { per_minute: { count: string }[] } } }) =>
      answer.json.quotes.per_minute.reduce((sum, { count }) => sum + Number(count), 0)
    // Whether all is there is tried with quotes too.
    const before = quotesOf(await read())
    const short = { ticker: 'ZZA', position_value: 1000, loan_days: 30, client_id: 'demo-classic' }
    for (let asked = 0; asked < 4; asked += 1) {
      const { status } = await ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys.desk, body: short })
      expect(status).toBe(200)
    }
    const answer = await read()
    expect(quotesOf(answer)).toBe(before + 4)
    const { json } = answer
    for (const service of isFive() ? ['api-gateway', 'calculation-service', 'data-service'] : ['all-in-one']) {
      const { latency } = json.services.find((line: Line) => line.service === service)
      expect(Number(latency.p50_ms), service).toBeGreaterThan(0)
      expect(Number(latency.p99_ms), service).toBeGreaterThanOrEqual(Number(latency.p50_ms))
      expect(Number(latency.requests_per_second), service).toBeGreaterThan(0)
    }
    // The cache service is asked for nothing but how it is.
    if (isFive()) expect(json.services.find((line: Line) => line.service === 'cache-service').latency).toBeNull()
    const { hit_rate, hits, misses } = json.cache
    expect(Number(hits) + Number(misses)).toBeGreaterThan(0)
    expect(Number(hit_rate)).toBeCloseTo(Number(hits) / (Number(hits) + Number(misses)), 3)
    expect(Object.keys(json.audit)).toEqual(['queue_length', 'unsealed', 'seal_lag_seconds'])
    const minutes = json.quotes.per_minute as { at: string; count: string; p50_ms: string | null }[]
    expect(minutes).toHaveLength(60)
    expect(minutes.map(({ at }) => at)).toEqual(minutes.map(({ at }) => at).sort())
    expect(Date.parse(minutes[59]?.at as string)).toBeLessThanOrEqual(Date.now())
    for (const { count, p50_ms } of minutes) expect(p50_ms === null).toBe(count === '0')
    for (const feed of Object.values(json.feeds)) {
      for (const name of ['provider', 'state', 'breaker', 'last_success', 'age_seconds'])
        expect(feed).toHaveProperty(name)
    }
    expect(json.links).toEqual([{ title: 'Latency', url: 'https://grafana.example.com/d/desk' }])
    await expect.poll(async () => (await read()).json.audit.unsealed, { timeout: 10_000, interval: 500 }).toBe('0')
  })

  test('is read by the typed client', async () => {
    const client = new BorrowRateClient({ baseUrl: deployed.url, apiKey: deployed.keys.auditor })
    const { services, quotes, audit, links } = await client.operations.read()
    expect(services[0]?.latency?.p50_ms).toMatch(/^[0-9.]+$/)
    expect(quotes.per_minute[0]).toEqual({ at: expect.any(String), count: 0, p50_ms: null, p99_ms: null })
    expect(audit?.seal_lag_seconds).toEqual(expect.any(Number))
    expect(links).toHaveLength(1)
  })

  test.each<[KeyName, number]>([
    ['desk', 200],
    ['auditor', 200],
    ['admin', 200],
    ['demo-classic', 403],
  ])('%s gets %i', async (name, status) => {
    expect((await read(name)).status).toBe(status)
  })
})

describe('/log-level', () => {
  test('has a service write more, in all its replicas, for its time; and it is on the record', async () => {
    const before = Date.now()
    const answer = await put({ service: 'data-service', level: 'debug', minutes: 5 })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ status: 'success', service: 'data-service', level: 'debug', minutes: '5' })
    const until = Date.parse(answer.json.until)
    expect(until).toBeGreaterThanOrEqual(before + 5 * 60_000)
    const told = isFive() ? 'data-service' : 'all-in-one'
    await expect
      .poll(async () => (await lines()).find(({ service }) => service === told)?.log_level, { timeout: 2_000 })
      .toBe('debug')
    for (const { service, log_level, log_level_until } of await lines()) {
      expect(log_level, service).toBe(service === told ? 'debug' : 'info')
      expect(log_level_until).toBe(service === told ? answer.json.until : null)
    }
    const found = await ask(deployed, {
      path: '/api/v1/audit?record_type=log_level_changed',
      key: deployed.keys.auditor,
    })
    expect(found.json.total).toBe('1')
    const path = `/api/v1/audit/${found.json.items[0].audit_id}`
    const { record } = (await ask(deployed, { path, key: deployed.keys.auditor })).json
    expect(record).toMatchObject({
      actor: { actor_type: 'admin' },
      subject: { kind: 'log_level', id: told },
      after: { level: 'debug', minutes: '5', until: answer.json.until },
    })
  })

  test('is for all services at once as well', async () => {
    expect((await put({ service: 'all', level: 'warn', minutes: 1 })).status).toBe(200)
    await expect
      .poll(async () => (await lines()).map(({ log_level }) => log_level), { timeout: 2_000 })
      .toEqual((isFive() ? SERVICES : ['all-in-one']).map(() => 'warn'))
  })

  test.each<[object, string]>([
    [{ service: 'postgres', level: 'debug', minutes: 1 }, 'service'],
    [{ service: 'all', level: 'loud', minutes: 1 }, 'level'],
    [{ service: 'all', level: 'debug', minutes: 0 }, 'minutes'],
    [{ service: 'all', level: 'debug', minutes: 1441 }, 'minutes'],
    [{ service: 'all', level: 'debug' }, 'minutes'],
  ])('is refused with %j', async (body, field) => {
    const answer = await put(body)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors[0].field).toBe(field)
  })

  test.each<KeyName>(['desk', 'auditor', 'demo-classic'])('is refused to %s', async (name) => {
    expectFailure(await put({ service: 'all', level: 'debug', minutes: 1 }, name), 'FORBIDDEN')
  })
})
