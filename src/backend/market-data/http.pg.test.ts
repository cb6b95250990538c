// One contract, held by the database reads themselves and by the wire to them: what is kept of a name arrives whole and exact.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../cache/memory-store.ts'
import { twoAgeCache } from '../cache/two-age-cache.ts'
import { seedDemoData } from '../database/seed.ts'
import type { Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { type Wire, wireTo } from '../test/both-ends.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { cachedReads, STORED_OBSERVATIONS_CODEC } from './cached-reads.ts'
import { borrowStatusOf, DEFAULT_INPUT_LIMITS } from './fallback.ts'
import { serveStoredReads, storedReadsClient } from './http.ts'
import { type NameOverTime, readManyHistories } from './many-histories.ts'
import type { StoredObservations } from './stored-observations.ts'
import { databaseReads, type StoredReads } from './stored-reads.ts'
import { readUniverse } from './universe.ts'

const NOW = new Date('2026-11-24T15:00:00Z')
const CONTEXT = ownContext('request-1')
const names = ['GME', 'BKKLY', 'AAEQ', 'BRK.B', 'ZZZZZ'] as Ticker[]

let database: TestDatabase
let reads: StoredReads
let wire: Wire
beforeAll(async () => {
  database = await testDatabase()
  await seedDemoData(database.pool, { now: NOW })
  await database.pool.query(
    `insert into last_closes (ticker, close, price_date, provider, received_at) values ('GME', 22.510001, '2026-11-23', 'closes', now());
     insert into stock_volatility (ticker, value, provider, as_of, received_at) values ('GME', 85.25, 'names', now(), now());
     update stocks set floor_rate = 0.01, borrow_status = 'HARD' where ticker = 'GME'`,
  )
  reads = databaseReads({ database: database.pool, clock: () => NOW, limits: DEFAULT_INPUT_LIMITS })
  wire = await wireTo(serveStoredReads(reads))
})
afterAll(async () => {
  await wire.close()
  await database.drop()
})

describe.each<[string, () => StoredReads]>([
  ['the database', () => reads],
  ['the wire to it', () => storedReadsClient(wire.client)],
])('%s', (_title, of) => {
  test.each(names)('says of %s all that is kept, digit by digit', async (ticker) => {
    const row = await of().one(ticker, { maxAgeSeconds: null, context: CONTEXT })
    expect(row).toEqual(await reads.one(ticker, { maxAgeSeconds: null, context: CONTEXT }))
    expect(row.known).toBe(ticker !== 'ZZZZZ')
  })

  test('has what each kind of input needs', async () => {
    const row = await of().one('GME' as Ticker, { maxAgeSeconds: 0, context: CONTEXT })
    expect(String(row.listing?.value.rate)).toBe('0.01534')
    expect(String(row.lastClose?.value.close)).toBe('22.510001')
    expect(String(row.stockVolatility?.value)).toBe('85.25')
    expect(row.calendar?.value.length).toBeGreaterThan(0)
    expect(row.listing?.asOf).toEqual(new Date('2025-12-28T20:14:44Z'))
  })

  test.each([null, 'HARD', 'EASY'] as const)(
    'gives all names of status %s, by ticker, each as it is alone',
    async (status) => {
      await database.pool.query(`
      insert into stocks (ticker, name, borrow_status, active) values ('OUT', 'TAKEN OUT', 'HARD', false), ('DESK', 'ONLY THE DESK', 'HARD', true)
          on conflict do nothing;
      update lender_rates set rate = null, listed = false, borrow_status = 'HARD', available = 0 where ticker = 'BKKLY';
      insert into event_calendars (ticker, provider, as_of, received_at, known_since)
      values ('GME', 'names', '2026-11-24T14:59:59.987Z', '2026-11-24T15:00:00Z', '2026-11-24T15:00:00Z') on conflict do nothing`)
      const found: StoredObservations[] = []
      for await (const page of readUniverse(of().universe({ status }, CONTEXT, new AbortController().signal)))
        found.push(...page)
      const { rows } = await database.pool.query<{ ticker: Ticker }>(
        `select ticker from (select ticker from stocks where active union select ticker from lender_rates where ticker <> 'OUT') as names
        order by ticker collate "C"`,
      )
      const alone = await Promise.all(
        rows.map(({ ticker }) => reads.one(ticker, { maxAgeSeconds: null, context: CONTEXT })),
      )
      const expected = alone.filter(
        ({ listing, stockStatus }) => status === null || borrowStatusOf(listing?.value ?? null, stockStatus) === status,
      )
      expect(found.length).toBeGreaterThan(20)
      expect(found).toEqual(expected.map((row) => ({ ...row, lastClose: null })))
    },
  )

  test('gives what rates were made of over time', async () => {
    const range = { from: new Date('2025-12-01T00:00:00Z'), to: NOW, intervalSeconds: 86_400 }
    const read = await of().overTime('GME' as Ticker, range, CONTEXT)
    expect(read).toEqual(await reads.overTime('GME' as Ticker, range, CONTEXT))
    expect(read.lender).toHaveLength(1)
    expect(read.volatilityIndex.length).toBeGreaterThan(100)
    expect(read.events.length).toBeGreaterThan(0)
  })

  test('gives the same of many names at once, as far as borrow rates rest on it', async () => {
    const range = { from: new Date('2025-12-01T00:00:00Z'), to: NOW, intervalSeconds: 86_400 }
    const read = async (tickers: readonly Ticker[] | null) => {
      const lines = of().manyOverTime({ tickers, range }, CONTEXT, new AbortController().signal)
      const found: NameOverTime[] = []
      for await (const page of readManyHistories(lines)) found.push(...page)
      return found
    }
    const some = await read(names)
    expect(some.map(({ ticker }) => ticker)).toEqual(['GME', 'BKKLY', 'AAEQ', 'BRK.B'])
    for (const { ticker, inputs } of some) {
      const { lender, ...alone } = await reads.overTime(ticker, range, CONTEXT)
      const words = lender.map(({ asOf, lastRate }) => ({ asOf, lastRate }))
      expect(inputs, ticker).toEqual({ ...alone, lender: words })
    }
    expect(some[0]?.inputs.events.length).toBeGreaterThan(0)
    const all = await read(null)
    expect(all.map(({ ticker }) => ticker)).toEqual(all.map(({ ticker }) => ticker).sort())
    expect(all).toContainEqual(some[0])
    expect(all.length).toBeGreaterThan(20)
  })

  test('says the same of many names at once, and names all that there are, step by step', async () => {
    const rows = await of().many(names, CONTEXT)
    expect(rows.map(({ ticker }) => ticker)).toEqual(names)
    expect(rows[3]).toEqual(await reads.one('BRK.B' as Ticker, { maxAgeSeconds: null, context: CONTEXT }))
    const first = await of().tickersAfter(null, CONTEXT)
    expect(first).toEqual([...first].sort())
    expect(await of().tickersAfter(first[0] as Ticker, CONTEXT)).toEqual(first.slice(1))
    expect(await of().tickersAfter(first.at(-1) as Ticker, CONTEXT)).toEqual([])
  })

  test('gives pages of a tier and the states of the feeds', async () => {
    const page = await of().byStatus('HARD', { skip: 1, limit: 3 }, CONTEXT)
    expect(page).toEqual(await reads.byStatus('HARD', { skip: 1, limit: 3 }, CONTEXT))
    expect(page.rows).toHaveLength(3)
    expect(await of().feeds(CONTEXT)).toEqual(await reads.feeds(CONTEXT))
  })
})

test('many names come through the cache with what it keeps, and those that nobody knows are as they were read', async () => {
  const clock = () => NOW
  const cache = twoAgeCache({
    store: memoryStore({ clock }),
    name: 'observations',
    codec: STORED_OBSERVATIONS_CODEC,
    freshSeconds: 60,
    staleSeconds: 600,
    announces: null,
    clock,
  })
  let asked: readonly Ticker[] = []
  const counted: StoredReads = {
    ...reads,
    many: (tickers, context) => {
      asked = tickers
      return reads.many(tickers, context)
    },
  }
  const cached = cachedReads(counted, cache)
  expect(await cached.many(names, CONTEXT)).toEqual(await reads.many(names, CONTEXT))
  expect(asked).toEqual(names)
  asked = []
  expect((await cached.many(['GME', 'AAEQ'] as Ticker[], CONTEXT)).map(({ known }) => known)).toEqual([true, true])
  expect(asked).toEqual([])
  cache.close()
})

test('a cache keeps a row whole as well', async () => {
  for (const ticker of names) {
    const row = await reads.one(ticker, { maxAgeSeconds: null, context: CONTEXT })
    expect(STORED_OBSERVATIONS_CODEC.read(STORED_OBSERVATIONS_CODEC.write(row))).toEqual(row)
  }
  expect(() => STORED_OBSERVATIONS_CODEC.read('{"ticker":"GME"}')).toThrow('observations.known is not true or false')
})
