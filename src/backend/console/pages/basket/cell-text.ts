// A cell as people have it, in the contract's form: `50,000`, `$50,000.00` and `50 000` are 50000; `30 days` is 30; `brk/b` is BRK.B. What
// can be read in two ways, or in none, stays as it stands: the engine refuses it in its own words, and nothing is guessed.
import type { Field } from './columns.ts'

export function contractForm(field: Field, cell: string): string {
  const text = cell.trim()
  if (text === '') return ''
  if (field === 'ticker') return tickerForm(text)
  if (field === 'position_value' || field === 'price') return amountForm(text)
  if (field === 'quantity') return wholeForm(amountForm(text))
  if (field === 'loan_days') return wholeForm(amountForm(text.replace(/\s*(?:d|days?)$/i, '')))
  if (field === 'start_date' || field === 'end_date') return dateForm(text)
  return text
}

const CLASS = /^([A-Z]{1,5})[ /-]([A-Z])$/
/** As Bloomberg writes stocks of the US. */
const BLOOMBERG = /^([A-Z]{1,5}(?:[./][A-Z])?) U[SNWQPAR](?: EQUITY)?$/

function tickerForm(text: string): string {
  const upper = text.toUpperCase().replace(/^\$(?=[A-Z])/, '')
  const plain = BLOOMBERG.exec(upper)?.[1]?.replace('/', '.') ?? upper
  return plain.replace(CLASS, '$1.$2')
}

const GROUPED = /^[0-9]{1,3}(?:([,' \u00A0\u202F])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?$/
const PLAIN = /^[0-9]+(?:\.[0-9]+)?$/

function amountForm(text: string): string {
  const bare = text
    .replace(/^(?:US)?\$\s*|^USD\s*/i, '')
    .replace(/\s*USD$/i, '')
    .replace(/^\+/, '')
  if (PLAIN.test(bare)) return withoutLeadingZeros(bare)
  if (GROUPED.test(bare)) return withoutLeadingZeros(bare.replace(/[^0-9.]/g, ''))
  return text
}

function withoutLeadingZeros(digits: string): string {
  return digits.replace(/^0+(?=[0-9])/, '')
}

/** `30.0`, as a spreadsheet writes a whole number. */
function wholeForm(text: string): string {
  return text.replace(/^([0-9]+)\.0+$/, '$1')
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** With the month in letters there is one reading; `11/12/2026` has two. */
function dateForm(text: string): string {
  const [, day = '', name = '', year = ''] = /^([0-9]{1,2})[ -]([A-Za-z]{3})[a-z]*\.?[ ,-]+([0-9]{4})$/.exec(text) ?? []
  const month = MONTHS.indexOf(name.toLowerCase()) + 1
  if (month === 0) return text
  return `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** A number, an amount or a date: something that no name of a column is. */
export function isFigure(cell: string): boolean {
  return /^[-+($]?\s*(?:USD\s*)?[0-9]/.test(cell)
}
