// Addresses from which bad credentials came, so that trying keys is slow. A good key works at once from any address: only
// the answers to bad ones are held back, and only so many at a time, so that holding costs little. Tries are counted by the limiter
// that requests are counted by, so over all replicas where those share one.
import { recentlyUsed } from '../server/recently-used.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { RateLimiter } from './rate-limit.ts'
import { sameSender } from './sender.ts'

/** Tries that are answered at once. */
export const TRIES_MAX = 5
/** Of the limiter: within this, from the first one on. */
export const TRIES_WINDOW_MS = 5 * 60_000
/** Addresses that this process counts, or knows to have been told of. */
export const ADDRESSES_MAX = 10_000

export interface BadTry {
  /** This address has had its tries: the answer is to be held back. */
  readonly held: boolean
  /** This process has not said so of the address in this window: now is the time to tell somebody. */
  readonly first: boolean
}

export interface BadTries {
  /** Notes a bad try from an address. */
  note(address: string): Promise<BadTry>
}

/** @param limiter with windows of TRIES_WINDOW_MS */
export function badTries(limiter: RateLimiter, clock: Clock): BadTries {
  const toldUntilMs = recentlyUsed<string, number>(ADDRESSES_MAX)
  return {
    async note(address) {
      const sender = sameSender(address)
      const { allowed, leftMs } = await limiter.take(sender, TRIES_MAX, 1)
      if (allowed) return { held: false, first: false }
      const nowMs = clock().getTime()
      const first = (toldUntilMs.get(sender) ?? 0) <= nowMs
      if (first) toldUntilMs.set(sender, nowMs + leftMs)
      return { held: true, first }
    },
  }
}
