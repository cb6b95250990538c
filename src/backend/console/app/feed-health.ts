// What a health check says of a feed.
export interface FeedHealth {
  readonly provider: string | null
  readonly state: string
  /** None of a feed that is read from files. */
  readonly breaker?: { readonly state: string }
  readonly last_success: string | null
  readonly age_seconds: number | null
  /** Of files, by the age of what they say: `fresh`, `stale`, `expired`, `demo`, `empty`. */
  readonly data?: string
}

export type FeedName = 'lender' | 'volatility' | 'events'
export const FEED_NAMES: readonly FeedName[] = ['lender', 'volatility', 'events']
export const FEED_TITLES: Readonly<Record<FeedName, string>> = {
  lender: 'Lender',
  volatility: 'Volatility',
  events: 'Events',
}

export interface Feeds {
  /** A feed that nothing is known of is not in it. */
  readonly feeds: Readonly<Partial<Record<FeedName, FeedHealth>>>
  /** When that was so. */
  readonly atMs: number
}

export function isDown(feed: FeedHealth | undefined): boolean {
  return feed !== undefined && (feed.state !== 'up' || feed.breaker?.state === 'open')
}
