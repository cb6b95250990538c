// What the address of the screen holds.
export interface AdministrationSearch {
  readonly ticker?: string
}

export function administrationSearch(raw: Record<string, unknown>): AdministrationSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
