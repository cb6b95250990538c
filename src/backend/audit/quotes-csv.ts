// The quotes of a range as a table for the back office: one line a quote, what was asked, what it was priced at, and under which
// terms, so that it can be laid beside what was charged. Amounts and rates are the exact texts of the record.
import { csvRow } from '../server/csv-writer.ts'
import { QUOTE_RECORD_SCHEMA_VERSION, type QuoteRecordBody } from './quote-record.ts'
import type { StoredAuditRow } from './read-record.ts'

/** The columns, with what each one says of a record. A damaged record may lack anything. */
const COLUMNS: readonly (readonly [name: string, cell: (row: StoredAuditRow, body: Kept) => unknown])[] = [
  ['date_utc', (row) => row.occurred_at.slice(0, 10)],
  ['time_utc', (row) => row.occurred_at.slice(11, 23)],
  ['client_id', (row) => row.client_id],
  ['ticker', (row) => row.ticker],
  // `indicative`; `unreadable` where the record is not of the form that its version has.
  ['status', (_, body) => body.quote_type ?? 'unreadable'],
  ['shares', (_, body) => body.request?.quantity],
  ['price', (_, body) => body.price_inputs?.position?.price],
  ['position_value', (row) => row.position_value],
  ['loan_days', (_, body) => body.price_inputs?.loan_days],
  ['short_settles', (_, body) => body.price_inputs?.accrual?.short_settles],
  ['cover_settles', (_, body) => body.price_inputs?.accrual?.cover_settles],
  ['borrow_rate', (row) => row.borrow_rate],
  ['day_count', (_, body) => body.price_inputs?.terms?.day_count],
  ['convention_pack', (_, body) => body.convention_pack],
  ['borrow_cost', (_, body) => body.result?.borrow_cost],
  ['markup', (_, body) => body.result?.markup],
  ['transaction_fees', (_, body) => body.result?.transaction_fee],
  ['total_fee', (row) => row.total_fee],
  ['cost_per_day', (_, body) => body.result?.cost_per_day],
  ['degraded', (_, body) => (Array.isArray(body.degraded) ? body.degraded.join(' ') : null)],
  ['pricing_model', (_, body) => body.pricing_model],
  ['terms_version', (_, body) => body.terms_version],
  ['expires_at', (_, body) => body.expires_at],
  ['key_id', (row) => row.actor_id],
  ['request_id', (row) => row.request_id],
  ['audit_id', (row) => row.audit_id],
]

export const QUOTES_CSV_COLUMNS: readonly string[] = COLUMNS.map(([name]) => name)

/** As much of a record as is there. */
type Kept = Part<QuoteRecordBody> & { price_inputs?: { position?: { price?: string } } }
type Part<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Part<T[K]> } : T

/**
 * The quotes among the records as CSV, in their order: the heading, then the lines of a page as one text. Records of other types are
 * left out. Rates are fractions a year, amounts USD.
 * @param pages as {@link streamRecords} gives them
 */
export async function* quotesCsv(
  pages: AsyncIterable<readonly StoredAuditRow[]>,
): AsyncGenerator<string, void, undefined> {
  yield csvRow(QUOTES_CSV_COLUMNS)
  for await (const rows of pages) {
    const lines = rows.filter((row) => row.record_type === 'quote').map(line)
    if (lines.length > 0) yield lines.join('')
  }
}

function line(row: StoredAuditRow): string {
  const body = bodyOf(row)
  return csvRow(COLUMNS.map(([, cell]) => textOf(cell(row, body))))
}

/** What the record says; nothing when it is damaged, or newer than this program. Its columns still make a line. */
function bodyOf(row: StoredAuditRow): Kept {
  if (row.schema_version > QUOTE_RECORD_SCHEMA_VERSION) return {}
  try {
    const body: unknown = JSON.parse(row.record)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
