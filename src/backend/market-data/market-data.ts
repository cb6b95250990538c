// The one question a price asks of the market: everything that is observed about a name, whole, in one call.
//
// Kept rows are read in one round trip and held in a local copy; ages are computed from the clock at every call, so a copy
// ages like the row it was made from. Names that are asked for while a read is on its way share the next one: a basket of
// thousands of cold names is a few statements, and a lone name does not wait.
import { type AgedCopy, orAgedCopy } from '../cache/aged-copy.ts'
import { DEFAULT_FLOOR_RATE } from '../pricing/borrow-rate.ts'
import type { IndexPoints, Rate, Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { recentlyUsed } from '../server/recently-used.ts'
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
import { type NameOverTime, readManyHistories } from './many-histories.ts'
import type { Availability, InputLimits, Observation } from './observation.ts'
import type { HistoryRange } from './rate-history.ts'
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
   * No promise when the name's row is at hand.
   * @throws Problem TICKER_NOT_FOUND when neither the desk nor any feed knows the name; EXTERNAL_API_UNAVAILABLE when that says
   *   nothing, because no lender's list was ever taken over
   */
  observe(
    ticker: Ticker,
    eventWindow: EventWindow,
    options: ReadOptions,
  ): MarketObservations | Promise<MarketObservations>
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
  /** What borrow rates rested on over time, page by page: of these names, or of all in trading (null). */
  namesOverTime(
    tickers: readonly Ticker[] | null,
    range: HistoryRange,
    context: CallContext,
  ): AsyncIterable<NameOverTime[]>
  /**
   * One look at many names: each is read once, all at about the same time, and every observation is as old as at `at`. Names that
   * cannot be read fail when they are asked for, as `observe` does, and no other.
   * @param at ages are counted to this moment
   */
  snapshot(tickers: readonly Ticker[], at: Date, context: CallContext, how?: SnapshotOptions): Promise<MarketSnapshot>
  /** After an import or a desk's change: the next question about these names, or about any, is read again. */
  dropLocalCopies(tickers?: readonly Ticker[]): void
  /** Names that were looked for, by whether a copy in memory did. Since the start. */
  stats(): { readonly hits: number; readonly misses: number }
  /** News may have been missed: each name is read again before its copy is used, which serves only while the reads are away. */
  doubtLocalCopies(): void
}

export interface SnapshotOptions {
  /** A copy in memory that was asked for longer ago does not do, ms: who has heard of a change since wants what is after it. */
  readonly heldMsMax?: number
  /** Whether the feeds are asked about what has aged, as for a price. True unless said. */
  readonly renewing?: boolean
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

/** What is begun is read to its end. */
const NEVER = new AbortController().signal

interface Copy extends AgedCopy<StoredObservations> {
  /** When it was asked for: whatever changed before, it has. */
  readonly askedAtMs: number
  freshUntilMs: number
}

interface Read {
  readonly askedAtMs: number
  readonly answer: Promise<StoredObservations>
}

type Rows = Map<Ticker, StoredObservations | { readonly failure: unknown }>

export function marketData(options: MarketDataOptions): MarketData {
  const { reads, clock, limits, localCopySeconds, awaySeconds } = options
  const copies = recentlyUsed<Ticker, Copy>(LOCAL_COPIES_MAX, {
    ttl: Math.max(1, Math.max(localCopySeconds, awaySeconds) * 1000),
    perf: { now: () => clock().getTime() },
    ttlResolution: 0,
  })
  const reading = new Map<Ticker, Read>()
  const count = { hits: 0, misses: 0 }
  let generation = 0

  /** The local copy, else one read that all who ask meanwhile share, else a copy past its time. */
  function stored(
    ticker: Ticker,
    options: ReadOptions,
    heldMsMax = Number.POSITIVE_INFINITY,
  ): StoredObservations | Promise<StoredObservations> {
    const copy = copies.get(ticker)
    const { maxAgeSeconds } = options
    if (maxAgeSeconds !== null && (copy === undefined || !isYoung(copy.value, maxAgeSeconds))) {
      count.misses += 1
      return read(ticker, options)
    }
    if (copy !== undefined && serves(copy, heldMsMax)) {
      count.hits += 1
      return copy.value
    }
    count.misses += 1
    const answer = () => {
      const underWay = reading.get(ticker)
      return underWay !== undefined && isWithin(underWay, heldMsMax) ? underWay.answer : read(ticker, options)
    }
    return copy === undefined ? answer() : orAgedCopy(copy, answer)
  }

  /** Nothing in it is older than so many seconds; 0 is never young. */
  function isYoung(row: StoredObservations, seconds: number): boolean {
    const limits = { lender: seconds, 'volatility-index': seconds, 'stock-volatility': seconds, events: seconds }
    return seconds > 0 && agedInputs(row, clock(), limits).length === 0
  }

  const isWithin = ({ askedAtMs }: { readonly askedAtMs: number }, heldMsMax: number) =>
    clock().getTime() - askedAtMs <= heldMsMax

  /** Whether a copy may be used without asking. One that is known to be from before a change is not believed by anybody. */
  function serves(copy: Copy, heldMsMax: number): boolean {
    if (!isWithin(copy, heldMsMax)) doubt(copy)
    return clock().getTime() < copy.freshUntilMs
  }

  function read(ticker: Ticker, options: ReadOptions): Promise<StoredObservations> {
    const begun = generation
    const askedAtMs = clock().getTime()
    const answer = reads
      .one(ticker, options)
      .then((row) => {
        // A read that began before the copies were dropped may be of the state before.
        if (begun === generation) keep(row, askedAtMs)
        return row
      })
      .finally(() => {
        if (reading.get(ticker)?.answer === answer) reading.delete(ticker)
      })
    reading.set(ticker, { askedAtMs, answer })
    return answer
  }

  function keep(row: StoredObservations, askedAtMs: number): void {
    if (!row.known || localCopySeconds === 0) return
    const freshUntilMs = clock().getTime() + localCopySeconds * 1000
    copies.set(row.ticker, { value: { ...row, live: [] }, askedAtMs, freshUntilMs, quietUntilMs: 0, doubted: false })
  }

  function doubt(copy: Copy): void {
    copy.freshUntilMs = 0
    copy.quietUntilMs = 0
    copy.doubted = true
  }

  /** Rows by name, or why a name has none. Each name is read as if it were asked for alone. */
  async function storedEach(tickers: readonly Ticker[], options: ReadOptions, heldMsMax?: number): Promise<Rows> {
    const rows: Rows = new Map()
    await Promise.all(
      tickers.map(async (ticker) => {
        const row = Promise.resolve(stored(ticker, options, heldMsMax))
        rows.set(ticker, await row.catch((failure: unknown) => ({ failure })))
      }),
    )
    return rows
  }

  /** The same in one question for all names without a copy, for whose sake no feed is asked. */
  async function storedTogether(tickers: readonly Ticker[], options: ReadOptions, heldMsMax?: number): Promise<Rows> {
    const rows: Rows = new Map()
    const missing: Ticker[] = []
    for (const ticker of tickers) {
      const copy = copies.get(ticker)
      if (copy !== undefined && serves(copy, heldMsMax ?? Number.POSITIVE_INFINITY)) rows.set(ticker, copy.value)
      else missing.push(ticker)
    }
    count.hits += rows.size
    count.misses += missing.length
    if (missing.length === 0) return rows
    const begun = generation
    const askedAtMs = clock().getTime()
    try {
      for (const row of await reads.many(missing, options.context)) {
        if (begun === generation) keep(row, askedAtMs)
        rows.set(row.ticker, row)
      }
    } catch (failure) {
      for (const ticker of missing) rows.set(ticker, { failure })
    }
    return rows
  }

  return {
    observe(ticker, eventWindow, options) {
      const seen = (row: StoredObservations) => {
        if (!row.known) throw notFound(row)
        return observations(row, eventWindow, clock(), limits)
      }
      const row = stored(ticker, options)
      return row instanceof Promise ? row.then(seen) : seen(row)
    },

    async snapshot(tickers, at, context, { heldMsMax, renewing = true } = {}) {
      const read = renewing ? storedEach : storedTogether
      const rows = await read([...new Set(tickers)], { maxAgeSeconds: null, context }, heldMsMax)
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

    namesOverTime: (tickers, range, context) =>
      readManyHistories(reads.manyOverTime({ tickers, range }, context, NEVER)),

    stats: () => ({ ...count }),

    doubtLocalCopies() {
      generation += 1
      reading.clear()
      for (const copy of copies.values()) doubt(copy)
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
