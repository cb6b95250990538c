// How each feed's imports went: what `/health/external` shows.
import type { Queryable } from '../database/connect.ts'
import type { Feed } from './import.ts'
import { type AgeLimit, ageSeconds, type InputLimits } from './observation.ts'

export interface FeedState {
  readonly feed: Feed
  readonly provider: string
  /** By the age of its data: `fresh`, `stale` within its limit, `expired` beyond it, `demo` (no limit), `empty` before the first good file. */
  readonly state: 'fresh' | 'stale' | 'expired' | 'demo' | 'empty'
  readonly lastSuccess: Date | null
  /** When its data was true at the source. */
  readonly asOf: Date | null
  readonly ageSeconds: number | null
  readonly rows: number
  readonly skipped: number
  /** Why the latest file was refused; null when the latest was good. */
  readonly lastError: string | null
  readonly lastErrorAt: Date | null
  readonly demo: boolean
}

/** The feeds of which anything was ever taken over or refused, by name. */
export async function readFeedStates(database: Queryable, now: Date, limits: InputLimits): Promise<FeedState[]> {
  const { rows } = await database.query<FeedStateRow>(
    `select feed, provider, last_success, as_of, rows, skipped, last_error, last_error_at, demo
       from feed_states order by feed`,
  )
  return rows.map((row) => ({
    feed: row.feed,
    provider: row.provider,
    state: stateOf(row, now, limits),
    lastSuccess: row.last_success,
    asOf: row.as_of,
    ageSeconds: row.as_of === null ? null : ageSeconds(row.as_of, now),
    rows: row.rows,
    skipped: row.skipped,
    lastError: row.last_error,
    lastErrorAt: row.last_error_at,
    demo: row.demo,
  }))
}

/** A feed's state as health checks show it: `state` is `up` while its data can be priced from. */
function feedHealth(feed: FeedState): Record<string, unknown> {
  return {
    provider: feed.provider,
    state: feed.state === 'expired' || feed.state === 'empty' ? 'down' : 'up',
    data: feed.state,
    last_success: feed.lastSuccess,
    as_of: feed.asOf,
    age_seconds: feed.ageSeconds,
    rows: feed.rows,
    skipped: feed.skipped,
    last_error_at: feed.lastErrorAt,
  }
}

/** All feeds by name, as health checks show them. */
export function feedsHealth(feeds: readonly FeedState[]): Record<string, unknown> {
  return Object.fromEntries(feeds.map((feed) => [feed.feed, feedHealth(feed)]))
}

interface FeedStateRow {
  feed: Feed
  provider: string
  last_success: Date | null
  as_of: Date | null
  rows: number
  skipped: number
  last_error: string | null
  last_error_at: Date | null
  demo: boolean
}

/** Closes have no limit of their own; a week without one is as bad as a week without events. */
export function limitOf(feed: Feed, limits: InputLimits): AgeLimit {
  return feed === 'closes' ? limits.events : limits[feed]
}

function stateOf(row: FeedStateRow, now: Date, limits: InputLimits): FeedState['state'] {
  if (row.as_of === null) return 'empty'
  if (row.demo) return 'demo'
  const limit = limitOf(row.feed, limits)
  const age = ageSeconds(row.as_of, now)
  return age <= limit.freshSeconds ? 'fresh' : age <= limit.staleSeconds ? 'stale' : 'expired'
}
