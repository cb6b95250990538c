// What all feed files share: the error that refuses one, and the strict reading of comma-separated tables.
//
// A download may be a truncated file, an error page or a quota note under a data file's name. Whatever is not exactly the
// form is refused as a whole, with the line and the rule, and the last good data stays.
import { CsvError, parse } from 'csv-parse/sync'
import { asIsoDate } from '../../pricing/iso-date.ts'
import type { IsoDate } from '../../pricing/units.ts'

/** A refused file. The message names the kind of file that was expected, the line and the rule; nothing of the file but a short, cleaned excerpt. */
export class FeedFileError extends Error {
  /** Of the expected form, in words: `lender short stock file`. */
  readonly fileKind: string
  /** Counted from 1; null when the rule is about the file as a whole. */
  readonly line: number | null
  readonly rule: string

  constructor(fileKind: string, line: number | null, rule: string) {
    super(line === null ? `not a ${fileKind}: ${rule}` : `not a ${fileKind}: line ${line}: ${rule}`)
    this.name = 'FeedFileError'
    this.fileKind = fileKind
    this.line = line
    this.rule = rule
  }
}

/** How many rows were left out, by reason. */
export type Skipped = Record<string, number>

export function countSkipped(skipped: Skipped, reason: string): void {
  skipped[reason] = (skipped[reason] ?? 0) + 1
}

const EXCERPT_LENGTH_MAX = 24

/** A piece of a file that may stand in a message: a few printable characters, without quotes and markup. */
export function excerpt(text: string): string {
  const cleaned = text.slice(0, EXCERPT_LENGTH_MAX).replaceAll(/[^A-Za-z0-9 .,:;#|/_%+-]/g, '?')
  return text.length > EXCERPT_LENGTH_MAX ? `${cleaned}...` : cleaned
}

/** @returns what the text is instead of a data file, or null when it may be one. */
export function foreignForm(text: string): string | null {
  const start = text.slice(0, 200).trimStart()
  if (start === '') return 'it is empty'
  if (start.startsWith('<')) return 'it is an HTML or XML page'
  if (start.startsWith('{') || start.startsWith('[')) return 'it is a JSON message'
  if (start.includes('\u0000') || start.startsWith('PK\u0003')) return 'it is binary'
  return null
}

/** A row of a table: its line in the file, and its fields by the names that were asked for. */
export interface TableRow {
  readonly line: number
  readonly field: (name: string) => string
}

const RECORD_LENGTH_MAX = 65_536

/**
 * Reads a comma-separated table with a header row. Columns are found by name, whatever their order; case and underscores of
 * the names do not count (`reportDate` is `report_date`). A byte-order mark is taken off.
 * @param columns the wanted columns, each under all the names it goes by; the first is the name `field` takes
 * @param optional columns whose absence is no fault; `field` then gives ''
 * @throws FeedFileError on another form, a missing column, a row of another length, or a file without rows
 */
export function readTable(
  text: string,
  fileKind: string,
  columns: readonly (readonly [string, ...string[]])[],
  optional: readonly (readonly [string, ...string[]])[] = [],
): TableRow[] {
  const foreign = foreignForm(text.replace(/^\uFEFF/, ''))
  if (foreign !== null) throw new FeedFileError(fileKind, 1, foreign)
  const [header, ...records] = readRecords(text, fileKind)
  if (header === undefined) throw new FeedFileError(fileKind, null, 'it is empty')
  const names = header.record.map(plainName)
  const position = new Map<string, number>()
  for (const aliases of [...columns, ...optional]) {
    const found = aliases.map((alias) => names.indexOf(plainName(alias))).find((index) => index >= 0)
    if (found !== undefined) position.set(aliases[0], found)
    else if (columns.includes(aliases)) {
      throw new FeedFileError(
        fileKind,
        header.info.lines,
        `the header has no column ${aliases.join(' or ')}, it begins ${excerpt(header.record.join(','))}`,
      )
    }
  }
  if (records.length === 0) throw new FeedFileError(fileKind, null, 'it has a header and no rows')
  return records.map(({ record, info }) => ({
    line: info.lines,
    field: (name) => {
      const index = position.get(name)
      return index === undefined ? '' : (record[index] ?? '').trim()
    },
  }))
}

interface CsvRecord {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

function readRecords(text: string, fileKind: string): CsvRecord[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      skip_empty_lines: true,
      max_record_size: RECORD_LENGTH_MAX,
    }) as unknown as CsvRecord[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = (error as unknown as { lines?: unknown }).lines
    throw new FeedFileError(fileKind, typeof line === 'number' ? line : null, CSV_RULES[error.code] ?? CSV_RULE)
  }
}

const CSV_RULE = 'it is not comma-separated text'
const CSV_RULES: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'the row has not as many fields as the header',
  CSV_QUOTE_NOT_CLOSED: 'a quoted field is never closed, the file may be truncated',
  INVALID_OPENING_QUOTE: 'a quote stands inside an unquoted field',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote',
  CSV_MAX_RECORD_SIZE: `a row is longer than ${RECORD_LENGTH_MAX} characters`,
}

function plainName(name: string): string {
  return name.trim().toLowerCase().replaceAll('_', '')
}

const US_DATE = /^([0-9]{1,2})\/([0-9]{1,2})\/([0-9]{4}|[0-9]{2})$/

/** A date as feeds write it: `2026-04-20`, `04/20/2026`, `4/20/26` (two digits are of this century). @returns null for anything else. */
export function readFeedDate(text: string): IsoDate | null {
  const us = US_DATE.exec(text)
  if (us === null) return asIsoDate(text)
  const [, month = '', day = '', year = ''] = us
  return asIsoDate(`${year.length === 2 ? `20${year}` : year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`)
}
