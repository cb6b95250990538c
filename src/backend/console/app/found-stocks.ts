// Stocks for what somebody has typed of a ticker or a name.
import type { RateRowAnswer } from '../../client/index.ts'

const FOUND_MAX = 8

/** Tickers that begin so come first, then names that have it. */
export function foundStocks(rows: ReadonlyMap<string, RateRowAnswer>, query: string): RateRowAnswer[] {
  const words = query.trim().toUpperCase()
  if (words === '') return []
  const exact = rows.get(words)
  const begin: RateRowAnswer[] = []
  const within: RateRowAnswer[] = []
  for (const row of rows.values()) {
    if (row.ticker === words) continue
    if (row.ticker.startsWith(words)) begin.push(row)
    else if (within.length < FOUND_MAX && row.name?.toUpperCase().includes(words)) within.push(row)
  }
  begin.sort((a, b) => a.ticker.length - b.ticker.length || (a.ticker < b.ticker ? -1 : 1))
  return [...(exact === undefined ? [] : [exact]), ...begin, ...within].slice(0, FOUND_MAX)
}
