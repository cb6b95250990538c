// Keys as an administrator changes them: with a record in the same transaction, and seen at once by who made the change.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Actor } from '../audit/quote-record.ts'
import { Problem } from '../server/problem.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { apiKeyChanges } from './api-key-changes.ts'
import { apiKeys, type NewApiKey } from './api-keys.ts'
import { sessions } from './sessions.ts'
import { tokenKeys } from './token-keys.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 10, 24, 12)

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  for (const [clientId, active] of [
    ['house', true],
    ['classic', true],
    ['asleep', false],
  ]) {
    await database.pool.query(
      `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack,
                            pricing_model, tier, active)
       values ($1, 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', 'standard', $2)`,
      [clientId, active],
    )
  }
})
afterAll(() => database.drop())

const newId = uuidv7Maker(systemClock)
const ACTOR: Actor = {
  actorType: 'admin',
  actorId: 'house',
  keyId: 'adminkey0001',
  sourceIp: '127.0.0.1',
  userAgent: null,
  requestId: 'request-1',
  idempotencyKey: null,
}
const BROKER_KEY: NewApiKey = { clientId: 'classic', role: 'broker', label: 'London', expiresInDays: 90 }

/** Keys and their changes as one process has them, by a clock that the test moves. */
function gateway(startMs = START) {
  const time = { now: startMs }
  const clock = () => new Date(time.now)
  const keys = apiKeys({ database: database.pool, clock })
  const changes = apiKeyChanges({ database: database.pool, clock, newId, onChange: keys.forget })
  return { time, clock, keys, changes }
}

async function recordsOf(keyId: string) {
  const { rows } = await database.pool.query<{ record: string; client_id: string }>(
    `select record, client_id from audit_records where record::json -> 'subject' ->> 'id' = $1 order by audit_id`,
    [keyId],
  )
  return rows.map(({ record, client_id }) => ({ client_id, ...JSON.parse(record) }))
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const failure = await call.catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(Problem)
  return (failure as Problem).code
}

test('a key is made with its record, and neither list nor record holds its secret', async () => {
  const { changes, keys } = gateway()
  const { apiKey, key } = await changes.create(BROKER_KEY, ACTOR)
  expect(key).toMatchObject({
    clientId: 'classic',
    role: 'broker',
    label: 'London',
    createdAt: new Date(START),
    expiresAt: new Date(START + 90 * DAY_MS),
    revokedAt: null,
    replacedBy: null,
    lastUsedAt: null,
    active: true,
  })
  expect(await keys.authenticate(apiKey)).toMatchObject({ keyId: key.keyId, clientId: 'classic' })
  const records = await recordsOf(key.keyId)
  expect(records).toHaveLength(1)
  expect(records[0]).toMatchObject({
    record_type: 'api_key_created',
    client_id: 'classic',
    actor: { key_id: 'adminkey0001' },
    before: null,
    after: { role: 'broker', label: 'London', expires_at: new Date(START + 90 * DAY_MS).toISOString() },
  })
  const secret = apiKey.split('_')[2] as string
  const listed = await changes.list({ clientId: 'classic', active: null, skip: 0, limit: 100 })
  expect(JSON.stringify([listed, records])).not.toContain(secret)
})

test('a broker that is not there or not active gets none, nor does a client get a role of staff', async () => {
  const { changes } = gateway()
  expect(await codeOf(changes.create({ ...BROKER_KEY, clientId: 'nobody' }, ACTOR))).toBe('CLIENT_NOT_FOUND')
  expect(await codeOf(changes.create({ ...BROKER_KEY, clientId: 'asleep' }, ACTOR))).toBe('CLIENT_NOT_FOUND')
  expect(await codeOf(changes.create({ ...BROKER_KEY, role: 'desk' }, ACTOR))).toBe('INVALID_PARAMETER')
  const { rows } = await database.pool.query(`select from api_keys where client_id = 'asleep' or role = 'desk'`)
  expect(rows).toHaveLength(0)
})

describe('a revoked key', () => {
  test('is refused at once where it was revoked, and within ten seconds elsewhere', async () => {
    const here = gateway()
    const elsewhere = gateway()
    const { apiKey, key } = await here.changes.create(BROKER_KEY, ACTOR)
    expect(await here.keys.authenticate(apiKey)).not.toBeNull()
    expect(await elsewhere.keys.authenticate(apiKey)).not.toBeNull()
    expect(await here.changes.revoke(key.keyId, ACTOR)).toMatchObject({ active: false, revokedAt: new Date(START) })
    expect(await here.keys.authenticate(apiKey)).toBeNull()
    elsewhere.time.now += 10_000
    expect(await elsewhere.keys.authenticate(apiKey)).toBeNull()
  })

  test('takes its sessions with it', async () => {
    const { changes, keys, clock } = gateway()
    const { apiKey, key } = await changes.create(BROKER_KEY, ACTOR)
    const open = sessions({ database: database.pool, keys: tokenKeys(['x'.repeat(32)]), apiKeys: keys, clock })
    const principal = await keys.authenticate(apiKey)
    const { accessToken, cookie, sessionId } = await open.open(principal!)
    expect(await open.authenticate(accessToken)).toMatchObject({ sessionId })
    await changes.revoke(key.keyId, ACTOR)
    expect(await open.authenticate(accessToken)).toBe('ended')
    expect(await open.renew(cookie, async () => {})).toBeNull()
    const { rows } = await database.pool.query('select end_reason from sessions where session_id = $1', [sessionId])
    expect(rows).toEqual([{ end_reason: 'key_ended' }])
    open.close()
  })

  test('stays as it is when it is revoked again, without another record; one that was never there is not found', async () => {
    const { changes, time } = gateway()
    const { key } = await changes.create(BROKER_KEY, ACTOR)
    await changes.revoke(key.keyId, ACTOR)
    time.now += 5_000
    expect((await changes.revoke(key.keyId, ACTOR)).revokedAt).toEqual(new Date(START))
    expect((await recordsOf(key.keyId)).map(({ record_type }) => record_type)).toEqual([
      'api_key_created',
      'api_key_revoked',
    ])
    expect(await codeOf(changes.revoke('nokeyofours1', ACTOR))).toBe('NOT_FOUND')
  })
})

describe('a rotated key', () => {
  const DEFAULTS = { overlapDays: 14, expiresInDays: 90 }

  test('goes on beside the new one for its overlap, then ends', async () => {
    const { changes, keys, time } = gateway()
    const old = await changes.create(BROKER_KEY, ACTOR)
    const { apiKey, key, replaced } = await changes.rotate(old.key.keyId, DEFAULTS, ACTOR)
    expect(key).toMatchObject({ clientId: 'classic', role: 'broker', label: 'London', active: true })
    expect(replaced).toMatchObject({
      keyId: old.key.keyId,
      replacedBy: key.keyId,
      revokedAt: new Date(START + 14 * DAY_MS),
      active: true,
    })
    expect(await keys.authenticate(old.apiKey)).not.toBeNull()
    expect(await keys.authenticate(apiKey)).not.toBeNull()
    time.now += 14 * DAY_MS
    expect(await keys.authenticate(old.apiKey)).toBeNull()
    expect(await keys.authenticate(apiKey)).not.toBeNull()
    const records = await recordsOf(old.key.keyId)
    expect(records[1]).toMatchObject({
      record_type: 'api_key_rotated',
      after: { replaced_by: key.keyId, revoked_at: new Date(START + 14 * DAY_MS).toISOString() },
    })
    expect((await recordsOf(key.keyId)).map(({ record_type }) => record_type)).toEqual(['api_key_created'])
  })

  test('ends at its own end when that comes first, and at once when no overlap is asked for', async () => {
    const { changes, keys } = gateway()
    const short = await changes.create({ ...BROKER_KEY, expiresInDays: 3 }, ACTOR)
    const { replaced } = await changes.rotate(short.key.keyId, DEFAULTS, ACTOR)
    expect(replaced.revokedAt).toEqual(new Date(START + 3 * DAY_MS))
    const leaked = await changes.create(BROKER_KEY, ACTOR)
    expect(await keys.authenticate(leaked.apiKey)).not.toBeNull()
    await changes.rotate(leaked.key.keyId, { ...DEFAULTS, overlapDays: 0 }, ACTOR)
    expect(await keys.authenticate(leaked.apiKey)).toBeNull()
  })

  test('is not rotated twice, nor is one that has ended; while it goes on it can be revoked', async () => {
    const { changes, keys } = gateway()
    const old = await changes.create(BROKER_KEY, ACTOR)
    await changes.rotate(old.key.keyId, DEFAULTS, ACTOR)
    expect(await codeOf(changes.rotate(old.key.keyId, DEFAULTS, ACTOR))).toBe('CONFLICT')
    expect(await changes.revoke(old.key.keyId, ACTOR)).toMatchObject({ active: false, revokedAt: new Date(START) })
    expect(await keys.authenticate(old.apiKey)).toBeNull()
    expect(await codeOf(changes.rotate(old.key.keyId, DEFAULTS, ACTOR))).toBe('CONFLICT')
  })

  test('by two at once is replaced by one', async () => {
    const { changes } = gateway()
    const { key } = await changes.create(BROKER_KEY, ACTOR)
    const both = await Promise.allSettled([1, 2].map(() => changes.rotate(key.keyId, DEFAULTS, ACTOR)))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

test('the list is by broker and by whether keys are good, the newest first', async () => {
  await database.pool.query('delete from sessions')
  await database.pool.query('delete from api_keys')
  const { changes, time } = gateway()
  const first = await changes.create({ clientId: 'house', role: 'admin' }, ACTOR)
  time.now += 1000
  const second = await changes.create({ ...BROKER_KEY, expiresInDays: 1 }, ACTOR)
  time.now += 1000
  const third = await changes.create(BROKER_KEY, ACTOR)
  await changes.revoke(third.key.keyId, ACTOR)
  const ids = async (ask: { clientId?: string; active?: boolean; skip?: number; limit?: number }) => {
    const found = await changes.list({ clientId: null, active: null, skip: 0, limit: 10, ...ask })
    return [found.total, ...found.items.map(({ keyId }) => keyId)]
  }
  expect(await ids({})).toEqual([3, third.key.keyId, second.key.keyId, first.key.keyId])
  expect(await ids({ clientId: 'classic' })).toEqual([2, third.key.keyId, second.key.keyId])
  expect(await ids({ active: true })).toEqual([2, second.key.keyId, first.key.keyId])
  expect(await ids({ skip: 1, limit: 1 })).toEqual([3, second.key.keyId])
  time.now += DAY_MS
  expect(await ids({ active: false })).toEqual([2, third.key.keyId, second.key.keyId])
})
