// A batch's answer as text. It is made once, as NDJSON: a line for each line of the batch, in order, and at the end a line with the
// summary. JSON and CSV are made from that text as it passes, so that no form ever lies whole in memory.
import { type Decimal, decimal, plus } from '../pricing/decimal.ts'
import { csvRow } from '../server/csv-writer.ts'
import { type JsonObject, type JsonValue, NumberToken, readJson } from '../server/json-reader.ts'
import { writeJson } from '../server/json-writer.ts'
import { problemBody } from '../server/problem.ts'
import type { BatchStep, PricedBatch } from './batch.ts'
import { quoteMembers } from './quote-text.ts'

/** Text that leaves in one piece, characters: small enough to be sent while the next lines are priced. */
const PIECE_LENGTH = 64 * 1024

const LINE_BEGINS = '{"line":'

/** The answer as NDJSON, in pieces of whole lines. */
export async function* batchNdjson(batchId: string, batch: PricedBatch): AsyncGenerator<string> {
  let priced = 0
  let failed = 0
  let total: Decimal = decimal('0.00')
  let piece = ''
  for await (const steps of batch.steps) {
    for (const step of steps) {
      if ('quote' in step) {
        priced += 1
        total = plus(total, step.quote.priced.fee.totalFee)
      } else failed += 1
      piece += `${lineText(step)}\n`
      if (piece.length < PIECE_LENGTH) continue
      yield piece
      piece = ''
    }
  }
  const summary = { lines: priced + failed, priced, failed, total_fee: total }
  yield `${piece}${writeJson({ status: 'success', batch_id: batchId, snapshot_at: batch.snapshotAt, summary })}\n`
}

function lineText(step: BatchStep): string {
  const { line } = step
  if ('quote' in step) {
    const { priceInputs, priced } = step.quote
    const { chargedValue } = priced
    return `${LINE_BEGINS}${line},${quoteMembers(step.quote)},"position_value":${chargedValue.toString()},"loan_days":${priceInputs.stay.loanDays}}`
  }
  const { ticker, clientId, problem } = step
  return writeJson({
    line,
    ...problemBody(problem),
    ...(ticker !== null && { ticker }),
    ...(clientId !== null && { client_id: clientId }),
  })
}

/** What the last line of a batch says. */
export interface BatchSummary {
  readonly batchId: string
  readonly snapshotAt: string
  readonly lines: number
  readonly priced: number
  readonly failed: number
  /** USD. */
  readonly totalFee: Decimal
}

/** The NDJSON as it is; when the whole of it has been taken, its summary is told. */
export async function* tellingSummary(
  ndjson: AsyncIterable<string>,
  onSummary: (summary: BatchSummary) => void,
): AsyncGenerator<string> {
  let last = ''
  for await (const piece of ndjson) {
    last = piece
    yield piece
  }
  const line = last.slice(last.lastIndexOf('\n', last.length - 2) + 1)
  if (line === '' || line.startsWith(LINE_BEGINS)) return
  const { batch_id, snapshot_at, summary } = readJson(line) as JsonObject
  const { lines, priced, failed, total_fee } = summary as JsonObject
  const text = (value: JsonValue | undefined) => (value instanceof NumberToken ? value.text : String(value))
  onSummary({
    batchId: text(batch_id),
    snapshotAt: text(snapshot_at),
    lines: Number(text(lines)),
    priced: Number(text(priced)),
    failed: Number(text(failed)),
    totalFee: decimal(text(total_fee)),
  })
}

/** One JSON object from the NDJSON: its lines as a list, then what the summary line says. */
export async function* batchJson(ndjson: AsyncIterable<string>): AsyncGenerator<string> {
  // Nothing leaves before there is something to send: until then a failure is an answer of its own.
  let text = '{"lines":['
  let separator = ''
  for await (const piece of ndjson) {
    const linesEnd = piece.startsWith(LINE_BEGINS) ? endOfLines(piece) : 0
    if (linesEnd > 0) {
      // No line end stands within a line.
      text += `${separator}${piece.slice(0, linesEnd - 1).replaceAll('\n', ',')}`
      separator = ','
    }
    if (linesEnd < piece.length) text += `],${piece.slice(linesEnd + 1)}`
    yield text
    text = ''
  }
}

/** Where the lines of a piece end that begins with one: before the summary, which is the last of all. */
function endOfLines(piece: string): number {
  const last = piece.lastIndexOf('\n', piece.length - 2) + 1
  return piece.startsWith(LINE_BEGINS, last) ? piece.length : last
}

export const BATCH_CSV_COLUMNS = [
  'line',
  'status',
  'ticker',
  'client_id',
  'position_value',
  'loan_days',
  'borrow_rate_used',
  'borrow_cost',
  'markup',
  'transaction_fees',
  'total_fee',
  'day_count',
  'degraded',
  'error_code',
  'error',
  'audit_id',
] as const

/** A table from the NDJSON: a header row and a row for each line. The summary is left to whoever adds up the column. */
export async function* batchCsv(ndjson: AsyncIterable<string>): AsyncGenerator<string> {
  let text = csvRow(BATCH_CSV_COLUMNS)
  for await (const piece of ndjson) {
    for (const line of wholeLines(piece)) {
      if (line.startsWith(LINE_BEGINS)) text += csvLine(readJson(line) as JsonObject)
    }
    if (text !== '') yield text
    text = ''
  }
}

function* wholeLines(piece: string): Generator<string> {
  for (let start = 0, end = piece.indexOf('\n'); end >= 0; start = end + 1, end = piece.indexOf('\n', start)) {
    yield piece.slice(start, end)
  }
}

function csvLine(line: JsonObject): string {
  const breakdown = (line.breakdown ?? {}) as JsonObject
  const terms = (line.terms ?? {}) as JsonObject
  const cells: Record<(typeof BATCH_CSV_COLUMNS)[number], JsonValue | undefined> = {
    line: line.line,
    status: line.status,
    ticker: line.ticker,
    client_id: line.client_id,
    position_value: line.position_value,
    loan_days: line.loan_days,
    borrow_rate_used: line.borrow_rate_used,
    borrow_cost: breakdown.borrow_cost,
    markup: breakdown.markup,
    transaction_fees: breakdown.transaction_fees,
    total_fee: line.total_fee,
    day_count: terms.day_count,
    degraded: Array.isArray(line.degraded) ? line.degraded.join(' ') : undefined,
    error_code: line.error_code,
    error: line.error,
    audit_id: line.audit_id,
  }
  return csvRow(BATCH_CSV_COLUMNS.map((column) => cellText(cells[column])))
}

function cellText(value: JsonValue | undefined): string | null {
  if (value instanceof NumberToken) return value.text
  return typeof value === 'string' ? value : null
}
