// The data service: stocks, broker terms, pricing models, market data and its history; the one door out to the feeds.
import { onInvalidation } from '../cache/invalidation.ts'
import { feedsHealth } from '../market-data/feed-states.ts'
import { serveStoredReads, serveWarmSource } from '../market-data/http.ts'
import { serveReferenceData } from '../reference-data/http.ts'
import { listPricingModels, readPricingModel } from '../reference-data/pricing-models.ts'
import { readTermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers, marketReads, openDatabase, sharedStore, storeAnswers } from './parts.ts'

await runService('data-service', async (tools) => {
  const { databaseUrl } = requireSettings(tools.configuration, { databaseUrl: 'DATABASE_URL' })
  const database = await openDatabase(tools, databaseUrl)
  const store = sharedStore(tools)
  const { reads, warm, forget, stop } = marketReads(tools, { database, store })
  const nothing = () => {}
  const news = await onInvalidation(store, { ticker: forget, broker: nothing, model: nothing, all: () => forget(null) })
  return {
    operations: [
      ...serveStoredReads(reads),
      ...serveWarmSource(warm),
      ...serveReferenceData({
        termsInForce: (clientId) => readTermsInForce(database, clientId),
        pricingModel: (model) => readPricingModel(database, model),
        pricingModels: () => listPricingModels(database),
      }),
    ],
    components: { database: databaseAnswers(database), redis: storeAnswers(store) },
    feeds: async () => feedsHealth(await reads.feeds(ownContext(tools.newId()))),
    stop: async () => {
      stop()
      await news.close()
      await Promise.all([store.close(), database.end()])
    },
  }
})
