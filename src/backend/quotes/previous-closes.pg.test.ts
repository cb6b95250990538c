// The rates of the last close over a real database: they are the history's, of all names at once, and are read once a day.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_INPUT_LIMITS } from '../market-data/fallback.ts'
import { marketData } from '../market-data/market-data.ts'
import { databaseReads, type StoredReads } from '../market-data/stored-reads.ts'
import { DESK_V1, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { asRate, type Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { closeBefore, type PreviousCloses, previousCloses } from './previous-closes.ts'

const CONTEXT = ownContext('request-1')
const MONDAYS_CLOSE = new Date('2026-11-23T21:00:00Z')

let database: TestDatabase
let now: Date
let reads: number
let away: boolean
let failures: unknown[]
let closes: PreviousCloses
beforeAll(async () => {
  database = await testDatabase()
  await database.pool.query(`
    insert into lender_rates (ticker, rate, provider, as_of, received_at)
    select ticker, 0.5, 'lender', '2026-11-24T15:00:00Z', '2026-11-24T15:00:00Z' from unnest(array['AAA', 'BBB', 'CCC', 'DDD', 'OUT']) as ticker;
    insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
    values ('AAA', '2026-11-20T15:00:00Z', 0.01, 'lender', '2026-11-20T15:00:00Z'), ('AAA', '2026-11-23T21:00:00Z', 0.02, 'lender', '2026-11-23T21:00:00Z'),
           ('AAA', '2026-11-23T21:00:01Z', 0.03, 'lender', '2026-11-23T21:00:01Z'), ('BBB', '2026-11-20T15:00:00Z', 0.10, 'lender', '2026-11-20T15:00:00Z'),
           ('BBB', '2026-11-23T15:00:00Z', null, 'lender', '2026-11-23T15:00:00Z'), ('CCC', '2026-11-24T15:00:00Z', 0.5, 'lender', '2026-11-24T15:00:00Z'),
           ('OUT', '2026-11-20T15:00:00Z', 0.10, 'lender', '2026-11-20T15:00:00Z');
    insert into stocks (ticker, active) values ('OUT', false);
    insert into volatility_index_history (as_of, value, provider, received_at) values ('2026-11-23T20:00:00Z', 30, 'index', '2026-11-23T20:00:00Z'), ('2026-11-24T15:00:00Z', 40, 'index', '2026-11-24T15:00:00Z');
    insert into stock_volatility_history (ticker, as_of, value, provider, received_at) values ('BBB', '2026-11-23T20:00:00Z', 80, 'names', '2026-11-23T20:00:00Z');
    insert into event_calendars (ticker, provider, as_of, received_at, known_since) values ('AAA', 'events', '2026-11-20T15:00:00Z', '2026-11-20T15:00:00Z', '2026-11-20T15:00:00Z');
    insert into market_event_history (ticker, event_type, event_date, provider, risk_factor, known_from)
    values ('AAA', 'earnings', '2026-12-01', 'events', 10, '2026-11-20T15:00:00Z'), ('AAA', 'split', '2026-12-01', 'events', 4, '2026-11-24T15:00:00Z')`)
})
afterAll(() => database.drop())
beforeEach(() => {
  now = new Date('2026-11-24T15:30:00Z')
  reads = 0
  away = false
  failures = []
  const source = databaseReads({ database: database.pool, clock: () => now, limits: DEFAULT_INPUT_LIMITS })
  const manyOverTime: StoredReads['manyOverTime'] = async function* counted(...asked) {
    reads += 1
    if (away) throw new Error('connection lost')
    yield* source.manyOverTime(...asked)
  }
  const { namesOverTime } = marketData({
    reads: { ...source, manyOverTime },
    clock: () => now,
    limits: DEFAULT_INPUT_LIMITS,
    localCopySeconds: 0,
    awaySeconds: 0,
  })
  closes = previousCloses({
    namesOverTime,
    volatilityLimit: DEFAULT_INPUT_LIMITS.volatility,
    calendar: US_SETTLEMENT_CALENDAR,
    clock: () => now,
    onFailure: (error) => failures.push(error),
  })
})

async function ratesUnder(model = STANDARD_V1, floor = '0.0001') {
  const close = await closes(model, CONTEXT)
  const rate = (ticker: string) =>
    close.rateOf({ ticker: ticker as Ticker, floorRate: asRate(decimal(floor)) })?.toString() ?? null
  return { at: close.at, rates: ['AAA', 'BBB', 'CCC', 'DDD', 'OUT'].map(rate) }
}

describe('the rate at the close', () => {
  test('is of what was in force then, and of nothing later; a name without a past, or out of trading, has none', async () => {
    // AAA: 0.02 x (1 + 0.30 + 0.05); BBB: the last rate it had, at its own 80.
    expect(await ratesUnder()).toEqual({ at: MONDAYS_CLOSE, rates: ['0.027', '0.18', null, null, null] })
  })

  test('is under the model that is asked for, and never below the floor that the name has now', async () => {
    // AAA: 0.02 x (1 + 0.10 + 1); BBB: 0.10 x 1.10, of the index.
    expect((await ratesUnder(DESK_V1)).rates).toEqual(['0.042', '0.11', null, null, null])
    expect((await ratesUnder(DESK_V1, '0.1')).rates).toEqual(['0.1', '0.11', null, null, null])
  })

  test('is read once a day and model, however many ask, and anew on the next day', async () => {
    await Promise.all([ratesUnder(), ratesUnder(), ratesUnder(DESK_V1)])
    now = new Date('2026-11-25T04:59:59Z')
    await ratesUnder()
    expect(reads).toBe(2)
    now = new Date('2026-11-25T05:00:00Z')
    // Tuesday's close: 0.03 x (1 + 0.40 + 0.05), 0.10 x 1.80, 0.5 x 1.40.
    expect(await ratesUnder()).toEqual({
      at: new Date('2026-11-24T21:00:00Z'),
      rates: ['0.0435', '0.18', '0.7', null, null],
    })
    expect(reads).toBe(3)
  })

  test('is not known while the past cannot be read, which is tried again and told', async () => {
    away = true
    expect(await ratesUnder()).toEqual({ at: MONDAYS_CLOSE, rates: [null, null, null, null, null] })
    expect(failures).toHaveLength(1)
    away = false
    expect((await ratesUnder()).rates[0]).toBe('0.027')
  })
})

test.each([
  ['2026-11-24T15:30:00Z', '2026-11-23T21:00:00Z', 'Tuesday: of Monday'],
  ['2026-11-25T03:00:00Z', '2026-11-23T21:00:00Z', 'Tuesday evening in New York: still of Monday'],
  ['2026-11-23T15:00:00Z', '2026-11-20T21:00:00Z', 'Monday: of Friday'],
  ['2026-11-22T15:00:00Z', '2026-11-20T21:00:00Z', 'Sunday: of Friday'],
  ['2026-11-27T15:00:00Z', '2026-11-25T21:00:00Z', 'after Thanksgiving: of Wednesday'],
  ['2026-10-13T15:00:00Z', '2026-10-12T20:00:00Z', 'after Columbus Day: exchanges traded; summer time'],
])('%s has the close of %s: %s', (moment, close) => {
  expect(closeBefore(new Date(moment), US_SETTLEMENT_CALENDAR)).toEqual(new Date(close))
})
