import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownContext } from '../server/call-context.ts'
import { type FeedWatch, feedWatch } from './feed-watch.ts'

let feeds: Record<string, unknown>
let looks: number
let away: boolean
let byTurns: boolean
let said: string[]
let watch: FeedWatch

const service = (state: string, breaker: string) => ({
  provider: 'p',
  state,
  breaker: { state: breaker },
  age_seconds: looks,
})

beforeEach(() => {
  feeds = { lender: service('up', 'closed') }
  looks = 0
  away = false
  byTurns = false
  said = []
  watch = feedWatch({
    feeds: async () => {
      looks += 1
      if (away) throw new Error('away')
      if (byTurns) return { lender: looks % 2 === 0 ? service('down', 'open') : service('up', 'closed') }
      return feeds
    },
    context: () => ownContext('test-context'),
    onChange: ({ now, before }) =>
      said.push(`${now.feed} ${before?.state ?? null} ${now.state} ${now.breaker} ${now.data}`),
    onAway: (isAway) => said.push(isAway ? 'away' : 'back'),
    lookEveryMs: 5,
  })
})
afterEach(() => watch.stop())

const looked = async (times: number) => {
  const until = looks + times
  await expect.poll(() => looks, { interval: 1 }).toBeGreaterThanOrEqual(until)
  await sleep(1)
}

test('each feed is told at the first look, and then when it changed; that its age grows is no change', async () => {
  watch.start()
  await looked(3)
  expect(said).toEqual(['lender null up closed null'])
  feeds = { lender: { provider: 'p', state: 'down', data: 'expired', last_success: null } }
  await looked(3)
  expect(said.slice(1)).toEqual(['lender up down null expired'])
  expect(watch.known()).toEqual([{ feed: 'lender', provider: 'p', state: 'down', data: 'expired', breaker: null }])
})

test('what two replicas see otherwise by turns is no change', async () => {
  watch.start()
  await looked(1)
  byTurns = true
  await looked(8)
  expect(said).toEqual(['lender null up closed null'])
})

test('a feed that comes later is told, and files beside a service say how old their data is', async () => {
  watch.start()
  await looked(1)
  feeds = { ...feeds, events: { ...service('up', 'half-open'), file: { data: 'stale' } } }
  await looked(3)
  expect(said).toEqual(['lender null up closed null', 'events null up half-open stale'])
})

test('that they cannot be asked is said once, and when they can be again', async () => {
  watch.start()
  await looked(1)
  away = true
  await looked(4)
  away = false
  await looked(2)
  expect(said.slice(1)).toEqual(['away', 'back'])
})

test('nobody is asked once it is stopped, and after that it begins anew', async () => {
  watch.start()
  await looked(1)
  watch.stop()
  await sleep(10)
  const before = looks
  await sleep(30)
  expect(looks).toBe(before)
  watch.start()
  expect(watch.known()).toEqual([])
  await looked(1)
  expect(said).toEqual(['lender null up closed null', 'lender null up closed null'])
})
