// Many shorts at once, against one snapshot: every line is priced from inputs that were looked up together and as of one moment, each
// with a record of its own. Lines are answered in order, as they are done; a line that cannot be priced fails alone.
import { setImmediate } from 'node:timers/promises'
import type { Actor, QuoteRecord } from '../audit/quote-record.ts'
import type { EventWindow } from '../market-data/event-risk.ts'
import type { MarketData } from '../market-data/market-data.ts'
import type { TermsInForce } from '../reference-data/terms-in-force.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { activeTerms, type LookUpTerms } from './pricing-inputs.ts'
import { type LocateQuote, type PricingInputs, type QuoteRequest, quoteRecord } from './quote.ts'

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
  /** In the order of the lines, those together that were recorded together. Ends early when the signal says so. */
  readonly steps: AsyncIterable<readonly BatchStep[]>
}

export type QuoteBatch = (ask: BatchAsk, context: CallContext, signal: AbortSignal) => Promise<PricedBatch>

/** Lines that are priced in one turn of the event loop, and recorded together: others wait for them a few milliseconds. */
const LINES_TOGETHER = 128
/**
 * Parts under way at once, of all batches together: one is priced while those before it are committed, and however many batches come, they
 * fill but a part of the audit log's queue. They take turns.
 */
const PARTS_IN_FLIGHT = 4

/** Resolves when each is durable or refused, with the refusals in their order; null: it is kept. */
export type KeepRecords = (
  makeRecords: readonly (() => QuoteRecord)[],
  context: CallContext,
) => Promise<readonly (Error | null)[]>

/**
 * The function that prices batches.
 * @param priceWith the function that prices, with the inputs and the clock it is given
 */
export function quoteBatch(dependencies: {
  readonly snapshot: MarketData['snapshot']
  readonly terms: LookUpTerms
  readonly priceWith: (
    inputsAtHand: (request: QuoteRequest, eventWindow: EventWindow) => PricingInputs,
    clock: () => Date,
  ) => (request: QuoteRequest) => LocateQuote
  readonly keepRecords: KeepRecords
  readonly engineBuild: string
  readonly clock: () => Date
}): QuoteBatch {
  const { snapshot, terms, priceWith, keepRecords, engineBuild, clock } = dependencies
  const places = fairPlaces(PARTS_IN_FLIGHT)
  return async ({ batchId, lines, actor }, context, signal) => {
    const snapshotAt = clock()
    const requests = lines.flatMap((line) => (line.kind === 'request' ? [line.request] : []))
    const tickers = requests.map(({ ticker }) => ticker)
    const [market, brokers] = await Promise.all([
      snapshot(tickers, snapshotAt, context),
      termsOfEach(terms, new Set(requests.map(({ clientId }) => clientId))),
    ])
    const price = priceWith(
      ({ ticker, clientId }, eventWindow) => {
        const found = brokers.get(clientId) as TermsFound
        if ('failure' in found) throw found.failure
        return { broker: found.broker, model: found.model, market: market.observe(ticker, eventWindow) }
      },
      () => snapshotAt,
    )
    async function recorded(part: readonly BatchLine[]): Promise<readonly BatchStep[]> {
      const steps = part.map((line) => stepOf(line, price))
      const places: number[] = []
      const makeRecords: (() => QuoteRecord)[] = []
      for (const [place, step] of steps.entries()) {
        if (!('quote' in step)) continue
        const { line, quote } = step
        places.push(place)
        makeRecords.push(() => quoteRecord(quote, actor, { batchId, line }, engineBuild))
      }
      const refusals = await keepRecords(makeRecords, context)
      for (const [index, refusal] of refusals.entries()) {
        if (refusal === null) continue
        const place = places[index] as number
        steps[place] = failedStep(part[place] as RequestLine, refusal)
      }
      return steps
    }
    return { snapshotAt, steps: inOrder(inParts(lines), recorded, places, signal) }
  }
}

type TermsFound = TermsInForce | { readonly failure: unknown }
type RequestLine = Extract<BatchLine, { kind: 'request' }>

async function termsOfEach(terms: LookUpTerms, clientIds: ReadonlySet<string>): Promise<Map<string, TermsFound>> {
  const found = await Promise.all(
    [...clientIds].map(async (clientId): Promise<[string, TermsFound]> => {
      try {
        return [clientId, await activeTerms(terms, clientId)]
      } catch (failure) {
        return [clientId, { failure }]
      }
    }),
  )
  return new Map(found)
}

function stepOf(line: BatchLine, price: (request: QuoteRequest) => LocateQuote): BatchStep {
  if (line.kind === 'refused') {
    return { line: line.line, problem: line.problem, ticker: line.ticker, clientId: line.clientId }
  }
  try {
    return { line: line.line, quote: price(line.request) }
  } catch (error) {
    return failedStep(line, error)
  }
}

/** @throws the error when it is no outcome of a line: a bug ends the batch, and stands in the log */
function failedStep({ line, request }: RequestLine, error: unknown): BatchStep {
  if (!(error instanceof Problem) || error.code === 'CALCULATION_ERROR') throw error
  return { line, problem: error, ticker: request.ticker, clientId: request.clientId }
}

function inParts(lines: readonly BatchLine[]): (readonly BatchLine[])[] {
  const parts: (readonly BatchLine[])[] = []
  for (let from = 0; from < lines.length; from += LINES_TOGETHER) parts.push(lines.slice(from, from + LINES_TOGETHER))
  return parts
}

/** Works on some items at once, each begun in a turn of its own, and gives their outcomes in the order of the items. */
async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  places: Places,
  signal: AbortSignal,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  let next = 0
  for (;;) {
    while (next < items.length && underWay.length < PARTS_IN_FLIGHT) {
      // With some under way others' batches go first where places are short; with none there is nothing to be given but what is begun.
      if (underWay.length > 0 && places.free() === 0) break
      await places.take()
      // What the one before it has to send leaves first, and so do others' requests.
      if (next > 0) await setImmediate()
      if (signal.aborted) return places.giveBack()
      const outcome = work(items[next++] as T).finally(places.giveBack)
      // A later one may fail while an earlier one is waited for.
      outcome.catch(() => {})
      underWay.push(outcome)
    }
    const first = underWay.shift()
    if (first === undefined) return
    const done = await first
    if (signal.aborted) return
    yield done
  }
}

interface Places {
  free(): number
  /** Resolves when one is free, to who has waited longest. */
  take(): Promise<void>
  readonly giveBack: () => void
}

function fairPlaces(count: number): Places {
  const waiting: (() => void)[] = []
  let free = count
  return {
    free: () => free,
    async take() {
      if (free > 0) free -= 1
      else await new Promise<void>((taken) => waiting.push(taken))
    },
    giveBack() {
      const taken = waiting.shift()
      if (taken === undefined) free += 1
      else taken()
    },
  }
}
