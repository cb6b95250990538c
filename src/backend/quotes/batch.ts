// Many shorts at once, against one snapshot: every line is priced from inputs that were looked up together and as of one moment, each
// with a record of its own. Lines are answered in order, as they are done; a line that cannot be priced fails alone.
import type { Actor } from '../audit/quote-record.ts'
import type { MarketData } from '../market-data/market-data.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { activeTerms, type LookUpTerms } from './pricing-inputs.ts'
import type { FetchPricingInputs, LocateQuote, QuoteLocate, QuoteRequest } from './quote.ts'

/** A line as it was read: a request, or why it is none. Lines count from 1. */
export type BatchLine =
  | { readonly line: number; readonly kind: 'request'; readonly request: QuoteRequest }
  | {
      readonly line: number
      readonly kind: 'refused'
      readonly problem: Problem
      /** Of the fields that are sound, those that tell which line it is. */
      readonly ticker: string | null
      readonly clientId: string | null
    }

export interface BatchAsk {
  readonly batchId: string
  readonly lines: readonly BatchLine[]
  readonly actor: Actor
}

/** A line's outcome. */
export type BatchStep =
  | { readonly line: number; readonly quote: LocateQuote }
  | {
      readonly line: number
      readonly problem: Problem
      readonly ticker: string | null
      readonly clientId: string | null
    }

export interface PricedBatch {
  /** The moment of all inputs. */
  readonly snapshotAt: Date
  /** In the order of the lines. Ends early when the signal says so. */
  readonly steps: AsyncIterable<BatchStep>
}

export type QuoteBatch = (ask: BatchAsk, context: CallContext, signal: AbortSignal) => Promise<PricedBatch>

/** Lines under way at once: enough to fill the commits of the audit log, and far less than its queue. */
const LINES_IN_FLIGHT = 512

/**
 * The function that prices batches.
 * @param quoteWith the function that quotes, with the inputs and the clock it is given
 */
export function quoteBatch(dependencies: {
  readonly snapshot: MarketData['snapshot']
  readonly terms: LookUpTerms
  readonly quoteWith: (fetchPricingInputs: FetchPricingInputs, clock: () => Date) => QuoteLocate
  readonly clock: () => Date
}): QuoteBatch {
  const { snapshot, terms, quoteWith, clock } = dependencies
  return async ({ batchId, lines, actor }, context, signal) => {
    const snapshotAt = clock()
    const requests = lines.flatMap((line) => (line.kind === 'request' ? [line.request] : []))
    const market = await snapshot(
      requests.map(({ ticker }) => ticker),
      snapshotAt,
      context,
    )
    const brokers = new Map<string, ReturnType<typeof activeTerms>>()
    for (const clientId of new Set(requests.map((request) => request.clientId))) {
      const found = activeTerms(terms, clientId)
      // Whoever asks for it hears of its failure; until then it is nobody's.
      found.catch(() => {})
      brokers.set(clientId, found)
    }
    const quote = quoteWith(
      async ({ ticker, clientId, eventWindow }) => {
        const { broker, model } = await (brokers.get(clientId) as ReturnType<typeof activeTerms>)
        return { broker, model, market: market.observe(ticker, eventWindow) }
      },
      () => snapshotAt,
    )
    const priceLine = (line: BatchLine): Promise<BatchStep> =>
      line.kind === 'refused'
        ? Promise.resolve({ line: line.line, problem: line.problem, ticker: line.ticker, clientId: line.clientId })
        : quote(line.request, { ...actor, batch: { batchId, line: line.line } }, context).then(
            (made) => ({ line: line.line, quote: made }),
            (error: unknown) => {
              // A bug ends the batch, and stands in the log.
              if (!(error instanceof Problem) || error.code === 'CALCULATION_ERROR') throw error
              return {
                line: line.line,
                problem: error,
                ticker: line.request.ticker,
                clientId: line.request.clientId,
              }
            },
          )
    return { snapshotAt, steps: inOrder(lines, priceLine, signal) }
  }
}

/** Works on some items at once and gives their outcomes in the order of the items. */
async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  const begin = (item: T) => {
    const outcome = work(item)
    // A later one may fail while an earlier one is waited for.
    outcome.catch(() => {})
    underWay.push(outcome)
  }
  let next = 0
  while (next < items.length && next < LINES_IN_FLIGHT) begin(items[next++] as T)
  for (let outcome = underWay.shift(); outcome !== undefined; outcome = underWay.shift()) {
    const done = await outcome
    if (signal.aborted) return
    if (next < items.length) begin(items[next++] as T)
    yield done
  }
}
