// Delivers what is queued. A webhook's turn is taken by one gateway at a time, for as long as a lease, and its deliveries are made one
// after another: in order, one connection to an endpoint at a time. No transaction is open while an endpoint is called. A process that
// dies leaves its turn to whoever comes after the lease; what was delivered and not noted is delivered again, under the same id.
import type pg from 'pg'
import type { Clock } from '../server/uuidv7.ts'
import { type Posted, type PostOptions, post } from './post.ts'
import { type SecretBox, SecretBoxError } from './secret-box.ts'
import { signatureHeaders } from './signature.ts'
import type { Targets } from './target.ts'

/** Between the tries of a delivery, seconds: eight tries within a day. */
export const RETRY_DELAYS_SECONDS = [10, 60, 300, 1_800, 7_200, 21_600, 54_000]
export const TRIES_MAX = RETRY_DELAYS_SECONDS.length + 1
/** Deliveries in a row that fail before an endpoint is left alone. */
export const FAILURES_MAX = 5
/** How long it is left alone first; twice as long after each try that fails. */
const PAUSE_SECONDS = 60
export const PAUSE_SECONDS_MAX = 3_600
/** Of a delay, what chance may take off, so that what failed together does not come back together. */
const JITTER = 0.2

/** Of one try, everything included. */
const TIMEOUT_MS = 10_000
/** Longer than a try may take, renewed with each. */
const LEASE_MS = 30_000
/** Deliveries of one turn: then others have theirs. */
const DELIVERIES_IN_TURN = 100
/** Turns of this process at once. */
const TURNS_MAX = 8
const EVERY_MS = 1_000
/** What is under way when the service stops may take so long. */
const CLOSING_MS = 3_000

export interface DeliveryOptions {
  readonly database: pg.Pool
  readonly targets: Targets
  readonly box: SecretBox
  /** PEM certificates of the authorities that are believed; null: those of the platform. */
  readonly authorities: readonly string[] | null
  readonly clock: Clock
  readonly newId: () => string
  /** From 0 to 1, by chance. */
  readonly random: () => number
  /** Told of deliveries that are given up. */
  readonly onDead: (about: { readonly webhookId: string; readonly deliveryId: string; readonly error: string }) => void
  readonly onFailure: (error: unknown) => void
  readonly everyMs?: number
  readonly timeoutMs?: number
}

export interface DeliveryStats {
  /** Since the start. */
  readonly delivered: number
  readonly failed: number
  readonly dead: number
}

export interface WebhookDelivery {
  /** There may be something to deliver. */
  wake(): void
  stats(): DeliveryStats
  /** Takes no more turns, and waits for what is under way; what takes too long is broken off and delivered later. */
  close(): Promise<void>
}

interface Turn {
  readonly webhookId: string
  readonly token: string
  readonly url: string
  readonly secret: Buffer
  readonly previousSecret: Buffer | null
  readonly previousUntil: Date | null
}

interface Due {
  readonly deliveryId: string
  readonly eventId: string
  readonly body: string
  /** This one included. */
  readonly attempts: number
}

export function webhookDelivery(options: DeliveryOptions): WebhookDelivery {
  const { database, clock, onFailure, everyMs = EVERY_MS } = options
  const count = { delivered: 0, failed: 0, dead: 0 }
  const turns = new Set<Promise<void>>()
  const breakOff = new AbortController()
  let looking: Promise<void> | null = null
  let again = false
  let closing = false
  const timer = setInterval(wake, everyMs)
  timer.unref()

  function wake(): void {
    if (closing) return
    if (looking !== null) {
      again = true
      return
    }
    again = false
    looking = look()
      .catch(onFailure)
      .finally(() => {
        looking = null
        if (again) wake()
      })
  }

  async function look(): Promise<void> {
    const free = TURNS_MAX - turns.size
    if (free === 0) return
    for (const turn of await takeTurns(database, free, options)) {
      const work = takeTurn(turn)
        .catch(onFailure)
        .finally(() => {
          turns.delete(work)
          // There may be more for this one, or others may wait for a free turn.
          wake()
        })
      turns.add(work)
    }
  }

  async function takeTurn(turn: Turn): Promise<void> {
    try {
      for (let made = 0; made < DELIVERIES_IN_TURN && !closing; made += 1) {
        const due = await begin(database, turn, clock())
        if (due === null) return
        const outcome = await attempt(options, turn, due, breakOff.signal)
        if (breakOff.signal.aborted && !outcome.delivered) return await withdraw(database, due)
        if (!(await note(turn, due, outcome))) return
      }
    } finally {
      await endTurn(database, turn, clock())
    }
  }

  /** @returns whether the endpoint may be called again now */
  async function note(turn: Turn, due: Due, outcome: Posted): Promise<boolean> {
    if (outcome.delivered) {
      count.delivered += 1
      await noteDelivered(database, turn, due, outcome.status, clock())
      return true
    }
    count.failed += 1
    const { isDead, isPaused } = await noteFailed(database, turn, due, outcome, options)
    if (isDead) {
      count.dead += 1
      options.onDead({ webhookId: turn.webhookId, deliveryId: due.deliveryId, error: outcome.error })
    }
    return !isPaused
  }

  return {
    wake,
    stats: () => ({ ...count }),
    async close() {
      closing = true
      clearInterval(timer)
      const late = setTimeout(() => breakOff.abort(), CLOSING_MS)
      await looking
      await Promise.all(turns)
      clearTimeout(late)
    },
  }
}

/** What a try of a delivery comes to. */
async function attempt(options: DeliveryOptions, turn: Turn, due: Due, signal: AbortSignal): Promise<Posted> {
  const { targets, box, clock, authorities, timeoutMs = TIMEOUT_MS } = options
  const failed = (error: string): Posted => ({ delivered: false, status: null, error })
  const now = clock()
  let secrets: string[]
  try {
    secrets = [box.open(turn.secret, turn.webhookId)]
    if (turn.previousSecret !== null && turn.previousUntil !== null && turn.previousUntil > now) {
      secrets.push(box.open(turn.previousSecret, turn.webhookId))
    }
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error
    options.onFailure(error)
    return failed('the secret of this webhook can no longer be read: give it a new one')
  }
  const target = targets.faultOf(turn.url) === null ? await targets.resolve(turn.url) : null
  if (target === null) return failed('the host has no address, or one that may not be called')
  const headers = signatureHeaders(secrets, { id: due.eventId, at: now, body: due.body })
  const what: PostOptions = { target, headers, body: due.body, authorities, timeoutMs, signal }
  return await post(what)
}

// ---- turns

/** Webhooks that have something due and nobody's turn, those longest without one first. */
async function takeTurns(
  database: pg.Pool,
  turnsMax: number,
  { clock, newId }: Pick<DeliveryOptions, 'clock' | 'newId'>,
): Promise<Turn[]> {
  const now = clock()
  const token = newId()
  const { rows } = await database.query<{
    webhook_id: string
    url: string
    secret: Buffer
    previous_secret: Buffer | null
    previous_until: Date | null
  }>(
    `update webhooks set turn_until = $2, turn_of = $3
      where webhook_id in
        (select w.webhook_id from webhooks w join brokers b on b.client_id = w.client_id
          where w.removed_at is null and b.active and (w.turn_until is null or w.turn_until <= $1)
            and (w.paused_until is null or w.paused_until <= $1)
            and exists (select from webhook_deliveries d
                         where d.webhook_id = w.webhook_id and d.state = 'pending' and d.next_attempt_at <= $1)
          order by w.turn_until nulls first limit $4 for update of w skip locked)
     returning webhook_id, url, secret, previous_secret, previous_until`,
    [now, new Date(now.getTime() + LEASE_MS), token, turnsMax],
  )
  return rows.map((row) => ({
    webhookId: row.webhook_id,
    token,
    url: row.url,
    secret: row.secret,
    previousSecret: row.previous_secret,
    previousUntil: row.previous_until,
  }))
}

/** Counts a try of the next delivery that is due, and renews the lease. Null: nothing is due, or the turn is over. */
async function begin(database: pg.Pool, turn: Turn, now: Date): Promise<Due | null> {
  const { rows } = await database.query<{ delivery_id: string; event_id: string; body: string; attempts: number }>(
    `with turn as (
       update webhooks set turn_until = $4 where webhook_id = $1 and turn_of = $2 and removed_at is null returning webhook_id),
     next as (
       select d.delivery_id from webhook_deliveries d join turn on turn.webhook_id = d.webhook_id
        where d.webhook_id = $1 and d.state = 'pending' and d.next_attempt_at <= $3
        order by d.next_attempt_at, d.delivery_id limit 1)
     update webhook_deliveries d set attempts = d.attempts + 1, last_attempt_at = $3
       from next where d.delivery_id = next.delivery_id
     returning d.delivery_id, d.event_id, d.body, d.attempts`,
    [turn.webhookId, turn.token, now, new Date(now.getTime() + LEASE_MS)],
  )
  const row = rows[0]
  if (row === undefined) return null
  return { deliveryId: row.delivery_id, eventId: row.event_id, body: row.body, attempts: row.attempts }
}

/** The try was broken off by us: it says nothing about the endpoint. */
async function withdraw(database: pg.Pool, due: Due): Promise<void> {
  await database.query(
    'update webhook_deliveries set attempts = attempts - 1 where delivery_id = $1 and attempts > 0',
    [due.deliveryId],
  )
}

async function endTurn(database: pg.Pool, turn: Turn, now: Date): Promise<void> {
  await database.query('update webhooks set turn_until = $3, turn_of = null where webhook_id = $1 and turn_of = $2', [
    turn.webhookId,
    turn.token,
    now,
  ])
}

async function noteDelivered(database: pg.Pool, turn: Turn, due: Due, status: number, now: Date): Promise<void> {
  await database.query(
    `with noted as (
       update webhook_deliveries set state = 'delivered', ended_at = $3, last_status = $4, last_error = null
        where delivery_id = $2)
     update webhooks set failures = 0, paused_until = null, last_delivered_at = $3 where webhook_id = $1`,
    [turn.webhookId, due.deliveryId, now, status],
  )
}

async function noteFailed(
  database: pg.Pool,
  turn: Turn,
  due: Due,
  { status, error }: Extract<Posted, { delivered: false }>,
  { clock, random }: Pick<DeliveryOptions, 'clock' | 'random'>,
): Promise<{ isDead: boolean; isPaused: boolean }> {
  const now = clock()
  const delay = RETRY_DELAYS_SECONDS[due.attempts - 1]
  const isDead = delay === undefined
  const { rows } = await database.query<{ failures: number }>(
    `with noted as (
       update webhook_deliveries set state = $3, ended_at = $4, next_attempt_at = $5, last_status = $6, last_error = $7
        where delivery_id = $2)
     update webhooks set failures = failures + 1, last_failed_at = $8, last_error = $7 where webhook_id = $1 returning failures`,
    [
      turn.webhookId,
      due.deliveryId,
      isDead ? 'dead' : 'pending',
      isDead ? now : null,
      later(now, delay ?? 0, random),
      status,
      error,
      now,
    ],
  )
  const failures = rows[0]?.failures ?? 0
  if (failures < FAILURES_MAX) return { isDead, isPaused: false }
  const pause = Math.min(PAUSE_SECONDS * 2 ** (failures - FAILURES_MAX), PAUSE_SECONDS_MAX)
  await database.query('update webhooks set paused_until = $2 where webhook_id = $1', [
    turn.webhookId,
    later(now, pause, random),
  ])
  return { isDead, isPaused: true }
}

function later(now: Date, seconds: number, random: () => number): Date {
  return new Date(now.getTime() + seconds * 1000 * (1 - JITTER * random()))
}
