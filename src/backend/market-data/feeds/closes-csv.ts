// Closing prices as comma-separated text: `symbol,date,close`, USD a share.
import { compare, decimal, isNegative, isZero, parseDecimal, significantDecimals, trim } from '../../pricing/decimal.ts'
import { asUsd, type IsoDate, type Ticker, type Usd } from '../../pricing/units.ts'
import { normaliseSymbol } from '../symbol.ts'
import { countSkipped, excerpt, FeedFileError, readFeedDate, readTable, type Skipped } from './feed-file.ts'

export interface ClosingPrice {
  readonly ticker: Ticker
  readonly date: IsoDate
  /** USD a share, at most 6 decimals. */
  readonly close: Usd
}

export interface ClosingPrices {
  /** The latest of each ticker. */
  readonly closes: readonly ClosingPrice[]
  readonly skipped: Skipped
}

const KIND = 'closing price file'
const PRICE = /^-?[0-9]{1,12}(\.[0-9]{1,12})?$/
const PRICE_MAX = decimal(1_000_000_000)
const PRICE_DECIMALS_MAX = 6

/**
 * Reads the whole file; of several dates of a symbol the latest counts.
 * @throws FeedFileError when it is of another form, or a price is not above 0
 */
export function parseCloses(text: string): ClosingPrices {
  const skipped: Skipped = {}
  const closes = new Map<Ticker, ClosingPrice>()
  for (const { line, field } of readTable(text, KIND, [['symbol', 'ticker'], ['date'], ['close']])) {
    const ticker = normaliseSymbol(field('symbol'))
    if (ticker === null) {
      countSkipped(skipped, 'symbol')
      continue
    }
    const date = readFeedDate(field('date'))
    if (date === null) throw new FeedFileError(KIND, line, `date must be a date, and is ${excerpt(field('date'))}`)
    const close = PRICE.test(field('close')) ? parseDecimal(field('close')) : null
    if (
      close === null ||
      isZero(close) ||
      isNegative(close) ||
      compare(close, PRICE_MAX) > 0 ||
      significantDecimals(close) > PRICE_DECIMALS_MAX
    ) {
      throw new FeedFileError(
        KIND,
        line,
        `close must be a price above 0 with at most 6 decimals, and is ${excerpt(field('close'))}`,
      )
    }
    const other = closes.get(ticker)
    if (other !== undefined) countSkipped(skipped, 'older close')
    if (other === undefined || other.date <= date) closes.set(ticker, { ticker, date, close: asUsd(trim(close)) })
  }
  if (closes.size === 0) throw new FeedFileError(KIND, null, 'none of its rows can be used')
  return { closes: [...closes.values()], skipped }
}
