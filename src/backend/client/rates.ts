// Borrow rates as they stand.
import type { BorrowStatus, CustomRateAnswer, RateAnswer } from './answers.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import type { IndexPoints } from './units.ts'

/** Conditions in place of those that are observed; what is left out stays. */
export interface ChosenConditions {
  readonly volatilityIndex?: IndexPoints
  /** 0 to 10. */
  readonly eventRiskFactor?: number
  /** In place of the broker's. */
  readonly model?: string
}

export class Rates {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The current borrow rate of a stock and the inputs it was made of. */
  current(ticker: string, options: CallOptions = {}): Promise<RateAnswer> {
    return this.#connection.call({ method: 'GET', path: pathOf`/rates/${ticker}` }, options)
  }

  /** What the rate would be under chosen conditions. Indicative, not recorded. */
  custom(ticker: string, conditions: ChosenConditions, options: CallOptions = {}): Promise<CustomRateAnswer> {
    const query = {
      volatility_index: conditions.volatilityIndex,
      event_risk_factor: conditions.eventRiskFactor,
      model: conditions.model,
    }
    return this.#connection.call({ method: 'GET', path: pathOf`/rates/${ticker}/calculate`, query }, options)
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
