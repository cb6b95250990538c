// Several names in one parameter of a query, with commas between them.
import { TICKER_PATTERN, type Ticker } from '../pricing/units.ts'
import { patternField } from '../server/shape.ts'

const ONE = TICKER_PATTERN.slice(1, -1)

export function tickerListField(countMax: number, description: string) {
  return patternField(
    `^${ONE}(,${ONE}){0,${countMax - 1}}$`,
    `must be 1 to ${countMax} tickers, with commas between them`,
    { description, example: 'GME,AMC,BRK.B' },
  )
}

/** Each once, in their order. */
export function tickersIn(text: string): Ticker[] {
  return [...new Set(text.split(','))] as Ticker[]
}
