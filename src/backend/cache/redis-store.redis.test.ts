import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from '../test/redis.ts'
import { testRedisStore } from '../test/redis-store.ts'
import { cacheStoreContract } from '../test/store-contract.ts'
import { until } from '../test/until.ts'
import { type CacheStore, StoreUnavailable } from './cache-store.ts'
import { keySlot } from './key-slot.ts'

const PATIENCE_MS = 10_000

/** A busy machine is late with its timers. */
const BUSY_MS = 250

/** How long a promise takes, and how it ends. */
async function timed(promise: Promise<unknown>): Promise<{ ms: number; error: unknown }> {
  const startedAt = performance.now()
  const error = await promise.then(
    () => null,
    (reason) => reason,
  )
  return { ms: performance.now() - startedAt, error }
}

const reconnected = (store: CacheStore) =>
  until('it is connected again', PATIENCE_MS, () =>
    store.get('x').then(
      () => true,
      () => false,
    ),
  )

describe('a store in one Redis with a password', () => {
  let redis: TestRedis
  let store: CacheStore
  beforeAll(async () => {
    redis = await startRedis({ password: 's:e@c/ret' })
    store = testRedisStore({ url: redis.url })
  })
  afterAll(async () => {
    await store.close()
    await redis.stop()
  })

  cacheStoreContract(() => store)

  test('puts its prefix before keys', async () => {
    await store.set('prefixed', 'x', 60)
    expect(await redis.say('get', 'test:prefixed')).toBe('x')
    expect(await redis.say('get', 'prefixed')).toBe('')
  })

  test('does not talk to a server of another password, and does when it is the right one again', async () => {
    const stranger = testRedisStore({ url: redis.url.replace('s%3A', 'wrong'), commandTimeoutMs: 200 })
    await expect(stranger.get('x')).rejects.toThrow(StoreUnavailable)
    expect(stranger.state()).toMatchObject({ connected: false, failures: 1 })
    await redis.say('config', 'set', 'requirepass', 'wronge@c/ret')
    await reconnected(stranger)
    await stranger.close()
  })
})

describe('a store in one Redis over TLS', () => {
  let redis: TestRedis
  let store: CacheStore
  beforeAll(async () => {
    redis = await startRedis({ tls: true, password: 'secret' })
    store = testRedisStore({ url: redis.url, caFile: redis.caFile })
  })
  afterAll(async () => {
    await store.close()
    await redis.stop()
  })

  cacheStoreContract(() => store)

  test('does not talk to a server whose certificate it does not believe', async () => {
    const warnings: string[] = []
    const stranger = testRedisStore({ url: redis.url, log: { info: () => {}, warn: (text) => warnings.push(text) } })
    await expect(stranger.get('x')).rejects.toThrow(StoreUnavailable)
    expect(warnings.join()).toContain('certificate')
    await stranger.close()
  })
})

describe('a store in a Redis cluster with a password', () => {
  let cluster: TestRedisCluster
  let store: CacheStore
  beforeAll(async () => {
    cluster = await startRedisCluster({ password: 'secret' })
    store = testRedisStore({ url: cluster.url })
  })
  afterAll(async () => {
    await store.close()
    await cluster.stop()
  })

  cacheStoreContract(() => store)

  test('spreads keys over the shards, and one node is enough to find them all', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => `spread:${index}`)
    await store.setMany(keys.map((key) => ({ key, value: 'x', expireSeconds: 60 })))
    const sizes = await Promise.all(cluster.nodes.map((node) => node.say('dbsize')))
    expect(sizes.filter((size) => Number(size) > 0).length).toBe(6)
    const [first] = cluster.nodes
    const other = testRedisStore({ url: `redis+cluster://:secret@127.0.0.1:${first?.port}` })
    expect(await other.getMany(keys)).toEqual(keys.map(() => 'x'))
    await other.close()
  })

  test('knows the slot of a key as Redis does', async () => {
    const [node] = cluster.nodes
    for (const key of ['GME', 'test:terms:{demo-classic}', '{}x', 'a{b}{c}', '{a', 'ü€\u{1F680}', '']) {
      expect(`${key} ${keySlot(key)}`).toBe(`${key} ${await node?.say('cluster', 'keyslot', key)}`)
    }
  })
})

describe('a Redis that fails', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test('killed: calls fail at once, and the first one after its return is answered', async () => {
    const store = testRedisStore({ url: redis.url })
    await store.set('x', 'y', 60)
    await redis.kill()
    await until('the break is noticed', PATIENCE_MS, () => !store.state().connected)
    for (let i = 0; i < 20; i += 1) {
      const { ms, error } = await timed(store.get('x'))
      expect(error).toBeInstanceOf(StoreUnavailable)
      expect(ms).toBeLessThan(500)
    }
    expect(store.state()).toMatchObject({ connected: false, breaker: 'closed' })
    await redis.start()
    await reconnected(store)
    expect(store.state()).toMatchObject({ connected: true, breaker: 'closed' })
    await store.close()
  })

  test('killed under a command: what was under way fails at once and is not sent again', async () => {
    const store = testRedisStore({ url: redis.url })
    await store.get('x')
    redis.pause()
    const underWay = timed(store.set('x', 'late', 60))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await redis.kill()
    const { ms, error } = await underWay
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(ms).toBeLessThan(1000)
    await redis.start()
    await reconnected(store)
    expect(await store.get('x')).toBeNull()
    await store.close()
  })

  test('hanging: no call waits longer than its time, and soon none waits at all; after its return three successes are wanted', async () => {
    let nowMs = Date.now()
    const store = testRedisStore({ url: redis.url, commandTimeoutMs: 75, clock: () => new Date(nowMs) })
    await reconnected(store)
    redis.pause()
    const waited: number[] = []
    for (let i = 0; i < 12; i += 1) waited.push((await timed(store.get('x'))).ms)
    expect(Math.max(...waited)).toBeLessThan(75 + BUSY_MS)
    expect(Math.min(...waited.slice(0, 5))).toBeGreaterThan(70)
    // One may be late, on a busy machine.
    expect(waited.slice(5).filter((ms) => ms > 70).length).toBeLessThan(2)
    expect(store.state().breaker).toBe('open')
    redis.resume()
    expect((await timed(store.get('x'))).error).toBeInstanceOf(StoreUnavailable)
    nowMs += 15_000
    const states: string[] = []
    for (let i = 0; i < 3; i += 1) {
      await store.get('x')
      states.push(store.state().breaker)
    }
    expect(states).toEqual(['half-open', 'half-open', 'closed'])
    await store.close()
  })

  test('a connection that owes an answer for two seconds is replaced', async () => {
    const warnings: string[] = []
    const store = testRedisStore({
      url: redis.url,
      commandTimeoutMs: 75,
      log: { info: () => {}, warn: (text) => warnings.push(text) },
    })
    await reconnected(store)
    redis.pause()
    await timed(store.get('x'))
    await until('the connection is given up', PATIENCE_MS, () => !store.state().connected)
    expect(warnings.join()).toContain('Redis is not connected')
    redis.resume()
    await reconnected(store)
    await store.close()
  })

  test('away from the start: the first call waits no longer than its time, and a listener is connected when Redis comes', async () => {
    await redis.kill()
    const store = testRedisStore({ url: redis.url, commandTimeoutMs: 75 })
    let connections = 0
    let losses = 0
    const stop = await store.subscribe(
      'news',
      () => {},
      () => {
        connections += 1
      },
      () => {
        losses += 1
      },
    )
    const { ms, error } = await timed(store.get('x'))
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(ms).toBeLessThan(2 * 75 + BUSY_MS)
    await redis.start()
    await until('the listener is connected', PATIENCE_MS, () => connections === 1)
    await reconnected(store)
    expect(losses).toBe(0)
    await redis.kill()
    await until('the listener knows that it hears nothing', PATIENCE_MS, () => losses === 1)
    await redis.start()
    await until('the listener is connected again', PATIENCE_MS, () => connections === 2)
    await stop()
    await store.close()
  })

  test('a listener of a Redis that hangs notices it without a word being said', async () => {
    const store = testRedisStore({ url: redis.url, commandTimeoutMs: 75 })
    let connections = 0
    let losses = 0
    await store.subscribe(
      'news',
      () => {},
      () => {
        connections += 1
      },
      () => {
        losses += 1
      },
    )
    await until('the listener is connected', PATIENCE_MS, () => connections === 1)
    redis.pause()
    await until('the listener knows that it hears nothing', 7_500, () => losses === 1)
    redis.resume()
    await until('it is connected anew', PATIENCE_MS, () => connections === 2)
    await store.close()
  })
})
