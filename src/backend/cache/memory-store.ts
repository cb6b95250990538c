// The store of an installation of one process: nothing to connect to, nothing that can be away.
import { recentlyUsed } from '../server/recently-used.ts'
import type { CacheStore, StoreEntry } from './cache-store.ts'

const ENTRIES_MAX = 100_000

/**
 * A store in this process.
 * @param entriesMax the least recently used leave first
 */
export function memoryStore(options: { readonly clock: () => Date; readonly entriesMax?: number }): CacheStore {
  const { clock, entriesMax = ENTRIES_MAX } = options
  const entries = recentlyUsed<string, { readonly value: string; readonly expiresAtMs: number }>(entriesMax)
  const listeners = new Map<string, Set<(message: string) => void>>()

  const read = (key: string): string | null => {
    const entry = entries.get(key)
    if (entry === undefined) return null
    if (clock().getTime() < entry.expiresAtMs) return entry.value
    entries.delete(key)
    return null
  }
  const write = ({ key, value, expireSeconds }: StoreEntry): void => {
    entries.set(key, { value, expiresAtMs: clock().getTime() + expireSeconds * 1000 })
  }

  return {
    get: async (key) => read(key),
    getMany: async (keys) => keys.map(read),
    set: async (key, value, expireSeconds) => write({ key, value, expireSeconds }),
    setMany: async (several) => several.forEach(write),
    delete: async (keys) => {
      for (const key of keys) entries.delete(key)
    },
    publish: async (channel, message) => {
      // Later, as over a wire: nobody is called back from within a publish.
      for (const listener of listeners.get(channel) ?? []) setImmediate(() => listener(message))
    },
    subscribe: async (channel, handler, onConnected) => {
      let listening = true
      // One of its own for each call: the same handler may listen twice.
      const listener = (message: string) => {
        if (listening) handler(message)
      }
      const others = listeners.get(channel) ?? new Set()
      listeners.set(channel, others.add(listener))
      setImmediate(() => {
        if (listening) onConnected()
      })
      return async () => {
        listening = false
        others.delete(listener)
      }
    },
    runScript: null,
    state: () => ({ connected: true, breaker: 'closed', failures: 0 }),
    close: async () => {
      entries.clear()
      listeners.clear()
    },
  }
}
