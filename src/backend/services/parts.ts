// Parts that stand in more than one program, put together by hand: pricing (in the calculation service and in all-in-one) and the
// public application (in the gateway and in all-in-one).
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { apiKeys } from '../access/api-keys.ts'
import { badTries } from '../access/bad-tries.ts'
import { credentials } from '../access/credentials.ts'
import { inProcessRateLimiter } from '../access/rate-limit.ts'
import { auditLog } from '../audit/audit-log.ts'
import type { ReadRecord } from '../audit/http.ts'
import { quoteRecordRow } from '../audit/quote-record.ts'
import type { CacheStore } from '../cache/cache-store.ts'
import { type InvalidationListener, onInvalidation } from '../cache/invalidation.ts'
import type { WarmSource } from '../cache/keep-warm.ts'
import { localCopy } from '../cache/local-copy.ts'
import { memoryStore } from '../cache/memory-store.ts'
import { redisStore } from '../cache/redis-store.ts'
import { twoAgeCache } from '../cache/two-age-cache.ts'
import { connectDatabase, type Queryable } from '../database/connect.ts'
import { type ReplicaReads, replicaReads } from '../database/replica.ts'
import { MigrationError, requireCurrentSchema } from '../database/schema-state.ts'
import { gatewayApp } from '../gateway/app.ts'
import { cachedReads, STORED_OBSERVATIONS_CODEC } from '../market-data/cached-reads.ts'
import { feedWork } from '../market-data/feed-work.ts'
import { hotNames } from '../market-data/hot-names.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import { databaseReads, type StoredReads } from '../market-data/stored-reads.ts'
import { warmSource } from '../market-data/warm-source.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import type { Ticker } from '../pricing/units.ts'
import { type PriceDesk, priceDesk } from '../quotes/price-desk.ts'
import { pricingInputs } from '../quotes/pricing-inputs.ts'
import { quoteLocate } from '../quotes/quote.ts'
import { rates } from '../quotes/rate.ts'
import type { ReferenceData } from '../reference-data/http.ts'
import { type CallContext, ownContext } from '../server/call-context.ts'
import { ENGINE_VERSION, engineBuild } from '../server/engine-version.ts'
import type { ComponentCheck } from '../server/health.ts'
import { StartError } from '../server/run.ts'
import type { ServerOptions } from '../server/server.ts'
import type { Tools } from '../server/service-process.ts'

const BROKERS_MAX = 100_000
const MODELS_MAX = 1_000
/** While the data service, or its database, is away a process uses what it knows until this age, as it does of keys. */
const AWAY_COPY_SECONDS = 300

/** The health check of a database: it answers. */
export function databaseAnswers(database: pg.Pool): ComponentCheck {
  return async () => {
    await database.query('select 1')
  }
}

/** Where processes share copies and news: Redis, or without one the memory of this process alone. */
export function sharedStore({ configuration, log, clock, service }: Tools): CacheStore {
  const { url, ...redis } = configuration.redis
  if (url === null) return memoryStore({ clock })
  const store = redisStore({ ...redis, url, clock, applicationName: service, log })
  // It connects with the first command. Now is the time: whoever came before it is connected would go without.
  store.get('health').catch(() => {})
  return store
}

/** The health check of the shared store. */
export function storeAnswers(store: CacheStore): ComponentCheck {
  return async () => {
    await store.get('health')
    return store.state()
  }
}

/**
 * A pool on a database whose structure fits this program. A database that does not fit is a reason not to start; one that is away
 * is not, since everything here carries on without it for a while.
 */
export async function openDatabase({ configuration, service, log, onIdleError }: Tools, url: string): Promise<pg.Pool> {
  const database = connectDatabase(url, {
    applicationName: service,
    connectionsMax: configuration.databaseConnectionsMax,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  try {
    await requireCurrentSchema(database)
  } catch (error) {
    if (error instanceof MigrationError) throw new StartError(error.message, { cause: error })
    log.warn({ err: error }, 'the database does not answer yet')
  }
  return database
}

/** The replica of the settings, for reads that may be a moment behind; null when there is none. */
export function openReplica(
  { configuration, service, log, metrics, onIdleError }: Tools,
  primary: pg.Pool,
): ReplicaReads | null {
  const { databaseReplicaUrl: replicaUrl } = configuration
  if (replicaUrl === null) return null
  const replica = replicaReads({
    primary,
    replicaUrl,
    lagMaxSeconds: configuration.databaseReplicaLagMaxSeconds,
    connect: {
      applicationName: service,
      connectionsMax: configuration.databaseConnectionsMax,
      passwordFile: configuration.databasePasswordFile,
      onIdleError,
    },
    onChange: (state) => log.warn({ ...state }, 'lists are read elsewhere from now on'),
  })
  metrics.gauge('database_replica_in_use', '1 while lists are read from the replica', () =>
    Number(replica.state().reads === 'replica'),
  )
  return replica
}

/** Until this age a shared copy of a name's row is used as it is; after that it is read again behind the caller's back. */
const COPY_FRESH_SECONDS = 60
/** While the database is away a shared copy serves until this age. */
const COPY_STALE_SECONDS = 86_400

/** What is observed of the market, from the feeds and the database through the shared store, with what keeps that store warm. */
export function marketReads(
  { configuration, log, clock, metrics }: Tools,
  sources: {
    readonly database: pg.Pool
    /** Answers lists, which may be a moment behind; null: the database does. */
    readonly lists: Queryable | null
    readonly store: CacheStore
  },
): {
  readonly reads: StoredReads
  readonly warm: WarmSource
  /** Every feed as health checks show it. */
  readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  /** For news of other processes; null is everything. */
  readonly forget: (tickers: readonly string[] | null) => void
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
  for (const name of ['hits', 'staleHits', 'misses', 'failures'] as const) {
    metrics.gauge(
      CACHE_GAUGES[name],
      `Shared copies of names, since the start: ${CACHE_GAUGES[name]}`,
      () => cache.stats()[name],
    )
  }
  const limits = configuration.inputLimits
  const feeds = feedWork({
    feeds: configuration.feeds,
    database,
    clock,
    limits,
    log,
    metrics,
    // What concerns every name is told by who keeps the store warm, once it has been walked.
    onNews: (tickers) => (tickers === null ? cache.forget(null) : void cache.drop(tickers)),
  })
  const hot = hotNames(clock)
  const primary = databaseReads({ database, clock, limits })
  const lists = sources.lists === null ? primary : databaseReads({ database: sources.lists, clock, limits })
  const kept = { ...primary, byStatus: lists.byStatus }
  // A store in the memory of this process would be a second copy beside the one that prices are made from.
  const isShared = configuration.redis.url !== null
  const refreshed = feeds.refreshing(isShared ? cachedReads(kept, cache) : kept)
  feeds.start()
  return {
    reads: {
      ...refreshed,
      one: (ticker, options) => {
        hot.note(ticker)
        return refreshed.one(ticker, options)
      },
    },
    warm: warmSource({ database, cache: isShared ? cache : null, hot, clock, renew: feeds.renew }),
    feedsHealth: async (context) => feeds.health(await primary.feeds(context)),
    forget: cache.forget,
    stop: async () => {
      await feeds.stop()
      cache.close()
    },
  }
}

const CACHE_GAUGES = {
  hits: 'cache_hits',
  staleHits: 'cache_stale_hits',
  misses: 'cache_misses',
  failures: 'cache_failures',
} as const

/** Pricing with its record: inputs come from whoever reads them, records go to a pool of their own. */
export function calculation(
  { configuration, log, metrics, clock, newId, onIdleError }: Tools,
  sources: { readonly databaseUrl: string; readonly reads: StoredReads; readonly reference: ReferenceData },
): {
  readonly desk: PriceDesk
  readonly components: Readonly<Record<string, ComponentCheck>>
  /** Listens for what changed and forgets what this process keeps of it. */
  readonly listen: (store: CacheStore) => Promise<InvalidationListener>
  readonly stop: () => Promise<void>
} {
  const { localCopySeconds, inputLimits: limits } = configuration
  const { reads, reference } = sources
  const market = marketData({ reads, clock, limits, localCopySeconds, awaySeconds: AWAY_COPY_SECONDS })
  const brokers = localCopy({
    load: (clientId) => reference.termsInForce(clientId, ownContext(newId())),
    seconds: localCopySeconds,
    awaySeconds: AWAY_COPY_SECONDS,
    entriesMax: BROKERS_MAX,
  })
  const models = localCopy({
    load: (model) => reference.pricingModel(model, ownContext(newId())),
    seconds: localCopySeconds,
    awaySeconds: AWAY_COPY_SECONDS,
    entriesMax: MODELS_MAX,
  })
  const auditDatabase = connectDatabase(sources.databaseUrl, {
    applicationName: 'audit log',
    connectionsMax: configuration.auditLanes,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  const records = auditLog({
    pool: auditDatabase,
    lanes: configuration.auditLanes,
    queueMax: configuration.auditQueueMax,
    prepared: configuration.databasePrepared,
  })
  metrics.gauge('audit_queue_records', 'Records that wait for a commit', () => records.stats().queued)
  metrics.gauge('audit_commit_milliseconds', 'How long the last commit took', () => records.stats().lastCommitMs ?? 0)

  const fetchPricingInputs = pricingInputs({ terms: brokers.get, observe: market.observe })
  return {
    desk: priceDesk({
      metrics,
      quoteLocate: quoteLocate({
        fetchPricingInputs,
        keepRecord: (record) => records.append(quoteRecordRow(record)),
        calendar: US_SETTLEMENT_CALENDAR,
        clock,
        newYorkDate,
        newAuditId: newId,
        engineBuild: engineBuild(null),
      }),
      rates: rates({
        fetchPricingInputs,
        listByStatus: market.listByStatus,
        terms: brokers.get,
        modelByName: models.get,
        clock,
        newYorkDate,
      }),
    }),
    components: {
      audit_log: async () => {
        await auditDatabase.query('select')
        const { queued, inFlight, lastCommitMs } = records.stats()
        return { queued, in_flight: inFlight, last_commit_ms: lastCommitMs }
      },
    },
    listen: (store) =>
      onInvalidation(store, {
        ticker: (keys) => market.dropLocalCopies(keys as readonly Ticker[]),
        broker: (keys) => {
          for (const key of keys) brokers.drop(key)
        },
        model: () => {
          models.drop()
          brokers.drop()
        },
        all: () => {
          market.doubtLocalCopies()
          brokers.doubt()
          models.doubt()
        },
      }),
    stop: async () => {
      log.debug('the audit log takes no more records')
      await records.close()
      await auditDatabase.end()
    },
  }
}

/** The public application over whatever answers behind it. */
export function gateway(
  { configuration, log, metrics, clock }: Tools,
  behind: {
    /** For API keys. */
    readonly database: pg.Pool
    readonly desk: PriceDesk
    readonly readRecord: ReadRecord
    readonly pricingModels: ReferenceData['pricingModels']
  },
): (server: ServerOptions) => Promise<FastifyInstance> {
  const { requestsPerMinute, localCopySeconds } = configuration
  const keys = apiKeys({
    database: behind.database,
    clock,
    onFailure: (error) => log.warn({ err: error }, 'keys could not be read again'),
  })
  return (server) =>
    gatewayApp({
      ...server,
      engineVersion: ENGINE_VERSION,
      requestsPerMinute,
      localCopySeconds,
      credentials: credentials({
        apiKeys: keys,
        rateLimiter: inProcessRateLimiter(clock),
        badTries: badTries(clock),
        requestsPerMinute,
        metrics,
      }),
      desk: behind.desk,
      readRecord: behind.readRecord,
      listPricingModels: behind.pricingModels,
    })
}
