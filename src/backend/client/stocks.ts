// What the desk keeps about stocks apart from the market: read by all, changed by administrators.
import type { BorrowStatus } from './answers.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import { everyItem, type ListAnswer, type Page } from './lists.ts'
import type { Fraction } from './units.ts'
import { IF_NONE, ifMatch, updated, type Versioned, versioned } from './versioned.ts'

/** What is kept of a stock as a change says it, whole: what is left out is none. */
export interface StockFields {
  readonly name?: string | null
  /** The desk's tier, for when neither the lender's status nor its rate says. */
  readonly borrow_status: BorrowStatus | null
  /** No borrow rate of the stock lies below it; null: the default floor. */
  readonly floor_rate: Fraction | null
  readonly lender_id?: string | null
  /** false: it is not priced. */
  readonly active?: boolean
}

export interface StockAnswer extends Required<StockFields> {
  readonly ticker: string
  /** Counts up with every change. */
  readonly version: number
}

export class Stocks {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A page, by ticker. Names that only a feed knows are not among them. */
  list(page: Page = {}, options: CallOptions = {}): Promise<ListAnswer<StockAnswer>> {
    return this.#connection.call({ method: 'GET', path: pathOf`/stocks`, query: { ...page } }, options)
  }

  /** All of them, page by page while they are read. */
  all(options: CallOptions = {}): AsyncIterable<StockAnswer> {
    return everyItem((page) => this.list(page, options))
  }

  async read(ticker: string, options: CallOptions = {}): Promise<Versioned<StockAnswer>> {
    return versioned(await this.#connection.exchange<StockAnswer>({ method: 'GET', path: at(ticker) }, options))
  }

  /** Says something about a stock of which nothing is kept. Rejects with PRECONDITION_FAILED when something is. */
  create(ticker: string, fields: StockFields, options: CallOptions = {}): Promise<Versioned<StockAnswer>> {
    return this.#put(ticker, fields, IF_NONE, options)
  }

  /** @param etag of the version that was read; `*` for whichever it is. Rejects with PRECONDITION_FAILED when it was changed since. */
  replace(
    ticker: string,
    fields: StockFields,
    etag: string,
    options: CallOptions = {},
  ): Promise<Versioned<StockAnswer>> {
    return this.#put(ticker, fields, ifMatch(etag), options)
  }

  /** Reads, changes, writes; when somebody else was faster, again from what they wrote. */
  update(
    ticker: string,
    change: (stock: Versioned<StockAnswer>) => StockFields | Promise<StockFields>,
    options: CallOptions = {},
  ): Promise<Versioned<StockAnswer>> {
    return updated(
      () => this.read(ticker, options),
      change,
      (fields, etag) => this.replace(ticker, fields, etag, options),
    )
  }

  async #put(
    ticker: string,
    fields: StockFields,
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Versioned<StockAnswer>> {
    const ask = { method: 'PUT', path: at(ticker), headers, body: fields } as const
    return versioned(await this.#connection.exchange<StockAnswer>(ask, options))
  }
}

function at(ticker: string): string {
  return pathOf`/stocks/${ticker}`
}
