import { expect, test } from 'vitest'
import type { RateRowAnswer } from '../../../client/index.ts'
import type { FeedHealth, Feeds } from '../../app/feed-health.ts'
import { faultOf, feedAge, lenderAge } from './ages.ts'

const AT_MS = Date.parse('2026-11-23T14:32:07Z')

function feed(of: Partial<FeedHealth> = {}): FeedHealth {
  return { provider: 'test', state: 'up', last_success: '2026-11-23T14:28:07Z', age_seconds: 240, ...of }
}

function feeds(of: Partial<FeedHealth> = {}): Feeds {
  return { feeds: { lender: feed(of), volatility: feed(of), events: feed(of) }, atMs: AT_MS }
}

function row(degraded: readonly string[], lenderAsOf: string | null = '2026-11-23T14:31:55Z'): RateRowAnswer {
  return { lender_as_of: lenderAsOf, degraded } as RateRowAnswer
}

test('a stale rate of one stock is its own fault; of a feed that is down it is the feed’s', () => {
  const old = row(['lender_rate_stale'], '2026-11-23T12:32:07Z')
  expect(lenderAge(old, feeds(), AT_MS)).toEqual({ source: 'stale', seconds: 7200, word: '', isOwnFault: true })
  expect(lenderAge(old, feeds({ breaker: { state: 'open' } }), AT_MS).isOwnFault).toBe(false)
  expect(lenderAge(row([]), feeds(), AT_MS)).toEqual({ source: 'live', seconds: 12, word: '', isOwnFault: false })
})

test('a stock that the lender gives no rate for says so, and has no age', () => {
  expect(lenderAge(row(['lender_rate_fallback'], null), feeds(), AT_MS)).toEqual({
    source: 'fallback',
    seconds: null,
    word: 'no rate',
    isOwnFault: true,
  })
})

test('the other inputs are as old as their feeds, and age while nobody asks', () => {
  expect(feedAge(row([]), 'volatility', feeds(), AT_MS + 60_000)).toMatchObject({ source: 'cached', seconds: 300 })
  expect(feedAge(row(['event_risk_stale']), 'events', feeds({ state: 'down' }), AT_MS)).toMatchObject({
    source: 'stale',
    isOwnFault: false,
  })
  expect(feedAge(row(['volatility_fallback']), 'volatility', feeds(), AT_MS)).toMatchObject({
    source: 'fallback',
    word: 'none',
    isOwnFault: true,
  })
  expect(feedAge(row([]), 'events', undefined, AT_MS)).toMatchObject({ seconds: null, word: 'unknown' })
})

test('a feed is at fault when it is down, its breaker open, or what it says too old; the demonstration is not', () => {
  expect(faultOf(feed({ state: 'down' }))).toBe('down')
  expect(faultOf(feed({ breaker: { state: 'open' } }))).toBe('down')
  expect(faultOf(feed({ data: 'expired' }))).toBe('stale')
  expect(faultOf(feed({ data: 'demo' }))).toBeNull()
  expect(faultOf(undefined)).toBeNull()
})
