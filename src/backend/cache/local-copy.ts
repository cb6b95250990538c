// A copy in this process of what a slower place knows, for some seconds. Callers that ask for the same missing key share one
// load; a failed load is not kept, nor one that began before a drop; that something does not exist is kept for a shorter time.
import { LRUCache } from 'lru-cache'

export interface LocalCopy<V> {
  /** The value, or null when there is none. Rejects as the load does. */
  get(key: string): Promise<V | null>
  /** Forgets everything, or one key: the next `get` loads. Loads under way answer who asked for them, and are not kept. */
  drop(key?: string): void
}

/** That a key does not exist is believed for this long. */
const ABSENT_SECONDS = 5

/**
 * @param load asks the slower place; null means that there is none
 * @param seconds how long a value may be used
 * @param entriesMax the least recently used leave first
 */
export function localCopy<V extends object>(options: {
  readonly load: (key: string) => Promise<V | null>
  readonly seconds: number
  readonly entriesMax: number
}): LocalCopy<V> {
  const { load, seconds, entriesMax } = options
  // A ttl of 0 would mean "for ever" to the library; a copy of no seconds is asked for by each caller anew.
  const ttl = Math.max(1, Math.round(seconds * 1000))
  const entries = new LRUCache<string, { readonly value: V | null }>({ max: entriesMax, ttl })
  // Not the library's own fetch: it fails a load that is under way when its key is dropped, and a caller with it.
  const loads = new Map<string, Promise<V | null>>()

  function begin(key: string): Promise<V | null> {
    const loading = (async () => await load(key))()
      .then((value) => {
        // Dropped or begun anew since: what this one found may be from before.
        if (loads.get(key) === loading) {
          entries.set(key, { value }, value === null ? { ttl: Math.min(ttl, ABSENT_SECONDS * 1000) } : {})
        }
        return value
      })
      .finally(() => {
        if (loads.get(key) === loading) loads.delete(key)
      })
    loads.set(key, loading)
    return loading
  }

  return {
    get: async (key) => {
      const entry = entries.get(key)
      return entry === undefined ? await (loads.get(key) ?? begin(key)) : entry.value
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
  }
}
