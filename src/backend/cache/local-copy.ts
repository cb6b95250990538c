// A copy in this process of what a slower place knows, for some seconds. Callers that ask for the same missing key share one
// load; a failed load is not kept, nor one that began before a drop; that something does not exist is kept for a shorter time.
// While that place is away a copy serves some minutes longer, unless it was dropped.
import { recentlyUsed } from '../server/recently-used.ts'
import { type AgedCopy, orAgedCopy } from './aged-copy.ts'

export interface LocalCopy<V> {
  /** The value, or null when there is none; no promise when a copy is at hand. Rejects as the load does. */
  get(key: string): V | null | Promise<V | null>
  /** Forgets everything, or one key: the next `get` loads. Loads under way answer who asked for them, and are not kept. */
  drop(key?: string): void
  /**
   * News may have been missed: each key is asked for again before its copy is used, and what loads under way find is not kept. Only
   * while the place is away do copies serve on.
   */
  doubt(): void
}

/** That a key does not exist is believed for this long. */
const ABSENT_SECONDS = 5

interface Entry<V> extends AgedCopy<V | null> {
  freshUntilMs: number
}

/**
 * @param load asks the slower place; null means that there is none
 * @param seconds how long a value may be used without asking; 0: not at all
 * @param awaySeconds until which age it is used while the place is away
 * @param entriesMax the least recently used leave first
 */
export function localCopy<V extends object>(options: {
  readonly load: (key: string) => Promise<V | null>
  readonly seconds: number
  readonly awaySeconds: number
  readonly entriesMax: number
}): LocalCopy<V> {
  const { load, seconds, awaySeconds, entriesMax } = options
  const freshMs = Math.round(seconds * 1000)
  const keptMs = seconds > 0 ? Math.max(freshMs, Math.round(awaySeconds * 1000)) : 0
  // A ttl of 0 would mean "for ever" to the library; a copy of no seconds is asked for by each caller anew.
  const entries = recentlyUsed<string, Entry<V>>(entriesMax, { ttl: Math.max(1, keptMs) })
  // Not the library's own fetch: it fails a load that is under way when its key is dropped, and a caller with it.
  const loads = new Map<string, Promise<V | null>>()

  function begin(key: string): Promise<V | null> {
    const loading = (async () => await load(key))()
      .then((value) => {
        // Dropped or begun anew since: what this one found may be from before.
        if (loads.get(key) === loading) keep(key, value)
        return value
      })
      .finally(() => {
        if (loads.get(key) === loading) loads.delete(key)
      })
    loads.set(key, loading)
    return loading
  }

  function keep(key: string, value: V | null): void {
    const isAbsent = value === null
    const ownFreshMs = isAbsent ? Math.min(freshMs, ABSENT_SECONDS * 1000) : freshMs
    const entry = { value, freshUntilMs: performance.now() + ownFreshMs, quietUntilMs: 0, doubted: false }
    entries.set(key, entry, isAbsent ? { ttl: Math.max(1, ownFreshMs) } : {})
  }

  return {
    get: (key) => {
      const entry = entries.get(key)
      if (entry !== undefined && performance.now() < entry.freshUntilMs) return entry.value
      const answer = () => loads.get(key) ?? begin(key)
      return entry === undefined ? answer() : orAgedCopy(entry, answer)
    },
    drop: (key) => {
      if (key === undefined) {
        entries.clear()
        loads.clear()
      } else {
        entries.delete(key)
        loads.delete(key)
      }
    },
    doubt: () => {
      loads.clear()
      for (const entry of entries.values()) {
        entry.freshUntilMs = 0
        entry.quietUntilMs = 0
        entry.doubted = true
      }
    },
  }
}
