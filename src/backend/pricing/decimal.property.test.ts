// Decimal arithmetic against another library: decimal.js at precision 60, enough for every quotient below to be decided.
import { Decimal as Oracle } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compare,
  Decimal,
  divide,
  minus,
  parseDecimal,
  plus,
  powerOfTen,
  type Rounding,
  round,
  times,
  trim,
} from './decimal.ts'

const Precise = Oracle.clone({ precision: 60, toExpNeg: -200, toExpPos: 200 })
const MODES: Record<Rounding, 0 | 1 | 4 | 6> = { up: 0, down: 1, 'half-up': 4, 'half-even': 6 }

const anyDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 12 }))
  .map(([units, scale]) => new Decimal(units, scale))
const anyDivisor = anyDecimal.filter((value) => value.units !== 0n)
const anyRounding = fc.constantFrom<Rounding>('half-up', 'half-even', 'up', 'down')
const anyScale = fc.integer({ min: 0, max: 10 })

const oracle = (value: Decimal): Oracle => new Precise(value.toString())

/** The other library prints a negative zero; on a bill there is none. */
const printed = (value: Oracle, scale: number, rounding: Rounding): string =>
  value.toFixed(scale, MODES[rounding]).replace(/^-(?=[0.]*$)/, '')

describe('against decimal.js', () => {
  test('sums, differences, products and comparisons are exact', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, (a, b) => {
        const left = oracle(a)
        const right = oracle(b)
        return (
          oracle(plus(a, b)).eq(left.plus(right)) &&
          oracle(minus(a, b)).eq(left.minus(right)) &&
          oracle(times(a, b)).eq(left.times(right)) &&
          compare(a, b) === left.cmp(right)
        )
      }),
      { numRuns: 30_000 },
    )
  })

  test('quotients are rounded as told, at any scale', () => {
    fc.assert(
      fc.property(anyDecimal, anyDivisor, anyScale, anyRounding, (n, d, scale, rounding) => {
        expect(divide(n, d, { scale, rounding }).toString()).toBe(printed(oracle(n).div(oracle(d)), scale, rounding))
      }),
      { numRuns: 40_000 },
    )
  })

  test('quotients that are a tie, or one unit beside a tie, fall to the right side', () => {
    const whole = fc.bigInt({ min: 0n, max: 10n ** 18n })
    const divisor = fc.oneof(fc.constantFrom(360n, 365n, 36_000n, 36_500n), fc.bigInt({ min: 1n, max: 10n ** 18n }))
    const beside = fc.constantFrom(-1n, 0n, 1n)
    fc.assert(
      fc.property(
        whole,
        divisor,
        beside,
        anyScale,
        anyRounding,
        fc.boolean(),
        (q, d, step, scale, rounding, negative) => {
          // (2q + 1) d + step over 2d x 10^scale is q and a half units of the last decimal, and a hair.
          const units = (2n * q + 1n) * d + step
          const numerator = new Decimal(negative ? -units : units, 0)
          const denominator = new Decimal(2n * d * powerOfTen(scale), 0)
          expect(divide(numerator, denominator, { scale, rounding }).toString()).toBe(
            printed(oracle(numerator).div(oracle(denominator)), scale, rounding),
          )
        },
      ),
      { numRuns: 40_000 },
    )
  })

  test('rounding a number agrees, and a number that fits is only padded', () => {
    fc.assert(
      fc.property(anyDecimal, anyScale, anyRounding, (value, scale, rounding) => {
        const rounded = round(value, { scale, rounding })
        expect(rounded.toString()).toBe(printed(oracle(value), scale, rounding))
        if (value.scale <= scale) expect(compare(rounded, value)).toBe(0)
      }),
      { numRuns: 20_000 },
    )
  })
})

test('what is printed is read back unchanged, scale and all', () => {
  fc.assert(
    fc.property(anyDecimal, (value) => {
      const again = parseDecimal(value.toString())
      return again?.units === value.units && again.scale === value.scale
    }),
    { numRuns: 20_000 },
  )
})

test('numbers with exponents are read as the other library reads them', () => {
  const exponent = fc.integer({ min: -60, max: 60 })
  fc.assert(
    fc.property(anyDecimal, exponent, fc.constantFrom('e', 'E'), (value, power, letter) => {
      const written = `${value}${letter}${power}`
      return oracle(parseDecimal(written) as Decimal).eq(new Precise(written))
    }),
    { numRuns: 10_000 },
  )
})

test('trimming keeps the value and leaves no trailing zero', () => {
  fc.assert(
    fc.property(anyDecimal, fc.integer({ min: 0, max: 8 }), (value, zeros) => {
      const padded = new Decimal(value.units * powerOfTen(zeros), value.scale + zeros)
      const trimmed = trim(padded)
      return compare(trimmed, padded) === 0 && (trimmed.scale === 0 || trimmed.units % 10n !== 0n)
    }),
    { numRuns: 10_000 },
  )
})
