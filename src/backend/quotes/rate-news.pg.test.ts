// One contract, held by the news of rates over a database and by the wire to it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_INPUT_LIMITS } from '../market-data/fallback.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import { databaseReads, type StoredReads } from '../market-data/stored-reads.ts'
import { DESK_V1, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import type { Ticker } from '../pricing/units.ts'
import type { TermsInForce } from '../reference-data/terms-in-force.ts'
import { ownContext } from '../server/call-context.ts'
import { type Wire, wireTo } from '../test/both-ends.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { rateNewsClient, serveRateNews } from './http.ts'
import { type RateNews, rateNews, type WatchedRatesAsk } from './rate-news.ts'

const NOW = new Date('2026-11-24T20:00:00Z')
const CONTEXT = ownContext('test-context')

let database: TestDatabase
let wire: Wire
let now: Date
let reads: StoredReads
/** What was read, and how. */
let asked: string[]
let news: RateNews

/** Over copies of a minute, made anew for each test; the wire asks whichever there is. */
function newsNow(): RateNews {
  const clock = () => now
  const source = databaseReads({ database: database.pool, clock, limits: DEFAULT_INPUT_LIMITS })
  reads = {
    ...source,
    one: (ticker, options) => {
      asked.push(`one ${ticker}`)
      return source.one(ticker, options)
    },
    many: (tickers, context) => {
      asked.push(`many ${tickers.join()}`)
      return source.many(tickers, context)
    },
  }
  const market = marketData({ reads, clock, limits: DEFAULT_INPUT_LIMITS, localCopySeconds: 60, awaySeconds: 300 })
  return rateNews({
    snapshot: market.snapshot,
    tickersAfter: reads.tickersAfter,
    terms: async (clientId) =>
      clientId === 'nobody' ? null : ({ broker: { active: true }, model: DESK_V1 } as unknown as TermsInForce),
    modelByName: async (name) => [STANDARD_V1, DESK_V1].find(({ model }) => model === name) ?? null,
    clock,
    newYorkDate,
  })
}

beforeAll(async () => {
  database = await testDatabase()
  wire = await wireTo(
    serveRateNews({
      rates: (ask, context) => news.rates(ask, context),
      modelOf: (clientId, context) => news.modelOf(clientId, context),
      tickersAfter: (after, context) => news.tickersAfter(after, context),
    }),
  )
})
afterAll(async () => {
  await wire.close()
  await database.drop()
})
beforeEach(async () => {
  now = NOW
  asked = []
  news = newsNow()
  await database.pool.query('truncate lender_rates, stock_volatility, feed_states, stocks')
  await database.pool.query(`
    insert into lender_rates (ticker, rate, available, available_at_least, provider, as_of, received_at)
    values ('AAA', 0.0500, 250000, false, 'lender', '2026-11-24T19:58:00.123Z', '2026-11-24T19:59:00Z'),
           ('BBB', 0.1, null, true, 'lender', '2026-11-24T19:58:00Z', '2026-11-24T19:59:00Z');
    insert into stock_volatility (ticker, value, provider, as_of, received_at)
    select ticker, 0, 'volatility', '2026-11-24T19:58:00Z', '2026-11-24T19:59:00Z' from lender_rates;
    insert into feed_states (feed, provider, last_success, as_of, rows)
    values ('lender', 'lender', '2026-11-24T19:59:00Z', '2026-11-24T19:58:00Z', 2)`)
})

const ask = (...names: string[]): WatchedRatesAsk => ({
  model: 'standard-v1',
  tickers: names as Ticker[],
  heldMsMax: null,
  renewing: true,
})

describe.each<[string, () => RateNews]>([
  ['the news', () => news],
  ['the wire', () => rateNewsClient(wire.client)],
])('%s', (_name, of) => {
  test('gives rates as text with what stands beside them, and leaves out names that have none', async () => {
    const rates = await of().rates(ask('AAA', 'NONE', 'BBB'), CONTEXT)
    expect(rates.map(({ ticker, rate, facts }) => `${ticker} ${rate} ${facts}`)).toEqual([
      'AAA 0.05 "borrow_status":"HARD","lender_rate":0.05,"volatility_index":0,"event_risk_factor":null,"availability":{"shares":250000,"at_least":false},"rebate_rate":null,"degraded":["event_risk_fallback"]',
      'BBB 0.1 "borrow_status":"HARD","lender_rate":0.1,"volatility_index":0,"event_risk_factor":null,"availability":{"shares":null,"at_least":true},"rebate_rate":null,"degraded":["event_risk_fallback"]',
    ])
    expect(rates[0]?.lenderAsOf).toEqual(new Date('2026-11-24T19:58:00.123Z'))
    expect(rates[0]?.lastUpdated).toEqual(new Date('2026-11-24T19:58:00.123Z'))
  })

  test('is under the model that is asked for, and there must be one', async () => {
    await database.pool.query(`update stock_volatility set value = 60`)
    const rateUnder = async (model: string) => (await of().rates({ ...ask('AAA'), model }, CONTEXT))[0]?.rate
    expect(await rateUnder('standard-v1')).not.toBe(await rateUnder('desk-v1'))
    await expect(rateUnder('nothing-v1')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('knows the model of a broker', async () => {
    expect(await of().modelOf('acme', CONTEXT)).toBe('desk-v1')
    await expect(of().modelOf('nobody', CONTEXT)).rejects.toMatchObject({ code: 'CLIENT_NOT_FOUND' })
  })

  test('names all names, step by step', async () => {
    expect(await of().tickersAfter(null, CONTEXT)).toEqual(['AAA', 'BBB'])
    expect(await of().tickersAfter('AAA' as Ticker, CONTEXT)).toEqual(['BBB'])
    expect(await of().tickersAfter('BBB' as Ticker, CONTEXT)).toEqual([])
  })

  test.each([true, false])(
    'uses copies that are young enough for who has heard of a change (renewing: %s)',
    async (renewing) => {
      const rate = async (heldMsMax: number | null) =>
        (await of().rates({ ...ask('AAA'), renewing, heldMsMax }, CONTEXT))[0]?.rate
      expect(await rate(null)).toBe('0.05')
      await database.pool.query(`update lender_rates set rate = 0.07`)
      now = new Date(NOW.getTime() + 10_000)
      expect(await rate(null)).toBe('0.05')
      expect(await rate(10_000)).toBe('0.05')
      expect(await rate(9_999)).toBe('0.07')
      await database.pool.query(`update lender_rates set rate = 0.08`)
      // What the news was about has been read since, by whoever asked first.
      now = new Date(NOW.getTime() + 10_500)
      expect(await rate(600)).toBe('0.07')
      expect(await rate(400)).toBe('0.08')
      expect(await rate(null)).toBe('0.08')
    },
  )

  test('reads names that nobody named together, and no feed is asked for their sake', async () => {
    await of().rates({ ...ask('AAA', 'BBB'), renewing: false }, CONTEXT)
    expect(asked).toEqual(['many AAA,BBB'])
    asked.splice(0)
    await of().rates({ ...ask('AAA', 'BBB'), heldMsMax: 0 }, CONTEXT)
    expect(asked).toEqual([])
    now = new Date(NOW.getTime() + 1)
    await of().rates({ ...ask('AAA', 'BBB'), heldMsMax: 0 }, CONTEXT)
    expect(asked).toEqual(['one AAA', 'one BBB'])
  })
})
