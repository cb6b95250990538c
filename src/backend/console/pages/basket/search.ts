// What the address of the screen holds.
export interface BasketSearch {
  readonly ticker?: string
}

export function basketSearch(raw: Record<string, unknown>): BasketSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
