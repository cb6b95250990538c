import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BorrowStatus, RateRowAnswer } from '../../../client/index.ts'
import { fraction } from '../../../client/units.ts'
import { compare, decimal, trim } from '../../../pricing/decimal.ts'
import { changeOf, compareByWatchlist, compareExact, compareRows, countRows, orderWords, passes } from './orders.ts'
import type { OrderColumn } from './search.ts'

function row(
  ticker: string,
  rate: string,
  { close = null, tier = 'HARD', guess = false }: { close?: string | null; tier?: BorrowStatus; guess?: boolean } = {},
): RateRowAnswer {
  return {
    ticker,
    name: `${ticker} Motor Corp`,
    current_rate: fraction(rate),
    previous_close_rate: close === null ? null : fraction(close),
    borrow_status: tier,
    lender_rate: fraction(rate),
    lender_as_of: guess ? null : '2026-11-23T14:00:00.000Z',
    volatility_index: null,
    event_risk_factor: 0,
    availability: { shares: guess ? null : 100, at_least: false },
    rebate_rate: null,
    last_updated: null,
    degraded: guess ? ['lender_rate_fallback'] : [],
  }
}

const GME = row('GME', '0.1757595', { close: '0.1716' })
const AMC = row('AMC', '0.10666', { close: '0.11' })
const TSLA = row('TSLA', '0.00312', { close: '0.00312', tier: 'EASY' })
const SAVA = row('SAVA', '0.23968', { guess: true })
const ALL = [TSLA, SAVA, GME, AMC]

const inOrder = (column: OrderColumn, descending: boolean) =>
  [...ALL].sort((a, b) => compareRows(a, b, { column, descending })).map(({ ticker }) => ticker)

describe('order', () => {
  test('exact text is compared as the numbers that it is', () => {
    const exact = fc
      .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: 0, max: 8 }))
      .map(([units, places]) => {
        const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0')
        const whole = digits.slice(0, digits.length - places)
        const text = places === 0 ? whole : `${whole}.${digits.slice(-places)}`
        return trim(decimal(units < 0n ? `-${text}` : text)).toString()
      })
    fc.assert(
      fc.property(exact, exact, (a, b) => {
        expect(Math.sign(compareExact(a, b))).toBe(compare(decimal(a), decimal(b)))
      }),
    )
  })

  test('what is unknown stands last, whichever way', () => {
    expect(inOrder('change', true)).toEqual(['GME', 'TSLA', 'AMC', 'SAVA'])
    expect(inOrder('change', false)).toEqual(['AMC', 'TSLA', 'GME', 'SAVA'])
    expect(inOrder('available', true).at(-1)).toBe('SAVA')
    expect(inOrder('lender-age', false).at(-1)).toBe('SAVA')
  })

  test('rates by size, tickers by letter, tiers by how hard they are', () => {
    expect(inOrder('rate', true)).toEqual(['SAVA', 'GME', 'AMC', 'TSLA'])
    expect(inOrder('ticker', false)).toEqual(['AMC', 'GME', 'SAVA', 'TSLA'])
    expect(inOrder('tier', false)[0]).toBe('TSLA')
  })

  test('by the watchlist: as it was made, then by how far a rate moved, either way', () => {
    const places = new Map([
      ['TSLA', 0],
      ['SAVA', 1],
    ])
    const sorted = [...ALL].sort((a, b) => compareByWatchlist(a, b, (ticker) => places.get(ticker)))
    expect(sorted.map(({ ticker }) => ticker)).toEqual(['TSLA', 'SAVA', 'GME', 'AMC'])
    expect(changeOf(GME)).toBe('41.595')
    expect(changeOf(AMC)).toBe('-33.4')
    expect(changeOf(SAVA)).toBeNull()
    expect(orderWords(null, 2)).toBe('watchlist, then biggest moves')
    expect(orderWords({ column: 'rate', descending: true }, 2)).toBe('rate, highest first')
  })
})

describe('choice', () => {
  test('by letters of ticker or name, by tier, by whether the lender rate is a guess', () => {
    expect(passes(GME, { q: 'gm' })).toBe(true)
    expect(passes(GME, { q: ' Motor ' })).toBe(true)
    expect(passes(GME, { q: 'tesla' })).toBe(false)
    expect(passes(TSLA, { tier: 'HARD' })).toBe(false)
    expect([passes(SAVA, { guess: 'only' }), passes(GME, { guess: 'only' })]).toEqual([true, false])
  })

  test('each count says what its own choice would show', () => {
    expect(countRows(ALL, {})).toEqual({ all: 4, tiers: { EASY: 1, MEDIUM: 0, HARD: 3 }, guesses: 1 })
    expect(countRows(ALL, { tier: 'EASY' })).toEqual({ all: 4, tiers: { EASY: 1, MEDIUM: 0, HARD: 3 }, guesses: 0 })
    expect(countRows(ALL, { guess: 'only', q: 'sa' })).toEqual({
      all: 1,
      tiers: { EASY: 0, MEDIUM: 0, HARD: 1 },
      guesses: 1,
    })
  })
})
