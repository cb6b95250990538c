// The API gateway: the only public door. Credentials, roles, limits and shapes are checked here; what is asked is answered behind.
import { auditClient } from '../audit/http.ts'
import { feedsHealthClient } from '../market-data/http.ts'
import { priceDeskClient, rateNewsClient } from '../quotes/http.ts'
import { administrationClient, referenceDataClient } from '../reference-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { healthDetailsClient } from '../server/health-wire.ts'
import { internalClient } from '../server/internal-client.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers, openDatabase } from './database-parts.ts'
import { gateway } from './gateway-parts.ts'
import { followLogLevel } from './operations-parts.ts'
import { sharedStore, storeAnswers } from './store-parts.ts'

await runService('api-gateway', async (tools) => {
  const { configuration, log, newId, tracer } = tools
  const settings = requireSettings(configuration, {
    databaseUrl: 'DATABASE_URL',
    calculationUrl: 'CALCULATION_URL',
    dataUrl: 'DATA_URL',
    auditUrl: 'AUDIT_URL',
  })
  const { tls } = configuration
  const calculation = internalClient({ url: settings.calculationUrl, service: 'calculation', tls, log, tracer })
  const data = internalClient({ url: settings.dataUrl, service: 'data', tls, log, tracer })
  const audit = internalClient({ url: settings.auditUrl, service: 'audit', tls, log, tracer })
  const { cacheUrl } = configuration
  // Only to show how it is, so it does without.
  const cache = cacheUrl === null ? null : internalClient({ url: cacheUrl, service: 'cache', tls, log, tracer })
  const database = await openDatabase(tools, settings.databaseUrl)
  const store = await sharedStore(tools)
  const feedsHealth = feedsHealthClient(data)
  const door = gateway(tools, {
    database,
    store,
    desk: priceDeskClient(calculation),
    rateNews: rateNewsClient(calculation),
    feedsHealth,
    services: [
      { service: 'calculation-service', details: healthDetailsClient(calculation) },
      { service: 'data-service', details: healthDetailsClient(data) },
      { service: 'cache-service', details: cache && healthDetailsClient(cache) },
      { service: 'audit-service', details: healthDetailsClient(audit) },
    ],
    administration: administrationClient(data),
    audit: auditClient(audit),
    pricingModels: referenceDataClient(data).pricingModels,
    secretFolder: null,
  })
  const heard = await door.listen(store)
  const stopFollowing = await followLogLevel(tools, store)
  return {
    operations: null,
    components: {
      database: databaseAnswers(database),
      calculation_service: calculation.check,
      data_service: data.check,
      audit_service: audit.check,
      redis: storeAnswers(store),
      ...door.components,
    },
    feeds: () => feedsHealth(ownContext(newId())),
    app: door.app,
    stop: async () => {
      await Promise.all([heard.close(), stopFollowing()])
      await door.stop()
      await Promise.all([calculation.close(), data.close(), audit.close(), cache?.close(), store.close()])
      await database.end()
    },
  }
})
