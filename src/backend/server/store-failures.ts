// What the drivers of stores throw when a store is away: refused, cut off, full, or silent. It is no bug of ours and passes by
// itself, so whoever asked is told to come again. What a store says about a statement stays a bug.
import { Problem } from './problem.ts'

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** SQLSTATE: connection exceptions, insufficient resources (53), shutting down, crashed or not up yet (57P). */
const STATES = /^(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P0[1-5])$/

/** The drivers give some failures no code. */
const SENTENCES = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect$/,
  /^Query read timeout$/,
  /^Client has encountered a connection error/,
]

/** @returns the problem to answer with when the error says that a store is away, else null */
export function problemOfStore(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null
  // A host with several addresses that all refused.
  const { code } = (error instanceof AggregateError ? (error.errors[0] ?? error) : error) as { code?: unknown }
  const away =
    typeof code === 'string'
      ? SYSTEM_CODES.has(code) || STATES.test(code)
      : SENTENCES.some((sentence) => sentence.test(error.message))
  return away
    ? new Problem('SERVICE_UNAVAILABLE', 'Something that this service needs is away now', { cause: error })
    : null
}
