// What a decimal counts. A rate cannot be passed where percent points are wanted: the types differ, the run-time value is
// the same exact decimal. Rates are fractions, always: 0.19 is 19 % a year.
import type { Decimal } from './decimal.ts'

declare const unit: unique symbol

/** An annual rate, a fraction: 0.19 is 19 % a year. */
export type Rate = Decimal & { readonly [unit]: 'fraction a year' }
/** An amount of US dollars. */
export type Usd = Decimal & { readonly [unit]: 'USD' }
/** Percent points: 5 is 5 %. Only a markup and a PERCENTAGE transaction fee are given so. */
export type PercentPoints = Decimal & { readonly [unit]: 'percent points' }
/** Points of a volatility index on the VIX scale: 20 is a calm market. */
export type IndexPoints = Decimal & { readonly [unit]: 'index points' }

/** Names a decimal's unit. The one place where a plain decimal becomes a quantity: parsers, database rows, formulas' ends. */
export const asRate = (value: Decimal): Rate => value as Rate
export const asUsd = (value: Decimal): Usd => value as Usd
export const asPercentPoints = (value: Decimal): PercentPoints => value as PercentPoints
export const asIndexPoints = (value: Decimal): IndexPoints => value as IndexPoints

/** A US ticker as the contract writes it: `AAPL`, `BRK.B`. Made by `market-data/symbol.ts` and the request schema only. */
export type Ticker = string & { readonly [unit]: 'ticker' }
/** A calendar date in New York, `YYYY-MM-DD`. */
export type IsoDate = string & { readonly [unit]: 'ISO date' }

/** The one pattern of a ticker: five letters, and share classes as BRK.B. */
export const TICKER_PATTERN = '^[A-Z]{1,5}([.][A-Z]{1,2})?$'
const TICKER = new RegExp(TICKER_PATTERN)

/** @returns the text as a ticker, or null when it is not one. Case-sensitive. */
export function asTicker(text: string): Ticker | null {
  return TICKER.test(text) ? (text as Ticker) : null
}
