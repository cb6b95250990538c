// The command that prices a file of shorts: lines as they come, a summary, and a status for scripts.
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import { parse } from 'csv-parse/sync'
import { linesOf } from '../client/answer-stream.ts'
import {
  type Batch,
  type BatchLine,
  type BatchStepAnswer,
  type BatchSummaryAnswer,
  batchStepOf,
} from '../client/batches.ts'
import { parseExactJson } from '../client/exact-json.ts'
import { batchCsv, batchJson } from '../quotes/batch-answer.ts'
import { csvRow } from '../server/csv-writer.ts'
import { batchSummaryText, batchTable } from './batch-text.ts'
import {
  type AskingOptions,
  type CommandTools,
  given,
  json,
  oneOf,
  QUOTING,
  readText,
  refuseExisting,
  writeWhole,
} from './command-tools.ts'
import { CommandError } from './engine-access.ts'

/** What the engine reads at the most. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024

const FORMATS = ['table', 'csv', 'json', 'ndjson'] as const
type Format = (typeof FORMATS)[number]

interface BatchOptions extends AskingOptions {
  readonly out?: string
  readonly format?: Format
  readonly idempotencyKey?: string
  readonly strict?: true
}

export function addBatchCommand(program: Command, tools: CommandTools): void {
  tools
    .asking(program, 'batch', 'price many shorts from a file, against one snapshot of the market')
    .argument(
      '<file>',
      'CSV with a header row of ticker, position_value or quantity, loan_days …; or JSON, a list of such lines',
    )
    .option('--out <file>', 'write the lines to this file, which must not exist')
    .option(
      '--format <format>',
      'table, csv, json or ndjson (else by the end of --out, else a table)',
      oneOf(...FORMATS),
    )
    .option('--broker <client_id>', 'whose terms price the lines that name none')
    .option('--idempotency-key <text>', 'the same file under the same key is priced once in 24 hours')
    .option('--strict', 'exit status 1 when a line could not be priced')
    .addHelpText('after', HELP)
    .action((file: string, options: BatchOptions) => priceFile(file, options, tools))
}

const HELP = `
A file of two lines, and what to do with it:
  ticker,position_value,loan_days
  GME,50000,30
  AMC,25000,7

  batch shorts.csv                       a table to read
  batch shorts.csv --out priced.csv      a table for a spreadsheet
  batch shorts.csv --json --strict       JSON, and a status that scripts can trust`

async function priceFile(path: string, options: BatchOptions, tools: CommandTools): Promise<void> {
  const { out } = options
  if (out !== undefined) refuseExisting(out)
  const format = options.format ?? formatOf(out, options)
  const { batch, lines } = readBatch(path, options.broker)
  const { engine } = tools.access(options, QUOTING)
  const bar = tools.progress('Pricing', 'lines')
  const seen: BatchStepAnswer[] = []
  let summary: BatchSummaryAnswer | null = null

  /** The engine's own lines, looked at as they pass. */
  async function* told(): AsyncGenerator<string> {
    const pieces = engine.batches.text(batch, 'ndjson', given('idempotencyKey', options.idempotencyKey))
    for await (const line of linesOf(pieces)) {
      const step = batchStepOf(line)
      if (step === null) throw new CommandError('What the engine answered is no batch.')
      if (step.type === 'summary') summary = step
      else {
        if (format === 'table') seen.push(step)
        bar.update(step.line, lines)
      }
      yield `${line}\n`
    }
    // Before a file is whole: what broke off is not kept.
    if (summary === null) throw new CommandError('The answer broke off before its end: it has no summary.')
  }

  try {
    const text = textOf(format, told(), seen)
    if (out !== undefined) await writeWhole(out, text)
    else await printAll(text, tools)
  } finally {
    bar.done()
  }
  const found = summary as unknown as BatchSummaryAnswer
  if (out !== undefined)
    tools.print(options.json ? json({ file: out, format, ...found }) : `${batchSummaryText(found)} They are in ${out}.`)
  else if (format === 'table') tools.print(`\n${batchSummaryText(found)}`)
  else tools.note(batchSummaryText(found))
  if (options.strict && found.summary.failed > 0) tools.foundBad()
}

function formatOf(out: string | undefined, options: BatchOptions): Format {
  const ending = extname(out ?? '').slice(1)
  return FORMATS.find((format) => format === ending) ?? (options.json ? 'json' : 'table')
}

/** The lines as they are written; of a table only when all are there, since its columns are as wide as their widest cell. */
async function* textOf(
  format: Format,
  told: AsyncIterable<string>,
  seen: readonly BatchStepAnswer[],
): AsyncGenerator<string> {
  if (format === 'csv') yield* batchCsv(told)
  else if (format === 'json') yield* batchJson(told)
  else if (format === 'ndjson') yield* told
  else {
    for await (const _ of told);
    yield `${batchTable(seen)}\n`
  }
}

async function printAll(pieces: AsyncIterable<string>, { print }: CommandTools): Promise<void> {
  let rest = ''
  for await (const piece of pieces) {
    // `print` ends a line by itself.
    const text = rest + piece
    const end = text.lastIndexOf('\n')
    if (end >= 0) print(text.slice(0, end).replace(/\r$/, ''))
    rest = text.slice(end + 1)
  }
  if (rest !== '') print(rest)
}

/** A batch from a file, and how many lines it has. */
function readBatch(path: string, broker: string | undefined): { batch: Batch; lines: number } {
  const text = readText(path, BATCH_BYTES_MAX, 'a batch')
  return /\.json$/i.test(path) || /^\s*[[{]/.test(text) ? jsonBatch(path, text, broker) : csvBatch(path, text, broker)
}

function jsonBatch(path: string, text: string, broker: string | undefined): { batch: Batch; lines: number } {
  let read: unknown
  try {
    read = parseExactJson(text, new Set(['loan_days', 'quantity']))
  } catch {
    throw new CommandError(`${basename(path)} is not JSON.`)
  }
  const { lines, client_id: own } = (Array.isArray(read) ? { lines: read } : (read ?? {})) as {
    lines?: unknown
    client_id?: string
  }
  if (!Array.isArray(lines)) {
    throw new CommandError(`${basename(path)} must hold a list of lines, or an object with lines.`)
  }
  return { batch: { lines: lines.map(lineOf), ...given('clientId', own ?? broker) }, lines: lines.length }
}

/** A line under the names of the contract. What is wrong with it the engine says, with its number. */
function lineOf(line: unknown): BatchLine {
  const wire = (typeof line === 'object' ? (line ?? {}) : {}) as Record<string, never>
  return {
    ticker: wire.ticker as unknown as string,
    ...given('clientId', wire.client_id),
    ...given('positionValue', wire.position_value),
    ...given('quantity', wire.quantity),
    ...given('price', wire.price),
    ...given('loanDays', wire.loan_days),
    ...given('startDate', wire.start_date),
    ...given('endDate', wire.end_date),
  }
}

function csvBatch(path: string, text: string, broker: string | undefined): { batch: Batch; lines: number } {
  let rows: string[][]
  try {
    rows = parse(text, { bom: true, skip_empty_lines: true, relax_column_count: true })
  } catch {
    throw new CommandError(`${basename(path)} is no CSV with commas and closed quotes.`)
  }
  const lines = Math.max(rows.length - 1, 0)
  if (broker === undefined || rows[0]?.includes('client_id')) return { batch: text, lines }
  // The engine knows a table's client only from a column.
  const named = rows.map((cells, index) => csvRow([...cells, index === 0 ? 'client_id' : broker]))
  return { batch: named.join(''), lines }
}
