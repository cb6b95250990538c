// The service feeds that the settings name, each with its connection, and how they are.
import type { FeedConfiguration, FeedsConfiguration } from '../server/configuration.ts'
import type { FeedSource } from '../server/feed-source.ts'
import type { Clock } from '../server/uuidv7.ts'
import {
  type FeedBreakerState,
  type FeedConnection,
  type FeedObserver,
  feedConnection,
  feedInUse,
  inOrderOfPreference,
  type ServiceFeed,
} from './feed.ts'
import { eventService } from './feeds/event-service.ts'
import { secLendLender } from './feeds/seclend-lender.ts'
import { stockVolatilityService, volatilityIndexService } from './feeds/volatility-service.ts'
import { ageSeconds } from './observation.ts'
import type { RefreshFeeds } from './refresh.ts'

export interface ServiceFeeds extends RefreshFeeds {
  close(): Promise<void>
}

/** Feeds of the inputs for which the settings name a service. Nothing connects before the first question. */
export function serviceFeeds(
  configuration: FeedsConfiguration,
  { clock, observer = {} }: { readonly clock: Clock; readonly observer?: FeedObserver },
): ServiceFeeds {
  const connect = (input: string, of: FeedConfiguration, headers: (key: string) => Record<string, string>) =>
    of.sources
      .filter((source) => source.form === 'service')
      .map((source) =>
        feedConnection({
          input,
          provider: source.provider ?? new URL(source.url).host,
          baseUrl: source.url,
          headers: of.key === null ? {} : headers(of.key),
          limits: of,
          clock,
          observer,
        }),
      )
  const lender = connect('lender', configuration.lender, apiKey)
  const volatility = connect('volatility', configuration.volatility, (key) => ({ authorization: `Bearer ${key}` }))
  const events = connect('events', configuration.events, apiKey)
  return {
    ...(lender.length > 0 ? { lender: preferred(lender, secLendLender) } : {}),
    ...(volatility.length > 0
      ? {
          volatilityIndex: preferred(volatility, volatilityIndexService),
          stockVolatility: preferred(volatility, stockVolatilityService),
        }
      : {}),
    ...(events.length > 0 ? { events: preferred(events, eventService) } : {}),
    async close() {
      await Promise.all([...lender, ...volatility, ...events].map((connection) => connection.close()))
    },
  }
}

/** A key by the header that lenders and event services want. */
const apiKey = (key: string) => ({ 'x-api-key': key })

function preferred<T, Asked>(
  connections: readonly FeedConnection[],
  form: (connection: FeedConnection) => ServiceFeed<T, Asked>,
): ServiceFeed<T, Asked> {
  return inOrderOfPreference(connections.map(form))
}

/** The addresses of an input that are files. */
export function fileSources(of: Pick<FeedConfiguration, 'sources'>): FeedSource[] {
  return of.sources.filter((source) => source.form === 'file')
}

/**
 * The services as `/health/external` shows them, together with what is known of the files of the same inputs: an input is `up`
 * while either can be priced from. A service is `up` while its breaker is closed and its last call was answered.
 */
export function withServiceHealth(
  files: Readonly<Record<string, unknown>>,
  feeds: RefreshFeeds,
  now: Date,
): Record<string, unknown> {
  const services = { lender: feeds.lender, volatility: feeds.volatilityIndex, events: feeds.events }
  const shown: Record<string, unknown> = { ...files }
  for (const [name, feed] of Object.entries(services)) {
    if (feed === undefined) continue
    const file = files[name] as { state?: unknown } | undefined
    const inUse = serviceHealth(feedInUse(feed), now)
    shown[name] = {
      ...inUse,
      state: inUse.state === 'up' || file?.state === 'up' ? 'up' : 'down',
      providers: feed.states().map((state) => serviceHealth(state, now)),
      ...(file === undefined ? {} : { file }),
    }
  }
  return shown
}

function serviceHealth(state: FeedBreakerState, now: Date) {
  const { provider, breaker, lastSuccess, lastError, lastErrorAt } = state
  const lastFailed = lastErrorAt !== null && (lastSuccess === null || lastErrorAt > lastSuccess)
  return {
    provider,
    state: breaker === 'closed' && !lastFailed ? 'up' : 'down',
    breaker: { state: breaker },
    last_success: lastSuccess,
    age_seconds: lastSuccess === null ? null : ageSeconds(lastSuccess, now),
    last_error: lastError,
    last_error_at: lastErrorAt,
  }
}
