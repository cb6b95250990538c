// The cache service: keeps the shared cache warm and tells everybody when to forget. It is never asked by a quote: when it is away,
// names are a little colder.
import { keepWarm } from '../cache/keep-warm.ts'
import { feedsHealthClient, warmSourceClient } from '../market-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { internalClient } from '../server/internal-client.ts'
import { runService } from '../server/service-process.ts'
import { followLogLevel } from './operations-parts.ts'
import { sharedStore, storeAnswers } from './store-parts.ts'

/** Walking a part of the universe may take longer than a quote may. */
const STEP_WAIT_MS = 30_000

await runService('cache-service', async (tools) => {
  const { configuration, log, metrics, clock, newId } = tools
  const { dataUrl } = requireSettings(configuration, { dataUrl: 'DATA_URL' })
  const store = await sharedStore(tools)
  const data = internalClient({ url: dataUrl, service: 'data', tls: configuration.tls, log, tracer: tools.tracer })
  const warm = keepWarm({
    source: warmSourceClient(data, () => ownContext(newId(), STEP_WAIT_MS)),
    store,
    clock,
    onFailure: (work, error) => log.warn({ work, err: error }, 'keeping the cache warm failed, and is tried again'),
  })
  metrics.counter('cache_warmed_names_total', 'Names put into the cache', () => warm.stats().warmed)
  metrics.counter('cache_renewed_names_total', 'Hot names renewed', () => warm.stats().renewed)
  metrics.gauge('cache_warm', '1 when the universe was walked since the last news', () => Number(warm.stats().warm))
  const feedsHealth = feedsHealthClient(data)
  const stopFollowing = await followLogLevel(tools, store)
  return {
    operations: [],
    components: {
      redis: storeAnswers(store),
      data_service: data.check,
      warming: async () => warm.stats(),
    },
    feeds: () => feedsHealth(ownContext(newId())),
    stop: async () => {
      await Promise.all([warm.close(), stopFollowing()])
      await data.close()
      await store.close()
    },
  }
})
