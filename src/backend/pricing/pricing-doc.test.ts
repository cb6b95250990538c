// docs/pricing.md is a contract with its readers: every table there is read here, and every row run through the real functions.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DEFAULT_RISK_FACTORS } from '../market-data/event-risk.ts'
import { borrowStatusByRate, DEFAULT_INPUT_LIMITS } from '../market-data/fallback.ts'
import { tableUnder } from '../test/tidy/tables.ts'
import { borrowRate, DESK_V1, type PricingModel, STANDARD_V1 } from './borrow-rate.ts'
import { CONVENTION_PACKS, type ConventionPackName, chargedValue, type Position } from './convention-packs.ts'
import type { DayCount } from './day-count.ts'
import { compare, decimal } from './decimal.ts'
import { type LocateFee, locateFee, type MarkupTier, type Terms } from './locate-fee.ts'
import { type PriceInputs, price } from './quote.ts'
import { accrual, US_SETTLEMENT_CALENDAR } from './settlement-calendar.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type IsoDate } from './units.ts'

const document = readFileSync(new URL('../../../docs/pricing.md', import.meta.url), 'utf8')
const rows = (heading: string) => tableUnder(document, heading)

const MODELS: Record<string, PricingModel> = { 'standard-v1': STANDARD_V1, 'desk-v1': DESK_V1 }

function terms(of: Partial<Terms>): Terms {
  return {
    markupPercentage: asPercentPoints(decimal(0)),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal(0),
    dayCount: 'ACT/365',
    conventionPack: 'notional',
    billing: 'term',
    ...of,
  }
}

function bill(value: string, days: string, rate: string, of: Partial<Terms>): LocateFee {
  return locateFee(asUsd(decimal(value)), asRate(decimal(rate)), Number(days), terms(of))
}

const FIVE_PERCENT_AND_25 = { markupPercentage: asPercentPoints(decimal(5)), transactionAmount: decimal(25) }

test('the example of the first minute adds up to what is printed', () => {
  const rate = borrowRate(
    asRate(decimal('0.05')),
    { stockVolatility: null, volatilityIndex: asIndexPoints(decimal(15)), eventRiskFactor: 0 },
    asRate(decimal('0.0001')),
    STANDARD_V1,
  )
  const fee = bill('100000', '30', rate.rate.toString(), FIVE_PERCENT_AND_25)
  expect(rows('In one minute').map((row) => row[2])).toEqual(
    [fee.borrowCost, fee.markup, fee.transactionFee, fee.totalFee].map(String),
  )
})

test('the models are the ones in the code', () => {
  const real = Object.values(MODELS).map((model) =>
    [
      model.model,
      model.volatilityWeight,
      model.volatilityThreshold,
      model.eventWeight,
      model.maxMultiplier,
      model.volatilitySource,
    ].map(String),
  )
  expect(rows('Models')).toEqual(real)
})

test.each(rows('Rates worked out'))('%s: lender rate %s, volatility %s, event risk %s, floor %s gives %s', (...row) => {
  const [model = '', lender = '', volatility = '', events = '', floor = '', expected] = row
  const market = {
    stockVolatility: null,
    volatilityIndex: asIndexPoints(decimal(volatility)),
    eventRiskFactor: Number(events),
  }
  const result = borrowRate(asRate(decimal(lender)), market, asRate(decimal(floor)), MODELS[model]!)
  expect(result.rate.toString()).toBe(expected)
})

test.each(rows('Bills worked out'))('%s USD for %s days at %s, %s, markup %s, %s %s', (...row) => {
  const [value = '', days = '', rate = '', dayCount, markup = '', feeType, feeAmount = '', ...expected] = row
  const fee = bill(value, days, rate, {
    dayCount: dayCount as DayCount,
    markupPercentage: asPercentPoints(decimal(markup)),
    transactionFeeType: feeType as Terms['transactionFeeType'],
    transactionAmount: decimal(feeAmount),
  })
  expect([fee.borrowCost, fee.markup, fee.transactionFee, fee.totalFee].map(String)).toEqual(expected)
})

const TIERS: MarkupTier[] = [
  { upTo: asUsd(decimal(100_000)), markupPercentage: asPercentPoints(decimal(5)) },
  { upTo: asUsd(decimal(1_000_000)), markupPercentage: asPercentPoints(decimal(4)) },
  { upTo: null, markupPercentage: asPercentPoints(decimal(3)) },
]

test.each(rows('Markup in tiers'))('in tiers, %s USD for %s days at %s, %s: markup %s', (...row) => {
  const [value = '', days = '', rate = '', dayCount, markup] = row
  const fee = bill(value, days, rate, { dayCount: dayCount as DayCount, markupTiers: TIERS })
  expect(fee.markup.toString()).toBe(markup)
})

test.each(rows('Billing by day'))('%s billing of %s USD for %s days at %s, %s: %s', (...row) => {
  const [billing, value = '', days = '', rate = '', dayCount, cost] = row
  const fee = bill(value, days, rate, { billing: billing as Terms['billing'], dayCount: dayCount as DayCount })
  expect(fee.borrowCost.toString()).toBe(cost)
})

test.each(rows('Day counts'))('%s: %s USD for %s days at %s cost %s', (...row) => {
  const [dayCount, value = '', days = '', rate = '', cost] = row
  expect(bill(value, days, rate, { dayCount: dayCount as DayCount }).borrowCost.toString()).toBe(cost)
})

test('the packs are the ones in the code', () => {
  const real = Object.values(CONVENTION_PACKS).map((pack) => [
    pack.name,
    pack.description,
    String(pack.lotShares),
    pack.dayCount ?? 'from the terms',
    pack.source,
  ])
  expect(rows('Convention packs')).toEqual(real)
})

test.each(rows('Shares worked out'))('%s: %s shares at %s, rate %s', (...row) => {
  const [name, quantity = '', sharePrice = '', rate = '', ...expected] = row
  const pack = name as ConventionPackName
  const position: Position = { kind: 'shares', quantity: Number(quantity), price: asUsd(decimal(sharePrice)) }
  const charged = chargedValue(pack, position)
  const dayCount = CONVENTION_PACKS[pack].dayCount ?? 'ACT/365'
  const fee = locateFee(charged.value, asRate(decimal(rate)), 1, terms({ dayCount, conventionPack: pack }))
  expect([charged.mark, charged.chargedShares, charged.value, fee.costPerDay].map(String)).toEqual(expected)
})

test.each(rows('Accrual by dates'))('short %s, cover %s: settled %s and %s, %s days', (...row) => {
  const [short, cover, ...expected] = row
  const stay = accrual(short as IsoDate, cover as IsoDate, US_SETTLEMENT_CALENDAR)
  expect([stay.shortSettles, stay.coverSettles, String(stay.days)]).toEqual(expected)
})

test('the steps of the waterfall are the ones of a price, in order', () => {
  const inputs: PriceInputs = {
    position: { kind: 'value', positionValue: asUsd(decimal(100)) },
    stay: { loanDays: 1, accrual: null },
    lenderRate: asRate(decimal('0.1')),
    stockVolatility: null,
    volatilityIndex: asIndexPoints(decimal(20)),
    eventRiskFactor: 0,
    floorRate: asRate(decimal('0.0001')),
    model: STANDARD_V1,
    terms: terms(FIVE_PERCENT_AND_25),
  }
  expect(rows('Waterfall').map(([step, unit]) => [step, unit])).toEqual(
    price(inputs).waterfall.map((step) => [step.step, step.unit]),
  )
})

describe('what stands in', () => {
  test.each(rows('Stand-in rates'))('%s: %s, when the lender rate is %s', (status = '', standIn, range = '') => {
    const rates: Record<string, unknown> = DEFAULT_INPUT_LIMITS.standInRates
    expect(String(rates[status])).toBe(standIn)
    const bounds = [...range.matchAll(/0\.[0-9]+/g)].map((match) => decimal(match[0]))
    const isIn = (text: string) => borrowStatusByRate(asRate(decimal(text))) === status
    const [first, last = first] = bounds
    // At the bounds and a hair beyond them.
    const inside = (bound: string) => compare(decimal(bound), first!) >= 0 && compare(decimal(bound), last!) <= 0
    for (const probe of ['0.00499999', '0.005', '0.03', '0.03000001']) {
      const expected = range.startsWith('below')
        ? compare(decimal(probe), first!) < 0
        : range.startsWith('above')
          ? compare(decimal(probe), first!) > 0
          : inside(probe)
      expect([probe, isIn(probe)]).toEqual([probe, expected])
    }
  })

  test('the event types and their factors are the ones in the code', () => {
    const real = [...DEFAULT_RISK_FACTORS].map(([type, factor]) => [type, String(factor)])
    expect(rows('Event risk by type')).toEqual(real)
  })
})
