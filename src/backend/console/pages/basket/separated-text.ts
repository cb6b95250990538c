// Rows and cells of a pasted text: commas, tabs as a spreadsheet copies them, semicolons or bars; cells in quotes may hold all of these.
// One pass over the text, so that the largest basket is read at once.

export type Separator = '\t' | ',' | ';' | '|'
const SEPARATORS: readonly Separator[] = ['\t', ';', '|', ',']

export interface SeparatedText {
  readonly separator: Separator
  /** Lines that hold nothing are not among them. */
  readonly rows: readonly (readonly string[])[]
  readonly emptyLines: number
  /** The line of the text where a quote begins that nobody closes; null when all are closed. */
  readonly openQuoteAt: number | null
}

const BYTE_ORDER_MARK = '\uFEFF'

export function readSeparated(source: string): SeparatedText {
  const text = source.startsWith(BYTE_ORDER_MARK) ? source.slice(1) : source
  const separator = separatorOf(text)
  const rows: string[][] = []
  let emptyLines = 0
  let openQuoteAt: number | null = null
  let row: string[] = []
  let line = 1
  let at = 0

  const endRow = () => {
    if (row.every((cell) => cell === '')) emptyLines += 1
    else rows.push(row)
    row = []
  }

  while (at < text.length) {
    // A cell begins here.
    let start = at
    while (text[start] === ' ' || (separator !== '\t' && text[start] === '\t')) start += 1
    if (text[start] === '"') {
      const end = closingQuote(text, start)
      if (end === null) {
        openQuoteAt = line
        row.push(text.slice(start).trim())
        break
      }
      const inside = text.slice(start + 1, end)
      for (let newline = inside.indexOf('\n'); newline !== -1; newline = inside.indexOf('\n', newline + 1)) line += 1
      const next = endOfCell(text, end + 1, separator)
      // What follows a closing quote belongs to the cell as it is.
      row.push((inside.replaceAll('""', '"') + text.slice(end + 1, next)).trim())
      at = next
    } else {
      const next = endOfCell(text, at, separator)
      row.push(text.slice(at, next).trim())
      at = next
    }
    if (at >= text.length) break
    if (text[at] === separator) {
      at += 1
      // A separator that ends the text has an empty cell behind it.
      if (at === text.length) row.push('')
      continue
    }
    at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1
    line += 1
    endRow()
  }
  if (row.length > 0) endRow()
  return { separator, rows, emptyLines, openQuoteAt }
}

function endOfCell(text: string, from: number, separator: Separator): number {
  let at = from
  while (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') at += 1
  return at
}

/** Of the quote that opens at `from`; two quotes in a row are one of the cell's own. */
function closingQuote(text: string, from: number): number | null {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] !== '"') return at
    at += 1
  }
  return null
}

/** The one that the first line with any has most of, outside of quotes; a tab before all others: nobody types one into a cell. */
function separatorOf(text: string): Separator {
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    const line = text.slice(from, end === -1 ? undefined : end).replace(/"(?:[^"]|"")*"/g, '')
    const counts = SEPARATORS.map((separator) => line.split(separator).length - 1)
    if (counts[0] !== undefined && counts[0] > 0) return '\t'
    const most = Math.max(...counts)
    if (most > 0) return SEPARATORS[counts.indexOf(most)] as Separator
    if (end === -1) break
    from = end + 1
  }
  return ','
}
