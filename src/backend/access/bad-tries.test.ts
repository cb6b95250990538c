import { expect, test } from 'vitest'
import { badTries, TRIES_MAX, TRIES_WINDOW_MS } from './bad-tries.ts'

test('five tries from an address are answered at once, the sixth within five minutes is held back', () => {
  const time = { now: 0 }
  const tries = badTries(() => new Date(time.now))
  for (let i = 0; i < TRIES_MAX; i += 1) expect(tries.note('10.0.0.1')).toBe(false)
  time.now = TRIES_WINDOW_MS - 1
  expect(tries.note('10.0.0.1')).toBe(true)
  expect(tries.note('10.0.0.2')).toBe(false)
  time.now = TRIES_WINDOW_MS
  expect(tries.note('10.0.0.1')).toBe(false)
})

test('no number of addresses makes the memory grow without bound', () => {
  const tries = badTries(() => new Date(0))
  for (let i = 0; i < 30_000; i += 1) expect(tries.note(`address ${i}`)).toBe(false)
})
