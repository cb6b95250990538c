// A pasted sheet: its rows as they were pasted, which column is which field, the lines of a basket that follow from both, and the CSV
// that the engine is sent. A line keeps its place from the sheet to the answer.
import { plainCsvRow } from '../../../server/csv-writer.ts'
import { contractForm, isFigure } from './cell-text.ts'
import { FIELDS, type Field, fieldOf, ORDER_WITHOUT_NAMES } from './columns.ts'
import { readSeparated } from './separated-text.ts'

export interface Sheet {
  /** Of the file, or that it was pasted. */
  readonly name: string
  /** Names of the columns as they are written; null: the first row is a line already. */
  readonly header: readonly string[] | null
  /** By column; null: left out. */
  readonly fields: readonly (Field | null)[]
  /** Without the header row. */
  readonly rows: readonly (readonly string[])[]
  readonly emptyLines: number
  /** The line of the text where a quote begins that nobody closes. */
  readonly openQuoteAt: number | null
}

export interface BasketLine {
  /** Its place, from 1. */
  readonly line: number
  /** In the contract's form; a field that the line has not is absent. */
  readonly cells: Readonly<Partial<Record<Field, string>>>
  /** Cells more than there are columns, or fewer: the engine refuses such a line. */
  readonly surplus: number
}

/** @returns null when the text has no line at all */
export function readSheet(name: string, text: string): Sheet | null {
  const { rows, emptyLines, openQuoteAt } = readSeparated(text)
  const first = rows[0]
  if (first === undefined) return null
  const hasHeader = !first.some(isFigure)
  const width = hasHeader ? first.length : Math.max(...rows.slice(0, 100).map((row) => row.length))
  const lines = hasHeader ? rows.slice(1) : rows
  if (lines.length === 0) return null
  return {
    name,
    header: hasHeader ? first : null,
    fields: hasHeader
      ? onceEach(first.map(fieldOf))
      : Array.from({ length: width }, (_, at) => ORDER_WITHOUT_NAMES[at] ?? null),
    rows: lines,
    emptyLines,
    openQuoteAt,
  }
}

/** The first column of a field has it. */
function onceEach(fields: readonly (Field | null)[]): (Field | null)[] {
  return fields.map((field, at) => (field !== null && fields.indexOf(field) === at ? field : null))
}

/** The column as another field, or left out; the column that had the field before is left out. */
export function withField(sheet: Sheet, column: number, field: Field | null): Sheet {
  const fields = sheet.fields.map((now, at) => (at === column ? field : now === field ? null : now))
  return { ...sheet, fields }
}

/** A cell as somebody corrected it. A line that had too many cells or too few has as many as there are columns from then on. */
export function withCell(sheet: Sheet, line: number, field: Field, text: string): Sheet {
  const column = sheet.fields.indexOf(field)
  const row = sheet.rows[line - 1]
  if (column === -1 || row === undefined) return sheet
  const corrected = sheet.fields.map((_, at) => (at === column ? text : (row[at] ?? '')))
  return { ...sheet, rows: sheet.rows.map((cells, at) => (at === line - 1 ? corrected : cells)) }
}

export function linesOfSheet(sheet: Sheet): BasketLine[] {
  return sheet.rows.map((row, at) => lineOfRow(sheet.fields, row, at + 1))
}

export function lineOfRow(fields: readonly (Field | null)[], row: readonly string[], line: number): BasketLine {
  const cells: Partial<Record<Field, string>> = {}
  for (const [column, field] of fields.entries()) {
    if (field === null) continue
    const text = contractForm(field, row[column] ?? '')
    if (text !== '') cells[field] = text
  }
  return { line, cells, surplus: surplusOf(row, fields.length) }
}

/** Empty cells at the end, as spreadsheets add and leave them out, are none. */
function surplusOf(row: readonly string[], width: number): number {
  let length = row.length
  while (length > width && row[length - 1] === '') length -= 1
  return length > width ? length - width : 0
}

/** Cells of a column that are not sent as they are written. */
export interface ReadOtherwise {
  readonly field: Field
  readonly count: number
  readonly from: string
  readonly to: string
}

export function readOtherwise(sheet: Sheet): ReadOtherwise[] {
  return sheet.fields.flatMap((field, column) => {
    if (field === null) return []
    const changed = sheet.rows.flatMap((row) => {
      const from = row[column] ?? ''
      const to = contractForm(field, from)
      return from === to ? [] : [{ from, to }]
    })
    const [first] = changed
    return first === undefined ? [] : [{ field, count: changed.length, ...first }]
  })
}

/** The fields that the sheet has, in the contract's order. */
export function fieldsOf(sheet: Pick<Sheet, 'fields'>): Field[] {
  return FIELDS.filter((field) => sheet.fields.includes(field))
}

/** What the engine has to have of a line and no column gives. */
export function missingColumns(sheet: Pick<Sheet, 'fields'>): string[] {
  const has = (field: Field) => sheet.fields.includes(field)
  return [
    ...(has('ticker') ? [] : ['a ticker']),
    ...(has('position_value') || has('quantity') ? [] : ['a value or shares']),
    ...(has('loan_days') || (has('start_date') && has('end_date')) ? [] : ['days, or a start and an end']),
  ]
}

/** Bytes of a body that the engine takes. */
export const TEXT_LENGTH_MAX = 8 * 1024 * 1024

/**
 * The batch as the engine reads it: a header row of the contract's names, a row for each line. Columns that are left out stay here.
 * @param client of the lines that name none; null: the broker of who asks
 */
export function batchCsv(sheet: Pick<Sheet, 'fields'>, lines: readonly BasketLine[], client: string | null): string {
  const given = fieldsOf(sheet)
  const fields: Field[] = client !== null && !given.includes('client_id') ? [...given, 'client_id'] : given
  const rows = lines.map(({ cells, surplus }) => {
    const row = fields.map((field) => cells[field] ?? (field === 'client_id' ? (client ?? '') : ''))
    return plainCsvRow(surplus > 0 ? [...row, ...Array.from({ length: surplus }, () => '')] : row)
  })
  return plainCsvRow(fields) + rows.join('')
}
