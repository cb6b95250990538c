import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import type { Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { readConfiguration } from '../server/configuration.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from '../test/fakes/fake-feeds.ts'
import { DEFAULT_INPUT_LIMITS } from './fallback.ts'
import { type Refresher, type RefresherOptions, refresher } from './refresh.ts'
import { refreshingReads } from './refreshing-reads.ts'
import { type ServiceFeeds, serviceFeeds, withServiceHealth } from './service-feeds.ts'
import { databaseReads } from './stored-reads.ts'

const NOW = new Date('2026-11-24T20:00:00Z')
const GME = 'GME' as Ticker
const NOBODY = 'NOPE' as Ticker

let database: TestDatabase
let fakes: FakeFeeds
let now: Date
let feeds: ServiceFeeds
let subject: Refresher
let changed: (string | null)[]
let errors: unknown[]

beforeAll(async () => {
  database = await testDatabase()
  fakes = await startFakeFeeds({ clock: () => now })
})
afterAll(async () => {
  await fakes.close()
  await database.drop()
})
beforeEach(async () => {
  now = NOW
  begin()
  await database.pool.query(
    `truncate lender_rates, lender_rate_history, volatility_index, stock_volatility, market_events, event_calendars, last_closes,
              feed_states, stocks`,
  )
})
afterEach(async () => {
  subject.close()
  await feeds.close()
  fakes.reset()
  expect(errors).toEqual([])
})

/** Begins anew with other settings: `{ EVENT_FEED_URL: '' }` leaves the events out. */
function begin(environment: Record<string, string> = {}, over: Partial<RefresherOptions> = {}): void {
  subject?.close()
  changed = []
  errors = []
  const configuration = readConfiguration({
    LENDER_FEED_URL: fakes.urls.lender,
    LENDER_FEED_KEY: FAKE_KEYS.lender,
    VOLATILITY_FEED_URL: `${fakes.urls.volatility}#provider=vol-one`,
    VOLATILITY_FEED_KEY: FAKE_KEYS.volatility,
    EVENT_FEED_URL: `${fakes.urls.events}#provider=events-one`,
    EVENT_FEED_KEY: FAKE_KEYS.events,
    LENDER_FEED_TIMEOUT_MS: '400',
    EVENT_FEED_TIMEOUT_MS: '400',
    ...environment,
  })
  const all = serviceFeeds(configuration.feeds, { clock: () => now })
  feeds = all
  subject = refresher({
    feeds: all,
    database: database.pool,
    clock: () => now,
    limits: DEFAULT_INPUT_LIMITS,
    onChanged: (ticker) => changed.push(ticker),
    onError: (error) => errors.push(error),
    retryPauseMs: 20,
    ...over,
  })
}

const source = () => databaseReads({ database: database.pool, clock: () => now, limits: DEFAULT_INPUT_LIMITS })
const reads = () => refreshingReads({ reads: source(), refresher: subject, clock: () => now })
const stored = async (ticker: Ticker) => source().one(ticker, { maxAgeSeconds: null, context: ownContext('test') })
const ask = (ticker: Ticker, maxAgeSeconds: number | null = null) =>
  reads().one(ticker, { maxAgeSeconds, context: ownContext('test') })
const once = { retries: false }
const pass = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000)
}
async function lines(statement: string): Promise<string[]> {
  const { rows } = await database.pool.query({ text: statement, rowMode: 'array' })
  return rows.map((row: unknown[]) =>
    row.map((value) => (value instanceof Date ? value.toISOString().slice(11, 19) : value)).join(' '),
  )
}
const untilQuiet = () => expect.poll(() => subject.underWay, { timeout: 3000, interval: 5 }).toBe(0)

describe('what is asked for', () => {
  test('is what is missing or past fresh, and has a service', async () => {
    expect(subject.needs(await stored(NOBODY), now)).toEqual(['lender', 'volatility-index'])
    await subject.refresh(GME, ['lender', 'volatility-index', 'stock-volatility', 'events'], once)
    expect(subject.needs(await stored(GME), now)).toEqual([])
    pass(301)
    expect(subject.needs(await stored(GME), now)).toEqual(['lender'])
    pass(600)
    expect(subject.needs(await stored(GME), now)).toEqual(['lender', 'volatility-index', 'stock-volatility'])
    pass(3600)
    expect(subject.needs(await stored(GME), now)).toEqual(['lender', 'volatility-index', 'stock-volatility', 'events'])
    begin({ LENDER_FEED_URL: '', EVENT_FEED_URL: 'file:///events.csv' })
    expect(subject.needs(await stored(GME), now)).toEqual(['volatility-index', 'stock-volatility'])
  })

  test('is demonstration data too, however fresh', async () => {
    await database.pool.query(
      `insert into lender_rates (ticker, rate, provider, as_of, received_at, demo) values ('GME', 0.01, 'demo', $1, $1, true)`,
      [NOW],
    )
    expect(subject.needs(await stored(GME), now)).toContain('lender')
    await subject.refresh(GME, ['lender'], once)
    expect(await lines('select rate, demo from lender_rates')).toEqual(['0.15 false'])
  })
})

describe('what a feed says', () => {
  test('is kept whole, and told', async () => {
    const outcomes = await subject.refresh(GME, ['lender', 'volatility-index', 'stock-volatility', 'events'], once)
    expect(outcomes).toEqual({
      lender: 'renewed',
      'volatility-index': 'renewed',
      'stock-volatility': 'renewed',
      events: 'renewed',
    })
    expect(changed.sort()).toEqual(['GME', 'GME', 'GME', null])
    const row = await stored(GME)
    expect(JSON.parse(JSON.stringify(row))).toMatchObject({
      known: true,
      listing: { value: { rate: '0.15', borrowStatus: 'HARD', availability: { shares: 35_000 } } },
      volatilityIndex: { value: '20.5', provider: 'vol-one' },
      stockVolatility: { value: '85.25' },
      calendar: { value: [{ type: 'earnings', date: '2026-12-01', riskFactor: 7 }], provider: 'events-one' },
    })
    expect(row.listing?.provider).toBe(new URL(fakes.urls.lender).host)
  })

  test('adds to the history only what changed', async () => {
    const rate = async (text: string) => {
      pass(301)
      fakes.setAnswer('lender', 'GME', text)
      await subject.refresh(GME, ['lender'], once)
    }
    await rate('{"rate":0.15,"status":"HARD"}')
    await rate('{"rate":0.150,"status":"HARD"}')
    await rate('{"rate":0.16,"status":"HARD"}')
    await rate('{"rate":0.16,"status":"MEDIUM"}')
    expect(await lines('select as_of, rate, borrow_status from lender_rate_history order by as_of')).toEqual([
      '20:05:01 0.15 HARD',
      '20:15:03 0.16 HARD',
      '20:20:04 0.16 MEDIUM',
    ])
    expect(await lines('select as_of, rate, borrow_status from lender_rates')).toEqual(['20:20:04 0.16 MEDIUM'])
  })

  test('changes nothing when what is kept is newer', async () => {
    fakes.setAnswer('lender', 'GME', '{"rate":0.16}')
    await subject.refresh(GME, ['lender'], once)
    fakes.setAnswer('lender', 'GME', '{"rate":0.1,"timestamp":"2026-11-24T19:59:00Z"}')
    expect(await subject.refresh(GME, ['lender'], { ...once, force: true })).toEqual({ lender: 'unchanged' })
    expect(await lines('select rate from lender_rates')).toEqual(['0.16'])
    expect(await lines('select rate from lender_rate_history')).toEqual(['0.16'])
  })

  test('replaces the events ahead that the provider named before, and leaves past ones and other providers alone', async () => {
    await database.pool.query(
      `insert into market_events (ticker, event_type, event_date, risk_factor, provider, received_at, demo)
       values ('GME', 'earnings', '2026-11-30', 7, 'events-one', $1, false), ('GME', 'split', '2026-11-01', 6, 'events-one', $1, false),
              ('GME', 'merger', '2026-12-24', 9, 'file', $1, false), ('GME', 'dividend', '2026-12-05', 4, 'demo', $1, true)`,
      [NOW],
    )
    await subject.refresh(GME, ['events'], once)
    expect(await lines('select event_type, event_date, provider from market_events order by event_date')).toEqual([
      'split 2026-11-01 events-one',
      'earnings 2026-12-01 events-one',
      'merger 2026-12-24 file',
    ])
  })

  test('about a name without events is known as such from then on', async () => {
    await database.pool.query("insert into stocks (ticker) values ('AMC')")
    fakes.setAnswer('events', 'AMC', '{"events":[]}')
    const amc = 'AMC' as Ticker
    expect((await stored(amc)).calendar).toBeNull()
    await subject.refresh(amc, ['events'], once)
    expect((await stored(amc)).calendar).toMatchObject({ value: [], asOf: NOW, demo: false })
    expect((await stored(GME)).calendar).toBeNull()
  })

  test('counts by its as-of time beside a calendar that came as a file', async () => {
    await database.pool.query("insert into stocks (ticker) values ('GME')")
    const file = (at: string) =>
      database.pool.query(
        `insert into feed_states (feed, provider, last_success, as_of) values ('events', 'file', $1, $1)
         on conflict (feed) do update set last_success = excluded.last_success, as_of = excluded.as_of`,
        [at],
      )
    await file('2026-11-24T19:00:00Z')
    await subject.refresh(GME, ['events'], once)
    expect((await stored(GME)).calendar?.provider).toBe('events-one')
    await file('2026-11-24T20:30:00Z')
    expect((await stored(GME)).calendar?.provider).toBe('file')
  })

  test('that there is no such name unlists the name which it listed, and not what another said', async () => {
    await subject.refresh(GME, ['lender'], once)
    await database.pool.query(
      `insert into lender_rates (ticker, rate, provider, as_of, received_at) values ('AMC', 0.2, 'other', $1, $1)`,
      [NOW],
    )
    pass(301)
    fakes.setMode('lender', '404')
    expect(await subject.refresh(GME, ['lender'], once)).toEqual({ lender: 'renewed' })
    expect(await subject.refresh('AMC' as Ticker, ['lender'], once)).toEqual({ lender: 'absent' })
    expect(await lines('select ticker, rate, borrow_status, available, listed from lender_rates order by 1')).toEqual([
      'AMC 0.2   true',
      'GME  HARD 0 false',
    ])
    expect(await lines('select ticker, as_of, rate from lender_rate_history order by as_of')).toEqual([
      'GME 20:00:00 0.15',
      'GME 20:05:01 ',
    ])
    fakes.setMode('lender', 'ok')
    pass(301)
    await subject.refresh(GME, ['lender'], once)
    expect(await lines("select rate, listed from lender_rates where ticker = 'GME'")).toEqual(['0.15 true'])
  })
})

describe('one ask', () => {
  test('is shared by all who want it', async () => {
    fakes.setMode('lender', { kind: 'slow', milliseconds: 30 })
    const all = await Promise.all(Array.from({ length: 50 }, () => subject.refresh(GME, ['lender'], once)))
    expect(all.every(({ lender }) => lender === 'renewed')).toBe(true)
    expect(fakes.requests('lender')).toBe(1)
  })

  test('about the index is one for all names', async () => {
    const tickers = ['GME', 'AMC', 'AAPL'] as Ticker[]
    await Promise.all(tickers.map((ticker) => subject.refresh(ticker, ['volatility-index'], once)))
    expect(fakes.requests('volatility')).toBe(1)
  })

  test('is not repeated within the time its answer holds, unless that is wanted', async () => {
    await subject.refresh(NOBODY, ['lender'], once)
    expect(await subject.refresh(NOBODY, ['lender'], once)).toEqual({ lender: 'absent' })
    expect(fakes.requests('lender')).toBe(1)
    expect(await subject.refresh(NOBODY, ['lender'], { ...once, force: true })).toEqual({ lender: 'absent' })
    expect(fakes.requests('lender')).toBe(2)
    pass(60)
    await subject.refresh(NOBODY, ['lender'], once)
    expect(fakes.requests('lender')).toBe(3)
    expect(await lines('select count(*)::int from lender_rates')).toEqual(['0'])
  })

  test('of a name whose answers are always garbage does not open the breaker for the others', async () => {
    const junk = 'JUNK' as Ticker
    for (let second = 0; second < 40; second += 1) {
      await subject.refresh(junk, ['lender'], { retries: true })
      pass(1)
    }
    await untilQuiet()
    expect(fakes.requests('lender')).toBe(4)
    expect(await subject.refresh(GME, ['lender'], once)).toEqual({ lender: 'renewed' })
  })
})

describe('retries', () => {
  test('come in the background, at most two of them, and their answer is kept', async () => {
    fakes.setMode('lender', { kind: 'intermittent', failing: 2, of: 3 })
    expect(await subject.refresh(GME, ['lender'], { retries: true })).toEqual({ lender: 'failed' })
    await untilQuiet()
    expect(fakes.requests('lender')).toBe(3)
    expect(changed).toEqual(['GME'])
    expect(await lines('select rate from lender_rates')).toEqual(['0.15'])
  })

  test('end after three tries', async () => {
    fakes.setMode('lender', '500')
    await subject.refresh(GME, ['lender'], { retries: true })
    await untilQuiet()
    expect(fakes.requests('lender')).toBe(3)
  })

  test.each(['garbage', '401', '404'] as const)('do not follow %s: the answer would be the same', async (mode) => {
    fakes.setMode('lender', mode)
    await subject.refresh(GME, ['lender'], { retries: true })
    await untilQuiet()
    expect(fakes.requests('lender')).toBe(1)
  })

  test('do not come where nobody wants them', async () => {
    fakes.setMode('lender', '500')
    await subject.refresh(GME, ['lender'], once)
    await untilQuiet()
    expect(fakes.requests('lender')).toBe(1)
  })
})

describe('a hanging feed', () => {
  test('delays nobody beyond the time they have', async () => {
    begin({ LENDER_FEED_TIMEOUT_MS: '2000' })
    fakes.setMode('lender', 'hang')
    for (const waitMs of [0, 50]) {
      expect(await subject.refresh(GME, ['lender'], { waitMs, retries: true })).toEqual({ lender: 'late' })
      expect(subject.underWay).toBe(1)
    }
  })

  test('has a bounded number of asks under way, and those behind it end as soon as its breaker opens', async () => {
    fakes.setMode('lender', 'hang')
    const tickers = Array.from({ length: 2500 }, (_, i) => `A${letters(i)}` as Ticker)
    const startedAt = performance.now()
    const outcomes = await Promise.all(
      tickers.map((ticker) => subject.refresh(ticker, ['lender'], { waitMs: 0, retries: true })),
    )
    expect(outcomes.filter(({ lender }) => lender === 'late')).toHaveLength(2000)
    expect(outcomes.filter(({ lender }) => lender === 'failed')).toHaveLength(500)
    expect(subject.underWay).toBe(2000)
    await untilQuiet()
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(fakes.atOnceMax('lender')).toBeLessThanOrEqual(16)
    expect(fakes.requests('lender')).toBeLessThanOrEqual(32)
  })

  test('of lenders leaves the events of a name alone', async () => {
    fakes.setMode('lender', 'hang')
    // Longer than the lender's own time, and so than events need on a machine that is busy.
    const outcomes = await subject.refresh(GME, ['lender', 'events'], { waitMs: 5_000, retries: false })
    expect(outcomes).toEqual({ lender: 'failed', events: 'renewed' })
    await untilQuiet()
  })
})

describe('reads that keep themselves fresh', () => {
  test('wait for the lender of a name that nobody knows, then for the rest, and say that it was asked just now', async () => {
    const row = await ask(GME)
    expect(row).toMatchObject({ known: true, live: ['lender', 'volatility-index', 'stock-volatility', 'events'] })
    expect(row.calendar?.value).toHaveLength(1)
    expect(await ask(GME)).toMatchObject({ known: true, live: [] })
    expect(fakes.requests('lender')).toBe(1)
  })

  test('answer what is kept at once and renew it behind', async () => {
    await ask(GME)
    begin({ LENDER_FEED_TIMEOUT_MS: '2000' })
    fakes.setMode('lender', { kind: 'slow', milliseconds: 1_000 })
    fakes.setAnswer('lender', 'GME', '{"rate":0.3}')
    pass(3600)
    const row = await ask(GME)
    expect(subject.underWay).toBeGreaterThan(0)
    expect([String(row.listing?.value.rate), row.live]).toEqual(['0.15', []])
    await untilQuiet()
    expect(String((await ask(GME)).listing?.value.rate)).toBe('0.3')
  })

  test('that want nothing older than so many seconds wait for the feeds of what is', async () => {
    await ask(GME)
    fakes.setAnswer('lender', 'GME', '{"rate":0.3}')
    fakes.setMode('lender', { kind: 'slow', milliseconds: 60 })
    pass(61)
    // Fresh as feeds have it, and young enough: nobody is asked.
    expect(await ask(GME, 61)).toMatchObject({ live: [], listing: { value: { rate: decimal('0.15') } } })
    const row = await ask(GME, 60)
    expect(String(row.listing?.value.rate)).toBe('0.3')
    expect(row.live).toEqual(['lender', 'volatility-index', 'stock-volatility', 'events'])
    expect(await ask(GME, 60)).toMatchObject({ live: [] })
    expect(fakes.requests('lender')).toBe(2)
  })

  test('that want nothing that is kept ask although it came a moment ago, and share what came within the second', async () => {
    await ask(GME)
    pass(1)
    fakes.setAnswer('lender', 'GME', '{"rate":0.3}')
    const rows = await Promise.all([ask(GME, 0), ask(GME, 0), ask(GME, 0)])
    expect(rows.map((row) => String(row.listing?.value.rate))).toEqual(['0.3', '0.3', '0.3'])
    await ask(GME, 0)
    expect(fakes.requests('lender')).toBe(2)
  })

  test('that want nothing that is kept have it all the same, with its age, when the feed fails', async () => {
    await ask(GME)
    pass(30)
    fakes.setMode('lender', '500')
    const row = await ask(GME, 0)
    expect(row.listing).toMatchObject({ value: { rate: decimal('0.15') }, receivedAt: NOW })
    expect(row.live).not.toContain('lender')
    await untilQuiet()
  })

  test('of a name without a rate or a floor wait for a hanging lender 200 ms once, and then not', async () => {
    begin({ LENDER_FEED_TIMEOUT_MS: '1000' })
    fakes.setMode('lender', 'hang')
    const times: number[] = []
    for (let i = 0; i < 3; i += 1) {
      const startedAt = performance.now()
      expect(await ask(GME)).toMatchObject({ known: false, lenderAsked: false })
      times.push(performance.now() - startedAt)
      if (i === 0) expect(subject.underWay).toBe(1)
      await untilQuiet()
    }
    expect(times[0]).toBeGreaterThan(150)
    expect(Math.min(...times.slice(1))).toBeLessThan(150)
  })

  test('do not wait where a floor can stand in', async () => {
    await database.pool.query("insert into stocks (ticker, floor_rate) values ('GME', 0.01)")
    fakes.setMode('lender', 'hang')
    fakes.setMode('events', 'hang')
    await ask(GME)
    expect(subject.underWay).toBeGreaterThan(1)
    await untilQuiet()
  })

  test('tell a name that no lender has from one about which none could be asked', async () => {
    expect(await ask(NOBODY)).toMatchObject({ known: false, lenderAsked: true })
    fakes.setMode('lender', '500')
    expect(await ask('AMC' as Ticker)).toMatchObject({ known: false, lenderAsked: false })
    // A file of another lender was taken over once: that does not answer for the lender that is away.
    await database.pool.query(`insert into feed_states (feed, provider, as_of) values ('lender', 'file', $1)`, [NOW])
    expect(await ask('AAPL' as Ticker)).toMatchObject({ known: false, lenderAsked: false })
    await untilQuiet()
  })

  test('ask nobody when no input has a service', async () => {
    begin({ LENDER_FEED_URL: '', VOLATILITY_FEED_URL: '', EVENT_FEED_URL: '' })
    expect(await ask(GME, 0)).toMatchObject({ known: false, lenderAsked: false, live: [] })
    expect(fakes.requests('lender')).toBe(0)
  })
})

describe('the health of services', () => {
  test('tells the breaker, the last success and its age, and that a wrong key is no health', async () => {
    await ask(GME)
    pass(90)
    const shown = withServiceHealth({}, feeds, now) as Record<string, object>
    expect(shown.lender).toMatchObject({ state: 'up', breaker: { state: 'closed' }, age_seconds: 90 })
    expect(Object.keys(shown)).toEqual(['lender', 'volatility', 'events'])
    fakes.setMode('lender', '401')
    await ask('AMC' as Ticker)
    expect((withServiceHealth({}, feeds, now) as Record<string, object>).lender).toMatchObject({
      state: 'down',
      breaker: { state: 'closed' },
      last_error: 'the feed refused the request with status 401',
    })
    const withFile = withServiceHealth({ lender: { state: 'up', data: 'fresh' } }, feeds, now) as Record<string, object>
    expect(withFile.lender).toMatchObject({ state: 'up', providers: [{ state: 'down' }], file: { data: 'fresh' } })
  })
})

test('a name that cannot be kept is told, and answered from what there is', async () => {
  begin({}, { database: { query: () => Promise.reject(new Error('the database is away')) } as never })
  expect(await subject.refresh(GME, ['lender'], once)).toEqual({ lender: 'failed' })
  expect(errors).toHaveLength(1)
  errors = []
})

/** Four letters for a number. */
function letters(index: number): string {
  return [0, 1, 2, 3].map((place) => String.fromCharCode(65 + (Math.floor(index / 26 ** place) % 26))).join('')
}
