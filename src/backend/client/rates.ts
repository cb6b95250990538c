// Borrow rates as they stand.
import type {
  BorrowStatus,
  CustomRateAnswer,
  HistoryInterval,
  RateAnswer,
  RateHistoriesAnswer,
  RateHistoryAnswer,
  RateListAnswer,
} from './answers.ts'
import { type CallOptions, type Connection, CSV, JSON_TYPE, NDJSON, pathOf } from './connection.ts'
import { type RateStream, type RateStreamAsk, rateStream } from './rate-events.ts'
import type { IndexPoints } from './units.ts'
import { type Versioned, versioned } from './versioned.ts'

/** Conditions in place of those that are observed; what is left out stays. */
export interface ChosenConditions {
  readonly volatilityIndex?: IndexPoints
  /** 0 to 10. */
  readonly eventRiskFactor?: number
  /** In place of the broker's. */
  readonly model?: string
}

/** How old what is answered may be. */
export interface CurrentRateOptions extends CallOptions {
  /** False: nothing that is kept is taken; the feeds are asked, and waited for. */
  readonly useCache?: boolean | undefined
  /** An input that came longer ago is asked for at its feed, and waited for. */
  readonly maxAgeSeconds?: number | undefined
}

/** Which stocks a list has. */
export interface RateListAsk {
  /** Left out: all. */
  readonly status?: BorrowStatus
}

/** Part of a history. Times are ISO 8601, or days: 2026-11-16. */
export interface RateHistoryAsk {
  /** Left out: 7 days back. */
  readonly from?: string
  /** Left out: now. */
  readonly to?: string
  /** Left out: 1h. */
  readonly interval?: HistoryInterval
}

const ACCEPT = { json: JSON_TYPE, ndjson: NDJSON, csv: CSV } as const

export class Rates {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The current borrow rate of a stock and the inputs it was made of. */
  current(ticker: string, options: CurrentRateOptions = {}): Promise<RateAnswer> {
    const query = { use_cache: options.useCache, max_age: options.maxAgeSeconds }
    return this.#connection.call({ method: 'GET', path: pathOf`/rates/${ticker}`, query }, options)
  }

  /** Every stock in trading with its rate, in one answer: what a screen loads once. */
  async all(asked: RateListAsk = {}, options: CallOptions = {}): Promise<Versioned<RateListAnswer>> {
    return versioned(await this.#connection.exchange<RateListAnswer>(listAsk(asked, 'json'), options))
  }

  /** The same, or null while it is as it was in the answer that had this ETag. */
  async allUnless(
    etag: string,
    asked: RateListAsk = {},
    options: CallOptions = {},
  ): Promise<Versioned<RateListAnswer> | null> {
    const headers = { 'if-none-match': etag }
    const answered = await this.#connection.exchange<RateListAnswer | null>(
      { ...listAsk(asked, 'json'), headers },
      options,
    )
    const { answer } = answered
    return answer === null ? null : versioned({ ...answered, answer })
  }

  /** The list's own text, in pieces: a table, or lines. It throws when the answer broke off. */
  text(format: keyof typeof ACCEPT, asked: RateListAsk = {}, options: CallOptions = {}): AsyncGenerator<string> {
    return this.#connection.pieces(listAsk(asked, format), options)
  }

  /** The borrow rate over time: a point at the end of each interval, with the inputs that were in force then. */
  history(ticker: string, asked: RateHistoryAsk = {}, options: CallOptions = {}): Promise<RateHistoryAnswer> {
    const { from, to, interval } = asked
    return this.#connection.call(
      { method: 'GET', path: pathOf`/rates/${ticker}/history`, query: { from, to, interval } },
      options,
    )
  }

  /** The borrow rates of up to 100 stocks over time, in one answer. */
  histories(
    tickers: readonly string[],
    asked: RateHistoryAsk = {},
    options: CallOptions = {},
  ): Promise<RateHistoriesAnswer> {
    const { from, to, interval } = asked
    const query = { tickers: tickers.join(), from, to, interval }
    return this.#connection.call({ method: 'GET', path: pathOf`/rates/history`, query }, options)
  }

  /**
   * Rates as they move, for as long as they are read. It goes on by itself when the connection is lost, and misses nothing: at a `reset`
   * begin anew. `timeoutMs` is how long the engine may give no sign of life.
   */
  watch(asked: RateStreamAsk = {}, options: CallOptions = {}): RateStream {
    return rateStream(this.#connection, asked, options)
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

function listAsk({ status }: RateListAsk, format: keyof typeof ACCEPT) {
  return { method: 'GET', path: pathOf`/rates`, query: { status, format }, accept: ACCEPT[format] } as const
}
