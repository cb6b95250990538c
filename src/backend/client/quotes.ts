// The price of a short.
import type { ComparisonAnswer, QuoteAnswer } from './answers.ts'
import { type CallOptions, type Connection, type PricingOptions, pathOf } from './connection.ts'
import type { Usd, UsdPerShare } from './units.ts'

/** What to price: a position by value or by shares, held for a number of days or between two trade dates. */
export interface QuoteRequest {
  readonly ticker: string
  readonly clientId: string
  readonly positionValue?: Usd
  readonly quantity?: number
  /** Without one the last known close is used. */
  readonly price?: UsdPerShare
  readonly loanDays?: number
  /** Trade dates in New York, YYYY-MM-DD. */
  readonly startDate?: string
  readonly endDate?: string
}

export class Quotes {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The price of one short, recorded by the engine before it answers. */
  price(request: QuoteRequest, options: PricingOptions = {}): Promise<QuoteAnswer> {
    const path = pathOf`/calculate-locate`
    return this.#connection.call(
      { method: 'POST', path, body: quoteBody(request), ...this.#connection.pricing(options) },
      options,
    )
  }

  /** The same short under every convention pack, with who charges so. Without a client, under the terms of the credential's broker. */
  compare(request: Comparison, options: CallOptions = {}): Promise<ComparisonAnswer> {
    const path = pathOf`/convention-packs/compare`
    return this.#connection.call({ method: 'POST', path, body: quoteBody(request), repeatable: 'always' }, options)
  }
}

/** A short to be compared. */
export type Comparison = Omit<QuoteRequest, 'clientId'> & { readonly clientId?: string }

/** The request under the names of the contract. */
export function quoteBody(request: Partial<QuoteRequest>): object {
  return {
    ticker: request.ticker,
    client_id: request.clientId,
    position_value: request.positionValue,
    quantity: request.quantity,
    price: request.price,
    loan_days: request.loanDays,
    start_date: request.startDate,
    end_date: request.endDate,
  }
}
