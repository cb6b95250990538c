// The public application: in the gateway and in all-in-one.
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
import { refusalRecordRow } from '../audit/refusal-record.ts'
import type { CacheStore } from '../cache/cache-store.ts'
import { type InvalidationListener, onInvalidation, publishInvalidation } from '../cache/invalidation.ts'
import { gatewayApp } from '../gateway/app.ts'
import { consoleFolder } from '../gateway/console.ts'
import type { AskedService } from '../gateway/operations.ts'
import { type RateStream, rateStream } from '../gateway/rate-stream.ts'
import type { PriceDesk } from '../quotes/price-desk.ts'
import type { RateNews } from '../quotes/rate-news.ts'
import type { Administration, ReferenceData } from '../reference-data/http.ts'
import { type CallContext, ownContext } from '../server/call-context.ts'
import { ENGINE_VERSION } from '../server/engine-version.ts'
import type { ComponentCheck } from '../server/health.ts'
import { recentDurations } from '../server/recent-durations.ts'
import { StartError } from '../server/run.ts'
import type { ServerOptions } from '../server/server.ts'
import type { Tools } from '../server/service-process.ts'
import { batchEvent } from '../webhooks/events.ts'
import { logLevelChange } from './operations-parts.ts'
import { webhookWork } from './webhook-parts.ts'

/** Of the quotes that they see minute by minute. */
const QUOTE_MINUTES = 60

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
