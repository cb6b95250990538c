import type { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { readConfiguration } from '../server/configuration.ts'
import { createMetrics } from '../server/metrics.ts'
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
  const created = createMetrics({ service: 'data-service', processMetrics: false })
  registry = created.registry
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
    metrics: created,
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
    expect(text).toContain(
      'feed_calls_total{input="lender",provider="lender-one",outcome="answered",service="data-service"} 1',
    )
    expect(text).toContain(
      'feed_calls_total{input="lender",provider="lender-one",outcome="status",service="data-service"} 1',
    )
    expect(work.health([])).toMatchObject({ lender: { provider: 'lender-one', breaker: { state: 'closed' } } })
  })

  test('shows how old what the feeds said is: of files since it was true, of services since their last answer', async () => {
    const shown = async (name: string, label: string) => {
      const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`${name}{${label}`))
      return Number(line?.split(' ').at(-1))
    }
    expect(await shown('feed_file_age_seconds', 'feed="closes"')).toBeNaN()
    expect(await shown('feed_answer_age_seconds', 'input="lender"')).toBeNaN()
    await database.pool.query(
      `insert into feed_states (feed, provider, last_success, as_of, rows, skipped, demo)
       values ('lender', 'l', $1, $1::timestamptz - interval '90 minutes', 1, 0, false), ('volatility', 'v', $1, $1, 1, 0, true)`,
      [now],
    )
    await ask(GME)
    work.start()
    await expect.poll(() => shown('feed_file_age_seconds', 'feed="lender"')).toBe(90 * 60)
    expect(await shown('feed_answer_age_seconds', 'input="lender"')).toBe(0)
    pass(60)
    expect(await shown('feed_file_age_seconds', 'feed="lender"')).toBe(91 * 60)
    expect(await shown('feed_answer_age_seconds', 'input="lender"')).toBe(60)
    expect(await shown('feed_answer_age_seconds', 'input="events"')).toBeNaN()
    // Demonstration data does not age.
    expect(await shown('feed_file_age_seconds', 'feed="volatility"')).toBeNaN()
    expect(await shown('feed_file_limit_seconds', 'feed="volatility"')).toBe(5 * 86_400)
  })
})
