// Answers that take their time: a range of records that is checked, replayed or sent. As text while the work goes on, or as one
// answer at its end. Either way the work ends when nobody waits for it any more or the service stops, and an answer that broke is
// seen to be broken.
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type CallContext, traceparentOf } from '../server/call-context.ts'
import { problemOf } from '../server/framework-failures.ts'
import { NDJSON } from '../server/internal-wire.ts'
import { writeJson } from '../server/json-writer.ts'
import { Problem, problemBody } from '../server/problem.ts'
import { whenGone } from '../server/request-end.ts'
import { problemOfStore } from '../server/store-failures.ts'

/** A day: longer than any range takes. Such work ends by itself or with its reader, not with a deadline. */
const WORK_MS_MAX = 86_400_000
/** Whoever waits for one answer gets a line end so often, so that nothing on the way takes the connection for a dead one. */
const SIGN_OF_LIFE_MS = 10_000

/** A part of a request that is work for minutes: what it is asked with, and the signal that ends it. */
export interface Work {
  readonly context: CallContext
  readonly signal: AbortSignal
}

export interface LongAnswers {
  /**
   * Sends text as it comes, no faster than it is read. A failure before the first piece is an ordinary answer; a later one breaks
   * the connection before the answer's end, so that half a file is never taken for a whole one.
   * @param headers of the answer, when there is one
   */
  text(
    request: FastifyRequest,
    reply: FastifyReply,
    headers: Readonly<Record<string, string>>,
    pieces: (work: Work) => AsyncIterable<string>,
  ): Promise<FastifyReply>
  /**
   * The same, of text whose first line is about the rest and is not sent.
   * @param begin gets that line before anything is sent, and gives the headers of the answer; null: there is no body, since the reply
   *   says all with its status and headers
   */
  textAfterHead(
    request: FastifyRequest,
    reply: FastifyReply,
    begin: (head: string) => Readonly<Record<string, string>> | null,
    pieces: (work: Work) => AsyncIterable<string>,
  ): Promise<FastifyReply>
  /**
   * Sends steps as lines of JSON. What fails after the first line is said on the last one: the one shape of failures with
   * `type: "error"`.
   * @param line what stands on the line of a step
   */
  lines<Step>(
    request: FastifyRequest,
    reply: FastifyReply,
    steps: (work: Work) => AsyncIterable<Step>,
    line: (step: Step) => object,
  ): Promise<FastifyReply>
  /**
   * Sends one JSON answer when the work is done. When that takes long the answer begins with line ends, which JSON allows; from
   * then on a failure can no longer have a status of its own, and breaks the connection.
   */
  whole(request: FastifyRequest, reply: FastifyReply, answer: (work: Work) => Promise<object>): Promise<FastifyReply>
}

/** Whether the caller asks for lines as they come. */
export function wantsLines(request: FastifyRequest): boolean {
  return request.headers.accept?.toLowerCase().includes(NDJSON) ?? false
}

export function longAnswers(app: FastifyInstance, signOfLifeMs = SIGN_OF_LIFE_MS): LongAnswers {
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())

  /** Work that ends with the connection, or with the service. */
  function workFor(request: FastifyRequest, reply: FastifyReply): { work: Work; gone: AbortSignal } {
    const gone = new AbortController()
    whenGone(request, reply, () => gone.abort())
    const context = {
      requestId: request.id,
      traceparent: request.traceparent ?? traceparentOf(undefined),
      deadlineMs: Date.now() + WORK_MS_MAX,
    }
    return { work: { context, signal: AbortSignal.any([gone.signal, stopping.signal]) }, gone: gone.signal }
  }

  /** What the failure of some work is to who waits for it. Work that is told to stop may fail in any way. */
  function problemOfWork(failure: unknown): Problem {
    if (stopping.signal.aborted) return new Problem('SERVICE_UNAVAILABLE', 'The service is stopping')
    return (
      problemOf(failure) ??
      problemOfStore(failure) ??
      new Problem('INTERNAL_ERROR', 'Internal error', { cause: failure })
    )
  }

  /** Sends the rest of an answer whose first piece is there. */
  function send(request: FastifyRequest, reply: FastifyReply, gone: AbortSignal, pieces: AsyncIterable<string>) {
    async function* logged(): AsyncGenerator<string> {
      try {
        yield* pieces
      } catch (failure) {
        // Of whoever is gone the log line of the request says that it was aborted, and no more.
        if (!gone.aborted) logFailure(request, problemOfWork(failure))
        throw failure
      }
    }
    return reply.send(Readable.from(logged()))
  }

  /** Waits for the first piece, whose failure is an ordinary answer; null: whoever asked is gone. */
  async function firstOf(iterator: AsyncGenerator<string>, gone: AbortSignal): Promise<IteratorResult<string> | null> {
    try {
      return await iterator.next()
    } catch (failure) {
      if (gone.aborted) return null
      throw problemOfWork(failure)
    }
  }

  const answers: LongAnswers = {
    async text(request, reply, headers, pieces) {
      const { work, gone } = workFor(request, reply)
      const iterator = untilStopped(pieces(work), work.signal)
      const first = await firstOf(iterator, gone)
      if (first === null) return reply.hijack()
      reply.headers(headers)
      return send(request, reply, gone, withFirst(first, iterator))
    },

    async textAfterHead(request, reply, begin, pieces) {
      const { work, gone } = workFor(request, reply)
      const iterator = untilStopped(pieces(work), work.signal)
      const first = await firstOf(iterator, gone)
      if (first === null) return reply.hijack()
      if (first.done) throw new TypeError('text that should begin with a line about itself has none')
      const end = first.value.indexOf('\n')
      const headers = begin(first.value.slice(0, end))
      if (headers === null) {
        await iterator.return(undefined)
        return reply.send()
      }
      reply.headers(headers)
      return send(request, reply, gone, withFirst({ done: false, value: first.value.slice(end + 1) }, iterator))
    },

    lines(request, reply, steps, line) {
      return answers.text(request, reply, { 'content-type': NDJSON }, async function* (work) {
        let begun = false
        try {
          for await (const step of untilStopped(steps(work), work.signal)) {
            yield `${writeJson(line(step))}\n`
            begun = true
          }
        } catch (failure) {
          if (!begun) throw failure
          const problem = problemOfWork(failure)
          if (!work.signal.aborted) logFailure(request, problem)
          yield `${writeJson({ type: 'error', ...problemBody(problem) })}\n`
        }
      })
    },

    async whole(request, reply, answer) {
      const { work, gone } = workFor(request, reply)
      const text = answer(work).then(writeJson)
      // Nobody may be waiting any more when it fails.
      text.catch(() => {})
      let early: string | null
      try {
        early = await within(text, signOfLifeMs)
      } catch (failure) {
        if (gone.aborted) return reply.hijack()
        throw problemOfWork(failure)
      }
      reply.header('content-type', 'application/json; charset=utf-8').serializer((ready: string) => ready)
      return early === null ? send(request, reply, gone, whileWaitingFor(text, signOfLifeMs)) : reply.send(early)
    },
  }
  return answers
}

/** The last step of work that tells its steps. @throws TypeError when it tells none: a bug */
export async function lastOf<Step>(steps: AsyncIterable<Step>): Promise<Step> {
  let last: Step | undefined
  for await (const step of steps) last = step
  if (last === undefined) throw new TypeError('work ended without a word')
  return last
}

/** The same, but work that gives up when it is told to is not taken for work that is done. */
async function* untilStopped<T>(steps: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  yield* steps
  signal.throwIfAborted()
}

async function* withFirst(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    if (first.done) return
    yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

async function* whileWaitingFor(text: Promise<string>, signOfLifeMs: number): AsyncGenerator<string> {
  for (;;) {
    yield '\n'
    const ready = await within(text, signOfLifeMs)
    if (ready === null) continue
    yield ready
    return
  }
}

/** What the work gives, or null when it takes longer than this. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const late = new AbortController()
  try {
    return await Promise.race([work, sleep(ms, null, { signal: late.signal })])
  } finally {
    late.abort()
  }
}

function logFailure(request: FastifyRequest, problem: Problem): void {
  if (problem.status < 500) return
  const route = request.routeOptions.url
  request.log.error({ err: problem.cause ?? problem, error_code: problem.code, route }, problem.message)
}
