// What the queue of webhooks lets go of by itself: deliveries that nobody could make for a day are given up, those that ended are
// removed after a while, and so is what belonged to webhooks that were removed. Each statement takes a part, so that gateways share it.
import type { Queryable } from '../database/connect.ts'
import type { Clock } from '../server/uuidv7.ts'

/** A delivery that waits longer is given up, however often it was tried: an endpoint that is left alone takes no tries. */
export const WAITING_HOURS_MAX = 25
/** Delivered ones are kept so long, to look at and to replay. */
export const DELIVERED_DAYS = 7
/** Given up ones are kept so long, to replay. */
export const DEAD_DAYS = 30
/** Rows of one statement. */
const AT_ONCE = 1_000
const EVERY_MS = 60_000

/** @returns what stops it */
export function webhookLettingGo(options: {
  readonly database: Queryable
  readonly clock: Clock
  /** Told how many deliveries were given up, when any were. */
  readonly onDead: (count: number) => void
  readonly onFailure: (error: unknown) => void
  readonly everyMs?: number
}): { readonly letGo: () => Promise<void>; readonly close: () => Promise<void> } {
  const { database, clock, onDead, onFailure, everyMs = EVERY_MS } = options
  let running: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    try {
      const now = clock()
      const dead = await all(() => giveUp(database, now))
      if (dead > 0) onDead(dead)
      await all(() => removeEnded(database, now))
      await removeWebhooks(database)
    } catch (error) {
      onFailure(error)
    }
  }

  const letGo = () => {
    running = running.then(run)
    return running
  }
  const timer = setInterval(() => void letGo(), everyMs)
  timer.unref()
  return {
    letGo,
    close: () => {
      clearInterval(timer)
      return running
    },
  }
}

/** Repeats a statement until it finds less than it may take. @returns how many rows in all */
async function all(part: () => Promise<number>): Promise<number> {
  let sum = 0
  for (;;) {
    const found = await part()
    sum += found
    if (found < AT_ONCE) return sum
  }
}

async function giveUp(database: Queryable, now: Date): Promise<number> {
  const { rowCount } = await database.query(
    `update webhook_deliveries
        set state = 'dead', ended_at = $1, last_error = coalesce(last_error, 'the endpoint was left alone for too long')
      where delivery_id in
        (select delivery_id from webhook_deliveries
          where state = 'pending' and queued_at < $1::timestamptz - make_interval(hours => $2) limit $3 for update skip locked)`,
    [now, WAITING_HOURS_MAX, AT_ONCE],
  )
  return rowCount ?? 0
}

async function removeEnded(database: Queryable, now: Date): Promise<number> {
  const { rowCount } = await database.query(
    `delete from webhook_deliveries where delivery_id in
       (select delivery_id from webhook_deliveries
         where state <> 'pending' and ended_at < $1::timestamptz - make_interval(days => $2)
           and (state = 'delivered' or ended_at < $1::timestamptz - make_interval(days => $3))
         limit $4 for update skip locked)`,
    [now, DELIVERED_DAYS, DEAD_DAYS, AT_ONCE],
  )
  return rowCount ?? 0
}

/** A part of what belongs to each webhook that was removed, and the webhook with the last of it. */
async function removeWebhooks(database: Queryable): Promise<void> {
  const { rows } = await database.query<{ webhook_id: string }>(
    'select webhook_id from webhooks where removed_at is not null order by removed_at limit 10',
  )
  for (const { webhook_id } of rows) {
    for (const table of ['webhook_deliveries', 'webhook_rates', 'webhook_feeds']) {
      await all(async () => {
        const { rowCount } = await database.query(
          `delete from ${table} where ctid in (select ctid from ${table} where webhook_id = $1 limit $2 for update skip locked)`,
          [webhook_id, AT_ONCE],
        )
        return rowCount ?? 0
      })
    }
    await database.query(
      `delete from webhooks w where webhook_id = $1
          and not exists (select from webhook_deliveries d where d.webhook_id = w.webhook_id)
          and not exists (select from webhook_rates r where r.webhook_id = w.webhook_id)
          and not exists (select from webhook_feeds f where f.webhook_id = w.webhook_id)`,
      [webhook_id],
    )
  }
}
