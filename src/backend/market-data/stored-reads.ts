// Where stored observations come from, as a port: the database itself here, a cache in front of it or a wire to the data
// service elsewhere. Whoever observes the market is given one and does not know which.
import type { Queryable } from '../database/connect.ts'
import type { Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { naturalBatch } from '../server/natural-batch.ts'
import { Problem } from '../server/problem.ts'
import type { Clock } from '../server/uuidv7.ts'
import { type FeedState, readFeedStates } from './feed-states.ts'
import { type ManyHistories, manyHistoriesFrom } from './many-histories.ts'
import { newYorkDate } from './new-york-time.ts'
import type { InputLimits } from './observation.ts'
import { type HistoryRange, type RateInputsOverTime, readRateInputs } from './rate-history.ts'
import {
  readStoredObservations,
  readTickersAfter,
  readTickersByStatus,
  type StoredObservations,
} from './stored-observations.ts'
import { type Universe, universeFrom } from './universe.ts'

export interface Page {
  readonly skip: number
  readonly limit: number
}

export interface ReadOptions {
  /**
   * What is kept may have arrived so many seconds ago; what is older is asked for at its feed, and waited for. 0: past everything that
   * is kept. null: as copies and feeds have it.
   */
  readonly maxAgeSeconds: number | null
  readonly context: CallContext
}

export interface StoredReads {
  /** Known or not: an unknown name is an answer too. */
  one(ticker: Ticker, options: ReadOptions): Promise<StoredObservations>
  /** Several names in their order, as they are kept: no feed is asked for the sake of this. */
  many(tickers: readonly Ticker[], context: CallContext): Promise<readonly StoredObservations[]>
  /** The next {@link NAMES_PER_STEP} names by ticker, after the given one or from the first; fewer when those were all. */
  tickersAfter(after: Ticker | null, context: CallContext): Promise<readonly Ticker[]>
  /** A page of the names of a tier, by ticker, with the number there are in all. */
  byStatus(
    status: BorrowStatus,
    page: Page,
    context: CallContext,
  ): Promise<{ readonly total: number; readonly rows: readonly StoredObservations[] }>
  /** Every name in trading, or those of a tier. */
  readonly universe: Universe
  /** What a name's rates were made of over time; empty lists where nothing is kept. */
  overTime(ticker: Ticker, range: HistoryRange, context: CallContext): Promise<RateInputsOverTime>
  /** The same of many names, as far as borrow rates rest on it. */
  readonly manyOverTime: ManyHistories
  feeds(context: CallContext): Promise<readonly FeedState[]>
}

/** Statements at the same time, names in one, names that wait: the last is beyond the largest batch of quotes. */
const READ_LANES = 2
const NAMES_PER_READ = 250
const NAMES_WAITING_MAX = 50_000
/** Names of one step through all that there are. */
export const NAMES_PER_STEP = 500

/** Reads of the database; names that are asked for at the same time share a statement. */
export function databaseReads(options: {
  readonly database: Queryable
  readonly clock: Clock
  readonly limits: InputLimits
}): StoredReads {
  const { database, clock, limits } = options
  const reads = naturalBatch<Ticker, StoredObservations>({
    lanes: READ_LANES,
    batchMax: NAMES_PER_READ,
    queueMax: NAMES_WAITING_MAX,
    send: async (tickers) => {
      const rows = await readStoredObservations(database, tickers, newYorkDate(clock()))
      return rows.map((value) => ({ ok: true, value }))
    },
    refuse: () => new Problem('SERVICE_UNAVAILABLE', 'Too many names are being looked up now'),
  })
  return {
    one: (ticker) => reads.add(ticker),
    many: (tickers) => Promise.all(tickers.map((ticker) => reads.add(ticker))),
    tickersAfter: (after) => readTickersAfter(database, after, NAMES_PER_STEP),
    async byStatus(status, page) {
      const { total, tickers } = await readTickersByStatus(database, status, page)
      const rows = tickers.length === 0 ? [] : await readStoredObservations(database, tickers, newYorkDate(clock()))
      return { total, rows }
    },
    universe: universeFrom(database, clock),
    overTime: (ticker, range) => readRateInputs(database, ticker, range),
    manyOverTime: manyHistoriesFrom(database),
    feeds: () => readFeedStates(database, clock(), limits),
  }
}
