// Addresses from which bad credentials came, so that trying keys is slow. A good key works at once from any address: only
// the answers to bad ones are held back, and only so many at a time, so that holding costs little.
import { LRUCache } from 'lru-cache'
import type { Clock } from '../server/uuidv7.ts'

/** Tries that are answered at once. */
export const TRIES_MAX = 5
export const TRIES_WINDOW_MS = 5 * 60_000
const ADDRESSES_MAX = 10_000

export interface BadTries {
  /** Notes a bad try. @returns true when this address has had its tries: the answer is to be held back */
  note(address: string): boolean
}

export function badTries(clock: Clock): BadTries {
  const windows = new LRUCache<string, { startedAtMs: number; tries: number }>({ max: ADDRESSES_MAX })
  return {
    note(address) {
      const now = clock().getTime()
      let window = windows.get(address)
      if (window === undefined || now - window.startedAtMs >= TRIES_WINDOW_MS) {
        window = { startedAtMs: now, tries: 0 }
        windows.set(address, window)
      }
      window.tries += 1
      return window.tries > TRIES_MAX
    },
  }
}
