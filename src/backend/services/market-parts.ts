// What is observed of the market, and changes of reference data: in the data service and in all-in-one.
import type pg from 'pg'
import type { CacheStore } from '../cache/cache-store.ts'
import { type Invalidation, publishInvalidation } from '../cache/invalidation.ts'
import type { WarmSource } from '../cache/keep-warm.ts'
import { twoAgeCache } from '../cache/two-age-cache.ts'
import type { Queryable } from '../database/connect.ts'
import { cachedReads, STORED_OBSERVATIONS_CODEC } from '../market-data/cached-reads.ts'
import { feedWork } from '../market-data/feed-work.ts'
import { historyUpkeep } from '../market-data/history-upkeep.ts'
import { hotNames } from '../market-data/hot-names.ts'
import { databaseReads, type StoredReads } from '../market-data/stored-reads.ts'
import { tracedReads } from '../market-data/traced-reads.ts'
import { warmSource } from '../market-data/warm-source.ts'
import type { Ticker } from '../pricing/units.ts'
import { administration } from '../reference-data/administration.ts'
import type { Administration } from '../reference-data/http.ts'
import type { CallContext } from '../server/call-context.ts'
import type { ComponentCheck } from '../server/health.ts'
import { recentCounts } from '../server/recent-counts.ts'
import type { Tools } from '../server/service-process.ts'

/** Of what operators see of copies. */
const LOOKUPS_SECONDS = 300

/** Until this age a shared copy of a name's row is used as it is; after that it is read again behind the caller's back. */
const COPY_FRESH_SECONDS = 60
/** While the database is away a shared copy serves until this age. */
const COPY_STALE_SECONDS = 86_400

/** What is observed of the market, from the feeds and the database through the shared store, with what keeps that store warm. */
export function marketReads(
  { configuration, log, clock, metrics, tracer }: Tools,
  sources: {
    readonly database: pg.Pool
    /** Answers lists, which may be a moment behind; null: the database does. */
    readonly lists: Queryable | null
    readonly store: CacheStore
  },
): {
  readonly reads: StoredReads
  readonly warm: WarmSource
  readonly components: Readonly<Record<string, ComponentCheck>>
  /** Every feed as health checks show it. */
  readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  /** For news of other processes; null is everything. */
  readonly forget: (tickers: readonly string[] | null) => void
  /** What the desk keeps about the names changed: no copy of them is used any more, in any process. */
  readonly changed: (tickers: readonly Ticker[]) => void
  readonly stop: () => Promise<void>
} {
  const { database, store } = sources
  const cache = twoAgeCache({
    store,
    name: 'observations',
    codec: STORED_OBSERVATIONS_CODEC,
    freshSeconds: COPY_FRESH_SECONDS,
    staleSeconds: COPY_STALE_SECONDS,
    announces: 'ticker',
    clock,
    onRenewalFailure: (tickers, error) =>
      log.warn({ names: tickers.length, err: error }, 'names could not be read again'),
  })
  metrics.counters('cache_reads_total', 'Names looked for among the shared copies, by what was found', 'outcome', {
    hit: () => cache.stats().hits,
    stale: () => cache.stats().staleHits,
    miss: () => cache.stats().misses,
    failure: () => cache.stats().failures,
  })
  const limits = configuration.inputLimits
  const feeds = feedWork({
    feeds: configuration.feeds,
    database,
    clock,
    limits,
    log,
    metrics,
    tracer,
    // What concerns every name is told by who keeps the store warm, once it has been walked.
    onNews: (tickers) => (tickers === null ? cache.forget(null) : void cache.drop(tickers)),
  })
  const hot = hotNames(clock)
  const primary = tracedReads(databaseReads({ database, clock, limits }), tracer, 'postgresql')
  const lists = sources.lists === null ? primary : databaseReads({ database: sources.lists, clock, limits })
  // All names together are made anew when something changed, and must have it: a replica may be a moment behind.
  const kept = { ...primary, byStatus: lists.byStatus, overTime: lists.overTime, manyOverTime: lists.manyOverTime }
  // A store in the memory of this process would be a second copy beside the one that prices are made from.
  const isShared = configuration.redis.url !== null
  const refreshed = feeds.refreshing(isShared ? tracedReads(cachedReads(kept, cache), tracer, 'redis') : kept)
  const lookups = recentCounts(
    () => {
      const { hits, staleHits, misses } = cache.stats()
      return { hits: hits + staleHits, misses }
    },
    { seconds: LOOKUPS_SECONDS },
  )
  const upkeep = historyUpkeep({ database, clock, days: configuration.rateHistoryDays, log })
  feeds.start()
  upkeep.start()
  return {
    reads: {
      ...refreshed,
      one: (ticker, options) => {
        hot.note(ticker)
        return refreshed.one(ticker, options)
      },
    },
    components: isShared ? { shared_copies: async () => lookups.grown() } : {},
    warm: warmSource({ database, cache: isShared ? cache : null, hot, clock, renew: feeds.renew }),
    feedsHealth: async (context) => feeds.health(await primary.feeds(context)),
    forget: cache.forget,
    changed: (tickers) => void cache.drop(tickers),
    stop: async () => {
      await Promise.all([feeds.stop(), upkeep.stop()])
      lookups.stop()
      cache.close()
    },
  }
}

/** Changes of reference data, of which every process that keeps copies hears at once. */
export function administrating(
  { configuration, log, clock, newId }: Tools,
  parts: {
    readonly database: pg.Pool
    readonly store: CacheStore
    readonly changedStocks: (tickers: readonly Ticker[]) => void
  },
): Administration {
  const { database, store, changedStocks } = parts
  const tell = (news: Invalidation) =>
    void publishInvalidation(store, news).catch((error: unknown) =>
      log.warn({ err: error }, 'a change could not be told to other processes, whose copies end by themselves'),
    )
  return administration({
    database,
    requireApproval: configuration.requireApproval,
    clock,
    newId,
    onChange: {
      broker: (clientId) => tell({ kind: 'broker', keys: [clientId] }),
      stock: (ticker) => changedStocks([ticker]),
      model: (model) => tell({ kind: 'model', keys: [model] }),
    },
  })
}
