// Integers against plain BigInt, most of all where a number stops being exact.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Decimal, divide, plus, round, times, timesOver } from './decimal.ts'
import {
  difference,
  type Integer,
  integer,
  order,
  product,
  productQuotient,
  quotient,
  type Rounding,
  sum,
  tenTo,
} from './integer.ts'

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** Beside a power of two or ten, up to 2^110; a few small ones; any; each with either sign. */
const anyBig = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.integer({ min: 0, max: 110 }), fc.bigInt({ min: -3n, max: 3n }))
        .map(([n, step]) => 2n ** BigInt(n) + step),
      fc
        .tuple(fc.constantFrom(26n, 27n, 50n, 51n, 52n, 53n), fc.bigInt({ min: -40n, max: 40n }))
        .map(([n, step]) => 2n ** n + step),
      fc
        .tuple(fc.integer({ min: 0, max: 30 }), fc.bigInt({ min: -3n, max: 3n }))
        .map(([n, step]) => 10n ** BigInt(n) + step),
      fc.bigInt({ min: 0n, max: 1000n }),
      fc.bigInt({ min: 0n, max: 2n ** 32n }),
      fc.bigInt({ min: 0n, max: 2n ** 54n }),
      fc.bigInt({ min: 0n, max: 2n ** 90n }),
    ),
    fc.boolean(),
  )
  .map(([value, negative]) => (negative ? -value : value))
const anyDivisor = anyBig.filter((value) => value !== 0n)
const anyRounding = fc.constantFrom<Rounding>('half-up', 'half-even', 'up', 'down')

/** The division as it reads on paper: the half of the divisor decides. */
function plainQuotient(n: bigint, d: bigint, rounding: Rounding): bigint {
  const [top, bottom] = [n < 0n ? -n : n, d < 0n ? -d : d]
  const floor = top / bottom
  const rest = top % bottom
  const up = {
    'half-up': 2n * rest >= bottom,
    'half-even': 2n * rest > bottom || (2n * rest === bottom && floor % 2n === 1n),
    up: rest > 0n,
    down: false,
  }[rounding]
  return (n < 0n !== d < 0n ? -1n : 1n) * (up ? floor + 1n : floor)
}

/** The value is right and stands in its one form. */
function is(found: Integer, expected: bigint): boolean {
  const form = expected <= SAFE_MAX && expected >= -SAFE_MAX ? 'number' : 'bigint'
  return BigInt(found) === expected && typeof found === form && !Object.is(found, -0)
}

const RUNS = { numRuns: 10_000 }

describe('against plain BigInt', () => {
  test('an integer has one form: a number while it is safe, never -0', () => {
    fc.assert(
      fc.property(anyBig, (value) => is(integer(value), value)),
      RUNS,
    )
    expect(is(integer(-0), 0n)).toBe(true)
    for (const number of [0.5, 2 ** 53, Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(() => integer(number)).toThrow(RangeError)
    }
  })

  test('sums, differences, products and comparisons', () => {
    fc.assert(
      fc.property(
        anyBig,
        anyBig,
        (a, b) =>
          is(sum(integer(a), integer(b)), a + b) &&
          is(difference(integer(a), integer(b)), a - b) &&
          is(product(integer(a), integer(b)), a * b) &&
          order(integer(a), integer(b)) === (a < b ? -1 : a > b ? 1 : 0),
      ),
      RUNS,
    )
  })

  test('quotients, rounded every way', () => {
    fc.assert(
      fc.property(anyBig, anyDivisor, anyRounding, (n, d, rounding) =>
        is(quotient(integer(n), integer(d), rounding), plainQuotient(n, d, rounding)),
      ),
      { numRuns: 20_000 },
    )
  })

  test('quotients at a tie, a whole number, or one beside either', () => {
    fc.assert(
      fc.property(anyBig, anyDivisor, fc.bigInt({ min: -1n, max: 1n }), anyRounding, (whole, d, step, rounding) => {
        // (2 whole + 1) x d over 2d is a tie; whole x d over d is none.
        const tie = (2n * whole + 1n) * d + step
        const exact = whole * d + step
        return (
          is(quotient(integer(tie), integer(2n * d), rounding), plainQuotient(tie, 2n * d, rounding)) &&
          is(quotient(integer(exact), integer(d), rounding), plainQuotient(exact, d, rounding))
        )
      }),
      RUNS,
    )
  })

  test('quotients of a product, rounded once', () => {
    fc.assert(
      fc.property(anyBig, anyBig, anyDivisor, anyRounding, (a, b, d, rounding) =>
        is(productQuotient(integer(a), integer(b), integer(d), rounding), plainQuotient(a * b, d, rounding)),
      ),
      { numRuns: 20_000 },
    )
  })

  test('quotients of a product beyond 2^53 that are whole, a tie, or a hair beside', () => {
    // q x g x h over d = 2h is q x g / 2: a tie for odd q x g. As a x b with a = q x h, b = g, and with b one more or less.
    const factor = fc.bigInt({ min: 1n, max: 2n ** 26n })
    fc.assert(
      fc.property(factor, factor, factor, anyRounding, fc.boolean(), (q, g, h, rounding, negative) => {
        const a = negative ? -q * h : q * h
        const d = 2n * h
        return [g, g + 1n].every(
          (b) =>
            is(productQuotient(integer(a), integer(b), integer(d), rounding), plainQuotient(a * b, d, rounding)) &&
            [a - 1n, a + 1n].every((beside) =>
              is(
                productQuotient(integer(beside), integer(b), integer(d), rounding),
                plainQuotient(beside * b, d, rounding),
              ),
            ) &&
            // a x a - 1 is one below a whole quotient by a.
            is(
              productQuotient(integer(a - 1n), integer(a + 1n), integer(a), rounding),
              plainQuotient(a * a - 1n, a, rounding),
            ),
        )
      }),
      RUNS,
    )
  })
})

describe('decimals over them', () => {
  const anyDecimal = fc.tuple(anyBig, fc.integer({ min: 0, max: 20 }))
  const anyScale = fc.integer({ min: 0, max: 20 })

  test('a product divided at once is the product, divided', () => {
    fc.assert(
      fc.property(
        anyDecimal,
        anyDecimal,
        anyDecimal,
        anyScale,
        anyRounding,
        ([a, as], [b, bs], [d, ds], scale, rounding) => {
          fc.pre(d !== 0n)
          const [left, right, under] = [new Decimal(a, as), new Decimal(b, bs), new Decimal(d, ds)]
          const once = timesOver(left, right, under, { scale, rounding })
          const twice = divide(times(left, right), under, { scale, rounding })
          const shift = ds - as - bs + scale
          const [n, bottom] = shift >= 0 ? [a * b * 10n ** BigInt(shift), d] : [a * b, d * 10n ** BigInt(-shift)]
          return (
            is(once.count, plainQuotient(n, bottom, rounding)) && once.count === twice.count && once.scale === scale
          )
        },
      ),
      RUNS,
    )
  })

  test('printed as the digits of the bigint with a point in them', () => {
    fc.assert(
      fc.property(anyDecimal, ([units, scale]) => {
        const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
        const point = digits.length - scale
        const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
        const value = new Decimal(units, scale)
        return value.toString() === (units < 0n ? `-${text}` : text) && value.units === units
      }),
      RUNS,
    )
  })

  test('equal ones are equal member by member, however they came about and whether printed or not', () => {
    const small = new Decimal(5, 2)
    small.toString()
    const far = new Decimal(2n ** 60n, 2)
    expect(plus(plus(small, far), new Decimal(-(2n ** 60n), 2))).toStrictEqual(new Decimal(5n, 2))
    expect(round(new Decimal(tenTo(20), 18), { scale: 2, rounding: 'down' })).toStrictEqual(new Decimal(10_000, 2))
    expect(new Decimal(5, 2)).not.toEqual(new Decimal(6, 2))
    expect(new Decimal(2n ** 60n, 2)).not.toEqual(new Decimal(2n ** 60n + 1n, 2))
  })
})
