// The calculation service: fetches a price's inputs whole from the data service, prices, keeps the record, answers. It holds the
// right to add audit records, and no other.
import { feedsHealthClient, storedReadsClient } from '../market-data/http.ts'
import { servePriceDesk, serveRateNews } from '../quotes/http.ts'
import { referenceDataClient } from '../reference-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { internalClient } from '../server/internal-client.ts'
import { runService } from '../server/service-process.ts'
import { calculation } from './calculation-parts.ts'
import { requireFittingDatabase } from './database-parts.ts'
import { followLogLevel } from './operations-parts.ts'
import { sharedStore, storeAnswers } from './store-parts.ts'

await runService('calculation-service', async (tools) => {
  const { configuration, log, newId } = tools
  const { databaseUrl, dataUrl } = requireSettings(configuration, { databaseUrl: 'DATABASE_URL', dataUrl: 'DATA_URL' })
  await requireFittingDatabase(tools, databaseUrl)
  const data = internalClient({ url: dataUrl, service: 'data', tls: configuration.tls, log, tracer: tools.tracer })
  const reads = storedReadsClient(data)
  const feedsHealth = feedsHealthClient(data)
  const store = await sharedStore(tools)
  const pricing = calculation(tools, { databaseUrl, reads, reference: referenceDataClient(data) })
  const news = await pricing.listen(store)
  const stopFollowing = await followLogLevel(tools, store)
  return {
    operations: [...servePriceDesk(pricing.desk), ...serveRateNews(pricing.rateNews)],
    components: { data_service: data.check, redis: storeAnswers(store), ...pricing.components },
    feeds: () => feedsHealth(ownContext(newId())),
    stop: async () => {
      await Promise.all([news.close(), stopFollowing()])
      await Promise.all([pricing.stop(), store.close()])
      await data.close()
    },
  }
})
