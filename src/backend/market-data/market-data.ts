// The one question a price asks of the market: everything that is observed about a name, whole, in one call.
//
// Kept rows are read in one round trip and held in a local copy; ages are computed from the clock at every call, so a copy
// ages like the row it was made from. Names that are asked for while a read is on its way share the next one: a basket of
// thousands of cold names is a few statements, and a lone name does not wait.
import { LRUCache } from 'lru-cache'
import type { Queryable } from '../database/connect.ts'
import { DEFAULT_FLOOR_RATE } from '../pricing/borrow-rate.ts'
import type { IndexPoints, Rate, Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import { naturalBatch } from '../server/natural-batch.ts'
import { Problem } from '../server/problem.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { EventRisk, EventWindow } from './event-risk.ts'
import {
  availabilityObservation,
  borrowStatusOf,
  eventRiskObservation,
  type LastClose,
  lastCloseObservation,
  lenderRateObservation,
  stockVolatilityObservation,
  volatilityIndexObservation,
} from './fallback.ts'
import { type FeedState, readFeedStates } from './feed-states.ts'
import { newYorkDate } from './new-york-time.ts'
import type { Availability, InputLimits, Observation } from './observation.ts'
import { BORROW_STATUS_SQL, readStoredObservations, type StoredObservations } from './stored-observations.ts'

/** Everything observed about a name. */
export interface MarketObservations {
  readonly ticker: Ticker
  readonly lenderRate: Observation<Rate>
  /** null: no feed has one for the name within its limit; the index counts. */
  readonly stockVolatility: Observation<IndexPoints> | null
  readonly volatilityIndex: Observation<IndexPoints>
  readonly eventRisk: Observation<EventRisk>
  /** null: no lender ever listed the name. */
  readonly availability: Observation<Availability> | null
  readonly lastClose: Observation<LastClose> | null
  /** What rebates are counted from, a fraction a year. */
  readonly benchmarkRate: Rate | null
  readonly borrowStatus: BorrowStatus
  /** The stock's own, else the general floor. */
  readonly floorRate: Rate
  readonly stockName: string | null
}

export interface MarketData {
  /**
   * @param options `fresh` asks the database past the local copy
   * @throws Problem TICKER_NOT_FOUND when neither the desk nor any feed knows the name; EXTERNAL_API_UNAVAILABLE when that says
   *   nothing, because no lender's list was ever taken over
   */
  observe(ticker: Ticker, eventWindow: EventWindow, options?: { readonly fresh: boolean }): Promise<MarketObservations>
  /** A page of the names of a tier, by ticker, with the number there are in all. Never from a local copy: the page and its names agree. */
  listByStatus(
    status: BorrowStatus,
    page: { readonly skip: number; readonly limit: number },
    eventWindow: EventWindow,
  ): Promise<{ total: number; items: MarketObservations[] }>
  feeds(): Promise<FeedState[]>
  /** After an import or a desk's change: the next question goes to the database. */
  dropLocalCopies(): void
}

export interface MarketDataOptions {
  readonly database: Queryable
  readonly clock: Clock
  readonly limits: InputLimits
  /** How long a kept row may be held in memory; 0 holds none. */
  readonly localCopySeconds: number
}

/** More than the names of the largest lender's file. */
const LOCAL_COPIES_MAX = 25_000
/** Reads at the same time, names in one, names that wait: the last is beyond the largest batch of quotes. */
const READ_LANES = 2
const NAMES_PER_READ = 250
const NAMES_WAITING_MAX = 50_000

export function marketData({ database, clock, limits, localCopySeconds }: MarketDataOptions): MarketData {
  const copies = new LRUCache<Ticker, StoredObservations>({
    max: LOCAL_COPIES_MAX,
    ttl: Math.max(1, localCopySeconds * 1000),
    perf: { now: () => clock().getTime() },
    ttlResolution: 0,
  })
  const reading = new Map<Ticker, Promise<StoredObservations>>()
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
  let generation = 0

  /** The local copy, else one read that all who ask meanwhile share. */
  function stored(ticker: Ticker, fresh: boolean): StoredObservations | Promise<StoredObservations> {
    const copy = fresh ? undefined : (copies.get(ticker) ?? reading.get(ticker))
    if (copy !== undefined) return copy
    const begun = generation
    const read = reads
      .add(ticker)
      .then((row) => {
        // A read that began before the copies were dropped may be of the state before.
        if (row.known && localCopySeconds > 0 && begun === generation) copies.set(ticker, row)
        return row
      })
      .finally(() => {
        if (reading.get(ticker) === read) reading.delete(ticker)
      })
    reading.set(ticker, read)
    return read
  }

  return {
    async observe(ticker, eventWindow, { fresh } = { fresh: false }) {
      const row = await stored(ticker, fresh)
      if (!row.known) throw notFound(row)
      return observations(row, eventWindow, clock(), limits)
    },

    async listByStatus(status, page, eventWindow) {
      const { total, tickers } = await readTickersByStatus(database, status, page)
      const now = clock()
      const rows = tickers.length === 0 ? [] : await readStoredObservations(database, tickers, newYorkDate(now))
      return { total, items: rows.map((row) => observations(row, eventWindow, now, limits)) }
    },

    feeds: () => readFeedStates(database, clock(), limits),

    dropLocalCopies() {
      generation += 1
      copies.clear()
      reading.clear()
    },
  }
}

function notFound(row: StoredObservations): Problem {
  return row.lenderAsked
    ? new Problem('TICKER_NOT_FOUND', `Ticker not found: ${row.ticker}`)
    : new Problem('EXTERNAL_API_UNAVAILABLE', `No lender data has arrived yet, so nothing is known about ${row.ticker}`)
}

function observations(
  row: StoredObservations,
  eventWindow: EventWindow,
  now: Date,
  limits: InputLimits,
): MarketObservations {
  const borrowStatus = borrowStatusOf(row.listing?.value ?? null, row.stockStatus)
  return {
    ticker: row.ticker,
    lenderRate: lenderRateObservation(
      { listing: row.listing, lastRecorded: row.lastRecorded, stockFloorRate: row.stockFloorRate, borrowStatus },
      now,
      limits,
    ),
    stockVolatility: stockVolatilityObservation(row.stockVolatility, now, limits),
    volatilityIndex: volatilityIndexObservation(row.volatilityIndex, now, limits),
    eventRisk: eventRiskObservation(row.calendar, eventWindow, now, limits),
    availability: availabilityObservation(row.listing, now, limits),
    lastClose: lastCloseObservation(row.lastClose, now),
    benchmarkRate: row.listing?.value.benchmarkRate ?? null,
    borrowStatus,
    floorRate: row.stockFloorRate ?? DEFAULT_FLOOR_RATE,
    stockName: row.stockName,
  }
}

async function readTickersByStatus(
  database: Queryable,
  status: BorrowStatus,
  page: { readonly skip: number; readonly limit: number },
): Promise<{ total: number; tickers: Ticker[] }> {
  const { rows } = await database.query<{ total: number; tickers: Ticker[] }>(
    `with named as (
       select coalesce(stock.ticker, lender.ticker) collate "C" as ticker
         from stocks as stock full join lender_rates as lender on lender.ticker = stock.ticker
        where coalesce(stock.active, true) and ${BORROW_STATUS_SQL} = $1
     )
     select (select count(*)::int from named) as total,
            array(select ticker from named order by ticker offset $2 limit $3) as tickers`,
    [status, page.skip, page.limit],
  )
  return rows[0] ?? { total: 0, tickers: [] }
}
