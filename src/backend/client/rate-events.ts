// Rates as they move: a stream of events that goes on by itself when its connection is lost, and misses nothing or says so. The platform's
// fetch reads it, not EventSource: that one sends no key, and Node 20 has none.
import { linesOf, piecesOf } from './answer-stream.ts'
import { COUNTS, type RateRowAnswer } from './answers.ts'
import { BorrowRateError } from './borrow-rate-error.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import { parseExactJson } from './exact-json.ts'
import { sleep } from './retry.ts'
import type { Fraction } from './units.ts'

/**
 * A rate moved, or what stands beside it. It is the stock's whole row in the list of rates, but for what holds all day: its name and the
 * rate of the last close.
 */
export interface RateMovedEvent extends Omit<RateRowAnswer, 'name' | 'previous_close_rate'> {
  readonly type: 'rate'
  /** Null of the rates that follow a reset. */
  readonly previous_rate: Fraction | null
  readonly pricing_model: string
}

/** A feed changed its state. */
export interface FeedChangedEvent {
  readonly type: 'feed'
  readonly feed: string
  readonly provider: string | null
  readonly state: 'up' | 'down'
  /** By the age of its files. */
  readonly data: string | null
  readonly breaker: string | null
  readonly previous_state: string | null
}

/** Forget what you have. The feeds follow, and the rates of the stocks that were asked for. */
export interface ResetEvent {
  readonly type: 'reset'
  readonly reason: string
  readonly pricing_model: string
  /** What to load now, once: without `tickers` the rates do not follow, and `rates.all()` has them. */
  readonly load: string | null
  /** Stocks that were asked for and have no rate. */
  readonly unknown: readonly string[]
}

/** Whether events are late from now on, and by how much at the most; null: until what is away is back. */
export interface StreamStatusEvent {
  readonly type: 'status'
  readonly state: 'live' | 'late'
  readonly because: readonly string[]
  readonly late_seconds_max: number | null
}

/** The engine ends this connection; the client makes another. */
export interface StreamEndEvent {
  readonly type: 'end'
  readonly reason: string
  readonly reconnect: boolean
}

/** Of the client itself: the stream is open, or was lost and is opened anew after so long. */
export interface ConnectionEvent {
  readonly type: 'connection'
  readonly state: 'open' | 'lost'
  readonly retry_ms: number | null
}

export type RateStreamEvent =
  | RateMovedEvent
  | FeedChangedEvent
  | ResetEvent
  | StreamStatusEvent
  | StreamEndEvent
  | ConnectionEvent

export interface RateStreamAsk {
  /** 500 at the most; left out: all. */
  readonly tickers?: readonly string[]
  /** Where an earlier stream ended: see `lastEventId` of the stream. */
  readonly lastEventId?: string | null
}

/** Events, for as long as somebody reads them. It throws what stands: a key that is not valid, a request that is not. */
export interface RateStream extends AsyncIterable<RateStreamEvent> {
  /** Of the last event that was read: an `AsyncIterable` that begins with it goes on there. Null before the first. */
  readonly lastEventId: string | null
}

/** The engine gives a sign of life every 15 seconds. */
const SILENCE_MS = 45_000
/** Until the engine says another. */
const RETRY_MS_DEFAULT = 3_000
const RETRY_MS_MAX = 30_000
const EVENT_STREAM = 'text/event-stream'
const NAMES: ReadonlySet<string> = new Set(['rate', 'feed', 'reset', 'status', 'end'])

export function rateStream(connection: Connection, asked: RateStreamAsk, options: CallOptions): RateStream {
  const { tickers } = asked
  const { signal } = options
  const place = { lastEventId: asked.lastEventId ?? null, retryMs: RETRY_MS_DEFAULT }
  const calling = { signal, timeoutMs: options.timeoutMs ?? SILENCE_MS }
  const path = pathOf`/rates/stream`
  const query = { tickers: tickers?.join() }

  async function* events(): AsyncGenerator<RateStreamEvent> {
    for (let failures = 0; ; failures += 1) {
      let retryMs: number
      try {
        const headers = place.lastEventId === null ? {} : { 'last-event-id': place.lastEventId }
        const ask = { method: 'GET', path, query, headers, accept: EVENT_STREAM, repeatable: 'never' } as const
        const { response, watched } = await connection.open(ask, calling)
        yield { type: 'connection', state: 'open', retry_ms: null }
        for await (const event of eventsOf(piecesOf(response, watched), place)) {
          failures = 0
          yield event
        }
        retryMs = place.retryMs
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        const wait = waitAfter(error, place.retryMs * 2 ** failures)
        if (wait === null) throw error
        retryMs = wait
      }
      yield { type: 'connection', state: 'lost', retry_ms: retryMs }
      await sleep(retryMs, signal)
    }
  }

  return {
    get lastEventId() {
      return place.lastEventId
    },
    [Symbol.asyncIterator]: events,
  }
}

/** Null: it would fail again. */
function waitAfter(error: unknown, backoffMs: number): number | null {
  if (!(error instanceof BorrowRateError)) return null
  const { status, code, retryAfterSeconds } = error
  const passes = status === 0 || status === 429 || status >= 500 || code === 'ANSWER_CUT'
  if (!passes) return null
  return Math.max((retryAfterSeconds ?? 0) * 1000, Math.min(backoffMs, RETRY_MS_MAX))
}

interface Place {
  lastEventId: string | null
  retryMs: number
}

/** Server-sent events out of their text. An event that is of no known name is left out: a newer engine may say more. */
async function* eventsOf(pieces: AsyncIterable<string>, place: Place): AsyncGenerator<RateStreamEvent> {
  let name = ''
  let id: string | null = null
  let data: string[] = []
  for await (const line of linesOf(pieces)) {
    const [, field, value = ''] = FIELD.exec(line) ?? []
    if (field === 'event') name = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && value !== '') id = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) place.retryMs = Math.min(Number(value), RETRY_MS_MAX)
    if (line !== '' && line !== '\r') continue
    // What was read is known only once it is whole.
    if (id !== null) place.lastEventId = id
    if (data.length > 0 && NAMES.has(name)) {
      yield { type: name, ...(parseExactJson(data.join('\n'), COUNTS) as object) } as RateStreamEvent
    }
    name = ''
    id = null
    data = []
  }
}

const FIELD = /^(event|data|id|retry)(?:: ?(.*?))?\r?$/
