// How old the inputs of a row are, and whose fault it is when they are too old. A dead feed is said once, in the head of its column; a
// row is amber only for a fault of its own.
import type { RateRowAnswer } from '../../../client/index.ts'
import { type FeedHealth, type FeedName, type Feeds, isDown } from '../../app/feed-health.ts'
import { ageSeconds } from '../../ui/formats.ts'
import type { Age } from './cells.ts'

/** What came within this is shown as live. */
const LIVE_SECONDS = 60

export type FeedFault = 'down' | 'stale'

export function faultOf(feed: FeedHealth | undefined): FeedFault | null {
  if (feed === undefined) return null
  if (isDown(feed)) return 'down'
  return feed.data === 'stale' || feed.data === 'expired' ? 'stale' : null
}

export function lenderAge(row: RateRowAnswer, feeds: Feeds | undefined, nowMs: number): Age {
  const isFeedsFault = faultOf(feeds?.feeds.lender) !== null
  if (row.lender_as_of === null || row.degraded.includes('lender_rate_fallback')) {
    return { source: 'fallback', seconds: null, word: 'no rate', isOwnFault: !isFeedsFault }
  }
  const seconds = ageSeconds(row.lender_as_of, nowMs)
  const isStale = row.degraded.includes('lender_rate_stale')
  return { source: sourceOf(isStale, seconds), seconds, word: '', isOwnFault: isStale && !isFeedsFault }
}

/** Of an input that is the feed's and not the row's: its age is the feed's. */
export function feedAge(
  row: RateRowAnswer,
  name: Exclude<FeedName, 'lender'>,
  feeds: Feeds | undefined,
  nowMs: number,
): Age {
  const feed = feeds?.feeds[name]
  const input = name === 'volatility' ? 'volatility' : 'event_risk'
  const fault = faultOf(feed)
  if (row.degraded.includes(`${input}_fallback`)) {
    return { source: 'fallback', seconds: null, word: 'none', isOwnFault: fault === null }
  }
  const isStale = row.degraded.includes(`${input}_stale`)
  if (feed === undefined || feed.age_seconds === null || feeds === undefined) {
    return { source: isStale ? 'stale' : 'cached', seconds: null, word: 'unknown', isOwnFault: false }
  }
  const seconds = feed.age_seconds + (nowMs - feeds.atMs) / 1000
  return {
    source: sourceOf(isStale || fault === 'stale', seconds),
    seconds,
    word: '',
    isOwnFault: isStale && fault === null,
  }
}

function sourceOf(isStale: boolean, seconds: number): Age['source'] {
  return isStale ? 'stale' : seconds <= LIVE_SECONDS ? 'live' : 'cached'
}
