// W3C's trace context as text, `00-<trace>-<span>-<flags>`: which request something is part of, across services, and whether anybody
// looks at it (https://www.w3.org/TR/trace-context/).
import { randomFillSync } from 'node:crypto'

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const SAMPLED = 1

/** Whether a text is a trace context that can be passed on. */
export const isTraceparent = (text: unknown): text is string => typeof text === 'string' && TRACEPARENT.test(text)

/** The id of the trace, 32 hexadecimal digits. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35)

/** The id of the span that it stands for, 16 hexadecimal digits. */
export const spanIdOf = (traceparent: string): string => traceparent.slice(36, 52)

export const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.slice(53), 16) & SAMPLED) !== 0

const TRACE_BYTES = 16
const IDS_BYTES = 24
/** Randomness for many traces at once: asking for a little costs as much as asking for all of it. */
const pool = Buffer.alloc(IDS_BYTES * 256)
let used = pool.length

/** A trace that begins here. */
export function newTraceparent(sampled: boolean): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const trace = pool.toString('hex', used, used + TRACE_BYTES)
  const span = pool.toString('hex', used + TRACE_BYTES, used + IDS_BYTES)
  used += IDS_BYTES
  return `00-${trace}-${span}-${sampled ? '01' : '00'}`
}
