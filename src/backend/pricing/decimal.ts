// Exact decimals: an integer number of units of 10^-scale. `integer.ts` has the integers.
//
// Addition, subtraction and multiplication are exact and never round. The only operations that can lose anything are the
// divisions (and `round`, a division by a power of ten), and they do not work without being told the scale and the rounding.
// Nothing here knows about money or rates; `units.ts` gives those their names.
import {
  difference,
  type Integer,
  integer,
  order,
  powerOfTen,
  product,
  productQuotient,
  quotient,
  type Rounding,
  sum,
  tenTo,
} from './integer.ts'

export { powerOfTen, type Rounding } from './integer.ts'

/** Where to round and how. Both are always said. */
export interface RoundTo {
  /** Decimals to keep, an integer from 0 to 60. */
  readonly scale: number
  readonly rounding: Rounding
}

/** An exact decimal number: `count` x 10^-`scale`. Immutable. 1.50 and 1.5 are equal in value and differ in scale, as on paper. */
export class Decimal {
  /** The units, in the one form of an integer: equal decimals are equal member by member. */
  readonly count: Integer
  readonly scale: number
  /** Printed once: a rate stands in an answer, in its words and on the record. No member that a comparison would see. */
  #text: string | null = null

  /**
   * @param units a bigint, or a safe integer
   * @param scale from 0
   */
  constructor(units: number | bigint, scale: number) {
    this.count = integer(units)
    this.scale = scale
  }

  /** The units as a bigint, whatever their size. */
  get units(): bigint {
    return BigInt(this.count)
  }

  /** The decimal text with exactly `scale` digits after the point: `25.00`, `-0.5`, `100`. Never an exponent. */
  toString(): string {
    this.#text ??= written(this.count, this.scale)
    return this.#text
  }

  /** Text in JSON made by the platform, so that a decimal can never become a binary float by accident. */
  toJSON(): string {
    return this.toString()
  }
}

/** `.00` to `.99`. */
const CENTS = Array.from({ length: 100 }, (_, n) => `.${`${n}`.padStart(2, '0')}`)

function written(count: Integer, scale: number): string {
  if (count < 0) return `-${written(-count, scale)}`
  if (scale === 2 && typeof count === 'number') {
    const dollars = Math.floor(count / 100)
    return `${dollars}${CENTS[count - dollars * 100]}`
  }
  const digits = `${count}`
  if (scale === 0) return digits
  const point = digits.length - scale
  return point > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}` : `0.${'0'.repeat(-point)}${digits}`
}

const DECIMAL_TEXT = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/

/** The longest text `parseDecimal` reads, and the largest exponent: enough for any amount or rate, too little to be a weapon. */
export const DECIMAL_TEXT_LENGTH_MAX = 80
const EXPONENT_MAX = 60

const [MINUS, POINT, DIGIT_0, DIGIT_9] = [...'-.09'].map((character) => character.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
]

/**
 * Reads the text of a JSON number exactly: `1e2` is 100, `100.100` is 100.100, and `100.005` keeps its three decimals.
 * @returns the decimal, or null when the text is not a JSON number, is longer than {@link DECIMAL_TEXT_LENGTH_MAX} or has
 *   an exponent beyond +-60 (1e400 is refused, not turned into infinity).
 */
export function parseDecimal(text: string): Decimal | null {
  return text.length > PLAIN_TEXT_LENGTH_MAX ? parseAny(text) : (parsePlain(text) ?? parseAny(text))
}

/** Digits that fit a safe integer, however they are put: up to 10^15. */
const PLAIN_TEXT_LENGTH_MAX = 15

/** Short texts without an exponent, in one pass. @returns null for any other text, be it a number or not. */
function parsePlain(text: string): Decimal | null {
  const { length } = text
  const first = text.charCodeAt(0) === MINUS ? 1 : 0
  let units = 0
  let point = length
  for (let at = first; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= DIGIT_0 && code <= DIGIT_9) units = units * 10 + (code - DIGIT_0)
    else if (code === POINT && point === length) point = at
    else return null
  }
  // A digit before the point and one after it; a zero in front stands alone.
  if (point === first || point === length - 1 || (text.charCodeAt(first) === DIGIT_0 && point > first + 1)) return null
  return new Decimal(first === 1 ? -units : units, point === length ? 0 : length - point - 1)
}

function parseAny(text: string): Decimal | null {
  if (text.length > DECIMAL_TEXT_LENGTH_MAX) return null
  const match = DECIMAL_TEXT.exec(text)
  if (match === null) return null
  const [, sign, whole, fraction = '', exponentText] = match
  let units = BigInt(`${whole}${fraction}`)
  if (sign === '-') units = -units
  const exponent = exponentText === undefined ? 0 : Number(exponentText)
  if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX) return null
  const scale = fraction.length - exponent
  return scale < 0 ? new Decimal(units * powerOfTen(-scale), 0) : new Decimal(units, scale)
}

/**
 * A decimal from text that is known to be one: a constant in code, a NUMERIC from the database, a number kept on the record.
 * @throws RangeError when it is not (a bug or a damaged record, never user input; that goes through {@link parseDecimal}).
 */
export function decimal(text: string | number | bigint): Decimal {
  if (typeof text === 'bigint') return new Decimal(text, 0)
  if (typeof text === 'number') {
    if (!Number.isSafeInteger(text)) throw new RangeError('decimal(number) takes safe integers only')
    return new Decimal(text, 0)
  }
  const parsed = parseDecimal(text)
  if (parsed === null) throw new RangeError('not a decimal number')
  return parsed
}

export const ZERO = new Decimal(0, 0)
export const ONE = new Decimal(1, 0)

/** The units of a decimal at a scale that is not below its own. */
function countAt(value: Decimal, scale: number): Integer {
  return value.scale === scale ? value.count : product(value.count, tenTo(scale - value.scale))
}

/** a + b, exact, at the larger of the two scales. */
export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return new Decimal(sum(countAt(a, scale), countAt(b, scale)), scale)
}

/** a - b, exact, at the larger of the two scales. */
export function minus(a: Decimal, b: Decimal): Decimal {
  if (b.count === 0 && b.scale <= a.scale) return a
  const scale = Math.max(a.scale, b.scale)
  return new Decimal(difference(countAt(a, scale), countAt(b, scale)), scale)
}

/** a x b, exact; the scales add up. */
export function times(a: Decimal, b: Decimal): Decimal {
  return new Decimal(product(a.count, b.count), a.scale + b.scale)
}

/** -1, 0 or 1 as a is below, equal to or above b, by value: 1.50 equals 1.5. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale)
  return order(countAt(a, scale), countAt(b, scale))
}

/** The value, or the minimum when the value is below it. */
export function atLeast<D extends Decimal>(value: D, minimum: D): D {
  return compare(value, minimum) < 0 ? minimum : value
}

/** The value, or the maximum when the value is above it. */
export function atMost<D extends Decimal>(value: D, maximum: D): D {
  return compare(value, maximum) > 0 ? maximum : value
}

/** Below zero. */
export function isNegative(value: Decimal): boolean {
  return value.count < 0
}

/** Zero at any scale: 0 and 0.00. */
export function isZero(value: Decimal): boolean {
  return value.count === 0
}

/**
 * numerator / denominator at `scale` decimals, rounded as told. Multiply first, divide once.
 * @throws RangeError when the denominator is zero.
 */
export function divide(numerator: Decimal, denominator: Decimal, to: RoundTo): Decimal {
  if (denominator.count === 0) throw new RangeError('division by zero')
  // numerator / denominator at scale s is nu * 10^(ds - ns + s) / du
  const shift = denominator.scale - numerator.scale + to.scale
  const n = shift > 0 ? product(numerator.count, tenTo(shift)) : numerator.count
  const d = shift < 0 ? product(denominator.count, tenTo(-shift)) : denominator.count
  return new Decimal(quotient(n, d, to.rounding), to.scale)
}

/**
 * a x b / denominator at `scale` decimals, rounded as told: {@link divide} of {@link times}, without the long product between.
 * @throws RangeError when the denominator is zero.
 */
export function timesOver(a: Decimal, b: Decimal, denominator: Decimal, to: RoundTo): Decimal {
  if (denominator.count === 0) throw new RangeError('division by zero')
  const shift = denominator.scale - a.scale - b.scale + to.scale
  const n = shift > 0 ? product(a.count, tenTo(shift)) : a.count
  const d = shift < 0 ? product(denominator.count, tenTo(-shift)) : denominator.count
  return new Decimal(productQuotient(n, b.count, d, to.rounding), to.scale)
}

/** The value at `scale` decimals. A value that already fits is only padded with zeros. */
export function round(value: Decimal, to: RoundTo): Decimal {
  if (value.scale === to.scale) return value
  if (value.scale < to.scale) return new Decimal(countAt(value, to.scale), to.scale)
  return new Decimal(quotient(value.count, tenTo(value.scale - to.scale), to.rounding), to.scale)
}

/** The value x 10^places: the same digits, the point further right. No zero is added after the point. */
export function movePoint(value: Decimal, places: number): Decimal {
  const { count, scale } = value
  if (scale >= places) return new Decimal(count, scale - places)
  return new Decimal(product(count, tenTo(places - scale)), 0)
}

/** The same value without trailing zeros after the point: 0.06300000 becomes 0.063. */
export function trim(value: Decimal): Decimal {
  if (value.count === 0) return ZERO
  let { count, scale } = value
  for (; scale > 0; scale -= 1) {
    const tenth = quotient(count, 10, 'down')
    if (product(tenth, 10) !== count) break
    count = tenth
  }
  return scale === value.scale ? value : new Decimal(count, scale)
}

/** Decimals that are really there: 100.100 has one, 100.00 none. */
export function significantDecimals(value: Decimal): number {
  return trim(value).scale
}
