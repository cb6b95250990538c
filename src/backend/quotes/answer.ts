// Rates and comparisons as the contract's JSON; quote-text.ts has quotes. Decimals stay decimals: the writer puts their exact text on the wire. Amounts have
// two decimals, rates 8 at the most with trailing zeros dropped.
import type { MarketObservations } from '../market-data/market-data.ts'
import type { Observation } from '../market-data/observation.ts'
import type { BorrowRate } from '../pricing/borrow-rate.ts'
import { type Decimal, minus, round, trim } from '../pricing/decimal.ts'
import { rateWaterfall, type WaterfallStep } from '../pricing/waterfall.ts'
import type { PackComparison } from './compare-packs.ts'
import type { CurrentRate, RateHistories, RateHistory } from './rate.ts'
import type { Interval } from './rate-points.ts'

/**
 * The answer to "what is the rate of this ticker". When the volatility or the event risk is a stand-in its own field is null
 * and the default that was used stands in `data_sources`.
 */
export function rateAnswer({ market, rate, model, degraded }: CurrentRate): Record<string, unknown> {
  const volatility = volatilityUsed(market, rate)
  return {
    status: 'success',
    ticker: market.ticker,
    current_rate: rate.rate,
    borrow_status: market.borrowStatus,
    volatility_index: volatility.source === 'fallback' ? null : trim(volatility.value),
    event_risk_factor: market.eventRisk.source === 'fallback' ? null : market.eventRisk.value.factor,
    last_updated: lastUpdated(market),
    lender_rate: trim(market.lenderRate.value),
    availability: availability(market),
    rebate_rate: rebateRate(market, rate),
    floor_rate: trim(market.floorRate),
    pricing_model: model.model,
    data_sources: {
      base_rate: observation(market.lenderRate, trim),
      volatility: observation(volatility, trim),
      event_risk: eventRisk(market),
    },
    degraded,
  }
}

/** The answer to "what is this short under every pack". The breakdowns are beside each other; nothing of it is a quote. */
export function comparisonAnswer(comparison: PackComparison): Record<string, unknown> {
  const { request, inputs, closeUsed, compared, degraded } = comparison
  const { market, broker, model } = inputs
  const { borrowRate, loanDays } = comparison
  return {
    status: 'success',
    quote_type: 'indicative',
    ticker: request.ticker,
    client_id: request.clientId,
    priced_at: comparison.pricedAt,
    loan_days: loanDays,
    borrow_rate_used: borrowRate.rate,
    pricing_model: model.model,
    packs: compared.map(({ pack, terms, priced }) => ({
      convention_pack: pack.name,
      description: pack.description,
      charged_by: pack.source,
      in_force: pack.name === broker.terms.conventionPack,
      day_count: terms.dayCount,
      charged_value: round(priced.chargedValue, { scale: 2, rounding: 'half-up' }),
      mark: priced.mark === null ? null : wholeCents(priced.mark),
      charged_shares: priced.chargedShares,
      breakdown: {
        borrow_cost: priced.fee.borrowCost,
        markup: priced.fee.markup,
        transaction_fees: priced.fee.transactionFee,
      },
      total_fee: priced.fee.totalFee,
      cost_per_day: priced.fee.costPerDay,
    })),
    data_sources: {
      base_rate: observation(market.lenderRate, trim),
      volatility: observation(volatilityUsed(market, borrowRate), trim),
      event_risk: eventRisk(market),
      ...(closeUsed !== null && { price: observation(closeUsed, (last) => wholeCents(last.close)) }),
    },
    degraded,
  }
}

/** The rate over time. Members that are null rest on a stand-in, as in the answer to the current rate. */
export function historyAnswer(
  ticker: string,
  interval: Interval,
  { model, points }: RateHistory,
): Record<string, unknown> {
  return {
    status: 'success',
    ticker,
    interval,
    pricing_model: model.model,
    points: points.map((point) => ({
      time: point.time,
      borrow_rate: point.borrowRate,
      lender_rate: point.lenderRate && trim(point.lenderRate),
      volatility_index: point.volatility && trim(point.volatility),
      event_risk_factor: point.eventRiskFactor,
      availability: { shares: point.availability.shares, at_least: point.availability.atLeast },
    })),
  }
}

/** Borrow rates of many names over time. */
export function historiesAnswer(
  interval: Interval,
  { model, series, unknown }: RateHistories,
): Record<string, unknown> {
  return {
    status: 'success',
    interval,
    pricing_model: model.model,
    series: series.map(({ ticker, points }) => ({
      ticker,
      points: points.map(({ time, borrowRate }) => ({ time, borrow_rate: borrowRate })),
    })),
    unknown,
  }
}

/** A name in the list of all of them: its rate and what it was made of, without what is the same for every name. */
export function rateRow({ market, rate, degraded }: CurrentRate) {
  const volatility = volatilityUsed(market, rate)
  return {
    ticker: market.ticker,
    name: market.stockName,
    current_rate: rate.rate,
    borrow_status: market.borrowStatus,
    lender_rate: trim(market.lenderRate.value),
    lender_as_of: market.lenderRate.asOf,
    volatility_index: volatility.source === 'fallback' ? null : trim(volatility.value),
    event_risk_factor: market.eventRisk.source === 'fallback' ? null : market.eventRisk.value.factor,
    availability: availability(market),
    rebate_rate: rebateRate(market, rate),
    last_updated: lastUpdated(market),
    degraded,
  }
}

/** The answer to a rate under conditions that the caller chose: the rate and its steps. */
export function customRateAnswer({ market, rate, model, degraded }: CurrentRate): Record<string, unknown> {
  return {
    status: 'success',
    ticker: market.ticker,
    current_rate: rate.rate,
    lender_rate: trim(market.lenderRate.value),
    volatility_index: trim(rate.volatility),
    event_risk_factor: rate.eventRiskFactor,
    floor_rate: trim(market.floorRate),
    pricing_model: model.model,
    data_sources: { base_rate: observation(market.lenderRate, trim) },
    degraded,
    waterfall: rateWaterfall(rate, model).map(step),
  }
}

export function step(from: WaterfallStep): Record<string, unknown> {
  return {
    step: from.step,
    description: from.description,
    unit: from.unit,
    before: from.before,
    after: from.after,
    delta: from.delta,
    ...(from.deltaBp !== null && { delta_bp: from.deltaBp }),
  }
}

/** `{value, source, provider, as_of, age_seconds}`, and for a stand-in the reason why there was nothing better. */
export function observation<T>(from: Observation<T>, value: (of: T) => unknown): Record<string, unknown> {
  return {
    value: value(from.value),
    source: from.source,
    provider: from.provider,
    as_of: from.asOf,
    age_seconds: from.ageSeconds,
    ...(from.fallbackReason !== null && { fallback_reason: from.fallbackReason }),
  }
}

/** The factor, and the events in the window that it is the highest of. */
export function eventRisk(market: MarketObservations): Record<string, unknown> {
  const { events } = market.eventRisk.value
  return {
    ...observation(market.eventRisk, (risk) => risk.factor),
    events: events.map((event) => ({
      type: event.type,
      date: event.date,
      risk_factor: event.riskFactor,
      ...(event.assumed && { assumed: true }),
    })),
  }
}

export function volatilityUsed(market: MarketObservations, rate: BorrowRate): MarketObservations['volatilityIndex'] {
  return rate.volatilityOf === 'stock' && market.stockVolatility !== null
    ? market.stockVolatility
    : market.volatilityIndex
}

function rebateRate(market: MarketObservations, rate: BorrowRate): Decimal | null {
  return market.benchmarkRate === null ? null : trim(minus(market.benchmarkRate, rate.rate))
}

export function availability(market: MarketObservations): { shares: number | null; at_least: boolean } {
  const known = market.availability?.value
  return { shares: known?.shares ?? null, at_least: known?.atLeast ?? false }
}

/** Whether the lender has the shares: unknown when the number is unknown, or is a cap that lies below the quantity. */
export function sufficient(market: MarketObservations, quantity: number): boolean | null {
  const known = market.availability?.value
  if (known === undefined || known.shares === null) return null
  if (known.shares >= quantity) return true
  return known.atLeast ? null : false
}

/** The youngest of the moments that the inputs are from. */
function lastUpdated(market: MarketObservations): Date | null {
  const moments = [market.lenderRate, market.stockVolatility, market.volatilityIndex, market.eventRisk]
    .map((input) => input?.asOf ?? null)
    .filter((moment) => moment !== null)
  return moments.reduce<Date | null>((youngest, moment) => (youngest && youngest > moment ? youngest : moment), null)
}

/** USD a share: two decimals, and more when there are more. */
export function wholeCents(price: Decimal): Decimal {
  const exact = trim(price)
  return exact.scale < 2 ? round(exact, { scale: 2, rounding: 'half-up' }) : exact
}
