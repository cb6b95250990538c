// How quantities look. Each takes the exact decimal text of the contract and rounds, where a column needs it, half up and never by way
// of a binary float. What is missing is a word.
import { type AvailabilityAnswer, inPercent } from '../../client/index.ts'
import type { BasisPoints, Exact, Fraction, PercentPoints, Usd } from '../../client/units.ts'
import { decimal, minus, parseDecimal, round, times } from '../../pricing/decimal.ts'

const MINUS = '−'

/** `50,000.00`, `−13.696`: groups of three, a true minus, the decimals as they are. */
export function grouped(exact: Exact): string {
  const [, sign = '', whole = exact, decimals = ''] = /^(-?)([0-9]+)(\.[0-9]+)?$/.exec(exact) ?? []
  return `${sign === '-' ? MINUS : ''}${whole.replace(/\B(?=(?:[0-9]{3})+$)/g, ',')}${decimals}`
}

/** To so many decimals, half up, zeros kept: a column has one count of decimals. */
export function fixed(exact: Exact, decimals: number): string {
  return grouped(round(decimal(exact), { scale: decimals, rounding: 'half-up' }).toString())
}

/** USD, two decimals, no unit. */
export function usdText(amount: Usd | Exact): string {
  return fixed(amount, 2)
}

/** With its sign: `+36.11`, `−4.00`, `0.00`. */
export function signedUsd(amount: Usd | Exact): string {
  return signed(fixed(amount, 2))
}

/** A rate in a grid, whose header has the unit: `17.576`. */
export function gridRate(rate: Fraction): string {
  return fixed(inPercent(rate), 3)
}

/** A rate by itself, exact: `17.57595 %`. */
export function rateText(rate: Fraction): string {
  return `${grouped(inPercent(rate))} %`
}

export function percentText(points: PercentPoints): string {
  return `${grouped(points)} %`
}

/** A change of a rate, exact: `+49.875 bp`. */
export function basisPointsText(change: BasisPoints | Exact): string {
  return `${signed(grouped(change))} bp`
}

/** `after - before`, in basis points, exact. */
export function basisPointsBetween(before: Fraction, after: Fraction): Exact {
  return trimZeros(times(minus(decimal(after), decimal(before)), decimal(10_000)).toString())
}

/** A change in a grid: `▲ 41.2`, `▼ 18.6`, `0.0`. No colour: dear is good for one side. */
export function gridChange(basisPoints: Exact): string {
  const rounded = round(decimal(basisPoints), { scale: 1, rounding: 'half-up' }).toString()
  if (/^-?0\.0$/.test(rounded)) return '0.0'
  return rounded.startsWith('-') ? `▼ ${grouped(rounded.slice(1))}` : `▲ ${grouped(rounded)}`
}

/** `612,000`, `>10,000,000`, `unknown`. */
export function sharesText({ shares, at_least }: AvailabilityAnswer): string {
  return shares === null ? 'unknown' : `${at_least ? '>' : ''}${grouped(String(shares))}`
}

/** `12 s`, `4 min`, `3 h 11 min`, `2 d`. */
export function ageText(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s >= 86_400) return `${Math.floor(s / 86_400)} d`
  const minutes = Math.floor((s % 3600) / 60)
  return minutes === 0 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} h ${minutes} min`
}

/** In a grid: `12 s`, `4 m`, `3 h`, `2 d`. */
export function gridAge(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} m`
  return s < 86_400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`
}

/** For who hears it: `3 hours 11 minutes`. */
export function spokenAge(seconds: number): string {
  const words: Record<string, string> = { s: 'second', min: 'minute', h: 'hour', d: 'day' }
  return ageText(seconds).replace(/([0-9]+) (s|min|h|d)/g, (_, count: string, unit: string) => {
    return `${count} ${words[unit]}${count === '1' ? '' : 's'}`
  })
}

export function ageSeconds(asOf: string, nowMs: number): number {
  return Math.max(0, (nowMs - Date.parse(asOf)) / 1000)
}

/** `14:32:07`, UTC. */
export function timeText(iso: string | Date): string {
  return new Date(iso).toISOString().slice(11, 19)
}

/** `23 Nov 2026`, of a time in UTC or of a date. */
export function dateText(iso: string | Date): string {
  const at = new Date(iso)
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `23 Nov 2026, 14:32:07 UTC`; of a record with its microseconds, which no Date can hold. */
export function momentText(iso: string, precision: 'seconds' | 'whole' = 'seconds'): string {
  const fractionOfSecond = precision === 'whole' ? (/\.[0-9]+/.exec(iso)?.[0] ?? '') : ''
  return `${dateText(iso)}, ${timeText(iso)}${fractionOfSecond} UTC`
}

/** What a person typed as an amount: `50,000` and `50 000.00` are 50000 and 50000.00; null when it is no decimal. */
export function typedDecimal(text: string): Exact | null {
  const plain = text.trim().replace(/(?<=[0-9])[, ](?=[0-9]{3}(?:[, .]|$))/g, '')
  return parseDecimal(plain) === null ? null : plain
}

function signed(text: string): string {
  if (text.startsWith(MINUS)) return /[1-9]/.test(text) ? text : text.slice(1)
  return /[1-9]/.test(text) ? `+${text}` : text
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
