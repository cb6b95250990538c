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
  const { ask: asked, answer } = operation
  return {
    name: operation.name,
    answer: (ask, context) => {
      try {
        return handle(asked.read(ask), context).then(answer.write)
      } catch (failure) {
        return Promise.reject(failure)
      }
    },
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
  const stopping = new AbortController()
  const door: Door = {
    operations: new Map(options.operations.map((served) => [served.name, served])),
    stopping: stopping.signal,
    log,
    metrics,
    tracer: options.tracer ?? null,
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answerRequest(request, response, door).catch((error: unknown) => {
      log.warn({ err: error }, 'an internal call could not be answered')
      response.destroy()
    })
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

/** What every request at the door is answered with. */
interface Door {
  readonly operations: ReadonlyMap<string, Served>
  readonly stopping: AbortSignal
  readonly log: Log
  readonly metrics: InternalServerOptions['metrics']
  readonly tracer: Tracer | null
}

async function answerRequest(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  const served = request.url?.startsWith(PATH) ? door.operations.get(request.url.slice(PATH.length)) : undefined
  if (served === undefined || request.method !== 'POST') {
    response.writeHead(404).end()
    return
  }
  const calls = await readCalls(request)
  if (calls === null) {
    response.writeHead(400).end()
    return
  }
  if ('stream' in served) return answerStream(served, calls[0] as ReadCall, response, door)
  answerCalls(served, calls, response, door)
}

/** Answers each call as it finishes. Answers that finish in the same turn leave in one write. */
function answerCalls(served: ServedCalls, calls: readonly ReadCall[], response: ServerResponse, door: Door): void {
  const { metrics, tracer, log } = door
  const { name: operation, answer } = served
  const beganMs = performance.now()
  let left = calls.length
  let finished = ''
  let answered = 0
  let flushing = false

  function flush(): void {
    flushing = false
    if (answered > 0) metrics?.internalCalls.inc({ operation, outcome: 'ok' }, answered)
    answered = 0
    const text = finished
    finished = ''
    // Without a write before it the end knows the length, and nothing is sent in chunks.
    if (left === 0) response.end(text)
    else response.write(text)
  }

  function finish(line: string): void {
    left -= 1
    finished += line
    metrics?.internalDuration.observe({ operation }, (performance.now() - beganMs) / 1000)
    if (flushing) return
    flushing = true
    setImmediate(flush)
  }

  response.setHeader('content-type', NDJSON)
  for (const { index, ask, context } of calls) {
    inSpan(tracer, operation, 'server', context, (inner) => answer(ask, inner)).then(
      (text) => {
        answered += 1
        finish(writeAnswer(index, text))
      },
      (failure) => {
        const problem = problemOfCall(failure, operation, context, log)
        metrics?.internalCalls.inc({ operation, outcome: problem.code })
        finish(writeProblem(index, problem))
      },
    )
  }
}

/** Sends what the stream gives, no faster than it is read; ends the work when the reader goes away or this service stops. */
async function answerStream(
  served: ServedStream,
  call: ReadCall,
  response: ServerResponse,
  { stopping, log, metrics, tracer }: Door,
): Promise<void> {
  const beganMs = performance.now()
  const { name: operation } = served
  let outcome = 'left'
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, stopping])
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  let end = STOPPING
  try {
    const stream = streamInSpan(tracer, operation, 'server', call.context, (inner) =>
      served.stream(call.ask, inner, signal),
    )
    for await (const text of stream) {
      if (signal.aborted) break
      if (!response.write(text)) await once(response, 'drain', { signal })
    }
    if (!signal.aborted) {
      outcome = 'ok'
      end = STREAM_OK
    }
  } catch (failure) {
    if (!signal.aborted) {
      const problem = problemOfCall(failure, operation, call.context, log)
      outcome = problem.code
      end = writeStreamProblem(problem)
    }
  }
  metrics?.internalCalls.inc({ operation, outcome })
  metrics?.internalDuration.observe({ operation }, (performance.now() - beganMs) / 1000)
  if (!gone.signal.aborted) response.end(end)
}

const STOPPING = writeStreamProblem(new Problem('SERVICE_UNAVAILABLE', 'The service is stopping'))

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

/** The calls of a body; null when it is too large, or is not made of calls. */
async function readCalls(request: IncomingMessage): Promise<ReadCall[] | null> {
  const body = await readBody(request)
  if (body === null) return null
  const now = Date.now()
  const calls: ReadCall[] = []
  for (const line of body.split('\n')) {
    if (line === '') continue
    const call = readCall(line, now)
    if (call === null || calls.length === LINES_MAX) return null
    calls.push(call)
  }
  return calls.length === 0 ? null : calls
}

/** The body as text; null when it is too large. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
      else resolve(null)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
  })
}
