// Legal holds: records that are kept beyond their years. For an auditor's or an admin's credential.
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import type { LegalHoldAnswer, LegalHoldsAnswer, NewLegalHold } from './record-answers.ts'
import { rangeQuery } from './records.ts'

type OneHold = { readonly status: 'success' } & LegalHoldAnswer

export class LegalHolds {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The newest first; without `inForce` the released ones too. `limit` 1 to 100. */
  list(
    page: { readonly inForce?: boolean; readonly skip?: number; readonly limit?: number } = {},
    options: CallOptions = {},
  ): Promise<LegalHoldsAnswer> {
    const query = { in_force: page.inForce, skip: page.skip, limit: page.limit }
    return this.#connection.call({ method: 'GET', path: pathOf`/legal-holds`, query }, options)
  }

  /** Keeps records beyond their years, those to come included: of a client, of a ticker, of a time, or what fits all that is said. */
  place(hold: NewLegalHold, options: CallOptions = {}): Promise<OneHold> {
    const body = { ...rangeQuery(hold), client_id: hold.clientId, ticker: hold.ticker, reason: hold.reason }
    return this.#connection.call({ method: 'POST', path: pathOf`/legal-holds`, body }, options)
  }

  release(holdId: string, reason: string, options: CallOptions = {}): Promise<OneHold> {
    return this.#connection.call({ method: 'DELETE', path: pathOf`/legal-holds/${holdId}`, query: { reason } }, options)
  }
}
