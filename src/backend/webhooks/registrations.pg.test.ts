// Webhooks as their owners add, see and remove them, with a record of each change.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Problem } from '../server/problem.ts'
import { WEBHOOK_ACTOR, type WebhookStage, webhookStage } from '../test/webhook-stage.ts'
import { webhookLettingGo } from './letting-go.ts'
import { SECRET_OVERLAP_HOURS, WEBHOOKS_MAX } from './webhook.ts'

let stage: WebhookStage
beforeAll(async () => {
  stage = await webhookStage()
})
afterEach(() => stage.clear())
afterAll(() => stage.end())

const PAGE = { skip: 0, limit: 100 }

async function codeOf(call: Promise<unknown>): Promise<string> {
  const failure = await call.catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(Problem)
  return (failure as Problem).code
}

async function recordsOf(webhookId: string): Promise<string[]> {
  const { rows } = await stage.database.pool.query<{ record: string }>(
    `select record from audit_records where record::json -> 'subject' ->> 'id' = $1 order by audit_id`,
    [webhookId],
  )
  return rows.map(({ record }) => record)
}

/** Puts deliveries into a state, ended or queued at a time. */
async function put(webhookId: string, state: 'pending' | 'delivered' | 'dead', at: Date, count = 1): Promise<string[]> {
  const { rows } = await stage.database.pool.query<{ delivery_id: string }>(
    `insert into webhook_deliveries (delivery_id, webhook_id, event_id, event_type, body, state, created_at, queued_at, next_attempt_at, ended_at)
     select gen_random_uuid(), $1, gen_random_uuid()::text, 'batch_done', '{}', $2::text, $3::timestamptz, $3, $3, case when $2 <> 'pending' then $3 end
       from generate_series(1, $4)
     returning delivery_id`,
    [webhookId, state, at, count],
  )
  return rows.map(({ delivery_id }) => delivery_id)
}

const hoursAgo = (hours: number) => new Date(stage.time.now - hours * 3_600_000)

describe('a webhook', () => {
  test('is added, seen by its owner and by who sees all, and removed; its secret is in no row and no record', async () => {
    const { webhookId, secret } = await stage.add({
      url: 'https://127.0.0.1/hook?token=of-the-receiver',
      events: ['rate_changed', 'batch_done'],
      tickers: ['GME'],
      thresholdBp: 25,
    })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const own = await stage.registered.list({ clientId: 'classic', ...PAGE })
    expect(own).toMatchObject({
      total: 1,
      items: [
        {
          webhookId,
          clientId: 'classic',
          url: 'https://127.0.0.1/hook?token=of-the-receiver',
          events: ['rate_changed', 'batch_done'],
          tickers: ['GME'],
          thresholdBp: 25,
          createdBy: 'brokerkey001',
          pending: 0,
          failures: 0,
        },
      ],
    })
    expect((await stage.registered.list({ clientId: 'other', ...PAGE })).items).toEqual([])
    expect((await stage.registered.list({ clientId: null, ...PAGE })).total).toBe(1)
    await stage.registered.remove({ webhookId, clientId: 'classic' }, WEBHOOK_ACTOR)
    expect((await stage.registered.list({ clientId: null, ...PAGE })).items).toEqual([])

    const records = await recordsOf(webhookId)
    expect(records.map((record) => JSON.parse(record).record_type)).toEqual(['webhook_added', 'webhook_removed'])
    expect(JSON.parse(records[0]!)).toMatchObject({
      client_id: 'classic',
      after: { url: 'https://127.0.0.1/hook', threshold_bp: 25 },
    })
    const { rows } = await stage.database.pool.query(`select webhooks::text as text, secret from webhooks`)
    for (const kept of [...records, rows[0].text, rows[0].secret.toString('latin1')]) {
      expect(kept).not.toContain(secret.slice(6))
      expect(kept).not.toContain(Buffer.from(secret.slice(6), 'base64').toString('latin1'))
    }
    for (const record of records) expect(record).not.toContain('of-the-receiver')
  })

  test.each([
    ['http://93.184.216.34/', 'public'],
    ['https://10.0.0.1/', 'public'],
    ['https://[::1]/', 'public'],
    ['https://nowhere.example.com/', 'public'],
    ['https://user@127.0.0.1/', 'user'],
  ])('to %s is refused', async (url, word) => {
    const failure = await stage.add({ url }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'INVALID_PARAMETER', message: expect.stringContaining(word) })
  })

  test(`is one of ${WEBHOOKS_MAX} at the most of a broker, also when many come at once`, async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: WEBHOOKS_MAX + 5 }, () => stage.add({})))
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused).toHaveLength(5)
    for (const { reason } of refused) expect((reason as Problem).code).toBe('CONFLICT')
    await expect(stage.add({ clientId: 'other' })).resolves.toBeDefined()
  })

  test('of somebody else looks like none, whatever is asked of it', async () => {
    const { webhookId } = await stage.add({})
    const others = { webhookId, clientId: 'other' }
    expect(await codeOf(stage.registered.remove(others, WEBHOOK_ACTOR))).toBe('NOT_FOUND')
    expect(await codeOf(stage.registered.rotateSecret(others, WEBHOOK_ACTOR))).toBe('NOT_FOUND')
    expect(await codeOf(stage.registered.deliveries(others, { state: null, ...PAGE }))).toBe('NOT_FOUND')
    expect(await codeOf(stage.registered.replay(others, { deadSince: new Date(0) }))).toBe('NOT_FOUND')
    expect((await stage.registered.list({ clientId: 'classic', ...PAGE })).total).toBe(1)
  })

  test('gets a new secret with a record, and says how long the old one signs too', async () => {
    const { webhookId } = await stage.add({})
    const { webhook } = await stage.registered.rotateSecret({ webhookId, clientId: null }, WEBHOOK_ACTOR)
    expect(webhook.previousSecretUntil).toEqual(new Date(stage.time.now + SECRET_OVERLAP_HOURS * 3_600_000))
    expect((await recordsOf(webhookId)).map((record) => JSON.parse(record).record_type)).toEqual([
      'webhook_added',
      'webhook_rotated',
    ])
  })
})

describe('deliveries', () => {
  test('are listed the newest first, all or by state', async () => {
    const { webhookId } = await stage.add({})
    await put(webhookId, 'pending', hoursAgo(1), 2)
    await put(webhookId, 'dead', hoursAgo(2), 3)
    const which = { webhookId, clientId: 'classic' }
    expect((await stage.registered.deliveries(which, { state: null, skip: 1, limit: 2 })).total).toBe(5)
    const dead = await stage.registered.deliveries(which, { state: 'dead', ...PAGE })
    expect(dead.items).toHaveLength(3)
    expect(dead.items[0]).toMatchObject({ state: 'dead', nextAttemptAt: null, endedAt: hoursAgo(2) })
  })

  test('are replayed one by one, or all that were given up since a time, with new tries and no pause', async () => {
    const { webhookId } = await stage.add({})
    const which = { webhookId, clientId: 'classic' }
    const [delivered] = await put(webhookId, 'delivered', hoursAgo(5))
    await put(webhookId, 'dead', hoursAgo(30), 2)
    await put(webhookId, 'dead', hoursAgo(3), 4)
    await stage.database.pool.query('update webhooks set failures = 9, paused_until = $1', [hoursAgo(-1)])
    expect(await stage.registered.replay(which, { deliveryId: delivered! })).toEqual({ replayed: 1 })
    expect(await stage.registered.replay(which, { deadSince: hoursAgo(10) })).toEqual({ replayed: 4 })
    expect(await stage.registered.replay(which, { deadSince: hoursAgo(10) })).toEqual({ replayed: 0 })
    const { items } = await stage.registered.list({ clientId: 'classic', ...PAGE })
    expect(items[0]).toMatchObject({ pending: 5, failures: 0, pausedUntil: null })
    const rows = await stage.deliveries(webhookId)
    for (const row of rows.filter(({ state }) => state === 'pending')) {
      expect(row).toMatchObject({ attempts: 0, queued_at: stage.clock(), ended_at: null })
    }
    const { webhookId: another } = await stage.add({})
    expect(
      await codeOf(stage.registered.replay({ webhookId: another, clientId: 'classic' }, { deliveryId: delivered! })),
    ).toBe('NOT_FOUND')
  })
})

describe('in time', () => {
  const letGo = async () => {
    const dead: number[] = []
    const failures: unknown[] = []
    const letting = webhookLettingGo({
      database: stage.database.pool,
      clock: stage.clock,
      onDead: (count) => dead.push(count),
      onFailure: (error) => failures.push(error),
    })
    await letting.letGo()
    await letting.close()
    expect(failures).toEqual([])
    return dead
  }

  test('what waits for more than a day is given up, and what ended goes after a week or a month', async () => {
    const { webhookId } = await stage.add({})
    const [late] = await put(webhookId, 'pending', hoursAgo(26))
    const [waiting] = await put(webhookId, 'pending', hoursAgo(24))
    await put(webhookId, 'delivered', hoursAgo(8 * 24), 2_500)
    const [kept] = await put(webhookId, 'delivered', hoursAgo(6 * 24))
    const [dead] = await put(webhookId, 'dead', hoursAgo(29 * 24))
    await put(webhookId, 'dead', hoursAgo(31 * 24))
    expect(await letGo()).toEqual([1])
    const rows = await stage.deliveries(webhookId)
    expect(new Set(rows.map(({ delivery_id }) => delivery_id))).toEqual(new Set([late, waiting, kept, dead]))
    expect(rows.find(({ delivery_id }) => delivery_id === late)).toMatchObject({
      state: 'dead',
      last_error: 'the endpoint was left alone for too long',
    })
  })

  test('a webhook that was removed goes with all that was its own, and no other', async () => {
    const { webhookId } = await stage.add({})
    const { webhookId: other } = await stage.add({})
    await put(webhookId, 'pending', hoursAgo(1), 1_500)
    await put(other, 'pending', hoursAgo(1))
    await stage.database.pool.query(
      `insert into webhook_rates (webhook_id, ticker, rate, told_at) values ($1, 'GME', 0.05, now())`,
      [webhookId],
    )
    await stage.registered.remove({ webhookId, clientId: null }, WEBHOOK_ACTOR)
    expect(await letGo()).toEqual([])
    const { rows } = await stage.database.pool.query('select webhook_id from webhooks')
    expect(rows).toEqual([{ webhook_id: other }])
    expect(await stage.deliveries(webhookId)).toEqual([])
    expect(await stage.deliveries(other)).toHaveLength(1)
  })
})
