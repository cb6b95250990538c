// The data service: stocks, broker terms, pricing models, market data and its history; the one door out to the feeds.
import { connectDatabase } from '../database/connect.ts'
import { feedsHealth } from '../market-data/feed-states.ts'
import { serveStoredReads } from '../market-data/http.ts'
import { databaseReads } from '../market-data/stored-reads.ts'
import { serveReferenceData } from '../reference-data/http.ts'
import { listPricingModels, readPricingModel } from '../reference-data/pricing-models.ts'
import { readTermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers } from './parts.ts'

await runService('data-service', async ({ configuration, clock, newId, onIdleError }) => {
  const { databaseUrl } = requireSettings(configuration, { databaseUrl: 'DATABASE_URL' })
  const database = connectDatabase(databaseUrl, {
    applicationName: 'data-service',
    connectionsMax: configuration.databaseConnectionsMax,
    onIdleError,
  })
  const reads = databaseReads({ database, clock, limits: configuration.inputLimits })
  return {
    operations: [
      ...serveStoredReads(reads),
      ...serveReferenceData({
        termsInForce: (clientId) => readTermsInForce(database, clientId),
        pricingModel: (model) => readPricingModel(database, model),
        pricingModels: () => listPricingModels(database),
      }),
    ],
    components: { database: databaseAnswers(database) },
    feeds: async () => feedsHealth(await reads.feeds(ownContext(newId()))),
    stop: () => database.end(),
  }
})
