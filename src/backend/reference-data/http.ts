// Reference data over the wire: the data service's side and its callers' side, from the same codecs.

import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { CallContext } from '../server/call-context.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve } from '../server/internal-server.ts'
import { lineOf, type Operation } from '../server/internal-wire.ts'
import { type Codec, list, nullable, structure, text } from '../server/wire-codec.ts'
import { BROKER, MODEL } from './broker-codec.ts'
import type { TermsInForce } from './terms-in-force.ts'

const TERMS_IN_FORCE: Operation<string, TermsInForce | null> = {
  name: 'terms-in-force',
  ask: lineOf(text(), 'client_id'),
  answer: lineOf(nullable(structure({ broker: BROKER, model: MODEL })), 'terms'),
  repeatable: true,
}

const PRICING_MODEL: Operation<string, PricingModel | null> = {
  name: 'pricing-model',
  ask: lineOf(text(), 'model'),
  answer: lineOf(nullable(MODEL), 'model'),
  repeatable: true,
}

const PRICING_MODELS: Operation<null, readonly PricingModel[]> = {
  name: 'pricing-models',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: lineOf(list(MODEL), 'models'),
  repeatable: true,
}

/** What callers need of reference data: the data service's own functions, or a wire to them. */
export interface ReferenceData {
  /** null when there is no such broker. */
  termsInForce(clientId: string, context: CallContext): Promise<TermsInForce | null>
  /** null when there is no such model. */
  pricingModel(model: string, context: CallContext): Promise<PricingModel | null>
  pricingModels(context: CallContext): Promise<readonly PricingModel[]>
}

export function serveReferenceData(data: ReferenceData): Served[] {
  return [
    serve(TERMS_IN_FORCE, (clientId, context) => data.termsInForce(clientId, context)),
    serve(PRICING_MODEL, (model, context) => data.pricingModel(model, context)),
    serve(PRICING_MODELS, (_nothing, context) => data.pricingModels(context)),
  ]
}

export function referenceDataClient(client: InternalClient): ReferenceData {
  const pricingModels = client.call(PRICING_MODELS)
  return {
    termsInForce: client.call(TERMS_IN_FORCE),
    pricingModel: client.call(PRICING_MODEL),
    pricingModels: (context) => pricingModels(null, context),
  }
}
