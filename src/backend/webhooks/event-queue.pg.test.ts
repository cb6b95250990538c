// Events on their way into the queue: who is told, of what, once, however many gateways learn of it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { asRate } from '../pricing/units.ts'
import { WEBHOOK_ACTOR, type WebhookStage, webhookStage } from '../test/webhook-stage.ts'
import { PENDING_MAX, RATES_IN_EVENT_MAX } from './event-queue.ts'
import { batchEvent, type FeedState, type RateSeen } from './events.ts'

let stage: WebhookStage
beforeAll(async () => {
  stage = await webhookStage()
})
afterEach(() => stage.clear())
afterAll(() => stage.end())

const rate = (text: string) => asRate(decimal(text))
const move = (ticker: string, previous: string | null, now: string, secondsLater = 0): RateSeen => ({
  ticker,
  rate: rate(now),
  previousRate: previous === null ? null : rate(previous),
  at: new Date(stage.time.now + secondsLater * 1000),
})
const batch = (clientId: string, id = 'b-1') =>
  batchEvent(
    clientId,
    {
      batchId: id,
      snapshotAt: '2026-11-24T12:00:00.000Z',
      lines: 3,
      priced: 2,
      failed: 1,
      totalFee: decimal('456.50'),
    },
    stage.clock(),
  )
const up: FeedState = { state: 'up', data: 'fresh' }
const down: FeedState = { state: 'down', data: 'expired' }

async function bodies(webhookId: string) {
  return (await stage.deliveries(webhookId)).map(({ body }) => JSON.parse(String(body)))
}

/** The changes that a webhook was told, as `GME 0.05>0.06`. */
async function changes(webhookId: string): Promise<string[]> {
  const told = (await bodies(webhookId)).flatMap(({ data }) => data.changes)
  return told.map(({ ticker, borrow_rate, previous_borrow_rate }) => `${ticker} ${previous_borrow_rate}>${borrow_rate}`)
}

/** All webhooks there are. */
async function everybody(): Promise<string[]> {
  const { items } = await stage.registered.list({ clientId: null, skip: 0, limit: 100 })
  return items.map(({ webhookId }) => webhookId)
}

async function tell(...seen: RateSeen[]): Promise<void> {
  const queue = stage.queue()
  queue.rates(await everybody(), seen)
  await queue.write()
}

describe('a batch that is done', () => {
  test('is told to its own broker alone, once, also when it is answered again, with every digit', async () => {
    const { webhookId: own } = await stage.add({})
    const { webhookId: others } = await stage.add({ clientId: 'other' })
    const { webhookId: rates } = await stage.add({ events: ['rate_changed'] })
    const queue = stage.queue()
    queue.batch(batch('classic'))
    queue.batch(batch('classic'))
    await queue.write()
    const queued = await stage.deliveries(own)
    expect(queued).toHaveLength(1)
    expect(queued[0]).toMatchObject({ event_id: 'batch_done:b-1', state: 'pending', attempts: 0 })
    expect(queued[0]?.body).toBe(
      '{"id":"batch_done:b-1","type":"batch_done","created_at":"2026-11-24T12:00:00.000Z","data":{"batch_id":"b-1",' +
        '"snapshot_at":"2026-11-24T12:00:00.000Z","lines":3,"priced":2,"failed":1,"total_fee":456.50}}',
    )
    expect([...(await stage.deliveries(others)), ...(await stage.deliveries(rates))]).toEqual([])
  })

  test('is told to nobody whose broker is not active, nor where the webhook was removed', async () => {
    const { webhookId } = await stage.add({ clientId: 'asleep' })
    const { webhookId: removed } = await stage.add({})
    await stage.registered.remove({ webhookId: removed, clientId: null }, WEBHOOK_ACTOR)
    const queue = stage.queue()
    queue.batch(batch('asleep'))
    queue.batch(batch('classic'))
    await queue.write()
    expect([...(await stage.deliveries(webhookId)), ...(await stage.deliveries(removed))]).toEqual([])
  })
})

describe('the state of a feed', () => {
  async function tellFeed(now: FeedState, before: FeedState | null, gateways = 1): Promise<void> {
    stage.time.now += 1000
    const all = await everybody()
    await Promise.all(
      Array.from({ length: gateways }, async () => {
        const queue = stage.queue()
        queue.feed(all, { feed: 'lender', now, before, at: stage.clock() })
        await queue.write()
      }),
    )
  }

  test('is told to all who ask for it when it is another, once, by however many gateways it is seen', async () => {
    const { webhookId: one } = await stage.add({ events: ['feed_changed'] })
    const { webhookId: two } = await stage.add({ clientId: 'other', events: ['feed_changed', 'batch_done'] })
    const { webhookId: rates } = await stage.add({ events: ['rate_changed'] })
    await tellFeed(down, up, 3)
    await tellFeed(up, down, 3)
    for (const webhookId of [one, two]) {
      expect((await bodies(webhookId)).map(({ data }) => data)).toEqual([
        { feed: 'lender', ...down, previous_state: 'up', previous_data: 'fresh' },
        { feed: 'lender', ...up, previous_state: 'down', previous_data: 'expired' },
      ])
    }
    expect(await stage.deliveries(rates)).toEqual([])
  })

  test('is where telling begins when it is seen first; what became another while nobody watched is told late', async () => {
    const { webhookId } = await stage.add({ events: ['feed_changed'] })
    await tellFeed(up, null)
    expect(await stage.deliveries(webhookId)).toEqual([])
    await tellFeed(up, null)
    expect(await stage.deliveries(webhookId)).toEqual([])
    await tellFeed(down, null)
    expect((await bodies(webhookId)).map(({ data }) => data.state)).toEqual(['down'])
  })
})

describe('rates', () => {
  const events = ['rate_changed'] as const

  test('are told from the threshold on, in one event, with both rates and the basis points between them', async () => {
    const { webhookId } = await stage.add({ events, thresholdBp: 25 })
    await tell(move('GME', '0.05', '0.0525'), move('AMC', '0.05', '0.05249999'), move('TSLA', '0.03', '0.0063'))
    const [told] = await bodies(webhookId)
    expect(told).toMatchObject({ type: 'rate_changed', created_at: '2026-11-24T12:00:00.000Z' })
    expect(told.data.changes).toEqual([
      {
        ticker: 'GME',
        borrow_rate: 0.0525,
        previous_borrow_rate: 0.05,
        change_bp: 25,
        changed_at: '2026-11-24T12:00:00.000Z',
      },
      {
        ticker: 'TSLA',
        borrow_rate: 0.0063,
        previous_borrow_rate: 0.03,
        change_bp: -237,
        changed_at: '2026-11-24T12:00:00.000Z',
      },
    ])
  })

  test('that creep count from what was told last, and are told when they have come far enough', async () => {
    const { webhookId } = await stage.add({ events, thresholdBp: 10 })
    await tell(move('GME', '0.0500', '0.0504', 1))
    await tell(move('GME', '0.0504', '0.0508', 2))
    expect(await changes(webhookId)).toEqual([])
    await tell(move('GME', '0.0508', '0.0512', 3))
    await tell(move('GME', '0.0512', '0.0516', 4))
    expect(await changes(webhookId)).toEqual(['GME 0.05>0.0512'])
  })

  test('of other stocks than those that are named are not told', async () => {
    const { webhookId } = await stage.add({ events, tickers: ['GME', 'BRK.B'] })
    await tell(move('GME', '0.05', '0.06'), move('AMC', '0.05', '0.06'), move('BRK.B', '0.05', '0.06'))
    expect(await changes(webhookId)).toEqual(['BRK.B 0.05>0.06', 'GME 0.05>0.06'])
  })

  test('that moved while nobody watched are told when somebody looks again, counted from what was told last', async () => {
    const { webhookId } = await stage.add({ events })
    await tell(move('GME', null, '0.05', 1), move('AMC', null, '0.05', 1))
    expect(await changes(webhookId)).toEqual([])
    await tell(move('GME', '0.05', '0.06', 2))
    await tell(move('GME', null, '0.08', 3), move('AMC', null, '0.08', 3))
    expect(await changes(webhookId)).toEqual(['GME 0.05>0.06', 'GME 0.06>0.08'])
  })

  test('are told to those alone who may be told, of them to those who ask for rates', async () => {
    const { webhookId: one } = await stage.add({ events })
    const { webhookId: other } = await stage.add({ events })
    const { webhookId: batches } = await stage.add({ events: ['batch_done'] })
    const queue = stage.queue()
    queue.rates([one, batches], [move('GME', '0.05', '0.06')])
    queue.rates([other], [move('GME', '0.15', '0.16')])
    await queue.write()
    expect(await changes(one)).toEqual(['GME 0.05>0.06'])
    expect(await changes(other)).toEqual(['GME 0.15>0.16'])
    expect(await stage.deliveries(batches)).toEqual([])
  })

  test('that moved several times before they are written are told from the first to the last', async () => {
    const { webhookId } = await stage.add({ events })
    await tell(move('GME', '0.05', '0.06', 1), move('GME', '0.06', '0.07', 2), move('GME', '0.01', '0.02', 0))
    expect(await changes(webhookId)).toEqual(['GME 0.05>0.07'])
  })

  test('are told once by many gateways that learn of them in any order, and never go back', async () => {
    const { webhookId } = await stage.add({ events, thresholdBp: 5 })
    const moves = Array.from({ length: 30 }, (_, i) =>
      move(`Z${String.fromCharCode(65 + (i % 10))}`, `0.0${5 + Math.floor(i / 10)}`, `0.0${6 + Math.floor(i / 10)}`, i),
    )
    await Promise.all(
      Array.from({ length: 4 }, async (_, gateway) => {
        const queue = stage.queue()
        // Each gateway cuts the same events into other pieces.
        for (const [at, each] of moves.entries()) {
          queue.rates([webhookId], [each])
          if (at % (gateway + 3) === 0) await queue.write()
        }
        await queue.write()
      }),
    )
    const told = (await bodies(webhookId)).flatMap(({ data }) => data.changes)
    for (const ticker of new Set(moves.map((each) => each.ticker))) {
      const own = told.filter((change) => change.ticker === ticker)
      // An unbroken chain from the first rate to the last: nothing twice, nothing left out, nothing backwards.
      expect(own[0].previous_borrow_rate).toBe(0.05)
      expect(own.at(-1).borrow_rate).toBe(0.08)
      for (const [at, change] of own.entries()) {
        if (at > 0) expect(change.previous_borrow_rate).toBe(own[at - 1].borrow_rate)
      }
    }
  })

  test(`of a whole universe come in events of ${RATES_IN_EVENT_MAX}`, async () => {
    const { webhookId } = await stage.add({ events })
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    const tickers = Array.from({ length: 2_050 }, (_, i) =>
      [26 * 26, 26, 1].map((size) => letters[Math.floor(i / size) % 26]).join(''),
    )
    await tell(...tickers.map((ticker) => move(ticker, '0.05', '0.06')))
    const told = await bodies(webhookId)
    expect(told.map(({ data }) => data.changes.length)).toEqual([...Array(20).fill(RATES_IN_EVENT_MAX), 50])
    expect(new Set(told.map(({ id }) => id)).size).toBe(21)
  })

  test('cost one look when nobody asks for them', async () => {
    await stage.add({ events: ['batch_done'] })
    await tell(move('GME', '0.05', '0.06'))
    const { rows } = await stage.database.pool.query('select from webhook_rates')
    expect(rows).toEqual([])
  })
})

describe('a queue that is full', () => {
  async function fill(webhookId: string): Promise<void> {
    await stage.database.pool.query(
      `insert into webhook_deliveries (delivery_id, webhook_id, event_id, event_type, body, created_at, queued_at, next_attempt_at)
       select gen_random_uuid(), $1, 'old ' || n, 'batch_done', '{}', $2, $2, $2 from generate_series(1, ${PENDING_MAX}) n`,
      [webhookId, stage.clock()],
    )
  }

  test('takes no more events, and says how many it did not take', async () => {
    const { webhookId } = await stage.add({})
    await fill(webhookId)
    const queue = stage.queue()
    queue.batch(batch('classic'))
    await queue.write()
    const { items } = await stage.registered.list({ clientId: 'classic', skip: 0, limit: 10 })
    expect(items[0]).toMatchObject({ pending: PENDING_MAX, dropped: 1 })
    expect(queue.stats()).toMatchObject({ queued: 0, dropped: 1 })
  })

  test('loses no rate: what it was told last stays, and a later change tells it all', async () => {
    const { webhookId } = await stage.add({ events: ['rate_changed'] })
    await fill(webhookId)
    await tell(move('GME', '0.05', '0.06', 1))
    await stage.database.pool.query(`delete from webhook_deliveries where event_type = 'batch_done'`)
    await tell(move('GME', '0.06', '0.07', 2))
    // Nothing was told yet, so that counting begins with what the rate was before this change.
    expect(await changes(webhookId)).toEqual(['GME 0.06>0.07'])
    await fill(webhookId)
    await tell(move('GME', '0.07', '0.08', 3))
    await stage.database.pool.query(`delete from webhook_deliveries where event_type = 'batch_done'`)
    await tell(move('GME', '0.08', '0.09', 4))
    expect(await changes(webhookId)).toEqual(['GME 0.06>0.07', 'GME 0.07>0.09'])
  })
})

test('events wait while the database is away, and are written when it is back', async () => {
  const { webhookId } = await stage.add({ events: ['batch_done', 'rate_changed'] })
  const queue = stage.queue()
  const told = [webhookId]
  const { pool } = stage.database
  const query = pool.query.bind(pool)
  pool.query = (() => Promise.reject(new Error('connection refused'))) as unknown as typeof pool.query
  try {
    queue.batch(batch('classic'))
    queue.rates(told, [move('GME', '0.05', '0.06', 1)])
    await queue.write()
    queue.rates(told, [move('GME', '0.06', '0.07', 2)])
    await queue.write()
  } finally {
    pool.query = query as typeof pool.query
  }
  expect(queue.stats()).toMatchObject({ waiting: 2, queued: 0 })
  await queue.write()
  expect(queue.stats()).toMatchObject({ waiting: 0, queued: 2, dropped: 0 })
  expect((await bodies(webhookId)).map(({ type }) => type)).toEqual(['batch_done', 'rate_changed'])
  expect((await bodies(webhookId))[1].data.changes[0]).toMatchObject({ previous_borrow_rate: 0.05, borrow_rate: 0.07 })
})
