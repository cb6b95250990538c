// Numbers as the contract has them: exact decimals as text, each with its unit in the type. A price in USD, a rate as a fraction and
// a markup in percent points are all text, and no compiler lets one stand for another. Nothing here is a binary float.

declare const UNIT: unique symbol

/** Exact decimal text that counts one thing. It can be read as any text; it is made by the functions below, or comes in an answer. */
export type Quantity<Unit extends string> = string & { readonly [UNIT]: Unit }

/** An exact decimal as text, of whatever unit: `456.51`, `0.05`. */
export type Exact = string

/** US dollars. */
export type Usd = Quantity<'USD'>
/** US dollars for one share. */
export type UsdPerShare = Quantity<'USD a share'>
/** A rate a year as a fraction: 0.19 is 19 %. */
export type Fraction = Quantity<'fraction a year'>
/** Percent points: 5 is 5 %. */
export type PercentPoints = Quantity<'percent points'>
/** Hundredths of a percent point. */
export type BasisPoints = Quantity<'basis points'>
/** Points on the VIX scale. */
export type IndexPoints = Quantity<'index points'>
/** So many times the lender's rate. */
export type TimesLenderRate = Quantity<'times the lender rate'>

/** Decimal text, or a number that prints as one. A number must be written as text when a binary float cannot hold it. */
export type Written = string | number | bigint

export function usd(amount: Written): Usd {
  return exact(amount) as Usd
}

export function usdPerShare(amount: Written): UsdPerShare {
  return exact(amount) as UsdPerShare
}

/** @param rate a fraction a year: 0.05 for 5 % */
export function fraction(rate: Written): Fraction {
  return exact(rate) as Fraction
}

/** @param points 5 for 5 % */
export function percentPoints(points: Written): PercentPoints {
  return exact(points) as PercentPoints
}

export function indexPoints(points: Written): IndexPoints {
  return exact(points) as IndexPoints
}

export function timesLenderRate(multiple: Written): TimesLenderRate {
  return exact(multiple) as TimesLenderRate
}

/** A rate as people say it: 0.0625 is 6.25 %. Exact. */
export function inPercent(rate: Fraction): PercentPoints {
  return movePoint(rate, 2) as PercentPoints
}

/** What people say as a rate: 6.25 % is 0.0625. Exact. */
export function fromPercent(points: PercentPoints): Fraction {
  return movePoint(points, -2) as Fraction
}

const DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/

/** @throws RangeError when it is no decimal: `1e-7` and `1,000` are none */
function exact(written: Written): Exact {
  const text = String(written)
  if (DECIMAL.test(text)) return text
  throw new RangeError('It must be a decimal, as 50000 or "0.05".')
}

/** Moves the decimal point, to the right for positive places. Zeros at the end are dropped. */
function movePoint(text: Exact, places: number): Exact {
  const [, sign = '', whole = '0', decimals = ''] = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(exact(text)) ?? []
  const scale = decimals.length - places
  const decimalsMin = Math.max(scale, 0)
  const digits = `${whole}${decimals}${'0'.repeat(Math.max(-scale, 0))}`.padStart(decimalsMin + 1, '0')
  const point = digits.length - decimalsMin
  const integer = digits.slice(0, point).replace(/^0+(?=[0-9])/, '')
  const rest = digits.slice(point).replace(/0+$/, '')
  return `${sign}${integer}${rest === '' ? '' : `.${rest}`}`
}
