// Current rates: what a name costs to borrow now, under the pricing model of whoever asks. The same inputs as a quote, and no
// record: nothing is charged by looking.
import { type EventWindow, eventWindow } from '../market-data/event-risk.ts'
import type { NameOverTime } from '../market-data/many-histories.ts'
import type { MarketData, MarketObservations } from '../market-data/market-data.ts'
import type { AgeLimit } from '../market-data/observation.ts'
import type { HistoryRange } from '../market-data/rate-history.ts'
import type { StoredReads } from '../market-data/stored-reads.ts'
import { type BorrowRate, borrowRate, type PricingModel } from '../pricing/borrow-rate.ts'
import { asIndexPoints, type IndexPoints, type IsoDate, type Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { invalidParameters } from '../server/problem.ts'
import { activeTerms, type LookUpTerms, observed } from './pricing-inputs.ts'
import { degradedInputs, type FetchPricingInputs } from './quote.ts'
import { type BorrowRatePoint, borrowRatePoints, type RatePoint, ratePoints } from './rate-points.ts'

export interface CurrentRate {
  readonly market: MarketObservations
  readonly model: PricingModel
  readonly rate: BorrowRate
  readonly degraded: readonly string[]
}

/** Conditions that the caller chose instead of the observed ones; null keeps the observed. */
export interface ChosenConditions {
  readonly volatilityIndex: IndexPoints | null
  readonly eventRiskFactor: number | null
  /** Name of a pricing model; null keeps the broker's. */
  readonly model: string | null
}

/** What the conditions are called in a request. */
const CONDITION_NAMES = ['volatility_index', 'event_risk_factor', 'model']

export interface Rates {
  /**
   * The rate of one name for a broker. Rejects with TICKER_NOT_FOUND.
   * @param maxAgeSeconds what is kept may be so old, 0: nothing that is kept is wanted; null: as copies and feeds have it
   */
  current(ticker: Ticker, clientId: string, maxAgeSeconds: number | null, context: CallContext): Promise<CurrentRate>
  /** The rate under chosen conditions. Rejects with TICKER_NOT_FOUND, or INVALID_PARAMETER for a model that is not known. */
  custom(ticker: Ticker, clientId: string, conditions: ChosenConditions, context: CallContext): Promise<CurrentRate>
  /** The rate over time, a point for each interval. Rejects with TICKER_NOT_FOUND. */
  history(ask: HistoryAsk, context: CallContext): Promise<RateHistory>
  /** Borrow rates of many names over time. Names that have no rate are told apart. */
  histories(ask: HistoriesAsk, context: CallContext): Promise<RateHistories>
  /** A page of the names of one status, by ticker. */
  byStatus(
    status: BorrowStatus,
    clientId: string,
    page: { skip: number; limit: number },
    context: CallContext,
  ): Promise<{ total: number; items: CurrentRate[] }>
}

export interface HistoryAsk {
  readonly ticker: Ticker
  readonly clientId: string
  /** No more intervals than `POINTS_MAX`. */
  readonly range: HistoryRange
}

export interface HistoriesAsk {
  /** Each once. */
  readonly tickers: readonly Ticker[]
  readonly clientId: string
  readonly range: HistoryRange
}

export interface RateHistories {
  readonly model: PricingModel
  readonly series: readonly { readonly ticker: Ticker; readonly points: readonly BorrowRatePoint[] }[]
  readonly unknown: readonly Ticker[]
}

export interface RateHistory {
  readonly model: PricingModel
  readonly points: readonly RatePoint[]
}

export function rates(dependencies: {
  readonly fetchPricingInputs: FetchPricingInputs
  readonly listByStatus: (
    status: BorrowStatus,
    page: { skip: number; limit: number },
    eventWindow: EventWindow,
    context: CallContext,
  ) => Promise<{ total: number; items: MarketObservations[] }>
  readonly snapshot: MarketData['snapshot']
  readonly overTime: StoredReads['overTime']
  readonly namesOverTime: MarketData['namesOverTime']
  readonly volatilityLimit: AgeLimit
  readonly terms: LookUpTerms
  /** null when there is no such model. */
  readonly modelByName: (model: string) => PricingModel | null | Promise<PricingModel | null>
  readonly clock: () => Date
  readonly newYorkDate: (instant: Date) => IsoDate
}): Rates {
  const { fetchPricingInputs, listByStatus, snapshot, overTime, namesOverTime, volatilityLimit } = dependencies
  const { terms, modelByName, clock, newYorkDate } = dependencies
  // A rate has no stay, so events count for the shortest window.
  const knownModel = async (name: string) => {
    const model = await modelByName(name)
    if (model !== null) return model
    const message = 'model must name a pricing model of /config'
    throw invalidParameters([{ field: 'model', location: 'query', message }], CONDITION_NAMES)
  }
  const window = () => eventWindow(newYorkDate(clock()), null)
  return {
    async current(ticker, clientId, maxAgeSeconds, context) {
      const asked = { ticker, clientId, eventWindow: window(), maxAgeSeconds, context }
      const { market, model } = await fetchPricingInputs(asked)
      return rateOf(market, model)
    },
    async custom(ticker, clientId, conditions, context) {
      const chosen = conditions.model === null ? null : await knownModel(conditions.model)
      const inputs = await fetchPricingInputs({ ticker, clientId, eventWindow: window(), maxAgeSeconds: null, context })
      const { market } = inputs
      const model = chosen ?? inputs.model
      const rate = borrowRate(
        market.lenderRate.value,
        {
          stockVolatility: conditions.volatilityIndex === null ? (market.stockVolatility?.value ?? null) : null,
          volatilityIndex: asIndexPoints(conditions.volatilityIndex ?? market.volatilityIndex.value),
          eventRiskFactor: conditions.eventRiskFactor ?? market.eventRisk.value.factor,
        },
        market.floorRate,
        model,
      )
      // What the caller chose is not a guess of ours: only inputs that were looked up can be degraded.
      const observed = degradedInputs(market, rate.volatilityOf, null)
      const degraded = observed.filter(
        (name) =>
          !(name.startsWith('volatility_') && conditions.volatilityIndex !== null) &&
          !(name.startsWith('event_risk_') && conditions.eventRiskFactor !== null),
      )
      return { market, model, rate, degraded }
    },
    async history({ ticker, clientId, range }, context) {
      // The name as it is now says whether there is one, and has the floor: that a desk moved it is on the record, not here.
      const [{ market, model }, inputs] = await Promise.all([
        fetchPricingInputs({ ticker, clientId, eventWindow: window(), maxAgeSeconds: null, context }),
        overTime(ticker, range, context),
      ])
      return { model, points: ratePoints(inputs, range, model, market.floorRate, volatilityLimit) }
    },
    async histories({ tickers, clientId, range }, context) {
      const [{ model }, market, inputs] = await Promise.all([
        activeTerms(terms, clientId),
        // As they are kept: nobody asks a feed for the sake of a line.
        snapshot(tickers, clock(), context, { renewing: false }),
        inputsByName(namesOverTime(tickers, range, context)),
      ])
      const series: { ticker: Ticker; points: BorrowRatePoint[] }[] = []
      const unknown: Ticker[] = []
      for (const ticker of tickers) {
        const seen = observed(market, ticker, window())
        const past = inputs.get(ticker)
        if (seen === null) unknown.push(ticker)
        else {
          const points = past === undefined ? [] : borrowRatePoints(past, range, model, seen.floorRate, volatilityLimit)
          series.push({ ticker, points })
        }
      }
      return { model, series, unknown }
    },
    async byStatus(status, clientId, page, context) {
      const [{ model }, found] = await Promise.all([
        activeTerms(terms, clientId),
        listByStatus(status, page, window(), context),
      ])
      return { total: found.total, items: found.items.map((market) => rateOf(market, model)) }
    },
  }
}

async function inputsByName(
  pages: AsyncIterable<NameOverTime[]>,
): Promise<ReadonlyMap<Ticker, NameOverTime['inputs']>> {
  const byName = new Map<Ticker, NameOverTime['inputs']>()
  for await (const page of pages) for (const { ticker, inputs } of page) byName.set(ticker, inputs)
  return byName
}

/** The rate that a model makes of what is observed. */
export function rateOf(market: MarketObservations, model: PricingModel): CurrentRate {
  const rate = borrowRate(
    market.lenderRate.value,
    {
      stockVolatility: market.stockVolatility?.value ?? null,
      volatilityIndex: market.volatilityIndex.value,
      eventRiskFactor: market.eventRisk.value.factor,
    },
    market.floorRate,
    model,
  )
  return { market, model, rate, degraded: degradedInputs(market, rate.volatilityOf, null) }
}
