// Stocks that a person wants on top, kept in this browser alone.
const KEY = 'borrow-desk-watchlist'
const WATCHED_MAX = 200

let tickers: readonly string[] = read()
let places = placesOf(tickers)
const listeners = new Set<() => void>()

export const watchlist = {
  get: (): readonly string[] => tickers,
  /** Undefined: it is not watched. */
  placeOf: (ticker: string): number | undefined => places.get(ticker),
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  /** @returns false when no more can be taken up */
  toggle(ticker: string): boolean {
    const without = tickers.filter((watched) => watched !== ticker)
    if (without.length === tickers.length && tickers.length >= WATCHED_MAX) return false
    tickers = without.length < tickers.length ? without : [...tickers, ticker]
    places = placesOf(tickers)
    localStorage.setItem(KEY, JSON.stringify(tickers))
    for (const listener of listeners) listener()
    return true
  },
}

function placesOf(list: readonly string[]): ReadonlyMap<string, number> {
  return new Map(list.map((ticker, place) => [ticker, place]))
}

function read(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter((item) => typeof item === 'string').slice(0, WATCHED_MAX) : []
  } catch {
    return []
  }
}
