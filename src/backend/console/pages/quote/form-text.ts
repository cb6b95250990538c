// The form as it is typed, and what it becomes: an address, a request. What is no number goes to the engine as it is: the engine says
// what is wrong with it, in its own words.
import type { QuoteRequest, Usd, UsdPerShare } from '../../../client/index.ts'
import { parseDecimal, significantDecimals, trim } from '../../../pricing/decimal.ts'
import type { FailureWords } from '../../api.ts'
import { grouped, typedDecimal, usdText } from '../../ui/formats.ts'
import { type QuoteSearch, quoteSearch } from './search.ts'

export interface FormText {
  readonly clientId: string
  readonly ticker: string
  readonly size: 'value' | 'shares'
  readonly value: string
  readonly shares: string
  readonly price: string
  readonly stay: 'days' | 'dates'
  readonly days: string
  readonly start: string
  readonly end: string
}

/** By the contract's names, as the engine's complaints have them. */
export type FieldName =
  | 'client_id'
  | 'ticker'
  | 'position_value'
  | 'quantity'
  | 'price'
  | 'loan_days'
  | 'start_date'
  | 'end_date'

/** What is filled in where the address says nothing: one's own broker, or what was priced last. */
export interface FormDefaults {
  readonly ownClientId: string | null
  readonly last: FormText | null
}

const EMPTY: FormText = {
  clientId: '',
  ticker: '',
  size: 'value',
  value: '',
  shares: '',
  price: '',
  stay: 'days',
  days: '',
  start: '',
  end: '',
}

export function formOf(search: QuoteSearch, { ownClientId, last }: FormDefaults): FormText {
  const before = last ?? EMPTY
  const byShares = search.quantity !== undefined || search.price !== undefined || search.size === 'shares'
  const byDates = search.start_date !== undefined || search.end_date !== undefined || search.stay === 'dates'
  const size =
    byShares || search.position_value !== undefined
      ? {
          size: byShares ? ('shares' as const) : ('value' as const),
          value: search.position_value ?? '',
          shares: search.quantity ?? '',
          price: search.price ?? '',
        }
      : { size: before.size, value: before.value, shares: before.shares, price: '' }
  const stay =
    byDates || search.loan_days !== undefined
      ? {
          stay: byDates ? ('dates' as const) : ('days' as const),
          days: search.loan_days ?? '',
          start: search.start_date ?? '',
          end: search.end_date ?? '',
        }
      : { stay: before.stay, days: before.days, start: before.start, end: before.end }
  return tidy({
    clientId: ownClientId ?? search.client_id ?? before.clientId,
    ticker: search.ticker ?? '',
    ...size,
    ...stay,
  })
}

/** Of the way that is chosen; the other way's fields wait in the form alone. */
export function searchOf(form: FormText): QuoteSearch {
  const bySize =
    form.size === 'value'
      ? { position_value: shortest(form.value) }
      : { quantity: plain(form.shares), price: shortest(form.price), size: 'shares' }
  const byStay =
    form.stay === 'days'
      ? { loan_days: plain(form.days) }
      : { start_date: form.start, end_date: form.end, stay: 'dates' }
  const { size, stay, ...search } = quoteSearch({
    client_id: form.clientId,
    ticker: form.ticker,
    ...bySize,
    ...byStay,
  })
  return {
    ...search,
    ...(size !== undefined && search.quantity === undefined && search.price === undefined && { size }),
    ...(stay !== undefined && search.start_date === undefined && search.end_date === undefined && { stay }),
  }
}

/** Whether two forms ask the same. */
export function asksTheSame(a: FormText, b: FormText): boolean {
  return JSON.stringify(searchOf(a)) === JSON.stringify(searchOf(b))
}

export function requestOf(form: FormText): QuoteRequest {
  return {
    ticker: given(form.ticker.trim()) as string,
    clientId: given(form.clientId.trim()) as string,
    ...(form.size === 'value'
      ? present('positionValue', given(plain(form.value)) as Usd | undefined)
      : {
          ...present('quantity', count(form.shares)),
          ...present('price', given(plain(form.price)) as UsdPerShare | undefined),
        }),
    ...(form.stay === 'days'
      ? present('loanDays', count(form.days))
      : { ...present('startDate', given(form.start)), ...present('endDate', given(form.end)) }),
  }
}

/** With its groups, once it is typed: `50000` becomes `50,000.00`; what is no amount stays. */
export function tidy(form: FormText): FormText {
  return {
    ...form,
    ticker: form.ticker.trim().toUpperCase(),
    value: tidyAmount(form.value),
    shares: tidyCount(form.shares),
    price: tidyAmount(form.price),
    days: form.days.trim(),
  }
}

/** The engine's sentence for each field, and what is left when there is none to put it under. */
export function refusedFields(
  { fields, code, sentence }: Pick<FailureWords, 'fields' | 'code' | 'sentence'>,
  form: FormText,
): ReadonlyMap<FieldName, string> {
  const found = new Map<FieldName, string>()
  for (const [field, words] of fields) {
    const shown = shownField(field, form)
    if (shown !== null && !found.has(shown)) found.set(shown, words)
  }
  if (found.size > 0) return found
  if (code === 'TICKER_NOT_FOUND') found.set('ticker', sentence)
  if (code === 'CLIENT_NOT_FOUND') found.set('client_id', sentence)
  return found
}

/** A complaint about a field of the other way stands under the one that is shown. */
function shownField(field: string, form: FormText): FieldName | null {
  if (field === 'position_value' || field === 'quantity') {
    if (form.size === 'value') return 'position_value'
    return 'quantity'
  }
  if (field === 'price') return form.size === 'shares' ? 'price' : 'position_value'
  if (field === 'loan_days') return form.stay === 'days' ? 'loan_days' : 'start_date'
  if (field === 'start_date' || field === 'end_date') return form.stay === 'dates' ? field : 'loan_days'
  return field === 'ticker' || field === 'client_id' ? field : null
}

function plain(text: string): string {
  return typedDecimal(text) ?? text.trim()
}

/** 50,000.00 and 50000 are one amount, and one address. */
function shortest(text: string): string {
  const parsed = parseDecimal(plain(text))
  return parsed === null ? text.trim() : trim(parsed).toString()
}

function given(text: string): string | undefined {
  return text === '' ? undefined : text
}

/** JSON has a count as a number. */
function count(text: string): number | undefined {
  const typed = plain(text)
  if (/^[0-9]{1,15}$/.test(typed)) return Number(typed)
  return given(typed) as number | undefined
}

function present<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value }
}

function tidyAmount(text: string): string {
  const parsed = parseDecimal(plain(text))
  return parsed === null || significantDecimals(parsed) > 2 ? text : usdText(parsed.toString())
}

function tidyCount(text: string): string {
  const typed = plain(text)
  return /^[0-9]+$/.test(typed) ? grouped(typed) : text
}
