// An answer that comes while the work goes on: its text in pieces, its lines, its steps. The platform's fetch and nothing else.
import { COUNTS } from './answers.ts'
import { BorrowRateError } from './borrow-rate-error.ts'
import { parseExactJson } from './exact-json.ts'

/** An engine that says nothing for this long while it works is gone. */
export const STREAM_SILENCE_MS = 120_000

/** Ends a request that stays silent, or that the caller ends. */
export interface Watch {
  readonly signal: AbortSignal
  /** Something came. */
  alive(): void
  stop(): void
  /** The caller wants no more. */
  unwanted(): boolean
}

export function watch(silenceMs: number, callers?: AbortSignal): Watch {
  const ended = new AbortController()
  let timer: ReturnType<typeof setTimeout>
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => ended.abort(new DOMException('silent', 'TimeoutError')), silenceMs)
  }
  const unwanted = () => callers?.aborted === true
  const end = () => ended.abort(callers?.reason)
  const stop = () => {
    clearTimeout(timer)
    callers?.removeEventListener('abort', end)
  }
  alive()
  if (unwanted()) end()
  else callers?.addEventListener('abort', end, { once: true })
  return { signal: ended.signal, alive, stop, unwanted }
}

/**
 * The answer's text as it comes. The request ends when the reading does.
 * @throws BorrowRateError `ANSWER_CUT` when the answer broke before its end
 */
export async function* piecesOf(response: Response, watched: Watch): AsyncGenerator<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const decoder = new TextDecoder()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw watched.unwanted() ? cause : answerCut(response, cause)
      })
      watched.alive()
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      if (text !== '') yield text
      if (done) return
    }
  } finally {
    watched.stop()
    await reader.cancel().catch(() => {})
  }
}

/** Whole lines, without their ends. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/**
 * Steps of work, one a line; the last one is of type `result`.
 * @throws BorrowRateError what the engine said on the way, or `ANSWER_CUT` when there is no result
 */
export async function* stepsOf<Step extends { readonly type: string }>(
  response: Response,
  watched: Watch,
): AsyncGenerator<Step> {
  let last = ''
  for await (const line of linesOf(piecesOf(response, watched))) {
    if (line === '') continue
    const step = readStep(response, line)
    last = step.type
    if (last === 'error') {
      const { error, error_code } = step as unknown as { error: string; error_code: string }
      throw new BorrowRateError(error, { status: response.status, code: error_code, requestId: requestIdOf(response) })
    }
    yield step as Step
  }
  if (last !== 'result') throw answerCut(response)
}

function readStep(response: Response, line: string): { readonly type: string } {
  try {
    return parseExactJson(line, COUNTS) as { readonly type: string }
  } catch (cause) {
    throw answerCut(response, cause)
  }
}

/** The answer broke off: what came until then is not the whole. */
export function answerCut(response: Response, cause?: unknown): BorrowRateError {
  return new BorrowRateError('The answer broke off before its end.', {
    status: response.status,
    code: 'ANSWER_CUT',
    requestId: requestIdOf(response),
    cause,
  })
}

function requestIdOf(response: Response): string | null {
  return response.headers.get('x-request-id')
}
