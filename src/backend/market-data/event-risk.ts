// What an event ahead is worth: a risk factor from 0 to 10. The feed's own factor counts, else the table by type, else 5,
// which is a guess and is marked as one. Of several events in the window the highest counts.
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import type { IsoDate } from '../pricing/units.ts'

/** An event as a feed gave it. `riskFactor` is null when the feed named none. */
export interface MarketEvent {
  readonly type: string
  readonly date: IsoDate
  readonly riskFactor: number | null
}

/** An event with the factor it counts with, 0 to 10. `assumed`: neither the feed nor the table knew it. */
export interface RatedEvent {
  readonly type: string
  readonly date: IsoDate
  readonly riskFactor: number
  readonly assumed: boolean
}

export interface EventRisk {
  /** The highest factor of the events in the window, 0 to 10; 0 when there are none. */
  readonly factor: number
  /** The events in the window, by date. */
  readonly events: readonly RatedEvent[]
}

/** The dates, both included, whose events count. */
export interface EventWindow {
  readonly from: IsoDate
  readonly to: IsoDate
}

const RISK_FACTOR_MAX = 10
const ASSUMED_RISK_FACTOR = 5
const WINDOW_DAYS_MIN = 14
const WINDOW_DAYS_MAX = 90

/** The factor of a type for which the feed gives none. */
export const DEFAULT_RISK_FACTORS: ReadonlyMap<string, number> = new Map([
  ['earnings', 7],
  ['dividend', 4],
  ['split', 6],
  ['merger', 9],
  ['acquisition', 8],
  ['product', 5],
  ['regulatory', 8],
  ['investor_day', 4],
  ['conference', 2],
])

/** @returns a feed's factor brought into 0 to 10: above clamps; null when it is negative or no whole number, which refuses the feed's answer. */
export function acceptRiskFactor(factor: number): number | null {
  if (!Number.isInteger(factor) || factor < 0) return null
  return Math.min(factor, RISK_FACTOR_MAX)
}

/** The window of a quote: from its New York date to the later of 14 days ahead and the end of the stay, at most 90 days ahead. */
export function eventWindow(quoteDate: IsoDate, stayEnd: IsoDate | null): EventWindow {
  const from = dayNumber(quoteDate)
  const end = stayEnd === null ? from : dayNumber(stayEnd)
  const to = Math.min(Math.max(from + WINDOW_DAYS_MIN, end), from + WINDOW_DAYS_MAX)
  return { from: quoteDate, to: dateOfDay(to) }
}

/** The risk of the events in the window. */
export function eventRisk(events: readonly MarketEvent[], window: EventWindow): EventRisk {
  const rated = events
    .filter((event) => event.date >= window.from && event.date <= window.to)
    .sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
    .map(rate)
  return { factor: rated.reduce((highest, event) => Math.max(highest, event.riskFactor), 0), events: rated }
}

function rate(event: MarketEvent): RatedEvent {
  const factor = event.riskFactor ?? DEFAULT_RISK_FACTORS.get(event.type) ?? null
  return {
    type: event.type,
    date: event.date,
    riskFactor: Math.min(factor ?? ASSUMED_RISK_FACTOR, RISK_FACTOR_MAX),
    assumed: factor === null,
  }
}
