// Events on their way into the queue in the database: who is told of what is decided here. Noting something never waits and never fails;
// what has gathered is written every half second. However many gateways note the same, each webhook is told once: of a batch by its
// id, of a rate or a feed by what it was told last, which the database compares and replaces in one step.
import type pg from 'pg'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import { decimal, minus, times, trim } from '../pricing/decimal.ts'
import type { Clock } from '../server/uuidv7.ts'
import {
  BASIS_POINTS_IN_ONE,
  type BatchEvent,
  type EventType,
  eventBody,
  type FeedSeen,
  type RateSeen,
} from './events.ts'

export interface EventQueue {
  batch(event: BatchEvent): void
  /** @param webhookIds who may be told: the webhooks that ask for rates under the model that these are of */
  rates(webhookIds: readonly string[], seen: readonly RateSeen[]): void
  /** @param webhookIds who may be told */
  feed(webhookIds: readonly string[], seen: FeedSeen): void
  /** Writes what has gathered. Never rejects: what is not written waits for the next time. */
  write(): Promise<void>
  stats(): QueueStats
  /** Writes once more. */
  close(): Promise<void>
}

export interface QueueStats {
  /** Events, rates and feeds that wait to be written. */
  readonly waiting: number
  /** Deliveries queued since the start. */
  readonly queued: number
  /** What did not fit, here or in a webhook's queue, since the start. */
  readonly dropped: number
}

/** Deliveries of one webhook that wait in the database; beyond that events are dropped, counted. */
export const PENDING_MAX = 10_000
/** Rates in one event. */
export const RATES_IN_EVENT_MAX = 100
const EVERY_MS = 500
/** Rates that wait in this process, and other events. */
const RATES_MAX = 100_000
const EVENTS_MAX = 1_000
/** Rates times webhooks of one statement. */
const PAIRS_MAX = 20_000

/** Something that waits: it is written in the order in which it came. */
type Waiting =
  | { readonly kind: 'batch'; readonly event: BatchEvent }
  | { readonly kind: 'feed'; readonly webhookIds: readonly string[]; readonly seen: FeedSeen }

export function eventQueue(options: {
  readonly database: pg.Pool
  readonly clock: Clock
  /** Makes UUIDv7s. */
  readonly newId: () => string
  /** Told when something was queued. */
  readonly onQueued: () => void
  readonly onFailure: (error: unknown) => void
  readonly everyMs?: number
}): EventQueue {
  const { database, clock, newId, onQueued, onFailure, everyMs = EVERY_MS } = options
  /** By who may be told, and then by ticker. */
  const rates = new Map<readonly string[], Map<string, RateSeen>>()
  const waiting: Waiting[] = []
  let ratesWaiting = 0
  let queued = 0
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => void write(), everyMs)
  timer.unref()

  function note(what: Waiting): void {
    if (waiting.length < EVENTS_MAX) waiting.push(what)
    else dropped += 1
  }

  function noteRate(webhookIds: readonly string[], seen: RateSeen): void {
    const known = rates.get(webhookIds)?.get(seen.ticker)
    if (known === undefined) {
      if (ratesWaiting >= RATES_MAX) {
        dropped += 1
        return
      }
      const ofThese = rates.get(webhookIds) ?? new Map<string, RateSeen>()
      rates.set(webhookIds, ofThese.set(seen.ticker, seen))
      ratesWaiting += 1
    } else if (known.at <= seen.at) {
      // What lies between is told to nobody: from the first to the last.
      rates.get(webhookIds)?.set(seen.ticker, { ...seen, previousRate: known.previousRate ?? seen.previousRate })
    }
  }

  async function writeRates(): Promise<void> {
    for (const [webhookIds, ofThese] of [...rates]) {
      const seen = [...ofThese.values()]
      rates.delete(webhookIds)
      ratesWaiting -= seen.length
      try {
        queued += await queueRates(database, webhookIds, seen, { now: clock(), newId })
      } catch (error) {
        const since = [...(rates.get(webhookIds)?.values() ?? [])]
        ratesWaiting -= since.length
        rates.delete(webhookIds)
        for (const each of [...seen, ...since]) noteRate(webhookIds, each)
        throw error
      }
    }
  }

  async function writeGathered(): Promise<void> {
    const before = queued
    try {
      for (let what = waiting[0]; what !== undefined; what = waiting[0]) {
        const queueing = { now: clock(), newId }
        if (what.kind === 'feed') queued += await queueFeed(database, what.webhookIds, what.seen, queueing)
        else {
          const outcome = await queueBatch(database, what.event, queueing)
          queued += outcome.queued
          dropped += outcome.full
        }
        waiting.shift()
      }
      await writeRates()
    } catch (error) {
      onFailure(error)
    }
    if (queued > before) onQueued()
  }

  function write(): Promise<void> {
    if (ratesWaiting + waiting.length > 0) writing = writing.then(writeGathered)
    return writing
  }

  return {
    batch: (event) => note({ kind: 'batch', event }),
    feed: (webhookIds, seen) => note({ kind: 'feed', webhookIds, seen }),
    rates(webhookIds, seen) {
      for (const each of seen) noteRate(webhookIds, each)
    },
    write,
    stats: () => ({ waiting: ratesWaiting + waiting.length, queued, dropped }),
    async close() {
      clearInterval(timer)
      await write()
      dropped += ratesWaiting + waiting.length
      waiting.splice(0)
      rates.clear()
      ratesWaiting = 0
    },
  }
}

interface Queueing {
  readonly now: Date
  readonly newId: () => string
}

interface NewDelivery {
  readonly webhookId: string
  readonly eventId: string
  readonly type: EventType
  readonly body: string
}

const IS_TOLD = 'w.removed_at is null and b.active'
const IS_FULL = `exists (select from webhook_deliveries d where d.webhook_id = w.webhook_id and d.state = 'pending' offset ${PENDING_MAX - 1})`

/** A batch for the webhooks of the broker that asked for it, in one body. */
async function queueBatch(database: pg.Pool, event: BatchEvent, queueing: Queueing) {
  const { rows: told } = await database.query<{ webhook_id: string; is_full: boolean }>(
    `select w.webhook_id, ${IS_FULL} as is_full from webhooks w join brokers b on b.client_id = w.client_id
      where ${IS_TOLD} and 'batch_done' = any(w.events) and w.client_id = $1`,
    [event.clientId],
  )
  const full = told.filter(({ is_full }) => is_full).map(({ webhook_id }) => webhook_id)
  if (full.length > 0) {
    await database.query('update webhooks set dropped = dropped + 1 where webhook_id = any($1)', [full])
  }
  const body = eventBody(event)
  const deliveries = told
    .filter(({ is_full }) => !is_full)
    .map(({ webhook_id }) => ({ webhookId: webhook_id, eventId: event.eventId, type: event.type, body }))
  return { queued: await insertDeliveries(database, deliveries, queueing), full: full.length }
}

/** Those of the webhooks that are there, ask for it, and have room. One that has none is passed over: what it was told last stays. */
async function withRoom(database: pg.Pool, webhookIds: readonly string[], event: EventType): Promise<string[]> {
  const { rows } = await database.query<{ webhook_id: string }>(
    `select w.webhook_id from webhooks w join brokers b on b.client_id = w.client_id
      where ${IS_TOLD} and w.webhook_id = any($1) and $2 = any(w.events) and not ${IS_FULL}`,
    [webhookIds, event],
  )
  return rows.map(({ webhook_id }) => webhook_id)
}

/** Gateways take turns: they write about the same rows. */
async function lockTold(client: Queryable): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('what webhooks were told', 0))`)
}

// ---- rates

/** The rates that are far enough from what each webhook was told last: compared, replaced and queued in one transaction. */
async function queueRates(
  database: pg.Pool,
  webhookIds: readonly string[],
  seen: readonly RateSeen[],
  queueing: Queueing,
): Promise<number> {
  const told = await withRoom(database, webhookIds, 'rate_changed')
  if (told.length === 0) return 0
  const step = Math.max(1, Math.floor(PAIRS_MAX / told.length))
  let queued = 0
  for (let from = 0; from < seen.length; from += step) {
    const part = seen.slice(from, from + step)
    queued += await inTransaction(database, async (client) => {
      await lockTold(client)
      const moved = await replaceRates(client, told, part)
      return await insertDeliveries(client, rateDeliveries(moved, queueing), queueing)
    })
  }
  return queued
}

interface MovedRow {
  webhook_id: string
  ticker: string
  rate: string
  previous_rate: string
  told_at: Date
}

const PAIRS = `
seen as (
  select * from unnest($1::text[], $2::numeric[], $3::numeric[], $4::timestamptz[]) as seen (ticker, rate, previous_rate, at)),
pairs as (
  select w.webhook_id, w.threshold_bp, s.ticker, s.rate, s.previous_rate, s.at
    from webhooks w, seen s
   where w.webhook_id = any($5) and (w.tickers is null or s.ticker = any(w.tickers)))`

async function replaceRates(
  client: Queryable,
  webhookIds: readonly string[],
  seen: readonly RateSeen[],
): Promise<MovedRow[]> {
  const values = [
    seen.map(({ ticker }) => ticker),
    seen.map(({ rate }) => rate.toString()),
    seen.map(({ previousRate }) => previousRate?.toString() ?? null),
    seen.map(({ at }) => at),
    webhookIds,
  ]
  // Of a stock that a webhook was told nothing of yet, counting begins with what the rate was before this change.
  await client.query(
    `with ${PAIRS}
     insert into webhook_rates (webhook_id, ticker, rate, told_at)
     select webhook_id, ticker, previous_rate, '-infinity' from pairs where previous_rate is not null
     on conflict do nothing`,
    values,
  )
  const { rows } = await client.query<MovedRow>(
    `with ${PAIRS}
     update webhook_rates told
        set previous_rate = told.rate, rate = pairs.rate, told_at = pairs.at
       from pairs
      where told.webhook_id = pairs.webhook_id and told.ticker = pairs.ticker and told.told_at < pairs.at
        and abs(pairs.rate - told.rate) * ${BASIS_POINTS_IN_ONE} >= pairs.threshold_bp
     returning told.webhook_id, told.ticker, told.rate, told.previous_rate, told.told_at`,
    values,
  )
  return rows
}

function rateDeliveries(moved: readonly MovedRow[], { now, newId }: Queueing): NewDelivery[] {
  const byWebhook = new Map<string, MovedRow[]>()
  for (const row of moved) {
    const rows = byWebhook.get(row.webhook_id)
    if (rows === undefined) byWebhook.set(row.webhook_id, [row])
    else rows.push(row)
  }
  return [...byWebhook].flatMap(([webhookId, rows]) => {
    rows.sort((one, other) => (one.ticker < other.ticker ? -1 : 1))
    const deliveries: NewDelivery[] = []
    for (let from = 0; from < rows.length; from += RATES_IN_EVENT_MAX) {
      const eventId = newId()
      const changes = rows.slice(from, from + RATES_IN_EVENT_MAX).map(changeOf)
      const body = eventBody({ eventId, type: 'rate_changed', at: now, data: { changes } })
      deliveries.push({ webhookId, eventId, type: 'rate_changed', body })
    }
    return deliveries
  })
}

function changeOf(row: MovedRow): object {
  const [rate, previous] = [decimal(row.rate), decimal(row.previous_rate)]
  return {
    ticker: row.ticker,
    borrow_rate: trim(rate),
    previous_borrow_rate: trim(previous),
    change_bp: trim(times(minus(rate, previous), decimal(BASIS_POINTS_IN_ONE))),
    changed_at: row.told_at,
  }
}

// ---- feeds

/** A feed whose state is another than the one that a webhook was told last: compared, replaced and queued in one transaction. */
async function queueFeed(
  database: pg.Pool,
  webhookIds: readonly string[],
  { feed, now, before, at }: FeedSeen,
  queueing: Queueing,
): Promise<number> {
  const told = await withRoom(database, webhookIds, 'feed_changed')
  if (told.length === 0) return 0
  return await inTransaction(database, async (client) => {
    await lockTold(client)
    const begin = before ?? now
    await client.query(
      `insert into webhook_feeds (webhook_id, feed, state, data, told_at)
       select id, $2, $3, $4, '-infinity' from unnest($1::uuid[]) as id on conflict do nothing`,
      [told, feed, begin.state, begin.data],
    )
    const { rows } = await client.query<{
      webhook_id: string
      previous_state: string
      previous_data: string | null
    }>(
      `update webhook_feeds
          set previous_state = state, previous_data = data, state = $3, data = $4, told_at = $5
        where webhook_id = any($1) and feed = $2 and told_at < $5 and (state, data) is distinct from ($3::text, $4::text)
       returning webhook_id, previous_state, previous_data`,
      [told, feed, now.state, now.data, at],
    )
    const deliveries = rows.map(({ webhook_id, previous_state, previous_data }): NewDelivery => {
      const eventId = queueing.newId()
      const data = { feed, ...now, previous_state, previous_data }
      const body = eventBody({ eventId, type: 'feed_changed', at, data })
      return { webhookId: webhook_id, eventId, type: 'feed_changed', body }
    })
    return await insertDeliveries(client, deliveries, queueing)
  })
}

async function insertDeliveries(
  database: Queryable,
  deliveries: readonly NewDelivery[],
  { now, newId }: Queueing,
): Promise<number> {
  if (deliveries.length === 0) return 0
  const { rowCount } = await database.query(
    `insert into webhook_deliveries
       (delivery_id, webhook_id, event_id, event_type, body, created_at, queued_at, next_attempt_at)
     select *, $6::timestamptz, $6, $6 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
     on conflict do nothing`,
    [
      deliveries.map(newId),
      deliveries.map(({ webhookId }) => webhookId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ type }) => type),
      deliveries.map(({ body }) => body),
      now,
    ],
  )
  return rowCount ?? 0
}
