// What names cost to borrow at the last close: what a screen compares today's rates with. It is the history's answer for that moment, of
// all names at once, and holds all day: made once a day and model, when it is first wanted, and kept.
import { LRUCache } from 'lru-cache'
import type { MarketData } from '../market-data/market-data.ts'
import { newYorkDate, stockClose } from '../market-data/new-york-time.ts'
import type { AgeLimit } from '../market-data/observation.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { atLeast, ZERO } from '../pricing/decimal.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import { isTradingDay, type SettlementCalendar } from '../pricing/settlement-calendar.ts'
import { asRate, type Rate, type Ticker } from '../pricing/units.ts'
import type { CallContext } from '../server/call-context.ts'
import { borrowRatePoints } from './rate-points.ts'

export interface PreviousClose {
  readonly at: Date
  /** A fraction a year, under the model and the floor that the name has now; null: none is known. */
  rateOf(name: { readonly ticker: Ticker; readonly floorRate: Rate }): Rate | null
}

/** Where the past cannot be read now no rate of it is known; it is tried again when it is next wanted. */
export type PreviousCloses = (model: PricingModel, context: CallContext) => Promise<PreviousClose>

interface Kept {
  readonly at: Date
  /** Before floors, which may change within the day. */
  readonly rates: Promise<ReadonlyMap<Ticker, Rate>>
}

/** Some two megabytes each. */
const MODELS_KEPT_MAX = 16
const NO_FLOOR: Rate = asRate(ZERO)
const NOTHING: ReadonlyMap<Ticker, Rate> = new Map()
const MINUTE_SECONDS = 60

export function previousCloses(dependencies: {
  readonly namesOverTime: MarketData['namesOverTime']
  readonly volatilityLimit: AgeLimit
  readonly calendar: SettlementCalendar
  readonly clock: () => Date
  readonly onFailure: (error: unknown) => void
}): PreviousCloses {
  const { namesOverTime, volatilityLimit, calendar, clock, onFailure } = dependencies
  const kept = new LRUCache<string, Kept>({ max: MODELS_KEPT_MAX })

  async function ratesAt(at: Date, model: PricingModel, context: CallContext): Promise<Map<Ticker, Rate>> {
    // The minute before it has one point, which stands at its end.
    const range = { from: new Date(at.getTime() - MINUTE_SECONDS * 1000), to: at, intervalSeconds: MINUTE_SECONDS }
    const rates = new Map<Ticker, Rate>()
    for await (const page of namesOverTime(null, range, context)) {
      for (const { ticker, inputs } of page) {
        const point = borrowRatePoints(inputs, range, model, NO_FLOOR, volatilityLimit)[0]
        if (point !== undefined) rates.set(ticker, point.borrowRate)
      }
    }
    return rates
  }

  return async (model, context) => {
    const at = closeBefore(clock(), calendar)
    let there = kept.get(model.model)
    if (there?.at.getTime() !== at.getTime()) {
      const made = { at, rates: ratesAt(at, model, context) }
      made.rates.catch((error: unknown) => {
        if (kept.get(model.model) === made) kept.delete(model.model)
        onFailure(error)
      })
      kept.set(model.model, made)
      there = made
    }
    const rates = await there.rates.catch(() => NOTHING)
    return {
      at,
      rateOf({ ticker, floorRate }) {
        const rate = rates.get(ticker)
        return rate === undefined ? null : atLeast(rate, floorRate)
      },
    }
  }
}

/** The close of the last trading day before the day that a moment lies in, in New York. */
export function closeBefore(now: Date, calendar: SettlementCalendar): Date {
  let day = dayNumber(newYorkDate(now)) - 1
  while (!isTradingDay(dateOfDay(day), calendar)) day -= 1
  return stockClose(dateOfDay(day))
}
