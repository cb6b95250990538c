// Which stocks are shown, and in which order. Exact text is compared as text: no rate becomes a binary float.
import type { BorrowStatus, RateRowAnswer } from '../../../client/index.ts'
import type { Exact } from '../../../client/units.ts'
import { basisPointsBetween } from '../../ui/formats.ts'
import type { Order, OrderColumn, RatesSearch } from './search.ts'

/** Less than, equal to, greater than 0, as `a` and `b` are. Neither ends in zeros that say nothing. */
export function compareExact(a: Exact, b: Exact): number {
  const negative = a.startsWith('-')
  if (negative !== b.startsWith('-')) return negative ? -1 : 1
  return negative ? compareUnsigned(b.slice(1), a.slice(1)) : compareUnsigned(a, b)
}

function compareUnsigned(a: Exact, b: Exact): number {
  const digits = wholeDigits(a) - wholeDigits(b)
  return digits !== 0 ? digits : a < b ? -1 : a > b ? 1 : 0
}

function wholeDigits(exact: Exact): number {
  const point = exact.indexOf('.')
  return point < 0 ? exact.length : point
}

const changes = new WeakMap<RateRowAnswer, Exact | null>()

/** Basis points since the last close; null: no rate of then is known. */
export function changeOf(row: RateRowAnswer): Exact | null {
  let change = changes.get(row)
  if (change === undefined) {
    // An engine of before has no close in its rows.
    const before = row.previous_close_rate ?? null
    change = before === null ? null : basisPointsBetween(before, row.current_rate)
    changes.set(row, change)
  }
  return change
}

export function lenderIsGuess(row: RateRowAnswer): boolean {
  return row.degraded.includes('lender_rate_fallback')
}

const TIER_ORDER: Readonly<Record<BorrowStatus, number>> = { EASY: 1, MEDIUM: 2, HARD: 3 }

/** What a column's order is by; null: nothing is known, which comes last in either direction. */
const KEYS: Readonly<Record<OrderColumn, (row: RateRowAnswer) => Exact | number | null>> = {
  ticker: (row) => row.ticker,
  name: (row) => row.name,
  tier: (row) => TIER_ORDER[row.borrow_status],
  rate: (row) => row.current_rate,
  change: changeOf,
  available: (row) => row.availability.shares,
  rebate: (row) => row.rebate_rate,
  lender: (row) => row.lender_rate,
  // The oldest is the one of the greatest age.
  'lender-age': (row) => (row.lender_as_of === null ? null : -Date.parse(row.lender_as_of)),
  volatility: (row) => row.volatility_index,
  event: (row) => row.event_risk_factor,
}
const TEXTS: ReadonlySet<OrderColumn> = new Set(['ticker', 'name'])

export function compareRows(a: RateRowAnswer, b: RateRowAnswer, { column, descending }: Order): number {
  const [keyA, keyB] = [KEYS[column](a), KEYS[column](b)]
  if (keyA === null || keyB === null) return keyA === keyB ? byTicker(a, b) : keyA === null ? 1 : -1
  const order =
    typeof keyA === 'number' || typeof keyB === 'number'
      ? Number(keyA) - Number(keyB)
      : TEXTS.has(column)
        ? compareText(keyA, keyB)
        : compareExact(keyA, keyB)
  return (descending ? -order : order) || byTicker(a, b)
}

/** Those that are watched, as they were taken up; then by how far they moved since the close. */
export function compareByWatchlist(
  a: RateRowAnswer,
  b: RateRowAnswer,
  placeOf: (ticker: string) => number | undefined,
): number {
  const [placeA, placeB] = [placeOf(a.ticker), placeOf(b.ticker)]
  if (placeA !== undefined || placeB !== undefined) {
    return placeA === undefined ? 1 : placeB === undefined ? -1 : placeA - placeB
  }
  const [changeA, changeB] = [changeOf(a), changeOf(b)]
  if (changeA === null || changeB === null) return changeA === changeB ? byTicker(a, b) : changeA === null ? 1 : -1
  return compareExact(changeB.replace('-', ''), changeA.replace('-', '')) || byTicker(a, b)
}

function byTicker(a: RateRowAnswer, b: RateRowAnswer): number {
  return compareText(a.ticker, b.ticker)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const FIRST: Readonly<Record<OrderColumn, readonly [ascending: string, descending: string]>> = {
  ticker: ['ticker, A to Z', 'ticker, Z to A'],
  name: ['name, A to Z', 'name, Z to A'],
  tier: ['tier, EASY first', 'tier, HARD first'],
  rate: ['rate, lowest first', 'rate, highest first'],
  change: ['1 d change, falls first', '1 d change, rises first'],
  available: ['available, fewest first', 'available, most first'],
  rebate: ['rebate, lowest first', 'rebate, highest first'],
  lender: ['lender rate, lowest first', 'lender rate, highest first'],
  'lender-age': ['age, oldest first', 'age, newest first'],
  volatility: ['volatility, lowest first', 'volatility, highest first'],
  event: ['events, lowest first', 'events, highest first'],
}

/** The order in words. */
export function orderWords(order: Order | null, watched: number): string {
  if (order === null) return watched > 0 ? 'watchlist, then biggest moves' : 'biggest moves'
  return FIRST[order.column][order.descending ? 1 : 0]
}

export type Filter = Pick<RatesSearch, 'q' | 'tier' | 'guess'>

/** Whether a row is shown. */
export function passes(row: RateRowAnswer, { q, tier, guess }: Filter): boolean {
  return (
    (tier === undefined || row.borrow_status === tier) &&
    (guess === undefined || lenderIsGuess(row)) &&
    (q === undefined || hasWords(row, q.trim().toUpperCase()))
  )
}

function hasWords(row: RateRowAnswer, words: string): boolean {
  return row.ticker.includes(words) || (row.name?.toUpperCase().includes(words) ?? false)
}

export interface Counts {
  readonly all: number
  readonly tiers: Readonly<Record<BorrowStatus, number>>
  readonly guesses: number
}

/** How many each choice would show, beside the other choices that are made. */
export function countRows(rows: Iterable<RateRowAnswer>, { q, tier, guess }: Filter): Counts {
  const words = q?.trim().toUpperCase() ?? ''
  const tiers = { EASY: 0, MEDIUM: 0, HARD: 0 }
  let all = 0
  let guesses = 0
  for (const row of rows) {
    if (words !== '' && !hasWords(row, words)) continue
    const isGuess = lenderIsGuess(row)
    if (isGuess && (tier === undefined || row.borrow_status === tier)) guesses += 1
    if (guess !== undefined && !isGuess) continue
    all += 1
    tiers[row.borrow_status] += 1
  }
  return { all, tiers, guesses }
}
