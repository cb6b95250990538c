// The typed client of the engine, over the platform's fetch, without dependencies: it runs in Node and in a browser.
// Amounts and rates are exact decimal text in both directions. What is safe to repeat is repeated. Each domain has a file of its own.
import type { ConfigAnswer } from './answers.ts'
import { ApiKeys } from './api-keys.ts'
import { Approvals } from './approvals.ts'
import { Batches } from './batches.ts'
import { Brokers } from './brokers.ts'
import { type CallOptions, Connection, type ConnectionOptions, NO_CREDENTIAL, pathOf } from './connection.ts'
import { LegalHolds } from './legal-holds.ts'
import { Operations } from './operations.ts'
import { PricingModels } from './pricing-models.ts'
import { Quotes } from './quotes.ts'
import { Rates } from './rates.ts'
import type { WhatIfRequest, WhatIfStepAnswer } from './record-answers.ts'
import { Records, rangeQuery } from './records.ts'
import { Session } from './session.ts'
import { Stocks } from './stocks.ts'
import { Webhooks } from './webhooks.ts'

/** Who asks: a key, or an access token from elsewhere. Without either `session` signs in, or goes on with the browser's cookie. */
export interface BorrowRateClientOptions extends ConnectionOptions {
  readonly apiKey?: string | undefined
  readonly accessToken?: string | undefined
}

export class BorrowRateClient {
  /** The price of a short. */
  readonly quotes: Quotes
  /** Many shorts in one request. */
  readonly batches: Batches
  /** Borrow rates as they stand. */
  readonly rates: Rates
  /** The records of prices and of changes. */
  readonly records: Records
  /** Records that are kept beyond their years. */
  readonly legalHolds: LegalHolds
  /** Brokers and their terms. */
  readonly brokers: Brokers
  /** What the desk keeps about stocks. */
  readonly stocks: Stocks
  readonly pricingModels: PricingModels
  /** Changes that wait for a second person. */
  readonly approvals: Approvals
  /** Keys of the API: made, listed, rotated, revoked. */
  readonly apiKeys: ApiKeys
  /** Addresses that are told of events. */
  readonly webhooks: Webhooks
  /** How the services are. */
  readonly operations: Operations
  /** Signing in with a key, and out. */
  readonly session: Session
  readonly #connection: Connection

  constructor({ apiKey, accessToken, ...options }: BorrowRateClientOptions) {
    this.session = new Session(new Connection(options, NO_CREDENTIAL), { apiKey, accessToken })
    const connection = new Connection(options, this.session)
    this.#connection = connection
    this.quotes = new Quotes(connection)
    this.batches = new Batches(connection)
    this.rates = new Rates(connection)
    this.records = new Records(connection)
    this.legalHolds = new LegalHolds(connection)
    this.brokers = new Brokers(connection)
    this.stocks = new Stocks(connection)
    this.pricingModels = new PricingModels(connection)
    this.approvals = new Approvals(connection)
    this.apiKeys = new ApiKeys(connection)
    this.webhooks = new Webhooks(connection)
    this.operations = new Operations(connection)
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
