// Rates of the past, computed from what was kept of their inputs. Pure: changes over time, a range and a pricing model in; points out.
//
// A point stands at the end of its interval and has what was in force then. The lender's word holds until its next one, an event as
// long as a feed had it, a volatility until its limit. Before the lender's first rate there is nothing, and there are no points.
import { type EventRisk, eventRisk, eventWindow } from '../market-data/event-risk.ts'
import { VOLATILITY_STAND_IN } from '../market-data/fallback.ts'
import { newYorkDate, newYorkInstant } from '../market-data/new-york-time.ts'
import { type AgeLimit, type Availability, VOLATILITY_CONFIRMED_SECONDS } from '../market-data/observation.ts'
import type {
  HistoryRange,
  InputsOverTime,
  LenderWord,
  RateInputsOverTime,
  RecordedVolatility,
} from '../market-data/rate-history.ts'
import { borrowRate, type PricingModel } from '../pricing/borrow-rate.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import type { IndexPoints, Rate } from '../pricing/units.ts'

export const INTERVALS = ['1m', '5m', '15m', '1h', '1d'] as const
export type Interval = (typeof INTERVALS)[number]

export const INTERVAL_SECONDS: Readonly<Record<Interval, number>> = {
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3600,
  '1d': 86_400,
}

/** Points of one answer: a year by hours, a week by minutes. */
export const POINTS_MAX = 10_080
/** Names of one answer about many, and their points together: three weeks by hours of all of them. */
export const HISTORIES_TICKERS_MAX = 100
export const HISTORIES_POINTS_MAX = 50_400

export interface BorrowRatePoint {
  readonly time: Date
  /** A fraction a year, under the model. */
  readonly borrowRate: Rate
}

export interface RatePoint extends BorrowRatePoint {
  /** null: the lender gave none then; the borrow rate rests on the last one it gave. */
  readonly lenderRate: Rate | null
  /** What the model took; null: none was known, and the stand-in was used. */
  readonly volatility: IndexPoints | null
  /** 0 to 10; null: no calendar was known, and 0 was used. */
  readonly eventRiskFactor: number | null
  readonly availability: Availability
}

/** How many points a range has: one for each interval that it touches. */
export function countPoints({ from, to, intervalSeconds }: HistoryRange): number {
  const intervalMs = intervalSeconds * 1000
  return Math.max(0, Math.ceil(to.getTime() / intervalMs) - Math.floor(from.getTime() / intervalMs))
}

/** The shortest interval in which a range has no more points than this; null: not even days are long enough. */
export function fittingInterval(
  range: { readonly from: Date; readonly to: Date },
  pointsMax = POINTS_MAX,
): Interval | null {
  return (
    INTERVALS.find((interval) => countPoints({ ...range, intervalSeconds: INTERVAL_SECONDS[interval] }) <= pointsMax) ??
    null
  )
}

/**
 * The points of a range, oldest first. The last interval may not be over at its end: its point is then at the end of the range.
 * @param volatilityLimit for how long a volatility that is not renewed counts
 * @param floorRate a fraction a year
 */
export function ratePoints(
  inputs: RateInputsOverTime,
  range: HistoryRange,
  model: PricingModel,
  floorRate: Rate,
  volatilityLimit: AgeLimit,
): RatePoint[] {
  return Array.from(
    pointsOf(inputs, range, model, floorRate, volatilityLimit),
    ({ time, borrowRate, word, ownVolatility, volatilityIndex, eventRiskFactor }) => ({
      time,
      borrowRate,
      lenderRate: word.rate,
      volatility:
        model.volatilitySource === 'stock-or-index' && ownVolatility !== null ? ownVolatility : volatilityIndex,
      eventRiskFactor,
      availability: word.availability,
    }),
  )
}

/** The same without what the rates were made of. */
export function borrowRatePoints(
  inputs: InputsOverTime<LenderWord>,
  range: HistoryRange,
  model: PricingModel,
  floorRate: Rate,
  volatilityLimit: AgeLimit,
): BorrowRatePoint[] {
  return Array.from(pointsOf(inputs, range, model, floorRate, volatilityLimit), ({ time, borrowRate }) => ({
    time,
    borrowRate,
  }))
}

interface Point<Word> extends BorrowRatePoint {
  readonly word: Word
  readonly ownVolatility: IndexPoints | null
  readonly volatilityIndex: IndexPoints | null
  readonly eventRiskFactor: number | null
}

function* pointsOf<Word extends LenderWord>(
  inputs: InputsOverTime<Word>,
  range: HistoryRange,
  model: PricingModel,
  floorRate: Rate,
  volatilityLimit: AgeLimit,
): Generator<Point<Word>> {
  const intervalMs = range.intervalSeconds * 1000
  const count = countPoints(range)
  const firstEnd = (Math.floor(range.from.getTime() / intervalMs) + 1) * intervalMs
  const lender = inForce(inputs.lender)
  const index = inForce(inputs.volatilityIndex)
  const own = inForce(inputs.stockVolatility)
  const events = eventsInForce(inputs)
  // As long as it was kept at least once a day, its age says whether the feed was there.
  const countsMs = (volatilityLimit.staleSeconds + VOLATILITY_CONFIRMED_SECONDS) * 1000
  const usable = (of: RecordedVolatility | null, atMs: number) =>
    of === null || (!of.demo && atMs - of.asOf.getTime() > countsMs) ? null : of.value

  let lastMade = ''
  let lastRate: Rate | null = null
  for (let place = 0; place < count; place += 1) {
    const atMs = Math.min(firstEnd + place * intervalMs, range.to.getTime())
    const word = lender.at(atMs)
    if (word === null || word.lastRate === null) continue
    const ownVolatility = usable(own.at(atMs), atMs)
    const volatilityIndex = usable(index.at(atMs), atMs)
    const eventRiskFactor = events.factorAt(atMs)
    const conditions = {
      stockVolatility: ownVolatility,
      volatilityIndex: volatilityIndex ?? VOLATILITY_STAND_IN,
      eventRiskFactor: eventRiskFactor ?? 0,
    }
    // Most points are as the one before: a rate is made once for all of them.
    const made = `${word.lastRate} ${ownVolatility} ${volatilityIndex} ${eventRiskFactor}`
    const rate: Rate =
      lastRate !== null && made === lastMade ? lastRate : borrowRate(word.lastRate, conditions, floorRate, model).rate
    yield { time: new Date(atMs), borrowRate: rate, word, ownVolatility, volatilityIndex, eventRiskFactor }
    lastMade = made
    lastRate = rate
  }
}

/** Follows changes, oldest first, through moments that come in order. */
function inForce<Change extends { readonly asOf: Date }>(changes: readonly Change[]) {
  let next = 0
  return {
    /** The latest change at this moment; null before the first. */
    at(ms: number): Change | null {
      while (next < changes.length && (changes[next] as Change).asOf.getTime() <= ms) next += 1
      return changes[next - 1] ?? null
    },
  }
}

/** Follows the risk of the events through moments that come in order: it changes with what is known, and with New York's date. */
function eventsInForce({ events, calendarSince }: InputsOverTime<LenderWord>) {
  const turns = [
    ...new Set(events.flatMap(({ knownFrom, knownTo }) => [knownFrom.getTime(), knownTo?.getTime() ?? 0])),
  ].sort((one, other) => one - other)
  let risk: EventRisk = { factor: 0, events: [] }
  let holdsUntilMs = Number.NEGATIVE_INFINITY
  return {
    factorAt(ms: number): number | null {
      if (calendarSince === null || ms < calendarSince.getTime()) return null
      if (ms >= holdsUntilMs) {
        const today = newYorkDate(new Date(ms))
        const known = events.filter(
          ({ knownFrom, knownTo }) => knownFrom.getTime() <= ms && (knownTo === null || ms < knownTo.getTime()),
        )
        risk = eventRisk(known, eventWindow(today, null))
        const midnight = newYorkInstant(dateOfDay(dayNumber(today) + 1), '00:00:00').getTime()
        holdsUntilMs = Math.min(midnight, turns.find((turn) => turn > ms) ?? midnight)
      }
      return risk.factor
    },
  }
}
