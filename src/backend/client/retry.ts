// When a call is tried again, and how long to wait before: only what cannot do the same thing twice, later each time, and never
// at the same moment as everybody else.
import { BorrowRateError } from './borrow-rate-error.ts'

export const TRIES_MAX_DEFAULT = 3
/** A longer wait than this is the caller's decision: the error then carries `retryAfterSeconds`. */
export const RETRY_WAIT_SECONDS_MAX = 10
/** The wait after the first try; it doubles from try to try. */
const BACKOFF_FIRST_MS = 200
const BACKOFF_MS_MAX = 5_000

/**
 * How often a request may be sent.
 * `always`: it changes nothing, or carries an Idempotency-Key. `answered`: again when the engine says that it could not serve it, not when
 * no answer came, since it may have been done. `never` twice: only after 429, which refuses before anything is done.
 */
export type Repeatable = 'always' | 'answered' | 'never'

/**
 * Milliseconds to wait before the next try; null when there must be none.
 * @param tries made so far
 * @param random from 0 to 1
 */
export function waitBeforeNext(
  error: unknown,
  tries: number,
  repeatable: Repeatable,
  random: () => number,
): number | null {
  if (!(error instanceof BorrowRateError)) return null
  const backoffMs = Math.min(BACKOFF_FIRST_MS * 2 ** (tries - 1), BACKOFF_MS_MAX)
  // Between half and all of it, so that those who were refused together do not come back together.
  const jittered = backoffMs * (0.5 + random() / 2)
  if (error.status === 0) return repeatable === 'always' ? jittered : null
  const { status, retryAfterSeconds } = error
  if (status !== 429 && (status !== 503 || repeatable === 'never')) return null
  if (retryAfterSeconds === null) return jittered
  return retryAfterSeconds > RETRY_WAIT_SECONDS_MAX ? null : retryAfterSeconds * 1000 + jittered
}

/** @throws the signal's reason when the caller has enough */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const end = () => {
      clearTimeout(timer)
      fail(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end)
      done()
    }, ms)
    if (signal?.aborted) return end()
    signal?.addEventListener('abort', end, { once: true })
  })
}
