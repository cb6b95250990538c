import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asRate, type IsoDate, type Ticker } from '../pricing/units.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { importEvents, importVolatilityHistory } from './import.ts'
import { keepEvents, keepListing, keepStockVolatility, keepUnlisted, keepVolatilityIndex } from './import-answers.ts'
import type { Stored } from './observation.ts'
import { type HistoryRange, readRateInputs } from './rate-history.ts'

const GME = 'GME' as Ticker

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.pool.query(
    `truncate lender_rates, lender_rate_history, volatility_index, volatility_index_history, stock_volatility,
              stock_volatility_history, market_events, market_event_history, event_calendars, feed_states, stocks`,
  )
})

const at = (time: string) => new Date(time.includes('T') ? time : `2026-11-24T${time}:00Z`)
const stored = <T>(value: T, time: string, provider = 'service'): Stored<T> => ({
  value,
  provider,
  asOf: at(time),
  receivedAt: at(time),
  demo: false,
})
const index = (points: string, time: string, provider?: string) =>
  keepVolatilityIndex(database.pool, stored(asIndexPoints(decimal(points)), time, provider))
const own = (points: string, time: string) =>
  keepStockVolatility(database.pool, GME, stored(asIndexPoints(decimal(points)), time))
const listing = (rate: string | null, time: string, shares = 100) =>
  keepListing(
    database.pool,
    GME,
    stored(
      {
        rate: rate === null ? null : asRate(decimal(rate)),
        borrowStatus: null,
        availability: { shares, atLeast: false },
        benchmarkRate: null,
        listed: true,
      },
      time,
    ),
  )
const events = (time: string, ...texts: string[]) =>
  keepEvents(
    database.pool,
    GME,
    stored(
      texts.map((line) => {
        const [type = '', date = '', factor = '-'] = line.split(' ')
        return { type, date: date as IsoDate, riskFactor: factor === '-' ? null : Number(factor) }
      }),
      time,
    ),
  )
const eventFile = (time: string, rows: readonly string[], over: { provider?: string; demo?: boolean } = {}) =>
  importEvents(database.pool, {
    source: ['symbol,type,date,risk_factor', ...rows].join('\n'),
    provider: 'file',
    demo: false,
    receivedAt: at(time),
    ...over,
  })

async function inputs(from: string, to: string, intervalSeconds = 60) {
  const range: HistoryRange = { from: at(from), to: at(to), intervalSeconds }
  const read = await readRateInputs(database.pool, GME, range)
  const time = (moment: Date | null) => moment?.toISOString().slice(5, 16) ?? 'now'
  return {
    lender: read.lender.map(({ asOf, rate, lastRate }) => `${time(asOf)} ${rate ?? '-'} ${lastRate ?? '-'}`),
    index: read.volatilityIndex.map(({ asOf, value }) => `${time(asOf)} ${value}`),
    own: read.stockVolatility.map(({ asOf, value }) => `${time(asOf)} ${value}`),
    events: read.events.map(
      ({ type, date, riskFactor, knownFrom, knownTo }) =>
        `${type} ${date.slice(5)} ${riskFactor ?? '-'} ${time(knownFrom)} to ${time(knownTo)}`,
    ),
    calendarSince: read.calendarSince,
  }
}
const day = () => inputs('00:00', '23:59')
async function count(table: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*)::int as count from ${table}`)
  return rows[0].count
}

describe('the volatility index', () => {
  test('is kept within the day when it changes, and not when it is said again', async () => {
    for (const [points, time] of [
      ['20', '10:00'],
      ['20.0', '10:15'],
      ['21', '10:30'],
      ['20', '10:45'],
      ['20', '11:00'],
    ] as const) {
      await index(points, time)
    }
    expect(await count('volatility_index_history')).toBe(3)
    expect((await day()).index).toEqual(['11-24T10:00 20', '11-24T10:30 21', '11-24T10:45 20', '11-24T11:00 20'])
  })

  test('that came late is not in the history: what is kept is newer', async () => {
    await index('20', '10:30')
    expect(await index('99', '10:00')).toBe(false)
    expect((await day()).index).toEqual(['11-24T10:30 20'])
  })

  test('is that of days where only their closes are known', async () => {
    await importVolatilityHistory(database.pool, {
      source: 'DATE,OPEN,HIGH,LOW,CLOSE\n11/19/2026,1,1,1,17\n11/20/2026,1,1,1,18\n11/23/2026,1,1,1,19\n',
      provider: 'cboe',
      demo: false,
      receivedAt: at('12:00'),
    })
    await index('22', '15:00')
    expect((await inputs('2026-11-20T12:00:00Z', '16:00', 86_400)).index).toEqual([
      '11-19T21:15 17',
      '11-20T21:15 18',
      '11-23T21:15 19',
      '11-24T15:00 22',
    ])
  })
})

describe("a name's own volatility", () => {
  test('is kept when it changes, and once a day that it did not', async () => {
    await own('80', '2026-11-22T10:00:00Z')
    await own('80', '2026-11-22T22:00:00Z')
    await own('80', '2026-11-23T10:00:00Z')
    await own('85', '10:00')
    await own('85', '10:15')
    expect((await inputs('2026-11-22T00:00:00Z', '23:00')).own).toEqual([
      '11-22T10:00 80',
      '11-23T10:00 80',
      '11-24T10:00 85',
    ])
  })
})

describe('events', () => {
  test('of a service are known from its answer until another one has them no more, or otherwise', async () => {
    await database.pool.query("insert into stocks (ticker) values ('GME')")
    await events('10:00', 'earnings 2026-12-01 7', 'split 2026-12-03')
    await events('10:30', 'earnings 2026-12-01 7', 'split 2026-12-03')
    await events('11:00', 'earnings 2026-12-08 7', 'split 2026-12-03 9')
    await events('12:00')
    expect((await day()).events).toEqual([
      'earnings 12-01 7 11-24T10:00 to 11-24T11:00',
      'split 12-03 - 11-24T10:00 to 11-24T11:00',
      'split 12-03 9 11-24T11:00 to 11-24T12:00',
      'earnings 12-08 7 11-24T11:00 to 11-24T12:00',
    ])
    expect((await inputs('11:30', '11:40')).events).toHaveLength(2)
    expect((await inputs('12:00', '12:30')).events).toEqual([])
  })

  test('of files are known as of their receipt, each provider by itself', async () => {
    await eventFile('10:00', ['GME,earnings,2026-12-01,7', 'AMC,split,2026-12-01,3'])
    await eventFile('10:30', ['GME,earnings,2026-12-01,7', 'AMC,split,2026-12-01,3'])
    await events('11:00', 'merger 2026-12-05 9')
    await eventFile('12:00', ['GME,earnings,2026-12-01,8'])
    await eventFile('12:00', ['GME,earnings,2026-12-01,5'])
    expect((await day()).events).toEqual([
      'earnings 12-01 7 11-24T10:00 to 11-24T12:00',
      'earnings 12-01 5 11-24T12:00 to now',
      'merger 12-05 9 11-24T11:00 to now',
    ])
  })

  test('that come back are known again', async () => {
    await eventFile('10:00', ['GME,earnings,2026-12-01,7'])
    await eventFile('11:00', ['AMC,earnings,2026-12-01,7'])
    await eventFile('12:00', ['GME,earnings,2026-12-01,7', 'AMC,earnings,2026-12-01,7'])
    expect((await day()).events).toEqual([
      'earnings 12-01 7 11-24T10:00 to 11-24T11:00',
      'earnings 12-01 7 11-24T12:00 to now',
    ])
  })

  test('of a demonstration are gone when real ones come', async () => {
    await eventFile('10:00', ['GME,earnings,2026-12-01,7'], { provider: 'demo', demo: true })
    await eventFile('11:00', ['GME,split,2026-12-02,7'])
    expect(await day()).toMatchObject({ events: ['split 12-02 7 11-24T11:00 to now'], calendarSince: at('11:00') })
  })

  test('outside of the windows that prices look at are not read', async () => {
    await eventFile('10:00', ['GME,earnings,2026-12-08,7', 'GME,split,2026-12-09,7'])
    expect((await inputs('10:00', '23:59')).events).toEqual(['earnings 12-08 7 11-24T10:00 to now'])
  })

  test('are known since the first calendar that would have had them', async () => {
    expect((await day()).calendarSince).toBeNull()
    await database.pool.query("insert into stocks (ticker) values ('GME')")
    await events('11:00')
    await events('12:00')
    expect((await day()).calendarSince).toEqual(at('11:00'))
    await eventFile('10:00', ['AMC,split,2026-12-01,3'])
    await eventFile('13:00', ['AMC,split,2026-12-01,3'])
    expect((await day()).calendarSince).toEqual(at('10:00'))
  })
})

describe('what is read of a range', () => {
  test('begins with what was in force at its start, and has the last word of each interval', async () => {
    for (const [rate, time] of [
      ['0.01', '2026-11-20T10:00:00Z'],
      ['0.02', '2026-11-23T23:00:00Z'],
      ['0.03', '00:10'],
      ['0.04', '00:20'],
      ['0.05', '01:00'],
      ['0.06', '01:30'],
      ['0.07', '05:00'],
      ['0.08', '05:01'],
    ] as const) {
      await listing(rate, time)
    }
    expect((await inputs('00:00', '05:00', 3600)).lender).toEqual([
      '11-23T23:00 0.02 0.02',
      '11-24T01:00 0.05 0.05',
      '11-24T01:30 0.06 0.06',
      '11-24T05:00 0.07 0.07',
    ])
    expect((await inputs('00:15', '00:16', 60)).lender).toEqual(['11-24T00:10 0.03 0.03'])
    expect((await inputs('2026-11-01T00:00:00Z', '2026-11-19T00:00:00Z', 3600)).lender).toEqual([])
  })

  test('tells the last rate there was where the lender gives none, though it lies inside of an interval', async () => {
    await listing(null, '09:00')
    await listing('0.05', '10:10')
    await keepUnlisted(database.pool, GME, { providers: ['service'], receivedAt: at('10:20') })
    expect((await inputs('08:00', '12:00', 3600)).lender).toEqual(['11-24T09:00 - -', '11-24T10:20 - 0.05'])
    expect((await inputs('11:00', '12:00', 3600)).lender).toEqual(['11-24T10:20 - 0.05'])
  })
})

describe('a year of a lively market', () => {
  const RANGE = { from: at('2025-11-24T00:00:00Z'), to: at('2026-11-24T00:00:00Z'), intervalSeconds: 86_400 }

  beforeEach(async () => {
    // One name that changes every quarter of an hour, among many that change now and then, beside an index that does as well.
    await database.pool.query(`
      insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
      select 'GME', moment, 0.01 + (extract(epoch from moment)::bigint / 900 % 97) * 0.001, 'service', moment
        from generate_series(timestamptz '2025-10-01', '2026-11-24', interval '15 minutes') as moment;
      insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
      select 'Q' || chr(65 + name / 26) || chr(65 + name % 26), moment, 0.02, 'service', moment
        from generate_series(0, 599) as name, generate_series(timestamptz '2025-10-01', '2026-11-24', interval '5 days') as moment;
      insert into volatility_index_history (as_of, value, provider, received_at)
      select moment, 15 + (extract(epoch from moment)::bigint / 900 % 11), 'service', moment
        from generate_series(timestamptz '2025-10-01', '2026-11-24', interval '15 minutes') as moment;
      insert into stock_volatility_history (ticker, as_of, value, provider, received_at)
      select 'Q' || chr(65 + name / 26) || chr(65 + name % 26), moment, 60, 'service', moment
        from generate_series(0, 599) as name, generate_series(timestamptz '2025-10-01', '2026-11-24', interval '5 days') as moment`)
    await database.pool.query(
      'vacuum analyze lender_rate_history, volatility_index_history, stock_volatility_history, volatility_index',
    )
  })

  test('is some hundred rows by days, read from indexes, within a moment', async () => {
    const statements: { text: string; values: unknown[] }[] = []
    const watched = {
      query: (text: string, values: unknown[]) => {
        statements.push({ text, values })
        return database.pool.query(text, values)
      },
    } as never
    const startedAt = performance.now()
    const read = await readRateInputs(watched, GME, RANGE)
    const tookMs = performance.now() - startedAt
    expect(read.lender).toHaveLength(366)
    expect(read.volatilityIndex).toHaveLength(366)
    expect(tookMs).toBeLessThan(2_000)
    for (const { text, values } of statements) {
      const { rows } = await database.pool.query(`explain (format json) ${text}`, values)
      expect(scannedWhole(JSON.parse(rows[0]['QUERY PLAN'])[0].Plan)).toEqual([])
    }
  })
})

/** The histories that a plan reads from end to end. The index's own is about one name, and a year is most of it. */
function scannedWhole(plan: { 'Node Type': string; 'Relation Name'?: string; Plans?: never[] }): string[] {
  const inside = (plan.Plans ?? []).flatMap(scannedWhole)
  const whole =
    plan['Node Type'] === 'Seq Scan' && /^(lender_rate|stock_volatility)_history$/.test(plan['Relation Name'] ?? '')
  return whole ? [plan['Relation Name'] as string, ...inside] : inside
}
