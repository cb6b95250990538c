// A Redis store for tests, with the settings of a first start unless a test has reasons.
import { type RedisStoreOptions, redisStore } from '../cache/redis-store.ts'

/** More than in a first start: a machine that runs all tests at once may be slow, and slowness is not what most of them are about. */
const PATIENT_MS = 2_000

export const DEFAULT_BREAKER = { failures: 5, windowSeconds: 10, openSeconds: 15, successes: 3 }

export function testRedisStore(options: Partial<RedisStoreOptions> & Pick<RedisStoreOptions, 'url'>) {
  return redisStore({
    keyPrefix: 'test:',
    commandTimeoutMs: PATIENT_MS,
    breaker: DEFAULT_BREAKER,
    caFile: null,
    clock: () => new Date(),
    applicationName: 'test',
    log: { info: () => {}, warn: () => {} },
    ...options,
  })
}
