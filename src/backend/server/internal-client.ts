// The calling side of the wire between services. Calls that are made at the same time share a request (natural batching: a lone
// call leaves at once, a busy client gathers); each is answered, refused or given up by itself.
import { Pool } from 'undici'
import type { CallContext } from './call-context.ts'
import { readTlsMaterial, type TlsFiles, type TlsMaterial, watchTlsMaterial } from './internal-tls.ts'
import {
  NDJSON,
  type Operation,
  PATH,
  readAnswer,
  readStreamEnd,
  type StreamOperation,
  type TextStream,
  writeCall,
} from './internal-wire.ts'
import type { Log } from './log.ts'
import { type NaturalBatch, naturalBatch, type Outcome } from './natural-batch.ts'
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

/** Requests on their way at once for each operation, calls in one, calls that wait. */
const LANES = 8
const BATCH_MAX = 256
const QUEUE_MAX = 20_000
/** A request whose answers are not all there after this no longer holds its lane: slow calls must not keep others waiting. */
const LANE_HOLD_MS = 5
/** Connections: more than lanes, for requests that gave up their lane. */
const CONNECTIONS = 64
const CONNECT_TIMEOUT_MS = 1_000
const IDLE_CLOSE_MS = 30_000
/** A stream that says nothing for this long is broken: a scan of a cold month may take its time before it has a line. */
const STREAM_SILENCE_MS = 120_000
/** A call that was not sent, or may be repeated, is sent once more. */
const TRIES_MAX = 2

interface Call {
  readonly ask: string
  readonly context: CallContext
}

export function internalClient(options: InternalClientOptions): InternalClient {
  const { url, service, tls, log, tracer = null } = options
  let pool = openPool(url, tls === null ? null : readTlsMaterial(tls))
  const stopWatching =
    tls === null
      ? () => {}
      : watchTlsMaterial(
          tls,
          (material) => {
            const before = pool
            pool = openPool(url, material)
            // Requests on the old connections end in peace.
            void before.close()
          },
          (error) => log.warn({ err: error }, 'the renewed internal certificate cannot be used yet'),
        )
  const batches: NaturalBatch<Call, string>[] = []
  const away = (cause: unknown) =>
    new Problem('SERVICE_UNAVAILABLE', `The ${service} service cannot be reached now`, { cause })

  async function send(
    operation: { readonly name: string; readonly repeatable: boolean },
    calls: readonly Call[],
    settle: (index: number, outcome: Outcome<string>) => void,
  ): Promise<void> {
    const waiting = new Set(calls.keys())
    const done = (index: number, outcome: Outcome<string>) => {
      if (waiting.delete(index)) settle(index, outcome)
    }
    for (let tries = 1; waiting.size > 0; tries += 1) {
      let answering = false
      try {
        await exchange(operation.name, calls, waiting, done, () => {
          answering = true
        })
        if (waiting.size === 0) return
        throw new Error('an internal answer ended early')
      } catch (error) {
        const sent = answering || !neverSent(error)
        if (tries < TRIES_MAX && (operation.repeatable || !sent)) continue
        for (const index of [...waiting]) done(index, { ok: false, error: away(error) })
      }
    }
  }

  /** One request with the calls that still wait; settles each as its line comes. */
  async function exchange(
    name: string,
    calls: readonly Call[],
    waiting: ReadonlySet<number>,
    done: (index: number, outcome: Outcome<string>) => void,
    onAnswering: () => void,
  ): Promise<void> {
    const now = Date.now()
    let lastDeadlineMs = now
    let lines = ''
    for (const index of waiting) {
      const { ask, context } = calls[index] as Call
      lastDeadlineMs = Math.max(lastDeadlineMs, context.deadlineMs)
      lines += `${writeCall(index, context, ask, now)}\n`
    }
    const timeoutMs = Math.max(1, lastDeadlineMs - now)
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: `${PATH}${name}`,
      headers: { 'content-type': NDJSON },
      body: lines,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    onAnswering()
    if (statusCode !== 200) {
      await body.dump()
      throw new Error(`an internal call was answered with status ${statusCode}`)
    }
    body.setEncoding('utf8')
    let rest = ''
    for await (const chunk of body) {
      const parts = `${rest}${chunk as string}`.split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        const answer = readAnswer(line)
        if (answer === null) throw new Error('an internal answer has a line that cannot be read')
        done(answer.index, answer.ok ? { ok: true, value: answer.answer } : { ok: false, error: answer.problem })
      }
    }
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
    call(operation) {
      const batch = naturalBatch<Call, string>({
        lanes: LANES,
        batchMax: BATCH_MAX,
        queueMax: QUEUE_MAX,
        refuse: () => new Problem('SERVICE_UNAVAILABLE', `Too many calls wait for the ${service} service`),
        send: async (calls, settle) => {
          await heldNoLonger(send(operation, calls, settle), LANE_HOLD_MS)
          return undefined
        },
      })
      batches.push(batch)
      const span = `${service} ${operation.name}`
      return async (ask, given) => {
        const line = operation.ask.write(ask)
        const answer = await inSpan(tracer, span, 'client', given, (context) =>
          beforeDeadline(batch.add({ ask: line, context }), context, service),
        )
        return operation.answer.read(answer)
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
      await Promise.all(batches.map((batch) => batch.close()))
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

function beforeDeadline<T>(work: Promise<T>, context: CallContext, service: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Problem('SERVICE_UNAVAILABLE', `The ${service} service did not answer in time`)),
      Math.max(0, context.deadlineMs - Date.now()),
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Failures from before the first byte left: connecting was refused or took too long. */
function neverSent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code !== undefined && ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND', 'EHOSTUNREACH'].includes(code)
}
