import { expect, test } from 'vitest'
import { badTries, TRIES_MAX, TRIES_WINDOW_MS } from './bad-tries.ts'
import { inProcessRateLimiter } from './rate-limit.ts'

function triesAt() {
  const time = { now: 1_000_000 }
  const clock = () => new Date(time.now)
  return { time, tries: badTries(inProcessRateLimiter({ clock, windowMs: TRIES_WINDOW_MS }), clock) }
}

test('five tries from an address are answered at once, the sixth within five minutes is held back, and told once', async () => {
  const { time, tries } = triesAt()
  for (let i = 0; i < TRIES_MAX; i += 1) expect(await tries.note('10.0.0.1')).toEqual({ held: false, first: false })
  time.now += TRIES_WINDOW_MS - 1
  expect(await tries.note('10.0.0.1')).toEqual({ held: true, first: true })
  expect(await tries.note('10.0.0.1')).toEqual({ held: true, first: false })
  expect(await tries.note('10.0.0.2')).toEqual({ held: false, first: false })
  time.now += 1
  expect(await tries.note('10.0.0.1')).toEqual({ held: false, first: false })
})

test('another address of the same IPv6 /64 is no fresh start, one of another is', async () => {
  const { tries } = triesAt()
  for (let i = 0; i < TRIES_MAX; i += 1) await tries.note(`2001:db8:1:2::${i}`)
  expect((await tries.note('2001:db8:1:2:ffff::1')).held).toBe(true)
  expect((await tries.note('2001:db8:1:3::1')).held).toBe(false)
})
