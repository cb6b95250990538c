import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Queryable } from '../database/connect.ts'
import type { IsoDate, Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import { ownContext } from '../server/call-context.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import type { EventWindow } from './event-risk.ts'
import { DEFAULT_INPUT_LIMITS } from './fallback.ts'
import { marketData } from './market-data.ts'
import { databaseReads, type Page } from './stored-reads.ts'

const NOW = new Date('2026-11-24T20:00:00Z')
const WINDOW = { from: '2026-11-24' as IsoDate, to: '2026-12-08' as IsoDate }
const GME = 'GME' as Ticker

let database: TestDatabase
let now: Date
let statements: number
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  now = NOW
  statements = 0
  await database.pool.query(
    `truncate lender_rates, lender_rate_history, volatility_index, stock_volatility, market_events, last_closes,
              feed_states, stocks`,
  )
})

const CONTEXT = ownContext('test')

/** The market over a database, asked in the name of one request. */
function marketOver(source: Queryable, localCopySeconds: number) {
  const clock = () => now
  const reads = databaseReads({ database: source, clock, limits: DEFAULT_INPUT_LIMITS })
  const data = marketData({ reads, clock, limits: DEFAULT_INPUT_LIMITS, localCopySeconds, awaySeconds: 300 })
  return {
    observe: (
      ticker: Ticker,
      window: EventWindow,
      options: { maxAgeSeconds: number | null } = { maxAgeSeconds: null },
    ) => data.observe(ticker, window, { ...options, context: CONTEXT }),
    listByStatus: (status: BorrowStatus, page: Page, window: EventWindow) =>
      data.listByStatus(status, page, window, CONTEXT),
    feeds: () => reads.feeds(CONTEXT),
    dropLocalCopies: data.dropLocalCopies,
    doubtLocalCopies: data.doubtLocalCopies,
  }
}

function market(localCopySeconds = 60) {
  // Counts the round trips, and otherwise is the pool.
  const counted = {
    query: (...parameters: Parameters<typeof database.pool.query>) => {
      statements += 1
      return database.pool.query(...parameters)
    },
  } as Queryable
  return marketOver(counted, localCopySeconds)
}

async function everything(): Promise<void> {
  await database.pool.query(`
    insert into stocks (ticker, name, borrow_status, floor_rate) values ('GME', 'GAMESTOP CORP', 'EASY', 0.01);
    insert into lender_rates (ticker, rate, available, available_at_least, benchmark_rate, provider, as_of, received_at)
    values ('GME', 0.01534, 5700000, false, 0.0364, 'lender-one', '2026-11-24T19:58:00Z', '2026-11-24T19:59:00Z');
    insert into volatility_index (index_date, value, provider, as_of, received_at)
    values ('2026-11-20', 19, 'cboe', '2026-11-20T21:15:00Z', '2026-11-20T21:20:00Z'),
           ('2026-11-23', 20.5, 'cboe', '2026-11-23T21:15:00Z', '2026-11-23T21:20:00Z');
    insert into stock_volatility (ticker, value, provider, as_of, received_at)
    values ('GME', 85.25, 'single-names', '2026-11-24T19:50:00Z', '2026-11-24T19:50:01Z');
    insert into market_events (ticker, event_type, event_date, risk_factor, provider, received_at)
    values ('GME', 'earnings', '2026-12-01', null, 'calendar', '2026-11-24T19:30:00Z'),
           ('GME', 'merger', '2027-02-01', 10, 'calendar', '2026-11-24T19:30:00Z'),
           ('GME', 'split', '2026-11-23', 10, 'calendar', '2026-11-24T19:30:00Z');
    insert into feed_states (feed, provider, last_success, as_of, rows)
    values ('lender', 'lender-one', '2026-11-24T19:59:00Z', '2026-11-24T19:58:00Z', 1),
           ('events', 'calendar', '2026-11-24T19:30:00Z', '2026-11-24T19:30:00Z', 3);
    insert into last_closes (ticker, close, price_date, provider, received_at)
    values ('GME', 22.51, '2026-11-23', 'closes', '2026-11-23T22:00:00Z')`)
}

describe('everything about a name', () => {
  test('comes in one round trip, exact, each with its source, provider, time and age', async () => {
    await everything()
    const seen = await market().observe(GME, WINDOW)
    expect(statements).toBe(1)
    expect(JSON.parse(JSON.stringify(seen))).toEqual({
      ticker: 'GME',
      lenderRate: {
        value: '0.01534',
        source: 'cached',
        provider: 'lender-one',
        asOf: '2026-11-24T19:58:00.000Z',
        receivedAt: '2026-11-24T19:59:00.000Z',
        ageSeconds: 120,
        fallbackReason: null,
        demo: false,
      },
      stockVolatility: expect.objectContaining({ value: '85.25', source: 'cached', provider: 'single-names' }),
      volatilityIndex: expect.objectContaining({ value: '20.5', source: 'stale', asOf: '2026-11-23T21:15:00.000Z' }),
      eventRisk: expect.objectContaining({
        value: { factor: 7, events: [{ type: 'earnings', date: '2026-12-01', riskFactor: 7, assumed: false }] },
        source: 'cached',
        provider: 'calendar',
        ageSeconds: 1800,
      }),
      availability: expect.objectContaining({ value: { shares: 5_700_000, atLeast: false }, source: 'cached' }),
      lastClose: expect.objectContaining({
        value: { close: '22.51', priceDate: '2026-11-23' },
        asOf: '2026-11-23T21:00:00.000Z',
      }),
      benchmarkRate: '0.0364',
      borrowStatus: 'MEDIUM',
      floorRate: '0.01',
      stockName: 'GAMESTOP CORP',
    })
  })

  test('is an answer, marked, when every feed is away and the desk knows the stock', async () => {
    await database.pool.query("insert into stocks (ticker, borrow_status) values ('GME', 'MEDIUM')")
    const seen = await market().observe(GME, WINDOW)
    expect(seen.lenderRate).toMatchObject({ source: 'fallback', provider: 'tier MEDIUM' })
    expect(seen.volatilityIndex).toMatchObject({ source: 'fallback' })
    expect(seen.eventRisk).toMatchObject({ source: 'fallback', value: { factor: 0 } })
    expect(seen).toMatchObject({ availability: null, lastClose: null, stockVolatility: null, borrowStatus: 'MEDIUM' })
    expect(seen.floorRate.toString()).toBe('0.0001')
  })

  test('of a dropped name is the last rate ever recorded, 0 shares and HARD', async () => {
    await everything()
    await database.pool.query(`
      update lender_rates set rate = null, listed = false, borrow_status = 'HARD', available = 0;
      insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
      values ('GME', '2026-11-01T15:00:00Z', 0.02, 'lender-one', '2026-11-01T15:00:00Z'),
             ('GME', '2026-11-02T15:00:00Z', 0.03, 'lender-one', '2026-11-02T15:00:00Z'),
             ('GME', '2026-11-24T19:58:00Z', null, 'lender-one', '2026-11-24T19:59:00Z')`)
    const seen = await market().observe(GME, WINDOW)
    expect(seen.lenderRate).toMatchObject({ source: 'fallback', asOf: new Date('2026-11-02T15:00:00Z') })
    expect(seen.lenderRate.value.toString()).toBe('0.03')
    expect(seen).toMatchObject({ borrowStatus: 'HARD', availability: { value: { shares: 0, atLeast: false } } })
  })

  test('is TICKER_NOT_FOUND when nobody knows the name, or the desk took it out', async () => {
    await everything()
    const data = market()
    await expect(data.observe('ZZZZ' as Ticker, WINDOW)).rejects.toMatchObject({
      code: 'TICKER_NOT_FOUND',
      message: 'Ticker not found: ZZZZ',
    })
    await database.pool.query('update stocks set active = false')
    await expect(data.observe(GME, WINDOW)).rejects.toMatchObject({ code: 'TICKER_NOT_FOUND' })
  })

  test('is EXTERNAL_API_UNAVAILABLE when nobody knows the name and no lender was ever heard', async () => {
    await expect(market().observe(GME, WINDOW)).rejects.toMatchObject({ code: 'EXTERNAL_API_UNAVAILABLE' })
  })
})

describe('the local copy', () => {
  test('answers without the database, ages by the clock, and ends with its time', async () => {
    await everything()
    const data = market(60)
    expect((await data.observe(GME, WINDOW)).lenderRate.ageSeconds).toBe(120)
    now = new Date(NOW.getTime() + 59_000)
    expect((await data.observe(GME, WINDOW)).lenderRate.ageSeconds).toBe(179)
    expect(statements).toBe(1)
    now = new Date(NOW.getTime() + 61_000)
    await data.observe(GME, WINDOW)
    expect(statements).toBe(2)
  })

  test('gives each question its own event window', async () => {
    await everything()
    const data = market()
    const narrow = await data.observe(GME, { from: WINDOW.from, to: '2026-11-30' as IsoDate })
    const wide = await data.observe(GME, { from: WINDOW.from, to: '2027-02-20' as IsoDate })
    expect([narrow.eventRisk.value.factor, wide.eventRisk.value.factor]).toEqual([0, 10])
    expect(statements).toBe(1)
  })

  test('is made once when many ask at the same time', async () => {
    await everything()
    const data = market()
    await Promise.all(Array.from({ length: 50 }, () => data.observe(GME, WINDOW)))
    expect(statements).toBe(1)
  })

  test('of many cold names is made in few statements, each name with its own row', async () => {
    await database.pool.query(`
      insert into stocks (ticker, name)
      select 'Q' || chr(65 + n / 26) || chr(65 + n % 26), 'name ' || n from generate_series(0, 599) as n`)
    const { rows } = await database.pool.query<{ ticker: Ticker; name: string }>('select ticker, name from stocks')
    const data = market()
    const seen = await Promise.all(rows.map(({ ticker }) => data.observe(ticker, WINDOW)))
    expect(statements).toBe(3)
    expect(seen.map(({ ticker, stockName }) => ({ ticker, name: stockName }))).toEqual(rows)
  })

  test('is passed by when nothing that is kept is wanted, and renewed by it', async () => {
    await everything()
    const data = market()
    await data.observe(GME, WINDOW)
    await database.pool.query('update lender_rates set rate = 0.5')
    expect((await data.observe(GME, WINDOW)).lenderRate.value.toString()).toBe('0.01534')
    expect((await data.observe(GME, WINDOW, { maxAgeSeconds: 0 })).lenderRate.value.toString()).toBe('0.5')
    expect((await data.observe(GME, WINDOW)).lenderRate.value.toString()).toBe('0.5')
  })

  test('serves who wants nothing older than so many seconds while nothing in it is', async () => {
    await database.pool.query(`
      insert into lender_rates (ticker, rate, provider, as_of, received_at) values ('GME', 0.05, 'p', '2026-11-24T10:00:00Z', '2026-11-24T19:59:50Z');
      insert into stock_volatility (ticker, value, provider, as_of, received_at) values ('GME', 80, 'p', '2026-11-24T19:59:55Z', '2026-11-24T19:59:55Z');
      insert into volatility_index (index_date, value, provider, as_of, received_at)
      values ('2026-11-24', 20, 'p', '2026-11-24T19:59:55Z', '2026-11-24T19:59:55Z');
      insert into event_calendars (ticker, provider, as_of, received_at) values ('GME', 'p', '2026-11-24T19:59:55Z', '2026-11-24T19:59:55Z')`)
    const data = market()
    await data.observe(GME, WINDOW)
    await data.observe(GME, WINDOW, { maxAgeSeconds: 10 })
    expect(statements).toBe(1)
    await data.observe(GME, WINDOW, { maxAgeSeconds: 9 })
    expect(statements).toBe(2)
    await data.observe(GME, WINDOW, { maxAgeSeconds: 0 })
    expect(statements).toBe(3)
  })

  test('is forgotten on request, also the one that is being read', async () => {
    await everything()
    const data = market()
    const underWay = data.observe(GME, WINDOW)
    data.dropLocalCopies()
    await underWay
    await data.observe(GME, WINDOW)
    expect(statements).toBe(2)
  })

  test('of 0 seconds is none', async () => {
    await everything()
    const data = market(0)
    await data.observe(GME, WINDOW)
    await data.observe(GME, WINDOW)
    expect(statements).toBe(2)
  })

  test('is not made of a failed read, nor of a name that is not known', async () => {
    await everything()
    const failing = marketOver(
      { query: () => Promise.reject(new Error('connection lost')) } as unknown as Queryable,
      60,
    )
    await expect(failing.observe(GME, WINDOW)).rejects.toThrow('connection lost')
    const data = market()
    await expect(data.observe('NEW' as Ticker, WINDOW)).rejects.toThrow()
    await database.pool.query("insert into stocks (ticker) values ('NEW')")
    await expect(data.observe('NEW' as Ticker, WINDOW)).resolves.toBeDefined()
  })
})

describe('the local copy past its time', () => {
  /** The database, or what is said instead of it. */
  function marketThatMayFail() {
    let failure: Error | null = null
    const source = {
      query: (...parameters: Parameters<typeof database.pool.query>) =>
        failure === null ? database.pool.query(...parameters) : Promise.reject(failure),
    } as Queryable
    const fail = (with_: Error | null) => {
      failure = with_
    }
    return { data: marketOver(source, 60), fail }
  }
  const later = (seconds: number) => {
    now = new Date(now.getTime() + seconds * 1000)
  }

  test('serves while the database is away, with the age that it has, and for five minutes at most', async () => {
    await everything()
    const { data, fail } = marketThatMayFail()
    const { ageSeconds } = (await data.observe(GME, WINDOW)).lenderRate
    fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    later(299)
    expect((await data.observe(GME, WINDOW)).lenderRate.ageSeconds).toBe((ageSeconds as number) + 299)
    later(2)
    await expect(data.observe(GME, WINDOW)).rejects.toThrow('refused')
  })

  test('gives way to what the database says, whatever it is', async () => {
    await everything()
    const { data, fail } = marketThatMayFail()
    await data.observe(GME, WINDOW)
    later(61)
    fail(new Error('the row is damaged'))
    await expect(data.observe(GME, WINDOW)).rejects.toThrow('damaged')
    fail(null)
    await database.pool.query('update lender_rates set rate = 0.5')
    expect((await data.observe(GME, WINDOW)).lenderRate.value.toString()).toBe('0.5')
  })

  test('is gone when it was dropped', async () => {
    await everything()
    const { data, fail } = marketThatMayFail()
    await data.observe(GME, WINDOW)
    data.dropLocalCopies([GME])
    fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    await expect(data.observe(GME, WINDOW)).rejects.toThrow('refused')
  })
})

test('a local copy that is doubted is read again, and serves only while the database is away', async () => {
  await everything()
  let failure: Error | null = null
  const data = marketOver(
    {
      query: (...parameters: Parameters<typeof database.pool.query>) =>
        failure === null ? database.pool.query(...parameters) : Promise.reject(failure),
    } as Queryable,
    60,
  )
  const rate = async () => (await data.observe(GME, WINDOW)).lenderRate.value.toString()
  await rate()
  await database.pool.query('update lender_rates set rate = 0.5')
  data.doubtLocalCopies()
  expect(await rate()).toBe('0.5')
  failure = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  data.doubtLocalCopies()
  expect(await rate()).toBe('0.5')
})

describe('the list of a tier', () => {
  beforeEach(async () => {
    await database.pool.query(`
      insert into stocks (ticker, borrow_status, active)
      values ('AAA', 'EASY', true), ('B.A', 'EASY', true), ('BA', 'MEDIUM', true), ('CCC', null, true),
             ('DDD', 'EASY', true), ('EEE', 'EASY', true), ('FFF', 'EASY', true), ('GGG', 'EASY', false);
      insert into lender_rates (ticker, rate, borrow_status, available, listed, provider, as_of, received_at)
      select ticker, rate, status, 1, listed, 'lender-one', '2026-11-24T19:58:00Z', '2026-11-24T19:59:00Z'
        from (values ('BA', 0.00499999, null, true), ('CCC', 0.005, null, true), ('DDD', 0.03, null, true),
                     ('EEE', 0.03000001, null, true), ('FFF', null, 'HARD', false), ('GGG', 0.001, null, true),
                     ('HHH', null, null, true), ('III', 0.5, 'EASY', true)) as row (ticker, rate, status, listed)`)
  })

  const page = async (status: 'EASY' | 'MEDIUM' | 'HARD', skip = 0, limit = 100) => {
    const { total, items } = await market().listByStatus(status, { skip, limit }, WINDOW)
    return `${items.map((item) => item.ticker).join(' ')} of ${total}`
  }

  test('holds the feed’s word, else the lender rate’s, else the desk’s; HARD is what was dropped and what nobody knows', async () => {
    expect(await page('EASY')).toBe('AAA B.A BA III of 4')
    expect(await page('MEDIUM')).toBe('CCC DDD of 2')
    expect(await page('HARD')).toBe('EEE FFF HHH of 3')
  })

  test('comes in pages by ticker, with the number in all', async () => {
    expect(await page('EASY', 0, 3)).toBe('AAA B.A BA of 4')
    expect(await page('EASY', 3, 3)).toBe('III of 4')
    expect(await page('EASY', 99, 3)).toBe(' of 4')
  })

  test('agrees with what each name says of itself', async () => {
    for (const status of ['EASY', 'MEDIUM', 'HARD'] as const) {
      const { items } = await market().listByStatus(status, { skip: 0, limit: 100 }, WINDOW)
      for (const item of items) {
        expect(item.borrowStatus).toBe(status)
        expect((await market().observe(item.ticker, WINDOW)).borrowStatus).toBe(status)
      }
    }
  })
})

test('the feeds tell their state by the age of their data', async () => {
  await database.pool.query(`
    insert into feed_states (feed, provider, last_success, as_of, rows, skipped, last_error, last_error_at, demo)
    values ('lender', 'one', '2026-11-24T19:59:00Z', '2026-11-24T19:58:00Z', 10, 2, null, null, false),
           ('volatility', 'two', '2026-11-10T19:59:00Z', '2026-11-10T19:58:00Z', 10, 0, 'refused', '2026-11-24T19:00:00Z', false),
           ('events', 'three', '2026-11-24T19:59:00Z', '2025-11-24T19:58:00Z', 10, 0, null, null, true),
           ('closes', 'four', null, null, 0, 0, 'refused', '2026-11-24T19:00:00Z', false)`)
  const states = await market().feeds()
  expect(states.map((each) => `${each.feed} ${each.provider} ${each.state} ${each.ageSeconds}`)).toEqual([
    'closes four empty null',
    'events three demo 31536120',
    'lender one fresh 120',
    'volatility two expired 1209720',
  ])
  expect(states[3]).toMatchObject({ lastError: 'refused', lastErrorAt: new Date('2026-11-24T19:00:00Z'), skipped: 0 })
})
