// A circuit breaker: after so many failures within a window nobody calls any more; after a pause one call at a time tries, and
// so many successes in a row close it again. Whoever is not let through is told at once and waits for nobody: a trial call that
// hangs must not hold others. The clock is an argument, so that a test can wait a minute in no time.
import type { Clock } from './uuidv7.ts'

export interface BreakerLimits {
  /** So many failures within the window open it. */
  readonly failures: number
  readonly windowSeconds: number
  /** How long nobody calls. */
  readonly openSeconds: number
  /** So many trial calls in a row must succeed before everybody may call again. */
  readonly successes: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** Leave for one call. Exactly one of the three is said at its end. */
export interface BreakerPass {
  succeeded(): void
  failed(): void
  /** The call says nothing about the other side: it was never made, or broken off by us. */
  withdrawn(): void
}

export interface Breaker {
  /** Leave to call now, or null: nobody may, or a trial call is under way. */
  enter(): BreakerPass | null
  /** Whether {@link enter} would give leave now. */
  readonly passable: boolean
  readonly state: BreakerState
}

/** @param onChange told each new state, after it is in force */
export function breaker(
  limits: BreakerLimits,
  clock: Clock,
  onChange: (state: BreakerState) => void = () => {},
): Breaker {
  let state: BreakerState = 'closed'
  // Counts the states there were: what a call of an earlier one says is no longer about this one.
  let period = 0
  let failures: number[] = []
  let successes = 0
  let openedAt = 0
  let trialUnderWay = false

  function change(next: BreakerState): void {
    state = next
    period += 1
    failures = []
    successes = 0
    trialUnderWay = false
    if (next === 'open') openedAt = clock().getTime()
    onChange(next)
  }

  function failed(): void {
    if (state === 'half-open') {
      change('open')
      return
    }
    const now = clock().getTime()
    failures = [...failures.filter((at) => now - at < limits.windowSeconds * 1000), now]
    if (failures.length >= limits.failures) change('open')
  }

  function succeeded(): void {
    if (state !== 'half-open') return
    successes += 1
    if (successes >= limits.successes) change('closed')
  }

  const pauseIsOver = () => clock().getTime() - openedAt >= limits.openSeconds * 1000

  return {
    enter() {
      if (state === 'open' && pauseIsOver()) change('half-open')
      if (state === 'open' || (state === 'half-open' && trialUnderWay)) return null
      if (state === 'half-open') trialUnderWay = true
      const entered = period
      const end = (said: () => void) => () => {
        if (entered !== period) return
        trialUnderWay = false
        said()
      }
      return { succeeded: end(succeeded), failed: end(failed), withdrawn: end(() => {}) }
    },
    get passable() {
      return state === 'closed' || (state === 'half-open' ? !trialUnderWay : pauseIsOver())
    },
    get state() {
      return state
    },
  }
}
