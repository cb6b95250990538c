// Exact decimals: an integer number of units of 10^-scale, over BigInt.
//
// Addition, subtraction and multiplication are exact and never round. The only operation that can lose anything is
// `divide` (and `round`, a division by a power of ten), and it does not work without being told the scale and the
// rounding. Nothing here knows about money or rates; `units.ts` gives those their names.

/** How a quotient that does not fit its scale is brought to it. `half-up` and `half-even` look at the distance, `up` and `down` only at the sign: away from zero, towards zero. */
export type Rounding = 'half-up' | 'half-even' | 'up' | 'down'

/** Where to round and how. Both are always said. */
export interface RoundTo {
  /** Decimals to keep, an integer from 0 to 60. */
  readonly scale: number
  readonly rounding: Rounding
}

/** An exact decimal number: `units` x 10^-`scale`. Immutable. 1.50 and 1.5 are equal in value and differ in scale, as on paper. */
export class Decimal {
  readonly units: bigint
  readonly scale: number

  constructor(units: bigint, scale: number) {
    this.units = units
    this.scale = scale
  }

  /** The decimal text with exactly `scale` digits after the point: `25.00`, `-0.5`, `100`. Never an exponent. */
  toString(): string {
    const { units, scale } = this
    if (scale === 0) return units.toString()
    const negative = units < 0n
    let digits = (negative ? -units : units).toString()
    if (digits.length <= scale) digits = digits.padStart(scale + 1, '0')
    const point = digits.length - scale
    const text = `${digits.slice(0, point)}.${digits.slice(point)}`
    return negative ? `-${text}` : text
  }

  /** Text in JSON made by the platform, so that a decimal can never become a binary float by accident. */
  toJSON(): string {
    return this.toString()
  }
}

const DECIMAL_TEXT = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/

/** The longest text `parseDecimal` reads, and the largest exponent: enough for any amount or rate, too little to be a weapon. */
export const DECIMAL_TEXT_LENGTH_MAX = 80
const EXPONENT_MAX = 60

/**
 * Reads the text of a JSON number exactly: `1e2` is 100, `100.100` is 100.100, and `100.005` keeps its three decimals.
 * @returns the decimal, or null when the text is not a JSON number, is longer than {@link DECIMAL_TEXT_LENGTH_MAX} or has
 *   an exponent beyond +-60 (1e400 is refused, not turned into infinity).
 */
export function parseDecimal(text: string): Decimal | null {
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
    return new Decimal(BigInt(text), 0)
  }
  const parsed = parseDecimal(text)
  if (parsed === null) throw new RangeError('not a decimal number')
  return parsed
}

export const ZERO = new Decimal(0n, 0)
export const ONE = new Decimal(1n, 0)

const POWERS: bigint[] = Array.from({ length: 64 }, (_, n) => 10n ** BigInt(n))

/** 10^n for n >= 0. */
export function powerOfTen(n: number): bigint {
  return POWERS[n] ?? 10n ** BigInt(n)
}

function unitsAt(value: Decimal, scale: number): bigint {
  return value.scale === scale ? value.units : value.units * powerOfTen(scale - value.scale)
}

/** a + b, exact, at the larger of the two scales. */
export function plus(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return new Decimal(a.units + b.units, a.scale)
  const scale = Math.max(a.scale, b.scale)
  return new Decimal(unitsAt(a, scale) + unitsAt(b, scale), scale)
}

/** a - b, exact, at the larger of the two scales. */
export function minus(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return new Decimal(a.units - b.units, a.scale)
  const scale = Math.max(a.scale, b.scale)
  return new Decimal(unitsAt(a, scale) - unitsAt(b, scale), scale)
}

/** a x b, exact; the scales add up. */
export function times(a: Decimal, b: Decimal): Decimal {
  return new Decimal(a.units * b.units, a.scale + b.scale)
}

/** -1, 0 or 1 as a is below, equal to or above b, by value: 1.50 equals 1.5. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale)
  const left = unitsAt(a, scale)
  const right = unitsAt(b, scale)
  return left < right ? -1 : left > right ? 1 : 0
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
  return value.units < 0n
}

/** Zero at any scale: 0 and 0.00. */
export function isZero(value: Decimal): boolean {
  return value.units === 0n
}

/**
 * The one division: numerator / denominator at `scale` decimals, rounded as told. Multiply first, divide once.
 * @throws RangeError when the denominator is zero.
 */
export function divide(numerator: Decimal, denominator: Decimal, to: RoundTo): Decimal {
  if (denominator.units === 0n) throw new RangeError('division by zero')
  // numerator/denominator at scale s is nu * 10^(ds - ns + s) / du
  const shift = denominator.scale - numerator.scale + to.scale
  let n = numerator.units
  let d = denominator.units
  if (shift >= 0) n *= powerOfTen(shift)
  else d *= powerOfTen(-shift)
  return new Decimal(quotient(n, d, to.rounding), to.scale)
}

/** The value at `scale` decimals. A value that already fits is only padded with zeros. */
export function round(value: Decimal, to: RoundTo): Decimal {
  if (value.scale === to.scale) return value
  if (value.scale < to.scale) return new Decimal(unitsAt(value, to.scale), to.scale)
  return new Decimal(quotient(value.units, powerOfTen(value.scale - to.scale), to.rounding), to.scale)
}

function quotient(n: bigint, d: bigint, rounding: Rounding): bigint {
  const negative = n < 0n !== d < 0n
  const numerator = n < 0n ? -n : n
  const denominator = d < 0n ? -d : d
  let q: bigint
  if (rounding === 'half-up') {
    q = (2n * numerator + denominator) / (2n * denominator)
  } else {
    q = numerator / denominator
    const remainder = numerator - q * denominator
    if (rounding === 'up') {
      if (remainder > 0n) q += 1n
    } else if (rounding === 'half-even') {
      const twice = 2n * remainder
      if (twice > denominator || (twice === denominator && q % 2n === 1n)) q += 1n
    }
  }
  return negative ? -q : q
}

/** The same value without trailing zeros after the point: 0.06300000 becomes 0.063. */
export function trim(value: Decimal): Decimal {
  let { units, scale } = value
  if (units === 0n) return ZERO
  while (scale > 0 && units % 10n === 0n) {
    units /= 10n
    scale -= 1
  }
  return scale === value.scale ? value : new Decimal(units, scale)
}

/** Decimals that are really there: 100.100 has one, 100.00 none. */
export function significantDecimals(value: Decimal): number {
  return trim(value).scale
}
