// The limit of all replicas on real Redis servers: alone, over TLS, in a cluster; away, hanging and back.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CacheStore } from '../cache/cache-store.ts'
import { rateLimitContract } from '../test/rate-limit-contract.ts'
import { startRedis, startRedisCluster, type TestRedis } from '../test/redis.ts'
import { testRedisStore } from '../test/redis-store.ts'
import { until } from '../test/until.ts'
import { type SharedRateLimiter, type SharedRateLimiterOptions, sharedRateLimiter } from './shared-rate-limit.ts'

const PATIENCE_MS = 10_000
/** A busy machine is late with its timers. */
const BUSY_MS = 250

function limiterOn(store: CacheStore, options: Partial<SharedRateLimiterOptions> = {}): SharedRateLimiter {
  const { runScript } = store
  if (runScript === null) throw new Error('the store runs no scripts')
  return sharedRateLimiter({ runScript, keyPrefix: 'limit:', clock: () => new Date(), ...options })
}

const connected = (limiter: SharedRateLimiter) =>
  until(
    'requests are counted together',
    PATIENCE_MS,
    async () => (await limiter.take('-', 1, 0)).counted === 'together',
  )

describe.each([
  ['one Redis with a password', () => startRedis({ password: 'secret' })],
  ['one Redis over TLS', () => startRedis({ tls: true })],
  ['a Redis cluster', () => startRedisCluster()],
])('counted in %s', (_, start) => {
  let redis: Awaited<ReturnType<typeof start>>
  let stores: CacheStore[]
  beforeAll(async () => {
    redis = await start()
    const caFile = 'caFile' in redis ? redis.caFile : null
    stores = [1, 2].map(() => testRedisStore({ url: redis.url, caFile }))
  })
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await redis.stop()
  })

  const limiters = new Map<number, SharedRateLimiter>()
  rateLimitContract((windowMs) => {
    const made = limiters.get(windowMs) ?? limiterOn(stores[0]!, { windowMs })
    limiters.set(windowMs, made)
    return made
  })
  test('all of this was counted by Redis', () => {
    expect([...limiters.values()].map((limiter) => limiter.state().aloneRequests)).toEqual([0, 0, 0])
  })

  test('two replicas that ask 400 times at once get exactly the limit together', async () => {
    const [one, other] = stores.map((store) => limiterOn(store))
    await Promise.all([connected(one!), connected(other!)])
    const taken = await Promise.all(
      Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? one : other)!.take('both', 60, 1)),
    )
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(60)
    expect(taken.every(({ counted }) => counted === 'together')).toBe(true)
  })
})

describe('in one Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test('two processes that ask 200 times at once get exactly the limit together', async () => {
    const program = fileURLToPath(new URL('../test/limit-process.ts', import.meta.url))
    const processes = [1, 2].map(() => {
      const child = spawn(process.execPath, ['--import', 'tsx', program, redis.url, 'two-processes', '60', '100'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      return { child, next: async () => (await lines.next()).value as string }
    })
    for (const { next } of processes) expect(await next()).toBe('ready')
    for (const { child } of processes) child.stdin.write('go\n')
    const said = await Promise.all(processes.map(({ next }) => next()))
    await Promise.all(processes.map(({ child }) => child.exitCode ?? once(child, 'exit')))
    const counts = said.map((line) => line.split(' ').map(Number))
    expect(counts.map(([, alone]) => alone)).toEqual([0, 0])
    expect((counts[0]?.[0] ?? 0) + (counts[1]?.[0] ?? 0)).toBe(60)
  })

  test('one request is one command, by the digest of the script, and the window is a key that ends by itself', async () => {
    const store = testRedisStore({ url: redis.url })
    const limiter = limiterOn(store)
    await connected(limiter)
    await redis.say('config', 'resetstat')
    for (let i = 0; i < 10; i += 1) await limiter.take('thrifty', 60, 1)
    const commands = await redis.say('info', 'commandstats')
    expect(commands).toMatch(/cmdstat_evalsha:calls=10,/)
    expect(commands).not.toMatch(/cmdstat_eval:/)
    expect(await redis.say('get', 'test:limit:thrifty')).toBe('10')
    const leftMs = Number(await redis.say('pttl', 'test:limit:thrifty'))
    expect(leftMs).toBeGreaterThan(50_000)
    expect(leftMs).toBeLessThanOrEqual(60_000)
    await store.close()
  })

  test('a server that does not know the script is told it, and counts on', async () => {
    const store = testRedisStore({ url: redis.url })
    const limiter = limiterOn(store)
    await limiter.take('forgetful', 10, 1)
    await redis.say('script', 'flush')
    expect(await limiter.take('forgetful', 10, 1)).toMatchObject({ remaining: 8, counted: 'together' })
    expect(store.state().failures).toBe(0)
    await store.close()
  })

  test('killed in the middle: each replica counts by itself, at once and without an error, and together again afterwards', async () => {
    const stores = [1, 2].map(() => testRedisStore({ url: redis.url, commandTimeoutMs: 75 }))
    const changes: string[] = []
    const [one, other] = stores.map((store) => limiterOn(store, { onChange: (counted) => changes.push(counted) }))
    await Promise.all([connected(one!), connected(other!)])
    changes.length = 0
    for (let i = 0; i < 10; i += 1) await one!.take('outage', 10, 1)
    expect((await other!.take('outage', 10, 1)).allowed).toBe(false)

    await redis.kill()
    await until('the break is noticed', PATIENCE_MS, () => stores.every((store) => !store.state().connected))
    for (const limiter of [one!, other!]) {
      const startedAt = performance.now()
      const taken = await Promise.all(Array.from({ length: 50 }, () => limiter.take('outage', 10, 1)))
      expect(performance.now() - startedAt).toBeLessThan(BUSY_MS)
      expect(taken.filter(({ allowed }) => allowed)).toHaveLength(10)
      expect(taken.every(({ counted }) => counted === 'alone')).toBe(true)
    }
    expect(one!.state()).toEqual({ counted: 'alone', aloneRequests: 50 })
    expect(await one!.check()).toBe('alone')

    await redis.start()
    await until('they count together again', PATIENCE_MS, async () =>
      (await Promise.all([one!.check(), other!.check()])).every((counted) => counted === 'together'),
    )
    expect(changes).toEqual(['alone', 'alone', 'together', 'together'])
    await one!.take('outage', 10, 9)
    expect(await other!.take('outage', 10, 1)).toMatchObject({ remaining: 0, counted: 'together' })
    await Promise.all(stores.map((store) => store.close()))
  })

  test('killed under requests: none of them fails, and none waits longer than a command may', async () => {
    const store = testRedisStore({ url: redis.url, commandTimeoutMs: 75 })
    const limiter = limiterOn(store)
    await connected(limiter)
    redis.pause()
    const startedAt = performance.now()
    const underWay = Array.from({ length: 20 }, () => limiter.take('under-way', 5, 1))
    await redis.kill()
    const taken = await Promise.all(underWay)
    expect(performance.now() - startedAt).toBeLessThan(75 + BUSY_MS)
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(5)
    await redis.start()
    await connected(limiter)
    await store.close()
  })

  test('hanging: five requests wait as long as a command may, then none waits', async () => {
    const store = testRedisStore({ url: redis.url, commandTimeoutMs: 75 })
    const limiter = limiterOn(store)
    await connected(limiter)
    redis.pause()
    const waitedMs: number[] = []
    for (let i = 0; i < 10; i += 1) {
      const startedAt = performance.now()
      expect((await limiter.take('hanging', 100, 1)).counted).toBe('alone')
      waitedMs.push(performance.now() - startedAt)
    }
    expect(Math.max(...waitedMs)).toBeLessThan(75 + BUSY_MS)
    // One may be late, on a busy machine.
    expect(waitedMs.slice(5).filter((ms) => ms > 70).length).toBeLessThan(2)
    redis.resume()
    await store.close()
  })
})
