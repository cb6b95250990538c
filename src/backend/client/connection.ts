// How the client speaks to an engine: the platform's fetch, one try after the other, each with its time, until there is an answer, a
// refusal that stands, or nobody who waits for it. What the calls mean is said in the files of their domains.
import { piecesOf, STREAM_SILENCE_MS, stepsOf, type Watch, watch } from './answer-stream.ts'
import { COUNTS } from './answers.ts'
import { BorrowRateError, type ValidationError } from './borrow-rate-error.ts'
import { parseExactJson } from './exact-json.ts'
import { type Repeatable, sleep, TRIES_MAX_DEFAULT, waitBeforeNext } from './retry.ts'

export const TIMEOUT_MS_DEFAULT = 10_000

export interface ConnectionOptions {
  /** Where the engine listens, as `http://127.0.0.1:8000`. */
  readonly baseUrl: string
  /** For one try, until the whole answer is read. */
  readonly timeoutMs?: number
  /** Tries in all for calls that may be repeated; 1 never repeats. */
  readonly triesMax?: number
  /** For answers that come while the work goes on: how long the engine may say nothing. */
  readonly silenceMs?: number
  readonly fetch?: typeof fetch
}

/** What every call takes beside what it asks. */
export interface CallOptions {
  /** Ends the call, its waits between tries included; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** For one try, in place of the client's. For answers that come while the work goes on: how long the engine may say nothing. */
  readonly timeoutMs?: number | undefined
}

/** A call that may carry an Idempotency-Key. */
export interface PricingOptions extends CallOptions {
  /**
   * The same request under the same key gets the same answer for 24 hours. Left out, the client makes one for each call that it may have to
   * repeat; null sends none, and then a call whose answer was lost is not repeated.
   */
  readonly idempotencyKey?: string | null | undefined
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** A request, as the files of the domains make it. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the address of the engine, with its parts encoded: see `pathOf`. */
  readonly path: string
  readonly query?: Query
  /** An object goes as JSON, text as CSV. */
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
  /** Media type of the answer; JSON unless it says otherwise. */
  readonly accept?: string
  /** Left out: GET and PUT as the platform's rules say, everything else never. */
  readonly repeatable?: Repeatable
  /** Whether the cookies of the engine go with it; sessions need theirs. */
  readonly withCookies?: true
}

/** A whole answer with what its headers say. */
export interface Answered<T> {
  readonly answer: T
  readonly status: number
  readonly headers: Headers
}

/** What proves who asks. */
export interface Credential {
  /** The headers that a request carries. */
  headers(options: CallOptions): Promise<Readonly<Record<string, string>>>
  /** After a 401: whether there is something else to show, so that trying once more makes sense. */
  renewed(sent: Readonly<Record<string, string>>, options: CallOptions): Promise<boolean>
}

export const NO_CREDENTIAL: Credential = { headers: async () => ({}), renewed: async () => false }

export const JSON_TYPE = 'application/json'
export const NDJSON = 'application/x-ndjson'
export const CSV = 'text/csv'
const NOT_MODIFIED = 304

/** The path of version 1 of the contract, with each value encoded. */
export function pathOf(parts: TemplateStringsArray, ...values: string[]): string {
  return `/api/v1${String.raw({ raw: parts }, ...values.map(encodeURIComponent))}`
}

export class Connection {
  readonly #baseUrl: string
  readonly #timeoutMs: number
  readonly #triesMax: number
  readonly #silenceMs: number
  readonly #fetch: typeof fetch
  readonly #credential: Credential

  constructor(options: ConnectionOptions, credential: Credential) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT
    this.#triesMax = options.triesMax ?? TRIES_MAX_DEFAULT
    this.#silenceMs = options.silenceMs ?? STREAM_SILENCE_MS
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis)
    this.#credential = credential
  }

  /** The same engine, asked by somebody else. */
  showing(credential: Credential): Connection {
    const options = { baseUrl: this.#baseUrl, timeoutMs: this.#timeoutMs, triesMax: this.#triesMax }
    return new Connection({ ...options, silenceMs: this.#silenceMs, fetch: this.#fetch }, credential)
  }

  /** @throws BorrowRateError a refusal of the engine, or no answer */
  async call<T>(ask: Ask, options: CallOptions = {}): Promise<T> {
    return (await this.exchange<T>(ask, options)).answer
  }

  /** The same, with the answer's headers. The answer to a 304 is null. */
  exchange<T>(ask: Ask, options: CallOptions = {}): Promise<Answered<T>> {
    const url = this.#address(ask)
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs
    return this.#again(ask, options, async (identity) => {
      const watched = watch(timeoutMs, options.signal)
      try {
        const response = await this.#send(ask, url, identity, watched, timeoutMs)
        const text = await response.text().catch((cause: unknown) => {
          throw noAnswer(url, cause, timeoutMs)
        })
        const { status, headers } = response
        if (status === NOT_MODIFIED) return { answer: null as T, status, headers }
        const answer = readAnswer(text)
        if (response.ok && answer !== null) return { answer: answer as T, status, headers }
        throw refusal(response, answer)
      } finally {
        watched.stop()
      }
    })
  }

  /** An answer as its text, in pieces, while it comes. */
  async *pieces(ask: Ask, options: CallOptions = {}): AsyncGenerator<string> {
    const { response, watched } = await this.open(ask, options)
    yield* piecesOf(response, watched)
  }

  /** Steps of work, one a line; the last one is of type `result`. */
  async *steps<Step extends { readonly type: string }>(ask: Ask, options: CallOptions = {}): AsyncGenerator<Step> {
    const { response, watched } = await this.open({ ...ask, accept: NDJSON }, options)
    yield* stepsOf<Step>(response, watched)
  }

  /** An answer whose body is still to come. Whoever reads it stops the watch. */
  open(ask: Ask, options: CallOptions = {}): Promise<{ readonly response: Response; readonly watched: Watch }> {
    const url = this.#address(ask)
    const silenceMs = options.timeoutMs ?? this.#silenceMs
    return this.#again(ask, options, async (identity) => {
      const watched = watch(silenceMs, options.signal)
      try {
        const response = await this.#send(ask, url, identity, watched, silenceMs)
        if (!response.ok) throw refusal(response, readAnswer(await response.text()))
        return { response, watched }
      } catch (error) {
        watched.stop()
        throw error
      }
    })
  }

  /**
   * The headers that make a POST repeatable, and that it is: under the caller's key, or one of the client's own where it may have to
   * repeat it.
   */
  pricing({ idempotencyKey }: PricingOptions): Pick<Ask, 'headers' | 'repeatable'> {
    const key = idempotencyKey === undefined && this.#triesMax > 1 ? newKey() : (idempotencyKey ?? null)
    return key === null ? { repeatable: 'answered' } : { headers: { 'idempotency-key': key }, repeatable: 'always' }
  }

  #address({ path, query = {} }: Ask): URL {
    const url = new URL(this.#baseUrl + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    return url
  }

  /** Tries until it is answered, refused for good, or often enough. A credential that ran out is renewed once. */
  async #again<T>(
    ask: Ask,
    options: CallOptions,
    attempt: (identity: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    const repeatable = ask.repeatable ?? REPEATABLE[ask.method]
    let mayRenew = true
    for (let tries = 1; ; ) {
      options.signal?.throwIfAborted()
      const identity = await this.#credential.headers(options)
      try {
        return await attempt(identity)
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason
        if (mayRenew && error instanceof BorrowRateError && error.status === 401) {
          mayRenew = false
          if (await this.#credential.renewed(identity, options)) continue
        }
        const wait = waitBeforeNext(error, tries, repeatable, Math.random)
        if (wait === null || tries >= this.#triesMax) throw error
        await sleep(wait, options.signal)
        tries += 1
      }
    }
  }

  async #send(
    ask: Ask,
    url: URL,
    identity: Readonly<Record<string, string>>,
    watched: Watch,
    waitMs: number,
  ): Promise<Response> {
    const { method, body, accept = JSON_TYPE } = ask
    const init: RequestInit = {
      method,
      headers: {
        accept,
        ...identity,
        ...(body !== undefined && { 'content-type': typeof body === 'string' ? CSV : JSON_TYPE }),
        ...ask.headers,
      },
      signal: watched.signal,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(ask.withCookies && { credentials: 'include' as const }),
    }
    try {
      return await this.#fetch(url, init)
    } catch (cause) {
      throw noAnswer(url, cause, waitMs)
    }
  }
}

const REPEATABLE: Readonly<Record<Ask['method'], Repeatable>> = {
  GET: 'always',
  PUT: 'answered',
  POST: 'never',
  DELETE: 'never',
}

/** 128 bits of chance, in a form that logs can hold. Not `randomUUID`, which pages without TLS do not have. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function noAnswer(url: URL, cause: unknown, waitedMs: number): BorrowRateError {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError'
  const sentence = timedOut
    ? `The engine at ${url.origin} did not answer within ${waitedMs / 1000} s.`
    : `No engine answers at ${url.origin}.`
  return new BorrowRateError(sentence, { status: 0, code: 'NO_ANSWER', cause })
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
