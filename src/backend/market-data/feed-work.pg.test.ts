import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { readConfiguration } from '../server/configuration.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from '../test/fakes/fake-feeds.ts'
import { DEFAULT_INPUT_LIMITS } from './fallback.ts'
import { type FeedWork, feedWork } from './feed-work.ts'
import { databaseReads } from './stored-reads.ts'

const GME = 'GME' as Ticker
const AMC = 'AMC' as Ticker

let database: TestDatabase
let fakes: FakeFeeds
let now: Date
let work: FeedWork
let registry: Registry
let news: (readonly Ticker[] | null)[]

beforeAll(async () => {
  database = await testDatabase()
  fakes = await startFakeFeeds({ clock: () => now })
})
afterAll(async () => {
  await fakes.close()
  await database.drop()
})
beforeEach(async () => {
  now = new Date('2026-11-24T20:00:00Z')
  news = []
  registry = new Registry()
  await database.pool.query(
    'truncate lender_rates, lender_rate_history, volatility_index, stock_volatility, market_events, event_calendars, feed_states, stocks',
  )
  const environment = { LENDER_FEED_URL: `${fakes.urls.lender}#provider=lender-one`, LENDER_FEED_KEY: FAKE_KEYS.lender }
  work = feedWork({
    feeds: readConfiguration({ ...environment, CLOSES_FEED_URL: `${fakes.urls.files}/closes.csv` }).feeds,
    database: database.pool,
    clock: () => now,
    limits: DEFAULT_INPUT_LIMITS,
    log: { info: () => {}, warn: () => {} } as never,
    metrics: { registry },
    onNews: (tickers) => news.push(tickers?.toSorted() ?? null),
    newsAfterMs: 250,
  })
})
afterEach(async () => {
  await work.stop()
  fakes.reset()
})

const ask = (ticker: Ticker) =>
  work
    .refreshing(databaseReads({ database: database.pool, clock: () => now, limits: DEFAULT_INPUT_LIMITS }))
    .one(ticker, { maxAgeSeconds: null, context: ownContext('test') })
const pass = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000)
}

describe('the work of the feeds', () => {
  test('tells news of names together, and of files as of everything', async () => {
    await Promise.all([ask(GME), ask(AMC)])
    await expect.poll(() => news).toEqual([[AMC, GME]])
    fakes.putFile('closes.csv', 'ticker,date,close\nGME,2026-11-23,22.51\n')
    work.start()
    await expect.poll(() => news).toEqual([[AMC, GME], null])
  })

  test('renews names shortly before they are past fresh, not earlier and not twice', async () => {
    await Promise.all([ask(GME), ask(AMC)])
    pass(235)
    expect(await work.renew([GME, AMC])).toEqual([])
    pass(10)
    expect(await work.renew([GME, 'ZZZ' as Ticker])).toEqual([GME])
    expect(await work.renew([GME])).toEqual([])
    expect(fakes.requests('lender')).toBe(3)
  })

  test('does not ask again and again about a hot name that fails', async () => {
    await ask(GME)
    fakes.setMode('lender', 'garbage')
    for (let seconds = 0; seconds < 20; seconds += 2) {
      pass(seconds === 0 ? 245 : 2)
      expect(await work.renew([GME])).toEqual([])
    }
    expect(fakes.requests('lender')).toBe(3)
  })

  test('counts calls and shows the feed', async () => {
    await ask(GME)
    fakes.setMode('lender', '500')
    await ask(AMC)
    const text = await registry.metrics()
    expect(text).toContain('feed_calls_total{input="lender",provider="lender-one",outcome="answered"} 1')
    expect(text).toContain('feed_calls_total{input="lender",provider="lender-one",outcome="status"} 1')
    expect(work.health([])).toMatchObject({ lender: { provider: 'lender-one', breaker: { state: 'closed' } } })
  })
})
