// What travels with a request from service to service: its id, its trace, and how long anybody waits for the answer.
import { randomBytes } from 'node:crypto'

export interface CallContext {
  readonly requestId: string
  /** W3C trace context of the request, passed on as it came. */
  readonly traceparent: string
  /** Milliseconds since the epoch, this process's clock: after that nobody waits for the answer. */
  readonly deadlineMs: number
}

/** A request that says nothing else is given up after this. */
export const DEADLINE_DEFAULT_MS = 10_000

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace context of a request's header; a new one, not sampled, when it has none that is valid. */
export function traceparentOf(header: string | string[] | undefined): string {
  if (typeof header === 'string' && TRACEPARENT.test(header)) return header
  const random = randomBytes(24).toString('hex')
  return `00-${random.slice(0, 32)}-${random.slice(32)}-00`
}

/** The context of work that no request asked for. */
export function ownContext(requestId: string, waitMs = DEADLINE_DEFAULT_MS): CallContext {
  return { requestId, traceparent: traceparentOf(undefined), deadlineMs: Date.now() + waitMs }
}
