// The data service: stocks, broker terms, pricing models, market data and its history; the one door out to the feeds.
import { onInvalidation } from '../cache/invalidation.ts'
import { serveFeedsHealth, serveStoredReads, serveWarmSource } from '../market-data/http.ts'
import { serveAdministration, serveReferenceData } from '../reference-data/http.ts'
import { listPricingModels, readPricingModel } from '../reference-data/pricing-models.ts'
import { readTermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers, openDatabase, openReplica } from './database-parts.ts'
import { administrating, marketReads } from './market-parts.ts'
import { followLogLevel } from './operations-parts.ts'
import { sharedStore, storeAnswers } from './store-parts.ts'

await runService('data-service', async (tools) => {
  const { databaseUrl } = requireSettings(tools.configuration, { databaseUrl: 'DATABASE_URL' })
  const database = await openDatabase(tools, databaseUrl)
  const store = await sharedStore(tools)
  const replica = openReplica(tools, database)
  const { reads, warm, components, feedsHealth, forget, changed, stop } = marketReads(tools, {
    database,
    lists: replica,
    store,
  })
  const nothing = () => {}
  const news = await onInvalidation(store, { ticker: forget, broker: nothing, model: nothing, all: () => forget(null) })
  const stopFollowing = await followLogLevel(tools, store)
  return {
    operations: [
      ...serveStoredReads(reads),
      ...serveWarmSource(warm),
      ...serveFeedsHealth(feedsHealth),
      ...serveReferenceData({
        termsInForce: (clientId) => readTermsInForce(database, clientId),
        pricingModel: (model) => readPricingModel(database, model),
        pricingModels: () => listPricingModels(database),
      }),
      ...serveAdministration(administrating(tools, { database, store, changedStocks: changed })),
    ],
    components: {
      database: databaseAnswers(database),
      redis: storeAnswers(store),
      ...components,
      ...(replica !== null && { replica: async () => replica.state() }),
    },
    feeds: () => feedsHealth(ownContext(tools.newId())),
    stop: async () => {
      await stop()
      await Promise.all([news.close(), stopFollowing()])
      await Promise.all([store.close(), replica?.close()])
      await database.end()
    },
  }
})
