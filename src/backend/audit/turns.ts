// Long work beside a service that answers: it stops every few milliseconds and lets whatever waits go first.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work at a stretch: a question that comes in between waits no longer than this. */
const TURN_MS = 5

/**
 * @returns a function to be asked after each piece of work: null while the turn lasts, else a promise to wait for before the next
 */
export function turns(): () => Promise<void> | null {
  let endsAt = performance.now() + TURN_MS
  return () => {
    if (performance.now() < endsAt) return null
    return nextTurn().then(() => {
      endsAt = performance.now() + TURN_MS
    })
  }
}
