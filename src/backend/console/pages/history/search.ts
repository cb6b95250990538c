// What the address of the screen holds.
export interface HistorySearch {
  readonly ticker?: string
}

export function historySearch(raw: Record<string, unknown>): HistorySearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
