// The calling side of the wire between services. Calls that are made at the same time share a request (natural batching: a lone
// call leaves at once, a busy client gathers); each is answered, refused or given up by itself.
import { Pool } from 'undici'
import type { CallContext } from './call-context.ts'
import { deadlines, type Waiting } from './deadlines.ts'
import { readTlsMaterial, type TlsFiles, type TlsMaterial, watchTlsMaterial } from './internal-tls.ts'
import {
  NDJSON,
  type Operation,
  PATH,
  type ReadAnswer,
  readAnswer,
  readStreamEnd,
  type StreamOperation,
  type TextStream,
  writeCall,
} from './internal-wire.ts'
import { lineReader } from './line-reader.ts'
import type { Log } from './log.ts'
import { gathering } from './natural-batch.ts'
import { Problem } from './problem.ts'
import { inSpan, streamInSpan, type Tracer } from './tracing.ts'

export interface InternalClientOptions {
  /** Of the other service's private door. */
  readonly url: string
  /** The other service, in the words of a refusal. */
  readonly service: string
  readonly tls: TlsFiles | null
  readonly log: Log
  /** Without it nothing is traced. */
  readonly tracer?: Tracer | null
  /** A minute unless said. */
  readonly connectionsLifeMs?: number
}

export interface InternalClient {
  /** A function of the same shape as the one that answers. Rejects with the other side's Problem, or SERVICE_UNAVAILABLE. */
  call<Ask, Answer>(operation: Operation<Ask, Answer>): (ask: Ask, context: CallContext) => Promise<Answer>
  /**
   * A function of the same shape as the one that gives the stream. It throws the other side's Problem, or SERVICE_UNAVAILABLE
   * when the other side is away or the stream broke; what came before is whole lines.
   */
  stream<Ask>(operation: StreamOperation<Ask>): TextStream<Ask>
  /** Resolves when the other side accepts connections: for health checks. */
  check(): Promise<void>
  close(): Promise<void>
}

const CALL_HEADERS = { 'content-type': NDJSON } as const
/**
 * Requests on their way at once for each operation, calls in one, calls that wait. While two are out the next gathers: more lanes make
 * smaller requests, and a request costs both ends more than a call in it.
 */
const LANES = 2
const BATCH_MAX = 256
const QUEUE_MAX = 20_000
/** A request whose answers are not all there after this no longer holds its lane: slow calls must not keep others waiting. */
const LANE_HOLD_MS = 5
/** Connections: more than lanes, for requests that gave up their lane. */
const CONNECTIONS = 64
const CONNECT_TIMEOUT_MS = 1_000
const IDLE_CLOSE_MS = 30_000
/** Then calls go over new connections, so that a replica that is new gets its share of them: a connection stays with one for its life. */
const CONNECTIONS_LIFE_MS = 60_000
/** A stream that says nothing for this long is broken: a scan of a cold month may take its time before it has a line. */
const STREAM_SILENCE_MS = 120_000
/** A call that was not sent, or may be repeated, is sent once more. */
const TRIES_MAX = 2

/** A call until it is answered, refused or given up. */
interface Call extends Waiting {
  readonly ask: string
  readonly context: CallContext
  readonly take: (answer: string) => void
  readonly refuse: (error: unknown) => void
  isOpen: boolean
}

export function internalClient(options: InternalClientOptions): InternalClient {
  const { url, service, tls, log, tracer = null, connectionsLifeMs = CONNECTIONS_LIFE_MS } = options
  let material = tls === null ? null : readTlsMaterial(tls)
  let pool = openPool(url, material)
  const renewing = setInterval(() => renew(material), connectionsLifeMs).unref()
  function renew(given: TlsMaterial | null): void {
    const before = pool
    pool = openPool(url, given)
    material = given
    // Requests on the old connections end in peace.
    void before.close()
  }
  const stopWatching =
    tls === null
      ? () => {}
      : watchTlsMaterial(tls, renew, (error) =>
          log.warn({ err: error }, 'the renewed internal certificate cannot be used yet'),
        )
  const waiting = deadlines()
  /** Calls without an outcome. */
  let open = 0
  let closed = false
  const onSettled: (() => void)[] = []
  const away = (cause: unknown) =>
    new Problem('SERVICE_UNAVAILABLE', `The ${service} service cannot be reached now`, { cause })

  function settle(call: Call, answer: ReadAnswer | Problem): void {
    if (!call.isOpen) return
    call.isOpen = false
    waiting.remove(call)
    open -= 1
    if (answer instanceof Problem) call.refuse(answer)
    else if (answer.ok) call.take(answer.answer)
    else call.refuse(answer.problem)
    if (closed && open === 0) for (const settled of onSettled.splice(0)) settled()
  }

  /** Sends the calls that still wait for an answer, once more if that does no harm. Resolves when each has an outcome. */
  async function send(
    operation: { readonly name: string; readonly repeatable: boolean },
    calls: readonly Call[],
  ): Promise<void> {
    let left = calls.filter((call) => call.isOpen)
    for (let tries = 1; left.length > 0; tries += 1) {
      const end = await exchange(operation.name, left)
      left = left.filter((call) => call.isOpen)
      if (tries < TRIES_MAX && (operation.repeatable || !end.wasSent)) continue
      for (const call of left) settle(call, away(end.error))
    }
  }

  /** One request, whose calls are settled each as its line comes. @returns how it ended, for those that have no answer then */
  function exchange(
    name: string,
    calls: readonly Call[],
  ): Promise<{ readonly error: unknown; readonly wasSent: boolean }> {
    const now = Date.now()
    let lastDeadlineMs = now
    let body = ''
    for (let index = 0; index < calls.length; index += 1) {
      const { ask, context } = calls[index] as Call
      if (context.deadlineMs > lastDeadlineMs) lastDeadlineMs = context.deadlineMs
      body += `${writeCall(index, context, ask, now)}\n`
    }
    const timeoutMs = Math.max(1, lastDeadlineMs - now)
    const lines = lineReader((line) => {
      const answer = readAnswer(line)
      if (answer === null) throw new Error('an internal answer has a line that cannot be read')
      const call = calls[answer.index]
      if (call !== undefined) settle(call, answer)
    })
    return new Promise((resolve) => {
      let answering = false
      pool.dispatch(
        {
          method: 'POST',
          path: `${PATH}${name}`,
          headers: CALL_HEADERS,
          body,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        },
        {
          onRequestStart() {},
          onResponseStart(controller, statusCode) {
            answering = true
            if (statusCode !== 200)
              controller.abort(new Error(`an internal call was answered with status ${statusCode}`))
          },
          onResponseData(controller, chunk) {
            try {
              lines.read(chunk)
            } catch (error) {
              controller.abort(error as Error)
            }
          },
          onResponseEnd: () => resolve({ error: new Error('an internal answer ended early'), wasSent: true }),
          onResponseError: (_controller, error) => resolve({ error, wasSent: answering || !neverSent(error) }),
        },
      )
    })
  }

  async function* readStream<Ask>(
    operation: StreamOperation<Ask>,
    ask: Ask,
    context: CallContext,
    signal: AbortSignal,
  ): AsyncGenerator<string> {
    const body = await pool
      .request({
        method: 'POST',
        path: `${PATH}${operation.name}`,
        headers: { 'content-type': NDJSON },
        body: `${writeCall(0, context, operation.ask.write(ask), Date.now())}\n`,
        headersTimeout: STREAM_SILENCE_MS,
        bodyTimeout: STREAM_SILENCE_MS,
        signal,
      })
      .then((answer) => {
        if (answer.statusCode === 200) return answer.body
        answer.body.destroy()
        throw new Error(`a stream was answered with status ${answer.statusCode}`)
      })
      .catch((error: unknown) => {
        throw signal.aborted ? error : away(error)
      })
    body.setEncoding('utf8')
    // Only whole lines leave, and the last one is held back: it may be the one that says how the stream ended.
    let held = ''
    try {
      for await (const chunk of body) {
        const text = held + (chunk as string)
        const lastLineAt = text.lastIndexOf('\n', text.length - 2) + 1
        held = text.slice(lastLineAt)
        if (lastLineAt > 0) yield text.slice(0, lastLineAt)
      }
    } catch (error) {
      throw signal.aborted ? error : away(error)
    }
    const end = held.endsWith('\n') ? readStreamEnd(held.slice(0, -1)) : null
    if (end === null) throw away(new Error('a stream ended early'))
    if (end !== 'ok') throw end
  }

  return {
    call<Ask, Answer>(operation: Operation<Ask, Answer>) {
      const calls = gathering<Call>({
        lanes: LANES,
        batchMax: BATCH_MAX,
        queueMax: QUEUE_MAX,
        send: (batch) => heldNoLonger(send(operation, batch), LANE_HOLD_MS),
      })
      const span = `${service} ${operation.name}`

      function ask(line: string, context: CallContext): Promise<Answer> {
        return new Promise((resolve, reject) => {
          const call: Call = {
            ask: line,
            context,
            deadlineMs: context.deadlineMs,
            isOpen: true,
            take: (answer) => {
              try {
                resolve(operation.answer.read(answer))
              } catch (error) {
                reject(error)
              }
            },
            refuse: reject,
            giveUp: () =>
              settle(call, new Problem('SERVICE_UNAVAILABLE', `The ${service} service did not answer in time`)),
          }
          if (closed || !calls.add(call)) {
            reject(new Problem('SERVICE_UNAVAILABLE', `Too many calls wait for the ${service} service`))
            return
          }
          open += 1
          waiting.add(call)
        })
      }

      return (asked: Ask, given: CallContext) => {
        try {
          const line = operation.ask.write(asked)
          return inSpan(tracer, span, 'client', given, (context) => ask(line, context))
        } catch (error) {
          return Promise.reject(error)
        }
      }
    },
    stream: (operation) => (ask, context, signal) =>
      streamInSpan(tracer, `${service} ${operation.name}`, 'client', context, (inner) =>
        readStream(operation, ask, inner, signal),
      ),
    async check() {
      const { body } = await pool.request({ method: 'GET', path: '/', headersTimeout: CONNECT_TIMEOUT_MS })
      await body.dump()
    },
    async close() {
      stopWatching()
      clearInterval(renewing)
      closed = true
      if (open > 0) await new Promise<void>((settled) => onSettled.push(settled))
      await pool.close()
    },
  }
}

function openPool(url: string, tls: TlsMaterial | null): Pool {
  return new Pool(new URL(url).origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: IDLE_CLOSE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...tls },
  })
}

/** Waits for the work, but not longer than this; the work itself goes on. */
async function heldNoLonger(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const released = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, released])
  clearTimeout(timer)
}

/** Failures from before the first byte left: connecting was refused or took too long. */
function neverSent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code !== undefined && ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND', 'EHOSTUNREACH'].includes(code)
}
