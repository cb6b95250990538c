// What travels with a request from service to service: its id, its trace, and how long anybody waits for the answer.
import { isTraceparent, newTraceparent } from './traceparent.ts'

export interface CallContext {
  readonly requestId: string
  /** W3C trace context of the request, passed on as it came. */
  readonly traceparent: string
  /** Milliseconds since the epoch, this process's clock: after that nobody waits for the answer. */
  readonly deadlineMs: number
}

/** A request that says nothing else is given up after this. */
export const DEADLINE_DEFAULT_MS = 10_000

/** The trace context of a request's header; a new one, not sampled, when it has none that is valid. */
export function traceparentOf(header: string | string[] | undefined): string {
  return isTraceparent(header) ? header : newTraceparent(false)
}

/** The context of work that no request asked for. */
export function ownContext(requestId: string, waitMs = DEADLINE_DEFAULT_MS): CallContext {
  return { requestId, traceparent: traceparentOf(undefined), deadlineMs: Date.now() + waitMs }
}
