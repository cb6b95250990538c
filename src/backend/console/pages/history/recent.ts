// The names that somebody looked at last, in this browser alone.
const KEY = 'borrow-desk-recent-stocks'
const RECENT_MAX = 8

export function recentStocks(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter((word) => typeof word === 'string').slice(0, RECENT_MAX) : []
  } catch {
    return []
  }
}

export function rememberStock(ticker: string): void {
  const others = recentStocks().filter((other) => other !== ticker)
  localStorage.setItem(KEY, JSON.stringify([ticker, ...others].slice(0, RECENT_MAX)))
}
