// The borrow rate: a lender's annual rate, made dearer by volatility and by events ahead, never below the stock's floor.
// docs/pricing.md, "Borrow rate", has the formula and the tables that the tests read.
import {
  atMost,
  compare,
  Decimal,
  decimal,
  isNegative,
  minus,
  ONE,
  plus,
  round,
  times,
  timesOver,
  trim,
  ZERO,
} from './decimal.ts'
import { asIndexPoints, asRate, type IndexPoints, type Rate } from './units.ts'

/** A named, versioned, immutable set of parameters of the one formula. The numbers are a desk's to calibrate. */
export interface PricingModel {
  /** Name with version, as quotes name it: `standard-v1`. */
  readonly model: string
  /** Share of the lender rate added per index point above the threshold; 0.01 adds 1 % of the rate a point. */
  readonly volatilityWeight: Decimal
  /** Index points that add nothing. */
  readonly volatilityThreshold: IndexPoints
  /** Share of the lender rate added at event risk 10; 0.05 adds 5 % of the rate. */
  readonly eventWeight: Decimal
  /** The multiplier never exceeds this; at least 1, so that no cap pulls a quote below the lender's own rate. */
  readonly maxMultiplier: Decimal
  /** Which volatility the weight was made for: the stock's own when the feed has it, else the index; or always the index. */
  readonly volatilitySource: 'stock-or-index' | 'index'
}

/** The default: the reading most sources of this system share. */
export const STANDARD_V1: PricingModel = {
  model: 'standard-v1',
  volatilityWeight: decimal('0.01'),
  volatilityThreshold: asIndexPoints(ZERO),
  eventWeight: decimal('0.05'),
  maxMultiplier: decimal(5),
  volatilitySource: 'stock-or-index',
}

/** "One per cent per point over 20; event risk 5 of 10 adds half the rate." */
export const DESK_V1: PricingModel = {
  model: 'desk-v1',
  volatilityWeight: decimal('0.01'),
  volatilityThreshold: asIndexPoints(decimal(20)),
  eventWeight: ONE,
  maxMultiplier: decimal(5),
  volatilitySource: 'index',
}

/** The floor of a stock that has none of its own: one basis point a year. */
export const DEFAULT_FLOOR_RATE: Rate = asRate(decimal('0.0001'))

/** What the market says when a rate is made. */
export interface MarketConditions {
  /** The feed's volatility for the stock itself, index points; null when it has none. */
  readonly stockVolatility: IndexPoints | null
  /** The volatility index, index points. */
  readonly volatilityIndex: IndexPoints
  /** The highest risk of the events ahead, an integer 0 to 10. */
  readonly eventRiskFactor: number
}

/** A borrow rate with its reasons. Every rate is a fraction a year, rounded half-up to 8 decimals. */
export interface BorrowRate {
  readonly lenderRate: Rate
  /** The volatility the model used, index points, and whose it is. */
  readonly volatility: IndexPoints
  readonly volatilityOf: 'stock' | 'index'
  readonly eventRiskFactor: number
  /** Of the lender rate, exact: with volatility, with events too, and after the cap. */
  readonly withVolatility: Decimal
  readonly withEvents: Decimal
  readonly multiplier: Decimal
  readonly capApplied: boolean
  readonly floorRate: Rate
  readonly floorApplied: boolean
  readonly afterCap: Rate
  /** The result: 8 decimals at the most, trailing zeros dropped. */
  readonly rate: Rate
}

/** Decimals of a published rate. */
export const RATE_SCALE = 8
/** The highest event risk factor. */
export const EVENT_RISK_MAX = 10

/** Event risk factors as shares of the highest: 0 to 1. */
const EVENT_SHARES = Array.from({ length: EVENT_RISK_MAX + 1 }, (_, factor) => new Decimal(factor, 1))

const toRateScale = { scale: RATE_SCALE, rounding: 'half-up' } as const

/** A rate rounded half-up to the 8 decimals that are published. */
export function publishedRate(rate: Decimal): Rate {
  return asRate(round(rate, toRateScale))
}

/** A rate x a multiplier, rounded as published: what a step of the waterfall leads to. */
export function publishedProduct(rate: Rate, multiplier: Decimal): Rate {
  return asRate(timesOver(rate, multiplier, ONE, toRateScale))
}

/**
 * max(lenderRate x min(1 + volatilityWeight x max(0, volatility - threshold) + eventWeight x eventRiskFactor / 10, maxMultiplier), floorRate),
 * rounded half-up to 8 decimals, once. Nothing before the end is rounded; the steps of the waterfall are rounded copies.
 * @param lenderRate fraction a year, >= 0
 * @param floorRate fraction a year, at most 8 decimals
 * @throws RangeError when an input is outside its range: a bug of the caller, whose edge has already refused it.
 */
export function borrowRate(
  lenderRate: Rate,
  market: MarketConditions,
  floorRate: Rate,
  model: PricingModel,
): BorrowRate {
  const { eventRiskFactor } = market
  if (isNegative(lenderRate)) throw new RangeError('a lender rate cannot be negative')
  if (!Number.isInteger(eventRiskFactor) || eventRiskFactor < 0 || eventRiskFactor > EVENT_RISK_MAX) {
    throw new RangeError('an event risk factor is an integer from 0 to 10')
  }
  const ofStock = model.volatilitySource === 'stock-or-index' && market.stockVolatility !== null
  const volatility = ofStock ? (market.stockVolatility as IndexPoints) : market.volatilityIndex

  const over = minus(volatility, model.volatilityThreshold)
  const excess = isNegative(over) ? ZERO : over
  const withVolatility = plus(ONE, times(model.volatilityWeight, excess))
  const withEvents = plus(withVolatility, times(model.eventWeight, EVENT_SHARES[eventRiskFactor] as Decimal))
  const multiplier = atMost(withEvents, model.maxMultiplier)

  const adjusted = times(lenderRate, multiplier)
  const floored = compare(adjusted, floorRate) < 0
  const afterCap = publishedRate(adjusted)
  return {
    lenderRate,
    volatility,
    volatilityOf: ofStock ? 'stock' : 'index',
    eventRiskFactor,
    withVolatility,
    withEvents,
    multiplier,
    capApplied: multiplier !== withEvents,
    floorRate,
    floorApplied: floored,
    afterCap,
    rate: asRate(trim(floored ? publishedRate(floorRate) : afterCap)),
  }
}
