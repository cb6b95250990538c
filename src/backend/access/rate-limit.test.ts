import { describe, expect, test } from 'vitest'
import { inProcessRateLimiter, WINDOW_MS } from './rate-limit.ts'

function limiterAt(start = 1_000_000) {
  const time = { now: start }
  return { time, limiter: inProcessRateLimiter(() => new Date(time.now)) }
}

describe('a window', () => {
  test('opens at the first request and lets exactly the limit through', async () => {
    const { time, limiter } = limiterAt()
    const first = await limiter.take('a', 3, 1)
    expect(first).toEqual({ allowed: true, limit: 3, remaining: 2, resetSeconds: 60 })
    time.now += 59_000
    expect((await limiter.take('a', 3, 1)).resetSeconds).toBe(1)
    expect((await limiter.take('a', 3, 1)).allowed).toBe(true)
    expect(await limiter.take('a', 3, 1)).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 1 })
  })

  test('ends 60 s after it opened, however often was knocked', async () => {
    const { time, limiter } = limiterAt()
    for (let i = 0; i < 100; i += 1) await limiter.take('a', 3, 1)
    time.now += WINDOW_MS - 1
    expect((await limiter.take('a', 3, 1)).allowed).toBe(false)
    time.now += 1
    expect(await limiter.take('a', 3, 1)).toMatchObject({ allowed: true, remaining: 2, resetSeconds: 60 })
  })

  test('is not consumed by what is refused', async () => {
    const { limiter } = limiterAt()
    await limiter.take('a', 10, 8)
    expect(await limiter.take('a', 10, 3)).toMatchObject({ allowed: false, remaining: 2 })
    expect(await limiter.take('a', 10, 2)).toMatchObject({ allowed: true, remaining: 0 })
  })

  test('is each broker’s own', async () => {
    const { limiter } = limiterAt()
    await limiter.take('a', 1, 1)
    expect((await limiter.take('a', 1, 1)).allowed).toBe(false)
    expect((await limiter.take('b', 1, 1)).allowed).toBe(true)
  })

  test('follows a limit that was changed meanwhile', async () => {
    const { limiter } = limiterAt()
    await limiter.take('a', 1, 1)
    expect(await limiter.take('a', 2, 1)).toMatchObject({ allowed: true, limit: 2, remaining: 0 })
    expect(await limiter.take('a', 1, 1)).toMatchObject({ allowed: false, remaining: 0 })
  })
})

test('a thousand requests at once get exactly the limit', async () => {
  const { limiter } = limiterAt()
  const taken = await Promise.all(Array.from({ length: 1000 }, () => limiter.take('a', 60, 1)))
  expect(taken.filter(({ allowed }) => allowed)).toHaveLength(60)
})
