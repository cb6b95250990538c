// The two-age cache on real Redis: what two processes see of each other, and what they see when Redis fails under them.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from '../test/redis.ts'
import { testRedisStore } from '../test/redis-store.ts'
import { until } from '../test/until.ts'
import type { CacheStore } from './cache-store.ts'
import { onInvalidation } from './invalidation.ts'
import { keySlot } from './key-slot.ts'
import { type TwoAgeCache, twoAgeCache } from './two-age-cache.ts'

interface Figure {
  readonly of: string
  readonly version: number
}

const PATIENCE_MS = 15_000
const COMMAND_MS = 75
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A process: its store, its cache, and its ear for news. */
async function process(url: string, options: { commandTimeoutMs?: number; freshSeconds?: number } = {}) {
  const store = testRedisStore({
    url,
    ...(options.commandTimeoutMs ? { commandTimeoutMs: options.commandTimeoutMs } : {}),
  })
  const cache = twoAgeCache<Figure>({
    store,
    name: 'figures',
    codec: { write: (value) => JSON.stringify(value), read: (text) => JSON.parse(text) as Figure },
    freshSeconds: options.freshSeconds ?? 300,
    staleSeconds: 3600,
    announces: 'ticker',
    clock: () => new Date(),
  })
  const listener = await onInvalidation(store, {
    ticker: (keys) => cache.forget(keys),
    broker: () => {},
    model: () => {},
    all: () => cache.forget(null),
  })
  closing.push(async () => {
    cache.close()
    await listener.close()
    await store.close()
  })
  await until('it listens', PATIENCE_MS, () => listener.stats().connections > 0)
  await connected(store)
  return { store, cache, listener }
}

const connected = (store: CacheStore) =>
  until('it is connected', PATIENCE_MS, () =>
    store.get('x').then(
      () => true,
      () => false,
    ),
  )

const loaded = (key: string, version: number) => async () => ({ of: key, version })
const never = async (): Promise<Figure> => {
  throw new Error('nobody should load this')
}
/** Writes happen behind the callers' backs. */
const written = (store: CacheStore, key: string) =>
  until(`${key} is written`, PATIENCE_MS, async () => (await store.get(`figures:${key}`)) !== null)

describe('two processes and one Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis({ password: 'secret' })
  })
  afterEach(async () => {
    await redis.say('flushall')
  })
  afterAll(() => redis.stop())

  test('what one has loaded the other has', async () => {
    const [one, other] = [await process(redis.url), await process(redis.url)]
    await one.cache.get('GME', loaded('GME', 1))
    await written(one.store, 'GME')
    expect(await other.cache.get('GME', never)).toEqual({ of: 'GME', version: 1 })
    expect(
      await other.cache.getMany(['GME', 'AMC'], async (missing) => missing.map((of) => ({ of, version: 1 }))),
    ).toEqual([
      { of: 'GME', version: 1 },
      { of: 'AMC', version: 1 },
    ])
    expect(other.cache.stats()).toMatchObject({ hits: 2, misses: 1 })
  })

  test('what one drops is gone for the other, which hears of it', async () => {
    const [one, other] = [await process(redis.url), await process(redis.url)]
    await one.cache.put('GME', { of: 'GME', version: 1 })
    await other.cache.drop(['GME'])
    await until(
      'both have heard',
      PATIENCE_MS,
      () => one.listener.stats().received + other.listener.stats().received === 2,
    )
    expect(await one.cache.get('GME', loaded('GME', 2))).toEqual({ of: 'GME', version: 2 })
  })

  test('a load that began before a drop of the other process does not bring the old value back', async () => {
    const [one, other] = [await process(redis.url), await process(redis.url)]
    let answer: (value: Figure) => void = () => {}
    const before = one.cache.get('GME', () => new Promise<Figure>((resolve) => (answer = resolve)))
    await until('it loads', PATIENCE_MS, () => one.cache.stats().misses === 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await other.cache.drop(['GME'])
    await until('it was told', PATIENCE_MS, () => one.listener.stats().received === 1)
    answer({ of: 'GME', version: 1 })
    await before
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await other.cache.get('GME', loaded('GME', 2))).toEqual({ of: 'GME', version: 2 })
  })

  test('texts of another program under our keys are misses', async () => {
    const { cache } = await process(redis.url)
    await redis.say('set', 'test:figures:GME', 'v1 9999999999999 9999999999999 +\n{')
    expect(await cache.get('GME', loaded('GME', 1))).toEqual({ of: 'GME', version: 1 })
    await redis.say('del', 'test:figures:AMC')
    await redis.say('lpush', 'test:figures:AMC', 'a list')
    expect(await cache.get('AMC', loaded('AMC', 1))).toEqual({ of: 'AMC', version: 1 })
    expect(cache.stats()).toMatchObject({ unreadable: 1, failures: 1 })
  })

  test('an entry leaves Redis when its second age is over', async () => {
    const { cache } = await process(redis.url)
    await cache.put('GME', { of: 'GME', version: 1 })
    const seconds = Number(await redis.say('ttl', 'test:figures:GME'))
    expect(seconds).toBeGreaterThan(3600 * 0.9 - 5)
    expect(seconds).toBeLessThanOrEqual(3600)
  })
})

/** Calls one after the other, like a desk that does not stop asking; says how long they took and how many failed. */
function flow(cache: TwoAgeCache<Figure>, keys: readonly string[], options: { lanes: number }) {
  const millis: number[] = []
  const failures: unknown[] = []
  let wrong = 0
  let stopped = false
  let version = 1
  const lane = async (first: number) => {
    for (let index = first; !stopped; index += 1) {
      const key = keys[index % keys.length]!
      const startedAt = performance.now()
      try {
        if (index % 20 === 0) {
          await cache.put(key, { of: key, version })
          version += 1
        } else if (index % 7 === 0) {
          const several = [key, keys[(index + 1) % keys.length]!, keys[(index + 2) % keys.length]!]
          const values = await cache.getMany(several, async (missing) => missing.map((of) => ({ of, version })))
          if (values.some((value, at) => value?.of !== several[at])) wrong += 1
        } else {
          const value = await cache.get(key, loaded(key, version))
          if (value?.of !== key) wrong += 1
        }
      } catch (error) {
        failures.push(error)
      }
      millis.push(performance.now() - startedAt)
      // About a thousand calls a second in all.
      await new Promise((resolve) => setTimeout(resolve, options.lanes))
    }
  }
  const lanes = Array.from({ length: options.lanes }, (_, index) => lane(index * 13))
  closing.unshift(() => {
    stopped = true
  })
  return {
    stop: async () => {
      stopped = true
      await Promise.all(lanes)
      millis.sort((a, b) => a - b)
      const at = (share: number) => millis[Math.min(millis.length - 1, Math.floor(millis.length * share))] ?? 0
      return { calls: millis.length, failures, wrong, p50: at(0.5), p99: at(0.99), max: at(1) }
    },
  }
}

const KEYS = Array.from({ length: 300 }, (_, index) => `T${index}`)
/** A call waits for two commands at most; a machine that runs all tests at once may hold one back for longer than that. */
const CALL_MS_MAX = 1_500

describe('a Redis that fails under a steady flow', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test('killed and started again: no call fails, and the copies come back', async () => {
    const { store, cache } = await process(redis.url, { commandTimeoutMs: COMMAND_MS })
    const calls = flow(cache, KEYS, { lanes: 8 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await redis.kill()
    await new Promise((resolve) => setTimeout(resolve, 700))
    const failuresWhileAway = cache.stats().failures
    await redis.start()
    await connected(store)
    const { hits } = cache.stats()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(cache.stats().hits).toBeGreaterThan(hits)
    const result = await calls.stop()
    expect(result.failures).toEqual([])
    expect(result.wrong).toBe(0)
    expect(failuresWhileAway).toBeGreaterThan(0)
    expect(result.p99).toBeLessThan(CALL_MS_MAX)
  })

  test('hanging: no call fails, few wait, and none longer than two commands may take', async () => {
    const { cache, store } = await process(redis.url, { commandTimeoutMs: COMMAND_MS })
    const calls = flow(cache, KEYS, { lanes: 8 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    redis.pause()
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(store.state().connected).toBe(false)
    redis.resume()
    const result = await calls.stop()
    expect(result.failures).toEqual([])
    expect(result.wrong).toBe(0)
    expect(result.max).toBeLessThan(CALL_MS_MAX)
    expect(result.p99).toBeLessThan(COMMAND_MS)
  })
})

describe('a cluster that loses a primary under a steady flow', () => {
  let cluster: TestRedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ password: 'secret' })
  })
  afterAll(() => cluster.stop())

  /** The keys of a shard: a third of the slots, as the cluster is made. */
  const keysOf = (shard: number) =>
    KEYS.filter((key) => Math.floor((keySlot(`test:figures:${key}`) * 3) / 16_384) === shard)

  // Each its own shard: a replica that has just been made is not always let take over.
  test.each([
    { how: 'killed', shard: 0 },
    { how: 'paused', shard: 1 },
  ])('$how: no call fails, and its keys have copies again when its replica has taken over', async ({ how, shard }) => {
    const { cache, store } = await process(cluster.url, { commandTimeoutMs: COMMAND_MS })
    const lostKeys = keysOf(shard)
    expect(lostKeys.length).toBeGreaterThan(50)
    const victim = await cluster.primaryOf(`test:figures:${lostKeys[0]}`)
    const calls = flow(cache, KEYS, { lanes: 8 })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    if (how === 'killed') await victim.kill()
    else {
      victim.pause()
      closing.unshift(() => victim.resume())
    }
    await until('its keys are read from a copy again', PATIENCE_MS, async () => {
      const values = await store.getMany(lostKeys.map((key) => `figures:${key}`)).catch(() => [])
      return values.length > 0 && values.every((value) => value !== null)
    })
    const result = await calls.stop()
    expect(result.failures).toEqual([])
    expect(result.wrong).toBe(0)
    expect(result.max).toBeLessThan(CALL_MS_MAX)
    expect(result.p99).toBeLessThan(COMMAND_MS + 50)
  })

  test('a listener on a node that is killed goes to another, and forgets what it has', async () => {
    const { listener, store } = await process(cluster.url)
    const channels = await Promise.all(cluster.nodes.map((node) => node.say('pubsub', 'channels').catch(() => '')))
    const node = cluster.nodes[channels.findIndex((heard) => heard.includes('test:invalidation'))]
    await node?.kill()
    await until('it is connected anew', PATIENCE_MS, () => listener.stats().connections === 2)
    await until('it hears again', PATIENCE_MS, async () => {
      await store.publish('invalidation', '{"kind":"all","keys":[]}').catch(() => {})
      return listener.stats().received > 0
    })
  })
})
