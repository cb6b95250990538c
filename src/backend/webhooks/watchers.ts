// Which gateway watches for webhooks, and for whom. One is enough: it holds a lease in the database, and another takes over when it is
// gone. Two that watch at once for a moment tell nobody anything twice: that is for the queue to see to.
import type { Queryable } from '../database/connect.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { EventType } from './events.ts'

/** A webhook that is told of what is watched. */
export interface Watcher {
  readonly webhookId: string
  readonly clientId: string
  readonly events: readonly EventType[]
  /** Null: all. */
  readonly tickers: readonly string[] | null
}

/** Who holds it watches. */
export interface WatchLease {
  /** Takes the lease, or goes on with it; false: another gateway has it. */
  hold(): Promise<boolean>
  /** Gives it to whoever asks next. */
  release(): Promise<void>
}

export const LEASE_SECONDS = 20

/** @param holder a UUID of this process */
export function watchLease(database: Queryable, clock: Clock, holder: string): WatchLease {
  return {
    async hold() {
      const now = clock()
      const { rowCount } = await database.query(
        `insert into webhook_watch (holder, held_until) values ($1, $2)
         on conflict (only_one) do update set holder = excluded.holder, held_until = excluded.held_until
          where webhook_watch.holder = excluded.holder or webhook_watch.held_until <= $3`,
        [holder, new Date(now.getTime() + LEASE_SECONDS * 1000), now],
      )
      return rowCount === 1
    },
    async release() {
      await database.query('delete from webhook_watch where holder = $1', [holder])
    },
  }
}

/** The webhooks that are told of rates or of feeds. */
export async function readWatchers(database: Queryable): Promise<readonly Watcher[]> {
  const { rows } = await database.query<{
    webhook_id: string
    client_id: string
    events: EventType[]
    tickers: string[] | null
  }>(
    `select w.webhook_id, w.client_id, w.events, w.tickers from webhooks w join brokers b on b.client_id = w.client_id
      where w.removed_at is null and b.active and w.events && array['rate_changed', 'feed_changed'] order by w.webhook_id`,
  )
  return rows.map((row) => ({
    webhookId: row.webhook_id,
    clientId: row.client_id,
    events: row.events,
    tickers: row.tickers,
  }))
}
