// The rate of a name over time, for a chart: what was kept of its inputs, priced when it is read.
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, list } from './market.ts'

const HOUR_MS = 3_600_000
/** The hour that is going on now; the test's past is counted in hours from here. */
const HOUR = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS)
const ago = (hours: number) => new Date(HOUR.getTime() - hours * HOUR_MS).toISOString()
let deployed: Deployment

async function said(
  database: pg.Pool,
  rates: readonly (readonly [hoursAgo: number, rate: string | null, shares: number])[],
) {
  for (const [hours, rate, shares] of rates) {
    await database.query(
      `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at) values ('ZHIS', $1, $2, $3, 'test lender', $1)`,
      [ago(hours), rate, shares],
    )
  }
}

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await list(database, { ticker: 'ZHIS', rate: '0.08', available: 800 })
      await list(database, { ticker: 'ZNEW', rate: '0.08' })
      await said(database, [
        [30, '0.05', 500],
        [20.5, '0.06', 600],
        [20.25, '0.07', 700],
        [10, null, 0],
        [5, '0.08', 800],
      ])
      await database.query(
        `insert into volatility_index_history (as_of, value, provider, received_at)
         select moment, value, 'test index', moment from (values ($1::timestamptz, 10), ($2::timestamptz, 20)) as said (moment, value)`,
        [ago(31), ago(15)],
      )
      await database.query(
        `insert into volatility_index (index_date, value, provider, as_of, received_at)
         values (($1::timestamptz at time zone 'America/New_York')::date, 20, 'test index', $1, $1)`,
        [ago(15)],
      )
      await broker(database, 'deskmodel', { pricing_model: 'desk-v1' })
    },
  })
})

const history = (query: string, key = deployed.keys.desk, ticker = 'ZHIS'): Promise<Answer> =>
  ask(deployed, { path: `/api/v1/rates/${ticker}/history?${query}`, key })
const points = ({ json }: Answer) =>
  (
    json.points as { time: string; borrow_rate: string; lender_rate: string | null; availability: { shares: string } }[]
  ).map(
    ({ time, borrow_rate: rate, lender_rate: lender, availability }) =>
      `${(Date.parse(time) - HOUR.getTime()) / HOUR_MS} ${rate} ${lender} ${availability.shares}`,
  )

describe('a history', () => {
  test('has a point an hour, with what was in force at its end, and none before the first rate', async () => {
    const answer = await history(`from=${ago(34)}&to=${ago(0)}&interval=1h`)
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('private, no-cache')
    expect(answer.json).toMatchObject({
      status: 'success',
      ticker: 'ZHIS',
      interval: '1h',
      pricing_model: 'standard-v1',
    })
    const told = points(answer)
    expect(told).toHaveLength(31)
    expect(told[0]).toBe('-30 0.055 0.05 500')
    expect(told).toContain('-21 0.055 0.05 500')
    expect(told).toContain('-20 0.077 0.07 700')
    expect(told).toContain('-15 0.084 0.07 700')
    // The lender gave none: the rate rests on its last one, and says so.
    expect(told).toContain('-10 0.084 null 0')
    expect(told).toContain('-5 0.096 0.08 800')
    // The calendar of events came when the engine was started: of this past none was known.
    expect(answer.json.points.at(-1)).toMatchObject({ volatility_index: '20', event_risk_factor: null })
  })

  test('by the minute is finer, by the day coarser, and ends at the end of the range', async () => {
    const fine = await history(`from=${ago(20.5)}&to=${ago(20)}&interval=1m`)
    expect(points(fine).map((point) => point.split(' ')[2])).toEqual([
      ...Array(14).fill('0.06'),
      ...Array(16).fill('0.07'),
    ])
    const coarse = await history(`from=${ago(48)}&to=${ago(0.5)}&interval=1d`)
    expect(coarse.json.points.at(-1)).toMatchObject({ time: ago(0.5), lender_rate: '0.08' })
    expect(coarse.json.points.length).toBeLessThanOrEqual(3)
  })

  test("is under the model of the key's broker", async () => {
    const key = await deployed.newKey('deskmodel', 'broker')
    const answer = await history(`from=${ago(17)}&to=${ago(16)}`, key)
    expect(answer.json.pricing_model).toBe('desk-v1')
    expect(points(answer)).toEqual(['-16 0.07 0.07 700'])
  })

  test('of the last week by the hour is what is meant when nothing is said, and ends with the current rate', async () => {
    const answer = await history('')
    expect(answer.json.interval).toBe('1h')
    const current = await ask(deployed, { path: '/api/v1/rates/ZHIS', key: deployed.keys.desk })
    expect(answer.json.points.at(-1).borrow_rate).toBe(current.json.current_rate)
    expect(Date.now() - Date.parse(answer.json.points.at(-1).time)).toBeLessThan(60_000)
    expect((await history(`to=${ago(-48)}`)).json.points.at(-1).borrow_rate).toBe(current.json.current_rate)
  })

  test('of a demonstration has its excerpt from the day it is of', async () => {
    const answer = await history('from=2025-12-01&to=2026-01-10&interval=1d', deployed.keys.desk, 'GME')
    expect(answer.json.points[0].time).toBe('2025-12-29T00:00:00.000Z')
    expect(answer.json.points).toHaveLength(14)
  })

  test('is empty before anything was observed', async () => {
    const answer = await history('from=2020-01-01&to=2020-12-31&interval=1h')
    expect(answer.status).toBe(200)
    expect(answer.json.points).toEqual([])
  })

  test('of a year by the hour fits, and is there within a moment', async () => {
    const startedAt = performance.now()
    const answer = await history(`from=${ago(365 * 24)}&to=${ago(0)}&interval=1h`)
    expect(answer.status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

describe('histories of many names', () => {
  const histories = (query: string, key = deployed.keys['demo-classic']): Promise<Answer> =>
    ask(deployed, { path: `/api/v1/rates/history?${query}`, key })

  test('are those that each has alone, in the order asked for; a name that is none is named', async () => {
    const range = `from=${ago(34)}&to=${ago(0)}&interval=1h`
    const answer = await histories(`tickers=ZNEW,ZHIS,ZZZZZ,GME,ZHIS&${range}`)
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('private, no-cache')
    const { status, interval, pricing_model, series, unknown } = answer.json
    expect({ status, interval, pricing_model, unknown }).toEqual({
      status: 'success',
      interval: '1h',
      pricing_model: 'standard-v1',
      unknown: ['ZZZZZ'],
    })
    expect(series.map(({ ticker }: { ticker: string }) => ticker)).toEqual(['ZNEW', 'ZHIS', 'GME'])
    // Nobody has said anything of it over time.
    expect(series[0].points).toEqual([])
    for (const { ticker, points } of series.slice(1)) {
      const alone = (await history(range, deployed.keys.desk, ticker)).json.points as Record<string, unknown>[]
      expect(points).toEqual(alone.map(({ time, borrow_rate }) => ({ time, borrow_rate })))
      expect(points.length).toBeGreaterThan(30)
    }
  })

  test("are of the last week by the hour unless said, and under the model of the key's broker", async () => {
    const key = await deployed.newKey('deskmodel', 'broker')
    const { json } = await histories('tickers=ZHIS', key)
    expect(json.interval).toBe('1h')
    expect(json.pricing_model).toBe('desk-v1')
    const client = new BorrowRateClient({ baseUrl: deployed.url, apiKey: key })
    const same = await client.rates.histories(['ZHIS'], { from: ago(17), to: ago(16) })
    expect(same.series).toEqual([{ ticker: 'ZHIS', points: [{ time: ago(16), borrow_rate: '0.07' }] }])
  })

  test('of a hundred names are there within a moment', async () => {
    const { json } = await ask(deployed, { path: '/api/v1/rates', key: deployed.keys.desk })
    const tickers = json.items.slice(0, 100).map(({ ticker }: { ticker: string }) => ticker)
    const startedAt = performance.now()
    const answer = await histories(`tickers=${tickers.join()}`)
    expect(answer.json.series).toHaveLength(100)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  test.each([
    ['', 'tickers', 'tickers is required'],
    ['tickers=', 'tickers', 'tickers must be 1 to 100 tickers'],
    ['tickers=gme', 'tickers', 'tickers must be 1 to 100 tickers'],
    [`tickers=${Array(101).fill('A').join()}`, 'tickers', 'tickers must be 1 to 100 tickers'],
    ['tickers=GME&interval=2h', 'interval', 'interval must be'],
    ['tickers=GME&from=2026-01-02&to=2026-01-01', 'from', 'from must be earlier'],
    [
      'tickers=GME,AMC,ZHIS,A,B,C,D,E,F,G&from=2026-01-01&to=2026-01-08&interval=1m',
      'interval',
      'interval must be 5m or longer for this range: 1m makes 11520 points for each of 10 names, and an answer has 5040 at the most',
    ],
  ])('refuse ?%s', async (query, field, sentence) => {
    const answer = await histories(query)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
    expect(answer.json.error).toContain(sentence)
    expect(answer.json.valid_params).toEqual(['tickers', 'from', 'to', 'interval'])
  })

  test('refuse a bad key', async () => {
    expectFailure(await histories('tickers=GME', 'none'), 'UNAUTHORIZED')
  })
})

describe('what is refused', () => {
  test.each([
    ['from=2026-01-01&to=2026-01-08&interval=1m', null],
    [
      'from=2026-01-01&to=2026-01-31&interval=1m',
      'interval must be 5m or longer for this range: 1m makes 44640 points',
    ],
    ['from=2026-01-01&to=2026-02-10&interval=1m', 'interval must be 15m or longer'],
    ['from=2025-01-01&to=2025-12-31&interval=15m', 'interval must be 1h or longer'],
    ['from=2020-01-01&to=2025-12-31&interval=1h', 'interval must be 1d or longer'],
    ['from=1970-01-01&to=2025-12-31&interval=1d', 'from and to must be at most 10080 days apart'],
  ])('%s: %s', async (query, sentence) => {
    const answer = await history(query)
    if (sentence === null) return expectFailure(answer, 'INVALID_PARAMETER')
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.error).toContain(sentence)
  })

  test.each([
    ['from=2026-01-02&to=2026-01-01', 'from'],
    ['from=2999-01-01', 'from'],
    ['from=yesterday', 'from'],
    ['to=2026-13-01', 'to'],
    ['interval=2h', 'interval'],
    ['interval=1h&interval=1d', 'interval'],
  ])('%s is 400 that names the field', async (query, field) => {
    const answer = await history(query)
    expectFailure(answer, 'INVALID_PARAMETER', ['yesterday', '2999'])
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
    expect(answer.json.valid_params).toEqual(['from', 'to', 'interval'])
  })

  test('a name that nobody knows, a bad ticker, a bad key', async () => {
    expectFailure(await history('', deployed.keys.desk, 'ZZZZZ'), 'TICKER_NOT_FOUND')
    expectFailure(await history('', deployed.keys.desk, 'zhis'), 'INVALID_PARAMETER')
    expectFailure(await history('', 'none'), 'UNAUTHORIZED')
  })
})
