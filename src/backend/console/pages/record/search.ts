// What the address of the screen holds.
export interface RecordSearch {
  readonly ticker?: string
}

export function recordSearch(raw: Record<string, unknown>): RecordSearch {
  return typeof raw.ticker === 'string' ? { ticker: raw.ticker } : {}
}
