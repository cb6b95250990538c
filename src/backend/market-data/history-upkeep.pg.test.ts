import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { historyUpkeep } from './history-upkeep.ts'
import { readRateInputs } from './rate-history.ts'
import { readStoredObservations } from './stored-observations.ts'

const NOW = new Date('2026-11-24T06:37:00Z')
const DAYS = 100
const BEGIN = new Date('2026-08-16T06:37:00Z')

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const upkeep = () =>
  historyUpkeep({ database: database.pool, clock: () => NOW, days: DAYS, log: { info: () => {}, warn: () => {} } })

async function rows(statement: string): Promise<string[]> {
  const { rows: found } = await database.pool.query({ text: statement, rowMode: 'array' })
  return found.map((row: unknown[]) =>
    row.map((value) => (value instanceof Date ? value.toISOString().slice(0, 10) : (value ?? '-'))).join(' '),
  )
}

test('what is past its days goes; what was in force when they begin stays, and the last rate ever recorded', async () => {
  await database.pool.query(`
    insert into lender_rates (ticker, rate, borrow_status, available, listed, provider, as_of, received_at)
    values ('OLD', null, 'HARD', 0, false, 'p', '2026-02-01', '2026-02-01'), ('GME', 0.07, null, 1, true, 'p', '2026-11-01', '2026-11-01');
    insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
    values ('GME', '2026-01-01', 0.01, 'p', now()), ('GME', '2026-08-01', 0.02, 'p', now()), ('GME', '2026-08-16T06:36:59Z', 0.03, 'p', now()),
           ('GME', '2026-08-16T06:37:01Z', 0.04, 'p', now()), ('GME', '2026-11-01', 0.07, 'p', now()),
           ('OLD', '2026-01-01', 0.5, 'p', now()), ('OLD', '2026-01-02', 0.6, 'p', now()), ('OLD', '2026-02-01', null, 'p', now()),
           ('OLD', '2026-01-15', null, 'p', now()), ('ONE', '2026-01-01', 0.9, 'p', now());
    insert into stock_volatility_history (ticker, as_of, value, provider, received_at)
    values ('GME', '2026-01-01', 80, 'p', now()), ('GME', '2026-08-01', 81, 'p', now()), ('GME', '2026-11-01', 82, 'p', now());
    insert into volatility_index_history (as_of, value, provider, received_at)
    values ('2026-08-01', 20, 'p', now()), ('2026-11-01', 21, 'p', now());
    insert into volatility_index (index_date, value, provider, as_of, received_at) values ('2026-08-01', 20, 'p', '2026-08-01', now());
    insert into market_event_history (ticker, event_type, event_date, provider, known_from, known_to)
    values ('GME', 'split', '2026-07-01', 'p', '2026-01-01', null), ('GME', 'merger', '2026-08-15', 'p', '2026-01-01', null),
           ('GME', 'merger', '2026-12-01', 'p', '2026-01-01', '2026-08-01'), ('GME', 'earnings', '2026-12-01', 'p', '2026-01-01', null)`)
  const range = { from: BEGIN, to: NOW, intervalSeconds: 3600 }
  const before = await readRateInputs(database.pool, 'GME' as Ticker, range)
  const priced = await readStoredObservations(database.pool, ['OLD', 'ONE'] as Ticker[], '2026-11-24' as never)

  expect(await upkeep().letGo()).toBe(8)

  expect(await rows('select ticker, as_of, rate from lender_rate_history order by 1, 2')).toEqual([
    'GME 2026-08-16 0.03',
    'GME 2026-08-16 0.04',
    'GME 2026-11-01 0.07',
    'OLD 2026-01-02 0.6',
    'OLD 2026-02-01 -',
    'ONE 2026-01-01 0.9',
  ])
  expect(await rows('select as_of, value from stock_volatility_history order by 1')).toEqual([
    '2026-08-01 81',
    '2026-11-01 82',
  ])
  expect(await rows('select as_of, value from volatility_index_history')).toEqual(['2026-11-01 21'])
  expect(await rows('select event_type, event_date from market_event_history order by 2')).toEqual([
    'merger 2026-08-15',
    'earnings 2026-12-01',
  ])
  expect(await readRateInputs(database.pool, 'GME' as Ticker, range)).toEqual(before)
  expect(await readStoredObservations(database.pool, ['OLD', 'ONE'] as Ticker[], '2026-11-24' as never)).toEqual(priced)
  expect(await upkeep().letGo()).toBe(0)
})

test('more than one step is let go in steps, and two replicas at once get in nobody’s way', async () => {
  await database.pool.query(`
    insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
    select 'BIG', moment, 0.01, 'p', moment from generate_series(timestamptz '2026-01-01', '2026-03-31', interval '10 minutes') as moment`)
  const [one, other] = await Promise.all([upkeep().letGo(), upkeep().letGo()])
  expect(one + other + (await upkeep().letGo())).toBe(89 * 144)
  expect(await rows("select as_of from lender_rate_history where ticker = 'BIG'")).toEqual(['2026-03-31'])
})
