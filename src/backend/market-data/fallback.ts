// What is taken for each input when its feed does not answer, in which order, and in which words that is said.
// Pure: kept values, a moment and limits in; observations out. docs/pricing.md, "Honest inputs", has the table.
//
// A missing feed never turns silently into the cheapest price: a stand-in is marked, and a name the lender dropped is hard
// to borrow, not easy.
import { atLeast, compare, decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asRate, type IndexPoints, type IsoDate, type Rate, type Usd } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import { type EventRisk, type EventWindow, eventRisk, type MarketEvent } from './event-risk.ts'
import {
  type AgeLimit,
  type Availability,
  ageInWords,
  ageSeconds,
  type InputLimits,
  type Observation,
  observed,
  type Stored,
} from './observation.ts'

/** The limits the product comes with; configuration may change each. */
export const DEFAULT_INPUT_LIMITS: InputLimits = {
  lender: { freshSeconds: 300, staleSeconds: 24 * 3600 },
  volatility: { freshSeconds: 900, staleSeconds: 5 * 86_400 },
  events: { freshSeconds: 3600, staleSeconds: 7 * 86_400 },
  availability: { freshSeconds: 300, staleSeconds: 24 * 3600 },
  standInRates: {
    EASY: asRate(decimal('0.0025')),
    MEDIUM: asRate(decimal('0.03')),
    HARD: asRate(decimal('0.20')),
  },
}

/** The index that stands in when none is known, points. */
export const VOLATILITY_STAND_IN: IndexPoints = asIndexPoints(decimal('20.0'))

/** A close is fresh over a long weekend. It has no stale limit: its date is in the answer, and without one the caller must give a price. */
const CLOSE_AGE: AgeLimit = { freshSeconds: 4 * 86_400, staleSeconds: Number.POSITIVE_INFINITY }

const EASY_BELOW = decimal('0.005')
const MEDIUM_TO = decimal('0.03')

/** A name's row from its lender: the rate is null when the lender lists the name without one. */
export interface LenderListing {
  readonly rate: Rate | null
  readonly borrowStatus: BorrowStatus | null
  readonly availability: Availability
  readonly benchmarkRate: Rate | null
  /** false: the lender listed the name before and does not any more. */
  readonly listed: boolean
}

/** The tier a lender rate falls into: below 0.005 EASY, up to 0.03 MEDIUM, above HARD. */
export function borrowStatusByRate(rate: Rate): BorrowStatus {
  if (compare(rate, EASY_BELOW) < 0) return 'EASY'
  return compare(rate, MEDIUM_TO) <= 0 ? 'MEDIUM' : 'HARD'
}

/** A name's tier: HARD when the lender dropped it; the feed's own word; else by the lender rate; else the desk's; nothing known is HARD. */
export function borrowStatusOf(listing: LenderListing | null, stockStatus: BorrowStatus | null): BorrowStatus {
  if (listing !== null) {
    if (!listing.listed) return 'HARD'
    if (listing.borrowStatus !== null) return listing.borrowStatus
    if (listing.rate !== null) return borrowStatusByRate(listing.rate)
  }
  return stockStatus ?? 'HARD'
}

/** All that may become a lender rate. */
export interface LenderRateInputs {
  readonly listing: Stored<LenderListing> | null
  /** The last rate ever recorded for the name, wanted only when the listing has none. */
  readonly lastRecorded: Stored<Rate> | null
  /** The stock's own floor, not the general one. */
  readonly stockFloorRate: Rate | null
  /** The tier, as {@link borrowStatusOf} gives it. */
  readonly borrowStatus: BorrowStatus
}

/** The lender rate: fresh, stale within its limit, the last one ever recorded (never below the floor), the floor, the tier's stand-in. */
export function lenderRateObservation(inputs: LenderRateInputs, now: Date, limits: InputLimits): Observation<Rate> {
  const { listing, stockFloorRate } = inputs
  const current: Stored<Rate> | null =
    listing?.value.listed && listing.value.rate !== null ? { ...listing, value: listing.value.rate } : null
  const usable = current === null ? null : observed(current, now, limits.lender)
  if (usable !== null) return usable

  const reason = whyNoLenderRate(listing, now)
  const demo = listing?.demo ?? false
  const last = current ?? inputs.lastRecorded
  if (last !== null) {
    const age = ageSeconds(last.asOf, now)
    const floored = stockFloorRate !== null && compare(last.value, stockFloorRate) < 0
    return {
      value: stockFloorRate === null ? last.value : atLeast(last.value, stockFloorRate),
      source: 'fallback',
      provider: last.provider,
      asOf: last.asOf,
      receivedAt: last.receivedAt,
      ageSeconds: age,
      fallbackReason: `${reason}; ${floored ? "the stock's floor rate, above the last recorded rate," : 'the last recorded rate'} stands in`,
      demo: demo || last.demo,
    }
  }
  if (stockFloorRate !== null) {
    return standIn(stockFloorRate, 'floor rate', `${reason}; the stock's floor rate stands in`, demo)
  }
  const tier = inputs.borrowStatus
  return standIn(limits.standInRates[tier], `tier ${tier}`, `${reason}; the rate of tier ${tier} stands in`, demo)
}

function whyNoLenderRate(listing: Stored<LenderListing> | null, now: Date): string {
  if (listing === null) return 'no lender rate is known'
  if (!listing.value.listed) return 'the lender no longer lists the name'
  if (listing.value.rate === null) return 'the lender lists the name without a rate'
  return `the lender rate is ${ageInWords(ageSeconds(listing.asOf, now))} old, beyond its limit`
}

/** The volatility index: kept within its limit, else 20.0, marked. */
export function volatilityIndexObservation(
  index: Stored<IndexPoints> | null,
  now: Date,
  limits: InputLimits,
): Observation<IndexPoints> {
  if (index === null) return standIn(VOLATILITY_STAND_IN, 'default', 'no volatility index is known', false)
  return (
    observed(index, now, limits.volatility) ??
    standIn(VOLATILITY_STAND_IN, 'default', `the volatility index is ${tooOld(index, now)}`, false)
  )
}

/** The stock's own volatility, or null when none is known within its limit: then the index counts, and no stand-in is made up. */
export function stockVolatilityObservation(
  stored: Stored<IndexPoints> | null,
  now: Date,
  limits: InputLimits,
): Observation<IndexPoints> | null {
  return stored === null ? null : observed(stored, now, limits.volatility)
}

/**
 * The event risk in the window.
 * @param calendar the name's events under the calendar's as-of time; no events in a known calendar is a risk of 0 that was
 *   observed, and null (no calendar at all) a risk of 0 that is a stand-in.
 */
export function eventRiskObservation(
  calendar: Stored<readonly MarketEvent[]> | null,
  window: EventWindow,
  now: Date,
  limits: InputLimits,
): Observation<EventRisk> {
  const none: EventRisk = { factor: 0, events: [] }
  if (calendar === null) return standIn(none, 'default', 'no event calendar is known', false)
  const usable = observed(calendar, now, limits.events)
  if (usable === null) return standIn(none, 'default', `the event calendar is ${tooOld(calendar, now)}`, false)
  return { ...usable, value: eventRisk(usable.value, window) }
}

/** Shares to lend, or null for a name no lender ever listed. Beyond its limit the figure is unknown, not the old one. */
export function availabilityObservation(
  listing: Stored<LenderListing> | null,
  now: Date,
  limits: InputLimits,
): Observation<Availability> | null {
  if (listing === null) return null
  const stored: Stored<Availability> = { ...listing, value: listing.value.availability }
  return (
    observed(stored, now, limits.availability) ?? {
      value: { shares: null, atLeast: false },
      source: 'fallback',
      provider: listing.provider,
      asOf: listing.asOf,
      receivedAt: listing.receivedAt,
      ageSeconds: ageSeconds(listing.asOf, now),
      fallbackReason: `the availability is ${tooOld(listing, now)}`,
      demo: listing.demo,
    }
  )
}

/** A close with the date it is of. */
export interface LastClose {
  /** USD a share. */
  readonly close: Usd
  readonly priceDate: IsoDate
}

export function lastCloseObservation(stored: Stored<LastClose> | null, now: Date): Observation<LastClose> | null {
  return stored === null ? null : observed(stored, now, CLOSE_AGE)
}

function tooOld(stored: Stored<unknown>, now: Date): string {
  return `${ageInWords(ageSeconds(stored.asOf, now))} old, beyond its limit`
}

function standIn<T>(value: T, provider: string, reason: string, demo: boolean): Observation<T> {
  return {
    value,
    source: 'fallback',
    provider,
    asOf: null,
    receivedAt: null,
    ageSeconds: null,
    fallbackReason: reason,
    demo,
  }
}
