// What the address of the screen holds.
export interface WhatIfSearch {
  readonly ticker?: string
}

export function whatIfSearch(raw: Record<string, unknown>): WhatIfSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
