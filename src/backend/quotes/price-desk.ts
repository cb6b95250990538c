// What others may ask of pricing, answered as finished JSON text: made once, where the numbers are, and passed on as bytes.
import { createHash } from 'node:crypto'
import type { Actor } from '../audit/quote-record.ts'
import type { Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { writeJson } from '../server/json-writer.ts'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { customRateAnswer, quoteAnswer, rateAnswer } from './answer.ts'
import type { LocateQuote, QuoteLocate, QuoteRequest } from './quote.ts'
import type { ChosenConditions, Rates } from './rate.ts'

export interface AnsweredQuote {
  readonly auditId: string
  /** JSON text. */
  readonly answer: string
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
  rate(ask: RateAsk, context: CallContext): Promise<AnsweredRate>
  customRate(ask: CustomRateAsk, context: CallContext): Promise<string>
  ratesByStatus(ask: StatusAsk, context: CallContext): Promise<AnsweredPage>
}

export function priceDesk(dependencies: {
  readonly quoteLocate: QuoteLocate
  readonly rates: Rates
  readonly metrics: Metrics
}): PriceDesk {
  const { quoteLocate, rates, metrics } = dependencies
  return {
    async quote({ request, actor }, context) {
      try {
        const quote = await quoteLocate(request, actor, context)
        countQuote(metrics, quote)
        return { auditId: quote.auditId, answer: writeJson(quoteAnswer(quote)) }
      } catch (error) {
        metrics.quotes.inc({ outcome: error instanceof Problem ? error.code : 'INTERNAL_ERROR' })
        throw error
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
