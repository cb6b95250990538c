// Pricing over the wire: the calculation service's side and the gateway's, from the same codecs. Answers are finished JSON
// text, which stands in its line as it is: nobody reads and writes it again on the way to the client.
import { ACTOR } from '../audit/actor-codec.ts'
import type { Actor } from '../audit/quote-record.ts'
import type { IndexPoints, IsoDate, Ticker, Usd } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve, serveStream } from '../server/internal-server.ts'
import { type LineText, lineOf, type Operation, PROBLEM, type StreamOperation } from '../server/internal-wire.ts'
import {
  added,
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
  variants,
} from '../server/wire-codec.ts'
import type { BatchAsk, BatchLine } from './batch.ts'
import type {
  AnsweredPage,
  AnsweredQuote,
  AnsweredRate,
  CustomRateAsk,
  PriceDesk,
  RateAsk,
  RateHistoriesAsk,
  RateHistoryAsk,
  StatusAsk,
} from './price-desk.ts'
import type { QuoteRequest } from './quote.ts'
import { RATE_LIST_FORMATS, type RateListAsk } from './rate-list.ts'
import type { RateNews, WatchedRate, WatchedRatesAsk } from './rate-news.ts'
import { INTERVALS } from './rate-points.ts'

const REQUEST: Codec<QuoteRequest> = structure({
  ticker: text<Ticker>(),
  clientId: text(),
  position: variants({
    value: structure({ positionValue: decimalOf<Usd>() }),
    shares: structure({ quantity: integer, price: nullable(decimalOf<Usd>()) }),
  }),
  stay: variants({
    days: structure({ loanDays: integer }),
    dates: structure({ startDate: text<IsoDate>(), endDate: text<IsoDate>() }),
  }),
  location: oneOf('body', 'query'),
})

/** `{"head":{…},"answer":…}`: the head is small and parsed, the answer is cut out as it is. */
function withAnswer<H>(head: Codec<H>): LineText<H & { readonly answer: string }> {
  const [open, between] = ['{"head":', ',"answer":']
  return {
    write: (value) => `${open}${JSON.stringify(head.write(value))}${between}${value.answer}}`,
    read: (line) => {
      // A head holds numbers and short texts of our own making, never the text that ends it.
      const end = line.indexOf(between)
      if (!line.startsWith(open) || end < 0 || !line.endsWith('}')) throw new TypeError('an answer has no head')
      const parsed = head.read(JSON.parse(line.slice(open.length, end)), 'head')
      return { ...parsed, answer: line.slice(end + between.length, -1) }
    },
  }
}

const ANSWER_ALONE: LineText<string> = { write: (answer) => answer, read: (line) => line }

const QUOTE: Operation<{ readonly request: QuoteRequest; readonly actor: Actor }, AnsweredQuote> = {
  name: 'quote',
  ask: lineOf(structure({ request: REQUEST, actor: ACTOR }), 'ask'),
  answer: withAnswer(structure({ auditId: text(), replayed: flag })),
  // Each quote is a record: one that may have been kept is not asked for again.
  repeatable: false,
}

const LINE: Codec<BatchLine> = variants({
  request: structure({ line: integer, request: REQUEST }),
  refused: structure({ line: integer, problem: PROBLEM, ticker: nullable(text()), clientId: nullable(text()) }),
})

const BATCH: StreamOperation<BatchAsk> = {
  name: 'quote-batch',
  ask: lineOf(structure({ batchId: text(), lines: list(LINE), actor: ACTOR }), 'ask'),
}

const RATE: Operation<RateAsk, AnsweredRate> = {
  name: 'rate',
  ask: lineOf(structure({ ticker: text<Ticker>(), clientId: text(), maxAgeSeconds: nullable(integer) }), 'ask'),
  answer: withAnswer(structure({ etag: text(), lastModified: instant })),
  repeatable: true,
}

const CUSTOM_RATE: Operation<CustomRateAsk, string> = {
  name: 'custom-rate',
  ask: lineOf(
    structure({
      ticker: text<Ticker>(),
      clientId: text(),
      conditions: structure({
        volatilityIndex: nullable(decimalOf<IndexPoints>()),
        eventRiskFactor: nullable(integer),
        model: nullable(text()),
      }),
    }),
    'ask',
  ),
  answer: ANSWER_ALONE,
  repeatable: true,
}

const STATUS = oneOf<BorrowStatus>('EASY', 'MEDIUM', 'HARD')

const BY_STATUS: Operation<StatusAsk, AnsweredPage> = {
  name: 'rates-by-status',
  ask: lineOf(
    structure({
      status: STATUS,
      clientId: text(),
      skip: integer,
      limit: integer,
    }),
    'ask',
  ),
  answer: withAnswer(structure({ total: integer })),
  repeatable: true,
}

const RATE_LIST: StreamOperation<RateListAsk> = {
  name: 'rate-list',
  ask: lineOf(structure({ clientId: text(), status: nullable(STATUS), format: oneOf(...RATE_LIST_FORMATS) }), 'ask'),
}

const RATE_HISTORY: Operation<RateHistoryAsk, string> = {
  name: 'rate-history',
  ask: lineOf(
    structure({
      ticker: text<Ticker>(),
      clientId: text(),
      from: instant,
      to: instant,
      interval: oneOf(...INTERVALS),
    }),
    'ask',
  ),
  answer: ANSWER_ALONE,
  repeatable: true,
}

const RATE_HISTORIES: Operation<RateHistoriesAsk, string> = {
  name: 'rate-histories',
  ask: lineOf(
    structure({
      tickers: list(text<Ticker>()),
      clientId: text(),
      from: instant,
      to: instant,
      interval: oneOf(...INTERVALS),
    }),
    'ask',
  ),
  answer: ANSWER_ALONE,
  repeatable: true,
}

const COMPARE_PACKS: Operation<{ readonly request: QuoteRequest }, string> = {
  name: 'compare-packs',
  ask: lineOf(structure({ request: REQUEST }), 'ask'),
  answer: ANSWER_ALONE,
  repeatable: true,
}

export function servePriceDesk(desk: PriceDesk): Served[] {
  return [
    serve(QUOTE, (ask, context) => desk.quote(ask, context)),
    serveStream(BATCH, (ask, context, signal) => desk.batch(ask, context, signal)),
    serve(RATE, (ask, context) => desk.rate(ask, context)),
    serve(CUSTOM_RATE, (ask, context) => desk.customRate(ask, context)),
    serve(BY_STATUS, (ask, context) => desk.ratesByStatus(ask, context)),
    serveStream(RATE_LIST, (ask, context, signal) => desk.rateList(ask, context, signal)),
    serve(RATE_HISTORY, (ask, context) => desk.rateHistory(ask, context)),
    serve(RATE_HISTORIES, (ask, context) => desk.rateHistories(ask, context)),
    serve(COMPARE_PACKS, (ask, context) => desk.comparePacks(ask, context)),
  ]
}

export function priceDeskClient(client: InternalClient): PriceDesk {
  return {
    quote: client.call(QUOTE),
    batch: client.stream(BATCH),
    rate: client.call(RATE),
    customRate: client.call(CUSTOM_RATE),
    ratesByStatus: client.call(BY_STATUS),
    rateList: client.stream(RATE_LIST),
    rateHistory: client.call(RATE_HISTORY),
    rateHistories: client.call(RATE_HISTORIES),
    comparePacks: client.call(COMPARE_PACKS),
  }
}

// ---- rates that are watched

const WATCHED_RATES: Operation<WatchedRatesAsk, readonly WatchedRate[]> = {
  name: 'watched-rates',
  ask: lineOf(
    structure({ model: text(), tickers: list(text<Ticker>()), heldMsMax: nullable(integer), renewing: flag }),
    'ask',
  ),
  answer: lineOf(
    list(
      structure({
        ticker: text<Ticker>(),
        rate: text(),
        facts: text(),
        lenderAsOf: added(instant),
        lastUpdated: nullable(instant),
      }),
    ),
    'rates',
  ),
  repeatable: true,
}

const MODEL_OF_BROKER: Operation<string, string> = {
  name: 'model-of-broker',
  ask: lineOf(text(), 'client_id'),
  answer: lineOf(text(), 'model'),
  repeatable: true,
}

const WATCHED_TICKERS: Operation<Ticker | null, readonly Ticker[]> = {
  name: 'watched-tickers',
  ask: lineOf(nullable(text<Ticker>()), 'after'),
  answer: lineOf(list(text<Ticker>()), 'tickers'),
  repeatable: true,
}

export function serveRateNews(news: RateNews): Served[] {
  return [
    serve(WATCHED_RATES, (ask, context) => news.rates(ask, context)),
    serve(MODEL_OF_BROKER, (clientId, context) => news.modelOf(clientId, context)),
    serve(WATCHED_TICKERS, (after, context) => news.tickersAfter(after, context)),
  ]
}

export function rateNewsClient(client: InternalClient): RateNews {
  return {
    rates: client.call(WATCHED_RATES),
    modelOf: client.call(MODEL_OF_BROKER),
    tickersAfter: client.call(WATCHED_TICKERS),
  }
}
