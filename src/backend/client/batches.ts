// Many shorts in one request, against one snapshot of the market: lines as they are priced, and the summary at the end.
import { answerCut, linesOf, piecesOf } from './answer-stream.ts'
import { COUNTS, type QuoteAnswer } from './answers.ts'
import type { ValidationError } from './borrow-rate-error.ts'
import { type Connection, CSV, JSON_TYPE, NDJSON, type PricingOptions, pathOf } from './connection.ts'
import { parseExactJson } from './exact-json.ts'
import { type QuoteRequest, quoteBody } from './quotes.ts'
import type { Usd } from './units.ts'

/** A line: a quote's request. Without a client it is priced for the batch's, else for the credential's own broker. */
export type BatchLine = Omit<QuoteRequest, 'clientId'> & { readonly clientId?: string }

/** What to price: lines, lines of one client, or a CSV text with a header row of the contract's names. */
export type Batch = readonly BatchLine[] | { readonly lines: readonly BatchLine[]; readonly clientId?: string } | string

/** A line that was priced, with a record of its own. */
export interface PricedLineAnswer extends QuoteAnswer {
  readonly type: 'priced'
  /** Its place in the request, from 1. */
  readonly line: number
  /** The value that is charged. */
  readonly position_value: Usd
  readonly loan_days: number
}

/** A line that could not be priced; the others are not touched by it. */
export interface FailedLineAnswer {
  readonly type: 'failed'
  readonly line: number
  readonly status: 'error'
  readonly error: string
  readonly error_code: string
  readonly validation_errors?: readonly ValidationError[]
  /** When the line had one that is sound. */
  readonly ticker?: string
  readonly client_id?: string
}

/** The last step of a batch. */
export interface BatchSummaryAnswer {
  readonly type: 'summary'
  readonly status: 'success'
  /** On the record of each line. */
  readonly batch_id: string
  /** The moment of all inputs. */
  readonly snapshot_at: string
  readonly summary: {
    readonly lines: number
    readonly priced: number
    readonly failed: number
    /** Of the priced lines. */
    readonly total_fee: Usd
  }
}

export type BatchStepAnswer = PricedLineAnswer | FailedLineAnswer | BatchSummaryAnswer

/** A batch's answer, whole. */
export interface BatchAnswer extends Omit<BatchSummaryAnswer, 'type'> {
  readonly lines: readonly (PricedLineAnswer | FailedLineAnswer)[]
}

const ACCEPT = { json: JSON_TYPE, ndjson: NDJSON, csv: CSV } as const

export class Batches {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Prices up to 10 000 shorts. Lines come in their order while later ones are priced; the last step is the summary.
   * A batch whose answer broke off rejects with ANSWER_CUT; asked for again under its key it gives the same answer when it was whole at the
   * engine, and else is priced anew.
   */
  async *price(batch: Batch, options: PricingOptions = {}): AsyncGenerator<BatchStepAnswer> {
    const { response, watched } = await this.#connection.open(this.#ask(batch, 'ndjson', options), options)
    let whole = false
    for await (const line of linesOf(piecesOf(response, watched))) {
      const step = batchStepOf(line)
      if (step === null || whole) throw answerCut(response)
      whole = step.type === 'summary'
      yield step
    }
    if (!whole) throw answerCut(response)
  }

  /** The same as one answer, for batches that fit into memory. */
  async priceAll(batch: Batch, options: PricingOptions = {}): Promise<BatchAnswer> {
    const lines: (PricedLineAnswer | FailedLineAnswer)[] = []
    for await (const step of this.price(batch, options)) {
      if (step.type !== 'summary') lines.push(step)
      else {
        const { type: _, ...summary } = step
        return { ...summary, lines }
      }
    }
    throw new TypeError('a batch ends with its summary')
  }

  /** The answer's own text, in pieces: a file of lines, or a table. It throws when the answer broke off. */
  text(batch: Batch, format: keyof typeof ACCEPT, options: PricingOptions = {}): AsyncGenerator<string> {
    return this.#connection.pieces(this.#ask(batch, format, options), options)
  }

  #ask(batch: Batch, format: keyof typeof ACCEPT, options: PricingOptions) {
    return {
      method: 'POST',
      path: pathOf`/calculate-locate/batch`,
      accept: ACCEPT[format],
      body: bodyOf(batch),
      ...this.#connection.pricing(options),
    } as const
  }
}

function bodyOf(batch: Batch): object | string {
  if (typeof batch === 'string') return batch
  const { lines, clientId } = 'lines' in batch ? batch : { lines: batch, clientId: undefined }
  return { client_id: clientId, lines: lines.map(quoteBody) }
}

/** A line of the answer, told apart by what it has; null for what is no line of it. */
export function batchStepOf(text: string): BatchStepAnswer | null {
  let line: Record<string, unknown>
  try {
    line = parseExactJson(text, COUNTS) as Record<string, unknown>
  } catch {
    return null
  }
  const type = 'summary' in line ? 'summary' : line.status === 'success' ? 'priced' : 'failed'
  return { type, ...line } as unknown as BatchStepAnswer
}
