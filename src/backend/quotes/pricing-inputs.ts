// Everything a price needs, looked up in one call: the broker's terms, the pricing model they name, what is observed about
// the name. The three look-ups do not wait for each other, except the model for the terms.
import type { MarketData } from '../market-data/market-data.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Broker } from '../reference-data/broker-terms.ts'
import { Problem } from '../server/problem.ts'
import type { FetchPricingInputs } from './quote.ts'

export interface ReferenceLookups {
  /** null when there is no such broker. */
  readonly broker: (clientId: string) => Promise<Broker | null>
  /** null when there is no such model. */
  readonly pricingModel: (model: string) => Promise<PricingModel | null>
}

/** @returns the function that quotes ask. It rejects with CLIENT_NOT_FOUND for a broker that is not there or not active, and as `observe` does. */
export function pricingInputs(
  lookups: ReferenceLookups & { readonly observe: MarketData['observe'] },
): FetchPricingInputs {
  return async ({ ticker, clientId, eventWindow, fresh }) => {
    const terms = brokerAndModel(lookups, clientId)
    const market = lookups.observe(ticker, eventWindow, { fresh })
    const [{ broker, model }, observations] = await Promise.all([terms, market])
    return { broker, model, market: observations }
  }
}

/** An active broker with the model of its terms. */
export async function brokerAndModel(
  lookups: ReferenceLookups,
  clientId: string,
): Promise<{ broker: Broker; model: PricingModel }> {
  const broker = await lookups.broker(clientId)
  // An inactive broker is not found either: who asks learns nothing about it.
  if (broker?.active !== true) throw new Problem('CLIENT_NOT_FOUND', `Client not found: ${clientId}`)
  const model = await lookups.pricingModel(broker.pricingModel)
  if (model === null) throw new Error(`the terms of ${clientId} name a pricing model that is not there`)
  return { broker, model }
}
