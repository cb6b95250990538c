// What the address of the screen holds.
export interface QuoteSearch {
  readonly ticker?: string
}

export function quoteSearch(raw: Record<string, unknown>): QuoteSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
