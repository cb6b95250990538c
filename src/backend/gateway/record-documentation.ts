// Parts of the documentation that the routes of records share.
import { Type } from 'typebox'
import { NDJSON } from '../server/internal-wire.ts'

/** What every one of them can fail with. */
export const RECORD_FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const

const TEXT_OR_NULL = Type.Union([Type.String(), Type.Null()])

/** What a replayed price differs in from the recorded one. */
export const DIFFERENCES = Type.Array(
  Type.Object({
    field: Type.String({ description: "As the quote's answer names it.", examples: ['breakdown.markup'] }),
    recorded: TEXT_OR_NULL,
    replayed: TEXT_OR_NULL,
  }),
)

/** The last line of work that failed on the way. */
export const LINE_ERROR = Type.Object(
  { type: Type.Literal('error'), status: Type.Literal('error'), error: Type.String(), error_code: Type.String() },
  { description: 'The last line, when the work failed on the way.' },
)

export const LINES_TOO = `With \`Accept: ${NDJSON}\` lines come while the work goes on: of type progress, and at the end one of type result, or of type error.`
