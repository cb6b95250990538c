// Rates for whoever watches them: of many names at once under one model, as what is compared to see whether a rate moved, and as
// finished JSON for the event that says so. Nobody is charged for being watched, and there is no record.
import { eventWindow } from '../market-data/event-risk.ts'
import type { MarketData } from '../market-data/market-data.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { IsoDate, Ticker } from '../pricing/units.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { rateRow } from './answer.ts'
import { activeTerms, type LookUpTerms, observed } from './pricing-inputs.ts'
import { rateOf } from './rate.ts'

/** A name's rate, as text of JSON. Two looks in which `rate` and `facts` are the same text saw no move. */
export interface WatchedRate {
  readonly ticker: Ticker
  /** A fraction a year. */
  readonly rate: string
  /** The other members of the name's row in the list of rates, without braces, but for its name, its moments and its last close. */
  readonly facts: string
  /** When the lender's rate was true. That a rate was seen again, and is what it was, is no move. */
  readonly lenderAsOf: Date | null
  readonly lastUpdated: Date | null
}

export interface WatchedRatesAsk {
  readonly model: string
  /** {@link WATCHED_AT_ONCE_MAX} at most. */
  readonly tickers: readonly Ticker[]
  /** Whoever has heard of a change asks for what was read since, ms; null: as old as for any question. */
  readonly heldMsMax: number | null
  /** Whether the feeds are asked about what has aged, as for a price. Not for the thousands of names that nobody named. */
  readonly renewing: boolean
}

/** Names of one ask: a piece of work that no other waits long behind. */
export const WATCHED_AT_ONCE_MAX = 250

/** Rejects when the names cannot be looked at now. */
export interface RateNews {
  /** Those of the names that have a rate; the others are left out. Rejects with NOT_FOUND for a model that is not known. */
  rates(ask: WatchedRatesAsk, context: CallContext): Promise<readonly WatchedRate[]>
  /** The pricing model of a broker. Rejects with CLIENT_NOT_FOUND for one that is not there or not active. */
  modelOf(clientId: string, context: CallContext): Promise<string>
  /** Some hundreds of names by ticker, after the given one or from the first; none: those were all. */
  tickersAfter(after: Ticker | null, context: CallContext): Promise<readonly Ticker[]>
}

export function rateNews(dependencies: {
  readonly snapshot: MarketData['snapshot']
  readonly tickersAfter: RateNews['tickersAfter']
  readonly terms: LookUpTerms
  /** null when there is no such model. */
  readonly modelByName: (model: string) => PricingModel | null | Promise<PricingModel | null>
  readonly clock: () => Date
  readonly newYorkDate: (instant: Date) => IsoDate
}): RateNews {
  const { snapshot, tickersAfter, terms, modelByName, clock, newYorkDate } = dependencies
  return {
    tickersAfter,
    modelOf: async (clientId) => (await activeTerms(terms, clientId)).model.model,
    async rates({ model: name, tickers, heldMsMax, renewing }, context) {
      const model = await modelByName(name)
      if (model === null) throw new Problem('NOT_FOUND', 'There is no such pricing model')
      const at = clock()
      const window = eventWindow(newYorkDate(at), null)
      const market = await snapshot(tickers, at, context, { renewing, ...(heldMsMax !== null && { heldMsMax }) })
      return tickers.flatMap((ticker) => {
        const seen = observed(market, ticker, window)
        return seen === null ? [] : [watchedRate(rateRow(rateOf(seen, model)))]
      })
    },
  }
}

/** The names of inputs and statuses are plain words, which JSON takes as they are. */
function watchedRate(row: ReturnType<typeof rateRow>): WatchedRate {
  const { shares, at_least: atLeast } = row.availability
  const degraded = row.degraded.map((name) => `"${name}"`).join(',')
  return {
    ticker: row.ticker,
    rate: row.current_rate.toString(),
    facts:
      `"borrow_status":"${row.borrow_status}","lender_rate":${row.lender_rate},"volatility_index":${row.volatility_index},` +
      `"event_risk_factor":${row.event_risk_factor},"availability":{"shares":${shares},"at_least":${atLeast}},` +
      `"rebate_rate":${row.rebate_rate},"degraded":[${degraded}]`,
    lenderAsOf: row.lender_as_of,
    lastUpdated: row.last_updated,
  }
}
