// The one CSV writer (RFC 4180). Tables are opened in spreadsheets, where a cell that begins like a formula is run as one: such a text
// gets an apostrophe in front, as spreadsheets themselves mark a text.

const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/
const MUST_BE_QUOTED = /[",\r\n]/

/** A row with its line end. null is an empty cell; numbers come as their exact text and stay numbers, negative ones too. */
export function csvRow(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** The same for a program, which reads texts as texts: nothing is put in front of them. */
export function plainCsvRow(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`
}

function csvCell(text: string | null): string {
  if (text === null) return ''
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text
  return quoted(harmless)
}

function quoted(text: string): string {
  return MUST_BE_QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
