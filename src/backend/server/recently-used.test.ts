import { expect, test } from 'vitest'
import { recentlyUsed } from './recently-used.ts'

test('the least recently used leave first', () => {
  const map = recentlyUsed<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.get('a')
  map.set('c', 3)
  expect([...map.entries()].sort()).toEqual([
    ['a', 1],
    ['c', 3],
  ])
})

test('an entry that is set again counts once, and one that is deleted makes room', () => {
  const map = recentlyUsed<string, number>(2)
  for (let time = 0; time < 5; time += 1) map.set('a', time)
  map.set('b', 2)
  expect(map.size).toBe(2)
  map.delete('a')
  map.set('c', 3)
  expect([...map.keys()].sort()).toEqual(['b', 'c'])
})

test('entries end with their time', () => {
  let nowMs = 1_000
  const map = recentlyUsed<string, number>(10, { ttl: 50, ttlResolution: 0, perf: { now: () => nowMs } })
  map.set('a', 1)
  nowMs += 49
  expect(map.get('a')).toBe(1)
  nowMs += 2
  expect(map.get('a')).toBeUndefined()
})
