// Everything a price needs, looked up in one call: the terms in force, and what is observed about the name. Neither look-up
// waits for the other.
import type { EventWindow } from '../market-data/event-risk.ts'
import type { MarketData, MarketObservations, MarketSnapshot } from '../market-data/market-data.ts'
import type { Ticker } from '../pricing/units.ts'
import type { TermsInForce } from '../reference-data/terms-in-force.ts'
import { Problem } from '../server/problem.ts'
import type { FetchPricingInputs } from './quote.ts'

/** null when there is no such broker. */
export type LookUpTerms = (clientId: string) => Promise<TermsInForce | null>

/** @returns the function that quotes ask. It rejects with CLIENT_NOT_FOUND for a broker that is not there or not active, and as `observe` does. */
export function pricingInputs(lookUps: {
  readonly terms: LookUpTerms
  readonly observe: MarketData['observe']
}): FetchPricingInputs {
  const { terms, observe } = lookUps
  return async ({ ticker, clientId, eventWindow, maxAgeSeconds, context }) => {
    const [{ broker, model }, market] = await Promise.all([
      activeTerms(terms, clientId),
      observe(ticker, eventWindow, { maxAgeSeconds, context }),
    ])
    return { broker, model, market }
  }
}

/** The terms of an active broker. An inactive one is not found either: who asks learns nothing about it. */
export async function activeTerms(terms: LookUpTerms, clientId: string): Promise<TermsInForce> {
  const found = await terms(clientId)
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
