import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  anyDecimal,
  anyLenderRate,
  anyLoanDays,
  anyPositionValue,
  anyTerms,
  anyTiers,
} from '../test/random-price-inputs.ts'
import { compare, Decimal, decimal, divide, isNegative, minus, plus, times, ZERO } from './decimal.ts'
import { type LocateFee, locateFee, marginalParts, type Terms } from './locate-fee.ts'
import { asPercentPoints, asRate, asUsd, type Usd } from './units.ts'

const RUNS = { numRuns: 5_000 }

/** Two values of which the first is not above the second. */
const ascending = <D extends Decimal>(any: fc.Arbitrary<D>): fc.Arbitrary<[D, D]> =>
  fc.tuple(any, any).map(([a, b]) => (compare(a, b) <= 0 ? [a, b] : [b, a]))

/** Whether no line of the first bill is above its line of the second. */
function noDearer(first: LocateFee, second: LocateFee): boolean {
  const lines = ['borrowCost', 'markup', 'transactionFee', 'totalFee', 'costPerDay'] as const
  return lines.every((line) => compare(first[line], second[line]) <= 0)
}

describe('more of anything never costs less, on any line', () => {
  test('value', () => {
    // Billed daily with tiers the markup is shared by value while the rounded day stands still, so a cent may move down.
    const terms = anyTerms.map((any): Terms => (any.billing === 'daily' ? { ...any, markupTiers: null } : any))
    fc.assert(
      fc.property(ascending(anyPositionValue), anyLenderRate, anyLoanDays, terms, ([low, high], rate, days, any) =>
        noDearer(locateFee(low, rate, days, any), locateFee(high, rate, days, any)),
      ),
      RUNS,
    )
  })

  test('days', () => {
    fc.assert(
      fc.property(anyPositionValue, anyLenderRate, anyLoanDays, anyLoanDays, anyTerms, (value, rate, a, b, terms) =>
        noDearer(locateFee(value, rate, Math.min(a, b), terms), locateFee(value, rate, Math.max(a, b), terms)),
      ),
      RUNS,
    )
  })

  test('rate', () => {
    fc.assert(
      fc.property(
        anyPositionValue,
        ascending(anyLenderRate),
        anyLoanDays,
        anyTerms,
        (value, [low, high], days, terms) =>
          noDearer(locateFee(value, low, days, terms), locateFee(value, high, days, terms)),
      ),
      RUNS,
    )
  })

  test('markup', () => {
    const markups = ascending(anyDecimal(100, 4))
    fc.assert(
      fc.property(
        anyPositionValue,
        anyLenderRate,
        anyLoanDays,
        markups,
        anyTerms,
        (value, rate, days, [low, high], terms) => {
          const at = (markup: Decimal) =>
            locateFee(value, rate, days, { ...terms, markupTiers: null, markupPercentage: asPercentPoints(markup) })
          return noDearer(at(low), at(high))
        },
      ),
      RUNS,
    )
  })
})

describe('cost is proportional', () => {
  const oneYearOfCents = fc.integer({ min: 1, max: 20_000 })

  test('to value, days and rate alike, exactly, where nothing is rounded', () => {
    const factor = fc.integer({ min: 1, max: 12 })
    fc.assert(
      fc.property(oneYearOfCents, factor, factor, factor, anyTerms, (number, ofValue, ofDays, ofRate, any) => {
        // year x 100 USD at a whole number of percent is a whole number of cents for every day.
        const terms: Terms = { ...any, billing: 'term' }
        const year = terms.dayCount === 'ACT/360' ? 360 : 365
        const cost = (value: number, days: number, percent: number): Decimal =>
          locateFee(asUsd(decimal(value * year)), asRate(new Decimal(BigInt(percent), 2)), days, terms).borrowCost
        const once = cost(number, 2, 3)
        const product = cost(number * ofValue, 2 * ofDays, 3 * ofRate)
        return compare(times(once, decimal(ofValue * ofDays * ofRate)), product) === 0
      }),
      RUNS,
    )
  })

  test('to the number of positions within the rounding of each', () => {
    const count = fc.integer({ min: 2, max: 50 })
    fc.assert(
      fc.property(
        anyPositionValue,
        count,
        anyLenderRate,
        anyLoanDays,
        anyTerms,
        (value, positions, rate, days, any) => {
          const terms: Terms = { ...any, billing: 'term' }
          const apart = times(locateFee(value, rate, days, terms).borrowCost, decimal(positions))
          const together = locateFee(asUsd(times(value, decimal(positions))), rate, days, terms).borrowCost
          const difference = minus(together, apart)
          const most = new Decimal(BigInt(positions + 1) * 5n, 3)
          return compare(difference, most) <= 0 && compare(plus(difference, most), ZERO) >= 0
        },
      ),
      RUNS,
    )
  })
})

describe('billing', () => {
  test('daily is the rounded day times the days', () => {
    fc.assert(
      fc.property(anyPositionValue, anyLenderRate, anyLoanDays, anyTerms, (value, rate, days, any) => {
        const fee = locateFee(value, rate, days, { ...any, billing: 'daily' })
        return compare(fee.borrowCost, times(fee.costPerDay, decimal(days))) === 0
      }),
      RUNS,
    )
  })

  test('one day costs the same either way, and is the cost per day', () => {
    fc.assert(
      fc.property(anyPositionValue, anyLenderRate, anyTerms, (value, rate, any) => {
        const term = locateFee(value, rate, 1, { ...any, billing: 'term' })
        const daily = locateFee(value, rate, 1, { ...any, billing: 'daily' })
        return compare(term.borrowCost, daily.borrowCost) === 0 && compare(term.borrowCost, term.costPerDay) === 0
      }),
      RUNS,
    )
  })

  test('the cost per day does not depend on the stay', () => {
    fc.assert(
      fc.property(anyPositionValue, anyLenderRate, anyLoanDays, anyTerms, (value, rate, days, terms) => {
        const perDay = locateFee(value, rate, days, terms).costPerDay
        return compare(perDay, locateFee(value, rate, 0, terms).costPerDay) === 0
      }),
      RUNS,
    )
  })
})

describe('marginal tiers', () => {
  const ends = anyTiers.map((tiers) => tiers.map((tier) => tier.upTo))

  test('divide a value without a rest, none above its own width', () => {
    fc.assert(
      fc.property(anyPositionValue, ends, (value, upTo) => {
        const parts = marginalParts(value, upTo)
        expect(compare(parts.reduce<Decimal>(plus, ZERO), value)).toBe(0)
        let below: Decimal = ZERO
        parts.forEach((part, index) => {
          const end = upTo[index]!
          expect(isNegative(part)).toBe(false)
          if (end === null) return
          expect(compare(part, minus(end, below))).toBeLessThanOrEqual(0)
          below = end
        })
      }),
      RUNS,
    )
  })

  test('are filled from below: no part begins before the one under it is full', () => {
    fc.assert(
      fc.property(anyPositionValue, ends, (value, upTo) => {
        const parts = marginalParts(value, upTo)
        const started = parts.findLastIndex((part) => part.units > 0n)
        let below: Decimal = ZERO
        for (const [index, end] of upTo.entries()) {
          if (index >= started) return
          expect(compare(parts[index]!, minus(end as Usd, below))).toBe(0)
          below = end as Usd
        }
      }),
      RUNS,
    )
  })

  test('that all ask the same percentage are that percentage, within the rounding of each', () => {
    const markup = anyDecimal(100, 4).map(asPercentPoints)
    fc.assert(
      fc.property(
        anyPositionValue,
        anyLenderRate,
        anyLoanDays,
        ends,
        markup,
        anyTerms,
        (value, rate, days, upTo, same, any) => {
          const markupTiers = upTo.map((end) => ({ upTo: end, markupPercentage: same }))
          const tiered = locateFee(value, rate, days, { ...any, markupTiers }).markup
          const plain = locateFee(value, rate, days, { ...any, markupTiers: null, markupPercentage: same }).markup
          const most = new Decimal(BigInt(upTo.length + 1) * 5n, 3)
          const difference = minus(tiered, plain)
          return compare(difference, most) <= 0 && compare(plus(difference, most), ZERO) >= 0
        },
      ),
      RUNS,
    )
  })
})

test('the markup is between nothing and the cost itself, the fee what the terms say', () => {
  fc.assert(
    fc.property(anyPositionValue, anyLenderRate, anyLoanDays, anyTerms, (value, rate, days, terms) => {
      const fee = locateFee(value, rate, days, terms)
      const cent = new Decimal(BigInt((terms.markupTiers?.length ?? 1) + 1), 2)
      expect(isNegative(fee.markup)).toBe(false)
      expect(compare(fee.markup, plus(fee.borrowCost, cent))).toBeLessThanOrEqual(0)
      const expected =
        terms.transactionFeeType === 'FLAT'
          ? terms.transactionAmount
          : divide(times(value, terms.transactionAmount), decimal(100), { scale: 2, rounding: 'half-up' })
      expect(compare(fee.transactionFee, expected)).toBe(0)
    }),
    RUNS,
  )
})
