// The promise of the history: a point is what the engine answered at that moment. Feeds say this and that over some days; every hour
// the current rate is asked for, and in the end the history is compared with all those answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_INPUT_LIMITS } from '../market-data/fallback.ts'
import { importEvents, importVolatilityHistory } from '../market-data/import.ts'
import {
  keepEvents,
  keepListing,
  keepStockVolatility,
  keepUnlisted,
  keepVolatilityIndex,
} from '../market-data/import-answers.ts'
import { marketData } from '../market-data/market-data.ts'
import { newYorkDate } from '../market-data/new-york-time.ts'
import type { Stored } from '../market-data/observation.ts'
import { databaseReads } from '../market-data/stored-reads.ts'
import { DESK_V1, type PricingModel, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal, trim } from '../pricing/decimal.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import { asIndexPoints, asRate, type Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { randomFrom } from '../test/random.ts'
import { rateAnswer } from './answer.ts'
import { pricingInputs } from './pricing-inputs.ts'
import { rates } from './rate.ts'

const GME = 'GME' as Ticker
const CONTEXT = ownContext('request-1')
const START = new Date('2026-11-20T00:00:00Z')
const DAYS = 6
const MINUTE_MS = 60_000

let database: TestDatabase
let now = START
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const clock = () => now
const stored = <T>(value: T): Stored<T> => ({ value, provider: 'service', asOf: now, receivedAt: now, demo: false })

function ratesUnder(model: PricingModel) {
  const reads = databaseReads({ database: database.pool, clock, limits: DEFAULT_INPUT_LIMITS })
  const market = marketData({ reads, clock, limits: DEFAULT_INPUT_LIMITS, localCopySeconds: 0, awaySeconds: 0 })
  const terms = async () => ({ broker: { active: true }, model }) as never
  return rates({
    fetchPricingInputs: pricingInputs({ terms, observe: market.observe }),
    listByStatus: market.listByStatus,
    snapshot: market.snapshot,
    overTime: reads.overTime,
    namesOverTime: market.namesOverTime,
    volatilityLimit: DEFAULT_INPUT_LIMITS.volatility,
    terms,
    modelByName: async () => null,
    clock,
    newYorkDate,
  })
}

describe.each([
  ['standard-v1', STANDARD_V1],
  ['desk-v1', DESK_V1],
])('under %s', (_name, model) => {
  test('every point is what was answered then', async () => {
    await database.pool.query(
      `truncate lender_rates, lender_rate_history, volatility_index, volatility_index_history, stock_volatility,
                stock_volatility_history, market_events, market_event_history, event_calendars, feed_states, stocks`,
    )
    await database.pool.query("insert into stocks (ticker, floor_rate) values ('GME', 0.012)")
    const chance = randomFrom(20_261_120)
    const integer = (from: number, to: number) => from + Math.floor(chance() * (to - from + 1))
    const pick = <T>(of: readonly T[]): T => of[integer(0, of.length - 1)] as T
    const ahead = (days: number) => dateOfDay(dayNumber(newYorkDate(now)) + days)
    const steps: readonly (() => Promise<unknown>)[] = [
      () =>
        keepListing(
          database.pool,
          GME,
          stored({
            rate: asRate(decimal(`0.0${integer(10, 99)}`)),
            borrowStatus: null,
            availability: { shares: integer(0, 5000), atLeast: false },
            benchmarkRate: null,
            listed: true,
          }),
        ),
      () => keepVolatilityIndex(database.pool, stored(asIndexPoints(decimal(`${integer(12, 30)}.5`)))),
      () => keepStockVolatility(database.pool, GME, stored(asIndexPoints(decimal(integer(40, 120))))),
      () =>
        keepEvents(
          database.pool,
          GME,
          stored(
            Array.from({ length: integer(0, 3) }, (_, place) => ({
              type: ['earnings', 'split', 'rumour'][place] as string,
              date: ahead(place * 7 + integer(0, 8)),
              riskFactor: pick([null, 1, 9]),
            })),
          ),
        ),
      () =>
        importEvents(database.pool, {
          source: `symbol,type,date,risk_factor\nAMC,split,2026-12-20,\nGME,merger,${ahead(integer(0, 20))},\n`,
          provider: 'file',
          demo: false,
          receivedAt: now,
        }),
    ]
    const rate = ratesUnder(model)
    const answered: Record<string, unknown>[] = []
    for (let minute = 0; minute < DAYS * 24 * 60; minute += 1) {
      now = new Date(START.getTime() + minute * MINUTE_MS)
      const day = Math.floor(minute / 1440)
      // The first day has a lender alone; on the third it drops the name for some hours; on the fifth nobody says anything for long.
      const last = day === 0 ? 0 : steps.length - 1
      const isDropped = minute >= 2 * 1440 + 300 && minute < 2 * 1440 + 720
      if (minute === 2 * 1440 + 300) await keepUnlisted(database.pool, GME, { providers: ['service'], receivedAt: now })
      const isSilent = day === 4 && minute % 1440 < 1200
      if (minute === 1440 + 600) {
        const source = 'DATE,OPEN,HIGH,LOW,CLOSE\n11/21/2026,1,1,1,17.25\n'
        await importVolatilityHistory(database.pool, { source, provider: 'cboe', demo: false, receivedAt: now })
      }
      if (minute % 7 === 0 && minute > 90 && !isDropped && !isSilent) await steps[integer(0, last)]?.()
      if (minute % 60 !== 0 || minute === 0) continue
      if (minute < 120) continue
      const current = await rate.current(GME, 'house', null, CONTEXT)
      const { market } = current
      const answer = rateAnswer(current) as Record<string, { toString(): string } | null>
      answered.push({
        time: now.toISOString(),
        borrow_rate: String(answer.current_rate),
        lender_rate: market.lenderRate.fallbackReason?.includes('no longer lists') ? null : String(answer.lender_rate),
        volatility_index: answer.volatility_index?.toString() ?? null,
        event_risk_factor: answer.event_risk_factor,
        shares: market.availability?.value.shares ?? null,
      })
    }
    const range = { from: new Date(START.getTime() + 60 * MINUTE_MS), to: now, intervalSeconds: 3600 }
    const { points } = await rate.history({ ticker: GME, clientId: 'house', range }, CONTEXT)
    const many = await rate.histories({ tickers: ['AMC', 'NONE', GME] as Ticker[], clientId: 'house', range }, CONTEXT)
    expect(many.unknown).toEqual(['NONE'])
    // An event names AMC, and no lender ever did.
    expect(many.series).toEqual([
      { ticker: 'AMC', points: [] },
      { ticker: GME, points: points.map(({ time, borrowRate }) => ({ time, borrowRate })) },
    ])
    const told = points.map((point) => ({
      time: point.time.toISOString(),
      borrow_rate: point.borrowRate.toString(),
      lender_rate: point.lenderRate === null ? null : trim(point.lenderRate).toString(),
      volatility_index: point.volatility === null ? null : trim(point.volatility).toString(),
      event_risk_factor: point.eventRiskFactor,
      shares: point.availability.shares,
    }))
    // The last point is of the interval that is not over.
    expect(told.slice(0, answered.length)).toEqual(answered)
    expect(new Set(answered.map((each) => each.borrow_rate)).size).toBeGreaterThan(50)
  })
})
