// What the address of the screen holds: the filters as they are typed, the page, the record that is looked at, and what lies over it.
export interface RecordsSearch {
  readonly client?: string
  readonly ticker?: string
  /** `record_type`. */
  readonly kind?: string
  /** Days, `2026-11-23`, or times with their zone. */
  readonly from?: string
  readonly to?: string
  /** USD. */
  readonly value_from?: string
  readonly value_to?: string
  /** Percent, as people say rates. */
  readonly rate_from?: string
  readonly rate_to?: string
  readonly page?: string
  /** Behind the last page that has a number. */
  readonly cursor?: string
  /** The audit_id of the record that is shown. */
  readonly id?: string
  /** The audit_id of a second one, beside it. */
  readonly with?: string
  readonly show?: Panel
}

/** Some of it as it shall be; undefined: not in the address any more. */
export type AddressChange = { readonly [K in keyof RecordsSearch]?: RecordsSearch[K] | undefined }

/** What lies over the screen. */
export type Panel = 'chain' | 'export' | 'holds'

const TEXTS = [
  'client',
  'ticker',
  'kind',
  'from',
  'to',
  'value_from',
  'value_to',
  'rate_from',
  'rate_to',
  'page',
  'cursor',
  'id',
  'with',
] as const satisfies readonly (keyof RecordsSearch)[]
const PANELS: readonly string[] = ['chain', 'export', 'holds'] satisfies Panel[]

/** Which filters a person sets: what changes with them is the list, from its first page. */
export const FILTERS = [
  'client',
  'ticker',
  'kind',
  'from',
  'to',
  'value_from',
  'value_to',
  'rate_from',
  'rate_to',
] as const satisfies readonly (keyof RecordsSearch)[]
export type FilterName = (typeof FILTERS)[number]
export type Filters = Pick<RecordsSearch, FilterName>

export function recordSearch(raw: Record<string, unknown>): RecordsSearch {
  const search: Record<string, string> = {}
  for (const name of TEXTS) {
    const text = raw[name]
    if (typeof text === 'string' && text.trim() !== '') search[name] = text.trim()
  }
  if (search.ticker !== undefined) search.ticker = search.ticker.toUpperCase()
  if (search.page !== undefined && !/^[1-9][0-9]{0,4}$/.test(search.page)) delete search.page
  if (typeof raw.show === 'string' && PANELS.includes(raw.show)) search.show = raw.show
  return search
}
