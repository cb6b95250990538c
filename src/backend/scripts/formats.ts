// How the command line writes numbers for people: rates in percent, never as fractions; amounts with thousands separators;
// changes with their sign; what is missing as a word. Everything is exact decimal text in and exact text out.
import { type Decimal, decimal, movePoint, round, trim } from '../pricing/decimal.ts'

const MINUS = '\u2212' // the true minus sign, as wide as a plus

/** A fraction in percent points, exact: 0.1757595 is 17.57595. */
export function percentPoints(fraction: Decimal): Decimal {
  return trim(movePoint(fraction, 2))
}

/** A difference of fractions in basis points, exact: 0.0049875 is 49.875. */
export function basisPoints(fraction: Decimal): Decimal {
  return trim(movePoint(fraction, 4))
}

/** `50,000.00`, `612,000`, and a true minus. Decimals as they are. */
export function grouped(value: Decimal): string {
  const [whole = '', fraction] = value.toString().replace('-', '').split('.')
  const sign = value.units < 0n ? MINUS : ''
  const groups = whole.replace(/\B(?=([0-9]{3})+$)/g, ',')
  return `${sign}${groups}${fraction === undefined ? '' : `.${fraction}`}`
}

/** `1 record`, `12,345 records`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${grouped(decimal(number))} ${number === 1 ? one : many}`
}

/** An amount in USD: with cents, and with more decimals when there are more. */
export function usdText(text: string): string {
  const amount = decimal(text)
  return grouped(amount.scale < 2 ? round(amount, { scale: 2, rounding: 'half-up' }) : amount)
}

/** With its sign, also when it is a plus; nothing for no change. */
export function change(value: Decimal): string {
  if (value.units === 0n) return ''
  return value.units > 0n ? `+${grouped(value)}` : grouped(value)
}

/** The same values with one count of decimals, so that a column aligns at the point. At least `decimalsMin`; nothing is rounded. */
export function oneScale(values: readonly Decimal[], decimalsMin: number): Decimal[] {
  const scale = Math.max(decimalsMin, ...values.map((value) => trim(value).scale))
  return values.map((value) => round(value, { scale, rounding: 'half-up' }))
}

/** `612,000`; a cap as `>10,000,000`; `unknown` when nobody said. */
export function shares(availability: { shares: number | null; at_least: boolean } | null): string {
  if (availability === null || availability.shares === null) return 'unknown'
  return `${availability.at_least ? '>' : ''}${grouped(decimal(availability.shares))}`
}

/** `12 s`, `4 min`, `3 h 11 min`, `2 d`. */
export function age(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.floor(hours / 24)} d`
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** An ISO time in UTC as `23 Nov 2026 14:32:07 UTC`. */
export function moment(isoTime: string): string {
  const time = new Date(isoTime)
  const date = `${time.getUTCDate()} ${MONTHS[time.getUTCMonth()]} ${time.getUTCFullYear()}`
  return `${date} ${time.toISOString().slice(11, 19)} UTC`
}

export interface Column {
  readonly heading: string
  readonly align: 'left' | 'right'
}

/** Rows of text under their headings, two spaces between columns; nothing after the last one. */
export function columns(heads: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [heads.map((head) => head.heading), ...rows]
  const widths = heads.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)))
  return lines.map((line) =>
    heads
      .map(({ align }, index) => {
        const cell = line[index] ?? ''
        const width = widths[index] ?? 0
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** The steps of a waterfall in a person's words. */
export const STEP_LABELS: Readonly<Record<string, string>> = {
  charged_value: 'Charged value',
  lender_rate: 'Lender rate',
  volatility: 'Volatility',
  events: 'Events',
  cap: 'Cap',
  floor: 'Floor',
  borrow_cost: 'Borrow cost',
  markup: 'Markup',
  transaction_fee: 'Transaction fee',
  total: 'Total',
}
