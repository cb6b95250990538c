// The points of one to three names on one axis of time. Pure: answers in; times, and a point or a hole for each of them, out.
import type { HistoryInterval, RatePointAnswer, RateRowAnswer } from '../../../client/index.ts'
import { type AskedRange, INTERVAL_MS } from './range.ts'

export interface Series {
  readonly ticker: string
  /** One for each of the times; null before the lender's first rate, and ahead of now. */
  readonly points: readonly (RatePointAnswer | null)[]
}

export interface Timeline {
  /** Seconds since 1970, rising. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  /** The last place that is not ahead of now; -1: there is none. */
  readonly lastAt: number
}

/** A chart leaves this part of itself to what is ahead. */
const AHEAD_SHARE = 0.2

export interface Told {
  readonly ticker: string
  readonly points: readonly RatePointAnswer[]
}

/** @param aheadMs the days of events to come; those that are too far ahead for the range are left out */
export function timeline(told: readonly Told[], range: AskedRange, aheadMs: readonly number[]): Timeline {
  const until = Math.max(range.toMs, ...told.map(({ points }) => msOf(points.at(-1)) ?? 0))
  const past = new Set(gridMs(range.fromMs, range.toMs, range.interval))
  for (const { points } of told) for (const point of points) past.add(Date.parse(point.time))
  const farthest = until + (until - range.fromMs) * AHEAD_SHARE
  const ahead = range.endsNow ? aheadMs.filter((ms) => ms > until && ms <= farthest) : []
  const future = ahead.length === 0 ? [] : gridMs(until, Math.max(...ahead), range.interval)
  const known = [...past].sort((one, other) => one - other)
  const times = [...known, ...future.filter((ms) => ms > until)]
  return {
    times: times.map((ms) => ms / 1000),
    series: told.map(({ ticker, points }) => {
      const byMs = new Map(points.map((point) => [Date.parse(point.time), point]))
      return { ticker, points: times.map((ms) => byMs.get(ms) ?? null) }
    }),
    lastAt: known.length - 1,
  }
}

/** Ends of intervals after the one moment, and the other. */
function gridMs(fromMs: number, toMs: number, interval: HistoryInterval): number[] {
  const step = INTERVAL_MS[interval]
  const grid: number[] = []
  for (let ms = (Math.floor(fromMs / step) + 1) * step; ms < toMs; ms += step) grid.push(ms)
  return toMs > fromMs ? [...grid, toMs] : grid
}

function msOf(point: RatePointAnswer | undefined): number | null {
  return point === undefined ? null : Date.parse(point.time)
}

/** The place of a moment: the first time that is not before it; null: it is after all of them. */
export function placeOf(times: readonly number[], ms: number): number | null {
  const place = times.findIndex((seconds) => seconds * 1000 >= ms)
  return place === -1 ? null : place
}

/** What the stream has told of a name, as a point. */
export function livePoint(row: RateRowAnswer, atMs: number): RatePointAnswer {
  const { current_rate, lender_rate, lender_as_of, volatility_index, event_risk_factor, availability } = row
  return {
    time: new Date(atMs).toISOString(),
    borrow_rate: current_rate,
    lender_rate: lender_as_of === null ? null : lender_rate,
    volatility_index,
    event_risk_factor,
    availability,
  }
}

/**
 * With what the stream has told since the answers: a point at one moment for every name, when one of them tells something else than its
 * last point.
 * @param rows of the names, in their order; undefined: the stream has none
 */
export function withLivePoints(
  told: readonly Told[],
  rows: readonly (RateRowAnswer | undefined)[],
  nowMs: number,
): readonly Told[] {
  const lastMs = Math.max(...told.map(({ points }) => msOf(points.at(-1)) ?? 0))
  const atMs = Math.max(Math.floor(nowMs / 1000) * 1000, lastMs + 1000)
  const live = rows.map((row) => (row === undefined ? null : livePoint(row, atMs)))
  const tellsMore = told.some(({ points }, place) => {
    const point = live[place] ?? null
    const last = points.at(-1)
    return point !== null && (last === undefined || !isSame(point, last))
  })
  if (!tellsMore) return told
  return told.map(({ ticker, points }, place) => {
    const point = live[place] ?? null
    return { ticker, points: point === null ? points : [...points, point] }
  })
}

function isSame(one: RatePointAnswer, other: RatePointAnswer): boolean {
  return (
    one.borrow_rate === other.borrow_rate &&
    one.lender_rate === other.lender_rate &&
    one.volatility_index === other.volatility_index &&
    one.event_risk_factor === other.event_risk_factor &&
    one.availability.shares === other.availability.shares &&
    one.availability.at_least === other.availability.at_least
  )
}

/** What of a point is a guess, in words. */
export function guessesOf(point: RatePointAnswer): string[] {
  return [
    ...(point.lender_rate === null ? ['the lender gave no rate'] : []),
    ...(point.volatility_index === null ? ['no volatility was known, 20 stood in'] : []),
    ...(point.event_risk_factor === null ? ['no calendar was known, 0 stood in'] : []),
  ]
}
