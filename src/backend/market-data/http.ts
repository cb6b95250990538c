// Stored observations over the wire: the data service's side and its callers' side, from the same codecs.

import type { WarmSource } from '../cache/keep-warm.ts'
import type { IndexPoints, IsoDate, Rate, Ticker, Usd } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve, serveStream } from '../server/internal-server.ts'
import { lineOf, type Operation, type StreamOperation } from '../server/internal-wire.ts'
import { writeJson } from '../server/json-writer.ts'
import {
  type Codec,
  decimalOf,
  flag,
  instant,
  integer,
  list,
  nullable,
  oneOf,
  structure,
  text,
} from '../server/wire-codec.ts'
import type { MarketEvent } from './event-risk.ts'
import type { LastClose, LenderListing } from './fallback.ts'
import type { FeedState } from './feed-states.ts'
import type { ManyHistoriesAsk } from './many-histories.ts'
import type { Stored } from './observation.ts'
import type { HistoryRange, RateInputsOverTime, RecordedVolatility } from './rate-history.ts'
import { FEED_INPUTS } from './refresh.ts'
import type { StoredObservations } from './stored-observations.ts'
import type { Page, StoredReads } from './stored-reads.ts'
import type { UniverseAsk } from './universe.ts'

const STATUS = oneOf<BorrowStatus>('EASY', 'MEDIUM', 'HARD')

const stored = <T>(value: Codec<T>): Codec<Stored<T>> =>
  structure({ value, provider: text(), asOf: instant, receivedAt: instant, demo: flag }) as Codec<Stored<T>>

const LISTING: Codec<LenderListing> = structure({
  rate: nullable(decimalOf<Rate>()),
  borrowStatus: nullable(STATUS),
  availability: structure({ shares: nullable(integer), atLeast: flag }),
  benchmarkRate: nullable(decimalOf<Rate>()),
  listed: flag,
})

const EVENT: Codec<MarketEvent> = structure({ type: text(), date: text<IsoDate>(), riskFactor: nullable(integer) })

const CLOSE: Codec<LastClose> = structure({ close: decimalOf<Usd>(), priceDate: text<IsoDate>() })

/** Also how a cache keeps them. */
export const STORED_OBSERVATIONS: Codec<StoredObservations> = structure({
  ticker: text<Ticker>(),
  known: flag,
  stockName: nullable(text()),
  stockStatus: nullable(STATUS),
  stockFloorRate: nullable(decimalOf<Rate>()),
  listing: nullable(stored(LISTING)),
  lastRecorded: nullable(stored(decimalOf<Rate>())),
  volatilityIndex: nullable(stored(decimalOf<IndexPoints>())),
  stockVolatility: nullable(stored(decimalOf<IndexPoints>())),
  calendar: nullable(stored(list(EVENT))),
  lastClose: nullable(stored(CLOSE)),
  lenderAsked: flag,
  live: list(oneOf(...FEED_INPUTS)),
})

const FEED_STATE: Codec<FeedState> = structure({
  feed: oneOf('lender', 'volatility', 'events', 'closes'),
  provider: text(),
  state: oneOf('fresh', 'stale', 'expired', 'demo', 'empty'),
  lastSuccess: nullable(instant),
  asOf: nullable(instant),
  ageSeconds: nullable(integer),
  rows: integer,
  skipped: integer,
  lastError: nullable(text()),
  lastErrorAt: nullable(instant),
  demo: flag,
})

const ONE: Operation<{ readonly ticker: Ticker; readonly maxAgeSeconds: number | null }, StoredObservations> = {
  name: 'stored-observations',
  ask: lineOf(structure({ ticker: text<Ticker>(), maxAgeSeconds: nullable(integer) }), 'ask'),
  answer: lineOf(STORED_OBSERVATIONS, 'observations'),
  repeatable: true,
}

const BY_STATUS: Operation<
  { readonly status: BorrowStatus } & Page,
  { readonly total: number; readonly rows: readonly StoredObservations[] }
> = {
  name: 'observations-by-status',
  ask: lineOf(structure({ status: STATUS, skip: integer, limit: integer }), 'ask'),
  answer: lineOf(structure({ total: integer, rows: list(STORED_OBSERVATIONS) }), 'page'),
  repeatable: true,
}

const UNIVERSE: StreamOperation<UniverseAsk> = {
  name: 'observations-of-all',
  ask: lineOf(structure({ status: nullable(STATUS) }), 'ask'),
}

const VOLATILITIES: Codec<readonly RecordedVolatility[]> = list(
  structure({ asOf: instant, value: decimalOf<IndexPoints>(), demo: flag }),
)

const RANGE: Codec<HistoryRange> = structure({ from: instant, to: instant, intervalSeconds: integer })

const OVER_TIME: Operation<{ readonly ticker: Ticker; readonly range: HistoryRange }, RateInputsOverTime> = {
  name: 'observations-over-time',
  ask: lineOf(
    structure({
      ticker: text<Ticker>(),
      range: RANGE,
    }),
    'ask',
  ),
  answer: lineOf(
    structure({
      lender: list(
        structure({
          asOf: instant,
          rate: nullable(decimalOf<Rate>()),
          lastRate: nullable(decimalOf<Rate>()),
          borrowStatus: nullable(STATUS),
          availability: structure({ shares: nullable(integer), atLeast: flag }),
          provider: text(),
          demo: flag,
        }),
      ),
      volatilityIndex: VOLATILITIES,
      stockVolatility: VOLATILITIES,
      events: list(
        structure({
          type: text(),
          date: text<IsoDate>(),
          riskFactor: nullable(integer),
          knownFrom: instant,
          knownTo: nullable(instant),
        }),
      ),
      calendarSince: nullable(instant),
    }),
    'inputs',
  ),
  repeatable: true,
}

const MANY_OVER_TIME: StreamOperation<ManyHistoriesAsk> = {
  name: 'observations-of-many-over-time',
  ask: lineOf(structure({ tickers: nullable(list(text<Ticker>())), range: RANGE }), 'ask'),
}

const MANY: Operation<readonly Ticker[], readonly StoredObservations[]> = {
  name: 'stored-observations-of-many',
  ask: lineOf(list(text<Ticker>()), 'tickers'),
  answer: lineOf(list(STORED_OBSERVATIONS), 'rows'),
  repeatable: true,
}

const TICKERS_AFTER: Operation<Ticker | null, readonly Ticker[]> = {
  name: 'tickers-after',
  ask: lineOf(nullable(text<Ticker>()), 'after'),
  answer: lineOf(list(text<Ticker>()), 'tickers'),
  repeatable: true,
}

const FEEDS: Operation<null, readonly FeedState[]> = {
  name: 'feed-states',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: lineOf(list(FEED_STATE), 'feeds'),
  repeatable: true,
}

export function serveStoredReads(reads: StoredReads): Served[] {
  return [
    serve(ONE, ({ ticker, maxAgeSeconds }, context) => reads.one(ticker, { maxAgeSeconds, context })),
    serve(MANY, (tickers, context) => reads.many(tickers, context)),
    serve(TICKERS_AFTER, (after, context) => reads.tickersAfter(after, context)),
    serve(BY_STATUS, ({ status, skip, limit }, context) => reads.byStatus(status, { skip, limit }, context)),
    serveStream(UNIVERSE, reads.universe),
    serve(OVER_TIME, ({ ticker, range }, context) => reads.overTime(ticker, range, context)),
    serveStream(MANY_OVER_TIME, reads.manyOverTime),
    serve(FEEDS, (_nothing, context) => reads.feeds(context)),
  ]
}

export function storedReadsClient(client: InternalClient): StoredReads {
  const one = client.call(ONE)
  const byStatus = client.call(BY_STATUS)
  const overTime = client.call(OVER_TIME)
  const feeds = client.call(FEEDS)
  return {
    one: (ticker, { maxAgeSeconds, context }) => one({ ticker, maxAgeSeconds }, context),
    many: client.call(MANY),
    tickersAfter: client.call(TICKERS_AFTER),
    byStatus: (status, page, context) => byStatus({ status, ...page }, context),
    universe: client.stream(UNIVERSE),
    overTime: (ticker, range, context) => overTime({ ticker, range }, context),
    manyOverTime: client.stream(MANY_OVER_TIME),
    feeds: (context) => feeds(null, context),
  }
}

// ---- for the cache service

const WARM: Operation<string | null, { readonly last: string | null; readonly names: number }> = {
  name: 'warm',
  ask: lineOf(nullable(text()), 'after'),
  answer: lineOf(structure({ last: nullable(text()), names: integer }), 'warmed'),
  repeatable: true,
}

const HOTTEST: Operation<null, readonly string[]> = {
  name: 'hottest-names',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: lineOf(list(text()), 'names'),
  repeatable: true,
}

const RENEW: Operation<readonly string[], number> = {
  name: 'renew',
  ask: lineOf(list(text()), 'names'),
  answer: lineOf(integer, 'renewed'),
  repeatable: true,
}

const FEEDS_VERSION: Operation<null, string> = {
  name: 'feeds-version',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: lineOf(text(), 'version'),
  repeatable: true,
}

export function serveWarmSource(source: WarmSource): Served[] {
  return [
    serve(WARM, (after) => source.warm(after)),
    serve(HOTTEST, () => source.hottest()),
    serve(RENEW, (names) => source.renew(names)),
    serve(FEEDS_VERSION, () => source.feedsVersion()),
  ]
}

/** @param context of each question, made anew: nobody's request asks these */
export function warmSourceClient(client: InternalClient, context: () => CallContext): WarmSource {
  const warm = client.call(WARM)
  const hottest = client.call(HOTTEST)
  const renew = client.call(RENEW)
  const feedsVersion = client.call(FEEDS_VERSION)
  return {
    warm: (after) => warm(after, context()),
    hottest: () => hottest(null, context()),
    renew: (names) => renew(names, context()),
    feedsVersion: () => feedsVersion(null, context()),
  }
}

// ---- for the health checks of every service

const FEEDS_HEALTH: Operation<null, Readonly<Record<string, unknown>>> = {
  name: 'feeds-health',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: { write: writeJson, read: (line) => JSON.parse(line) as Record<string, unknown> },
  repeatable: true,
}

/** Every feed by name, as JSON: it is shown and not computed with. */
export type FeedsHealth = (context: CallContext) => Promise<Readonly<Record<string, unknown>>>

export function serveFeedsHealth(feedsHealth: FeedsHealth): Served[] {
  return [serve(FEEDS_HEALTH, (_nothing, context) => feedsHealth(context))]
}

export function feedsHealthClient(client: InternalClient): FeedsHealth {
  const call = client.call(FEEDS_HEALTH)
  return (context) => call(null, context)
}
