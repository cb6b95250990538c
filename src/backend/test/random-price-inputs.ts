// Random price inputs for property tests: everything that the edge lets through, and the corners more often than chance would.
import fc from 'fast-check'
import { DESK_V1, type PricingModel, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import type { ConventionPackName, Position } from '../pricing/convention-packs.ts'
import type { DayCount } from '../pricing/day-count.ts'
import { Decimal } from '../pricing/decimal.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import type { MarkupTier, Terms } from '../pricing/locate-fee.ts'
import type { PriceInputs, Stay } from '../pricing/quote.ts'
import { accrual, isTradingDay, US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type IsoDate } from '../pricing/units.ts'

/** A decimal from 0 to `max` with `scale` decimals, small ones as often as large ones. */
export function anyDecimal(max: number, scale: number, min = 0): fc.Arbitrary<Decimal> {
  const unit = 10 ** scale
  const digits = Math.floor(Math.log10(max * unit))
  return fc
    .tuple(
      fc.integer({ min: 0, max: digits }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, 0, 0, 1, 2),
    )
    .map(([magnitude, share, corner]) => {
      if (corner === 1) return new Decimal(BigInt(Math.round(min * unit)), scale)
      if (corner === 2) return new Decimal(BigInt(Math.round(max * unit)), scale)
      const units = Math.floor(share * Math.min(max * unit, 10 ** (magnitude + 1)))
      return new Decimal(BigInt(Math.max(Math.round(min * unit), units)), scale)
    })
}

export const anyPositionValue = anyDecimal(1e9, 2, 0.01).map(asUsd)
export const anyLenderRate = fc.oneof(anyDecimal(0.5, 6), anyDecimal(100, 8)).map(asRate)
export const anyVolatility = fc.oneof(anyDecimal(90, 2), anyDecimal(500, 4)).map(asIndexPoints)
export const anyEventRisk = fc.integer({ min: 0, max: 10 })
export const anyFloorRate = anyDecimal(1, 8).map(asRate)
export const anyLoanDays = fc.integer({ min: 0, max: 365 })

const anyShares: fc.Arbitrary<Position> = fc
  .tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 99_999_999 }), anyDecimal(100_000, 6, 0.000001))
  .map(([magnitude, number, sharePrice]) => {
    const quantity = 1 + (number % 10 ** magnitude)
    // The edge bounds price x quantity to a billion.
    const most = 10n ** 15n / BigInt(quantity)
    const units = sharePrice.units > most ? most : sharePrice.units
    return { kind: 'shares', quantity, price: asUsd(new Decimal(units, 6)) }
  })

export const anyPosition: fc.Arbitrary<Position> = fc.oneof(
  anyPositionValue.map((positionValue): Position => ({ kind: 'value', positionValue })),
  anyShares,
)

export const anyModel: fc.Arbitrary<PricingModel> = fc.oneof(
  fc.constantFrom(STANDARD_V1, DESK_V1),
  fc.record({
    model: fc.constant('draft-v1'),
    volatilityWeight: anyDecimal(10, 8),
    volatilityThreshold: anyDecimal(500, 4).map(asIndexPoints),
    eventWeight: anyDecimal(10, 8),
    maxMultiplier: anyDecimal(100, 8, 1),
    volatilitySource: fc.constantFrom('stock-or-index', 'index'),
  }),
)

const anyMarkup = anyDecimal(100, 4).map(asPercentPoints)

export const anyTiers: fc.Arbitrary<readonly MarkupTier[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 1_000_000_000 }), { maxLength: 3 }),
    fc.array(anyMarkup, { minLength: 4, maxLength: 4 }),
  )
  .map(([ends, markups]) => {
    const upTo = [...ends.sort((a, b) => a - b).map((end) => asUsd(new Decimal(BigInt(end), 0))), null]
    return upTo.map((end, index) => ({ upTo: end, markupPercentage: markups[index]! }))
  })

const anyFee: fc.Arbitrary<Pick<Terms, 'transactionFeeType' | 'transactionAmount'>> = fc.oneof(
  fc.record({ transactionFeeType: fc.constant('FLAT' as const), transactionAmount: anyDecimal(1_000_000, 2) }),
  fc.record({ transactionFeeType: fc.constant('PERCENTAGE' as const), transactionAmount: anyDecimal(100, 4) }),
)

const anyConvention = fc.constantFrom<[ConventionPackName, DayCount]>(
  ['notional', 'ACT/365'],
  ['notional', 'ACT/360'],
  ['us-collateral-mark', 'ACT/360'],
  ['us-market-value', 'ACT/360'],
  ['ca-market-value', 'ACT/365'],
)

export const anyTerms: fc.Arbitrary<Terms> = fc
  .record({
    markupPercentage: anyMarkup,
    markupTiers: fc.option(anyTiers, { freq: 3 }).map((tiers) => tiers),
    fee: anyFee,
    convention: anyConvention,
    billing: fc.constantFrom<Terms['billing']>('term', 'term', 'daily'),
  })
  .map(({ fee, convention: [conventionPack, dayCount], ...rest }) => ({ ...rest, ...fee, conventionPack, dayCount }))

const FIRST_DAY = dayNumber('2024-01-02' as IsoDate)
const LAST_DAY = dayNumber('2028-12-20' as IsoDate)

/** The trading day on or after a day. */
function tradingDay(day: number): IsoDate {
  let found = day
  while (!isTradingDay(dateOfDay(found), US_SETTLEMENT_CALENDAR)) found += 1
  return dateOfDay(found)
}

export const anyDatedStay: fc.Arbitrary<Stay> = fc
  .tuple(fc.integer({ min: FIRST_DAY, max: LAST_DAY }), fc.integer({ min: 0, max: 350 }))
  .map(([start, length]) => {
    const found = accrual(tradingDay(start), tradingDay(Math.min(start + length, LAST_DAY)), US_SETTLEMENT_CALENDAR)
    return { loanDays: found.days, accrual: found }
  })

export const anyStay: fc.Arbitrary<Stay> = fc.oneof(
  { weight: 19, arbitrary: anyLoanDays.map((loanDays): Stay => ({ loanDays, accrual: null })) },
  { weight: 1, arbitrary: anyDatedStay },
)

export const anyPriceInputs: fc.Arbitrary<PriceInputs> = fc.record({
  position: anyPosition,
  stay: anyStay,
  lenderRate: anyLenderRate,
  stockVolatility: fc.option(anyVolatility),
  volatilityIndex: anyVolatility,
  eventRiskFactor: anyEventRisk,
  floorRate: anyFloorRate,
  model: anyModel,
  terms: anyTerms,
})
