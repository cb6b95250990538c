// Two gateways with one Redis and one database: what a client may ask is one number, whichever of them it asks.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { startRedis, type TestRedis, until } from '../redis.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, type Ask, ask } from './http.ts'
import { broker } from './market.ts'

/** Its word about who sent a request is taken; that of nobody else. */
const TRUSTED_PROXY = '127.0.0.9'
const LIMIT = 60
const PATIENCE_MS = 15_000
/** An answer to one bad credential too many is held back so long, a busy machine apart. */
const HELD_BACK_MS = 950
const BAD_KEY = `bre_${'0'.repeat(12)}_${'0'.repeat(48)}`

let postgres: RealPostgres
let redis: TestRedis
let gateways: readonly [Deployment, Deployment]

beforeAll(async () => {
  postgres = await startPostgres({ ...inject('postgres').own, durable: false })
  redis = await startRedis()
  const start = () =>
    startDeployment({
      database: { url: postgres.url },
      environment: {
        REDIS_URL: redis.url,
        // What a busy machine is late with is not what this is about.
        REDIS_COMMAND_TIMEOUT_MS: '2000',
        REDIS_BREAKER_OPEN_SECONDS: '1',
        TRUSTED_PROXIES: TRUSTED_PROXY,
        RATE_LIMIT_STANDARD: '',
      },
    })
  // One after the other: each puts the demonstration's data in place.
  const first = await start()
  gateways = [first, await start()]
  const { database } = first
  for (const name of ['together', 'outage']) await broker(database, name, { requests_per_minute: LIMIT })
  await broker(database, 'plenty', { requests_per_minute: 1_000_000 })
}, 90_000)
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await redis.stop()
  await postgres.end()
}, 60_000)

const rate = (key: string, more: Partial<Ask> = {}): Ask => ({ path: '/api/v1/rates/GME', key, ...more })
const from = (index: number) => gateways[index % 2] as Deployment
const newKey = (clientId: string) => gateways[0].newKey(clientId, 'broker')

function counted(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

async function countedBy(gateway: Deployment): Promise<string> {
  const { json } = await ask(gateway, { path: '/health/details' })
  return json.components.rate_limits.counted
}

describe('a limit', () => {
  test('lets exactly its number through of 200 requests at once to two gateways, with two keys', async () => {
    const keys = [await newKey('together'), await newKey('together')]
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => ask(from(index), rate(keys[(index >> 1) % 2] as string))),
    )
    expect(counted(answers)).toEqual({ 200: LIMIT, 429: 200 - LIMIT })
    for (const { status, headers } of answers) {
      expect(headers['x-ratelimit-limit']).toBe(String(LIMIT))
      expect(Number(headers['x-ratelimit-reset'])).toBeGreaterThan(0)
      if (status === 429) expect(headers).toMatchObject({ 'x-ratelimit-remaining': '0' })
    }
    const remaining = answers
      .filter(({ status }) => status === 200)
      .map(({ headers }) => Number(headers['x-ratelimit-remaining']))
    expect(remaining.toSorted((a, b) => a - b)).toEqual(Array.from({ length: LIMIT }, (_, index) => index))
  })
})

describe('bad credentials', () => {
  async function tryBad(index: number, more: Partial<Ask>): Promise<number> {
    const startedAt = performance.now()
    expect((await ask(from(index), rate(BAD_KEY, more))).status).toBe(401)
    return performance.now() - startedAt
  }

  test('are slowed from the sixth on at both gateways, whatever address the headers claim', async () => {
    const claims = (index: number) => ({ 'x-forwarded-for': `203.0.113.${index}`, 'x-real-ip': `203.0.113.${index}` })
    for (let index = 0; index < 5; index += 1) {
      expect(await tryBad(index, { from: '127.0.0.2', headers: claims(index) })).toBeLessThan(HELD_BACK_MS)
    }
    for (const index of [6, 7]) {
      expect(await tryBad(index, { from: '127.0.0.2', headers: claims(index) })).toBeGreaterThan(HELD_BACK_MS)
    }
    expect(await tryBad(0, { from: '127.0.0.3' })).toBeLessThan(HELD_BACK_MS)
    const good = await ask(from(0), rate(await newKey('plenty'), { from: '127.0.0.2' }))
    expect(good.status).toBe(200)
  })

  test('count for the address that a trusted proxy names, not for the proxy and not for what the sender wrote before it', async () => {
    const through = (forwarded: string) => ({ from: TRUSTED_PROXY, headers: { 'x-forwarded-for': forwarded } })
    for (let index = 0; index < 8; index += 1) {
      expect(await tryBad(index, through(`198.51.100.${index}`))).toBeLessThan(HELD_BACK_MS)
    }
    for (let index = 0; index < 5; index += 1) await tryBad(index, through(`192.0.2.${index}, 203.0.113.200`))
    expect(await tryBad(5, through('192.0.2.99, 203.0.113.200'))).toBeGreaterThan(HELD_BACK_MS)
  })
})

describe('while Redis is away', () => {
  test('a limit holds for each gateway alone, and for both together afterwards, and no request fails', async () => {
    const [flowing, outage] = [await newKey('plenty'), await newKey('outage')]
    const flow: Answer[] = []
    const flows = new AbortController()
    const flowed = (async () => {
      for (let index = 0; !flows.signal.aborted; index += 1) {
        flow.push(await ask(from(index), rate(flowing)))
        await sleep(5)
      }
    })()
    const asked = (length: number) => Promise.all(Array.from({ length }, (_, index) => ask(from(index), rate(outage))))

    try {
      expect(await Promise.all(gateways.map(countedBy))).toEqual(['together', 'together'])
      await redis.kill()
      await until('both notice', PATIENCE_MS, async () =>
        (await Promise.all(gateways.map(countedBy))).every((by) => by === 'alone'),
      )
      expect(counted(await asked(200))).toEqual({ 200: 2 * LIMIT, 429: 200 - 2 * LIMIT })
      expect((await ask(gateways[0], { path: '/metrics' })).text).toMatch(/^rate_limits_shared\{.*\} 0$/m)

      await redis.start()
      await until('both notice', PATIENCE_MS, async () =>
        (await Promise.all(gateways.map(countedBy))).every((by) => by === 'together'),
      )
      expect(counted(await asked(200))).toEqual({ 200: LIMIT, 429: 200 - LIMIT })
      expect((await ask(gateways[0], { path: '/metrics' })).text).toMatch(/^rate_limits_shared\{.*\} 1$/m)
    } finally {
      flows.abort()
      await flowed
    }
    expect(counted(flow)).toEqual({ 200: flow.length })
    expect(flow.length).toBeGreaterThan(20)
  })
})

test('who was turned away is on the record when the gateways have stopped, by address and key, without a secret', async () => {
  const broker = await newKey('plenty')
  expect((await ask(from(0), { path: '/api/v1/audit/0193577d-1c00-7000-8000-000000000001', key: broker })).status).toBe(
    403,
  )
  const { database } = gateways[0]
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  const { rows } = await database.query<{ client_id: string; record: string }>(
    `select client_id, record from audit_records where record_type = 'refusals'`,
  )
  const records = rows.map(({ record }) => JSON.parse(record))
  const refused = (what: object) =>
    records.filter((record) => Object.entries(what).every(([name, value]) => record[name] === value))
  const sum = (of: typeof records) => of.reduce((total, { count }) => total + count, 0)
  // All but the limit of 200; all but twice the limit of 200 while each counted alone, and of 200 afterwards.
  expect(sum(refused({ client_id: 'together' }))).toBe(140)
  expect(sum(refused({ client_id: 'outage' }))).toBe(80 + 140)
  expect(refused({ client_id: 'plenty' })).toMatchObject([
    {
      count: 1,
      key_id: broker.split('_')[1],
      refusals: [{ error_code: 'FORBIDDEN', route: '/api/v1/audit/:audit_id' }],
    },
  ])
  expect(sum(refused({ address: '127.0.0.2', key_id: '0'.repeat(12), client_id: null }))).toBe(7)
  expect(sum(refused({ address: '203.0.113.200' }))).toBe(6)
  expect(refused({ address: TRUSTED_PROXY })).toEqual([])
  expect(rows.filter(({ client_id }) => client_id === 'house').length).toBeGreaterThan(8)
  expect(rows.map(({ record }) => record).join()).not.toMatch(/bre_|0{48}/)
})
