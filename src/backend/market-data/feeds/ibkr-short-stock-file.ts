// The lender file in the form of Interactive Brokers' short stock availability: `#BOF` with a stamp in US Eastern time, a
// header row, rows separated by pipes, `#EOF` with the number of rows.
//
// Rates are annual percent in the file and fractions everywhere else; this is the one place where that is turned. `NA` is a
// rate that is not known, never zero. A name with nothing to lend is absent, which is a third thing, and the importer's.
import { compare, Decimal, decimal, isNegative, parseDecimal, plus, trim } from '../../pricing/decimal.ts'
import { asIsoDate } from '../../pricing/iso-date.ts'
import { asRate, type Rate, type Ticker } from '../../pricing/units.ts'
import { newYorkInstant } from '../new-york-time.ts'
import { normaliseSymbol } from '../symbol.ts'
import { countSkipped, excerpt, FeedFileError, foreignForm, type Skipped } from './feed-file.ts'

/** What the lender says about one name. Rates are fractions a year. */
export interface LenderFileRow {
  readonly ticker: Ticker
  readonly name: string | null
  /** null: the file says NA. */
  readonly rate: Rate | null
  /** Shares; null: the file says NA or nothing. */
  readonly available: number | null
  /** The figure is a cap, `>10000000`: so many or more. */
  readonly availableAtLeast: boolean
  /** REBATERATE + FEERATE: what rebates are counted from; null when either is NA. */
  readonly benchmarkRate: Rate | null
}

export interface LenderFile {
  /** The stamp of its first line. */
  readonly asOf: Date
  /** One row a ticker. */
  readonly rows: readonly LenderFileRow[]
  /** Tickers that are listed with a rate no one can mean: not taken over, and not absent either. */
  readonly unusable: readonly Ticker[]
  readonly skipped: Skipped
}

const KIND = 'lender short stock file'
const STAMP = /^#BOF\|([0-9]{4})\.([0-9]{2})\.([0-9]{2})\|([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])\|?$/
const TRAILER = /^#EOF\|([0-9]{1,9})\|?$/
const PERCENT = /^-?[0-9]{1,9}(\.[0-9]{1,10})?$/
const SHARES = /^(>?)([0-9]{1,12})$/
const COLUMNS = ['SYM', 'CUR', 'NAME', 'REBATERATE', 'FEERATE', 'AVAILABLE'] as const
const NAME_LENGTH_MAX = 200

/** A lender rate above this is garbage: 100 is 10 000 % a year. Fees above 1000 % are real. */
const RATE_MAX = decimal(100)
/** So many impossible rates are one row's fault; more than one row in a hundred are a file in other units. */
const UNUSABLE_ROWS_ALWAYS_BORNE = 5
const UNUSABLE_SHARE_MAX = 0.01

/**
 * Reads the whole file.
 * @throws FeedFileError when it is foreign, truncated, or has a field that cannot be read
 */
export function parseIbkrShortStockFile(text: string): LenderFile {
  const foreign = foreignForm(text)
  if (foreign !== null) throw new FeedFileError(KIND, 1, foreign)
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  const asOf = readStamp(lines[0] ?? '')
  const columns = readHeader(lines[1] ?? '')
  checkTrailer(lines)

  const skipped: Skipped = {}
  const unusable = new Set<Ticker>()
  const rows = new Map<Ticker, LenderFileRow>()
  for (let index = 2; index < lines.length - 1; index += 1) {
    const line = index + 1
    const fields = (lines[index] ?? '').split('|')
    if (fields.length !== columns.count) {
      throw new FeedFileError(KIND, line, `the row has ${fields.length} fields, the header ${columns.count}`)
    }
    if (fields[columns.CUR] !== 'USD') {
      countSkipped(skipped, 'currency')
      continue
    }
    const ticker = normaliseSymbol(fields[columns.SYM] ?? '')
    if (ticker === null) {
      countSkipped(skipped, 'symbol')
      continue
    }
    const row = readRow(ticker, fields, columns, line)
    if (row.rate !== null && !isPossible(row.rate)) {
      countSkipped(skipped, 'impossible rate')
      unusable.add(ticker)
      continue
    }
    const other = rows.get(ticker)
    if (other !== undefined) countSkipped(skipped, 'duplicate')
    if (other === undefined || isDearer(row, other)) rows.set(ticker, row)
  }
  if (rows.size === 0) throw new FeedFileError(KIND, null, 'none of its rows can be used')
  if (unusable.size > Math.max(UNUSABLE_ROWS_ALWAYS_BORNE, rows.size * UNUSABLE_SHARE_MAX)) {
    throw new FeedFileError(KIND, null, `${unusable.size} rows have a rate outside 0 to 10 000 percent`)
  }
  return {
    asOf,
    rows: [...rows.values()],
    unusable: [...unusable].filter((ticker) => !rows.has(ticker)),
    skipped,
  }
}

type Columns = Record<(typeof COLUMNS)[number], number> & { count: number }

function readStamp(line: string): Date {
  const stamp = STAMP.exec(line)
  const date = stamp === null ? null : asIsoDate(`${stamp[1]}-${stamp[2]}-${stamp[3]}`)
  if (stamp === null || date === null) {
    throw new FeedFileError(KIND, 1, `it must be #BOF|YYYY.MM.DD|HH:MM:SS, and begins ${excerpt(line)}`)
  }
  return newYorkInstant(date, `${stamp[4]}:${stamp[5]}:${stamp[6]}`)
}

function readHeader(line: string): Columns {
  if (!line.startsWith('#')) throw new FeedFileError(KIND, 2, 'it must be the header row, #SYM|CUR|...')
  const names = line.slice(1).split('|')
  const columns = { count: names.length } as Columns
  for (const column of COLUMNS) {
    const index = names.indexOf(column)
    if (index < 0) throw new FeedFileError(KIND, 2, `the header has no column ${column}`)
    if (names.indexOf(column, index + 1) >= 0) throw new FeedFileError(KIND, 2, `the header has ${column} twice`)
    columns[column] = index
  }
  return columns
}

/** The trailer says how many rows there are: a download that broke off has none, or another number. */
function checkTrailer(lines: readonly string[]): void {
  const trailer = TRAILER.exec(lines.at(-1) ?? '')
  if (trailer === null) {
    throw new FeedFileError(KIND, lines.length, 'the last line must be #EOF with the number of rows; it is truncated')
  }
  const rows = lines.length - 3
  if (Number(trailer[1]) !== rows) {
    throw new FeedFileError(KIND, lines.length, `the trailer says ${trailer[1]} rows, the file has ${rows}`)
  }
}

function readRow(ticker: Ticker, fields: readonly string[], columns: Columns, line: number): LenderFileRow {
  const rate = readPercent(fields[columns.FEERATE] ?? '', 'FEERATE', line)
  const rebate = readPercent(fields[columns.REBATERATE] ?? '', 'REBATERATE', line)
  const { available, availableAtLeast } = readShares(fields[columns.AVAILABLE] ?? '', line)
  return {
    ticker,
    name: readName(fields[columns.NAME] ?? ''),
    rate,
    available,
    availableAtLeast,
    benchmarkRate: rate === null || rebate === null ? null : asRate(trim(plus(rebate, rate))),
  }
}

/** Percent text as a fraction: the same digits, the point two places to the left. `NA` is null. */
function readPercent(text: string, column: string, line: number): Rate | null {
  if (text === 'NA') return null
  const percent = PERCENT.test(text) ? parseDecimal(text) : null
  if (percent === null)
    throw new FeedFileError(KIND, line, `${column} must be a percentage or NA, and is ${excerpt(text)}`)
  return asRate(trim(new Decimal(percent.units, percent.scale + 2)))
}

function readShares(text: string, line: number): { available: number | null; availableAtLeast: boolean } {
  if (text === 'NA' || text === '') return { available: null, availableAtLeast: false }
  const shares = SHARES.exec(text)
  if (shares === null) {
    throw new FeedFileError(KIND, line, `AVAILABLE must be a number, >number or NA, and is ${excerpt(text)}`)
  }
  return { available: Number(shares[2]), availableAtLeast: shares[1] === '>' }
}

function isPossible(rate: Rate): boolean {
  return !isNegative(rate) && compare(rate, RATE_MAX) <= 0
}

/** Of two rows that mean one share the dearer is kept: a doubt is never resolved towards the cheapest price. */
function isDearer(row: LenderFileRow, other: LenderFileRow): boolean {
  if (row.rate === null || other.rate === null) return other.rate === null && row.rate !== null
  return compare(row.rate, other.rate) > 0
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** A company's name, its HTML entities decoded once, white space and control characters made single spaces. */
function readName(text: string): string | null {
  const name = text
    .replaceAll(/&(?:#([0-9]{1,6})|([a-z]{2,4}));/g, (entity, code: string | undefined, word: string | undefined) =>
      code === undefined ? (ENTITIES[word ?? ''] ?? entity) : character(Number(code)),
    )
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  // By code points: half a surrogate pair is no text.
  return name === '' ? null : [...name].slice(0, NAME_LENGTH_MAX).join('')
}

function character(code: number): string {
  const surrogate = code >= 0xd800 && code <= 0xdfff
  return code > 0 && code <= 0x10ffff && !surrogate ? String.fromCodePoint(code) : ' '
}
