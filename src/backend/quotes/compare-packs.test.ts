// One short under every pack, on a fixed day, with the numbers that brokers publish.
import { describe, expect, test } from 'vitest'
import type { MarketObservations } from '../market-data/market-data.ts'
import type { Observation } from '../market-data/observation.ts'
import { STANDARD_V1 } from '../pricing/borrow-rate.ts'
import type { ConventionPackName } from '../pricing/convention-packs.ts'
import type { DayCount } from '../pricing/day-count.ts'
import { decimal } from '../pricing/decimal.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { asIndexPoints, asPercentPoints, asRate, asTicker, asUsd, type IsoDate } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { writeJson } from '../server/json-writer.ts'
import { comparisonAnswer } from './answer.ts'
import { comparePacks } from './compare-packs.ts'
import type { QuoteRequest } from './quote.ts'

const NOW = new Date('2026-11-24T15:00:00.000Z')
const GME = asTicker('GME')!

function observation<T>(value: T): Observation<T> {
  return {
    value,
    source: 'cached',
    provider: 'desk',
    asOf: NOW,
    receivedAt: NOW,
    ageSeconds: 0,
    fallbackReason: null,
    demo: false,
  }
}

function market(lenderRate: string): MarketObservations {
  return {
    ticker: GME,
    lenderRate: observation(asRate(decimal(lenderRate))),
    stockVolatility: null,
    volatilityIndex: observation(asIndexPoints(decimal('0'))),
    eventRisk: observation({ factor: 0, events: [] }),
    availability: null,
    lastClose: observation({ close: asUsd(decimal('22.51')), priceDate: '2026-11-23' as IsoDate }),
    benchmarkRate: null,
    borrowStatus: 'HARD',
    floorRate: asRate(decimal('0.0001')),
    stockName: null,
  }
}

async function compared(
  ask: Partial<QuoteRequest>,
  { lenderRate = '0.05', dayCount = 'ACT/360' as DayCount, pack = 'us-collateral-mark' as ConventionPackName } = {},
) {
  const compare = comparePacks({
    fetchPricingInputs: async () =>
      ({
        broker: {
          terms: {
            markupPercentage: asPercentPoints(decimal('0')),
            markupTiers: null,
            transactionFeeType: 'FLAT',
            transactionAmount: decimal('0'),
            dayCount,
            conventionPack: pack,
            billing: 'term',
          },
        },
        model: STANDARD_V1,
        market: market(lenderRate),
      }) as never,
    calendar: US_SETTLEMENT_CALENDAR,
    clock: () => NOW,
    newYorkDate: () => '2026-11-24' as IsoDate,
  })
  const request: QuoteRequest = {
    ticker: GME,
    clientId: 'demo',
    position: { kind: 'shares', quantity: 10_000, price: asUsd(decimal('11.00')) },
    stay: { kind: 'days', loanDays: 1 },
    location: 'body',
    ...ask,
  }
  return JSON.parse(writeJson(comparisonAnswer(await compare(request, ownContext('r1')))))
}

const shares = (quantity: number, price: string) => ({
  position: { kind: 'shares' as const, quantity, price: asUsd(decimal(price)) },
})
const rows = (answer: { packs: Record<string, unknown>[] }) =>
  answer.packs.map((pack) =>
    [pack.convention_pack, pack.day_count, pack.charged_value, pack.mark, pack.charged_shares, pack.cost_per_day].join(
      ' ',
    ),
  )

describe('a short under every pack', () => {
  test.each([
    ['100 000 shares at 0.25, 50 %', shares(100_000, '0.25'), '0.50', 'us-collateral-mark', 138.89],
    ['10 000 shares at 11.00, 5 %', shares(10_000, '11.00'), '0.05', 'us-collateral-mark', 16.67],
    ['1 000 shares at 13.00, 6 %', shares(1_000, '13.00'), '0.06', 'us-collateral-mark', 2.33],
    ['1 share at 205, 2.5 %', shares(1, '205'), '0.025', 'us-market-value', 1.42],
  ])('%s costs what the broker publishes', async (_, ask, lenderRate, pack, costPerDay) => {
    const { packs } = await compared(ask, { lenderRate })
    expect(packs.find((each: { convention_pack: string }) => each.convention_pack === pack).cost_per_day).toBe(
      costPerDay,
    )
  })

  test('differs in what is charged and by which year, and in nothing else', async () => {
    expect(rows(await compared(shares(150, '11.00')))).toEqual([
      'notional ACT/360 1650 11 150 0.23',
      'us-collateral-mark ACT/360 1800 12 150 0.25',
      'us-market-value ACT/360 2200 11 200 0.31',
      'ca-market-value ACT/365 1650 11 150 0.23',
    ])
  })

  test('says who charges so, and which pack is in force', async () => {
    const { packs } = await compared({})
    expect(packs.map(({ charged_by, in_force }: Record<string, unknown>) => [charged_by, in_force])).toEqual([
      ['the classic form of this engine', false],
      ['Interactive Brokers, Webull, Ally', true],
      ['Alpaca', false],
      ['Questrade', false],
    ])
  })

  test('of a value is charged that value; a pack gives only the year', async () => {
    const position = { kind: 'value' as const, positionValue: asUsd(decimal('13000')) }
    const answer = await compared({ position }, { lenderRate: '0.20', dayCount: 'ACT/365', pack: 'notional' })
    expect(rows(answer)).toEqual([
      'notional ACT/365 13000   7.12',
      'us-collateral-mark ACT/360 13000   7.22',
      'us-market-value ACT/360 13000   7.22',
      'ca-market-value ACT/365 13000   7.12',
    ])
  })

  test('is indicative: it has a moment, and no record', async () => {
    const answer = await compared({})
    expect(answer).toMatchObject({
      quote_type: 'indicative',
      priced_at: NOW.toISOString(),
      borrow_rate_used: 0.05,
      loan_days: 1,
    })
    expect(answer).not.toHaveProperty('audit_id')
    expect(answer).not.toHaveProperty('quote_id')
  })

  test('without a price takes the last close, and says so', async () => {
    const position = { kind: 'shares' as const, quantity: 100, price: null }
    const answer = await compared({ position })
    expect(answer.data_sources.price).toMatchObject({ value: 22.51 })
    expect(answer.packs[1].mark).toBe(23)
  })

  test('is refused where a quote would be', async () => {
    await expect(compared(shares(100_000_000, '11'))).rejects.toMatchObject({ code: 'INVALID_PARAMETER' })
    const stay = { kind: 'dates' as const, startDate: '2026-11-26' as IsoDate, endDate: '2026-11-27' as IsoDate }
    await expect(compared({ stay })).rejects.toMatchObject({ code: 'INVALID_PARAMETER' })
  })
})
