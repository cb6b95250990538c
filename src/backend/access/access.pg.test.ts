// The door with a real database behind it: keys, roles and limits as a client sees them.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Queryable } from '../database/connect.ts'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics, type Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { createServer } from '../server/server.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import {
  type ApiKeys,
  apiKeys,
  createApiKey,
  generateApiKey,
  hashSecret,
  type NewApiKey,
  parseApiKey,
} from './api-keys.ts'
import { badTries, TRIES_WINDOW_MS } from './bad-tries.ts'
import { credentials, onRefusals } from './credentials.ts'
import { inProcessRateLimiter } from './rate-limit.ts'
import type { Refusal } from './refusals.ts'
import { COPY_FRESH_MS, COPY_STALE_MS } from './row-copies.ts'

const START = Date.UTC(2026, 10, 24, 12)
const DAY_MS = 86_400_000

let database: TestDatabase
/** The database as the keys see it: it can be away, and trips to it are counted. */
const store = { away: false, trips: 0, failures: [] as unknown[] }
const watched = {
  query: ((...args: Parameters<Queryable['query']>) => {
    store.trips += 1
    return store.away ? Promise.reject(new Error('connection refused HIDDEN')) : database.pool.query(...args)
  }) as Queryable['query'],
}
const time = { now: START }
const clock = () => new Date(time.now)
const freshKeys = (): ApiKeys => apiKeys({ database: watched, clock, onFailure: (error) => store.failures.push(error) })

beforeAll(async () => {
  database = await testDatabase()
  for (const [clientId, tier, own] of [
    ['classic', 'standard', null],
    ['own-limit', 'premium', 2],
    ['house', 'internal', null],
  ]) {
    await database.pool.query(
      `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count,
                            convention_pack, pricing_model, tier, requests_per_minute)
       values ($1, 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', $2, $3)`,
      [clientId, tier, own],
    )
  }
})
afterAll(() => database.drop())
beforeEach(() => {
  time.now = START
  store.away = false
  store.trips = 0
  store.failures.length = 0
})

const keyFor = (key: Partial<NewApiKey> = {}) =>
  createApiKey(database.pool, clock, { clientId: 'classic', role: 'broker', ...key })

describe('the form of a key', () => {
  test('is a readable prefix, an id and 48 random characters', () => {
    const { apiKey, keyId, secretHash } = generateApiKey()
    expect(apiKey).toMatch(/^bre_[0-9A-Za-z]{12}_[0-9A-Za-z]{48}$/)
    expect(parseApiKey(apiKey)?.keyId).toBe(keyId)
    expect(hashSecret(parseApiKey(apiKey)?.secret ?? '')).toEqual(secretHash)
    expect(generateApiKey().apiKey).not.toBe(apiKey)
  })

  test.each(['', 'bre_', `bre_${'a'.repeat(12)}_${'a'.repeat(47)}`, `xyz_${'a'.repeat(12)}_${'a'.repeat(48)}`])(
    '%j is none',
    (text) => expect(parseApiKey(text)).toBeNull(),
  )
})

describe('a key', () => {
  test('stands for its broker and role', async () => {
    const { apiKey, keyId, expiresAt } = await keyFor({ clientId: 'own-limit', role: 'desk', label: 'M. Okafor' })
    expect(await freshKeys().authenticate(apiKey)).toEqual({
      keyId,
      clientId: 'own-limit',
      role: 'desk',
      tier: 'premium',
      requestsPerMinute: 2,
      brokerActive: true,
      label: 'M. Okafor',
      expiresAt,
    })
  })

  test('is stored as a hash only', async () => {
    const { apiKey, keyId } = await keyFor()
    const { rows } = await database.pool.query('select * from api_keys where key_id = $1', [keyId])
    expect(rows[0].secret_hash).toHaveLength(32)
    expect(JSON.stringify(rows)).not.toContain(parseApiKey(apiKey)?.secret)
  })

  test('expires after 90 days', async () => {
    const { apiKey, expiresAt } = await keyFor()
    expect(expiresAt.getTime()).toBe(START + 90 * DAY_MS)
    const keys = freshKeys()
    time.now = expiresAt.getTime() - 1
    expect(await keys.authenticate(apiKey)).not.toBeNull()
    time.now = expiresAt.getTime()
    expect(await keys.authenticate(apiKey)).toBeNull()
  })

  test('that is unknown, wrong or malformed is nothing', async () => {
    const { apiKey } = await keyFor()
    const keys = freshKeys()
    const last = apiKey.endsWith('a') ? 'b' : 'a'
    expect(await keys.authenticate(apiKey.slice(0, -1) + last)).toBeNull()
    expect(await keys.authenticate(generateApiKey().apiKey)).toBeNull()
    expect(await keys.authenticate('not a key')).toBeNull()
    expect(await keys.authenticate(`${apiKey}, ${apiKey}`)).toBeNull()
  })

  test('costs one trip to the database in ten seconds, not one a request', async () => {
    const { apiKey } = await keyFor()
    const keys = freshKeys()
    await Promise.all(Array.from({ length: 50 }, () => keys.authenticate(apiKey)))
    time.now += COPY_FRESH_MS - 1
    await keys.authenticate(apiKey)
    // The row once, and once the note of its use.
    expect(store.trips).toBe(2)
    const unknown = generateApiKey().apiKey
    for (let i = 0; i < 10; i += 1) expect(await keys.authenticate(unknown)).toBeNull()
    expect(store.trips).toBe(3)
  })

  test('that was revoked stops working when its copy has aged', async () => {
    const { apiKey, keyId } = await keyFor()
    const keys = freshKeys()
    expect(await keys.authenticate(apiKey)).not.toBeNull()
    await database.pool.query('update api_keys set revoked_at = $2 where key_id = $1', [keyId, clock()])
    time.now += COPY_FRESH_MS
    expect(await keys.authenticate(apiKey)).toBeNull()
  })

  test('has its last use noted once a minute', async () => {
    const { apiKey, keyId } = await keyFor()
    const keys = freshKeys()
    const lastUsed = async () =>
      (await database.pool.query('select last_used_at from api_keys where key_id = $1', [keyId])).rows[0].last_used_at
    await keys.authenticate(apiKey)
    await expect.poll(lastUsed).toEqual(new Date(START))
    time.now += 59_000
    await keys.authenticate(apiKey)
    time.now += 1000
    await keys.authenticate(apiKey)
    await expect.poll(lastUsed).toEqual(new Date(START + 60_000))
  })
})

describe('while the database is away', () => {
  test('a key that was seen works for five minutes, and one that was not is 503, never 401', async () => {
    const { apiKey } = await keyFor()
    const keys = freshKeys()
    await keys.authenticate(apiKey)
    store.away = true
    for (const later of [COPY_FRESH_MS, COPY_STALE_MS - 1]) {
      time.now = START + later
      expect(await keys.authenticate(apiKey)).not.toBeNull()
    }
    expect(store.failures.length).toBeGreaterThan(0)
    time.now = START + COPY_STALE_MS
    for (const key of [apiKey, generateApiKey().apiKey]) {
      const error = await keys.authenticate(key).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Problem)
      expect((error as Problem).code).toBe('SERVICE_UNAVAILABLE')
    }
    store.away = false
    expect(await keys.authenticate(apiKey)).not.toBeNull()
  })

  test('requests do not queue up for it: after a failure nobody asks again for a second', async () => {
    const { apiKey } = await keyFor()
    const keys = freshKeys()
    await keys.authenticate(apiKey)
    store.away = true
    time.now += COPY_FRESH_MS
    await keys.authenticate(apiKey)
    const { trips } = store
    for (let i = 0; i < 20; i += 1) await keys.authenticate(apiKey)
    expect(store.trips).toBe(trips)
  })
})

describe('the door', () => {
  const SLOW_DOWN_MS = 40
  let app: FastifyInstance
  let metrics: Metrics
  const logged: string[] = []
  const refused: Refusal[] = []

  beforeEach(async () => {
    metrics = createMetrics({ service: 'test', processMetrics: false })
    logged.length = 0
    refused.length = 0
    app = await createServer({
      log: createLog({ service: 'test', level: 'info', destination: { write: (line) => void logged.push(line) } }),
      metrics,
      health: createHealth({ service: 'test', version: '1' }),
      newRequestId: () => 'request-1',
    })
    const door = credentials({
      apiKeys: freshKeys(),
      sessions: null,
      rateLimiter: inProcessRateLimiter({ clock }),
      badTries: badTries(inProcessRateLimiter({ clock, windowMs: TRIES_WINDOW_MS }), clock),
      requestsPerMinute: { standard: 60, premium: 300, internal: 1000 },
      metrics,
      slowDownMs: SLOW_DOWN_MS,
    })
    onRefusals(app, (refusal) => refused.push(refusal))
    app.get('/rates', { onRequest: door.authenticated('rates') }, (request) => request.principal)
    app.post('/quote', { onRequest: door.authenticated('quote') }, () => ({ status: 'success' }))
    app.get('/record', { onRequest: door.authenticated('read_record') }, () => ({ status: 'success' }))
    app.post<{ Params: { cost: string } }>(
      '/lines/:cost',
      { onRequest: door.authenticated('quote') },
      async (request, reply) => {
        await door.charge(request, reply, Number(request.params.cost))
        return { limit: request.taken?.limit }
      },
    )
  })

  const ask = (apiKey: string | undefined, url = '/rates', method: 'GET' | 'POST' = 'GET') =>
    app.inject({ url, method, headers: apiKey === undefined ? {} : { 'x-api-key': apiKey } })

  test('lets a valid key in and says what is left', async () => {
    const { apiKey, keyId } = await keyFor()
    const answer = await ask(apiKey)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '59',
      'x-ratelimit-reset': '60',
    })
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({ client_id: 'classic', key_id: keyId })
    expect(logged.join('')).not.toContain(parseApiKey(apiKey)?.secret)
  })

  test('answers none, unknown, expired and revoked keys alike, with 401 and nothing about limits', async () => {
    const revoked = await keyFor()
    await database.pool.query(`update api_keys set revoked_at = created_at where key_id = $1`, [revoked.keyId])
    const expired = await keyFor({ expiresInDays: 1 })
    time.now += DAY_MS
    const answers = [
      await ask(revoked.apiKey),
      await ask(expired.apiKey),
      await ask(generateApiKey().apiKey),
      await ask('x'),
    ]
    for (const answer of answers) {
      expect(answer.statusCode).toBe(401)
      expect(answer.json()).toEqual({ status: 'error', error: 'The API key is not valid', error_code: 'UNAUTHORIZED' })
      expect(answer.headers['x-ratelimit-limit']).toBeUndefined()
    }
    expect((await ask(undefined)).json().error_code).toBe('UNAUTHORIZED')
  })

  test('keeps roles apart, and counts the refusal', async () => {
    const broker = await keyFor({ clientId: 'house' })
    const auditor = await keyFor({ clientId: 'house', role: 'auditor' })
    expect((await ask(broker.apiKey, '/quote', 'POST')).statusCode).toBe(200)
    expect((await ask(auditor.apiKey, '/record')).statusCode).toBe(200)
    expect((await ask(auditor.apiKey, '/quote', 'POST')).json().error_code).toBe('FORBIDDEN')
    const refused = await ask(broker.apiKey, '/record')
    expect(refused.json().error_code).toBe('FORBIDDEN')
    expect(refused.headers['x-ratelimit-remaining']).toBe('996')
  })

  test('holds a broker to its own limit over all its keys, and answers 429 with when to come back', async () => {
    const [one, other] = [await keyFor({ clientId: 'own-limit' }), await keyFor({ clientId: 'own-limit' })]
    expect((await ask(one.apiKey)).statusCode).toBe(200)
    time.now += 10_000
    expect((await ask(other.apiKey)).headers['x-ratelimit-remaining']).toBe('0')
    const refused = await ask(one.apiKey)
    expect(refused.statusCode).toBe(429)
    expect(refused.json().error_code).toBe('RATE_LIMIT_EXCEEDED')
    expect(refused.headers['retry-after']).toBe('50')
    expect(refused.headers['x-ratelimit-remaining']).toBe('0')
    expect(await metrics.registry.metrics()).toMatch(/rate_limited_total\{tier="premium",service="test"\} 1/)
    time.now += 50_000
    expect((await ask(one.apiKey)).statusCode).toBe(200)
  })

  test('takes the whole cost of what costs more, or nothing at all', async () => {
    await database.pool.query(`insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count,
      convention_pack, pricing_model, tier, requests_per_minute)
      values ('batches', 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', 'standard', 10) on conflict do nothing`)
    const { apiKey } = await keyFor({ clientId: 'batches' })
    const fits = await ask(apiKey, '/lines/7', 'POST')
    expect(fits.json()).toEqual({ limit: 10 })
    expect(fits.headers['x-ratelimit-remaining']).toBe('3')
    const refusedWhole = await ask(apiKey, '/lines/4', 'POST')
    expect(refusedWhole.statusCode).toBe(429)
    expect(refusedWhole.json().error).toBe('This counts as 4 requests, and 3 of 10 in 60 seconds are left')
    expect(refusedWhole.headers).toMatchObject({ 'x-ratelimit-remaining': '3', 'retry-after': '60' })
    expect((await ask(apiKey, '/lines/3', 'POST')).headers['x-ratelimit-remaining']).toBe('0')
  })

  test('says of whom, where and why somebody was turned away, with the key that was shown and never its secret', async () => {
    const auditor = await keyFor({ clientId: 'house', role: 'auditor' })
    const unknown = generateApiKey()
    await ask(auditor.apiKey, '/record')
    await ask(auditor.apiKey, '/quote', 'POST')
    await ask(unknown.apiKey)
    await ask(undefined)
    await ask('nonsense', '/lines/7', 'POST')
    const at = { address: '127.0.0.1' }
    expect(refused).toEqual([
      { ...at, keyId: auditor.keyId, clientId: 'house', errorCode: 'FORBIDDEN', route: '/quote' },
      { ...at, keyId: unknown.keyId, clientId: null, errorCode: 'UNAUTHORIZED', route: '/rates' },
      { ...at, keyId: null, clientId: null, errorCode: 'UNAUTHORIZED', route: '/rates' },
      { ...at, keyId: null, clientId: null, errorCode: 'UNAUTHORIZED', route: '/lines/:cost' },
    ])
  })

  test('tells of who hangs up while the answer is held back, with the address that was slowed', async () => {
    for (let i = 0; i < 5; i += 1) await ask('bad')
    refused.length = 0
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET /rates HTTP/1.1\r\nHost: test\r\nX-API-Key: bad\r\n\r\n')
    await sleep(SLOW_DOWN_MS / 2)
    socket.resetAndDestroy()
    await expect
      .poll(() => refused)
      .toEqual([{ address: '127.0.0.1', keyId: null, clientId: null, errorCode: 'UNAUTHORIZED', route: '/rates' }])
  })

  test('slows bad tries from the sixth on, says so in log and metric, and lets a good key in at once', async () => {
    const good = await keyFor({ clientId: 'house' })
    for (let i = 0; i < 5; i += 1) await ask('bad')
    const startedAt = performance.now()
    expect((await ask('bad')).statusCode).toBe(401)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(SLOW_DOWN_MS - 2)
    await ask('bad')
    expect(logged.filter((line) => line.includes('bad credentials keep coming'))).toHaveLength(1)
    expect(await metrics.registry.metrics()).toMatch(/bad_credentials_total\{outcome="slowed",service="test"\} 2/)
    expect((await ask(good.apiKey)).statusCode).toBe(200)
  })

  test('refuses bad tries unread when too many are held back already', async () => {
    for (let i = 0; i < 5; i += 1) await ask('bad')
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask('bad')))
    const statuses = answers.map(({ statusCode }) => statusCode)
    expect(statuses.filter((status) => status === 401)).toHaveLength(50)
    const refused = answers.find(({ statusCode }) => statusCode === 429)
    expect(refused?.headers['retry-after']).toBe('60')
  })

  test('answers 503 when keys cannot be checked, with nothing of the reason', async () => {
    store.away = true
    const answer = await ask((await keyFor()).apiKey)
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.body).not.toContain('HIDDEN')
  })

  test('looks at the key before the body', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/quote',
      headers: { 'content-type': 'text/xml' },
      body: '<',
    })
    expect(answer.statusCode).toBe(401)
  })
})
