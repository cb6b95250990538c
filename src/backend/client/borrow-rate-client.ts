// The typed client of the engine, over the platform's fetch, without dependencies: it runs in Node and in a browser.
// Amounts and rates are exact decimal text in both directions. What is safe to repeat is repeated when the engine asks for it.
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
  readonly fetch?: typeof fetch
}

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
  readonly #fetch: typeof fetch

  constructor(options: BorrowRateClientOptions) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#apiKey = options.apiKey
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT
    this.#triesMax = options.triesMax ?? TRIES_MAX_DEFAULT
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
    return this.#call('POST', '/api/v1/calculate-locate', {}, JSON.stringify(body)) as Promise<QuoteAnswer>
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

  async #call(method: 'GET' | 'POST', path: string, query: Record<string, number | undefined> = {}, body?: string) {
    const url = new URL(this.#baseUrl + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(method, url, body)
      } catch (error) {
        const wait = secondsToWait(error, method)
        if (wait === null || tries >= this.#triesMax) throw error
        await new Promise((resolve) => setTimeout(resolve, wait * 1000))
      }
    }
  }

  async #once(method: 'GET' | 'POST', url: URL, body?: string): Promise<unknown> {
    let response: Response
    let text: string
    try {
      response = await this.#fetch(url, {
        method,
        headers: {
          accept: 'application/json',
          'x-api-key': this.#apiKey,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(this.#timeoutMs),
      })
      text = await response.text()
    } catch (cause) {
      const timedOut = cause instanceof Error && cause.name === 'TimeoutError'
      const sentence = timedOut
        ? `The engine at ${url.origin} did not answer within ${this.#timeoutMs / 1000} s.`
        : `No engine answers at ${url.origin}.`
      throw new BorrowRateError(sentence, { status: 0, code: 'NO_ANSWER', cause })
    }
    const requestId = response.headers.get('x-request-id')
    const answer = readAnswer(text)
    if (response.ok && answer !== null) return answer
    throw refusal(response, answer, requestId)
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

function refusal(response: Response, answer: object | null, requestId: string | null): BorrowRateError {
  const { status } = response
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
function secondsToWait(error: unknown, method: 'GET' | 'POST'): number | null {
  if (!(error instanceof BorrowRateError)) return null
  // A quote that got no answer may have been recorded: repeating it would record a second one.
  if (error.status === 0) return method === 'GET' ? 0.2 : null
  if (error.status !== 429 && error.status !== 503) return null
  const wait = error.retryAfterSeconds ?? 1
  return wait <= RETRY_WAIT_SECONDS_MAX ? wait : null
}
