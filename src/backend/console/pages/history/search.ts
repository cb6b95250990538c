// What the address of the screen holds: whose history, beside which others, over which time, and which page of the table.
export const RANGES = ['1d', '5d', '1m', '1y'] as const
export type RangeName = (typeof RANGES)[number]
export const RANGE_DEFAULT: RangeName = '1m'

/** Beside the first name. */
export const OTHERS_MAX = 2

export interface HistorySearch {
  readonly ticker?: string
  /** Other names, with commas between them. */
  readonly with?: string
  readonly range?: RangeName
  /** Own dates, in place of a range: from the beginning of the one to the end of the other; without `to` to now. */
  readonly from?: string
  readonly to?: string
  /** Of the table, from 1. */
  readonly page?: string
}

/** What is not understood is left out. A name that nobody lends is understood: the server says so. */
export function historySearch(raw: Record<string, unknown>): HistorySearch {
  const ticker = tickerOf(raw.ticker)
  const others = othersOf(raw.with).filter((other) => other !== ticker)
  const range = RANGES.find((name) => name === raw.range)
  const from = dateOf(raw.from)
  const to = dateOf(raw.to)
  const page = typeof raw.page === 'string' && /^[1-9][0-9]{0,3}$/.test(raw.page) ? raw.page : undefined
  return {
    ...(ticker !== undefined && { ticker }),
    ...(ticker !== undefined && others.length > 0 && { with: others.slice(0, OTHERS_MAX).join() }),
    ...(from !== undefined ? { from, ...(to !== undefined && { to }) } : range !== undefined && { range }),
    ...(page !== undefined && page !== '1' && { page }),
  }
}

/** Those that are shown, the first one first. */
export function tickersOf({ ticker, with: others }: HistorySearch): string[] {
  return ticker === undefined ? [] : [ticker, ...othersOf(others)]
}

/** As people type it: `gme` is GME. Longer than any ticker is none. */
export function tickerOf(typed: unknown): string | undefined {
  if (typeof typed !== 'string') return undefined
  const ticker = typed.trim().toUpperCase()
  return ticker !== '' && ticker.length <= 12 && !ticker.includes(',') ? ticker : undefined
}

function othersOf(typed: unknown): string[] {
  const tickers = typeof typed === 'string' ? typed.split(',').map(tickerOf) : []
  return [...new Set(tickers.filter((ticker) => ticker !== undefined))]
}

function dateOf(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(typed)) return undefined
  const at = Date.parse(typed)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(typed) ? typed : undefined
}
