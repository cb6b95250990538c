// The one table of expected failures, and the exception that carries one of them to the edge.
//
// Whoever can name what went wrong throws a `Problem` with a code of this table; `server.ts` turns it into the answer.
// Anything else that is thrown is a bug: the client sees INTERNAL_ERROR and nothing more. `docs/errors.md` has a row for
// every row here, and a test compares the two.

/** One row of the table. `remedy` tells the caller what to do next. */
export interface Failure {
  readonly status: number
  readonly meaning: string
  readonly remedy: string
  /** Sent as `Retry-After` when the thrower names no other number. Every 429 and 503 has one. */
  readonly retryAfterSeconds?: number
}

export const FAILURES = {
  INVALID_PARAMETER: {
    status: 400,
    meaning: 'The request cannot be read, or a parameter is missing or outside its bounds.',
    remedy: 'Correct the fields that validation_errors names and send the request again.',
  },
  UNAUTHORIZED: {
    status: 401,
    meaning: 'No valid credential came with the request.',
    remedy: 'Send a valid, unexpired API key in the X-API-Key header, or renew the access token.',
  },
  FORBIDDEN: {
    status: 403,
    meaning: 'The credential is valid, and its role or broker may not do this.',
    remedy: 'Use a credential with the role that the operation needs, or ask for your own client_id only.',
  },
  NOT_FOUND: {
    status: 404,
    meaning: 'There is nothing at this address, or nothing that this credential may see.',
    remedy: 'Check the path and the identifier in it.',
  },
  TICKER_NOT_FOUND: {
    status: 404,
    meaning: 'No stock and no market observation is known under this ticker.',
    remedy: 'Check the ticker; it is case-sensitive, and share classes are written as BRK.B.',
  },
  CLIENT_NOT_FOUND: {
    status: 404,
    meaning: 'No active broker has this client_id.',
    remedy: 'Check the client_id, or ask an administrator whether the broker is active.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The path exists, under other methods.',
    remedy: 'Use one of the methods that the Allow header names.',
  },
  CONFLICT: {
    status: 409,
    meaning: 'The change does not fit what is stored now.',
    remedy: 'Read the current state and decide again.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    meaning: 'The version in If-Match is not the current one.',
    remedy: 'Read the current version and apply the change to that.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    meaning: 'The body, the address or the batch is larger than this endpoint reads.',
    remedy: 'Send less at once; split a batch.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: 'The body is of a media type that this endpoint does not read.',
    remedy: 'Send Content-Type: application/json.',
  },
  IDEMPOTENCY_CONFLICT: {
    status: 422,
    meaning: 'The Idempotency-Key was used before with another body.',
    remedy: 'Use a new key for a new request.',
  },
  PRECONDITION_REQUIRED: {
    status: 428,
    meaning: 'The change needs an If-Match header.',
    remedy: 'Read the current version and send it in If-Match.',
  },
  RATE_LIMIT_EXCEEDED: {
    status: 429,
    meaning:
      'The requests of this window are used up, too many bad credentials came from this address, or the key has all its streams open.',
    remedy: 'Wait for the seconds in Retry-After.',
    retryAfterSeconds: 60,
  },
  CALCULATION_ERROR: {
    status: 500,
    meaning: 'The price could not be computed from its inputs.',
    remedy: 'Report the request id; nothing was charged or recorded as a quote.',
  },
  INTERNAL_ERROR: {
    status: 500,
    meaning: 'A fault of the service itself.',
    remedy: 'Report the request id.',
  },
  EXTERNAL_API_UNAVAILABLE: {
    status: 503,
    meaning: 'Neither a lender rate nor a floor rate is known for this ticker now.',
    remedy: 'Try again after the seconds in Retry-After.',
    retryAfterSeconds: 30,
  },
  AUDIT_UNAVAILABLE: {
    status: 503,
    meaning: 'The record of the price cannot be kept now, so no price leaves.',
    remedy: 'Try again after the seconds in Retry-After.',
    retryAfterSeconds: 2,
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    meaning: 'The service is overloaded, draining, or something that it needs is away.',
    remedy: 'Try again after the seconds in Retry-After.',
    retryAfterSeconds: 2,
  },
} as const satisfies Record<string, Failure>

export type ErrorCode = keyof typeof FAILURES

/** The row of a code, with its optional columns. */
export function failureOf(code: ErrorCode): Failure {
  return FAILURES[code]
}

/** What is wrong with one field, in a sentence that never repeats what was sent. */
export interface ValidationError {
  readonly field: string
  readonly location: 'body' | 'query' | 'path' | 'header'
  readonly message: string
}

export interface ProblemOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly validationErrors?: readonly ValidationError[]
  /** The names that this request may carry, so that a misspelt one is found. */
  readonly validParams?: readonly string[]
  readonly retryAfterSeconds?: number
  /** Extra answer headers: `Allow` of a 405. */
  readonly headers?: Readonly<Record<string, string>>
  /** For the log only. Never leaves the process. */
  readonly cause?: unknown
}

/** An expected failure. The sentence is for the client: no library, path, SQL or unchecked input in it. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly validationErrors: readonly ValidationError[] | undefined
  readonly validParams: readonly string[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(code: ErrorCode, sentence: string, options: ProblemOptions = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    const failure = failureOf(code)
    this.status = failure.status
    this.details = options.details
    this.validationErrors = options.validationErrors
    this.validParams = options.validParams
    this.retryAfterSeconds = options.retryAfterSeconds ?? failure.retryAfterSeconds
    this.headers = options.headers
  }
}

/** The one error shape of the contract. */
export interface ErrorBody {
  readonly status: 'error'
  readonly error: string
  readonly error_code: ErrorCode
  readonly details?: Readonly<Record<string, unknown>>
  readonly validation_errors?: readonly ValidationError[]
  readonly valid_params?: readonly string[]
}

/** A problem as the answer's body. */
export function problemBody(problem: Problem): ErrorBody {
  return {
    status: 'error',
    error: problem.message,
    error_code: problem.code,
    ...(problem.details && { details: problem.details }),
    ...(problem.validationErrors && { validation_errors: problem.validationErrors }),
    ...(problem.validParams && { valid_params: problem.validParams }),
  }
}

/**
 * One INVALID_PARAMETER for all faults of a request. Its sentence begins "Invalid parameter" and names every field.
 * @param faults at least one
 */
export function invalidParameters(faults: readonly ValidationError[], validParams?: readonly string[]): Problem {
  const sentence = `Invalid parameter: ${faults.map((fault) => fault.message).join('; ')}`
  return new Problem('INVALID_PARAMETER', sentence, {
    validationErrors: faults,
    ...(validParams && { validParams }),
  })
}
