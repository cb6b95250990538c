// Integers of any size, exact: a JavaScript number while the value is a safe integer, up to 2^53 - 1 either way, and a BigInt
// beyond. A BigInt is an object that every operation makes anew; a price seldom needs one.
//
// Why numbers are exact here. A processor answers +, -, x and / with the true result rounded to the nearest number it can hold,
// and it holds every integer up to 2^53. From that follow:
//
//   (1) A sum, difference or product of integers that comes out as a safe integer is the true one. A true result below 2^53 is
//       held, so it comes out as itself. One of 2^53 or more never comes out below 2^53, because 2^53 is held and is nearer.
//
//   (2) Math.floor(n / d) is the true floor for safe integers n and d > 0. A quotient that is not whole is at least 1/d away
//       from the next integer, and rounding moves it by at most |n| / d x 2^-53, which is less than 1/d: never onto that integer.
//
// The functions try numbers first and go on with BigInts when (1) does not hold. integer.property.test.ts holds each of them to
// plain BigInt, around 2^53 above all.

/** An exact integer in its one form: a number, never -0, when it is a safe integer; else a bigint. */
export type Integer = number | bigint

/** How a quotient that is not whole is brought to an integer. `half-up` and `half-even` look at the distance, `up` and `down` only at the sign: away from zero, towards zero. */
export type Rounding = 'half-up' | 'half-even' | 'up' | 'down'

const SAFE_MAX = Number.MAX_SAFE_INTEGER
const BIG_SAFE_MAX = BigInt(SAFE_MAX)

/**
 * The one form of a value.
 * @throws RangeError for a number that is not a safe integer.
 */
export function integer(value: number | bigint): Integer {
  if (typeof value === 'bigint') return value <= BIG_SAFE_MAX && value >= -BIG_SAFE_MAX ? Number(value) : value
  if (!Number.isSafeInteger(value)) throw new RangeError('a number that is not a safe integer')
  return value + 0 // -0 + 0 is 0
}

/** a + b. */
export function sum(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = a + b
    if (Math.abs(result) <= SAFE_MAX) return result
  }
  return integer(BigInt(a) + BigInt(b))
}

/** a - b. */
export function difference(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = a - b
    if (Math.abs(result) <= SAFE_MAX) return result
  }
  return integer(BigInt(a) - BigInt(b))
}

/** a x b. */
export function product(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const result = a * b
    if (Math.abs(result) <= SAFE_MAX) return result + 0 // 0 x -5 is -0
  }
  return integer(BigInt(a) * BigInt(b))
}

/** -1, 0 or 1 as a is below, equal to or above b. */
export function order(a: Integer, b: Integer): -1 | 0 | 1 {
  // The same comparison twice: of two numbers it is one instruction.
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0
  return a < b ? -1 : a > b ? 1 : 0
}

/** n / d, rounded as told; d is not zero. */
export function quotient(n: Integer, d: Integer, rounding: Rounding): Integer {
  if (typeof n === 'number' && typeof d === 'number') {
    const negative = n < 0 !== d < 0
    const numerator = Math.abs(n)
    const denominator = Math.abs(d)
    const floor = Math.floor(numerator / denominator) // exact by (2)
    const rest = numerator - floor * denominator // exact by (1): neither exceeds the numerator
    const result = rounded(floor, rest, denominator, rounding)
    return negative ? 0 - result : result
  }
  return bigQuotient(BigInt(n), BigInt(d), rounding)
}

/** a x b / d, rounded as told, once; d is not zero. The product may have twice the digits of a safe integer. */
export function productQuotient(a: Integer, b: Integer, d: Integer, rounding: Rounding): Integer {
  if (typeof a === 'number' && typeof b === 'number' && typeof d === 'number') {
    const whole = a * b
    if (Math.abs(whole) <= SAFE_MAX) return quotient(whole, d, rounding)
    const result = longQuotient(Math.abs(a), Math.abs(b), Math.abs(d), rounding)
    if (result !== null) return (a < 0 !== b < 0) !== d < 0 ? 0 - result : result
  }
  return bigQuotient(BigInt(a) * BigInt(b), BigInt(d), rounding)
}

const LONG_FACTOR_MAX = 2 ** 52
const LONG_QUOTIENT_MAX = 2 ** 50

/**
 * a x b / d of numbers whose product is too large for (1); none is negative, d is not zero.
 *
 * The floor is estimated and put right by the exact rest a x b - floor x d. The estimate went through two roundings, each of at
 * most 2^-53 of the value: below 2^50 it is off by less than 1, so its floor by at most one, and the rest is from -d to 2d.
 * @returns null when an argument or the quotient is too large for this.
 */
function longQuotient(a: number, b: number, d: number, rounding: Rounding): number | null {
  let floor = Math.floor((a * b) / d)
  if (!(a < LONG_FACTOR_MAX && b < LONG_FACTOR_MAX && d < LONG_FACTOR_MAX && floor < LONG_QUOTIENT_MAX)) return null
  let rest = differenceOfProducts(a, b, floor, d)
  if (rest < 0) {
    floor -= 1
    rest += d
  } else if (rest >= d) {
    floor += 1
    rest -= d
  }
  return rounded(floor, rest, d, rounding)
}

const LIMB = 2 ** 27

/**
 * a x b - c x d for integers from 0 to below 2^52 whose result is known to lie within +-2^53.
 *
 * Each factor is high x 2^27 + low, |low| <= 2^26 and high <= 2^25, so that a product of factors is
 * (high x high) x 2^54 + (high x low + low x high) x 2^27 + low x low, of three integers up to 2^52. Their differences, up to
 * 2^53, are held exactly. The result R = (upper x 2^27 + middle) x 2^27 + lower and lower are within 2^53, so what stands in
 * the brackets is an integer within 2^27: it is held, and so is R. Multiplying by 2^27 loses nothing.
 */
function differenceOfProducts(a: number, b: number, c: number, d: number): number {
  const aHigh = Math.round(a / LIMB)
  const bHigh = Math.round(b / LIMB)
  const cHigh = Math.round(c / LIMB)
  const dHigh = Math.round(d / LIMB)
  const aLow = a - aHigh * LIMB
  const bLow = b - bHigh * LIMB
  const cLow = c - cHigh * LIMB
  const dLow = d - dHigh * LIMB
  const upper = aHigh * bHigh - cHigh * dHigh
  const middle = aHigh * bLow + aLow * bHigh - (cHigh * dLow + cLow * dHigh)
  const lower = aLow * bLow - cLow * dLow
  return (upper * LIMB + middle) * LIMB + lower
}

/** floor + rest / d as an integer, 0 <= rest < d. Twice the rest is compared as rest with d - rest, which stay safe. */
function rounded(floor: number, rest: number, d: number, rounding: Rounding): number {
  switch (rounding) {
    case 'half-up':
      return rest >= d - rest ? floor + 1 : floor
    case 'half-even':
      return rest > d - rest || (rest === d - rest && floor % 2 === 1) ? floor + 1 : floor
    case 'up':
      return rest > 0 ? floor + 1 : floor
    case 'down':
      return floor
  }
}

function bigQuotient(n: bigint, d: bigint, rounding: Rounding): Integer {
  const negative = n < 0n !== d < 0n
  const numerator = n < 0n ? -n : n
  const denominator = d < 0n ? -d : d
  let result = numerator / denominator
  const twice = 2n * (numerator - result * denominator)
  if (
    rounding === 'up'
      ? twice > 0n
      : rounding === 'half-up'
        ? twice >= denominator
        : rounding === 'half-even' && (twice > denominator || (twice === denominator && result % 2n === 1n))
  ) {
    result += 1n
  }
  return integer(negative ? -result : result)
}

const BIG_POWERS: bigint[] = Array.from({ length: 64 }, (_, n) => 10n ** BigInt(n))
const POWERS: Integer[] = BIG_POWERS.map(integer)

/** 10^n for n >= 0. */
export function powerOfTen(n: number): bigint {
  return BIG_POWERS[n] ?? 10n ** BigInt(n)
}

/** 10^n for n >= 0, in its one form. */
export function tenTo(n: number): Integer {
  return POWERS[n] ?? powerOfTen(n)
}
