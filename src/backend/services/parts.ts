// Parts that stand in more than one program, put together by hand: pricing (in the calculation service and in all-in-one) and the
// public application (in the gateway and in all-in-one).
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { apiKeyChanges } from '../access/api-key-changes.ts'
import { type ApiKeys, apiKeys } from '../access/api-keys.ts'
import { ADDRESSES_MAX, badTries, TRIES_WINDOW_MS } from '../access/bad-tries.ts'
import { credentials } from '../access/credentials.ts'
import { keyExpiryMetrics } from '../access/key-expiry.ts'
import { inProcessRateLimiter, type RateLimiter } from '../access/rate-limit.ts'
import { refusals } from '../access/refusals.ts'
import { type Sessions, sessions } from '../access/sessions.ts'
import { sharedRateLimiter } from '../access/shared-rate-limit.ts'
import { keysIn, ownSecret, TokenKeyError, type TokenKeys, tokenKeys } from '../access/token-keys.ts'
import { auditLog } from '../audit/audit-log.ts'
import type { AuditFunctions } from '../audit/http.ts'
import { idempotentAnswers } from '../audit/idempotent-answers.ts'
import { type AuditRow, quoteRecordRow } from '../audit/quote-record.ts'
import { refusalRecordRow } from '../audit/refusal-record.ts'
import type { CacheStore } from '../cache/cache-store.ts'
import {
  type Invalidation,
  type InvalidationListener,
  onInvalidation,
  publishInvalidation,
} from '../cache/invalidation.ts'
import type { WarmSource } from '../cache/keep-warm.ts'
import { localCopy } from '../cache/local-copy.ts'
import { memoryStore } from '../cache/memory-store.ts'
import { redisStore } from '../cache/redis-store.ts'
import { twoAgeCache } from '../cache/two-age-cache.ts'
import { connectDatabase, type Queryable } from '../database/connect.ts'
import { type ReplicaReads, replicaReads } from '../database/replica.ts'
import { MigrationError, requireCurrentSchema } from '../database/schema-state.ts'
import { gatewayApp } from '../gateway/app.ts'
import { consoleFolder } from '../gateway/console.ts'
import type { AskedService } from '../gateway/operations.ts'
import { type RateStream, rateStream } from '../gateway/rate-stream.ts'
import { cachedReads, STORED_OBSERVATIONS_CODEC } from '../market-data/cached-reads.ts'
import { eventWindow } from '../market-data/event-risk.ts'
import { feedWork } from '../market-data/feed-work.ts'
import { historyUpkeep } from '../market-data/history-upkeep.ts'
import { hotNames } from '../market-data/hot-names.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import { databaseReads, type StoredReads } from '../market-data/stored-reads.ts'
import { tracedReads } from '../market-data/traced-reads.ts'
import { warmSource } from '../market-data/warm-source.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import type { Ticker } from '../pricing/units.ts'
import { quoteBatch } from '../quotes/batch.ts'
import { comparePacks } from '../quotes/compare-packs.ts'
import { previousCloses } from '../quotes/previous-closes.ts'
import { type PriceDesk, priceDesk } from '../quotes/price-desk.ts'
import { pricingInputs } from '../quotes/pricing-inputs.ts'
import { type KeepRecord, quoteLocate } from '../quotes/quote.ts'
import { rates } from '../quotes/rate.ts'
import { rateLists } from '../quotes/rate-list.ts'
import { type RateNews, rateNews } from '../quotes/rate-news.ts'
import { administration } from '../reference-data/administration.ts'
import type { Administration, ReferenceData } from '../reference-data/http.ts'
import { type CallContext, ownContext } from '../server/call-context.ts'
import { ENGINE_VERSION, engineBuild } from '../server/engine-version.ts'
import type { ComponentCheck } from '../server/health.ts'
import { recentCounts } from '../server/recent-counts.ts'
import { recentDurations } from '../server/recent-durations.ts'
import { StartError } from '../server/run.ts'
import type { ServerOptions } from '../server/server.ts'
import type { Tools } from '../server/service-process.ts'
import { inSpan } from '../server/tracing.ts'
import { batchEvent } from '../webhooks/events.ts'
import { logLevelChange } from './operations-parts.ts'
import { webhookWork } from './webhook-parts.ts'

const BROKERS_MAX = 100_000
const MODELS_MAX = 1_000
/** Requests with an Idempotency-Key that are answered at once; each holds a connection until its answer is kept. */
const IDEMPOTENT_REQUESTS_MAX = 8
const TURN_DAYS_EVERY_MS = 3_600_000
/** Of what operators see of copies. */
const LOOKUPS_SECONDS = 300
/** Of the quotes that they see minute by minute. */
const QUOTE_MINUTES = 60
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
export async function openDatabase(
  { configuration, service, log, metrics, onIdleError }: Tools,
  url: string,
): Promise<pg.Pool> {
  const database = connectDatabase(url, {
    applicationName: service,
    connectionsMax: configuration.databaseConnectionsMax,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  metrics.pool('service', database)
  await requireFittingSchema(log, database)
  return database
}

/** The same for a service whose pools are its parts' own: looks once, and keeps no connection. */
export async function requireFittingDatabase(
  { configuration, service, log, onIdleError }: Tools,
  url: string,
): Promise<void> {
  const database = connectDatabase(url, {
    applicationName: service,
    connectionsMax: 1,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  try {
    await requireFittingSchema(log, database)
  } finally {
    await database.end()
  }
}

async function requireFittingSchema(log: Tools['log'], database: pg.Pool): Promise<void> {
  try {
    const newer = await requireCurrentSchema(database)
    if (newer.length > 0) log.warn({ migrations: newer }, 'the database is of a newer version; this one runs on it too')
  } catch (error) {
    if (error instanceof MigrationError) throw new StartError(error.message, { cause: error })
    log.warn({ err: error }, 'the database does not answer yet')
  }
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

/** Pricing with its record: inputs come from whoever reads them, records go to a pool of their own. */
export function calculation(
  { configuration, log, metrics, clock, newId, onIdleError, tracer }: Tools,
  sources: { readonly databaseUrl: string; readonly reads: StoredReads; readonly reference: ReferenceData },
): {
  readonly desk: PriceDesk
  /** For who watches rates. */
  readonly rateNews: RateNews
  readonly components: Readonly<Record<string, ComponentCheck>>
  /** Listens for what changed and forgets what this process keeps of it. */
  readonly listen: (store: CacheStore) => Promise<InvalidationListener>
  readonly stop: () => Promise<void>
} {
  const { localCopySeconds, inputLimits: limits } = configuration
  const { reads, reference } = sources
  const market = marketData({ reads, clock, limits, localCopySeconds, awaySeconds: AWAY_COPY_SECONDS })
  const lookups = recentCounts(market.stats, { seconds: LOOKUPS_SECONDS })
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
  const noteCommit = metrics.durations(
    'audit_commit_duration_seconds',
    'Time of a commit of the audit log, of one record or many',
  )
  metrics.pool('audit_log', auditDatabase)
  const records = auditLog({
    pool: auditDatabase,
    lanes: configuration.auditLanes,
    queueMax: configuration.auditQueueMax,
    prepared: configuration.databasePrepared,
    onCommit: noteCommit,
  })
  metrics.gauge('audit_queue_records', 'Records that wait for a commit', () => records.stats().queued)
  metrics.counters('audit_records_total', 'Records that came to the audit log, by how it ended', 'outcome', {
    kept: () => records.stats().committed,
    refused: () => records.stats().failed,
  })

  const answersDatabase = connectDatabase(sources.databaseUrl, {
    applicationName: 'idempotent answers',
    connectionsMax: IDEMPOTENT_REQUESTS_MAX,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  metrics.pool('idempotent_answers', answersDatabase)
  const answers = idempotentAnswers(answersDatabase)
  const turnDays = () =>
    answers
      .turnDays()
      .catch((error: unknown) => log.warn({ err: error }, 'the days of idempotent answers could not be turned'))
  void turnDays()
  const turning = setInterval(turnDays, TURN_DAYS_EVERY_MS).unref()

  const fetchPricingInputs = pricingInputs({ terms: brokers.get, observe: market.observe })
  const lists = rateLists({
    listAll: market.listAll,
    terms: brokers.get,
    previousCloses: previousCloses({
      namesOverTime: market.namesOverTime,
      volatilityLimit: limits.volatility,
      calendar: US_SETTLEMENT_CALENDAR,
      clock,
      onFailure: (error) => log.warn({ err: error }, 'the rates of the last close could not be read'),
    }),
    eventWindow: () => eventWindow(newYorkDate(clock()), null),
    clock,
    keptSeconds: localCopySeconds,
  })
  const quoting = {
    calendar: US_SETTLEMENT_CALENDAR,
    newYorkDate,
    newAuditId: newId,
    engineBuild: engineBuild(configuration.buildCommit),
  }
  /** Keeps a record with a span of its own. */
  const keeping =
    (keepRow: (makeRow: () => AuditRow) => Promise<void>): KeepRecord =>
    (record, context) =>
      inSpan(tracer, 'postgresql quote record', 'client', context, () => keepRow(() => quoteRecordRow(record)), {
        'db.system.name': 'postgresql',
        'db.operation.name': 'INSERT',
        'quote.id': record.auditId,
      })
  const keepRecord = keeping(records.append)
  return {
    desk: priceDesk({
      metrics,
      quoteLocate: quoteLocate({ ...quoting, fetchPricingInputs, keepRecord, clock }),
      quoteKeeping: (keepRow) =>
        quoteLocate({
          ...quoting,
          fetchPricingInputs,
          keepRecord: keeping((makeRow) => keepRow(makeRow())),
          clock,
        }),
      quoteBatch: quoteBatch({
        snapshot: market.snapshot,
        terms: brokers.get,
        quoteWith: (fetch, snapshotClock) =>
          quoteLocate({ ...quoting, fetchPricingInputs: fetch, keepRecord, clock: snapshotClock }),
        clock,
      }),
      idempotentAnswers: answers,
      rates: rates({
        fetchPricingInputs,
        listByStatus: market.listByStatus,
        snapshot: market.snapshot,
        overTime: reads.overTime,
        namesOverTime: market.namesOverTime,
        volatilityLimit: limits.volatility,
        terms: brokers.get,
        modelByName: models.get,
        clock,
        newYorkDate,
      }),
      rateList: lists.text,
      comparePacks: comparePacks({ ...quoting, fetchPricingInputs, clock }),
      clock,
    }),
    rateNews: rateNews({
      snapshot: market.snapshot,
      tickersAfter: reads.tickersAfter,
      terms: brokers.get,
      modelByName: models.get,
      clock,
      newYorkDate,
    }),
    components: {
      audit_log: async () => {
        await auditDatabase.query('select')
        const { queued, inFlight, lastCommitMs } = records.stats()
        return { queued, in_flight: inFlight, last_commit_ms: lastCommitMs }
      },
      copies_in_memory: async () => lookups.grown(),
    },
    listen: (store) =>
      onInvalidation(store, {
        ticker: (keys) => {
          market.dropLocalCopies(keys as readonly Ticker[])
          lists.changed()
        },
        broker: (keys) => {
          for (const key of keys) brokers.drop(key)
        },
        model: () => {
          models.drop()
          brokers.drop()
        },
        all: () => {
          market.doubtLocalCopies()
          lists.changed()
          brokers.doubt()
          models.doubt()
        },
      }),
    stop: async () => {
      log.debug('the audit log takes no more records')
      clearInterval(turning)
      lookups.stop()
      await records.close()
      await Promise.all([auditDatabase.end(), answersDatabase.end()])
    },
  }
}

/** The public application over whatever answers behind it. */
export function gateway(
  tools: Tools,
  behind: {
    /** For API keys, and the record of refusals. */
    readonly database: pg.Pool
    /** Where replicas count together how much each client has asked. */
    readonly store: CacheStore
    readonly desk: PriceDesk
    readonly rateNews: RateNews
    /** Every feed as health checks show it. */
    readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
    /** The other services, to ask how they are. */
    readonly services: readonly AskedService[]
    readonly administration: Administration
    readonly audit: AuditFunctions
    readonly pricingModels: ReferenceData['pricingModels']
    /** Where an engine that has its data to itself keeps a secret for sessions of its own; null: settings give one, or there are none. */
    readonly secretFolder: string | null
  },
): {
  readonly app: (server: ServerOptions) => Promise<FastifyInstance>
  readonly components: Readonly<Record<string, ComponentCheck>>
  /** Listens for what changed, to tell it to who listens here. */
  readonly listen: (store: CacheStore) => Promise<InvalidationListener>
  readonly stop: () => Promise<void>
} {
  const { configuration, log, metrics, clock, newId } = tools
  const { requestsPerMinute } = configuration
  const keys = apiKeys({
    database: behind.database,
    clock,
    onFailure: (error) => log.warn({ err: error }, 'keys could not be read again'),
  })
  const keyExpiry = keyExpiryMetrics({
    database: behind.database,
    clock,
    metrics,
    onFailure: (error) => log.warn({ err: error }, 'when keys end could not be read'),
  })
  const limits = clientLimits(tools, behind.store)
  const signedIn = consoleSessions(tools, behind.database, keys, behind.secretFolder)
  const refused = refusalRecords(tools, behind.database)
  const told = webhookWork(tools, behind)
  const stream = streamOfRates(tools, behind)
  return {
    app: (server) =>
      gatewayApp({
        ...server,
        engineVersion: ENGINE_VERSION,
        consoleFolder: consoleFolder(),
        requestsPerMinute,
        clock,
        credentials: credentials({
          apiKeys: keys,
          sessions: signedIn,
          rateLimiter: limits.requests,
          badTries: badTries(limits.tries, clock),
          requestsPerMinute,
          metrics,
        }),
        onRefusal: refused.note,
        sessions: signedIn,
        apiKeyChanges: apiKeyChanges({
          database: behind.database,
          clock,
          newId,
          onChange: (keyId, clientId) => {
            keys.forget(keyId)
            // The other gateways have copies of their own.
            publishInvalidation(behind.store, { kind: 'broker', keys: [clientId] }).catch((error: unknown) =>
              log.warn(
                { err: error },
                'a change of a key could not be told to other gateways, whose copies end by themselves',
              ),
            )
          },
        }),
        webhooks: told?.webhooks ?? null,
        onBatchDone: (clientId, summary) => told?.events.batch(batchEvent(clientId, summary, clock())),
        desk: behind.desk,
        rateStream: stream,
        services: behind.services,
        feedsHealth: behind.feedsHealth,
        changeLogLevel: logLevelChange(tools, behind),
        quoteMinutes: recentDurations({ slotSeconds: 60, slots: QUOTE_MINUTES, clock }),
        dashboardLinks: configuration.dashboardLinks,
        administration: behind.administration,
        audit: behind.audit,
        retentionYears: configuration.auditRetentionYears,
        listPricingModels: behind.pricingModels,
      }),
    components: {
      ...limits.components,
      ...(told !== null && { webhooks: told.component }),
      rate_stream: async () => {
        const { watchedNames, ...stats } = stream.stats()
        return { ...stats, watched_names: watchedNames }
      },
    },
    listen: (store) =>
      onInvalidation(store, {
        ticker: (tickers) => {
          stream.heard.tickers(tickers)
          told?.heard.tickers(tickers)
        },
        broker: (clientIds) => {
          keys.doubtBrokers(clientIds)
          stream.heard.brokers(clientIds)
          told?.heard.brokers(clientIds)
        },
        model: () => {},
        all: () => {
          stream.heard.all()
          told?.heard.all()
        },
        lost: stream.heard.lost,
      }),
    stop: async () => {
      await stream.close()
      await keyExpiry.stop()
      signedIn?.close()
      await told?.stop()
      await refused.stop()
    },
  }
}

/** What listeners hear of rates, over whatever tells it. */
function streamOfRates(
  { configuration, log, metrics, clock, newId }: Tools,
  behind: {
    readonly rateNews: RateNews
    readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  },
): RateStream {
  const { max, perKeyMax } = configuration.streams
  const stream = rateStream({
    news: behind.rateNews,
    feeds: behind.feedsHealth,
    clock,
    context: () => ownContext(newId()),
    listenersMax: max,
    listenersPerKeyMax: perKeyMax,
    onFailure: (error, what) => log.warn({ err: error }, `${what}, and are tried again`),
  })
  const { stats } = stream
  metrics.gauge('stream_listeners', 'Streams of rates that are open', () => stats().listeners)
  metrics.gauge(
    'stream_watched_names',
    'Names that are looked at for them, under each model',
    () => stats().watchedNames,
  )
  metrics.counter('stream_events_total', 'Events of rates and feeds', () => stats().events)
  metrics.counter('stream_resets_total', 'Streams that had to begin anew', () => stats().resets)
  metrics.counter('stream_cut_total', 'Streams that nobody read, and that were cut', () => stats().cut)
  return stream
}

/** Sessions of the console; null when there is nothing to sign their tokens with. */
function consoleSessions(
  { configuration, log, clock }: Tools,
  database: pg.Pool,
  keys: ApiKeys,
  secretFolder: string | null,
): Sessions | null {
  const { secrets, keyFile } = configuration.tokens
  const texts = () => {
    if (keyFile !== null) return keysIn(readFileSync(keyFile, 'utf8'))
    if (secrets.length > 0 || secretFolder === null) return secrets
    return [ownSecret(secretFolder)]
  }
  let signing: TokenKeys
  try {
    const found = texts()
    if (found.length === 0 && keyFile === null) return null
    signing = tokenKeys(found)
  } catch (error) {
    const reason = error instanceof TokenKeyError ? error.message : 'it cannot be read'
    throw new StartError(`${keyFile === null ? 'JWT_SECRET' : 'JWT_KEY_FILE'} cannot be used: ${reason}.`, {
      cause: error,
    })
  }
  return sessions({
    database,
    keys: signing,
    apiKeys: keys,
    clock,
    onFailure: (error) => log.warn({ err: error }, 'sessions could not be read again, or ended ones not removed'),
    onReuse: ({ keyId }) =>
      log.warn({ key_id: keyId }, 'an old cookie of a session came back: the session has ended for all who hold one'),
  })
}

/** What each broker may ask, and each address try: counted by all replicas together where they share a Redis, else by this process. */
function clientLimits(
  { log, metrics, clock }: Tools,
  store: CacheStore,
): {
  readonly requests: RateLimiter
  readonly tries: RateLimiter
  readonly components: Readonly<Record<string, ComponentCheck>>
} {
  const tries = { clock, windowMs: TRIES_WINDOW_MS, windowsMax: ADDRESSES_MAX }
  const { runScript } = store
  if (runScript === null) {
    return { requests: inProcessRateLimiter({ clock }), tries: inProcessRateLimiter(tries), components: {} }
  }
  const requests = sharedRateLimiter({
    runScript,
    keyPrefix: 'limit:',
    clock,
    onChange: (counted, reason) =>
      counted === 'alone'
        ? log.warn({ err: reason }, 'Redis does not count requests: this process limits clients by itself')
        : log.info('requests are counted by all replicas together again'),
  })
  metrics.gauge(
    'rate_limits_shared',
    '1 when the last request was counted by all replicas together, 0 by one alone',
    () => Number(requests.state().counted === 'together'),
  )
  metrics.counter(
    'rate_limit_alone_requests_total',
    'Requests that this process has counted by itself, for Redis was away',
    () => requests.state().aloneRequests,
  )
  return {
    requests,
    tries: sharedRateLimiter({ ...tries, runScript, keyPrefix: 'tries:' }),
    components: { rate_limits: async () => ({ counted: await requests.check() }) },
  }
}

/** Refusals go on the record through a log of their own: one commit at a time, of the connections that read keys. */
function refusalRecords({ configuration, log, metrics, clock, newId }: Tools, database: pg.Pool) {
  const records = auditLog({ pool: database, lanes: 1, prepared: configuration.databasePrepared })
  const refused = refusals({
    rowOf: (summary) => refusalRecordRow({ auditId: newId(), ...summary }),
    append: records.append,
    clock,
    onFailure: (reason) => log.warn({ err: reason }, 'refusals could not be recorded, and are kept for a while'),
  })
  const { stats } = refused
  metrics.gauge('refusal_records_waiting', 'Records of refusals that wait for the database', () => stats().waiting)
  metrics.counter('refusal_records_written_total', 'Records of refusals written', () => stats().written)
  metrics.counter('refusal_records_dropped_total', 'Records of refusals given up', () => stats().dropped)
  return {
    note: refused.note,
    stop: async () => {
      await refused.close()
      await records.close()
      const { dropped } = stats()
      if (dropped > 0) log.warn({ dropped }, 'records of refusals were given up')
    },
  }
}
