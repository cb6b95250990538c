// What a batch asks, from JSON or CSV: lines that are requests and lines that are none, each with its number. One bad line is that
// line's error; only a body that is no batch at all is refused whole.
import { parse } from 'csv-parse/sync'
import { TICKER_PATTERN, type Ticker } from '../pricing/units.ts'
import { invalidParameters, Problem, type ValidationError } from '../server/problem.ts'
import { CLIENT_ID_PATTERN, clientIdField, listField, optional, parseShape, shape } from '../server/shape.ts'
import type { BatchLine } from './batch.ts'
import { isObject, QUOTE_REQUEST_SHAPE, readQuoteRequest } from './wire.ts'

export const BATCH_LINES_MAX = 10_000

/** A line as it is documented; it is read as a quote's request, when its client is known. */
const LINE = shape(
  { ...QUOTE_REQUEST_SHAPE.properties, client_id: optional(clientIdField()) },
  { title: 'BatchLine', description: "A quote's request; without a client it is the batch's." },
)

const LINES = listField({
  minItems: 1,
  // One more than there may be, so that too many are told apart from none: they are 413.
  maxItems: Number.MAX_SAFE_INTEGER,
  description: `1 to ${BATCH_LINES_MAX} requests, each as a single quote's; its number is its place, from 1.`,
  items: LINE,
})

export const BATCH_SHAPE = shape(
  {
    lines: LINES,
    client_id: optional(
      clientIdField({ description: 'Of the lines that name none. Left out, the broker of the credential.' }),
    ),
  },
  {
    description: 'Shorts to price together, against one snapshot of the market.',
    examples: [
      {
        client_id: 'demo-classic',
        lines: [
          { ticker: 'GME', position_value: 50000, loan_days: 30 },
          { ticker: 'AMC', quantity: 1000, price: 3.05, loan_days: 7 },
        ],
      },
    ],
  },
)

export interface ReadOptions {
  /** Of lines that name no client. */
  readonly ownClientId: string
  /** Whether the credential may price for a client. */
  readonly mayPriceFor: (clientId: string) => boolean
}

/**
 * The lines of a JSON body, as the strict reader made it.
 * @throws Problem INVALID_PARAMETER when it is no batch, PAYLOAD_TOO_LARGE when it has too many lines
 */
export function readBatchBody(body: unknown, options: ReadOptions): BatchLine[] {
  const { lines, client_id: clientId = options.ownClientId } = parseShape(BATCH_SHAPE, body, 'body')
  requireFewEnough(lines.length)
  return lines.map((source, index) => readLine(index + 1, source, 'body', { ...options, ownClientId: clientId }))
}

/**
 * The lines of a CSV text: a header row with the names of a request's fields, in any order; empty cells are left out.
 * Other columns are ignored.
 * @throws Problem INVALID_PARAMETER when it is no such table, PAYLOAD_TOO_LARGE when it has too many lines
 */
export function readBatchCsv(text: string, options: ReadOptions): BatchLine[] {
  const rows = readTable(text)
  const header = rows[0]?.map((name) => name.trim())
  const refuse = (message: string) => invalidParameters([{ field: 'body', location: 'body', message }], CSV_COLUMNS)
  if (header === undefined) throw refuse('body must be CSV with a header row')
  if (!header.includes('ticker')) throw refuse('body must have a header row that names the column ticker')
  if (new Set(header).size < header.length) throw refuse('body must name each column once')
  if (rows.length === 1) throw refuse('body must have a line below its header row')
  requireFewEnough(rows.length - 1)
  return rows.slice(1).map((cells, index) => {
    const line = index + 1
    if (cells.length !== header.length) {
      const message = `line has ${cells.length} cells where the header row has ${header.length}`
      const problem = invalidParameters([{ field: 'line', location: 'body', message }])
      return { line, kind: 'refused', problem, ticker: null, clientId: null }
    }
    const source: Record<string, string> = Object.create(null)
    for (const [at, name] of header.entries()) {
      const cell = (cells[at] as string).trim()
      if (cell !== '') source[name] = cell
    }
    return readLine(line, source, 'query', options)
  })
}

const CSV_COLUMNS = Object.keys(QUOTE_REQUEST_SHAPE.properties)

/** Characters of one row; a quote that is never closed would be one row to the end. */
const ROW_LENGTH_MAX = 10_000
/** In one table: thirty columns of the largest batch. A body of commas alone would be millions of cells. */
const CELLS_MAX = 300_000

function readTable(text: string): string[][] {
  requireFewEnoughCells(text)
  try {
    return parse(text, {
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: ROW_LENGTH_MAX,
      // One header row and one line too many, so that too many are seen to be.
      to: BATCH_LINES_MAX + 2,
    })
  } catch (error) {
    const at = (error as { lines?: unknown }).lines
    const where = typeof at === 'number' ? ` near line ${at}` : ''
    const message = `body must be CSV with commas and closed quotes${where}`
    throw invalidParameters([{ field: 'body', location: 'body', message }], CSV_COLUMNS)
  }
}

/** Counts commas, those in quotes too: there are at most as many more cells as there are rows. */
function requireFewEnoughCells(text: string): void {
  let commas = 0
  for (let at = text.indexOf(','); at !== -1; at = text.indexOf(',', at + 1)) commas += 1
  if (commas > CELLS_MAX) throw new Problem('PAYLOAD_TOO_LARGE', `A batch has at most ${CELLS_MAX} cells`)
}

function requireFewEnough(lines: number): void {
  if (lines <= BATCH_LINES_MAX) return
  throw new Problem('PAYLOAD_TOO_LARGE', `A batch has at most ${BATCH_LINES_MAX} lines`)
}

function readLine(line: number, source: unknown, form: 'body' | 'query', options: ReadOptions): BatchLine {
  if (!isObject(source)) {
    const problem = invalidParameters([{ field: 'line', location: 'body', message: 'line must be a JSON object' }])
    return { line, kind: 'refused', problem, ticker: null, clientId: null }
  }
  const asked = Object.hasOwn(source, 'client_id') ? source : { ...source, client_id: options.ownClientId }
  const refused = (problem: Problem): BatchLine => ({ line, kind: 'refused', problem, ...tellingFields(asked) })
  try {
    const request = readQuoteRequest(asked, form)
    if (!options.mayPriceFor(request.clientId)) {
      return refused(new Problem('FORBIDDEN', 'This key may only price for its own client_id'))
    }
    return { line, kind: 'request', request: { ...request, location: 'body' } }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const faults = (error.validationErrors ?? []).map((fault): ValidationError => ({ ...fault, location: 'body' }))
    return refused(invalidParameters(faults))
  }
}

type Fields = Readonly<Record<string, unknown>>

const TICKER = new RegExp(TICKER_PATTERN)
const CLIENT_ID = new RegExp(CLIENT_ID_PATTERN)

/** What of a refused line may be said again: only what passed its pattern. */
function tellingFields(asked: Fields): { ticker: Ticker | null; clientId: string | null } {
  const { ticker, client_id: clientId } = asked
  return {
    ticker: typeof ticker === 'string' && TICKER.test(ticker) ? (ticker as Ticker) : null,
    clientId: typeof clientId === 'string' && CLIENT_ID.test(clientId) ? clientId : null,
  }
}
