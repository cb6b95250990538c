// The resilient feed: one question to a provider's service over HTTP, with everything that keeps a bad day there from becoming a
// bad day here. Each call has a deadline, a size limit and a place in a budget; the answer is checked whole before anything is
// believed; failures open a breaker, and nobody waits behind it. There is no retry here: whoever asks for a price never
// waits for one, and the background retries in refresh.ts.
import { Agent, type Dispatcher, request } from 'undici'
import type { Ticker } from '../pricing/units.ts'
import { type BreakerLimits, type BreakerState, breaker } from '../server/breaker.ts'
import { type JsonValue, readJson } from '../server/json-reader.ts'
import { Problem } from '../server/problem.ts'
import type { Clock } from '../server/uuidv7.ts'

/**
 * Why a feed gave no answer. `timeout`, `unreachable`, `status` and `garbage` are the provider's failures and count for the
 * breaker; `refused` (4xx: a wrong key, too many requests) is our request's fault, `open` and `budget` mean that nobody was asked.
 */
export type FeedFailure = 'timeout' | 'unreachable' | 'status' | 'garbage' | 'refused' | 'open' | 'budget'

const PROVIDERS_FAULT: ReadonlySet<FeedFailure> = new Set<FeedFailure>(['timeout', 'unreachable', 'status', 'garbage'])
/** A second try may help. An answer that cannot be used will be the same again. */
const PASSING: ReadonlySet<FeedFailure> = new Set<FeedFailure>(['timeout', 'unreachable', 'status'])

/** No answer. The message says why in words, for the log and for health; it holds no address and no key. */
export class FeedError extends Error {
  readonly failure: FeedFailure

  constructor(failure: FeedFailure, sentence: string, options?: ErrorOptions) {
    super(sentence, options)
    this.name = 'FeedError'
    this.failure = failure
  }

  /** Whether the provider was asked at all. */
  get asked(): boolean {
    return this.failure !== 'open' && this.failure !== 'budget'
  }

  /** Whether the same question may well be answered a moment later. */
  get passing(): boolean {
    return PASSING.has(this.failure)
  }
}

/** The answer is not of the form: for the readers of each form. The rule ends the sentence "the answer cannot be used: ...". */
export function unusable(rule: string): FeedError {
  return new FeedError('garbage', `the answer cannot be used: ${rule}`)
}

/** A feed as it is now, for health and metrics. */
export interface FeedBreakerState {
  readonly provider: string
  readonly breaker: BreakerState
  /** When it last gave an answer that was used, a 404 included. */
  readonly lastSuccess: Date | null
  readonly lastError: string | null
  readonly lastErrorAt: Date | null
}

/**
 * One input from one provider, or from several in an order of preference.
 * @typeParam T the value with its origin
 * @typeParam Asked what it is asked about: a ticker, or nothing for the volatility index
 */
export interface ServiceFeed<T, Asked = Ticker> {
  readonly provider: string
  /**
   * @returns null when the provider answered that it has no such name
   * @throws FeedError
   */
  ask(asked: Asked, options?: { readonly timeoutMs?: number }): Promise<T | null>
  /** One for each provider, the preferred first. */
  states(): readonly FeedBreakerState[]
}

export interface FeedLimits {
  /** From the question to the last byte of the answer. */
  readonly timeoutMs: number
  readonly breaker: BreakerLimits
  /** Calls that may be under way at once, and begun within any 60 seconds. */
  readonly callsAtOnceMax: number
  readonly callsPerMinuteMax: number
}

/** Told of every call and of every new state of the breaker, for the metrics. */
export interface FeedObserver {
  readonly onCall?: (call: {
    input: string
    provider: string
    outcome: 'answered' | 'absent' | FeedFailure
    seconds: number
  }) => void
  readonly onBreaker?: (change: { input: string; provider: string; state: BreakerState }) => void
}

/** One provider's service: the inputs that come from it share its connections, breaker and budget. */
export interface FeedConnection {
  readonly provider: string
  /**
   * Asks, and reads the answer. What `read` throws refuses it.
   * @param path with its query, after the base URL
   * @returns null on 404
   * @throws FeedError
   */
  call<T>(
    path: string,
    read: (answer: JsonValue, receivedAt: Date) => T,
    options?: { readonly timeoutMs?: number },
  ): Promise<T | null>
  state(): FeedBreakerState
  close(): Promise<void>
}

export interface FeedConnectionOptions {
  /** The name of the input, for metrics: `lender`. */
  readonly input: string
  /** The name that every observation from it carries. */
  readonly provider: string
  readonly baseUrl: string
  /** Of every request: the credential. */
  readonly headers: Readonly<Record<string, string>>
  readonly limits: FeedLimits
  readonly clock: Clock
  readonly observer?: FeedObserver
}

/** An answer about one name has a few hundred bytes. */
export const FEED_ANSWER_BYTES_MAX = 256 * 1024
const KEEP_ALIVE_MS = 30_000
const MINUTE_MS = 60_000
/** After a 429 nobody asks for as long as it says, between these; without a word of it, for the first. */
const QUIET_MS_MIN = 1000
const QUIET_MS_MAX = 60_000

/** Nothing connects before the first call. The caller closes it. */
export function feedConnection(options: FeedConnectionOptions): FeedConnection {
  const { input, provider, limits, clock, observer = {} } = options
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const agent = new Agent({
    connections: limits.callsAtOnceMax,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: limits.timeoutMs,
    bodyTimeout: limits.timeoutMs,
    connect: { timeout: limits.timeoutMs },
  })
  const headers = { accept: 'application/json', 'user-agent': 'borrow-rate-engine', ...options.headers }
  const guard = breaker(limits.breaker, clock, (state) => observer.onBreaker?.({ input, provider, state }))
  const budget = callBudget(limits, clock)
  let lastSuccess: Date | null = null
  let lastError: { sentence: string; at: Date } | null = null

  async function ask<T>(
    path: string,
    read: (answer: JsonValue, receivedAt: Date) => T,
    timeoutMs: number,
  ): Promise<T | null> {
    const response = await send(`${baseUrl}${path}`, {
      dispatcher: agent,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.status === 404) return null
    if (response.status === 429) budget.beQuiet(response.retryAfterMs)
    if (response.status >= 400 && response.status < 500) {
      throw new FeedError('refused', `the feed refused the request with status ${response.status}`)
    }
    if (response.status !== 200) throw new FeedError('status', `the feed answered with status ${response.status}`)
    try {
      return read(readJson(response.text), clock())
    } catch (error) {
      if (error instanceof FeedError) throw error
      if (error instanceof Problem) throw unusable('it is not JSON')
      throw error
    }
  }

  return {
    provider,

    async call(path, read, { timeoutMs = limits.timeoutMs } = {}) {
      const startedAt = performance.now()
      const tell = (outcome: 'answered' | 'absent' | FeedFailure) =>
        observer.onCall?.({ input, provider, outcome, seconds: (performance.now() - startedAt) / 1000 })
      const pass = guard.enter()
      if (pass === null) {
        tell('open')
        throw new FeedError('open', 'the feed failed repeatedly and is not asked for a while')
      }
      if (!budget.take()) {
        pass.withdrawn()
        tell('budget')
        throw new FeedError('budget', 'the budget of calls to the feed is used up')
      }
      try {
        const value = await ask(path, read, Math.min(timeoutMs, limits.timeoutMs))
        pass.succeeded()
        lastSuccess = clock()
        tell(value === null ? 'absent' : 'answered')
        return value
      } catch (error) {
        if (!(error instanceof FeedError)) {
          pass.withdrawn()
          throw error
        }
        if (PROVIDERS_FAULT.has(error.failure)) pass.failed()
        else pass.succeeded()
        lastError = { sentence: error.message, at: clock() }
        tell(error.failure)
        throw error
      } finally {
        budget.giveBack()
      }
    },

    state: () => ({
      provider,
      breaker: guard.state,
      lastSuccess,
      lastError: lastError?.sentence ?? null,
      lastErrorAt: lastError?.at ?? null,
    }),

    close: () => agent.destroy(),
  }
}

/**
 * Providers of one input in the order of preference: the next is asked when one cannot answer or has no such name.
 * @throws FeedError of the last that failed, when none has the name and one could not be asked: then nobody knows
 */
export function inOrderOfPreference<T, Asked>(feeds: readonly ServiceFeed<T, Asked>[]): ServiceFeed<T, Asked> {
  const [preferred] = feeds
  if (preferred === undefined) throw new Error('there is no feed to prefer')
  if (feeds.length === 1) return preferred
  return {
    provider: preferred.provider,
    async ask(asked, options) {
      let failure: FeedError | null = null
      for (const feed of feeds) {
        try {
          const value = await feed.ask(asked, options)
          if (value !== null) return value
        } catch (error) {
          if (!(error instanceof FeedError)) throw error
          failure = error
        }
      }
      if (failure !== null) throw failure
      return null
    },
    states: () => feeds.flatMap((feed) => feed.states()),
  }
}

/** An input of several as health shows it: the preferred provider that works, else the preferred; how old its last answer is. */
export function feedInUse(feed: ServiceFeed<unknown, never>): FeedBreakerState {
  const states = feed.states()
  return states.find((state) => state.breaker === 'closed') ?? (states[0] as FeedBreakerState)
}

// ---- one request ----

interface FeedResponse {
  readonly status: number
  /** '' unless the status is 200. */
  readonly text: string
  readonly retryAfterMs: number | null
}

async function send(
  url: string,
  options: { dispatcher: Dispatcher; headers: Record<string, string>; signal: AbortSignal },
): Promise<FeedResponse> {
  try {
    const { statusCode, headers, body } = await request(url, options)
    if (statusCode !== 200) {
      // A few bytes are read to keep the connection, more are not worth it.
      await body.dump({ limit: 16_384, signal: options.signal })
      return { status: statusCode, text: '', retryAfterMs: retryAfter(headers['retry-after']) }
    }
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > FEED_ANSWER_BYTES_MAX) throw unusable(`it has more than ${FEED_ANSWER_BYTES_MAX} bytes`)
      pieces.push(piece)
    }
    return { status: statusCode, text: Buffer.concat(pieces).toString('utf8'), retryAfterMs: null }
  } catch (cause) {
    if (cause instanceof FeedError) throw cause
    throw options.signal.aborted || TIMEOUT_CODES.has((cause as { code?: string }).code ?? '')
      ? new FeedError('timeout', 'the feed did not answer in time', { cause })
      : new FeedError('unreachable', 'the feed cannot be reached, or broke off', { cause })
  }
}

const TIMEOUT_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'])

function retryAfter(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1000 : null
}

// ---- the budget ----

interface CallBudget {
  /** A place for one call, or false. */
  take(): boolean
  giveBack(): void
  /** The provider wants a pause; null: it did not say how long. */
  beQuiet(forMs: number | null): void
}

function callBudget({ callsAtOnceMax, callsPerMinuteMax }: FeedLimits, clock: Clock): CallBudget {
  let underWay = 0
  let quietUntil = 0
  // When the calls of the last minute began, the oldest first from `oldest` on: as many places as calls are allowed.
  const begun: number[] = []
  let oldest = 0
  return {
    take() {
      const now = clock().getTime()
      if (underWay >= callsAtOnceMax || now < quietUntil) return false
      if (begun.length < callsPerMinuteMax) begun.push(now)
      else if (now - (begun[oldest] as number) < MINUTE_MS) return false
      else {
        begun[oldest] = now
        oldest = (oldest + 1) % callsPerMinuteMax
      }
      underWay += 1
      return true
    },
    giveBack() {
      underWay -= 1
    },
    beQuiet(forMs) {
      const pause = Math.min(Math.max(forMs ?? QUIET_MS_MIN, QUIET_MS_MIN), QUIET_MS_MAX)
      quietUntil = Math.max(quietUntil, clock().getTime() + pause)
    },
  }
}
