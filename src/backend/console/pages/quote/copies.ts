// A quote as text for elsewhere: the request as a command, the answer as it came, a line for a spreadsheet.
import type { Exact, QuoteAnswer, QuoteRequest } from '../../../client/index.ts'
import { csvRow } from '../../../server/csv-writer.ts'

/** Names of members that are text whatever they look like. */
const TEXTS: ReadonlySet<string> = new Set([
  'client_id',
  'ticker',
  'provider',
  'type',
  'description',
  'fallback_reason',
  'convention_pack',
  'pricing_model',
])
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/

/** The answer as JSON, its figures as the exact number tokens that they were. */
export function exactJsonText(value: unknown, indent = '  '): string {
  return written(value, '', '\n', indent)
}

function written(value: unknown, name: string, lineBreak: string, indent: string): string {
  if (typeof value === 'string' && NUMBER.test(value) && !TEXTS.has(name)) return value
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = indent === '' ? '' : lineBreak + indent
  const end = indent === '' ? '' : lineBreak
  const after = indent === '' ? ':' : ': '
  const isList = Array.isArray(value)
  const parts = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => {
      const text = written(member, isList ? name : key, inner, indent)
      return isList ? text : `${JSON.stringify(key)}${after}${text}`
    })
  if (parts.length === 0) return isList ? '[]' : '{}'
  return `${isList ? '[' : '{'}${inner}${parts.join(`,${inner}`)}${end}${isList ? ']' : '}'}`
}

/** A command that prices the same again. It names the variable of the key, never a key. */
export function curlText(body: object, origin: string): string {
  return [
    `curl -sS '${origin}/api/v1/calculate-locate'`,
    `-H "X-API-Key: $KEY"`,
    `-H 'Content-Type: application/json'`,
    `-d '${exactJsonText(body, '').replaceAll("'", `'\\''`)}'`,
  ].join(' \\\n  ')
}

/** A header and one line. What is missing is empty. */
export function csvText(answer: QuoteAnswer, request: QuoteRequest): string {
  const { breakdown, terms } = answer
  const cells: readonly (readonly [string, Exact | number | null | undefined])[] = [
    ['ticker', answer.ticker],
    ['client_id', answer.client_id],
    ['position_value', request.positionValue],
    ['quantity', request.quantity],
    ['price', request.price ?? answer.data_sources.price?.value],
    ['charged_value', answer.charged_value],
    ['loan_days', request.loanDays ?? answer.accrual?.days],
    ['start_date', request.startDate],
    ['end_date', request.endDate],
    ['borrow_rate_used', answer.borrow_rate_used],
    ['borrow_cost', breakdown.borrow_cost],
    ['markup', breakdown.markup],
    ['transaction_fees', breakdown.transaction_fees],
    ['total_fee', answer.total_fee],
    ['cost_per_day', answer.cost_per_day],
    ['day_count', terms.day_count],
    ['convention_pack', terms.convention_pack],
    ['pricing_model', terms.pricing_model],
    ['degraded', answer.degraded.join(' ')],
    ['quote_type', answer.quote_type],
    ['quoted_at', answer.quoted_at],
    ['expires_at', answer.expires_at],
    ['audit_id', answer.audit_id],
  ]
  const texts = cells.map(([, value]) => (value === undefined || value === null ? null : String(value)))
  return csvRow(cells.map(([name]) => name)) + csvRow(texts)
}
