// The private door of a service: operations for our own other services, by the wire of internal-wire.ts. With certificates both
// sides prove who they are; without, it listens on loopback only, unless the operator says that something else protects it.
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { CallContext } from './call-context.ts'
import { readTlsMaterial, type TlsFiles, watchTlsMaterial } from './internal-tls.ts'
import {
  NDJSON,
  type Operation,
  PATH,
  type ReadCall,
  readCall,
  STREAM_OK,
  type StreamOperation,
  type TextStream,
  writeAnswer,
  writeProblem,
  writeStreamProblem,
} from './internal-wire.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { Problem } from './problem.ts'
import { problemOfStore } from './store-failures.ts'
import { inSpan, streamInSpan, type Tracer } from './tracing.ts'

/** An operation with who answers it, call by call or as a stream. */
export type Served = ServedCalls | ServedStream

export interface ServedCalls {
  readonly name: string
  readonly answer: (ask: string, context: CallContext) => Promise<string>
}

export interface ServedStream {
  readonly name: string
  readonly stream: TextStream<string>
}

export function serve<Ask, Answer>(
  operation: Operation<Ask, Answer>,
  handle: (ask: Ask, context: CallContext) => Promise<Answer>,
): ServedCalls {
  return {
    name: operation.name,
    answer: async (ask, context) => operation.answer.write(await handle(operation.ask.read(ask), context)),
  }
}

export function serveStream<Ask>(operation: StreamOperation<Ask>, handle: TextStream<Ask>): ServedStream {
  return {
    name: operation.name,
    stream: (ask, context, signal) => handle(operation.ask.read(ask), context, signal),
  }
}

export interface InternalServerOptions {
  readonly host: string
  readonly port: number
  readonly tls: TlsFiles | null
  readonly operations: readonly Served[]
  readonly log: Log
  /** Counts the calls; without it nobody does. */
  readonly metrics?: Pick<Metrics, 'internalCalls' | 'internalDuration'>
  /** Without it nothing is traced. */
  readonly tracer?: Tracer | null
}

export interface InternalServer {
  readonly url: string
  /** No new connections; resolves when what is in flight is answered. */
  close(): Promise<void>
}

const BODY_BYTES_MAX = 32 * 1024 * 1024
const LINES_MAX = 100_000
/** Longer than a client keeps an idle connection (30 s), so that it is never this side that closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const SWEEP_MS = 50

/** Listens. @throws Error with the system's code when the port cannot be had or a certificate cannot be read */
export async function internalServer(options: InternalServerOptions): Promise<InternalServer> {
  const { host, port, tls, log, metrics } = options
  const operations = new Map(
    options.operations.map((served) => [served.name, metrics === undefined ? served : counted(served, metrics)]),
  )
  const stopping = new AbortController()
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answerRequest(request, response, operations, stopping.signal, log, options.tracer ?? null).catch(
      (error: unknown) => {
        log.warn({ err: error }, 'an internal call could not be answered')
        response.destroy()
      },
    )
  }
  let server: Server | HttpsServer
  let stopWatching = () => {}
  if (tls === null) {
    server = createHttpServer(listener)
  } else {
    const secure = createHttpsServer(
      { ...readTlsMaterial(tls), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
      listener,
    )
    secure.on('tlsClientError', (error) =>
      log.warn({ code: (error as NodeJS.ErrnoException).code }, 'refused a caller'),
    )
    stopWatching = watchTlsMaterial(
      tls,
      (material) => {
        secure.setSecureContext({ ...material, minVersion: 'TLSv1.2' })
        log.info('the internal certificate was renewed')
      },
      (error) => log.warn({ err: error }, 'the renewed internal certificate cannot be used yet'),
    )
    server = secure
  }
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      stopWatching()
      // A stream may have hours to go.
      stopping.abort()
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
      await new Promise<void>((resolve) => server.close(() => resolve()))
      clearInterval(sweep)
    },
  }
}

/** The same operation, counted. A stream is a call that lasts. */
function counted(served: Served, { internalCalls, internalDuration }: Counted): Served {
  const operation = served.name
  const done = (beganMs: number, outcome: string) => {
    internalCalls.inc({ operation, outcome })
    internalDuration.observe({ operation }, (performance.now() - beganMs) / 1000)
  }
  if ('stream' in served) {
    return {
      name: operation,
      async *stream(ask, context, signal) {
        const beganMs = performance.now()
        let outcome = 'left'
        try {
          yield* served.stream(ask, context, signal)
          outcome = 'ok'
        } catch (failure) {
          if (!signal.aborted) outcome = outcomeOf(failure)
          throw failure
        } finally {
          done(beganMs, outcome)
        }
      },
    }
  }
  return {
    name: operation,
    async answer(ask, context) {
      const beganMs = performance.now()
      try {
        const answer = await served.answer(ask, context)
        done(beganMs, 'ok')
        return answer
      } catch (failure) {
        done(beganMs, outcomeOf(failure))
        throw failure
      }
    },
  }
}

type Counted = Pick<Metrics, 'internalCalls' | 'internalDuration'>

/** One of the codes of the table. */
function outcomeOf(failure: unknown): string {
  const problem = problemOfStore(failure) ?? failure
  return problem instanceof Problem ? problem.code : 'INTERNAL_ERROR'
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  operations: ReadonlyMap<string, Served>,
  stopping: AbortSignal,
  log: Log,
  tracer: Tracer | null,
): Promise<void> {
  const served = request.url?.startsWith(PATH) ? operations.get(request.url.slice(PATH.length)) : undefined
  if (served === undefined || request.method !== 'POST') {
    response.writeHead(404).end()
    return
  }
  const body = await readBody(request)
  const lines = body?.split('\n').filter((line) => line !== '')
  const now = Date.now()
  const calls = lines?.map((line) => readCall(line, now))
  if (calls === undefined || calls.length === 0 || calls.length > LINES_MAX || calls.includes(null)) {
    response.writeHead(400).end()
    return
  }
  if ('stream' in served) return answerStream(served, calls[0] as ReadCall, response, stopping, log, tracer)
  response.writeHead(200, { 'content-type': NDJSON })
  // Answers that finish in the same turn leave in one write.
  let finished = ''
  let flushing = false
  const flush = () => {
    flushing = false
    if (finished === '') return
    response.write(finished)
    finished = ''
  }
  await Promise.all(
    calls.map(async (call) => {
      if (call === null) return
      const line = await answerCall(served, call.index, call.ask, call.context, log, tracer)
      finished += line
      if (flushing) return
      flushing = true
      setImmediate(flush)
    }),
  )
  response.end(finished)
  finished = ''
}

/** Sends what the stream gives, no faster than it is read; ends the work when the reader goes away or this service stops. */
async function answerStream(
  served: ServedStream,
  call: ReadCall,
  response: ServerResponse,
  stopping: AbortSignal,
  log: Log,
  tracer: Tracer | null,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, stopping])
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  let end: string
  try {
    const stream = streamInSpan(tracer, served.name, 'server', call.context, (inner) =>
      served.stream(call.ask, inner, signal),
    )
    for await (const text of stream) {
      if (signal.aborted) break
      if (!response.write(text)) await once(response, 'drain', { signal })
    }
    end = signal.aborted ? STOPPING : STREAM_OK
  } catch (failure) {
    end = signal.aborted ? STOPPING : writeStreamProblem(problemOfCall(failure, served.name, call.context, log))
  }
  if (!gone.signal.aborted) response.end(end)
}

const STOPPING = writeStreamProblem(new Problem('SERVICE_UNAVAILABLE', 'The service is stopping'))

async function answerCall(
  served: ServedCalls,
  index: number,
  ask: string,
  context: CallContext,
  log: Log,
  tracer: Tracer | null,
): Promise<string> {
  try {
    const answer = await inSpan(tracer, served.name, 'server', context, (inner) => served.answer(ask, inner))
    return writeAnswer(index, answer)
  } catch (failure) {
    return writeProblem(index, problemOfCall(failure, served.name, context, log))
  }
}

/** What the caller is told of a failure; what it is not told stands in the log. */
function problemOfCall(failure: unknown, operation: string, context: CallContext, log: Log): Problem {
  const error = problemOfStore(failure) ?? failure
  const line = { operation, request_id: context.requestId, trace: context.traceparent }
  if (!(error instanceof Problem)) {
    log.error({ ...line, err: error }, 'an internal call failed')
    return new Problem('INTERNAL_ERROR', 'Internal error')
  }
  if (error.status >= 500) log.error({ ...line, err: error.cause ?? error, error_code: error.code }, error.message)
  return error
}

/** The body as text; undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
