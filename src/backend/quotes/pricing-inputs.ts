// Everything a price needs, looked up in one call: the terms in force, and what is observed about the name. Neither look-up
// waits for the other.
import type { EventWindow } from '../market-data/event-risk.ts'
import type { MarketData, MarketObservations, MarketSnapshot } from '../market-data/market-data.ts'
import type { Ticker } from '../pricing/units.ts'
import type { TermsInForce } from '../reference-data/terms-in-force.ts'
import { Problem } from '../server/problem.ts'
import type { FetchPricingInputs, PricingInputs } from './quote.ts'

/** null when there is no such broker; no promise when that is known at once. */
export type LookUpTerms = (clientId: string) => TermsInForce | null | Promise<TermsInForce | null>

/** @returns the function that quotes ask. It rejects with CLIENT_NOT_FOUND for a broker that is not there or not active, and as `observe` does. */
export function pricingInputs(lookUps: {
  readonly terms: LookUpTerms
  readonly observe: MarketData['observe']
}): FetchPricingInputs {
  const { terms, observe } = lookUps
  return ({ ticker, clientId, eventWindow, maxAgeSeconds, context }) => {
    const found = terms(clientId)
    let market: MarketObservations | Promise<MarketObservations>
    try {
      market = observe(ticker, eventWindow, { maxAgeSeconds, context })
    } catch (error) {
      // Nobody waits for the terms any more.
      if (found instanceof Promise) found.catch(() => {})
      throw error
    }
    if (!(found instanceof Promise) && !(market instanceof Promise)) return together(active(found, clientId), market)
    return Promise.all([found, market]).then(([found, market]) => together(active(found, clientId), market))
  }
}

function together({ broker, model }: TermsInForce, market: MarketObservations): PricingInputs {
  return { broker, model, market }
}

/** The terms of an active broker. An inactive one is not found either: who asks learns nothing about it. */
export async function activeTerms(terms: LookUpTerms, clientId: string): Promise<TermsInForce> {
  return active(await terms(clientId), clientId)
}

function active(found: TermsInForce | null, clientId: string): TermsInForce {
  if (found?.broker.active !== true) throw new Problem('CLIENT_NOT_FOUND', `Client not found: ${clientId}`)
  return found
}

/** Of many names at once; null: the name has no rate. What cannot be looked at is no answer. */
export function observed(market: MarketSnapshot, ticker: Ticker, window: EventWindow): MarketObservations | null {
  try {
    return market.observe(ticker, window)
  } catch (error) {
    if (error instanceof Problem && NO_RATE.has(error.code)) return null
    throw error
  }
}

const NO_RATE: ReadonlySet<string> = new Set(['TICKER_NOT_FOUND', 'EXTERNAL_API_UNAVAILABLE'])
