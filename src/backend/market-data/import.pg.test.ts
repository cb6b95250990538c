import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { FeedFileError } from './feeds/feed-file.ts'
import {
  FEED_FILE_BYTES_MAX,
  type ImportOptions,
  importCloses,
  importEvents,
  importLenderFile,
  importVolatilityHistory,
} from './import.ts'
import { readRateInputs } from './rate-history.ts'

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')

/** A lender file of 24 November 2026, `10:30:00` in New York, from lines such as `GME 1.5 4000`. */
function lenderFile(time: string, ...lines: string[]): string {
  const rows = lines.map((line) => {
    const [symbol, fee, available] = line.split(' ')
    return `${symbol}|USD|${symbol} INC|1|X|2.00|${fee}|${available}||`
  })
  return [
    `#BOF|2026.11.24|${time}`,
    '#SYM|CUR|NAME|CON|ISIN|REBATERATE|FEERATE|AVAILABLE|FIGI|',
    ...rows,
    `#EOF|${rows.length}`,
  ].join('\n')
}

const NOW = new Date('2026-11-24T20:00:00Z')
const from = (source: string, over: Partial<ImportOptions> = {}): ImportOptions => ({
  source,
  provider: 'lender-one',
  demo: false,
  receivedAt: NOW,
  ...over,
})

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.pool.query(
    'truncate lender_rates, lender_rate_history, volatility_index, market_events, last_closes, feed_states, stocks',
  )
})

async function lines(statement: string): Promise<string[]> {
  const { rows } = await database.pool.query({ text: statement, rowMode: 'array' })
  return rows.map((row: unknown[]) =>
    row.map((value) => (value instanceof Date ? value.toISOString() : value)).join(' '),
  )
}
const rates = () =>
  lines(`select ticker, rate, borrow_status, available, available_at_least, listed, as_of
           from lender_rates order by ticker`)
const feed = () => lines('select provider, as_of, rows, skipped, coalesce(last_error, $$-$$), demo from feed_states')

describe('a lender file', () => {
  test('is taken over digit by digit, with its names', async () => {
    const result = await importLenderFile(
      database.pool,
      from(fixture('short-stock-with-traps.txt'), { receivedAt: new Date('2026-03-09T13:40:00Z') }),
    )
    expect(result).toMatchObject({ leftAlone: null, rows: 7, changed: 7, dropped: 0 })
    expect(result.asOf.toISOString()).toBe('2026-03-09T13:31:07.000Z')
    expect(
      await lines('select ticker, rate, available, available_at_least, benchmark_rate from lender_rates order by 1'),
    ).toEqual([
      'ACME 0.0025 4100000 false 0.0364',
      'BRK.B 0.0025 10000000 true 0.0364',
      'FREE 0 10 false 0.0364',
      'NORAT  600 false ',
      'NOSHR 0.03  false 0.0364',
      'SPEC 10.165848 2000 false 0.0364',
      'TWICE 0.02 300 false 0.0364',
    ])
    expect(await lines("select name from stocks where ticker = 'ACME'")).toEqual(['ACME ROCKETS & SONS INC'])
    expect(await feed()).toEqual(['lender-one 2026-03-09T13:31:07.000Z 7 7 - false'])
  })

  test('adds to the history only what changed', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100')))
    const second = await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.50 4000', 'AMC 3 100')))
    expect(second).toMatchObject({ rows: 2, changed: 1, dropped: 0 })
    expect(await lines('select ticker, as_of, rate from lender_rate_history order by 1, 2')).toEqual([
      'AMC 2026-11-24T15:00:00.000Z 0.02',
      'AMC 2026-11-24T15:15:00.000Z 0.03',
      'GME 2026-11-24T15:00:00.000Z 0.015',
    ])
    expect(await rates()).toEqual([
      'AMC 0.03  100 false true 2026-11-24T15:15:00.000Z',
      'GME 0.015  4000 false true 2026-11-24T15:15:00.000Z',
    ])
  })

  test('makes a name that it lists no more unlisted, with 0 shares and HARD, and keeps its last rate in the history', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100')))
    const second = await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.5 4000')))
    const third = await importLenderFile(database.pool, from(lenderFile('10:30:00', 'GME 1.5 4000')))
    expect([second.dropped, third.dropped]).toEqual([1, 0])
    expect((await rates())[0]).toBe('AMC  HARD 0 false false 2026-11-24T15:30:00.000Z')
    const range = { from: new Date(0), to: NOW, intervalSeconds: 60 }
    const { lender } = await readRateInputs(database.pool, 'AMC' as Ticker, range)
    expect(lender.map((each) => [each.rate?.toString() ?? null, each.availability.shares])).toEqual([
      ['0.02', 100],
      [null, 0],
    ])
  })

  test('lists a name again when it comes back', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100')))
    await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.5 4000')))
    const back = await importLenderFile(database.pool, from(lenderFile('10:30:00', 'GME 1.5 4000', 'AMC 2 100')))
    expect(back).toMatchObject({ changed: 1, dropped: 0 })
    expect((await rates())[0]).toBe('AMC 0.02  100 false true 2026-11-24T15:30:00.000Z')
  })

  test('with a rate no one can mean leaves that name as it was', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100')))
    const second = await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.5 4000', 'AMC 20000 100')))
    expect(second).toMatchObject({ rows: 1, dropped: 0, skipped: { 'impossible rate': 1 } })
    expect((await rates())[0]).toBe('AMC 0.02  100 false true 2026-11-24T15:00:00.000Z')
  })

  test('does not touch what the desk set on a stock', async () => {
    await database.pool.query(
      `insert into stocks (ticker, name, borrow_status, floor_rate, lender_id, active, version)
       values ('GME', 'the desk''s name', 'HARD', 0.05, 'L1', false, 7), ('AMC', null, 'EASY', 0.01, null, true, 3)`,
    )
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100', 'NEW 2 100')))
    expect(
      await lines('select ticker, name, borrow_status, floor_rate, lender_id, active, version from stocks order by 1'),
    ).toEqual([
      'AMC AMC INC EASY 0.01000000  true 3',
      "GME the desk's name HARD 0.05000000 L1 false 7",
      'NEW NEW INC    true 1',
    ])
  })

  test('that is older than what is kept is left alone, and that is said', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.5 4000')))
    const older = await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 9 1')))
    expect(older).toMatchObject({ rows: 0, changed: 0, dropped: 0 })
    expect(older.leftAlone).toBe(
      'the file is as of 2026-11-24T15:00:00.000Z, older than what is kept, as of 2026-11-24T15:15:00.000Z',
    )
    expect(await rates()).toEqual(['GME 0.015  4000 false true 2026-11-24T15:15:00.000Z'])
  })

  test('may be taken over again and changes nothing', async () => {
    const text = lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100')
    await importLenderFile(database.pool, from(text))
    expect(await importLenderFile(database.pool, from(text))).toMatchObject({ leftAlone: null, changed: 0, dropped: 0 })
  })

  test('that is refused changes nothing but the note of it, which the next good file takes away', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1.5 4000')))
    const before = await rates()
    await expect(importLenderFile(database.pool, from(fixture('page-under-a-data-name.txt')))).rejects.toThrow(
      FeedFileError,
    )
    expect(await rates()).toEqual(before)
    expect(await feed()).toEqual([
      'lender-one 2026-11-24T15:00:00.000Z 1 0 not a lender short stock file: line 1: it is an HTML or XML page false',
    ])
    await importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 1.5 4000')))
    expect(await feed()).toEqual(['lender-one 2026-11-24T15:15:00.000Z 1 0 - false'])
  })

  test('that was refused before any good one leaves a note without a success', async () => {
    await expect(importLenderFile(database.pool, from('{"error": "quota"}'))).rejects.toThrow(FeedFileError)
    expect(await lines('select feed, last_success, as_of, last_error from feed_states')).toEqual([
      'lender   not a lender short stock file: line 1: it is a JSON message',
    ])
  })

  test('stamped in the future is refused, or it would lock out all that follow', async () => {
    await expect(importLenderFile(database.pool, from(lenderFile('15:10:01', 'GME 1 1')))).rejects.toThrow(/future/)
    await importLenderFile(database.pool, from(lenderFile('15:09:00', 'GME 1 1')))
  })

  test('comes as text or as bytes, and progress is told from none to all', async () => {
    const steps: [number, number][] = []
    async function* bytes(): AsyncIterable<Uint8Array> {
      const all = Buffer.from(lenderFile('10:00:00', 'GME 1.5 4000', 'AMC 2 100'))
      for (let at = 0; at < all.length; at += 7) yield all.subarray(at, at + 7)
    }
    await importLenderFile(database.pool, {
      ...from(''),
      source: bytes(),
      onProgress: (stored, total) => steps.push([stored, total]),
    })
    expect(steps.at(0)).toEqual([0, 2])
    expect(steps.at(-1)).toEqual([2, 2])
    expect(await rates()).toHaveLength(2)
  })

  test('without an end is refused before memory is', async () => {
    async function* endless(): AsyncIterable<Uint8Array> {
      for (;;) yield Buffer.alloc(8 * 1024 * 1024, 65)
    }
    await expect(importLenderFile(database.pool, { ...from(''), source: endless() })).rejects.toThrow(
      `more than ${FEED_FILE_BYTES_MAX} bytes`,
    )
  })

  test('is taken over whole or not at all: two at once end as the newer', async () => {
    const results = await Promise.all([
      importLenderFile(database.pool, from(lenderFile('10:15:00', 'GME 2 2'))),
      importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 1 1', 'AMC 1 1'))),
    ])
    expect(results.filter((result) => result.leftAlone === null).length).toBeGreaterThan(0)
    expect((await rates()).at(-1)).toBe('GME 0.02  2 false true 2026-11-24T15:15:00.000Z')
  })
})

describe('demonstration data', () => {
  const demo = { demo: true, provider: 'excerpt' }

  test('gives way to the first real file, with its history', async () => {
    await importLenderFile(database.pool, from(lenderFile('15:00:00', 'GME 1.5 4000', 'AMC 2 100'), demo))
    const real = await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 3 1')))
    expect(real).toMatchObject({ leftAlone: null, changed: 1, dropped: 0 })
    expect(await lines('select ticker, rate, provider, demo from lender_rates')).toEqual(['GME 0.03 lender-one false'])
    expect(await lines('select ticker, rate, provider, demo from lender_rate_history')).toEqual([
      'GME 0.03 lender-one false',
    ])
  })

  test('never takes the place of real data', async () => {
    await importLenderFile(database.pool, from(lenderFile('10:00:00', 'GME 3 1')))
    const result = await importLenderFile(database.pool, from(lenderFile('15:00:00', 'GME 1.5 4000'), demo))
    expect(result).toMatchObject({ leftAlone: 'real lender data is kept, demo data does not replace it', rows: 0 })
    expect(await lines('select rate, demo from lender_rates')).toEqual(['0.03 false'])
  })

  test('of events is dated anew at every start', async () => {
    const source = 'symbol,type,in_days,risk_factor\nGME,earnings,7,\nGME,split,1,9\n'
    await importEvents(database.pool, from(source, demo))
    await importEvents(database.pool, from(source, { ...demo, receivedAt: new Date('2026-11-30T20:00:00Z') }))
    expect(await lines('select event_type, event_date, risk_factor, demo from market_events order by 2')).toEqual([
      'split 2026-12-01 9 true',
      'earnings 2026-12-07  true',
    ])
  })

  test('ships as files that their importers take', async () => {
    const shipped = (name: string): string =>
      readFileSync(new URL(`../database/demo-data/${name}`, import.meta.url), 'utf8')
    const lender = await importLenderFile(database.pool, from(shipped('ibkr-usa-20251228-excerpt.txt'), demo))
    expect(lender.rows).toBeGreaterThan(280)
    expect(Object.keys(lender.skipped).sort()).toEqual(['currency', 'symbol'])
    expect((await importVolatilityHistory(database.pool, from(shipped('vix-daily.csv'), demo))).rows).toBeGreaterThan(
      700,
    )
    const events = await importEvents(database.pool, from(shipped('demo-events.csv'), demo))
    expect(events).toMatchObject({ skipped: {}, dropped: 0 })
    expect(
      await lines(
        'select e.ticker from market_events e left join lender_rates l using (ticker) where l.ticker is null',
      ),
    ).toEqual([])
  })
})

describe('a volatility history', () => {
  const history = (...days: string[]): string => ['DATE,OPEN,HIGH,LOW,CLOSE', ...days].join('\n')

  test('is kept by day, each as of its own close in New York', async () => {
    await importVolatilityHistory(database.pool, from(fixture('vix-us-dates.csv')))
    expect(await lines('select index_date, value, as_of from volatility_index order by 1')).toEqual([
      '1990-01-02 17.24 1990-01-02T21:15:00.000Z',
      '2020-03-16 82.690002 2020-03-16T20:15:00.000Z',
      '2025-12-27 13.6 2025-12-27T21:15:00.000Z',
    ])
    expect(await feed()).toEqual(['lender-one 2025-12-27T21:15:00.000Z 3 0 - false'])
  })

  test('adds and corrects days; a day still open is as of its receipt', async () => {
    await importVolatilityHistory(database.pool, from(history('11/20/2026,1,1,1,20')))
    const result = await importVolatilityHistory(
      database.pool,
      from(history('11/20/2026,1,1,1,20.5', '11/23/2026,1,1,1,21', '11/24/2026,1,1,1,22')),
    )
    expect(result).toMatchObject({ rows: 3, changed: 3, asOf: NOW })
    expect(await lines('select value, as_of from volatility_index order by index_date')).toEqual([
      '20.5 2026-11-20T21:15:00.000Z',
      '21 2026-11-23T21:15:00.000Z',
      '22 2026-11-24T20:00:00.000Z',
    ])
    expect(await importVolatilityHistory(database.pool, from(history('11/20/2026,1,1,1,99')))).toMatchObject({
      leftAlone: expect.stringContaining('older'),
    })
  })

  test('of tomorrow is refused', async () => {
    await expect(importVolatilityHistory(database.pool, from(history('11/25/2026,1,1,1,20')))).rejects.toThrow(/future/)
  })
})

describe('an event calendar', () => {
  const calendar = (...rows: string[]): string => ['symbol,type,date,risk_factor', ...rows].join('\n')

  test('replaces the provider’s events ahead; past ones and other providers’ stay', async () => {
    await importEvents(database.pool, from(calendar('GME,split,2026-12-20,9'), { provider: 'another' }))
    await importEvents(
      database.pool,
      from(calendar('GME,earnings,2026-11-20,', 'GME,earnings,2026-12-01,', 'AMC,split,2026-12-02,3')),
    )
    const moved = await importEvents(
      database.pool,
      from(calendar('GME,earnings,2026-12-08,', 'AMC,split,2026-12-02,4')),
    )
    expect(moved).toMatchObject({ rows: 2, changed: 2, dropped: 1, asOf: NOW })
    expect(await lines('select ticker, event_type, event_date, risk_factor from market_events order by 1, 3')).toEqual([
      'AMC split 2026-12-02 4',
      'GME earnings 2026-11-20 ',
      'GME earnings 2026-12-08 ',
      'GME split 2026-12-20 9',
    ])
  })

  test('with a negative factor is refused and the events stay', async () => {
    await importEvents(database.pool, from(calendar('GME,split,2026-12-20,9')))
    await expect(importEvents(database.pool, from(calendar('AMC,split,2026-12-20,-1')))).rejects.toThrow(FeedFileError)
    expect(await lines('select ticker from market_events')).toEqual(['GME'])
  })
})

describe('closing prices', () => {
  const closes = (...rows: string[]): string => ['symbol,date,close', ...rows].join('\n')

  test('are kept one a name; an older one does not replace a newer', async () => {
    await importCloses(database.pool, from(closes('GME,2026-11-23,22.5', 'AMC,2026-11-20,3.1')))
    const second = await importCloses(database.pool, from(closes('GME,2026-11-20,21', 'AMC,2026-11-23,3.25')))
    expect(second).toMatchObject({ leftAlone: null, rows: 2, changed: 1 })
    await importCloses(database.pool, from(closes('BB,2026-11-19,4')))
    expect(await lines('select ticker, close, price_date from last_closes order by 1')).toEqual([
      'AMC 3.25 2026-11-23',
      'BB 4 2026-11-19',
      'GME 22.5 2026-11-23',
    ])
    expect(await feed()).toEqual(['lender-one 2026-11-23T21:00:00.000Z 1 0 - false'])
  })

  test('of tomorrow are refused', async () => {
    await expect(importCloses(database.pool, from(closes('GME,2026-11-25,22.5')))).rejects.toThrow(/future/)
  })
})
