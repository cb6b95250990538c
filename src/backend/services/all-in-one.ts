// Everything in one process: the newcomer's default, the demo, and the bed of the end-to-end tests. Functions stand where
// separate services would have wires. Without DATABASE_URL a PostgreSQL of our own runs beside it, with demo data in it.
import { apiKeys } from '../access/api-keys.ts'
import { badTries } from '../access/bad-tries.ts'
import { credentials } from '../access/credentials.ts'
import { inProcessRateLimiter } from '../access/rate-limit.ts'
import { auditLog } from '../audit/audit-log.ts'
import { quoteRecordRow } from '../audit/quote-record.ts'
import { readAuditRecord } from '../audit/read-record.ts'
import { localCopy } from '../cache/local-copy.ts'
import { connectDatabase } from '../database/connect.ts'
import { defaultDataDir, startEmbeddedPostgres } from '../database/embedded.ts'
import { upgrade } from '../database/migrate.ts'
import { type DemoKey, seedDemoData, seedDemoKeys, seedReferenceData } from '../database/seed.ts'
import { gatewayApp } from '../gateway/app.ts'
import { feedHealth } from '../market-data/feed-states.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import { databaseReads } from '../market-data/stored-reads.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { priceDesk } from '../quotes/price-desk.ts'
import { pricingInputs } from '../quotes/pricing-inputs.ts'
import { quoteLocate } from '../quotes/quote.ts'
import { rates } from '../quotes/rate.ts'
import { listPricingModels, readPricingModel } from '../reference-data/pricing-models.ts'
import { readTermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { readConfiguration } from '../server/configuration.ts'
import { ENGINE_VERSION, engineBuild } from '../server/engine-version.ts'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { run, startProgram } from '../server/run.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { welcome, welcomeOperator } from './welcome.ts'

await startProgram(async () => {
  const configuration = readConfiguration(process.env)
  const log = createLog({ service: 'all-in-one', level: configuration.logLevel })
  for (const hint of configuration.hints) log.warn(hint)
  const clock = systemClock
  const newId = uuidv7Maker(clock)
  const now = clock()

  // The database: the one that is named, or one of our own with demo data in it.
  const dataDir = configuration.dataDir ?? defaultDataDir()
  const embedded =
    configuration.databaseUrl === null ? await startEmbeddedPostgres({ dataDir, durable: true, log }) : null
  const url = configuration.databaseUrl ?? (embedded?.url as string)
  await upgrade(configuration.databaseDirectUrl ?? url, { log: (migration) => log.info({ migration }, 'migrated') })
  const onIdleError = (error: Error) => log.warn({ err: error }, 'a database connection broke')
  const database = connectDatabase(url, {
    applicationName: 'all-in-one',
    connectionsMax: configuration.databaseConnectionsMax,
    onIdleError,
  })
  const auditDatabase = connectDatabase(url, {
    applicationName: 'all-in-one audit',
    connectionsMax: configuration.auditLanes,
    onIdleError,
  })
  await seedReferenceData(database)
  let demoKeys: readonly DemoKey[] = []
  if (embedded !== null) {
    await seedDemoData(database, { now })
    demoKeys = await seedDemoKeys(database, { dataDir, now })
  }

  // The domains.
  const metrics = createMetrics({ service: 'all-in-one' })
  const limits = configuration.inputLimits
  const reads = databaseReads({ database, clock, limits })
  const market = marketData({ reads, clock, limits, localCopySeconds: configuration.localCopySeconds })
  const copySeconds = configuration.localCopySeconds
  const terms = localCopy({
    load: (clientId) => readTermsInForce(database, clientId),
    seconds: copySeconds,
    entriesMax: 10_000,
  }).get
  const models = localCopy({ load: (name) => readPricingModel(database, name), seconds: copySeconds, entriesMax: 1000 })
  const fetchPricingInputs = pricingInputs({ terms, observe: market.observe })
  const records = auditLog({
    pool: auditDatabase,
    lanes: configuration.auditLanes,
    queueMax: configuration.auditQueueMax,
    prepared: configuration.databasePrepared,
  })
  metrics.gauge('audit_queue_records', 'Records that wait for a commit', () => records.stats().queued)
  metrics.gauge('audit_commit_milliseconds', 'How long the last commit took', () => records.stats().lastCommitMs ?? 0)

  const health = createHealth({
    service: 'all-in-one',
    version: ENGINE_VERSION,
    components: {
      database: async () => {
        await database.query('select 1')
        return undefined
      },
      audit_log: async () => {
        const { inFlight, lastCommitMs, ...counts } = records.stats()
        const last = lastCommitMs === null ? null : Math.round(lastCommitMs * 10) / 10
        return { ...counts, in_flight: inFlight, last_commit_ms: last }
      },
    },
    feeds: async () =>
      Object.fromEntries((await reads.feeds(ownContext(newId()))).map((feed) => [feed.feed, feedHealth(feed)])),
    onFailure: (component, reason) => log.warn({ component, err: reason }, 'a component does not answer'),
  })
  const app = await gatewayApp({
    log,
    metrics,
    health,
    newRequestId: newId,
    trustedProxies: configuration.trustedProxies,
    corsOrigins: configuration.corsOrigins,
    engineVersion: ENGINE_VERSION,
    requestsPerMinute: configuration.requestsPerMinute,
    localCopySeconds: configuration.localCopySeconds,
    credentials: credentials({
      apiKeys: apiKeys({
        database,
        clock,
        onFailure: (error) => log.warn({ err: error }, 'keys could not be read again'),
      }),
      rateLimiter: inProcessRateLimiter(clock),
      badTries: badTries(clock),
      requestsPerMinute: configuration.requestsPerMinute,
      metrics,
    }),
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
        terms,
        modelByName: models.get,
        clock,
        newYorkDate,
      }),
    }),
    readRecord: (auditId) => readAuditRecord(database, auditId),
    listPricingModels: () => listPricingModels(database),
  })

  const { url: address } = await run({
    app,
    host: configuration.host,
    port: configuration.port,
    portChosen: configuration.portChosen,
    health,
    log,
    stop: async () => {
      await records.close()
      await Promise.all([database.end(), auditDatabase.end()])
      await embedded?.stop()
    },
  })
  if (embedded === null) welcomeOperator(address)
  else welcome({ address, dataDir, demoKeys })
})
