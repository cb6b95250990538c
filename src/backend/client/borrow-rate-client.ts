// The typed client of the engine, over the platform's fetch, without dependencies: it runs in Node and in a browser.
// Amounts and rates are exact decimal text in both directions. What is safe to repeat is repeated when the engine asks for it.
import { piecesOf, STREAM_SILENCE_MS, stepsOf, type Watch, watch } from './answer-stream.ts'
import {
  type AuditRecordAnswer,
  type BorrowStatus,
  COUNTS,
  type ConfigAnswer,
  type Exact,
  type QuoteAnswer,
  type RateAnswer,
} from './answers.ts'
import { BorrowRateError, type ValidationError } from './borrow-rate-error.ts'
import { parseExactJson } from './exact-json.ts'
import type {
  LegalHoldAnswer,
  LegalHoldsAnswer,
  NewLegalHold,
  RecordPageAnswer,
  RecordRange,
  RecordSearch,
  ReplayAnswer,
  ReplayRange,
  ReplayStepAnswer,
  VerifyStepAnswer,
  WhatIfRequest,
  WhatIfStepAnswer,
} from './record-answers.ts'

export const TIMEOUT_MS_DEFAULT = 10_000
export const TRIES_MAX_DEFAULT = 3
/** A longer wait than this is the caller's decision: the error then carries `retryAfterSeconds`. */
export const RETRY_WAIT_SECONDS_MAX = 10

export interface BorrowRateClientOptions {
  /** Where the engine listens, as `http://127.0.0.1:8000`. */
  readonly baseUrl: string
  readonly apiKey: string
  /** For one try, until the whole answer is read. */
  readonly timeoutMs?: number
  /** Tries in all for calls that are safe to repeat; 1 never repeats. */
  readonly triesMax?: number
  /** For answers that come while the work goes on: how long the engine may say nothing. */
  readonly silenceMs?: number
  readonly fetch?: typeof fetch
}

type Method = 'GET' | 'POST' | 'DELETE'
type Query = Readonly<Record<string, string | number | undefined>>

const JSON_TYPE = 'application/json'
const NDJSON = 'application/x-ndjson'

/** What to price: a position by value in USD or by shares, held for a number of days or between two trade dates. */
export interface QuoteRequest {
  readonly ticker: string
  readonly clientId: string
  /** USD, exact text or a whole number of dollars. */
  readonly positionValue?: Exact | number
  readonly quantity?: number
  /** USD a share; without one the last known close is used. */
  readonly price?: Exact | number
  readonly loanDays?: number
  /** Trade dates in New York, YYYY-MM-DD. */
  readonly startDate?: string
  readonly endDate?: string
}

export class BorrowRateClient {
  readonly #baseUrl: string
  readonly #apiKey: string
  readonly #timeoutMs: number
  readonly #triesMax: number
  readonly #silenceMs: number
  readonly #fetch: typeof fetch

  constructor(options: BorrowRateClientOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#apiKey = options.apiKey
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT
    this.#triesMax = options.triesMax ?? TRIES_MAX_DEFAULT
    this.#silenceMs = options.silenceMs ?? STREAM_SILENCE_MS
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis)
  }

  /**
   * The price of one short, recorded by the engine before it answers.
   * It is repeated only after 429 and 503, with which the engine says that no price left.
   */
  quoteLocate(request: QuoteRequest): Promise<QuoteAnswer> {
    const body = {
      ticker: request.ticker,
      client_id: request.clientId,
      position_value: textOf(request.positionValue),
      quantity: request.quantity,
      price: textOf(request.price),
      loan_days: request.loanDays,
      start_date: request.startDate,
      end_date: request.endDate,
    }
    return this.#call('POST', '/api/v1/calculate-locate', {}, body) as Promise<QuoteAnswer>
  }

  /** The current borrow rate of a stock and the inputs it was made of. */
  rate(ticker: string): Promise<RateAnswer> {
    return this.#call('GET', `/api/v1/rates/${encodeURIComponent(ticker)}`) as Promise<RateAnswer>
  }

  /** The stocks of a borrow status, by ticker. `limit` 1 to 100. */
  ratesByStatus(status: BorrowStatus, page: { skip?: number; limit?: number } = {}): Promise<readonly RateAnswer[]> {
    return this.#call('GET', `/api/v1/rates/status/${encodeURIComponent(status)}`, page) as Promise<RateAnswer[]>
  }

  /** What this engine supports: version, features, limits, models, packs. */
  config(): Promise<ConfigAnswer> {
    return this.#call('GET', '/api/v1/config') as Promise<ConfigAnswer>
  }

  /** One kept record, for an auditor's or an admin's key. */
  auditRecord(auditId: string): Promise<AuditRecordAnswer> {
    return this.#call('GET', `/api/v1/audit/${encodeURIComponent(auditId)}`) as Promise<AuditRecordAnswer>
  }

  /** A page of the records that fit, the newest first. Without `from`: of the last 31 days. */
  searchRecords(search: RecordSearch = {}): Promise<RecordPageAnswer> {
    const query = {
      ...rangeQuery(search),
      client_id: search.clientId,
      ticker: search.ticker,
      record_type: search.recordType,
      min_position_value: search.minPositionValue,
      max_position_value: search.maxPositionValue,
      min_borrow_rate: search.minBorrowRate,
      max_borrow_rate: search.maxBorrowRate,
      page: search.page,
      page_size: search.pageSize,
      cursor: search.cursor,
    }
    return this.#call('GET', '/api/v1/audit', query) as Promise<RecordPageAnswer>
  }

  /** Prices a record again from its own inputs: identical, or line by line what is not. */
  replay(auditId: string): Promise<ReplayAnswer> {
    return this.#call('POST', `/api/v1/audit/${encodeURIComponent(auditId)}/replay`) as Promise<ReplayAnswer>
  }

  /** Prices a range again. The last step is the result. */
  replayRange(range: ReplayRange, signal?: AbortSignal): AsyncIterable<ReplayStepAnswer> {
    const body = { ...rangeQuery(range), client_id: range.clientId, ticker: range.ticker }
    return this.#steps('POST', '/api/v1/audit/replay', {}, body, signal)
  }

  /** Checks the chain, all of it or a range. The last step is the result. */
  verify(range: RecordRange = {}, signal?: AbortSignal): AsyncIterable<VerifyStepAnswer> {
    return this.#steps('GET', '/api/v1/audit/verify', rangeQuery(range), undefined, signal)
  }

  /**
   * The records of a range as text, in pieces: `ndjson` with the chain that proves them, or `csv` of the quotes for a back office.
   * It throws when the answer broke off: what came until then is not the whole.
   */
  async *exportRecords(
    range: RecordRange,
    format: 'ndjson' | 'csv' = 'ndjson',
    signal?: AbortSignal,
  ): AsyncGenerator<string> {
    const query = { ...rangeQuery(range), format }
    const accept = format === 'csv' ? 'text/csv' : NDJSON
    const { response, watched } = await this.#open('GET', '/api/v1/audit/export', query, accept, undefined, signal)
    yield* piecesOf(response, watched)
  }

  /** Legal holds; without `inForce` the released ones too. `limit` 1 to 100. */
  legalHolds(page: { inForce?: boolean; skip?: number; limit?: number } = {}): Promise<LegalHoldsAnswer> {
    const query = {
      in_force: page.inForce === undefined ? undefined : String(page.inForce),
      skip: page.skip,
      limit: page.limit,
    }
    return this.#call('GET', '/api/v1/legal-holds', query) as Promise<LegalHoldsAnswer>
  }

  /** Keeps records beyond their years, those to come included: of a client, of a ticker, of a time, or what fits all that is said. */
  placeHold(hold: NewLegalHold): Promise<{ readonly status: 'success' } & LegalHoldAnswer> {
    const body = { ...rangeQuery(hold), client_id: hold.clientId, ticker: hold.ticker, reason: hold.reason }
    return this.#call('POST', '/api/v1/legal-holds', {}, body) as Promise<{ status: 'success' } & LegalHoldAnswer>
  }

  releaseHold(holdId: string, reason: string): Promise<{ readonly status: 'success' } & LegalHoldAnswer> {
    const path = `/api/v1/legal-holds/${encodeURIComponent(holdId)}`
    return this.#call('DELETE', path, { reason }) as Promise<{ status: 'success' } & LegalHoldAnswer>
  }

  /** A past range under a draft model or draft terms. The last step is the result. Nothing is recorded. */
  whatIf(request: WhatIfRequest, signal?: AbortSignal): AsyncIterable<WhatIfStepAnswer> {
    return this.#steps('POST', '/api/v1/what-if', {}, whatIfBody(request), signal)
  }

  async #call(method: Method, path: string, query: Query = {}, body?: object) {
    const url = this.#address(path, query)
    return this.#again(method, async () => {
      const signal = AbortSignal.timeout(this.#timeoutMs)
      const response = await this.#ask(method, url, JSON_TYPE, body, signal)
      const text = await response.text().catch((cause: unknown) => {
        throw this.#noAnswer(url, cause, this.#timeoutMs)
      })
      const answer = readAnswer(text)
      if (response.ok && answer !== null) return answer
      throw refusal(response, answer)
    })
  }

  /** An answer whose body is still to come. */
  #open(
    method: Method,
    path: string,
    query: Query,
    accept: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ response: Response; watched: Watch }> {
    const url = this.#address(path, query)
    return this.#again(method, async () => {
      const watched = watch(this.#silenceMs, signal)
      try {
        const response = await this.#ask(method, url, accept, body, watched.signal)
        if (!response.ok) throw refusal(response, readAnswer(await response.text()))
        return { response, watched }
      } catch (error) {
        watched.stop()
        throw watched.unwanted() ? signal?.reason : error
      }
    })
  }

  async *#steps<Step extends { readonly type: string }>(
    method: Method,
    path: string,
    query: Query,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Step> {
    const { response, watched } = await this.#open(method, path, query, NDJSON, body, signal)
    yield* stepsOf<Step>(response, watched)
  }

  #address(path: string, query: Query): URL {
    const url = new URL(this.#baseUrl + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    return url
  }

  /** Tries until it is answered, refused for good, or often enough. */
  async #again<T>(method: Method, attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt()
      } catch (error) {
        const wait = secondsToWait(error, method)
        if (wait === null || tries >= this.#triesMax) throw error
        await new Promise((resolve) => setTimeout(resolve, wait * 1000))
      }
    }
  }

  async #ask(method: Method, url: URL, accept: string, body: object | undefined, signal: AbortSignal) {
    try {
      return await this.#fetch(url, {
        method,
        headers: {
          accept,
          'x-api-key': this.#apiKey,
          ...(body === undefined ? {} : { 'content-type': JSON_TYPE }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      })
    } catch (cause) {
      throw this.#noAnswer(url, cause, accept === JSON_TYPE ? this.#timeoutMs : this.#silenceMs)
    }
  }

  #noAnswer(url: URL, cause: unknown, waitedMs: number): BorrowRateError {
    const timedOut = cause instanceof Error && cause.name === 'TimeoutError'
    const sentence = timedOut
      ? `The engine at ${url.origin} did not answer within ${waitedMs / 1000} s.`
      : `No engine answers at ${url.origin}.`
    return new BorrowRateError(sentence, { status: 0, code: 'NO_ANSWER', cause })
  }
}

function rangeQuery({ from, to }: RecordRange): { from: string | undefined; to: string | undefined } {
  return { from, to }
}

/** Drafts go as they are: their amounts may be exact text. */
function whatIfBody(request: WhatIfRequest): object {
  return {
    ...rangeQuery(request),
    client_id: request.clientId,
    model: request.model,
    terms: request.terms,
    clients_max: request.clientsMax,
  }
}

function textOf(amount: Exact | number | undefined): Exact | undefined {
  return amount === undefined ? undefined : String(amount)
}

function readAnswer(text: string): object | null {
  try {
    const answer = parseExactJson(text, COUNTS)
    return typeof answer === 'object' ? answer : null
  } catch {
    return null
  }
}

function refusal(response: Response, answer: object | null): BorrowRateError {
  const { status } = response
  const requestId = response.headers.get('x-request-id')
  const retryAfterSeconds = readRetryAfter(response.headers.get('retry-after'))
  const said = (answer ?? {}) as { error?: unknown; error_code?: unknown; validation_errors?: unknown }
  if (typeof said.error !== 'string' || typeof said.error_code !== 'string') {
    const sentence = `What answered at ${new URL(response.url).origin} (HTTP ${status}) is not a borrow rate engine.`
    return new BorrowRateError(sentence, { status, code: 'UNREADABLE_ANSWER', requestId, retryAfterSeconds })
  }
  const validationErrors = Array.isArray(said.validation_errors) ? (said.validation_errors as ValidationError[]) : []
  return new BorrowRateError(said.error, {
    status,
    code: said.error_code,
    validationErrors,
    requestId,
    retryAfterSeconds,
  })
}

function readRetryAfter(header: string | null): number | null {
  const seconds = header === null || header.trim() === '' ? Number.NaN : Number(header)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}

/** How long to wait before the next try; null when the call must not be repeated. */
function secondsToWait(error: unknown, method: Method): number | null {
  if (!(error instanceof BorrowRateError)) return null
  // A quote that got no answer may have been recorded: repeating it would record a second one.
  if (error.status === 0) return method === 'GET' ? 0.2 : null
  if (error.status !== 429 && error.status !== 503) return null
  const wait = error.retryAfterSeconds ?? 1
  return wait <= RETRY_WAIT_SECONDS_MAX ? wait : null
}
