// How old what the feeds said is, for metrics: of a feed's file since its data was true at its source, of a service since its last good
// answer. What is known of files stands in the database, since another replica may have fetched them.
import type { Queryable } from '../database/connect.ts'
import { type KeptReading, keptReading } from '../server/kept-reading.ts'
import type { Metrics } from '../server/metrics.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { ServiceFeed } from './feed.ts'
import { type FeedState, limitOf, readFeedStates } from './feed-states.ts'
import { FEED_FILES, type Feed } from './import.ts'
import { ageSeconds, type InputLimits } from './observation.ts'
import type { RefreshFeeds } from './refresh.ts'

const EVERY_MS = 60_000

/** Nothing is read before `start`. Demonstration data has no age. */
export function feedAgeMetrics(options: {
  readonly database: Queryable
  readonly services: RefreshFeeds
  readonly clock: Clock
  readonly limits: InputLimits
  readonly metrics: Pick<Metrics, 'gauges'>
  readonly onFailure: (error: unknown) => void
}): KeptReading<readonly FeedState[]> {
  const { database, services, clock, limits, metrics, onFailure } = options
  const reading = keptReading({ read: () => readFeedStates(database, clock(), limits), everyMs: EVERY_MS, onFailure })
  const ofFile = (feed: Feed) => () => {
    const state = reading.latest()?.find((candidate) => candidate.feed === feed)
    return state === undefined || state.demo || state.asOf === null ? Number.NaN : ageSeconds(state.asOf, clock())
  }
  const feeds = Object.keys(FEED_FILES) as Feed[]
  const byFeed = (read: (feed: Feed) => () => number) =>
    Object.fromEntries(feeds.map((feed) => [feed, read(feed)])) as Record<Feed, () => number>
  metrics.gauges(
    'feed_file_age_seconds',
    'Age of the data of the newest file that was taken over, by feed',
    'feed',
    byFeed(ofFile),
  )
  metrics.gauges(
    'feed_file_limit_seconds',
    'Age up to which the data of a file is used at all, by feed',
    'feed',
    byFeed((feed) => () => limitOf(feed, limits).staleSeconds),
  )
  metrics.gauges('feed_answer_age_seconds', 'Time since a service last answered, by input', 'input', {
    lender: ofService(services.lender),
    volatility: ofService(services.volatilityIndex),
    events: ofService(services.events),
  })
  return reading

  function ofService(feed: ServiceFeed<unknown, never> | undefined) {
    return () => {
      const answered = feed?.states().flatMap(({ lastSuccess }) => lastSuccess ?? []) ?? []
      return answered.length === 0 ? Number.NaN : Math.min(...answered.map((at) => ageSeconds(at, clock())))
    }
  }
}
