// What this process knows of the rates that somebody listens to, and what of it moves. Names are looked at when there is news of them,
// and once a minute without any: inputs age, and news may be missed. They are looked at in batches, one after the other, under the
// pricing models that somebody has, and never for each listener. A rate that is seen for the first time is known, and no move.
import { asTicker, type Ticker } from '../pricing/units.ts'
import { type RateNews, WATCHED_AT_ONCE_MAX, type WatchedRate } from '../quotes/rate-news.ts'
import type { CallContext } from '../server/call-context.ts'

export interface RateMove {
  readonly now: WatchedRate
  /** The rate that was known before; null: there was none. */
  readonly before: string | null
}

/** Names that somebody wants to be watched. */
export interface Wanted {
  /** Whether each of them was looked at once. */
  readonly ready: boolean
  /** Those of the names that have a rate, as far as it is known. */
  known(): WatchedRate[]
  release(): void
}

export interface RateWatch {
  /**
   * @param tickers null: every name that there is
   * @param onReady called once when `ready` turns true, not when it is so from the beginning
   */
  want(model: string, tickers: readonly Ticker[] | null, onReady: () => void): Wanted
  /** Something changed about these names. */
  changed(tickers: readonly string[]): void
  /** Anything may have changed. */
  changedAll(): void
  stats(): { readonly names: number; readonly waiting: number; readonly looks: number; readonly failures: number }
  /** Resolves when nothing of it is under way. */
  close(): Promise<void>
}

export interface RateWatchOptions {
  readonly news: RateNews
  readonly clock: () => Date
  /** Of a question that no request asks. */
  readonly context: () => CallContext
  /** Is told at once; what it returns is waited for before the next names are looked at. */
  readonly onMoves: (model: string, moves: readonly RateMove[]) => Promise<void>
  /** Rates cannot be looked at now, or can be again. */
  readonly onAway: (away: boolean) => void
  readonly onFailure: (error: unknown) => void
  readonly random?: () => number
  readonly dueEveryMs?: number
  readonly retryMs?: number
}

/** Every name is looked at so often, whatever is heard. */
export const LOOK_EVERY_MS = 60_000
/** By up to this share sooner, by chance, so that names that were looked at together are not due together. */
const SOONER_SHARE = 0.3
const DUE_EVERY_MS = 1_000
const RETRY_MS = 1_000
/** Failures in a row before rates count as away: a replica that leaves is one. */
const FAILURES_TOLERATED = 1
/** How often all names are listed again without news. */
const LIST_EVERY_MS = 10 * 60_000

interface Watched {
  readonly ticker: Ticker
  /** By whom it is named, how many there are. */
  namedBy: number
  known: WatchedRate | null
  looked: boolean
  /** Of a change that was not looked at yet. */
  newsAtMs: number | null
  dueAtMs: number
  waiting: Want[]
}

interface Want {
  readonly onReady: () => void
  /** What has to be looked at before it is ready. */
  left: number
}

interface ModelWatch {
  readonly model: string
  readonly names: Map<Ticker, Watched>
  /** Wants for every name. */
  readonly wantsOfAll: Set<Want>
  /** Whether the names that there are have been added since somebody wanted them all. */
  listed: boolean
  /** To be looked at as soon as possible: names that somebody named, and those that nobody did. */
  readonly named: Set<Watched>
  readonly others: Set<Watched>
}

export function rateWatch(options: RateWatchOptions): RateWatch {
  const { news, clock, context, onMoves, onAway, onFailure, random = Math.random } = options
  const { dueEveryMs = DUE_EVERY_MS, retryMs = RETRY_MS } = options
  const models = new Map<string, ModelWatch>()
  const count = { looks: 0, failures: 0 }
  let listDueAtMs: number | null = null
  let failuresInARow = 0
  let closed = false
  let wake = () => {}

  const nowMs = () => clock().getTime()
  const due = setInterval(() => {
    if (collectDue()) wake()
  }, dueEveryMs)
  due.unref()
  const working = work()

  // ---- what is wanted ----

  function watchOf(model: string): ModelWatch {
    let watch = models.get(model)
    if (watch === undefined) {
      watch = { model, names: new Map(), wantsOfAll: new Set(), listed: false, named: new Set(), others: new Set() }
      models.set(model, watch)
    }
    return watch
  }

  function watched(watch: ModelWatch, ticker: Ticker): Watched {
    let name = watch.names.get(ticker)
    if (name === undefined) {
      name = { ticker, namedBy: 0, known: null, looked: false, newsAtMs: null, dueAtMs: 0, waiting: [] }
      watch.names.set(ticker, name)
    }
    return name
  }

  function lookSoon(watch: ModelWatch, name: Watched): void {
    if (name.namedBy > 0) {
      watch.others.delete(name)
      watch.named.add(name)
    } else {
      watch.others.add(name)
    }
  }

  function waitFor(want: Want, name: Watched): void {
    want.left += 1
    name.waiting.push(want)
  }

  function wantNamed(watch: ModelWatch, tickers: readonly Ticker[], want: Want): void {
    for (const ticker of tickers) {
      const name = watched(watch, ticker)
      name.namedBy += 1
      if (name.looked) continue
      waitFor(want, name)
      lookSoon(watch, name)
    }
  }

  function wantAll(watch: ModelWatch, want: Want): void {
    watch.wantsOfAll.add(want)
    if (watch.listed) {
      for (const name of watch.names.values()) if (!name.looked) waitFor(want, name)
      return
    }
    // One for the list itself.
    want.left += 1
    listDueAtMs = 0
  }

  function releaseNamed(watch: ModelWatch, tickers: readonly Ticker[]): void {
    for (const ticker of tickers) {
      const name = watch.names.get(ticker)
      if (name === undefined) continue
      name.namedBy -= 1
      if (name.namedBy === 0) unwatchIfUnwanted(watch, name)
    }
  }

  function releaseAll(watch: ModelWatch, want: Want): void {
    watch.wantsOfAll.delete(want)
    if (watch.wantsOfAll.size > 0) return
    watch.listed = false
    for (const name of watch.names.values()) unwatchIfUnwanted(watch, name)
  }

  function unwatchIfUnwanted(watch: ModelWatch, name: Watched): void {
    if (name.namedBy > 0 || watch.wantsOfAll.size > 0) return
    watch.names.delete(name.ticker)
    watch.named.delete(name)
    watch.others.delete(name)
  }

  // ---- the work ----

  function collectDue(): boolean {
    const now = nowMs()
    let found = listDueAtMs !== null && listDueAtMs <= now
    for (const watch of models.values()) {
      for (const name of watch.names.values()) {
        if (!name.looked || name.dueAtMs > now) continue
        lookSoon(watch, name)
        found = true
      }
    }
    return found
  }

  /** Those that were named first; models take turns. */
  function nextBatch(): { watch: ModelWatch; names: Watched[]; renewing: boolean } | null {
    for (const kind of ['named', 'others'] as const) {
      for (const watch of models.values()) {
        const waiting = watch[kind]
        if (waiting.size === 0) continue
        const names: Watched[] = []
        for (const name of waiting) {
          if (names.length === WATCHED_AT_ONCE_MAX) break
          waiting.delete(name)
          names.push(name)
        }
        models.delete(watch.model)
        models.set(watch.model, watch)
        return { watch, names, renewing: kind === 'named' }
      }
    }
    return null
  }

  async function work(): Promise<void> {
    while (!closed) {
      const listIsDue = listDueAtMs !== null && listDueAtMs <= nowMs()
      const batch = listIsDue ? null : nextBatch()
      if (!listIsDue && batch === null) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        // What is heard in one turn is looked at together.
        await new Promise<void>((resolve) => setImmediate(resolve))
        continue
      }
      try {
        if (batch === null) await list()
        else await look(batch.watch, batch.names, batch.renewing)
        if (failuresInARow > FAILURES_TOLERATED) onAway(false)
        failuresInARow = 0
      } catch (error) {
        count.failures += 1
        failuresInARow += 1
        if (failuresInARow === FAILURES_TOLERATED + 1) {
          onFailure(error)
          onAway(true)
        }
        await pause(retryMs)
      }
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, closed ? 0 : ms)
      wake = () => {
        if (!closed) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Adds the names that there are for whoever wants them all. */
  async function list(): Promise<void> {
    const wanting = () => [...models.values()].filter(({ wantsOfAll }) => wantsOfAll.size > 0)
    if (wanting().length === 0) {
      listDueAtMs = null
      return
    }
    const begunAtMs = nowMs()
    listDueAtMs = begunAtMs + LIST_EVERY_MS
    try {
      for (let after: Ticker | null = null; !closed; ) {
        const tickers: readonly Ticker[] = await news.tickersAfter(after, context())
        if (tickers.length === 0) break
        for (const watch of wanting()) for (const ticker of tickers) addListed(watch, ticker)
        after = tickers.at(-1) as Ticker
      }
    } catch (error) {
      listDueAtMs = begunAtMs
      throw error
    }
    for (const watch of wanting()) {
      if (watch.listed) continue
      // Whoever came while names were listed waits for the first of them too.
      for (const name of watch.names.values()) if (!name.looked) waitForAll(watch, name)
      watch.listed = true
      for (const want of watch.wantsOfAll) oneLess(want)
    }
  }

  function addListed(watch: ModelWatch, ticker: Ticker): void {
    const isNew = !watch.names.has(ticker)
    const name = watched(watch, ticker)
    if (!isNew && (name.looked || watch.listed)) return
    // Of a name that comes later its first rate is a move: they are listening already.
    if (watch.listed) name.looked = true
    else waitForAll(watch, name)
    lookSoon(watch, name)
  }

  function waitForAll(watch: ModelWatch, name: Watched): void {
    for (const want of watch.wantsOfAll) if (!name.waiting.includes(want)) waitFor(want, name)
  }

  async function look(watch: ModelWatch, names: readonly Watched[], renewing: boolean): Promise<void> {
    const newsAtMs = names.reduce((latest, name) => Math.max(latest, name.newsAtMs ?? 0), 0)
    const heard = new Map(names.map((name) => [name, name.newsAtMs]))
    for (const name of names) name.newsAtMs = null
    const ask = {
      model: watch.model,
      tickers: names.map(({ ticker }) => ticker),
      heldMsMax: newsAtMs === 0 ? null : Math.max(0, nowMs() - newsAtMs),
      renewing,
    }
    let found: Map<Ticker, WatchedRate>
    try {
      found = new Map((await news.rates(ask, context())).map((rate) => [rate.ticker, rate]))
    } catch (error) {
      for (const name of names) {
        if (watch.names.get(name.ticker) !== name) continue
        name.newsAtMs ??= heard.get(name) ?? null
        lookSoon(watch, name)
      }
      throw error
    }
    count.looks += 1
    const moves: RateMove[] = []
    const satisfied: Want[] = []
    for (const name of names) {
      // Nobody wants it any more.
      if (watch.names.get(name.ticker) !== name) continue
      const now = found.get(name.ticker)
      if (now !== undefined) {
        if (name.looked && !isSame(name.known, now)) moves.push({ now, before: name.known?.rate ?? null })
        name.known = now
      }
      name.looked = true
      name.dueAtMs = nowMs() + LOOK_EVERY_MS * (1 - SOONER_SHARE * random())
      satisfied.push(...name.waiting.splice(0))
    }
    const told = moves.length === 0 ? null : onMoves(watch.model, moves)
    for (const want of satisfied) oneLess(want)
    await told
  }

  function oneLess(want: Want): void {
    want.left -= 1
    if (want.left === 0) want.onReady()
  }

  function hear(watch: ModelWatch, name: Watched, atMs: number): void {
    name.newsAtMs = atMs
    lookSoon(watch, name)
  }

  return {
    want(model, tickers, onReady) {
      const watch = watchOf(model)
      const want: Want = { onReady, left: 0 }
      let released = false
      if (tickers === null) wantAll(watch, want)
      else wantNamed(watch, tickers, want)
      wake()
      return {
        get ready() {
          return want.left === 0
        },
        known() {
          const names = tickers ?? [...watch.names.keys()]
          return names.flatMap((ticker) => watch.names.get(ticker)?.known ?? [])
        },
        release() {
          if (released) return
          released = true
          want.left = Number.POSITIVE_INFINITY
          if (tickers === null) releaseAll(watch, want)
          else releaseNamed(watch, tickers)
          if (watch.names.size === 0 && watch.wantsOfAll.size === 0 && models.get(model) === watch) models.delete(model)
        },
      }
    },

    changed(tickers) {
      const now = nowMs()
      for (const watch of models.values()) {
        for (const key of tickers) {
          const ticker = asTicker(key)
          if (ticker === null) continue
          if (watch.listed && !watch.names.has(ticker)) addListed(watch, ticker)
          const name = watch.names.get(ticker)
          if (name !== undefined) hear(watch, name, now)
        }
      }
      wake()
    },

    changedAll() {
      const now = nowMs()
      if (listDueAtMs !== null) listDueAtMs = now
      for (const watch of models.values()) for (const name of watch.names.values()) hear(watch, name, now)
      wake()
    },

    stats() {
      let names = 0
      let waiting = 0
      for (const watch of models.values()) {
        names += watch.names.size
        waiting += watch.named.size + watch.others.size
      }
      return { names, waiting, ...count }
    },

    async close() {
      closed = true
      clearInterval(due)
      wake()
      await working
    },
  }
}

function isSame(known: WatchedRate | null, now: WatchedRate): boolean {
  return known !== null && known.rate === now.rate && known.facts === now.facts
}
