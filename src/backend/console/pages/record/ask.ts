// From the address to the question that is asked of the engine, and what the list says of its answer.
import { fromPercent, percentPoints, type RecordSearch, usd } from '../../../client/index.ts'
import { grouped, typedDecimal } from '../../ui/formats.ts'
import type { FilterName, RecordsSearch } from './search.ts'

export const PAGE_SIZE = 50

/** What a person typed that is no question yet: a sentence for each field. */
export type Unclear = Partial<Readonly<Record<FilterName, string>>>

export interface Asked {
  readonly search: RecordSearch
  readonly unclear: Unclear
}

/** What is not understood is left out of the question, and named. */
export function askOf(address: RecordsSearch): Asked {
  const unclear: { -readonly [K in FilterName]?: string } = {}
  const amount = (name: FilterName, what: string) => {
    const text = address[name]
    if (text === undefined) return undefined
    const exact = typedDecimal(text)
    if (exact === null || exact.startsWith('-')) unclear[name] = `${what} must be a number, as 50,000.`
    return unclear[name] === undefined ? (exact as string) : undefined
  }
  const minValue = amount('value_from', 'The lowest value')
  const maxValue = amount('value_to', 'The highest value')
  const minRate = amount('rate_from', 'The lowest rate')
  const maxRate = amount('rate_to', 'The highest rate')
  const search: RecordSearch = {
    pageSize: PAGE_SIZE,
    ...(address.client !== undefined && { clientId: address.client }),
    ...(address.ticker !== undefined && { ticker: address.ticker }),
    ...(address.kind !== undefined && { recordType: address.kind }),
    ...(address.from !== undefined && { from: address.from }),
    ...(address.to !== undefined && { to: address.to }),
    ...(minValue !== undefined && { minPositionValue: usd(minValue) }),
    ...(maxValue !== undefined && { maxPositionValue: usd(maxValue) }),
    ...(minRate !== undefined && { minBorrowRate: fromPercent(percentPoints(minRate)) }),
    ...(maxRate !== undefined && { maxBorrowRate: fromPercent(percentPoints(maxRate)) }),
    ...(address.cursor !== undefined ? { cursor: address.cursor } : { page: pageOf(address) }),
  }
  return { search, unclear }
}

export function pageOf({ page }: RecordsSearch): number {
  return Number(page ?? '1')
}

/** The engine's names of fields, by the names in the address. */
export const FIELD_OF_FILTER: Readonly<Record<FilterName, string>> = {
  client: 'client_id',
  ticker: 'ticker',
  kind: 'record_type',
  from: 'from',
  to: 'to',
  value_from: 'min_position_value',
  value_to: 'max_position_value',
  rate_from: 'min_borrow_rate',
  rate_to: 'max_borrow_rate',
}

/** `1 to 50 of 1,234`, `51 to 100 of more than 10,000`, `10,001 to 10,050 of more than 10,000`. */
export function countText(
  page: number,
  { items, total, exact }: { readonly items: number; readonly total: number; readonly exact: boolean },
): string {
  if (items === 0) return 'No records'
  const first = (page - 1) * PAGE_SIZE + 1
  const all = exact ? grouped(String(total)) : `more than ${grouped(String(total))}`
  return `${grouped(String(first))} to ${grouped(String(first + items - 1))} of ${all}`
}

/** When a record was made, by its id: milliseconds. The chain's ranges are ranges of these. */
export function timeOfId(auditId: string): number {
  return Number.parseInt(auditId.replaceAll('-', '').slice(0, 12), 16)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

export function isAuditId(text: string): boolean {
  return UUID.test(text.trim())
}
