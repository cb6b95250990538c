// A broker together with the pricing model that its terms name: what a price needs of both, in one answer.
import type { Queryable } from '../database/connect.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { type Broker, readBroker } from './broker-terms.ts'
import { readPricingModel } from './pricing-models.ts'

export interface TermsInForce {
  readonly broker: Broker
  readonly model: PricingModel
}

/** @returns null when there is no such broker. Active or not is for the caller to judge. */
export async function readTermsInForce(database: Queryable, clientId: string): Promise<TermsInForce | null> {
  const broker = await readBroker(database, clientId)
  if (broker === null) return null
  const model = await readPricingModel(database, broker.pricingModel)
  // A foreign key sees to it that there is one; without it the row is damaged.
  if (model === null) throw new Error(`the terms of ${clientId} name a pricing model that is not there`)
  return { broker, model }
}
