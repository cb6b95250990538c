// What the engine says when it does not answer: its own sentence and code, kept as they came.

export interface ValidationError {
  readonly field: string
  readonly location: string
  readonly message: string
}

/** A refusal of the engine, or no answer at all (`status` 0, `code` `NO_ANSWER`). `message` is the sentence for a person. */
export class BorrowRateError extends Error {
  override readonly name = 'BorrowRateError'
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  /** The engine's error code, `NO_ANSWER` (nothing came) or `UNREADABLE_ANSWER` (what came was not the engine's JSON). */
  readonly code: string
  readonly validationErrors: readonly ValidationError[]
  /** The request's id, to quote to whoever runs the engine; null when no answer came. */
  readonly requestId: string | null
  /** How long the engine asks to wait before another try; null when it does not say. */
  readonly retryAfterSeconds: number | null

  constructor(
    sentence: string,
    about: {
      status: number
      code: string
      validationErrors?: readonly ValidationError[]
      requestId?: string | null
      retryAfterSeconds?: number | null
      cause?: unknown
    },
  ) {
    super(sentence, { cause: about.cause })
    this.status = about.status
    this.code = about.code
    this.validationErrors = about.validationErrors ?? []
    this.requestId = about.requestId ?? null
    this.retryAfterSeconds = about.retryAfterSeconds ?? null
  }

  /** The same text as `message`, under the name the contract uses. */
  get sentence(): string {
    return this.message
  }
}
