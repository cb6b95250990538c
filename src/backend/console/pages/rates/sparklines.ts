// The last five trading days of the stocks that are looked at, and of no others: cells say which they show, and those are asked for
// together.
import type { RateHistoriesAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import type { Point } from './stepped-line.ts'
import { lastWeekdays } from './trading-days.ts'

/** A list that is scrolled through asks when it comes to rest. */
const SETTLED_MS = 150
/** As many as one answer has. */
const ASKED_AT_ONCE_MAX = 100
const FRESH_MS = 600_000
const AFTER_FAILURE_MS = 30_000
const KEPT_MAX = 2_000

export interface Days {
  readonly dayStartsMs: readonly number[]
  /** Only where the rate changed, and the last; none: it has no history. Null: it could not be read. */
  readonly points: readonly Point[] | null
  readonly atMs: number
}

type Ask = (tickers: readonly string[], from: string, signal: AbortSignal) => Promise<RateHistoriesAnswer>

export class Sparklines {
  readonly #ask: Ask
  readonly #kept = new Map<string, Days>()
  readonly #watchers = new Map<string, Set<() => void>>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #asking: AbortController | null = null

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** Undefined: it is asked for. */
  of(ticker: string): Days | undefined {
    return this.#kept.get(ticker)
  }

  /** For as long as the stock is shown. @returns how to stop */
  watch(ticker: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(ticker) ?? new Set()
    watchers.add(listener)
    this.#watchers.set(ticker, watchers)
    if (!this.#isFresh(ticker)) this.#soon()
    return () => {
      watchers.delete(listener)
      if (watchers.size === 0) this.#watchers.delete(ticker)
    }
  }

  /** Asks again for what is shown and has aged. */
  renew(): void {
    this.#soon()
  }

  /** Forgets everything: another person, another pricing model. */
  clear(): void {
    this.#asking?.abort()
    this.#asking = null
    this.#kept.clear()
    this.#soon()
  }

  #isFresh(ticker: string): boolean {
    const kept = this.#kept.get(ticker)
    return kept !== undefined && Date.now() - kept.atMs < (kept.points === null ? AFTER_FAILURE_MS : FRESH_MS)
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      void this.#load()
    }, SETTLED_MS)
  }

  async #load(): Promise<void> {
    if (this.#asking !== null) return
    const wanted = [...this.#watchers.keys()].filter((ticker) => !this.#isFresh(ticker)).slice(0, ASKED_AT_ONCE_MAX)
    if (wanted.length === 0) return
    const asking = new AbortController()
    this.#asking = asking
    const dayStartsMs = lastWeekdays(Date.now())
    try {
      const { series } = await this.#ask(wanted, new Date(dayStartsMs[0] ?? 0).toISOString(), asking.signal)
      const pointsOf = new Map(series.map(({ ticker, points }) => [ticker, changesOf(points)]))
      for (const ticker of wanted)
        this.#keep(ticker, { dayStartsMs, points: pointsOf.get(ticker) ?? [], atMs: Date.now() })
    } catch {
      if (asking.signal.aborted) return
      // The cell stays empty, and is tried again.
      for (const ticker of wanted) this.#keep(ticker, { dayStartsMs, points: null, atMs: Date.now() })
    }
    this.#asking = null
    for (const ticker of wanted) for (const listener of this.#watchers.get(ticker) ?? []) listener()
    // Whoever came meanwhile.
    this.#soon()
  }

  #keep(ticker: string, days: Days): void {
    this.#kept.delete(ticker)
    this.#kept.set(ticker, days)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MAX) return
      if (!this.#watchers.has(oldest)) this.#kept.delete(oldest)
    }
  }
}

function changesOf(points: RateHistoriesAnswer['series'][number]['points']): readonly Point[] {
  return points
    .filter(({ borrow_rate }, at) => at === points.length - 1 || points[at - 1]?.borrow_rate !== borrow_rate)
    .map(({ time, borrow_rate }) => ({ timeMs: Date.parse(time), rate: borrow_rate }))
}

export const sparklines = new Sparklines((tickers, from, signal) =>
  api.rates.histories(tickers, { from, interval: '1h' }, { signal }),
)
