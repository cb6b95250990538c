// Pricing with its record: in the calculation service and in all-in-one.
import { auditLog } from '../audit/audit-log.ts'
import { idempotentAnswers } from '../audit/idempotent-answers.ts'
import { type AuditRow, quoteRecordRow } from '../audit/quote-record.ts'
import type { CacheStore } from '../cache/cache-store.ts'
import { type InvalidationListener, onInvalidation } from '../cache/invalidation.ts'
import { localCopy } from '../cache/local-copy.ts'
import { connectDatabase } from '../database/connect.ts'
import { eventWindow } from '../market-data/event-risk.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import type { StoredReads } from '../market-data/stored-reads.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import type { Ticker } from '../pricing/units.ts'
import { type KeepRecords, quoteBatch } from '../quotes/batch.ts'
import { comparePacks } from '../quotes/compare-packs.ts'
import { previousCloses } from '../quotes/previous-closes.ts'
import { type PriceDesk, priceDesk } from '../quotes/price-desk.ts'
import { pricingInputs } from '../quotes/pricing-inputs.ts'
import { type KeepRecord, priceAtOnce, quoteLocate } from '../quotes/quote.ts'
import { rates } from '../quotes/rate.ts'
import { rateLists } from '../quotes/rate-list.ts'
import { type RateNews, rateNews } from '../quotes/rate-news.ts'
import type { ReferenceData } from '../reference-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { engineBuild } from '../server/engine-version.ts'
import type { ComponentCheck } from '../server/health.ts'
import { recentCounts } from '../server/recent-counts.ts'
import type { Tools } from '../server/service-process.ts'
import { inSpan } from '../server/tracing.ts'

const BROKERS_MAX = 150_000
const MODELS_MAX = 1_000
/** Requests with an Idempotency-Key that are answered at once; each holds a connection until its answer is kept. */
const IDEMPOTENT_REQUESTS_MAX = 8
const TURN_DAYS_EVERY_MS = 3_600_000
/** Of what operators see of copies. */
const LOOKUPS_SECONDS = 300
/** While the data service, or its database, is away a process uses what it knows until this age, as it does of keys. */
const AWAY_COPY_SECONDS = 300

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
  const keeping = (keepRow: (makeRow: () => AuditRow) => Promise<void>): KeepRecord => {
    if (tracer === null) return (record) => keepRow(() => quoteRecordRow(record))
    return (record, context) =>
      inSpan(tracer, 'postgresql quote record', 'client', context, () => keepRow(() => quoteRecordRow(record)), {
        'db.system.name': 'postgresql',
        'db.operation.name': 'INSERT',
        'quote.id': record.auditId,
      })
  }
  const keepRecord = keeping(records.append)
  /** Keeps many with one span. */
  const keepRecords: KeepRecords = async (makeRecords, context) => {
    const keep = () => records.appendAll(makeRecords.map((makeRecord) => () => quoteRecordRow(makeRecord())))
    const outcomes =
      tracer === null
        ? await keep()
        : await inSpan(tracer, 'postgresql quote records', 'client', context, keep, {
            'db.system.name': 'postgresql',
            'db.operation.name': 'INSERT',
            'db.operation.batch.size': makeRecords.length,
          })
    return outcomes.map((outcome) => (outcome.ok ? null : outcome.error))
  }
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
        priceWith: (inputsAtHand, snapshotClock) => priceAtOnce({ ...quoting, inputsAtHand, clock: snapshotClock }),
        keepRecords,
        engineBuild: quoting.engineBuild,
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
