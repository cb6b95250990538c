// How many requests a broker has left. A window of 60 s opens at its first request; all its keys and endpoints share it.
// The limiter checks before it adds: a refused request consumes nothing, so a client that keeps knocking is let in as soon
// as the window ends.
import type { Clock } from '../server/uuidv7.ts'

export const WINDOW_MS = 60_000

export interface Taken {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  /** Until the window ends, whole seconds, at least 1. */
  readonly resetSeconds: number
}

/** The port: a store that all replicas share fits it as well as this process's memory. */
export interface RateLimiter {
  /** @param cost what the request counts, 1 for most */
  take(clientId: string, limit: number, cost: number): Promise<Taken>
}

/** Windows kept before the ended ones are swept out. Keys come from authenticated brokers only, so there are few. */
const WINDOWS_BEFORE_SWEEP = 1000

/** Counts in this process alone. */
export function inProcessRateLimiter(clock: Clock): RateLimiter {
  const windows = new Map<string, { endsAtMs: number; used: number }>()
  let sweepAt = WINDOWS_BEFORE_SWEEP

  function sweep(now: number): void {
    for (const [clientId, window] of windows) if (window.endsAtMs <= now) windows.delete(clientId)
    sweepAt = Math.max(WINDOWS_BEFORE_SWEEP, windows.size * 2)
  }

  return {
    async take(clientId, limit, cost) {
      const now = clock().getTime()
      let window = windows.get(clientId)
      if (window === undefined || window.endsAtMs <= now) {
        if (windows.size >= sweepAt) sweep(now)
        window = { endsAtMs: now + WINDOW_MS, used: 0 }
        windows.set(clientId, window)
      }
      const allowed = window.used + cost <= limit
      if (allowed) window.used += cost
      return {
        allowed,
        limit,
        remaining: Math.max(0, limit - window.used),
        resetSeconds: Math.max(1, Math.ceil((window.endsAtMs - now) / 1000)),
      }
    },
  }
}
