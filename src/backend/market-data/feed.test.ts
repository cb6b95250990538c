import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { FAKE_KEYS, type FakeFeeds, type Mode, startFakeFeeds } from '../test/fakes/fake-feeds.ts'
import {
  type FeedConnection,
  FeedError,
  type FeedLimits,
  feedConnection,
  feedInUse,
  inOrderOfPreference,
} from './feed.ts'
import { eventService } from './feeds/event-service.ts'
import { secLendLender } from './feeds/seclend-lender.ts'
import { stockVolatilityService, volatilityIndexService } from './feeds/volatility-service.ts'

const GME = 'GME' as Ticker
const NOW = new Date('2026-11-24T20:00:00Z')
const LIMITS: FeedLimits = {
  timeoutMs: 2000,
  breaker: { failures: 5, windowSeconds: 30, openSeconds: 60, successes: 3 },
  callsAtOnceMax: 4,
  callsPerMinuteMax: 1000,
}

let feeds: FakeFeeds
let now = NOW
let connections: FeedConnection[] = []
let seen: string[] = []
beforeAll(async () => {
  feeds = await startFakeFeeds({ clock: () => now })
})
afterEach(async () => {
  feeds.reset()
  now = NOW
  seen = []
  await Promise.all(connections.map((connection) => connection.close()))
  connections = []
})
afterAll(() => feeds.close())

function connectionTo(
  feed: 'lender' | 'volatility' | 'events',
  over: Partial<FeedLimits> & { url?: string; key?: string } = {},
) {
  const { url = feeds.urls[feed], key = FAKE_KEYS[feed], ...limits } = over
  const connection = feedConnection({
    input: feed,
    provider: `${feed}-one`,
    baseUrl: url,
    headers: feed === 'volatility' ? { authorization: `Bearer ${key}` } : { 'x-api-key': key },
    limits: { ...LIMITS, ...limits },
    clock: () => now,
    observer: {
      onCall: ({ outcome }) => seen.push(outcome),
      onBreaker: ({ state }) => seen.push(`breaker ${state}`),
    },
  })
  connections.push(connection)
  return connection
}
const lender = (over: Parameters<typeof connectionTo>[1] = {}) => secLendLender(connectionTo('lender', over))

async function failureOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(FeedError)
  return (error as FeedError).failure
}

describe('the lender', () => {
  test('gives rate, tier and shares exactly, with its origin', async () => {
    feeds.setAnswer(
      'lender',
      'GME',
      '{"rate":0.100000000000000000010,"status":"hard","available":35000,"timestamp":"2026-11-24T19:58:00Z"}',
    )
    const listing = await lender().ask(GME)
    expect(JSON.parse(JSON.stringify(listing))).toEqual({
      value: {
        rate: '0.10000000000000000001',
        borrowStatus: 'HARD',
        availability: { shares: 35_000, atLeast: false },
        benchmarkRate: null,
        listed: true,
      },
      provider: 'lender-one',
      asOf: '2026-11-24T19:58:00.000Z',
      receivedAt: NOW.toISOString(),
      demo: false,
    })
  })

  test.each([
    ['{"rate":1.5e-1}', '0.15 null null'],
    ['{"rate":"0.15","status":"HTB"}', '0.15 HARD null'],
    ['{"rate":0.0025,"status":"easy-to-borrow","available":">10000000"}', '0.0025 EASY 10000000+'],
    ['{"rate":0.01,"status":"whatever","extra":[1]}', '0.01 null null'],
    ['{"rate":null,"status":"HARD","available":0}', 'null HARD 0'],
    ['{"rate":100}', '100 null null'],
    ['{"rate":0}', '0 null null'],
  ])('%s is %s', async (text, expected) => {
    feeds.setAnswer('lender', 'GME', text)
    const value = (await lender().ask(GME))?.value
    const { shares = null, atLeast = false } = value?.availability ?? {}
    expect(`${value?.rate ?? null} ${value?.borrowStatus} ${shares}${atLeast ? '+' : ''}`).toBe(expected)
  })

  test.each([
    '{"rate":100.00000001}',
    '{"rate":-0.0001}',
    '{"rate":"15%"}',
    '{"rate":true}',
    '{"rate":1e400}',
    '{"rate":0.15,"rate":0.0001}',
    '{"status":"HARD"}',
    '{"rate":0.15,"available":-1}',
    '{"rate":0.15,"available":1.5}',
    '{"rate":0.15,"ticker":"AMC"}',
    '{"rate":0.15,"timestamp":"tomorrow"}',
    '{"rate":0.15,"timestamp":"2026-11-24T20:11:00Z"}',
    '[0.15]',
    '0.15',
    '{"rate":0.15',
  ])('%s is refused whole', async (text) => {
    feeds.setAnswer('lender', 'GME', text)
    expect(await failureOf(lender().ask(GME))).toBe('garbage')
  })

  test('dates a figure by its stamp, in any of the forms, and by its receipt without one', async () => {
    const stamps = [
      '"2026-11-24T19:59:00+00:00"',
      '"2026-11-24 19:59:00"',
      '"2026-11-24T14:59:00.000-05:00"',
      '1795550340',
      '1795550340000',
      'null',
    ]
    const seenAt: (string | undefined)[] = []
    for (const stamp of stamps) {
      feeds.setAnswer('lender', 'GME', `{"rate":0.15,"timestamp":${stamp}}`)
      seenAt.push((await lender().ask(GME))?.asOf.toISOString())
    }
    expect(seenAt).toEqual([...Array(5).fill('2026-11-24T19:59:00.000Z'), NOW.toISOString()])
  })
})

describe('the volatility service', () => {
  test('gives the index, and single names where it has them', async () => {
    const connection = connectionTo('volatility')
    expect(String((await volatilityIndexService(connection).ask(null))?.value)).toBe('20.5')
    expect(String((await stockVolatilityService(connection).ask(GME))?.value)).toBe('85.25')
    feeds.setAnswer('volatility', 'AAPL', null)
    expect(await stockVolatilityService(connection).ask('AAPL' as Ticker)).toBeNull()
  })

  test.each(['{"value":500.01}', '{"value":-1}', '{"value":null}', '{"vix":20}'])('%s is refused', async (text) => {
    feeds.setAnswer('volatility', 'VIX', text)
    expect(await failureOf(volatilityIndexService(connectionTo('volatility')).ask(null))).toBe('garbage')
  })
})

describe('the event service', () => {
  const ask = async (text: string) => {
    feeds.setAnswer('events', 'GME', text)
    return (await eventService(connectionTo('events')).ask(GME))?.value
  }

  test('gives events with their factors, one a type and date, clamped at 10, and none is an answer too', async () => {
    expect(
      await ask(`{"events":[
        {"type":"Earnings","date":"2026-12-01","risk_factor":7},{"type":"earnings","date":"2026-12-01","risk_factor":5},
        {"type":"Investor Day","date":"2026-12-02T09:00:00Z"},{"type":"merger","date":"2026-12-03","risk_factor":99.0},
        {"type":"split","date":null}]}`),
    ).toEqual([
      { type: 'earnings', date: '2026-12-01', riskFactor: 7 },
      { type: 'investor_day', date: '2026-12-02', riskFactor: null },
      { type: 'merger', date: '2026-12-03', riskFactor: 10 },
    ])
    expect(await ask('{"events":[]}')).toEqual([])
  })

  test.each([
    '{"events":[{"type":"earnings","date":"2026-12-01","risk_factor":-1}]}',
    '{"events":[{"type":"earnings","date":"2026-12-01","risk_factor":7},{"type":"split","date":"2026-12-02","risk_factor":-1}]}',
    '{"events":[{"type":"earnings","date":"2026-12-01","risk_factor":6.5}]}',
    '{"events":[{"type":"earnings","date":"2026-02-30"}]}',
    '{"events":[{"type":"","date":"2026-12-01"}]}',
    '{"events":[{"type":"earnings","date":"2026-12-01","ticker":"AMC"}]}',
    '{"events":{"type":"earnings"}}',
    '{"Note":"your quota is used up"}',
  ])('%s is refused whole', async (text) => {
    await expect(ask(text)).rejects.toMatchObject({ failure: 'garbage' })
  })
})

describe('a feed in each way of being ill', () => {
  test.each<[Mode['kind'], string]>([
    ['500', 'status'],
    ['401', 'refused'],
    ['429', 'refused'],
    ['redirect', 'status'],
    ['garbage', 'garbage'],
    ['quota', 'garbage'],
    ['truncated', 'unreachable'],
    ['oversize', 'garbage'],
    ['hang', 'timeout'],
    ['hang-body', 'timeout'],
  ])('%s is a failure called %s, and names neither address nor key', async (mode, failure) => {
    feeds.setMode('lender', mode)
    const feed = lender(failure === 'timeout' ? { timeoutMs: 100 } : {})
    expect(await failureOf(feed.ask(GME))).toBe(failure)
    const { lastError } = feedInUse(feed)
    expect(lastError).toMatch(/feed|answer/)
    expect(lastError).not.toMatch(/127\.0\.0\.1|fake-lender-key/)
  })

  test('404 means that there is no such name', async () => {
    expect(await lender().ask('NOPE' as Ticker)).toBeNull()
    expect(seen).toEqual(['absent'])
  })

  test('a wrong key is refused and is no failure of the feed', async () => {
    const feed = lender({ key: 'wrong' })
    for (let i = 0; i < 6; i += 1) expect(await failureOf(feed.ask(GME))).toBe('refused')
    expect(feedInUse(feed).breaker).toBe('closed')
  })

  test('nobody at the address is a failure at once', async () => {
    expect(await failureOf(lender({ url: 'http://127.0.0.1:1' }).ask(GME))).toBe('unreachable')
  })

  test('a slow one answers, within the deadline', async () => {
    feeds.setMode('lender', { kind: 'slow', milliseconds: 30 })
    expect(String((await lender().ask(GME))?.value.rate)).toBe('0.15')
    expect(await failureOf(lender({ timeoutMs: 15 }).ask(GME))).toBe('timeout')
  })

  test('a hanging one costs the deadline and no more, also when the caller wants less', async () => {
    feeds.setMode('lender', 'hang')
    const startedAt = performance.now()
    expect(await failureOf(lender().ask(GME, { timeoutMs: 40 }))).toBe('timeout')
    expect(performance.now() - startedAt).toBeLessThan(1_500)
  })
})

describe('the breaker of a feed', () => {
  test('opens after 5 failures in 30 s for 60 s, and closes after 3 successes', async () => {
    const feed = lender()
    feeds.setMode('lender', '500')
    for (let i = 0; i < 5; i += 1) await failureOf(feed.ask(GME))
    expect(feedInUse(feed).breaker).toBe('open')
    expect(await failureOf(feed.ask(GME))).toBe('open')
    expect(feeds.requests('lender')).toBe(5)

    now = new Date(NOW.getTime() + 59_000)
    expect(await failureOf(feed.ask(GME))).toBe('open')
    now = new Date(NOW.getTime() + 60_000)
    feeds.setMode('lender', 'ok')
    for (let i = 0; i < 3; i += 1) expect(await feed.ask(GME)).not.toBeNull()
    expect(feedInUse(feed)).toMatchObject({ breaker: 'closed', lastSuccess: now })
    expect(seen.filter((each) => each.startsWith('breaker'))).toEqual([
      'breaker open',
      'breaker half-open',
      'breaker closed',
    ])
  })

  test('does not open when failures are far apart', async () => {
    const feed = lender()
    feeds.setMode('lender', '500')
    for (let i = 0; i < 12; i += 1) {
      await failureOf(feed.ask(GME))
      now = new Date(now.getTime() + 10_000)
    }
    expect(feedInUse(feed).breaker).toBe('closed')
  })

  test('refuses others at once while its trial call hangs', async () => {
    const feed = lender({ timeoutMs: 500 })
    feeds.setMode('lender', 'hang')
    await Promise.all(Array.from({ length: 4 }, () => failureOf(feed.ask(GME))))
    await failureOf(feed.ask(GME))
    now = new Date(NOW.getTime() + 60_000)
    const failures: string[] = []
    const noted = (name: string) => (failure: unknown) => failures.push(`${name} ${failure}`)
    const trial = failureOf(feed.ask(GME)).then(noted('trial'))
    await failureOf(feed.ask(GME)).then(noted('other'))
    await trial
    expect(failures).toEqual(['other open', 'trial timeout'])
  })
})

describe('the budget of calls', () => {
  test('holds the calls that are under way at once', async () => {
    feeds.setMode('lender', { kind: 'slow', milliseconds: 30 })
    const feed = lender()
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => feed.ask(GME)))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    expect(feeds.atOnceMax('lender')).toBe(4)
    expect(seen.filter((each) => each === 'budget')).toHaveLength(6)
  })

  test('holds the calls of any minute', async () => {
    const feed = lender({ callsPerMinuteMax: 3 })
    await feed.ask(GME)
    now = new Date(NOW.getTime() + 30_000)
    await feed.ask(GME)
    await feed.ask(GME)
    expect(await failureOf(feed.ask(GME))).toBe('budget')
    now = new Date(NOW.getTime() + 60_000)
    await feed.ask(GME)
    expect(await failureOf(feed.ask(GME))).toBe('budget')
    expect(feeds.requests('lender')).toBe(4)
  })

  test('is shut for as long as a 429 asks', async () => {
    feeds.setMode('lender', '429')
    const feed = lender()
    expect(await failureOf(feed.ask(GME))).toBe('refused')
    feeds.setMode('lender', 'ok')
    expect(await failureOf(feed.ask(GME))).toBe('budget')
    now = new Date(NOW.getTime() + 2000)
    expect(await feed.ask(GME)).not.toBeNull()
    expect(feeds.requests('lender')).toBe(2)
  })
})

describe('several lenders in an order of preference', () => {
  test('the second answers when the first is ill or does not have the name', async () => {
    const second = await startFakeFeeds()
    const feed = inOrderOfPreference([lender(), secLendLender(connectionTo('lender', { url: second.urls.lender }))])
    second.setAnswer('lender', 'GME', '{"rate":0.2}')
    expect(String((await feed.ask(GME))?.value.rate)).toBe('0.15')
    feeds.setMode('lender', '500')
    expect(String((await feed.ask(GME))?.value.rate)).toBe('0.2')
    feeds.setMode('lender', '404')
    expect(String((await feed.ask(GME))?.value.rate)).toBe('0.2')
    second.setMode('lender', '404')
    expect(await feed.ask(GME)).toBeNull()
    feeds.setMode('lender', '500')
    expect(await failureOf(feed.ask(GME))).toBe('status')
    await second.close()
  })
})
