// The HTTP server that every service starts from: what is the same on all of them, whatever their routes do. It does not
// listen; `run.ts` does, and tests inject.
//
// A request gets an id, security headers, and one log line when it is answered. Bodies go through the strict reader and
// answers through the exact writer; schemas on routes are documentation only, the check is `parseShape` in the route.
// Every failure leaves in the one shape of `problem.ts`.

import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import zlib from 'node:zlib'
import compress from '@fastify/compress'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { answerPreflight, originHeaders } from './cross-origin.ts'
import { bodyCutShort, problemOf, problemOfConnection, unsupportedMediaType } from './framework-failures.ts'
import type { Health } from './health.ts'
import { readJson } from './json-reader.ts'
import { writeJson } from './json-writer.ts'
import { type Log, logOfRequest, type RequestLine, requestLines } from './log.ts'
import type { Metrics } from './metrics.ts'
import { countNoMore, type OverloadLimits, shedOverload } from './overload.ts'
import { invalidParameters, Problem, problemBody } from './problem.ts'
import { type Query, readQuery } from './query-reader.ts'
import { onRequestEnd } from './request-end.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { problemOfStore } from './store-failures.ts'
import { isTraceparent, traceIdOf } from './traceparent.ts'
import type { Span, Tracer } from './tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Facts for the request's log line, set by who learns them. */
    clientId: string | null
    keyId: string | null
    quoteId: string | null
    /** The trace it is part of, when it brought one or one began here: W3C's traceparent, of the request's own span if it has one. */
    traceparent: string | null
    /** Its own span, while its trace is sampled. */
    span: Span | null
  }
  interface FastifyContextConfig {
    /** The answer goes on for as long as somebody listens. */
    readonly lasting?: boolean
  }
}

/** Bytes of a body unless the route says otherwise with `bodyLimit`. */
export const BODY_BYTES_MAX = 1_048_576
/** How long clients may take. */
export interface ClientTimeouts {
  readonly headersMs: number
  /** The whole request, headers and body. */
  readonly requestMs: number
  /** A connection on which nothing happens at all, as when an answer is not read. */
  readonly silenceMs: number
  /** Between two requests. */
  readonly keepAliveMs: number
  /** How often connections are looked at for the first two: so much later may an end be. */
  readonly checkMs: number
}

const CLIENT_TIMEOUTS: ClientTimeouts = {
  headersMs: 15_000,
  requestMs: 30_000,
  silenceMs: 120_000,
  // Longer than the 60 s of the load balancer in front, so that it is never the server that closes first.
  keepAliveMs: 65_000,
  checkMs: 2_000,
}
/** Of the address and all headers together. */
const HEADER_BYTES_MAX = 16_384
/** Characters of one path parameter: longer than any identifier of the contract. */
const PATH_PART_LENGTH_MAX = 200
const COMPRESS_FROM_BYTES = 1024
/** The least that finds what repeats itself. */
const BROTLI_QUALITY = 1

/** Given from the start, so that the framework's own compilers are not even loaded: a part of the build leaves them out. */
const SCHEMAS_ONLY_DOCUMENT = {
  compilersFactory: { buildSerializer: () => () => writeJson, buildValidator: () => () => () => true },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

export interface ServerOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly health: Health
  /** Makes the id of a request that brings no sane one. */
  readonly newRequestId: () => string
  /** Also answer health checks below /api/v1: the gateway does. */
  readonly publicHealth?: boolean
  /** Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[]
  /** Origins whose pages may call from a browser. */
  readonly corsOrigins?: readonly string[]
  /** Bytes, 1 MB unless said. */
  readonly bodyLimit?: number
  /** Above these requests are refused; without them none is. */
  readonly overload?: OverloadLimits
  readonly clientTimeouts?: ClientTimeouts
  /** Without it nothing is traced. */
  readonly tracer?: Tracer | null
}

/** An instance to add routes to. It awaits nothing outside the process. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { log, metrics, health, newRequestId } = options
  const proxies = options.trustedProxies ?? []
  const timeouts = options.clientTimeouts ?? CLIENT_TIMEOUTS
  /** Connections whose last request was refused for what the platform notices a moment later, and which end then. */
  const answered = new WeakSet<Socket>()
  const giveOriginHeaders = originHeaders(options.corsOrigins ?? [])
  const writeLine = requestLines(log)
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    childLoggerFactory: logOfRequest,
    genReqId: (request) => saneRequestId(request.headers['x-request-id']) ?? newRequestId(),
    requestIdHeader: false,
    trustProxy: proxies.length > 0 ? [...proxies] : false,
    bodyLimit: options.bodyLimit ?? BODY_BYTES_MAX,
    requestTimeout: timeouts.requestMs,
    connectionTimeout: timeouts.silenceMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    maxRequestsPerSocket: 0,
    // While draining the requests in flight, and those already on their connections, are still answered.
    return503OnClosing: false,
    http: {
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: timeouts.checkMs,
      maxHeaderSize: HEADER_BYTES_MAX,
      requireHostHeader: false,
    },
    schemaController: SCHEMAS_ONLY_DOCUMENT,
    routerOptions: {
      querystringParser: (text: string): Query => readQuery(text),
      maxParamLength: PATH_PART_LENGTH_MAX,
    },
    frameworkErrors: (error, request, reply) => {
      // Before routing no hook runs, so the headers and the line of a request are given here.
      giveHeaders(request, reply)
      giveOriginHeaders(request, reply)
      answerError(error, request, reply)
      const route = routeOf(request)
      writeLine(lineOf(request, reply, route, statusOf(reply, false), false), 'info')
    },
    clientErrorHandler: (error, socket) => {
      if (answered.has(socket)) setTimeout(() => socket.destroy(), LINGER_MS).unref()
      else refuseConnection(error, socket, newRequestId(), log)
    },
  })

  app.decorateRequest('clientId', null)
  app.decorateRequest('keyId', null)
  app.decorateRequest('quoteId', null)
  app.decorateRequest('traceparent', null)
  app.decorateRequest('span', null)
  app.decorateRequest('countedIn', null)

  let countRequest: (request: FastifyRequest) => Problem | null = () => null
  const beginRequest = onRequestEnd(app, (request, reply, gone) => {
    const { method } = request
    const route = routeOf(request)
    const status = statusOf(reply, gone)
    metrics.httpRequests.inc({ method, route, status })
    // How long somebody listened says nothing of how fast anything is.
    if (request.routeOptions?.config?.lasting !== true) {
      metrics.httpDuration.observe({ method, route }, reply.elapsedTime / 1000)
    }
    writeLine(lineOf(request, reply, route, status, gone), isQuiet(route) ? 'debug' : 'info')
    if (request.span !== null) endSpan(request.span, request, reply, gone)
    countNoMore(request)
  })
  const unknownPath = unknownPaths(app)
  // One hook for all that every request goes through: each hook more is another walk of the framework.
  app.addHook('onRequest', (request, reply, done) => {
    beginRequest(request, reply)
    beginTrace(request, options.tracer ?? null)
    giveHeaders(request, reply)
    giveOriginHeaders(request, reply)
    const problem = faultOfHead(request, answered)
    if (problem !== null) return done(problem)
    if (answerPreflight(request, reply)) return
    done((request.is404 ? unknownPath(request) : null) ?? countRequest(request) ?? undefined)
  })

  app.addHook('onSend', (_request, reply, payload, done) => {
    // A client that keeps its connection would send the next request into a closing door.
    if (health.draining) reply.header('connection', 'close')
    done(null, payload)
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, readBody(request, body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
  app.setReplySerializer(writeJson)
  app.setErrorHandler(answerError)

  if (options.overload) {
    countRequest = await shedOverload(app, options.overload, metrics, (request) => isQuiet(routeOf(request)))
  }
  await app.register(compress, {
    encodings: ['br', 'gzip'],
    threshold: COMPRESS_FROM_BYTES,
    // Fast rather than small: a list of quotes keeps a fifteenth of its size at a fifth of the time that the platform's own choice takes.
    zlibOptions: { level: zlib.constants.Z_BEST_SPEED },
    brotliOptions: { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } },
    globalDecompression: false,
  })
  // An expectation other than 100-continue may be ignored; the platform would answer it with a bare 417.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  addHealthRoutes(app, health, metrics, options.publicHealth ?? false)
  return app
}

const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/

function saneRequestId(header: string | string[] | undefined): string | null {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : null
}

/**
 * What is wrong with a request before its body; null: nothing.
 * @param answered takes up the connections that the platform will end a moment later by itself
 */
function faultOfHead(request: FastifyRequest, answered: WeakSet<Socket>): Problem | null {
  const { host, 'transfer-encoding': framing } = request.headers
  if (host === undefined && request.raw.httpVersion === '1.1') {
    return invalidParameters([{ field: 'Host', location: 'header', message: 'the Host header is required' }])
  }
  // The platform notices later that it cannot find the end of such a body, when the request is under way.
  if (framing !== undefined && framing.toLowerCase() !== 'chunked') {
    const message = 'Transfer-Encoding can only be chunked'
    answered.add(request.raw.socket)
    return invalidParameters([{ field: 'Transfer-Encoding', location: 'header', message }])
  }
  return null
}

/** Health checks and scrapes are part of no trace. */
function beginTrace(request: FastifyRequest, tracer: Tracer | null): void {
  const { traceparent } = request.headers
  if (tracer === null && traceparent === undefined) return
  const route = routeOf(request)
  if (tracer === null || isQuiet(route)) {
    if (isTraceparent(traceparent)) request.traceparent = traceparent
    return
  }
  const parent = tracer.contextOf(traceparent)
  const { method } = request
  request.span = tracer.start(`${method} ${route}`, 'server', parent, {
    'http.request.method': method,
    'http.route': route,
    'request.id': request.id,
  })
  request.traceparent = request.span?.traceparent ?? parent
}

function endSpan(span: Span, request: FastifyRequest, reply: FastifyReply, gone: boolean): void {
  const status = statusOf(reply, gone)
  span.set('http.response.status_code', status)
  if (request.clientId !== null) span.set('client.id', request.clientId)
  if (request.quoteId !== null) span.set('quote.id', request.quoteId)
  if (status >= 500) span.fail(String(status))
  span.end()
}

function giveHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS)
  reply.header('x-request-id', request.id)
}

/** A body of an endpoint that reads JSON. No body at all is undefined, for the shape to refuse. */
function readBody(request: FastifyRequest, body: Buffer): unknown {
  const type = request.headers['content-type'] ?? ''
  const charset = /;\s*charset="?([^";]*)"?/i.exec(type)?.[1]
  if (charset !== undefined && charset.trim().toLowerCase() !== 'utf-8') throw unsupportedMediaType()
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw unsupportedMediaType()
  if (body.length === 0) return undefined
  if (!isUtf8(body)) {
    throw invalidParameters([{ field: 'body', location: 'body', message: 'the body must be UTF-8 text' }])
  }
  return readJson(body.toString('utf8'))
}

/** The one error handler. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  // A client that leaves in the middle of its body: its own doing, and nobody is there to read the answer.
  const cutShort = error !== null && error === request.raw.errored
  const problem =
    problemOf(cutShort ? bodyCutShort() : error) ??
    problemOfStore(error) ??
    new Problem('INTERNAL_ERROR', 'Internal error', { cause: error })
  if (problem.status >= 500) {
    const route = routeOf(request)
    request.log.error({ err: problem.cause ?? problem, error_code: problem.code, route }, problem.message)
  }
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds))
  if (problem.headers) reply.headers(problem.headers)
  reply.code(problem.status).header('content-type', JSON_TYPE).serializer(writeJson).send(problemBody(problem))
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** Requests to these are told apart by a scraper and a kubelet every few seconds: a line each would drown the others. */
const QUIET_ROUTES = /^(\/api\/v1)?\/(health|metrics)(\/|$)/
/** By template, of which there are as many as routes. */
const quietRoutes = new Map<string, boolean>()

function isQuiet(route: string): boolean {
  let quiet = quietRoutes.get(route)
  if (quiet === undefined) {
    quiet = QUIET_ROUTES.test(route)
    quietRoutes.set(route, quiet)
  }
  return quiet
}

/** What servers say of a client that left before there was an answer. */
const CLIENT_GONE = 499

function statusOf(reply: FastifyReply, gone: boolean): number {
  return gone && !reply.raw.headersSent ? CLIENT_GONE : reply.statusCode
}

/** The one line of a request. The route's template stands there, never the address that was sent. */
function lineOf(
  request: FastifyRequest,
  reply: FastifyReply,
  route: string,
  status: number,
  gone: boolean,
): RequestLine {
  return {
    request_id: request.id,
    method: request.method,
    route,
    status,
    ms: Math.round(reply.elapsedTime * 100) / 100,
    // A request that never reached its route has not even null there.
    client_id: request.clientId ?? null,
    key_id: request.keyId ?? null,
    quote_id: request.quoteId ?? null,
    trace_id: request.traceparent ? traceIdOf(request.traceparent) : null,
    aborted: gone,
  }
}

/** The template of the request's route; one word for all addresses that have none, so that metrics stay bounded. */
function routeOf(request: FastifyRequest): string {
  return request.is404 ? 'unknown' : (request.routeOptions?.url ?? 'unknown')
}

/**
 * Remembers the addresses that there are.
 * @returns for a request that has no route, answered before its body is looked at: 404, or 405 with `Allow` when the path exists under
 *   other methods
 */
function unknownPaths(app: FastifyInstance): (request: FastifyRequest) => Problem {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', (route) => {
    const known = routes.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set() }
    for (const method of [route.method].flat()) known.methods.add(method)
    routes.set(route.url, known)
  })
  app.setNotFoundHandler(() => {
    throw new Problem('NOT_FOUND', 'There is nothing at this address')
  })
  return (request) => {
    const path = request.raw.url?.split('?', 1)[0] ?? ''
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods])
    if (methods.length === 0) return new Problem('NOT_FOUND', 'There is nothing at this address')
    const allow = [...new Set(methods)].sort().join(', ')
    return new Problem('METHOD_NOT_ALLOWED', `This address takes ${allow}`, { headers: { allow } })
  }
}

function patternOf(template: string): RegExp {
  const parts = template.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+'
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\*', '.*')
  })
  return new RegExp(`^${parts.join('/')}$`)
}

function addHealthRoutes(app: FastifyInstance, health: Health, metrics: Metrics, publicHealth: boolean): void {
  const schema = { hide: true }
  type Answer = { status: number; body: unknown }
  const send = (reply: FastifyReply, { status, body }: Answer) =>
    reply.code(status).header('cache-control', 'no-store').send(body)
  for (const prefix of publicHealth ? ['', '/api/v1'] : ['']) {
    for (const path of ['/health', '/health/liveness', '/health/readiness']) {
      // A process that drains is alive: only what decides about traffic turns 503.
      const check = path === '/health/liveness' ? () => ({ ...health.basic(), status: 200 }) : () => health.basic()
      app.get(`${prefix}${path}`, { schema }, (_request, reply) => send(reply, check()))
    }
  }
  app.get('/health/details', { schema }, async (_request, reply) => send(reply, await health.details()))
  app.get('/health/external', { schema }, async (_request, reply) => send(reply, await health.external()))
  if (!metrics.enabled) return
  app.get('/metrics', { schema }, async (_request, reply) => {
    for (const [component, state] of Object.entries(await health.componentStates())) {
      metrics.componentUp.set({ component }, Number(state === 'up'))
    }
    const text = await metrics.registry.metrics()
    return reply.header('content-type', metrics.registry.contentType).send(text)
  })
}

const LINGER_MS = 500

/** Answers what never became a request, in the one shape, and closes the connection. */
function refuseConnection(error: Error & { code?: string }, socket: Socket, requestId: string, log: Log): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return
  const { statusLine, problem } = problemOfConnection(error.code)
  const body = writeJson(problemBody(problem))
  log.info({ request_id: requestId, code: error.code, status: Number(statusLine.slice(0, 3)) }, 'connection refused')
  if (socket.writable) {
    const headers = {
      ...SECURITY_HEADERS,
      'x-request-id': requestId,
      'content-type': JSON_TYPE,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    socket.end(`HTTP/1.1 ${statusLine}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
    // Closed a moment later: a reset while the client still writes would take the answer from it.
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  } else {
    socket.destroy()
  }
}
