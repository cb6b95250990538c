// How many requests a broker has left. A window of 60 s opens at its first request; all its keys and endpoints share it.
// The limiter checks before it adds: a refused request consumes nothing, so a client that keeps knocking is let in as soon
// as the window ends. What counts in this process alone stands here; shared-rate-limit.ts counts for all replicas.
import { recentlyUsed } from '../server/recently-used.ts'
import type { Clock } from '../server/uuidv7.ts'

export const WINDOW_MS = 60_000

export interface Taken {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  /** Until the window ends, whole seconds, at least 1. */
  readonly resetSeconds: number
  /** What was counted; 0 for what is refused. */
  readonly cost: number
  /** Until the window ends; 0 when none is open. */
  readonly leftMs: number
  /** By all replicas together, or by this process alone. */
  readonly counted: 'together' | 'alone'
}

/** The port: a store that all replicas share fits it as well as this process's memory. */
export interface RateLimiter {
  /**
   * A cost above the limit never fits: it is refused, and opens no window.
   * @param cost what the request counts, 1 for most
   * @param earlier what the same request was allowed before, when only now is known what it costs in all: that is counted
   * into the cost, and given back when the whole does not fit. At most half a window may lie between the two.
   * @returns no promise where nothing has to be waited for
   */
  take(clientId: string, limit: number, cost: number, earlier?: Taken | null): Taken | Promise<Taken>
}

export interface InProcessRateLimiterOptions {
  readonly clock: Clock
  readonly windowMs?: number
  /** Windows that are kept; beyond that the one that was longest not asked for is forgotten. */
  readonly windowsMax?: number
}

const WINDOWS_MAX = 100_000

interface Window {
  readonly endsAtMs: number
  used: number
}

/** Counts in this process alone. */
export function inProcessRateLimiter(options: InProcessRateLimiterOptions): RateLimiter & {
  take(...asked: Parameters<RateLimiter['take']>): Taken
} {
  const { clock, windowMs = WINDOW_MS, windowsMax = WINDOWS_MAX } = options
  const windows = recentlyUsed<string, Window>(windowsMax)

  function openWindow(clientId: string, nowMs: number): Window | null {
    const window = windows.get(clientId)
    if (window === undefined) return null
    const leftMs = window.endsAtMs - nowMs
    // More than a window: the clock was set back.
    return leftMs > 0 && leftMs <= windowMs ? window : null
  }

  return {
    take(clientId, limit, cost, earlier = null) {
      const nowMs = clock().getTime()
      let window = openWindow(clientId, nowMs)
      const before = window === null ? 0 : givenBack(earlier, window.used, window.endsAtMs - nowMs)
      const allowed = (window?.used ?? 0) - before + cost <= limit
      if (window !== null) window.used += (allowed ? cost : 0) - before
      else if (allowed) {
        window = { endsAtMs: nowMs + windowMs, used: cost }
        windows.set(clientId, window)
      }
      const leftMs = window === null ? 0 : window.endsAtMs - nowMs
      return taken({ allowed, limit, cost, used: window?.used ?? 0, leftMs, windowMs, counted: 'alone' })
    },
  }
}

/** What was taken earlier, when it was taken of this very window: the time that a window has left only ever falls. */
function givenBack(earlier: Taken | null, used: number, leftMs: number): number {
  return earlier !== null && leftMs <= earlier.leftMs ? Math.min(earlier.cost, used) : 0
}

/** @param window.used after this request */
export function taken(window: {
  readonly allowed: boolean
  readonly limit: number
  readonly cost: number
  readonly used: number
  readonly leftMs: number
  readonly windowMs: number
  readonly counted: Taken['counted']
}): Taken {
  const { allowed, limit, cost, used, leftMs, windowMs, counted } = window
  return {
    allowed,
    limit,
    remaining: Math.max(0, limit - used),
    resetSeconds: Math.max(1, Math.ceil((leftMs > 0 ? leftMs : windowMs) / 1000)),
    cost: allowed ? cost : 0,
    leftMs,
    counted,
  }
}
