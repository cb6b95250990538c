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
import { localCopy } from '../cache/local-copy.ts'
import { connectDatabase } from '../database/connect.ts'
import { gatewayApp } from '../gateway/app.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import type { StoredReads } from '../market-data/stored-reads.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { type PriceDesk, priceDesk } from '../quotes/price-desk.ts'
import { pricingInputs } from '../quotes/pricing-inputs.ts'
import { quoteLocate } from '../quotes/quote.ts'
import { rates } from '../quotes/rate.ts'
import type { ReferenceData } from '../reference-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { ENGINE_VERSION, engineBuild } from '../server/engine-version.ts'
import type { ComponentCheck } from '../server/health.ts'
import type { ServerOptions } from '../server/server.ts'
import type { Tools } from '../server/service-process.ts'

const BROKERS_MAX = 100_000
const MODELS_MAX = 1_000

/** The health check of a database: it answers. */
export function databaseAnswers(database: pg.Pool): ComponentCheck {
  return async () => {
    await database.query('select 1')
  }
}

/** Pricing with its record: inputs come from whoever reads them, records go to a pool of their own. */
export function calculation(
  { configuration, log, metrics, clock, newId, onIdleError }: Tools,
  sources: { readonly databaseUrl: string; readonly reads: StoredReads; readonly reference: ReferenceData },
): {
  readonly desk: PriceDesk
  readonly components: Readonly<Record<string, ComponentCheck>>
  /** Forgets what this process keeps of inputs. */
  readonly dropLocalCopies: () => void
  readonly stop: () => Promise<void>
} {
  const { localCopySeconds, inputLimits: limits } = configuration
  const { reads, reference } = sources
  const market = marketData({ reads, clock, limits, localCopySeconds })
  const brokers = localCopy({
    load: (clientId) => reference.termsInForce(clientId, ownContext(newId())),
    seconds: localCopySeconds,
    entriesMax: BROKERS_MAX,
  })
  const models = localCopy({
    load: (model) => reference.pricingModel(model, ownContext(newId())),
    seconds: localCopySeconds,
    entriesMax: MODELS_MAX,
  })
  const auditDatabase = connectDatabase(sources.databaseUrl, {
    applicationName: 'audit log',
    connectionsMax: configuration.auditLanes,
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
    dropLocalCopies: () => {
      market.dropLocalCopies()
      brokers.drop()
      models.drop()
    },
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
