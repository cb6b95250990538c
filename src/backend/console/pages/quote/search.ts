// What the address of the screen holds: the form, in the contract's own names. A link that has all of it prices nothing by itself.
export interface QuoteSearch {
  readonly client_id?: string
  readonly ticker?: string
  readonly position_value?: string
  readonly quantity?: string
  readonly price?: string
  readonly loan_days?: string
  readonly start_date?: string
  readonly end_date?: string
  /** Which way is chosen while its fields are empty. */
  readonly size?: 'shares'
  readonly stay?: 'dates'
}

const TEXTS = [
  'client_id',
  'ticker',
  'position_value',
  'quantity',
  'price',
  'loan_days',
  'start_date',
  'end_date',
] as const satisfies readonly (keyof QuoteSearch)[]
const TEXT_LENGTH_MAX = 80

/** The members always in the same order: two searches that say the same are the same text. */
export function quoteSearch(raw: Record<string, unknown>): QuoteSearch {
  const search: Record<string, string> = {}
  for (const name of TEXTS) {
    const text = raw[name]
    if (typeof text !== 'string' || text.trim() === '' || text.length > TEXT_LENGTH_MAX) continue
    search[name] = name === 'ticker' ? text.trim().toUpperCase() : text.trim()
  }
  if (raw.size === 'shares') search.size = 'shares'
  if (raw.stay === 'dates') search.stay = 'dates'
  return search
}
