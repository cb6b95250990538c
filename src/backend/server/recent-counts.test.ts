import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { recentCounts } from './recent-counts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a count has grown by what came since the oldest look that is kept', () => {
  const count = { hits: 1_000, misses: 0 }
  const recent = recentCounts(() => ({ ...count }), { seconds: 30, lookEverySeconds: 10 })
  count.hits += 5
  expect(recent.grown()).toEqual({ hits: 5, misses: 0 })
  vi.advanceTimersByTime(20_000)
  count.misses += 2
  expect(recent.grown()).toEqual({ hits: 5, misses: 2 })
  vi.advanceTimersByTime(10_000)
  expect(recent.grown()).toEqual({ hits: 0, misses: 2 })
  vi.advanceTimersByTime(30_000)
  expect(recent.grown()).toEqual({ hits: 0, misses: 0 })
  recent.stop()
  expect(vi.getTimerCount()).toBe(0)
})
