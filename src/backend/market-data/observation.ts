// An observation: a value that comes with where it is from and how old it is. Nothing in this engine prices from a bare
// number, so that what stood in for a missing feed can be seen in the answer, in the metrics and on the record.
import type { Rate } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'

/**
 * `live`: the feed was asked for this answer. `cached`: kept, and still fresh. `stale`: kept, older than fresh, within its
 * limit. `fallback`: nothing usable was observed; the value is a stand-in and `fallbackReason` says why.
 */
export type ObservationSource = 'live' | 'cached' | 'stale' | 'fallback'

export interface Observation<T> {
  readonly value: T
  readonly source: ObservationSource
  /** The feed's name, or what stood in for it: `floor rate`, `tier EASY`, `default`. */
  readonly provider: string
  /** When the value was true at its source; null for a stand-in. */
  readonly asOf: Date | null
  /** When it arrived here; null for a stand-in. */
  readonly receivedAt: Date | null
  /** Whole seconds since `asOf`, never negative. */
  readonly ageSeconds: number | null
  /** A sentence for a person; null unless the source is `fallback`. */
  readonly fallbackReason: string | null
  /** Replayed demonstration data: true `asOf`, no stale limit. */
  readonly demo: boolean
}

/** A value as it is kept: what a feed said, and when it was true. */
export interface Stored<T> {
  readonly value: T
  readonly provider: string
  readonly asOf: Date
  readonly receivedAt: Date
  readonly demo: boolean
}

/** Shares to lend. `atLeast`: the lender caps the figure, there are this many or more. Unknown is {null, false}; dropped by the lender is {0, false}. */
export interface Availability {
  readonly shares: number | null
  readonly atLeast: boolean
}

/** Ages from the as-of time, seconds: fresh up to the first, usable up to the second. */
export interface AgeLimit {
  readonly freshSeconds: number
  readonly staleSeconds: number
}

/** A volatility that does not change is added to its history so often, to show that its feed is there; import-answers.ts does. */
export const VOLATILITY_CONFIRMED_SECONDS = 86_400

/** How old each input may be, and which lender rate (a fraction) stands in for each tier when none is known. */
export interface InputLimits {
  readonly lender: AgeLimit
  readonly volatility: AgeLimit
  readonly events: AgeLimit
  readonly availability: AgeLimit
  readonly standInRates: Readonly<Record<BorrowStatus, Rate>>
}

/** Whole seconds from `asOf` to `now`. A source whose clock runs ahead gives 0, not a negative age. */
export function ageSeconds(asOf: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - asOf.getTime()) / 1000))
}

/**
 * A kept value as an observation by its age.
 * @returns null when it is older than its stale limit. Demo data has none: it is `cached` at any age, with its true one.
 */
export function observed<T>(stored: Stored<T>, now: Date, limit: AgeLimit): Observation<T> | null {
  const age = ageSeconds(stored.asOf, now)
  if (!stored.demo && age > limit.staleSeconds) return null
  return {
    value: stored.value,
    source: stored.demo || age <= limit.freshSeconds ? 'cached' : 'stale',
    provider: stored.provider,
    asOf: stored.asOf,
    receivedAt: stored.receivedAt,
    ageSeconds: age,
    fallbackReason: null,
    demo: stored.demo,
  }
}

/** An age in the words of a sentence: `26 hours`, `6 days`. */
export function ageInWords(seconds: number): string {
  const [count, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7200
        ? [Math.floor(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.floor(seconds / 3600), 'hour']
          : [Math.floor(seconds / 86_400), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
