// What the address of the screen holds.
export interface OperationsSearch {
  readonly ticker?: string
}

export function operationsSearch(raw: Record<string, unknown>): OperationsSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
