// The universe as it moves: loaded once, then followed by the stream of events. One for the whole console; screens look at it and are
// told in batches, so that 200 moves a second are ten changes of the screen.
import { BorrowRateError, type RateRowAnswer, type RateStreamEvent } from '../../client/index.ts'
import { api } from '../api.ts'
import { session } from './session.ts'

const BATCH_MS = 100
/** Over which moves a second are counted. */
const RATE_SECONDS = 5

export type StreamState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'live' }
  /** Events come late, because of what is named. */
  | { readonly kind: 'late'; readonly because: readonly string[] }
  | { readonly kind: 'lost'; readonly sinceMs: number }
  /** Nothing could be loaded at all. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** What changed since the last time: `null` when everything is new. */
export type Moved = ReadonlySet<string> | null

export class LiveRates {
  readonly #rows = new Map<string, RateRowAnswer>()
  readonly #rowListeners = new Set<(moved: Moved) => void>()
  readonly #stateListeners = new Set<() => void>()
  readonly #moves: number[] = []
  #state: StreamState = { kind: 'loading' }
  #moved: Set<string> | null = new Set()
  #batch: ReturnType<typeof setTimeout> | null = null
  #stopping: AbortController | null = null
  #pricingModel: string | null = null
  #previousCloseAt: string | null = null
  #feedNews = 0

  /** All rows by ticker. The map is this object's own: look, do not change. */
  get rows(): ReadonlyMap<string, RateRowAnswer> {
    return this.#rows
  }

  /** That the rates are under; null before the first answer. */
  get pricingModel(): string | null {
    return this.#pricingModel
  }

  /** The close that changes are counted from. */
  get previousCloseAt(): string | null {
    return this.#previousCloseAt
  }

  readonly state = (): StreamState => this.#state

  /** Counts up with every news of a feed: whoever shows feeds asks again. */
  readonly feedNews = (): number => this.#feedNews

  /** Moves in a second, over the last five. */
  movesPerSecond(nowMs: number): number {
    while ((this.#moves[0] ?? nowMs) < nowMs - RATE_SECONDS * 1000) this.#moves.shift()
    return Math.round(this.#moves.length / RATE_SECONDS)
  }

  /** @returns how to stop listening */
  onRows(listener: (moved: Moved) => void): () => void {
    this.#rowListeners.add(listener)
    return () => this.#rowListeners.delete(listener)
  }

  /** Of the stream's state, the feeds and the model. */
  readonly onState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  start(): void {
    if (this.#stopping !== null) return
    this.#stopping = new AbortController()
    void this.#follow(this.#stopping.signal)
  }

  stop(): void {
    this.#stopping?.abort()
    this.#stopping = null
    this.#rows.clear()
    this.#become({ kind: 'loading' })
  }

  /** After a failure, or because a person asks for it. */
  restart(): void {
    this.stop()
    this.start()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of api.rates.watch({}, { signal })) {
        await this.#take(event, signal)
        if (signal.aborted) return
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof BorrowRateError && error.status === 401) session.ended('Your session has ended.')
      else this.#become({ kind: 'failed', error })
    }
  }

  async #take(event: RateStreamEvent, signal: AbortSignal): Promise<void> {
    if (event.type === 'rate') this.#move(event)
    else if (event.type === 'reset') await this.#load(signal)
    else if (event.type === 'feed') {
      this.#feedNews += 1
      this.#tellState()
    } else if (event.type === 'status') {
      this.#become(event.state === 'live' ? { kind: 'live' } : { kind: 'late', because: event.because })
    } else if (event.type === 'connection') {
      if (event.state === 'lost' && this.#state.kind !== 'lost') this.#become({ kind: 'lost', sinceMs: Date.now() })
      // What was missed follows, or a reset.
      else if (event.state === 'open' && this.#state.kind === 'lost') this.#become({ kind: 'live' })
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { items, pricing_model, previous_close_at } = await api.rates.all({}, { signal, timeoutMs: 60_000 })
    this.#rows.clear()
    for (const row of items) this.#rows.set(row.ticker, row)
    this.#pricingModel = pricing_model
    this.#previousCloseAt = previous_close_at
    this.#moved = null
    this.#tellRows()
    this.#become({ kind: 'live' })
  }

  #move({
    type: _,
    previous_rate: _before,
    pricing_model: _model,
    ...now
  }: Extract<RateStreamEvent, { type: 'rate' }>): void {
    const before = this.#rows.get(now.ticker)
    this.#rows.set(now.ticker, { name: null, previous_close_rate: null, ...before, ...now })
    this.#moves.push(Date.now())
    this.#moved?.add(now.ticker)
    this.#batch ??= setTimeout(() => this.#tellRows(), BATCH_MS)
  }

  #tellRows(): void {
    if (this.#batch !== null) clearTimeout(this.#batch)
    this.#batch = null
    const moved = this.#moved
    this.#moved = new Set()
    for (const listener of this.#rowListeners) listener(moved)
  }

  #become(state: StreamState): void {
    this.#state = state
    this.#tellState()
  }

  #tellState(): void {
    for (const listener of this.#stateListeners) listener()
  }
}

export const liveRates = new LiveRates()
