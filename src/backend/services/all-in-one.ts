// Everything in one process: the newcomer's default, the demo, and the bed of the end-to-end tests. Functions stand where
// separate services have wires. Without DATABASE_URL a PostgreSQL of our own runs beside it, with demo data in it.
import { keepWarm } from '../cache/keep-warm.ts'
import { connectDatabase } from '../database/connect.ts'
import { defaultDataDir, startEmbeddedPostgres } from '../database/embedded.ts'
import { upgrade } from '../database/migrate.ts'
import { type DemoKey, seedDemoData, seedDemoKeys, seedReferenceData } from '../database/seed.ts'
import { listPricingModels, readPricingModel } from '../reference-data/pricing-models.ts'
import { readTermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { runService } from '../server/service-process.ts'
import { auditing, folderOf } from './audit-parts.ts'
import { calculation } from './calculation-parts.ts'
import { databaseAnswers, openReplica } from './database-parts.ts'
import { gateway } from './gateway-parts.ts'
import { administrating, marketReads } from './market-parts.ts'
import { ALL_IN_ONE, followLogLevel } from './operations-parts.ts'
import { sharedStore } from './store-parts.ts'
import { welcome, welcomeOperator } from './welcome.ts'

await runService(ALL_IN_ONE, async (tools) => {
  const { configuration, log, clock, newId, onIdleError } = tools

  // The database: the one that is named, or one of our own with demo data in it.
  const dataDir = configuration.dataDir ?? defaultDataDir()
  const embedded =
    configuration.databaseUrl === null ? await startEmbeddedPostgres({ dataDir, durable: true, log }) : null
  const databaseUrl = configuration.databaseUrl ?? (embedded?.url as string)
  await upgrade(configuration.databaseDirectUrl ?? databaseUrl, {
    log: (migration) => log.info({ migration }, 'migrated'),
    passwordFile: configuration.databaseDirectPasswordFile,
  })
  const database = connectDatabase(databaseUrl, {
    applicationName: 'all-in-one',
    connectionsMax: configuration.databaseConnectionsMax,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  tools.metrics.pool('service', database)
  await seedReferenceData(database)
  let demoKeys: readonly DemoKey[] = []
  if (embedded !== null) {
    await seedDemoData(database, { now: clock() })
    demoKeys = await seedDemoKeys(database, { dataDir, now: clock() })
  }

  // The domains.
  const store = await sharedStore(tools)
  const replica = openReplica(tools, database)
  const market = marketReads(tools, { database, lists: replica, store })
  const pricing = calculation(tools, {
    databaseUrl,
    reads: market.reads,
    reference: {
      termsInForce: (clientId) => readTermsInForce(database, clientId),
      pricingModel: (model) => readPricingModel(database, model),
      pricingModels: () => listPricingModels(database),
    },
  })
  const news = await pricing.listen(store)
  const warm = keepWarm({
    source: market.warm,
    store,
    clock,
    onFailure: (work, error) => log.warn({ work, err: error }, 'keeping the copies warm failed, and is tried again'),
  })
  const auditFolder = embedded === null ? folderOf(tools, dataDir, databaseUrl) : dataDir
  const records = auditing(tools, { database, lists: replica, keyFolder: auditFolder, exportsFolder: auditFolder })
  const door = gateway(tools, {
    database,
    store,
    desk: pricing.desk,
    rateNews: pricing.rateNews,
    feedsHealth: market.feedsHealth,
    services: [],
    administration: administrating(tools, { database, store, changedStocks: market.changed }),
    audit: records.functions,
    pricingModels: () => listPricingModels(database),
    secretFolder: auditFolder,
  })
  const heard = await door.listen(store)
  const stopFollowing = await followLogLevel(tools, store)
  return {
    operations: null,
    components: {
      database: databaseAnswers(database),
      ...market.components,
      ...pricing.components,
      ...records.components,
      ...door.components,
    },
    feeds: () => market.feedsHealth(ownContext(newId())),
    app: door.app,
    stop: async () => {
      await Promise.all([heard.close(), stopFollowing()])
      await door.stop()
      await records.stop()
      await warm.close()
      await news.close()
      await market.stop()
      await Promise.all([pricing.stop(), store.close(), replica?.close()])
      await database.end()
      await embedded?.stop()
    },
    onListening: (address) => (embedded === null ? welcomeOperator(address) : welcome({ address, dataDir, demoKeys })),
  }
})
