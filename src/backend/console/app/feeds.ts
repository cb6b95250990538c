// The three feeds, as health checks show them to everybody.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { announce } from './announce.tsx'
import { liveRates } from './live-rates.ts'

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

const POLL_MS = 10_000

export function useFeeds() {
  const news = useSyncExternalStore(liveRates.onState, liveRates.feedNews)
  const query = useQuery({
    queryKey: ['feeds', news],
    queryFn: readFeeds,
    refetchInterval: POLL_MS,
    placeholderData: (before) => before,
  })
  useAnnouncedFailures(query.data)
  return query
}

async function readFeeds({ signal }: { readonly signal: AbortSignal }): Promise<Feeds> {
  // Degraded is 503 with the same body: what is down is just what is to be shown.
  const response = await fetch('/health/external', { signal })
  const body = (await response.json()) as { feeds?: Feeds['feeds'] }
  if (body.feeds === undefined) throw new Error('The state of the feeds is not known.')
  return { feeds: body.feeds, atMs: Date.now() }
}

function useAnnouncedFailures(data: Feeds | undefined): void {
  const down = FEED_NAMES.filter((name) => data !== undefined && isDown(data.feeds[name])).join()
  useEffect(() => {
    for (const name of down.split(',').filter((word) => word !== '')) {
      announce(`The ${name} feed does not answer.`)
    }
  }, [down])
}

export function isDown(feed: FeedHealth | undefined): boolean {
  return feed !== undefined && (feed.state !== 'up' || feed.breaker?.state === 'open')
}
