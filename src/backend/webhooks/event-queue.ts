// Events on their way into the queue in the database: who is told of what is decided here. Noting an event never waits and never fails;
// what has gathered is written every half second. Every gateway notes the same events, and each is queued once: by its id, and a
// rate by what a webhook was told last, which the database compares and replaces in one step.
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
  type FeedEvent,
  type RateMove,
} from './events.ts'

export interface EventQueue {
  rate(move: RateMove): void
  feed(event: FeedEvent): void
  batch(event: BatchEvent): void
  /** Writes what has gathered. Never rejects: what is not written waits for the next time. */
  write(): Promise<void>
  stats(): QueueStats
  /** Writes once more. */
  close(): Promise<void>
}

export interface QueueStats {
  /** Events and rates that wait to be written. */
  readonly waiting: number
  /** Deliveries queued since the start. */
  readonly queued: number
  /** Events that did not fit, here or in a webhook's queue, since the start. */
  readonly dropped: number
}

/** Deliveries of one webhook that wait in the database; beyond that events are dropped, counted. */
export const PENDING_MAX = 10_000
/** Rates in one event. */
export const RATES_IN_EVENT_MAX = 100
const EVERY_MS = 500
/** Stocks whose rates wait in this process. */
const RATES_MAX = 50_000
const EVENTS_MAX = 1_000
/** Rates times webhooks of one statement. */
const PAIRS_MAX = 20_000

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
  let rates = new Map<string, RateMove>()
  let events: (FeedEvent | BatchEvent)[] = []
  let queued = 0
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => void write(), everyMs)
  timer.unref()

  function noteEvent(event: FeedEvent | BatchEvent): void {
    if (events.length < EVENTS_MAX) events.push(event)
    else dropped += 1
  }

  function noteRate(move: RateMove): void {
    const known = rates.get(move.ticker)
    if (known === undefined && rates.size >= RATES_MAX) dropped += 1
    else if (known === undefined) rates.set(move.ticker, move)
    // What lies between is told to nobody: from the first to the last.
    else if (known.at < move.at) rates.set(move.ticker, { ...move, previousRate: known.previousRate })
  }

  async function writeGathered(): Promise<void> {
    const before = queued
    try {
      for (let event = events[0]; event !== undefined; event = events[0]) {
        const outcome = await queueEvent(database, event, { now: clock(), newId })
        queued += outcome.queued
        dropped += outcome.full
        events.shift()
      }
      if (rates.size > 0) {
        const moves = [...rates.values()]
        rates = new Map()
        try {
          queued += await queueRates(database, moves, { now: clock(), newId })
        } catch (error) {
          // Older than what came since; noting both keeps the newer one and the first one's past.
          const since = [...rates.values()]
          rates = new Map()
          for (const move of [...moves, ...since]) noteRate(move)
          throw error
        }
      }
    } catch (error) {
      onFailure(error)
    }
    if (queued > before) onQueued()
  }

  function write(): Promise<void> {
    if (rates.size + events.length > 0) writing = writing.then(writeGathered)
    return writing
  }

  return {
    rate: noteRate,
    feed: noteEvent,
    batch: noteEvent,
    write,
    stats: () => ({ waiting: rates.size + events.length, queued, dropped }),
    async close() {
      clearInterval(timer)
      await write()
      dropped += rates.size + events.length
      events = []
      rates = new Map()
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

/** One event for all who are told of it, in one body. */
async function queueEvent(database: pg.Pool, event: FeedEvent | BatchEvent, queueing: Queueing) {
  const clientId = event.type === 'batch_done' ? event.clientId : null
  const { rows: told } = await database.query<{ webhook_id: string; is_full: boolean }>(
    `select w.webhook_id, ${IS_FULL} as is_full from webhooks w join brokers b on b.client_id = w.client_id
      where ${IS_TOLD} and $1 = any(w.events) and ($2::text is null or w.client_id = $2)`,
    [event.type, clientId],
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

/**
 * The rates that moved far enough for each webhook, counted from what it was told last: compared, replaced and queued in one
 * transaction. A webhook whose queue is full is passed over: what it was told last stays, and a later change tells it all.
 */
async function queueRates(database: pg.Pool, moves: readonly RateMove[], queueing: Queueing): Promise<number> {
  const { rows: told } = await database.query<{ webhook_id: string }>(
    `select w.webhook_id from webhooks w join brokers b on b.client_id = w.client_id
      where ${IS_TOLD} and 'rate_changed' = any(w.events) and not ${IS_FULL}`,
  )
  if (told.length === 0) return 0
  const webhookIds = told.map(({ webhook_id }) => webhook_id)
  const step = Math.max(1, Math.floor(PAIRS_MAX / webhookIds.length))
  let queued = 0
  for (let from = 0; from < moves.length; from += step) {
    const part = moves.slice(from, from + step)
    queued += await inTransaction(database, async (client) => {
      // Gateways take turns: they write about the same rows.
      await client.query(`select pg_advisory_xact_lock(hashtextextended('webhook_rates', 0))`)
      const moved = await replaceRates(client, part, webhookIds)
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
moves as (
  select * from unnest($1::text[], $2::numeric[], $3::numeric[], $4::timestamptz[]) as move (ticker, rate, previous_rate, at)),
pairs as (
  select w.webhook_id, w.threshold_bp, m.ticker, m.rate, m.previous_rate, m.at
    from webhooks w, moves m
   where w.webhook_id = any($5) and (w.tickers is null or m.ticker = any(w.tickers)))`

async function replaceRates(
  client: Queryable,
  moves: readonly RateMove[],
  webhookIds: readonly string[],
): Promise<MovedRow[]> {
  const values = [
    moves.map(({ ticker }) => ticker),
    moves.map(({ rate }) => rate.toString()),
    moves.map(({ previousRate }) => previousRate?.toString() ?? null),
    moves.map(({ at }) => at),
    webhookIds,
  ]
  await client.query(
    `with ${PAIRS}
     insert into webhook_rates (webhook_id, ticker, rate, told_at)
     select webhook_id, ticker, coalesce(previous_rate, rate), '-infinity' from pairs
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
  for (const row of moved) byWebhook.set(row.webhook_id, [...(byWebhook.get(row.webhook_id) ?? []), row])
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
