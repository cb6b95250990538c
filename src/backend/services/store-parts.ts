// Where processes share copies and news, and how it is.
import type { CacheStore } from '../cache/cache-store.ts'
import { memoryStore } from '../cache/memory-store.ts'
import type { ComponentCheck } from '../server/health.ts'
import type { Tools } from '../server/service-process.ts'

/** Where processes share copies and news: Redis, or without one the memory of this process alone. */
export async function sharedStore({ configuration, log, clock, service }: Tools): Promise<CacheStore> {
  const { url, ...redis } = configuration.redis
  if (url === null) return memoryStore({ clock })
  // Here, not above: who has no Redis starts without its client.
  const { redisStore } = await import('../cache/redis-store.ts')
  const store = redisStore({ ...redis, url, clock, applicationName: service, log })
  // It connects with the first command. Now is the time: whoever came before it is connected would go without.
  store.get('health').catch(() => {})
  return store
}

/** The health check of the shared store. */
export function storeAnswers(store: CacheStore): ComponentCheck {
  return async () => {
    await store.get('health')
    return store.state()
  }
}
