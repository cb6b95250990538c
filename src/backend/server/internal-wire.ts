// The form of a call between our own services. Concurrent calls of one operation share a request: a body of lines, one for
// each call, and an answer of lines, one for each call as it finishes, in any order.
//
//     POST /internal/quote                                    200
//     {"i":0,"id":"…","trace":"…","left_ms":9980,"ask":{…}}    {"i":1,"ok":{…}}
//     {"i":1,"id":"…","trace":"…","left_ms":9990,"ask":{…}}    {"i":0,"problem":{"code":"TICKER_NOT_FOUND",…}}
//
// A stream is a request with one call, and an answer of text that is passed on as it comes, in whole lines. Its last line is not
// the answer's: it says how the stream ended, so that one that broke is never taken for a short one.
//
//     POST /internal/audit-export                             200
//     {"i":0,"id":"…","trace":"…","left_ms":9980,"ask":{…}}    …any text…
//                                                             NUL ok          or   NUL {"code":"SERVICE_UNAVAILABLE",…}
import type { CallContext } from './call-context.ts'
import { type ErrorCode, FAILURES, Problem, type ProblemOptions, type ValidationError } from './problem.ts'
import type { Codec } from './wire-codec.ts'

/** A value as the text of one JSON value without line ends, and back. */
export interface LineText<T> {
  readonly write: (value: T) => string
  /** @throws TypeError when the text is not such a value */
  readonly read: (text: string) => T
}

/** What a service offers: a name, and what goes there and back. Both ends of a wire are made from the same object. */
export interface Operation<Ask, Answer> {
  readonly name: string
  readonly ask: LineText<Ask>
  readonly answer: LineText<Answer>
  /** Asking twice does no harm: a call whose connection broke may be sent again. */
  readonly repeatable: boolean
}

/** What a service offers as a stream: a name, and what is asked. Both ends of the wire are made from the same object. */
export interface StreamOperation<Ask> {
  readonly name: string
  readonly ask: LineText<Ask>
}

/**
 * A stream as a function: text in pieces of whole lines, each line ended, until the work is done or `signal` says that nobody
 * reads on. It may take as long as it takes; the context's deadline does not end it.
 */
export type TextStream<Ask> = (ask: Ask, context: CallContext, signal: AbortSignal) => AsyncIterable<string>

export function lineOf<T>(codec: Codec<T>, name: string): LineText<T> {
  return {
    write: (value) => JSON.stringify(codec.write(value)),
    read: (text) => codec.read(JSON.parse(text), name),
  }
}

export const PATH = '/internal/'
export const NDJSON = 'application/x-ndjson'

/** A call as a line, without its line end. */
export function writeCall(index: number, context: CallContext, ask: string, nowMs: number): string {
  const leftMs = Math.max(0, Math.ceil(context.deadlineMs - nowMs))
  return `{"i":${index},"id":${JSON.stringify(context.requestId)},"trace":"${context.traceparent}","left_ms":${leftMs},"ask":${ask}}`
}

export interface ReadCall {
  readonly index: number
  readonly context: CallContext
  readonly ask: string
}

const CALL =
  /^\{"i":([0-9]{1,6}),"id":("[A-Za-z0-9._-]{1,64}"),"trace":"([0-9a-f-]{1,100})","left_ms":([0-9]{1,9}),"ask":/

/** @returns the call, or null when the line is none. Its parts stand where `writeCall` puts them, so the ask is cut out, not parsed. */
export function readCall(line: string, nowMs: number): ReadCall | null {
  const match = CALL.exec(line)
  if (match === null || !line.endsWith('}')) return null
  return {
    index: Number(match[1]),
    context: {
      requestId: (match[2] as string).slice(1, -1),
      traceparent: match[3] as string,
      deadlineMs: nowMs + Number(match[4]),
    },
    ask: line.slice(match[0].length, -1),
  }
}

export function writeAnswer(index: number, answer: string): string {
  return `{"i":${index},"ok":${answer}}\n`
}

export function writeProblem(index: number, problem: Problem): string {
  return `{"i":${index},"problem":${JSON.stringify(problemJson(problem))}}\n`
}

/** Begins the line that ends a stream; no text that is recorded has this character. */
const STREAM_END = '\u0000'

/** The last line of a stream that was sent whole. */
export const STREAM_OK = `${STREAM_END}ok\n`

/** The last line of a stream that could not be sent whole. */
export function writeStreamProblem(problem: Problem): string {
  return `${STREAM_END}${JSON.stringify(problemJson(problem))}\n`
}

/** Tells a stream's last line from its text. */
export function readStreamEnd(line: string): 'ok' | Problem | null {
  if (!line.startsWith(STREAM_END)) return null
  return `${line}\n` === STREAM_OK ? 'ok' : problemOfJson(JSON.parse(line.slice(1)) as ProblemJson)
}

/** A failure inside a message: of one line of many, for instance. */
export const PROBLEM: Codec<Problem> = {
  write: problemJson,
  read: (json) => problemOfJson(json as ProblemJson),
}

function problemJson(problem: Problem): Record<string, unknown> {
  return {
    code: problem.code,
    sentence: problem.message,
    details: problem.details,
    validation_errors: problem.validationErrors,
    valid_params: problem.validParams,
    retry_after: problem.retryAfterSeconds,
  }
}

export type ReadAnswer = { readonly index: number } & (
  | { readonly ok: true; readonly answer: string }
  | { readonly ok: false; readonly problem: Problem }
)

const ANSWER = /^\{"i":([0-9]{1,6}),"(ok|problem)":/

/** @returns the answer, or null when the line is none. */
export function readAnswer(line: string): ReadAnswer | null {
  const match = ANSWER.exec(line)
  if (match === null || !line.endsWith('}')) return null
  const index = Number(match[1])
  const rest = line.slice(match[0].length, -1)
  return match[2] === 'ok'
    ? { index, ok: true, answer: rest }
    : { index, ok: false, problem: problemOfJson(JSON.parse(rest) as ProblemJson) }
}

interface ProblemJson {
  readonly code: string
  readonly sentence: string
  readonly details?: ProblemOptions['details']
  readonly validation_errors?: readonly ValidationError[]
  readonly valid_params?: readonly string[]
  readonly retry_after?: number
}

function problemOfJson(body: ProblemJson): Problem {
  // A newer service may know a failure that this one does not: then it is a failure all the same.
  const code = Object.hasOwn(FAILURES, body.code) ? (body.code as ErrorCode) : 'INTERNAL_ERROR'
  return new Problem(code, body.sentence, {
    ...(body.details && { details: body.details }),
    ...(body.validation_errors && { validationErrors: body.validation_errors }),
    ...(body.valid_params && { validParams: body.valid_params }),
    ...(body.retry_after !== undefined && { retryAfterSeconds: body.retry_after }),
  })
}
