// What the address of the screen holds.
export interface RatesSearch {
  readonly ticker?: string
}

export function ratesSearch(raw: Record<string, unknown>): RatesSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
