import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyEventRisk, anyFloorRate, anyLenderRate, anyModel, anyVolatility } from '../test/random-price-inputs.ts'
import { borrowRate, type MarketConditions, publishedRate } from './borrow-rate.ts'
import { compare, type Decimal, decimal, isZero, minus, ONE, round, times, ZERO } from './decimal.ts'
import { asRate } from './units.ts'

const anyMarket: fc.Arbitrary<MarketConditions> = fc.record({
  stockVolatility: fc.option(anyVolatility),
  volatilityIndex: anyVolatility,
  eventRiskFactor: anyEventRisk,
})

/** Two values of which the first is not above the second. */
const ascending = <D extends Decimal>(any: fc.Arbitrary<D>): fc.Arbitrary<[D, D]> =>
  fc.tuple(any, any).map(([a, b]) => (compare(a, b) <= 0 ? [a, b] : [b, a]))

const RUNS = { numRuns: 5_000 }

test('no rate is below the floor, nor below the lender rate', () => {
  fc.assert(
    fc.property(anyLenderRate, anyMarket, anyFloorRate, anyModel, (lender, market, floor, model) => {
      const { rate } = borrowRate(lender, market, floor, model)
      return compare(rate, floor) >= 0 && compare(rate, publishedRate(lender)) >= 0
    }),
    RUNS,
  )
})

test('no rate is above the cap times the lender rate, unless the floor is', () => {
  fc.assert(
    fc.property(anyLenderRate, anyMarket, anyFloorRate, anyModel, (lender, market, floor, model) => {
      const found = borrowRate(lender, market, floor, model)
      const cap = publishedRate(times(lender, model.maxMultiplier))
      return found.floorApplied ? compare(found.rate, floor) === 0 : compare(found.rate, cap) <= 0
    }),
    RUNS,
  )
})

test('a dearer lender never makes a cheaper rate', () => {
  fc.assert(
    fc.property(ascending(anyLenderRate), anyMarket, anyFloorRate, anyModel, ([low, high], market, floor, model) => {
      const cheaper = borrowRate(low, market, floor, model).rate
      return compare(cheaper, borrowRate(high, market, floor, model).rate) <= 0
    }),
    RUNS,
  )
})

test("more volatility, the stock's or the index's, never makes a cheaper rate", () => {
  fc.assert(
    fc.property(
      anyLenderRate,
      ascending(anyVolatility),
      fc.boolean(),
      anyMarket,
      anyFloorRate,
      anyModel,
      (lender, [calm, wild], ofStock, market, floor, model) => {
        const at = (points: typeof calm) =>
          ofStock ? { ...market, stockVolatility: points } : { ...market, volatilityIndex: points }
        const cheaper = borrowRate(lender, at(calm), floor, model).rate
        return compare(cheaper, borrowRate(lender, at(wild), floor, model).rate) <= 0
      },
    ),
    RUNS,
  )
})

test('more event risk never makes a cheaper rate', () => {
  const factors = fc.tuple(anyEventRisk, anyEventRisk).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  fc.assert(
    fc.property(
      anyLenderRate,
      factors,
      anyMarket,
      anyFloorRate,
      anyModel,
      (lender, [low, high], market, floor, model) => {
        const at = (eventRiskFactor: number) => borrowRate(lender, { ...market, eventRiskFactor }, floor, model).rate
        return compare(at(low), at(high)) <= 0
      },
    ),
    RUNS,
  )
})

test('a higher floor never makes a cheaper rate', () => {
  fc.assert(
    fc.property(anyLenderRate, anyMarket, ascending(anyFloorRate), anyModel, (lender, market, [low, high], model) => {
      const cheaper = borrowRate(lender, market, low, model).rate
      return compare(cheaper, borrowRate(lender, market, high, model).rate) <= 0
    }),
    RUNS,
  )
})

test('a rate that the floor does not hold is proportional to the lender rate', () => {
  const noFloor = asRate(ZERO)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 33 }),
      fc.integer({ min: 2, max: 9 }),
      anyMarket,
      anyModel,
      (base, factor, market, model) => {
        // Whole lender rates, and multipliers cut to the 8 decimals of a rate: nothing is rounded, so the comparison is exact.
        const { multiplier } = borrowRate(asRate(decimal(base)), market, noFloor, model)
        const exact = {
          ...model,
          volatilityWeight: ZERO,
          eventWeight: minus(round(multiplier, { scale: 7, rounding: 'down' }), ONE),
        }
        const rateAt = (lender: number) =>
          borrowRate(asRate(decimal(lender)), { ...market, eventRiskFactor: 10 }, noFloor, exact).rate
        return compare(times(rateAt(base), decimal(factor)), rateAt(base * factor)) === 0
      },
    ),
    RUNS,
  )
})

test('the steps are those of the rate: cap and floor say whether they were in force', () => {
  fc.assert(
    fc.property(anyLenderRate, anyMarket, anyFloorRate, anyModel, (lender, market, floor, model) => {
      const found = borrowRate(lender, market, floor, model)
      const capped = compare(found.multiplier, found.withEvents) !== 0
      expect(found.capApplied).toBe(capped)
      if (!found.floorApplied) expect(compare(found.rate, found.afterCap)).toBe(0)
      expect(compare(found.multiplier, model.maxMultiplier)).toBeLessThanOrEqual(0)
      expect(found.volatilityOf === 'stock').toBe(
        model.volatilitySource === 'stock-or-index' && market.stockVolatility !== null,
      )
      if (isZero(lender)) expect(compare(found.afterCap, ZERO)).toBe(0)
    }),
    RUNS,
  )
})
