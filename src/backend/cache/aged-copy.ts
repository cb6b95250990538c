// A copy in a process that is past its time, while the place that it is from does not answer: better than no answer for some minutes,
// and never used without asking first. Nobody waits long for the answer, and after a silence nobody waits again for a moment.
import { Problem } from '../server/problem.ts'
import { problemOfStore } from '../server/store-failures.ts'

export interface AgedCopy<V> {
  readonly value: V
  /** Until then nobody asks again, by performance.now(): it was tried a moment ago. */
  quietUntilMs: number
  /** News may have been missed since: an answer is waited for, and only a place that is away makes this copy serve. */
  doubted: boolean
}

/** Longer than this a place of the same site does not take. */
const ANSWER_WAIT_MS = 250
const QUIET_MS = 1_000

/**
 * What the load gives; the copy when the place is away, or takes too long. Rejects as the load does for any other reason: what a place
 * that answers says, holds.
 */
export function orAgedCopy<V>(copy: AgedCopy<V>, load: () => Promise<V>): Promise<V> {
  if (performance.now() < copy.quietUntilMs) return Promise.resolve(copy.value)
  return new Promise((resolve, reject) => {
    const giveCopy = () => {
      copy.quietUntilMs = performance.now() + QUIET_MS
      resolve(copy.value)
    }
    const late = copy.doubted ? undefined : setTimeout(giveCopy, ANSWER_WAIT_MS)
    load()
      .then(resolve, (error: unknown) => (isAway(error) ? giveCopy() : reject(error)))
      .finally(() => clearTimeout(late))
  })
}

function isAway(error: unknown): boolean {
  return error instanceof Problem ? error.code === 'SERVICE_UNAVAILABLE' : problemOfStore(error) !== null
}
