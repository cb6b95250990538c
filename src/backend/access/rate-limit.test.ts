import { describe, expect, test } from 'vitest'
import { rateLimitContract } from '../test/rate-limit-contract.ts'
import { inProcessRateLimiter, type RateLimiter, WINDOW_MS } from './rate-limit.ts'
import { sharedRateLimiter } from './shared-rate-limit.ts'

describe('counted in this process', () => {
  const limiters = new Map<number, RateLimiter>()
  rateLimitContract((windowMs) => {
    const made = limiters.get(windowMs) ?? inProcessRateLimiter({ clock: () => new Date(), windowMs })
    limiters.set(windowMs, made)
    return made
  })

  function limiterAt(options: { windowsMax?: number } = {}) {
    const time = { now: 1_000_000 }
    return { time, limiter: inProcessRateLimiter({ clock: () => new Date(time.now), ...options }) }
  }

  test('a window ends on the millisecond', async () => {
    const { time, limiter } = limiterAt()
    for (let i = 0; i < 100; i += 1) await limiter.take('a', 3, 1)
    time.now += WINDOW_MS - 1
    expect(await limiter.take('a', 3, 1)).toMatchObject({ allowed: false, resetSeconds: 1 })
    time.now += 1
    expect(await limiter.take('a', 3, 1)).toMatchObject({ allowed: true, remaining: 2, resetSeconds: 60 })
  })

  test('a clock that is set back keeps nobody out for longer than a window', async () => {
    const { time, limiter } = limiterAt()
    await limiter.take('a', 1, 1)
    time.now -= 3_600_000
    expect(await limiter.take('a', 1, 1)).toMatchObject({ allowed: true, resetSeconds: 60 })
  })

  test('no number of clients makes the memory grow without bound: the one longest not heard of is forgotten', async () => {
    const { limiter } = limiterAt({ windowsMax: 2 })
    for (const client of ['a', 'b', 'c']) await limiter.take(client, 1, 1)
    expect((await limiter.take('c', 1, 1)).allowed).toBe(false)
    expect((await limiter.take('b', 1, 1)).allowed).toBe(false)
    expect((await limiter.take('a', 1, 1)).allowed).toBe(true)
  })
})

describe('while nobody answers', () => {
  test('the process counts by itself, says so once, and once that it no longer does', async () => {
    const store = { away: true, asked: 0 }
    const changes: string[] = []
    const limiter = sharedRateLimiter({
      runScript: async () => {
        store.asked += 1
        if (store.away) throw new Error('away')
        return [1, 7, 60_000]
      },
      keyPrefix: '',
      clock: () => new Date(0),
      onChange: (counted) => changes.push(counted),
    })
    const first = await limiter.take('a', 2, 1)
    expect(first).toMatchObject({ allowed: true, counted: 'alone' })
    expect(await limiter.take('a', 2, 2, first)).toMatchObject({ allowed: true, remaining: 0 })
    expect(await limiter.take('a', 2, 1)).toMatchObject({ allowed: false, counted: 'alone' })
    expect(await limiter.check()).toBe('alone')
    expect(limiter.state()).toEqual({ counted: 'alone', aloneRequests: 3 })
    store.away = false
    expect(await limiter.check()).toBe('together')
    expect(await limiter.take('a', 10, 1)).toMatchObject({ allowed: true, remaining: 3, counted: 'together' })
    expect(changes).toEqual(['alone', 'together'])
    // Each request asked once, and the two checks; a third asks nothing.
    expect(store.asked).toBe(6)
    await limiter.check()
    expect(store.asked).toBe(6)
  })
})
