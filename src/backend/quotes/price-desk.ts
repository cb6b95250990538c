// What others may ask of pricing, answered as finished JSON text: made once, where the numbers are, and passed on as bytes. A
// request with an Idempotency-Key that was answered before gets the very same text.
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { IdempotentAnswers } from '../audit/idempotent-answers.ts'
import type { Actor, AuditRow } from '../audit/quote-record.ts'
import type { Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import type { TextStream } from '../server/internal-wire.ts'
import { writeJson } from '../server/json-writer.ts'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { recentlyUsed } from '../server/recently-used.ts'
import { comparisonAnswer, customRateAnswer, historiesAnswer, historyAnswer, rateAnswer } from './answer.ts'
import type { BatchAsk, BatchStep, PricedBatch, QuoteBatch } from './batch.ts'
import { batchNdjson } from './batch-answer.ts'
import type { ComparePacks } from './compare-packs.ts'
import { linesOf, textCompressor } from './compressed-text.ts'
import type { LocateQuote, QuoteLocate, QuoteRequest } from './quote.ts'
import { quoteText } from './quote-text.ts'
import type { ChosenConditions, Rates } from './rate.ts'
import type { RateListAsk } from './rate-list.ts'
import { INTERVAL_SECONDS, type Interval } from './rate-points.ts'

export interface AnsweredQuote {
  readonly auditId: string
  /** JSON text. */
  readonly answer: string
  /** The answer was given before, under the same Idempotency-Key. */
  readonly replayed: boolean
}

export interface AnsweredRate {
  /** Changes when the rate or an input does, not with their ages: a weak one. */
  readonly etag: string
  /** When the answer became what it is, as far as this process knows. */
  readonly lastModified: Date
  readonly answer: string
}

export interface AnsweredPage {
  /** Names of the status in all. */
  readonly total: number
  readonly answer: string
}

export interface RateAsk {
  readonly ticker: Ticker
  readonly clientId: string
  /** What is kept may be so old; 0: nothing that is kept is wanted; null: as copies and feeds have it. */
  readonly maxAgeSeconds: number | null
}

export interface RateHistoryAsk {
  readonly ticker: Ticker
  readonly clientId: string
  readonly from: Date
  readonly to: Date
  /** No more of them between the two than `POINTS_MAX`. */
  readonly interval: Interval
}

export interface RateHistoriesAsk {
  /** Each once, `HISTORIES_TICKERS_MAX` at most. */
  readonly tickers: readonly Ticker[]
  readonly clientId: string
  readonly from: Date
  readonly to: Date
  /** No more of them between the two, of all names together, than `HISTORIES_POINTS_MAX`. */
  readonly interval: Interval
}

export interface CustomRateAsk {
  readonly ticker: Ticker
  readonly clientId: string
  readonly conditions: ChosenConditions
}

export interface StatusAsk {
  readonly status: BorrowStatus
  readonly clientId: string
  readonly skip: number
  readonly limit: number
}

/** Rejects with the Problems of quotes and rates. */
export interface PriceDesk {
  quote(ask: { readonly request: QuoteRequest; readonly actor: Actor }, context: CallContext): Promise<AnsweredQuote>
  /** The answer of a batch as NDJSON, in pieces of whole lines; see batch-answer.ts. */
  batch(ask: BatchAsk, context: CallContext, signal: AbortSignal): AsyncIterable<string>
  rate(ask: RateAsk, context: CallContext): Promise<AnsweredRate>
  customRate(ask: CustomRateAsk, context: CallContext): Promise<string>
  ratesByStatus(ask: StatusAsk, context: CallContext): Promise<AnsweredPage>
  /** The rates of all names; the first line is their ETag. See rate-list.ts. */
  readonly rateList: TextStream<RateListAsk>
  rateHistory(ask: RateHistoryAsk, context: CallContext): Promise<string>
  rateHistories(ask: RateHistoriesAsk, context: CallContext): Promise<string>
  /** One short under every convention pack; not recorded. */
  comparePacks(ask: { readonly request: QuoteRequest }, context: CallContext): Promise<string>
}

/** Names under a model of which is known since when their answer is what it is: those of the largest lender's file. */
const ANSWERS_KNOWN_MAX = 25_000

export function priceDesk(dependencies: {
  readonly quoteLocate: QuoteLocate
  /** The same, with the record kept as it is told. */
  readonly quoteKeeping: (keepRow: (row: AuditRow) => Promise<void>) => QuoteLocate
  readonly quoteBatch: QuoteBatch
  readonly idempotentAnswers: Pick<IdempotentAnswers, 'begin'>
  readonly rates: Rates
  readonly rateList: TextStream<RateListAsk>
  readonly comparePacks: ComparePacks
  readonly clock: () => Date
  readonly metrics: Metrics
}): PriceDesk {
  const { quoteLocate, quoteKeeping, quoteBatch, idempotentAnswers, rates, rateList, comparePacks, clock, metrics } =
    dependencies
  const known = recentlyUsed<string, { readonly etag: string; readonly since: Date }>(ANSWERS_KNOWN_MAX)

  /**
   * Since when the answer is what it is. Any of its inputs may change it, terms and the passing of time among them; so it is not read off
   * the inputs, but remembered from when it was first given. HTTP counts whole seconds: two answers never have the same one.
   */
  function knownSince(key: string, etag: string): Date {
    const before = known.get(key)
    if (before?.etag === etag) return before.since
    const now = wholeSeconds(clock())
    const since = before !== undefined && before.since >= now ? new Date(before.since.getTime() + 1000) : now
    known.set(key, { etag, since })
    return since
  }

  async function answered(quoting: QuoteLocate, request: QuoteRequest, actor: Actor, context: CallContext) {
    try {
      const quote = await quoting(request, actor, context)
      countQuote(metrics, quote)
      return { auditId: quote.auditId, answer: quoteText(quote), replayed: false }
    } catch (error) {
      countFailure(metrics, error)
      throw error
    }
  }

  async function answeredOnce(key: string, request: QuoteRequest, actor: Actor, context: CallContext) {
    const begun = await idempotentAnswers.begin({ clientId: actor.actorId, key, requestHash: hashOf(request) })
    if (begun.kept !== null) {
      const { auditId, answer } = begun.kept
      return { auditId, answer: gunzipSync(answer).toString('utf8'), replayed: true }
    }
    try {
      const made = await answered(quoteKeeping(begun.first.keepRow), request, actor, context)
      await begun.first.finish({ auditId: made.auditId, answer: gzipSync(made.answer) })
      return made
    } catch (error) {
      await begun.first.abandon()
      throw error
    }
  }

  return {
    quote: ({ request, actor }, context) =>
      actor.idempotencyKey === null
        ? answered(quoteLocate, request, actor, context)
        : answeredOnce(actor.idempotencyKey, request, actor, context),
    async *batch(ask, context, signal) {
      const { batchId, lines, actor } = ask
      const priced = async () => batchNdjson(batchId, counted(metrics, await quoteBatch(ask, context, signal)))
      if (actor.idempotencyKey === null) return yield* await priced()
      const begun = await idempotentAnswers.begin({
        clientId: actor.actorId,
        key: actor.idempotencyKey,
        requestHash: hashOf(lines),
      })
      if (begun.kept !== null) return yield* linesOf(begun.kept.answer)
      try {
        // The last piece is held back until the answer is kept: whoever has it whole will get it again.
        const whole = textCompressor()
        let held = ''
        for await (const piece of await priced()) {
          if (held !== '') yield held
          held = piece
          await whole.add(piece)
        }
        if (signal.aborted) return
        await begun.first.finish({ auditId: batchId, answer: await whole.end() })
        yield held
      } finally {
        await begun.first.abandon()
      }
    },
    async rate({ ticker, clientId, maxAgeSeconds }, context) {
      const current = await rates.current(ticker, clientId, maxAgeSeconds, context)
      const answer = rateAnswer(current)
      const etag = etagOf(answer)
      const lastModified = knownSince(`${current.model.model} ${ticker}`, etag)
      return { etag, lastModified, answer: writeJson(answer) }
    },
    async customRate({ ticker, clientId, conditions }, context) {
      return writeJson(customRateAnswer(await rates.custom(ticker, clientId, conditions, context)))
    },
    async ratesByStatus({ status, clientId, skip, limit }, context) {
      const { total, items } = await rates.byStatus(status, clientId, { skip, limit }, context)
      return { total, answer: writeJson(items.map(rateAnswer)) }
    },
    rateList,
    async rateHistory({ ticker, clientId, interval, from, to }, context) {
      const range = { from, to, intervalSeconds: INTERVAL_SECONDS[interval] }
      return writeJson(historyAnswer(ticker, interval, await rates.history({ ticker, clientId, range }, context)))
    },
    async rateHistories({ tickers, clientId, interval, from, to }, context) {
      const range = { from, to, intervalSeconds: INTERVAL_SECONDS[interval] }
      return writeJson(historiesAnswer(interval, await rates.histories({ tickers, clientId, range }, context)))
    },
    async comparePacks({ request }, context) {
      return writeJson(comparisonAnswer(await comparePacks(request, context)))
    },
  }
}

/** Ages grow by themselves, and whether a feed was asked just now is no news: neither counts. */
function etagOf(answer: unknown): string {
  const content = JSON.stringify(answer, (name, value) =>
    name === 'age_seconds' ? undefined : name === 'source' && value === 'live' ? 'cached' : value,
  )
  return `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`
}

function wholeSeconds(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / 1000) * 1000)
}

/** SHA-256 of what is asked. */
function hashOf(asked: unknown): Buffer {
  return createHash('sha256').update(writeJson(asked)).digest()
}

/** The same batch, whose lines are counted as quotes. */
function counted(metrics: Metrics, batch: PricedBatch): PricedBatch {
  async function* steps(): AsyncGenerator<readonly BatchStep[]> {
    for await (const together of batch.steps) {
      for (const step of together) {
        if ('quote' in step) countQuote(metrics, step.quote)
        else countFailure(metrics, step.problem)
      }
      yield together
    }
  }
  return { snapshotAt: batch.snapshotAt, steps: steps() }
}

function countFailure(metrics: Metrics, error: unknown): void {
  metrics.quotes.inc({ outcome: error instanceof Problem ? error.code : 'INTERNAL_ERROR' })
}

function countQuote(metrics: Metrics, quote: LocateQuote): void {
  metrics.quotes.inc({ outcome: 'priced' })
  metrics.quoteFee.observe(Number(quote.priced.fee.totalFee.toString()))
  const { market } = quote.inputs
  const used = {
    lender_rate: market.lenderRate,
    volatility: quote.priced.borrowRate.volatilityOf === 'stock' ? market.stockVolatility : market.volatilityIndex,
    event_risk: market.eventRisk,
  }
  for (const [input, observation] of Object.entries(used)) {
    if (observation?.source === 'stale' || observation?.source === 'fallback') {
      metrics.fallbackInputs.inc({ input, source: observation.source })
    }
  }
}
