// Pricing models: listed, and added; never edited. For an administrator's credential.
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import type { DraftModel } from './record-answers.ts'

/** A set of the rate formula's parameters, under a name that stands for it for ever. */
export type PricingModel = DraftModel & { readonly model: string }

export class PricingModels {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** All of them, by name. */
  async list(options: CallOptions = {}): Promise<readonly PricingModel[]> {
    const ask = { method: 'GET', path: pathOf`/pricing-models` } as const
    return (await this.#connection.call<{ items: readonly PricingModel[] }>(ask, options)).items
  }

  /** Adds a version. Rejects with CONFLICT when there is a model of this name. */
  add(model: PricingModel, options: CallOptions = {}): Promise<{ readonly status: 'success' } & PricingModel> {
    return this.#connection.call({ method: 'POST', path: pathOf`/pricing-models`, body: model }, options)
  }
}
