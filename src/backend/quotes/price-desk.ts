// What others may ask of pricing, answered as finished JSON text: made once, where the numbers are, and passed on as bytes. A
// request with an Idempotency-Key that was answered before gets the very same text.
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { IdempotentAnswers } from '../audit/idempotent-answers.ts'
import type { Actor, AuditRow } from '../audit/quote-record.ts'
import type { Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { writeJson } from '../server/json-writer.ts'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { customRateAnswer, quoteAnswer, rateAnswer } from './answer.ts'
import type { BatchAsk, BatchStep, PricedBatch, QuoteBatch } from './batch.ts'
import { batchNdjson } from './batch-answer.ts'
import { linesOf, textCompressor } from './compressed-text.ts'
import type { LocateQuote, QuoteLocate, QuoteRequest } from './quote.ts'
import type { ChosenConditions, Rates } from './rate.ts'

export interface AnsweredQuote {
  readonly auditId: string
  /** JSON text. */
  readonly answer: string
  /** The answer was given before, under the same Idempotency-Key. */
  readonly replayed: boolean
}

export interface AnsweredRate {
  /** Changes when the rate or an input does, not with their ages. */
  readonly etag: string
  readonly lastModified: Date | null
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
  readonly fresh: boolean
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
}

export function priceDesk(dependencies: {
  readonly quoteLocate: QuoteLocate
  /** The same, with the record kept as it is told. */
  readonly quoteKeeping: (keepRow: (row: AuditRow) => Promise<void>) => QuoteLocate
  readonly quoteBatch: QuoteBatch
  readonly idempotentAnswers: Pick<IdempotentAnswers, 'begin'>
  readonly rates: Rates
  readonly metrics: Metrics
}): PriceDesk {
  const { quoteLocate, quoteKeeping, quoteBatch, idempotentAnswers, rates, metrics } = dependencies

  async function answered(quoting: QuoteLocate, request: QuoteRequest, actor: Actor, context: CallContext) {
    try {
      const quote = await quoting(request, actor, context)
      countQuote(metrics, quote)
      return { auditId: quote.auditId, answer: writeJson(quoteAnswer(quote)), replayed: false }
    } catch (error) {
      countFailure(metrics, error)
      throw error
    }
  }

  return {
    async quote({ request, actor }, context) {
      if (actor.idempotencyKey === null) return answered(quoteLocate, request, actor, context)
      const begun = await idempotentAnswers.begin({
        clientId: actor.actorId,
        key: actor.idempotencyKey,
        requestHash: hashOf(request),
      })
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
    },
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
    async rate({ ticker, clientId, fresh }, context) {
      const answer = rateAnswer(await rates.current(ticker, clientId, fresh, context))
      const { last_updated: lastModified } = answer
      return {
        etag: etagOf(answer),
        lastModified: lastModified instanceof Date ? lastModified : null,
        answer: writeJson(answer),
      }
    },
    async customRate({ ticker, clientId, conditions }, context) {
      return writeJson(customRateAnswer(await rates.custom(ticker, clientId, conditions, context)))
    },
    async ratesByStatus({ status, clientId, skip, limit }, context) {
      const { total, items } = await rates.byStatus(status, clientId, { skip, limit }, context)
      return { total, answer: writeJson(items.map(rateAnswer)) }
    },
  }
}

/** Ages grow by themselves, so they do not count. */
function etagOf(answer: unknown): string {
  const content = JSON.stringify(answer, (name, value) => (name === 'age_seconds' ? undefined : value))
  return `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`
}

/** SHA-256 of what is asked. */
function hashOf(asked: unknown): Buffer {
  return createHash('sha256').update(writeJson(asked)).digest()
}

/** The same batch, whose lines are counted as quotes. */
function counted(metrics: Metrics, batch: PricedBatch): PricedBatch {
  async function* steps(): AsyncGenerator<BatchStep> {
    for await (const step of batch.steps) {
      if ('quote' in step) countQuote(metrics, step.quote)
      else countFailure(metrics, step.problem)
      yield step
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
