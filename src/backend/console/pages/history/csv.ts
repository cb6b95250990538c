// The points as a table of text, exact as the API has them.
import type { Series } from './timeline.ts'

const HEADER = 'time,ticker,borrow_rate,lender_rate,volatility_index,event_risk_factor,shares,shares_at_least'

/** Oldest first, name after name. What is missing is empty. Nothing in it can be a formula: tickers have letters and points alone. */
export function historyCsv(series: readonly Series[]): string {
  const lines = series.flatMap(({ ticker, points }) =>
    points
      .filter((point) => point !== null)
      .map(({ time, borrow_rate, lender_rate, volatility_index, event_risk_factor, availability }) =>
        [
          time,
          ticker,
          borrow_rate,
          lender_rate ?? '',
          volatility_index ?? '',
          event_risk_factor ?? '',
          availability.shares ?? '',
          availability.at_least,
        ].join(),
      ),
  )
  return `${[HEADER, ...lines].join('\r\n')}\r\n`
}

export function csvName(
  series: readonly Series[],
  { from, to }: { readonly from: string; readonly to: string },
): string {
  return `history-${series.map(({ ticker }) => ticker).join('-')}-${from}-to-${to}.csv`
}
