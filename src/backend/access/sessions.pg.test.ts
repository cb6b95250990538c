// Signing in, renewing and out, over the routes and a real database, as a browser and as somebody who stole its cookie would.
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Queryable } from '../database/connect.ts'
import { sessionRoutes } from '../gateway/routes/session.ts'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { createServer } from '../server/server.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { apiKeys, createApiKey, type NewApiKey } from './api-keys.ts'
import { badTries, TRIES_WINDOW_MS } from './bad-tries.ts'
import { credentials } from './credentials.ts'
import { inProcessRateLimiter, type RateLimiter } from './rate-limit.ts'
import { COPY_FRESH_MS } from './row-copies.ts'
import { COOKIE_SECONDS, SESSIONS_MAX, type Sessions, sessions, TOKEN_SECONDS } from './sessions.ts'
import { tokenKeys } from './token-keys.ts'

const START = Date.UTC(2026, 10, 24, 12)
const HOUR_MS = 3_600_000
const SECRETS = ['the first secret, of more than 32 bytes']

let database: TestDatabase
const time = { now: START }
const clock = () => new Date(time.now)
const store = { away: false }
const watched = {
  query: ((...args: Parameters<Queryable['query']>) =>
    store.away
      ? Promise.reject(new Error('connection refused HIDDEN'))
      : database.pool.query(...args)) as Queryable['query'],
}
const reused: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  for (const [clientId, limit] of [
    ['house', null],
    ['few', 4],
  ]) {
    await database.pool.query(
      `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count,
                            convention_pack, pricing_model, tier, requests_per_minute)
       values ($1, 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', 'internal', $2)`,
      [clientId, limit],
    )
  }
})
afterAll(() => database.drop())

/** One replica of the gateway. All share the database. */
interface Replica {
  readonly app: FastifyInstance
  readonly sessions: Sessions
}
const replicas: Replica[] = []
let limiter: RateLimiter
beforeEach(() => {
  time.now = START
  store.away = false
  reused.length = 0
  limiter = inProcessRateLimiter({ clock })
})
afterEach(async () => {
  for (const { app, sessions: open } of replicas.splice(0)) {
    open.close()
    await app.close()
  }
})

async function replica(secrets: readonly string[] = SECRETS, hasSessions = true): Promise<Replica> {
  const metrics = createMetrics({ service: 'test', processMetrics: false })
  const app = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics,
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
    trustedProxies: ['127.0.0.1'],
  })
  const keys = apiKeys({ database: watched, clock })
  const made = sessions({
    database: watched,
    keys: tokenKeys(secrets),
    apiKeys: keys,
    clock,
    onReuse: ({ keyId }) => reused.push(keyId),
  })
  const door = credentials({
    apiKeys: keys,
    sessions: made,
    rateLimiter: limiter,
    badTries: badTries(inProcessRateLimiter({ clock, windowMs: TRIES_WINDOW_MS }), clock),
    requestsPerMinute: { standard: 60, premium: 300, internal: 1000 },
    metrics,
    slowDownMs: 5,
  })
  app.get('/rates', { onRequest: door.authenticated('rates') }, (request) => ({ ...request.principal }))
  app.get('/records', { onRequest: door.authenticated('read_record') }, () => ({ status: 'success' }))
  sessionRoutes(app, { credentials: door, sessions: hasSessions ? made : null })
  const both = { app, sessions: made }
  replicas.push(both)
  return both
}

const keyFor = (key: Partial<NewApiKey> = {}) =>
  createApiKey(database.pool, clock, { clientId: 'house', role: 'desk', ...key })

interface SignedIn {
  readonly token: string
  readonly cookie: string
}

type Injected = Awaited<ReturnType<FastifyInstance['inject']>>

function signedInBy(answer: Injected): SignedIn {
  expect(answer.statusCode, answer.body).toBe(200)
  const [cookie] = answer.cookies
  return { token: answer.json().access_token, cookie: `${cookie?.name}=${cookie?.value}` }
}

const signIn = ({ app }: Replica, apiKey: string) =>
  app.inject({ method: 'POST', url: '/api/v1/session', headers: { 'x-api-key': apiKey } })
const refresh = ({ app }: Replica, cookie: string) =>
  app.inject({ method: 'POST', url: '/api/v1/session/refresh', headers: { cookie } })
const rates = ({ app }: Replica, token: string, url = '/rates') =>
  app.inject({ url, headers: { authorization: `Bearer ${token}` } })

describe('who shows a key', () => {
  test('gets a token that goes where the key would, with the key’s broker, role and limit', async () => {
    const gateway = await replica()
    const { apiKey, keyId } = await keyFor({ role: 'auditor', clientId: 'few', label: 'T. Nakamura' })
    const answer = await signIn(gateway, apiKey)
    expect(answer.json()).toEqual({
      status: 'success',
      key_id: keyId,
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      client_id: 'few',
      role: 'auditor',
      label: 'T. Nakamura',
    })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.headers['x-ratelimit-remaining']).toBe('3')
    const { token } = signedInBy(answer)
    const asked = await rates(gateway, token)
    expect(asked.json()).toMatchObject({ keyId, clientId: 'few', role: 'auditor', requestsPerMinute: 4 })
    expect(asked.headers['x-ratelimit-remaining']).toBe('2')
    expect((await rates(gateway, token, '/records')).statusCode).toBe(200)
    const broker = signedInBy(await signIn(gateway, (await keyFor({ role: 'broker' })).apiKey))
    expect((await rates(gateway, broker.token, '/records')).statusCode).toBe(403)
  })

  test('is told who that is, and until when: of the key, or of its session', async () => {
    const gateway = await replica()
    const { apiKey, expiresAt } = await keyFor({ label: 'M. Okafor', expiresInDays: 30 })
    const who = async (headers: Record<string, string>) => gateway.app.inject({ url: '/api/v1/session', headers })
    const known = { status: 'success', client_id: 'house', role: 'desk', label: 'M. Okafor' }
    const byKey = await who({ 'x-api-key': apiKey })
    expect(byKey.json()).toEqual({ ...known, expires_at: expiresAt.toISOString() })
    expect(byKey.headers['cache-control']).toBe('no-store')
    expect(byKey.headers).toHaveProperty('x-ratelimit-remaining')
    const { token } = signedInBy(await signIn(gateway, apiKey))
    const ends = new Date(START + COOKIE_SECONDS * 1000).toISOString()
    expect((await who({ authorization: `Bearer ${token}` })).json()).toEqual({ ...known, expires_at: ends })
    // A session does not outlive its key.
    const short = await keyFor({ role: 'auditor', expiresInDays: 0.5 })
    const shortly = signedInBy(await signIn(gateway, short.apiKey))
    expect((await who({ authorization: `Bearer ${shortly.token}` })).json()).toMatchObject({
      label: null,
      expires_at: short.expiresAt.toISOString(),
    })
    expect((await who({})).statusCode).toBe(401)
    expect((await who({ 'x-api-key': 'none' })).statusCode).toBe(401)
    const withoutSessions = await replica(SECRETS, false)
    const answer = await withoutSessions.app.inject({ url: '/api/v1/session', headers: { 'x-api-key': apiKey } })
    expect(answer.json()).toMatchObject(known)
  })

  test('gets a cookie for these routes alone that no script can read, for TLS alone when he came over TLS', async () => {
    const gateway = await replica()
    const { apiKey } = await keyFor()
    const attributes = { path: '/api/v1/session', httpOnly: true, sameSite: 'Strict' }
    const plain = (await signIn(gateway, apiKey)).cookies[0]
    expect(plain).toMatchObject({ ...attributes, expires: new Date(START + COOKIE_SECONDS * 1000) })
    expect(plain).not.toHaveProperty('secure')
    const overTls = await gateway.app.inject({
      method: 'POST',
      url: '/api/v1/session',
      headers: { 'x-api-key': apiKey, 'x-forwarded-proto': 'https' },
    })
    expect(overTls.cookies[0]).toMatchObject({ ...attributes, secure: true })
  })

  test('leaves nothing in the database that would let another in', async () => {
    const gateway = await replica()
    const { cookie, token } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    const { rows } = await database.pool.query('select * from sessions')
    const kept = JSON.stringify(rows)
    expect(kept).not.toContain(cookie.split('.')[1])
    expect(kept).not.toContain(token)
  })

  test('is refused without a key, with a bad one, and with a token in its place', async () => {
    const gateway = await replica()
    const { token } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    expect((await signIn(gateway, 'bad')).statusCode).toBe(401)
    const byToken = await gateway.app.inject({
      method: 'POST',
      url: '/api/v1/session',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(byToken.json()).toMatchObject({ error_code: 'UNAUTHORIZED', error: expect.stringContaining('X-API-Key') })
  })

  test('has a hundred sessions at once; the next one ends the one that was renewed longest ago', async () => {
    const gateway = await replica()
    const { apiKey } = await keyFor()
    const first = signedInBy(await signIn(gateway, apiKey))
    time.now += 1000
    const second = signedInBy(await signIn(gateway, apiKey))
    for (let i = 2; i <= SESSIONS_MAX; i += 1) {
      time.now += 1000
      await signIn(gateway, apiKey)
    }
    expect((await refresh(gateway, first.cookie)).statusCode).toBe(401)
    expect((await refresh(gateway, second.cookie)).statusCode).toBe(200)
  })
})

test('a deployment with nothing to sign with says which setting would give it sessions, and takes no token', async () => {
  const gateway = await replica(SECRETS, false)
  const { apiKey } = await keyFor()
  for (const [method, url] of [
    ['POST', '/api/v1/session'],
    ['POST', '/api/v1/session/refresh'],
    ['DELETE', '/api/v1/session'],
  ] as const) {
    const answer = await gateway.app.inject({ method, url, headers: { 'x-api-key': apiKey } })
    expect(answer.json()).toEqual({
      status: 'error',
      error: 'This deployment has no sessions: JWT_SECRET or JWT_KEY_FILE is not set',
      error_code: 'NOT_FOUND',
    })
  }
})

describe('a token', () => {
  test('is good for 15 minutes', async () => {
    const gateway = await replica()
    const { token } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    time.now += TOKEN_SECONDS * 1000 - 1
    expect((await rates(gateway, token)).statusCode).toBe(200)
    time.now += 1
    expect((await rates(gateway, token)).json()).toEqual({
      status: 'error',
      error: 'The access token has expired or its session has ended',
      error_code: 'UNAUTHORIZED',
    })
  })

  test.each([
    ['altered', (token: string) => token.replace(/\.[^.]+\./, (payload) => payload.replace(/[a-z]/, 'A'))],
    ['stripped of its signature', (token: string) => token.slice(0, token.lastIndexOf('.') + 1)],
    [
      'signed with nothing',
      (token: string) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
    ],
    ['empty', () => ''],
    ['no token', () => 'x y'],
    ['a key', () => 'bre_000000000000_000000000000000000000000000000000000000000000000'],
  ])('that is %s is 401, and counts nothing', async (_, spoil) => {
    const gateway = await replica()
    const { token } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    const answer = await rates(gateway, spoil(token))
    expect(answer.statusCode).toBe(401)
    expect(answer.headers).not.toHaveProperty('x-ratelimit-limit')
  })

  test('outlives a change of secrets at every replica', async () => {
    const next = 'the second secret, of more than 32 bytes'
    const [old, both, last] = [await replica(), await replica([next, ...SECRETS]), await replica([next])]
    const { token, cookie } = signedInBy(await signIn(old, (await keyFor()).apiKey))
    expect((await rates(both, token)).statusCode).toBe(200)
    expect((await rates(last, token)).statusCode).toBe(401)
    const renewed = signedInBy(await refresh(both, cookie))
    expect((await rates(last, renewed.token)).statusCode).toBe(200)
  })

  test('is seen to be over at every replica within ten seconds of signing out, of revoking the key, and of its end', async () => {
    const [one, other] = [await replica(), await replica()]
    const { apiKey, keyId } = await keyFor()
    const revoking = signedInBy(await signIn(one, (await keyFor()).apiKey))
    const signedOut = signedInBy(await signIn(one, apiKey))
    const stays = signedInBy(await signIn(one, apiKey))
    const all = [signedOut, stays, revoking]
    for (const { token } of all) expect((await rates(other, token)).statusCode).toBe(200)
    const out = await one.app.inject({
      method: 'DELETE',
      url: '/api/v1/session',
      headers: { authorization: `Bearer ${signedOut.token}` },
    })
    expect(out.json()).toEqual({ status: 'success' })
    expect((await rates(one, signedOut.token)).statusCode).toBe(401)
    await database.pool.query('update api_keys set revoked_at = $1 where key_id <> $2', [clock(), keyId])
    time.now += COPY_FRESH_MS
    const statuses = async () =>
      Promise.all(
        [one, other].map(async (at) => Promise.all(all.map(async ({ token }) => (await rates(at, token)).statusCode))),
      )
    expect(await statuses()).toEqual([
      [401, 200, 401],
      [401, 200, 401],
    ])
    expect((await refresh(one, revoking.cookie)).statusCode).toBe(401)
    expect((await refresh(one, signedOut.cookie)).statusCode).toBe(401)
  })

  test('goes on for five minutes while the database is away; signing in and renewing are 503', async () => {
    const gateway = await replica()
    const { apiKey } = await keyFor()
    const { token, cookie } = signedInBy(await signIn(gateway, apiKey))
    expect((await rates(gateway, token)).statusCode).toBe(200)
    store.away = true
    time.now += 299_000
    expect((await rates(gateway, token)).statusCode).toBe(200)
    for (const answer of [await signIn(gateway, apiKey), await refresh(gateway, cookie)]) {
      expect(answer.statusCode).toBe(503)
      expect(answer.headers['retry-after']).toBeDefined()
      expect(answer.body).not.toContain('HIDDEN')
    }
    store.away = false
    expect((await refresh(gateway, cookie)).statusCode).toBe(200)
  })
})

describe('a cookie', () => {
  test('renews the token and is replaced', async () => {
    const gateway = await replica()
    const first = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    time.now += HOUR_MS
    const second = signedInBy(await refresh(gateway, first.cookie))
    expect(second.cookie).not.toBe(first.cookie)
    expect((await rates(gateway, second.token)).statusCode).toBe(200)
    const third = signedInBy(await refresh(gateway, second.cookie))
    expect((await rates(gateway, third.token)).statusCode).toBe(200)
    expect(reused).toEqual([])
  })

  test('that comes back after it was replaced ends the session for both who hold one', async () => {
    const gateway = await replica()
    const { apiKey, keyId } = await keyFor()
    const victim = signedInBy(await signIn(gateway, apiKey))
    const thief = signedInBy(await refresh(gateway, victim.cookie))
    const answer = await refresh(gateway, victim.cookie)
    expect(answer.statusCode).toBe(401)
    expect(answer.cookies[0]).toMatchObject({ value: '', path: '/api/v1/session' })
    expect(reused).toEqual([keyId])
    expect((await refresh(gateway, thief.cookie)).statusCode).toBe(401)
    for (const { token } of [victim, thief]) expect((await rates(gateway, token)).statusCode).toBe(401)
    expect((await signIn(gateway, apiKey)).statusCode).toBe(200)
  })

  test('used ten times at once gives one token at most, and ends the session', async () => {
    const gateway = await replica()
    const { cookie } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(gateway, cookie)))
    const good = answers.filter(({ statusCode }) => statusCode === 200)
    expect(good).toHaveLength(1)
    expect((await rates(gateway, good[0]?.json().access_token)).statusCode).toBe(401)
  })

  test('is good for 24 hours from its renewal, and for seven days from signing in', async () => {
    const gateway = await replica()
    const { apiKey } = await keyFor()
    let { cookie } = signedInBy(await signIn(gateway, apiKey))
    for (let hours = 0; hours < 7 * 24 - 23; hours += 23) {
      time.now = START + hours * HOUR_MS
      cookie = signedInBy(await refresh(gateway, cookie)).cookie
    }
    time.now = START + 7 * 24 * HOUR_MS
    expect((await refresh(gateway, cookie)).statusCode).toBe(401)
    const late = signedInBy(await signIn(gateway, apiKey))
    time.now += COOKIE_SECONDS * 1000
    expect((await refresh(gateway, late.cookie)).statusCode).toBe(401)
  })

  test('is not used up by a renewal that the limit refuses', async () => {
    const gateway = await replica()
    const { cookie } = signedInBy(await signIn(gateway, (await keyFor({ clientId: 'few' })).apiKey))
    let last = cookie
    for (let i = 0; i < 3; i += 1) last = signedInBy(await refresh(gateway, last)).cookie
    expect((await refresh(gateway, last)).statusCode).toBe(429)
    time.now += 60_000
    expect((await refresh(gateway, last)).statusCode).toBe(200)
  })

  test('is enough to sign out with, and missing or invented is 401', async () => {
    const gateway = await replica()
    const { cookie, token } = signedInBy(await signIn(gateway, (await keyFor()).apiKey))
    const signOut = (headers: Record<string, string>) =>
      gateway.app.inject({ method: 'DELETE', url: '/api/v1/session', headers })
    for (const headers of [{}, { cookie: 'borrow_rate_refresh=x' }, { cookie: `${cookie}x` }] as Record<
      string,
      string
    >[]) {
      expect((await signOut(headers)).statusCode).toBe(401)
      expect((await gateway.app.inject({ method: 'POST', url: '/api/v1/session/refresh', headers })).statusCode).toBe(
        401,
      )
    }
    expect((await rates(gateway, token)).statusCode).toBe(200)
    const answer = await signOut({ cookie, authorization: 'Bearer expired' })
    expect(answer.statusCode).toBe(200)
    expect(answer.cookies[0]).toMatchObject({ value: '' })
    expect((await rates(gateway, token)).statusCode).toBe(401)
    expect((await refresh(gateway, cookie)).statusCode).toBe(401)
  })
})
