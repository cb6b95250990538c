// Requests as a market sends them: names of the demo universe, values and terms that differ. One request over and over would be
// answered out of one warm corner of everything.
import { readFileSync } from 'node:fs'
import { parseIbkrShortStockFile } from '../../market-data/feeds/ibkr-short-stock-file.ts'
import { randomFrom } from '../random.ts'

const EXCERPT = new URL('../../database/demo-data/ibkr-usa-20251228-excerpt.txt', import.meta.url)
const COUNT = 200
const SEED = 20_261_130
const VALUE_MAX = 2_000_000
const DAYS_MAX = 365

export interface SingleRequest {
  readonly ticker: string
  readonly position_value: number
  readonly loan_days: number
  readonly client_id: string
}

/** Bodies of single quotes, always the same ones. @param tickers unless said, those of the demo universe */
export function singleBodies(
  clientId: string,
  tickers: readonly string[] = demoTickers(),
  count: number = COUNT,
): string[] {
  return singleRequests(clientId, tickers, count).map((request) => JSON.stringify(request))
}

export function singleRequests(
  clientId: string,
  tickers: readonly string[] = demoTickers(),
  count: number = COUNT,
): SingleRequest[] {
  const random = randomFrom(SEED)
  return Array.from({ length: count }, (_, index) => ({
    ticker: tickers[index % tickers.length] as string,
    // Whole dollars and cents, small and large ones alike.
    position_value: Math.round(1_000 * (VALUE_MAX / 1_000) ** random() * 100) / 100,
    loan_days: 1 + Math.floor(random() * DAYS_MAX),
    client_id: clientId,
  }))
}

/** Those of the demonstration. */
export function demoTickers(): string[] {
  return quotableTickers(readFileSync(EXCERPT, 'utf8'))
}

/** Names of a lender's file that have a rate of their own, without those that are written in several ways. */
export function quotableTickers(lenderFile: string): string[] {
  return parseIbkrShortStockFile(lenderFile)
    .rows.filter(({ ticker, rate }) => /^[A-Z]+$/.test(ticker) && rate !== null)
    .map(({ ticker }) => ticker)
}
