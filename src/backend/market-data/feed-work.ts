// Everything that goes out to the feeds, put together for the one process that does: services that are asked about names, files that
// are fetched, what is told when either brought something, and how they are.
import type pg from 'pg'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Ticker } from '../pricing/units.ts'
import type { FeedsConfiguration } from '../server/configuration.ts'
import type { Log } from '../server/log.ts'
import type { Metrics } from '../server/metrics.ts'
import type { Tracer } from '../server/tracing.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { FeedObserver } from './feed.ts'
import { feedAgeMetrics } from './feed-ages.ts'
import { type FeedState, feedsHealth } from './feed-states.ts'
import { fileFetcher } from './fetch-files.ts'
import { newYorkDate } from './new-york-time.ts'
import type { InputLimits } from './observation.ts'
import { refresher } from './refresh.ts'
import { refreshingReads } from './refreshing-reads.ts'
import { serviceFeeds, withServiceHealth } from './service-feeds.ts'
import { readStoredObservations } from './stored-observations.ts'
import type { StoredReads } from './stored-reads.ts'

export interface FeedWork {
  /** The same reads, which have what has aged asked for. */
  refreshing(reads: StoredReads): StoredReads
  /** Asks about those of the names that will be past fresh soon. @returns the names of which something was renewed */
  renew(tickers: readonly Ticker[]): Promise<readonly Ticker[]>
  /** Services and files as `/health/external` shows them. */
  health(files: readonly FeedState[]): Record<string, unknown>
  /** Begins to fetch files. */
  start(): void
  /** Ends it all, downloads and calls under way too. */
  stop(): Promise<void>
}

export interface FeedWorkOptions {
  readonly feeds: FeedsConfiguration
  readonly database: pg.Pool
  readonly clock: Clock
  readonly limits: InputLimits
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly metrics: Pick<Metrics, 'enabled' | 'registry' | 'gauges'>
  readonly tracer?: Tracer | null
  /** Something new is kept of these names, or of any (null): copies are out of date. */
  readonly onNews: (tickers: readonly Ticker[] | null) => void
  /** News of single names wait for others for this long. */
  readonly newsAfterMs?: number
}

/** Names are renewed when they have used up this share of their fresh time. */
const RENEW_AT_SHARE = 0.8
const NEWS_AFTER_MS = 20

export function feedWork(options: FeedWorkOptions): FeedWork {
  const { feeds, database, clock, limits, log, metrics, tracer = null, onNews, newsAfterMs = NEWS_AFTER_MS } = options
  const services = serviceFeeds(feeds, { clock, observer: feedMetrics(metrics, log) })
  const news = gathered(onNews, newsAfterMs)
  const asks = refresher({
    feeds: services,
    database,
    clock,
    limits,
    onChanged: news.add,
    onError: (error, input) => log.warn({ input, err: error }, 'an answer of a feed could not be kept'),
  })
  const ages = feedAgeMetrics({
    database,
    services,
    clock,
    limits,
    metrics,
    onFailure: (error) => log.warn({ err: error }, 'how old the files of feeds are could not be read'),
  })
  const files = fileFetcher({ feeds, database, clock, limits, log, onImported: () => news.add(null) })
  return {
    refreshing: (reads) => refreshingReads({ reads, refresher: asks, clock, tracer }),

    async renew(tickers) {
      const rows = await readStoredObservations(database, tickers, newYorkDate(clock()))
      const renewed = await Promise.all(
        rows
          .filter((row) => row.known)
          .map(async (row) => {
            const due = asks.needs(row, clock(), ({ freshSeconds }) => freshSeconds * RENEW_AT_SHARE)
            const outcomes = await asks.refresh(row.ticker, due, { retries: false })
            return Object.values(outcomes).includes('renewed') ? row.ticker : null
          }),
      )
      return renewed.filter((ticker) => ticker !== null)
    },

    health: (states) => withServiceHealth(feedsHealth(states), services, clock()),
    start() {
      if (metrics.enabled) ages.start()
      files.start()
    },

    async stop() {
      asks.close()
      await Promise.all([ages.stop(), files.stop()])
      await services.close()
      news.tell()
    },
  }
}

/** News that come one by one, told together. */
function gathered(onNews: (tickers: readonly Ticker[] | null) => void, afterMs: number) {
  const tickers = new Set<Ticker>()
  let all = false
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    clearTimeout(timer)
    timer = undefined
    if (all) onNews(null)
    else if (tickers.size > 0) onNews([...tickers])
    all = false
    tickers.clear()
  }
  return {
    tell,
    add(ticker: Ticker | null) {
      if (ticker === null) all = true
      else tickers.add(ticker)
      timer ??= setTimeout(tell, afterMs)
    },
  }
}

/** Providers are named by the settings, so that the number of series has a bound. */
function feedMetrics({ registry }: Pick<Metrics, 'registry'>, log: Pick<Log, 'info' | 'warn'>): FeedObserver {
  const registers = [registry]
  const calls = new Counter({
    name: 'feed_calls_total',
    help: 'Questions to service feeds by input, provider and outcome: answered, absent, or why not',
    labelNames: ['input', 'provider', 'outcome'],
    registers,
  })
  const duration = new Histogram({
    name: 'feed_call_duration_seconds',
    help: 'Time of questions that were sent, by input',
    labelNames: ['input'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  })
  const open = new Gauge({
    name: 'feed_breaker_open',
    help: '1 while the breaker of a provider is open or half-open, 0 while it is closed',
    labelNames: ['input', 'provider'],
    registers,
  })
  return {
    onCall({ input, provider, outcome, seconds }) {
      calls.inc({ input, provider, outcome })
      if (outcome !== 'open' && outcome !== 'budget') duration.observe({ input }, seconds)
    },
    onBreaker({ input, provider, state }) {
      open.set({ input, provider }, state === 'closed' ? 0 : 1)
      log.warn({ input, provider, state }, 'the breaker of a feed changed')
    },
  }
}
