// The typed client of the engine, over the platform's fetch, without dependencies: it runs in Node and in a browser.
// Amounts and rates are exact decimal text in both directions. What is safe to repeat is repeated. Each domain has a file of its own.
import type { ConfigAnswer } from './answers.ts'
import { type CallOptions, Connection, type ConnectionOptions, type Credential, pathOf } from './connection.ts'
import { LegalHolds } from './legal-holds.ts'
import { Quotes } from './quotes.ts'
import { Rates } from './rates.ts'
import type { WhatIfRequest, WhatIfStepAnswer } from './record-answers.ts'
import { Records, rangeQuery } from './records.ts'

export interface BorrowRateClientOptions extends ConnectionOptions {
  readonly apiKey: string
}

export class BorrowRateClient {
  /** The price of a short. */
  readonly quotes: Quotes
  /** Borrow rates as they stand. */
  readonly rates: Rates
  /** The records of prices and of changes. */
  readonly records: Records
  /** Records that are kept beyond their years. */
  readonly legalHolds: LegalHolds
  readonly #connection: Connection

  constructor({ apiKey, ...options }: BorrowRateClientOptions) {
    const key: Credential = { headers: async () => ({ 'x-api-key': apiKey }), renewed: async () => false }
    const connection = new Connection(options, key)
    this.#connection = connection
    this.quotes = new Quotes(connection)
    this.rates = new Rates(connection)
    this.records = new Records(connection)
    this.legalHolds = new LegalHolds(connection)
  }

  /** What this engine supports: version, features, limits, models, packs. */
  config(options: CallOptions = {}): Promise<ConfigAnswer> {
    return this.#connection.call({ method: 'GET', path: pathOf`/config` }, options)
  }

  /** A past range under a draft model or draft terms. The last step is the result. Nothing is recorded. */
  whatIf(request: WhatIfRequest, options: CallOptions = {}): AsyncIterable<WhatIfStepAnswer> {
    const body = {
      ...rangeQuery(request),
      client_id: request.clientId,
      // Drafts go as they are: their amounts may be exact text.
      model: request.model,
      terms: request.terms,
      clients_max: request.clientsMax,
    }
    return this.#connection.steps({ method: 'POST', path: pathOf`/what-if`, body, repeatable: 'always' }, options)
  }
}
