import { describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asRate, asUsd, type IndexPoints, type IsoDate, type Rate } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import {
  availabilityObservation,
  borrowStatusByRate,
  borrowStatusOf,
  DEFAULT_INPUT_LIMITS,
  eventRiskObservation,
  type LenderListing,
  lastCloseObservation,
  lenderRateObservation,
  stockVolatilityObservation,
  volatilityIndexObservation,
} from './fallback.ts'
import { ageInWords, observed, type Stored } from './observation.ts'

const NOW = new Date('2026-11-24T15:00:00Z')
const HOUR = 3600
const DAY = 86_400
const limits = DEFAULT_INPUT_LIMITS

function kept<T>(value: T, ageSeconds: number, demo = false): Stored<T> {
  const asOf = new Date(NOW.getTime() - ageSeconds * 1000)
  return { value, provider: demo ? 'excerpt' : 'lender', asOf, receivedAt: asOf, demo }
}

const rate = (text: string): Rate => asRate(decimal(text))
const points = (text: string): IndexPoints => asIndexPoints(decimal(text))
const listing = (over: Partial<LenderListing> = {}): LenderListing => ({
  rate: rate('0.05'),
  borrowStatus: null,
  availability: { shares: 5000, atLeast: false },
  benchmarkRate: null,
  listed: true,
  ...over,
})
const DROPPED = listing({
  rate: null,
  borrowStatus: 'HARD',
  availability: { shares: 0, atLeast: false },
  listed: false,
})

describe('the lender rate', () => {
  interface Case {
    name: string
    listing?: Stored<LenderListing>
    last?: Stored<Rate>
    floor?: string
    tier?: BorrowStatus
    is: string
  }
  const cases: Case[] = [
    { name: 'just received', listing: kept(listing(), 0), is: '0.05 cached lender' },
    { name: 'to the second fresh', listing: kept(listing(), 300), is: '0.05 cached lender' },
    { name: 'a second more', listing: kept(listing(), 301), is: '0.05 stale lender' },
    { name: 'to the second usable', listing: kept(listing(), 24 * HOUR), is: '0.05 stale lender' },
    {
      name: 'beyond its limit: the last recorded',
      listing: kept(listing(), 24 * HOUR + 1),
      is: '0.05 fallback lender: the lender rate is 24 hours old, beyond its limit; the last recorded rate stands in',
    },
    {
      name: 'beyond its limit, below the floor',
      listing: kept(listing(), 3 * DAY),
      floor: '0.08',
      is: "0.08 fallback lender: the lender rate is 3 days old, beyond its limit; the stock's floor rate, above the last recorded rate, stands in",
    },
    {
      name: 'fresh, below the floor: pricing applies the floor',
      listing: kept(listing(), 1),
      floor: '0.08',
      is: '0.05 cached lender',
    },
    {
      name: 'listed without a rate, one was recorded before',
      listing: kept(listing({ rate: null }), 60),
      last: kept(rate('0.04'), 9 * DAY),
      is: '0.04 fallback lender: the lender lists the name without a rate; the last recorded rate stands in',
    },
    {
      name: 'dropped, one was recorded before',
      listing: kept(DROPPED, 60),
      last: kept(rate('0.0025'), 9 * DAY),
      floor: '0.01',
      tier: 'HARD',
      is: "0.01 fallback lender: the lender no longer lists the name; the stock's floor rate, above the last recorded rate, stands in",
    },
    {
      name: 'listed without a rate, never recorded: the floor',
      listing: kept(listing({ rate: null }), 60),
      floor: '0.02',
      is: "0.02 fallback floor rate: the lender lists the name without a rate; the stock's floor rate stands in",
    },
    {
      name: 'a floor of zero is a floor',
      floor: '0',
      is: "0 fallback floor rate: no lender rate is known; the stock's floor rate stands in",
    },
    {
      name: 'nothing, EASY',
      tier: 'EASY',
      is: '0.0025 fallback tier EASY: no lender rate is known; the rate of tier EASY stands in',
    },
    {
      name: 'nothing, MEDIUM',
      tier: 'MEDIUM',
      is: '0.03 fallback tier MEDIUM: no lender rate is known; the rate of tier MEDIUM stands in',
    },
    {
      name: 'nothing, HARD',
      tier: 'HARD',
      is: '0.20 fallback tier HARD: no lender rate is known; the rate of tier HARD stands in',
    },
    {
      name: 'dropped, never recorded',
      listing: kept(DROPPED, 60),
      tier: 'HARD',
      is: '0.20 fallback tier HARD: the lender no longer lists the name; the rate of tier HARD stands in',
    },
    { name: 'a rate of zero is a rate', listing: kept(listing({ rate: rate('0') }), 60), is: '0 cached lender' },
    { name: 'demo data of last year', listing: kept(listing(), 330 * DAY, true), is: '0.05 cached excerpt demo' },
    {
      name: 'demo data without a rate',
      listing: kept(listing({ rate: null }), 330 * DAY, true),
      is: '0.20 fallback tier HARD demo: the lender lists the name without a rate; the rate of tier HARD stands in',
    },
  ]
  test.each(cases)('$name', ({ listing, last, floor, tier, is }) => {
    const got = lenderRateObservation(
      {
        listing: listing ?? null,
        lastRecorded: last ?? null,
        stockFloorRate: floor === undefined ? null : rate(floor),
        borrowStatus: tier ?? 'HARD',
      },
      NOW,
      limits,
    )
    const demo = got.demo ? ' demo' : ''
    const reason = got.fallbackReason === null ? '' : `: ${got.fallbackReason}`
    expect(`${got.value} ${got.source} ${got.provider}${demo}${reason}`).toBe(is)
  })

  test('keeps its true time and age, also when it is the last recorded one, and demo data', () => {
    const stale = lenderRateObservation(
      { listing: kept(listing(), 2 * DAY), lastRecorded: null, stockFloorRate: null, borrowStatus: 'HARD' },
      NOW,
      limits,
    )
    expect(stale).toMatchObject({ asOf: new Date('2026-11-22T15:00:00Z'), ageSeconds: 2 * DAY })
    expect(observed(kept(1, 330 * DAY, true), NOW, limits.lender)).toMatchObject({ ageSeconds: 330 * DAY })
  })

  test('of a stand-in has no time and no age', () => {
    const standIn = lenderRateObservation(
      { listing: null, lastRecorded: null, stockFloorRate: null, borrowStatus: 'EASY' },
      NOW,
      limits,
    )
    expect(standIn).toMatchObject({ asOf: null, receivedAt: null, ageSeconds: null, demo: false })
  })
})

describe('the volatility index', () => {
  test.each([
    ['never known', null, '20.0 fallback default: no volatility index is known'],
    ['fresh', 900, '31.5 cached lender'],
    ['stale', 901, '31.5 stale lender'],
    ['five days', 5 * DAY, '31.5 stale lender'],
    ['a second more', 5 * DAY + 1, '20.0 fallback default: the volatility index is 5 days old, beyond its limit'],
  ])('%s', (_name, age, is) => {
    const got = volatilityIndexObservation(age === null ? null : kept(points('31.5'), age), NOW, limits)
    expect(
      `${got.value} ${got.source} ${got.provider}${got.fallbackReason === null ? '' : `: ${got.fallbackReason}`}`,
    ).toBe(is)
  })

  test('a stock’s own volatility is there or not: no stand-in is made up', () => {
    expect(stockVolatilityObservation(null, NOW, limits)).toBeNull()
    expect(stockVolatilityObservation(kept(points('80'), 6 * DAY), NOW, limits)).toBeNull()
    expect(stockVolatilityObservation(kept(points('80'), DAY), NOW, limits)?.source).toBe('stale')
  })
})

describe('the event risk', () => {
  const window = { from: '2026-11-24' as IsoDate, to: '2026-12-08' as IsoDate }
  const events = [{ type: 'earnings', date: '2026-12-01' as IsoDate, riskFactor: null }]
  test.each([
    ['no calendar', null, '0 fallback: no event calendar is known'],
    ['a fresh one', kept(events, 3600), '7 cached'],
    ['a stale one', kept(events, 3601), '7 stale'],
    ['seven days', kept(events, 7 * DAY), '7 stale'],
    ['a second more', kept(events, 7 * DAY + 1), '0 fallback: the event calendar is 7 days old, beyond its limit'],
    ['a calendar without events for the name', kept([], 60), '0 cached'],
  ])('%s', (_name, calendar, is) => {
    const got = eventRiskObservation(calendar, window, NOW, limits)
    expect(`${got.value.factor} ${got.source}${got.fallbackReason === null ? '' : `: ${got.fallbackReason}`}`).toBe(is)
  })
})

describe('the availability', () => {
  test.each<[string, Stored<LenderListing> | null, string]>([
    ['of a name no lender ever listed is not there', null, 'none'],
    ['is the lender’s figure', kept(listing(), 60), '5000 false cached'],
    ['is a cap', kept(listing({ availability: { shares: 10_000_000, atLeast: true } }), 60), '10000000 true cached'],
    [
      'is unknown when the lender says so',
      kept(listing({ availability: { shares: null, atLeast: false } }), 60),
      'null false cached',
    ],
    ['of a dropped name is 0', kept(DROPPED, 23 * HOUR), '0 false stale'],
    [
      'beyond its limit is unknown',
      kept(listing(), 24 * HOUR + 1),
      'null false fallback: the availability is 24 hours old, beyond its limit',
    ],
    ['of demo data has no limit', kept(listing(), 330 * DAY, true), '5000 false cached'],
  ])('%s', (_name, stored, is) => {
    const got = availabilityObservation(stored, NOW, limits)
    const reason = got?.fallbackReason == null ? '' : `: ${got.fallbackReason}`
    expect(got === null ? 'none' : `${got.value.shares} ${got.value.atLeast} ${got.source}${reason}`).toBe(is)
  })
})

describe('the borrow status', () => {
  test.each<[string, LenderListing | null, BorrowStatus | null, BorrowStatus]>([
    ['is the feed’s own word', listing({ borrowStatus: 'MEDIUM', rate: rate('9') }), 'EASY', 'MEDIUM'],
    ['else goes by the lender rate, not by the desk', listing({ rate: rate('0.0025') }), 'HARD', 'EASY'],
    ['else is the desk’s', listing({ rate: null }), 'MEDIUM', 'MEDIUM'],
    ['without a lender is the desk’s', null, 'EASY', 'EASY'],
    ['with nothing known is HARD', null, null, 'HARD'],
    ['of a dropped name is HARD, whatever the desk said', DROPPED, 'EASY', 'HARD'],
  ])('%s', (_name, from, desk, status) => {
    expect(borrowStatusOf(from, desk)).toBe(status)
  })

  test.each([
    ['0', 'EASY'],
    ['0.00499999', 'EASY'],
    ['0.005', 'MEDIUM'],
    ['0.03', 'MEDIUM'],
    ['0.0300', 'MEDIUM'],
    ['0.03000001', 'HARD'],
    ['10.165848', 'HARD'],
  ])('of rate %s is %s', (text, status) => {
    expect(borrowStatusByRate(rate(text))).toBe(status)
  })
})

test('a close is fresh over a long weekend, stale after, and never made up', () => {
  const close = { close: asUsd(decimal('22.5')), priceDate: '2026-11-20' as IsoDate }
  expect(lastCloseObservation(null, NOW)).toBeNull()
  expect(lastCloseObservation(kept(close, 4 * DAY), NOW)?.source).toBe('cached')
  expect(lastCloseObservation(kept(close, 400 * DAY), NOW)?.source).toBe('stale')
})

test('a source whose clock runs ahead is of age 0', () => {
  expect(observed(kept(1, -90), NOW, limits.lender)).toMatchObject({ source: 'cached', ageSeconds: 0 })
})

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [119, '119 seconds'],
  [120, '2 minutes'],
  [7199, '119 minutes'],
  [7200, '2 hours'],
  [172_799, '47 hours'],
  [172_800, '2 days'],
])('an age of %i seconds is said as %s', (seconds, words) => {
  expect(ageInWords(seconds)).toBe(words)
})
