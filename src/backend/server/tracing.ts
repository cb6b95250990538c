// Where a request spent its time, across services: spans made by hand at the places that matter (a request, a call between services, a
// record, a read, a call to a feed) and sent over OTLP/HTTP. OpenTelemetry's own instrumentation of HTTP halves what a process can
// answer even when it samples nothing; here a trace that is not sampled costs the reading of one flag.
//
// The trace context travels as the text of W3C's traceparent, in a CallContext, whether tracing is on or off.
import type { Attributes, Span as OtelSpan, Tracer as OtelTracer } from '@opentelemetry/api'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { CallContext } from './call-context.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { isSampled, isTraceparent, newTraceparent, spanIdOf, traceIdOf } from './traceparent.ts'

export type SpanKind = 'internal' | 'server' | 'client'

export interface Span {
  /** The context of what happens inside it. */
  readonly traceparent: string
  set(name: string, value: string | number | boolean): void
  /** It failed. Only a code or a name, never a message: those may hold what a client sent. */
  fail(reason: string): void
  end(): void
}

export interface Tracer {
  /** The trace context of a request from outside: its own when it brings a valid one, else a new one, sampled by chance. */
  contextOf(header: string | string[] | undefined): string
  /** Null when the trace is not sampled. The caller ends the span. */
  start(name: string, kind: SpanKind, parent: string, attributes?: Attributes): Span | null
  /** Sends what is waiting. */
  close(): Promise<void>
}

export interface TracingOptions {
  readonly service: string
  readonly version: string
  /** Base address of the collector: spans go to /v1/traces below it. */
  readonly endpoint: string
  /** Share of the traces begun here that are sampled, from 0 to 1. */
  readonly sampledShare: number
  readonly log: Log
  readonly metrics: Metrics
}

/** Spans that wait; more are dropped, and counted. */
const QUEUE_MAX = 4096
const BATCH_MAX = 512
const SEND_EVERY_MS = 2_000
/** With its tries; a service that stops waits no longer for a collector that is away. */
const SEND_TIMEOUT_MS = 3_000
/** A collector that is away is said so often at most. */
const COMPLAINT_EVERY_MS = 60_000

/** Loads OpenTelemetry, which nobody else does. A collector that is away costs spans, never a request. */
export async function openTracing(options: TracingOptions): Promise<Tracer> {
  const { service, version, endpoint, sampledShare, log, metrics } = options
  const [api, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
  ])
  const counts = { sent: 0, failed: 0 }
  let complainedAt = Number.NEGATIVE_INFINITY
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', withSlash(endpoint)).href,
    timeoutMillis: SEND_TIMEOUT_MS,
  })
  const counting: SpanExporter = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code === 0) counts.sent += spans.length
        else {
          counts.failed += spans.length
          const now = performance.now()
          if (now - complainedAt > COMPLAINT_EVERY_MS) {
            complainedAt = now
            log.warn({ err: result.error, spans: spans.length }, 'spans could not be sent to the collector')
          }
        }
        done(result)
      })
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  }
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': version,
      'service.namespace': 'borrow-rate-engine',
    }),
    // Whoever calls start has seen the flag.
    sampler: new sdk.AlwaysOnSampler(),
    spanProcessors: [
      new sdk.BatchSpanProcessor(counting, {
        maxQueueSize: QUEUE_MAX,
        maxExportBatchSize: BATCH_MAX,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_TIMEOUT_MS,
      }),
    ],
  })
  metrics.counters('trace_spans_total', 'Spans, by whether the collector took them', 'outcome', {
    sent: () => counts.sent,
    failed: () => counts.failed,
  })
  const tracer: OtelTracer = provider.getTracer('borrow-rate-engine', version)
  const kinds = { internal: api.SpanKind.INTERNAL, server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT }
  return {
    contextOf: (header) => (isTraceparent(header) ? header : newTraceparent(Math.random() < sampledShare)),
    start(name, kind, parent, attributes) {
      if (!isSampled(parent)) return null
      const parentContext = api.trace.setSpanContext(api.ROOT_CONTEXT, {
        traceId: traceIdOf(parent),
        spanId: spanIdOf(parent),
        traceFlags: api.TraceFlags.SAMPLED,
        isRemote: true,
      })
      return handMade(
        tracer.startSpan(name, { kind: kinds[kind], ...(attributes && { attributes }) }, parentContext),
        api.SpanStatusCode.ERROR,
      )
    },
    // What could not be sent is in the log already.
    close: () => provider.shutdown().catch(() => {}),
  }
}

function handMade(span: OtelSpan, errorStatus: number): Span {
  const { traceId, spanId } = span.spanContext()
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    set: (name, value) => void span.setAttribute(name, value),
    fail: (reason) => void span.setStatus({ code: errorStatus, message: reason }),
    end: () => span.end(),
  }
}

const withSlash = (url: string) => (url.endsWith('/') ? url : `${url}/`)

/**
 * Work inside a span of its own; with what is sampled by nobody, the work alone. What it throws marks the span and goes on.
 * @param work gets the context of what happens inside
 */
export function inSpan<T>(
  tracer: Tracer | null,
  name: string,
  kind: SpanKind,
  context: CallContext,
  work: (context: CallContext, span: Span | null) => Promise<T>,
  attributes?: Attributes,
): Promise<T> {
  const span = tracer === null ? null : tracer.start(name, kind, context.traceparent, attributes)
  return span === null ? work(context, null) : throughout(span, context, work)
}

async function throughout<T>(
  span: Span,
  context: CallContext,
  work: (context: CallContext, span: Span) => Promise<T>,
): Promise<T> {
  try {
    return await work({ ...context, traceparent: span.traceparent }, span)
  } catch (error) {
    span.fail(reasonOf(error))
    throw error
  } finally {
    span.end()
  }
}

/** The same for what gives its answer bit by bit: the span lasts until the last, or until nobody reads on. */
export function streamInSpan<T>(
  tracer: Tracer | null,
  name: string,
  kind: SpanKind,
  context: CallContext,
  work: (context: CallContext) => AsyncIterable<T>,
): AsyncIterable<T> {
  const span = tracer === null ? null : tracer.start(name, kind, context.traceparent)
  return span === null ? work(context) : throughSpan(span, work({ ...context, traceparent: span.traceparent }))
}

async function* throughSpan<T>(span: Span, source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source
  } catch (error) {
    span.fail(reasonOf(error))
    throw error
  } finally {
    span.end()
  }
}

/** The code of an error, or its kind: its message may hold what a client sent. */
export function reasonOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown'
}
