// Borrow rates as they stand.
import type { BorrowStatus, RateAnswer } from './answers.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'

export class Rates {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The current borrow rate of a stock and the inputs it was made of. */
  current(ticker: string, options: CallOptions = {}): Promise<RateAnswer> {
    return this.#connection.call({ method: 'GET', path: pathOf`/rates/${ticker}` }, options)
  }

  /** The stocks of a borrow status, by ticker. `limit` 1 to 100. */
  byStatus(
    status: BorrowStatus,
    { skip, limit }: { readonly skip?: number; readonly limit?: number } = {},
    options: CallOptions = {},
  ): Promise<readonly RateAnswer[]> {
    return this.#connection.call(
      { method: 'GET', path: pathOf`/rates/status/${status}`, query: { skip, limit } },
      options,
    )
  }
}
