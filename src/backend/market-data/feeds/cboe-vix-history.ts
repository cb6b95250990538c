// The volatility index in the form of CBOE's daily history: `DATE,OPEN,HIGH,LOW,CLOSE`, dates as MM/DD/YYYY or ISO.
import { compare, decimal, isNegative, parseDecimal, trim } from '../../pricing/decimal.ts'
import { asIndexPoints, type IndexPoints, type IsoDate } from '../../pricing/units.ts'
import { countSkipped, excerpt, FeedFileError, readFeedDate, readTable, type Skipped } from './feed-file.ts'

export interface VolatilityDay {
  readonly date: IsoDate
  /** The close, index points. */
  readonly value: IndexPoints
}

export interface VolatilityHistory {
  /** One a date, ascending. */
  readonly days: readonly VolatilityDay[]
  readonly skipped: Skipped
}

const KIND = 'volatility index history'
const VALUE = /^-?[0-9]{1,9}(\.[0-9]{1,10})?$/

/** Above this a volatility is garbage. The highest close of the index was 82.69. */
const VOLATILITY_MAX = decimal(500)

/**
 * Reads the whole history. Of a date that comes twice the later row counts, as a correction.
 * @throws FeedFileError when it is of another form, or has a value that is negative or above 500
 */
export function parseVolatilityHistory(text: string): VolatilityHistory {
  const skipped: Skipped = {}
  const days = new Map<IsoDate, VolatilityDay>()
  for (const { line, field } of readTable(text, KIND, [['DATE'], ['CLOSE']])) {
    const date = readFeedDate(field('DATE'))
    if (date === null) throw new FeedFileError(KIND, line, `DATE must be a date, and is ${excerpt(field('DATE'))}`)
    const value = VALUE.test(field('CLOSE')) ? parseDecimal(field('CLOSE')) : null
    if (value === null) throw new FeedFileError(KIND, line, `CLOSE must be a number, and is ${excerpt(field('CLOSE'))}`)
    if (isNegative(value) || compare(value, VOLATILITY_MAX) > 0) {
      throw new FeedFileError(KIND, line, `CLOSE must lie between 0 and 500 points, and is ${excerpt(field('CLOSE'))}`)
    }
    if (days.has(date)) countSkipped(skipped, 'duplicate')
    days.set(date, { date, value: asIndexPoints(trim(value)) })
  }
  return { days: [...days.values()].sort((a, b) => (a.date < b.date ? -1 : 1)), skipped }
}
