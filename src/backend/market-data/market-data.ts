// The one question a price asks of the market: everything that is observed about a name, whole, in one call.
//
// Kept rows are read in one round trip and held in a local copy; ages are computed from the clock at every call, so a copy
// ages like the row it was made from. Names that are asked for while a read is on its way share the next one: a basket of
// thousands of cold names is a few statements, and a lone name does not wait.
import { LRUCache } from 'lru-cache'
import { type AgedCopy, orAgedCopy } from '../cache/aged-copy.ts'
import { DEFAULT_FLOOR_RATE } from '../pricing/borrow-rate.ts'
import type { IndexPoints, Rate, Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
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
import type { Availability, InputLimits, Observation } from './observation.ts'
import { agedInputs, type FeedInput } from './refresh.ts'
import type { StoredObservations } from './stored-observations.ts'
import type { Page, ReadOptions, StoredReads } from './stored-reads.ts'
import { readUniverse } from './universe.ts'

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
   * @throws Problem TICKER_NOT_FOUND when neither the desk nor any feed knows the name; EXTERNAL_API_UNAVAILABLE when that says
   *   nothing, because no lender's list was ever taken over
   */
  observe(ticker: Ticker, eventWindow: EventWindow, options: ReadOptions): Promise<MarketObservations>
  /** A page of the names of a tier, by ticker, with the number there are in all. Never from a local copy: the page and its names agree. */
  listByStatus(
    status: BorrowStatus,
    page: Page,
    eventWindow: EventWindow,
    context: CallContext,
  ): Promise<{ total: number; items: MarketObservations[] }>
  /** Every name in trading, or those of a tier, by ticker and page by page. Never from a local copy. */
  listAll(
    status: BorrowStatus | null,
    eventWindow: EventWindow,
    context: CallContext,
    signal: AbortSignal,
  ): AsyncIterable<MarketObservations[]>
  /**
   * One look at many names: each is read once, all at about the same time, and every observation is as old as at `at`. Names that
   * cannot be read fail when they are asked for, as `observe` does, and no other.
   * @param at ages are counted to this moment
   */
  snapshot(tickers: readonly Ticker[], at: Date, context: CallContext): Promise<MarketSnapshot>
  /** After an import or a desk's change: the next question about these names, or about any, is read again. */
  dropLocalCopies(tickers?: readonly Ticker[]): void
  /** News may have been missed: each name is read again before its copy is used, which serves only while the reads are away. */
  doubtLocalCopies(): void
}

/** What was observed of many names at one moment. */
export interface MarketSnapshot {
  /** @throws as `observe` rejects */
  observe(ticker: Ticker, eventWindow: EventWindow): MarketObservations
}

export interface MarketDataOptions {
  /** Where kept rows come from. */
  readonly reads: StoredReads
  readonly clock: Clock
  readonly limits: InputLimits
  /** How long a kept row in memory is used without asking; 0 holds none. */
  readonly localCopySeconds: number
  /** Until which age it is used while the reads are away. What is in it ages meanwhile, and says so. */
  readonly awaySeconds: number
}

/** More than the names of the largest lender's file. */
const LOCAL_COPIES_MAX = 25_000

interface Copy extends AgedCopy<StoredObservations> {
  freshUntilMs: number
}

export function marketData(options: MarketDataOptions): MarketData {
  const { reads, clock, limits, localCopySeconds, awaySeconds } = options
  const copies = new LRUCache<Ticker, Copy>({
    max: LOCAL_COPIES_MAX,
    ttl: Math.max(1, Math.max(localCopySeconds, awaySeconds) * 1000),
    perf: { now: () => clock().getTime() },
    ttlResolution: 0,
  })
  const reading = new Map<Ticker, Promise<StoredObservations>>()
  let generation = 0

  /** The local copy, else one read that all who ask meanwhile share, else a copy past its time. */
  function stored(ticker: Ticker, options: ReadOptions): StoredObservations | Promise<StoredObservations> {
    const copy = copies.get(ticker)
    const { maxAgeSeconds } = options
    if (maxAgeSeconds !== null && (copy === undefined || !isYoung(copy.value, maxAgeSeconds))) {
      return read(ticker, options)
    }
    if (copy !== undefined && clock().getTime() < copy.freshUntilMs) return copy.value
    const answer = () => reading.get(ticker) ?? read(ticker, options)
    return copy === undefined ? answer() : orAgedCopy(copy, answer)
  }

  /** Nothing in it is older than so many seconds; 0 is never young. */
  function isYoung(row: StoredObservations, seconds: number): boolean {
    const limits = { lender: seconds, 'volatility-index': seconds, 'stock-volatility': seconds, events: seconds }
    return seconds > 0 && agedInputs(row, clock(), limits).length === 0
  }

  function read(ticker: Ticker, options: ReadOptions): Promise<StoredObservations> {
    const begun = generation
    const answer = reads
      .one(ticker, options)
      .then((row) => {
        // A read that began before the copies were dropped may be of the state before.
        if (begun === generation) keep(row)
        return row
      })
      .finally(() => {
        if (reading.get(ticker) === answer) reading.delete(ticker)
      })
    reading.set(ticker, answer)
    return answer
  }

  function keep(row: StoredObservations): void {
    if (!row.known || localCopySeconds === 0) return
    const freshUntilMs = clock().getTime() + localCopySeconds * 1000
    copies.set(row.ticker, { value: { ...row, live: [] }, freshUntilMs, quietUntilMs: 0, doubted: false })
  }

  return {
    async observe(ticker, eventWindow, options) {
      const row = await stored(ticker, options)
      if (!row.known) throw notFound(row)
      return observations(row, eventWindow, clock(), limits)
    },

    async snapshot(tickers, at, context) {
      const rows = new Map<Ticker, StoredObservations | { readonly failure: unknown }>()
      await Promise.all(
        [...new Set(tickers)].map(async (ticker) => {
          rows.set(
            ticker,
            await Promise.resolve(stored(ticker, { maxAgeSeconds: null, context })).catch((failure: unknown) => ({
              failure,
            })),
          )
        }),
      )
      return {
        observe(ticker, eventWindow) {
          const row = rows.get(ticker)
          if (row === undefined) throw new RangeError('the snapshot was not made with this name')
          if ('failure' in row) throw row.failure
          if (!row.known) throw notFound(row)
          return observations(row, eventWindow, at, limits)
        },
      }
    },

    async listByStatus(status, page, eventWindow, context) {
      const { total, rows } = await reads.byStatus(status, page, context)
      const now = clock()
      return { total, items: rows.map((row) => observations(row, eventWindow, now, limits)) }
    },

    async *listAll(status, eventWindow, context, signal) {
      for await (const rows of readUniverse(reads.universe({ status }, context, signal))) {
        const now = clock()
        // Between the list of names and a page of them one may have gone over to another tier.
        yield rows
          .map((row) => observations(row, eventWindow, now, limits))
          .filter(({ borrowStatus }) => status === null || borrowStatus === status)
      }
    },

    doubtLocalCopies() {
      generation += 1
      reading.clear()
      for (const copy of copies.values()) {
        copy.freshUntilMs = 0
        copy.quietUntilMs = 0
        copy.doubted = true
      }
    },

    dropLocalCopies(tickers) {
      generation += 1
      if (tickers === undefined) {
        copies.clear()
        reading.clear()
        return
      }
      for (const ticker of tickers) {
        copies.delete(ticker)
        reading.delete(ticker)
      }
    },
  }
}

function notFound(row: StoredObservations): Problem {
  return row.lenderAsked
    ? new Problem('TICKER_NOT_FOUND', `Ticker not found: ${row.ticker}`)
    : new Problem(
        'EXTERNAL_API_UNAVAILABLE',
        `The lender cannot be asked about ${row.ticker} now, and nothing else is known of it`,
      )
}

/** Live, when a feed answered for this very question. */
function asked<T>(row: StoredObservations, input: FeedInput, observation: Observation<T>): Observation<T> {
  return row.live.includes(input) && observation.source === 'cached' ? { ...observation, source: 'live' } : observation
}

function observations(
  row: StoredObservations,
  eventWindow: EventWindow,
  now: Date,
  limits: InputLimits,
): MarketObservations {
  const borrowStatus = borrowStatusOf(row.listing?.value ?? null, row.stockStatus)
  const lenderRate = lenderRateObservation(
    { listing: row.listing, lastRecorded: row.lastRecorded, stockFloorRate: row.stockFloorRate, borrowStatus },
    now,
    limits,
  )
  const stockVolatility = stockVolatilityObservation(row.stockVolatility, now, limits)
  return {
    ticker: row.ticker,
    lenderRate: asked(row, 'lender', lenderRate),
    stockVolatility: stockVolatility && asked(row, 'stock-volatility', stockVolatility),
    volatilityIndex: asked(row, 'volatility-index', volatilityIndexObservation(row.volatilityIndex, now, limits)),
    eventRisk: asked(row, 'events', eventRiskObservation(row.calendar, eventWindow, now, limits)),
    availability: availabilityObservation(row.listing, now, limits),
    lastClose: lastCloseObservation(row.lastClose, now),
    benchmarkRate: row.listing?.value.benchmarkRate ?? null,
    borrowStatus,
    floorRate: row.stockFloorRate ?? DEFAULT_FLOOR_RATE,
    stockName: row.stockName,
  }
}
