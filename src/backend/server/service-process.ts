// The life that every service has in common: read the settings, put the parts together, open the doors, and close them again in
// order. What a service is made of, it says itself (`services/`).
import type { FastifyInstance } from 'fastify'
import { type Configuration, readConfiguration } from './configuration.ts'
import { ENGINE_VERSION } from './engine-version.ts'
import { type ComponentCheck, createHealth, type Health } from './health.ts'
import { HEALTH_DETAILS, serveHealthDetails } from './health-wire.ts'
import { openHttpsDoor } from './https-door.ts'
import { type InternalServerOptions, internalServer, type Served } from './internal-server.ts'
import { certificateEnd } from './internal-tls.ts'
import { createLog, type Log } from './log.ts'
import { type LogLevels, logLevels } from './log-levels.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type RecentDurations, recentDurations } from './recent-durations.ts'
import { type RunOptions, run, StartError, startProgram } from './run.ts'
import { createServer, type ServerOptions } from './server.ts'
import { openTracing, type Tracer } from './tracing.ts'
import { type Clock, systemClock, uuidv7Maker } from './uuidv7.ts'

/** What the parts of a service are made with. */
export interface Tools {
  /** The service's own name. */
  readonly service: string
  readonly configuration: Configuration
  readonly log: Log
  /** How much of it is written, for a while. */
  readonly logLevels: LogLevels
  readonly metrics: Metrics
  readonly clock: Clock
  /** Makes rising UUIDv7s: ids of requests and of records. */
  readonly newId: () => string
  /** For pools: an idle connection that breaks is a line in the log. */
  readonly onIdleError: (error: Error) => void
  /** Null unless tracing is on. */
  readonly tracer: Tracer | null
}

export interface ServiceParts {
  /** What the private door answers besides how the service is; null: there is no private door. */
  readonly operations: readonly Served[] | null
  readonly components: Readonly<Record<string, ComponentCheck>>
  readonly feeds?: () => Promise<Readonly<Record<string, unknown>>>
  /** The public application; without one the public port has health and metrics only. */
  readonly app?: (server: ServerOptions) => Promise<FastifyInstance>
  /** When both doors are closed: queues, pools, connections. */
  readonly stop: () => Promise<void>
  /** When the doors are open. */
  readonly onListening?: (address: string) => void
}

/** How fast a process answered in the last five minutes. */
const LATENCY_SLOT_SECONDS = 10
const LATENCY_SLOTS = 30

/** Requests of the API, not those about the process itself. */
function withRequestsNoted(metrics: Metrics, latency: RecentDurations): Metrics {
  const observe = (labels: { method: string; route: string }, seconds: number) => {
    metrics.httpDuration.observe(labels, seconds)
    if (labels.route.startsWith('/api/')) latency.note(seconds * 1000)
  }
  return { ...metrics, httpDuration: { observe: observe as Metrics['httpDuration']['observe'] } }
}

/** Calls of our own other services, but for how this one is. */
function withCallsNoted(metrics: Metrics, latency: RecentDurations): Metrics {
  const observe = (labels: { operation: string }, seconds: number) => {
    metrics.internalDuration.observe(labels, seconds)
    if (labels.operation !== HEALTH_DETAILS) latency.note(seconds * 1000)
  }
  return { ...metrics, internalDuration: { observe: observe as Metrics['internalDuration']['observe'] } }
}

/** Runs a service until a signal. Faults that a person can mend end the process with a sentence. */
export function runService(service: string, assemble: (tools: Tools) => Promise<ServiceParts>): Promise<void> {
  return startProgram(async () => {
    const configuration = readConfiguration(process.env)
    const log = createLog({ service, level: configuration.logLevel })
    for (const hint of configuration.hints) log.warn(hint)
    const levels = logLevels(log, systemClock)
    process.on('SIGUSR2', () => levels.toggle('signal'))
    const metrics = createMetrics({ service, enabled: configuration.metricsEnabled })
    const { tls } = configuration
    if (tls !== null) {
      metrics.gauge('tls_certificate_expires_seconds', "When this service's certificate ends, seconds since 1970", () =>
        certificateEnd(tls.certFile),
      )
    }
    const clock = systemClock
    const newId = uuidv7Maker(clock)
    const onIdleError = (error: Error) => log.warn({ err: error }, 'a database connection broke')
    const { otlpEndpoint, sampledShare } = configuration.tracing
    const tracer =
      otlpEndpoint === null
        ? null
        : await openTracing({ service, version: ENGINE_VERSION, endpoint: otlpEndpoint, sampledShare, log, metrics })
    const latency = recentDurations({ slotSeconds: LATENCY_SLOT_SECONDS, slots: LATENCY_SLOTS, clock })
    const signals = noteSignals()
    const parts = await assemble({
      service,
      configuration,
      log,
      logLevels: levels,
      metrics,
      clock,
      newId,
      onIdleError,
      tracer,
    })
    if (signals.leave()) {
      // Told to stop before the doors were open: what was started is ended, not left behind.
      await parts.stop()
      process.exit(0)
    }

    const health: Health = createHealth({
      service,
      version: ENGINE_VERSION,
      components: parts.components,
      ...(parts.feeds !== undefined && { feeds: parts.feeds }),
      facts: () => {
        const { level, until } = levels.current()
        return { log_level: level, log_level_until: until, latency: latency.figures() }
      },
      onFailure: (component, reason) => log.warn({ component, err: reason }, 'a component does not answer'),
    })
    const serverOptions: ServerOptions = {
      log,
      metrics: parts.app === undefined ? metrics : withRequestsNoted(metrics, latency),
      health,
      newRequestId: newId,
      trustedProxies: configuration.trustedProxies,
      corsOrigins: configuration.corsOrigins,
      overload: configuration.overload,
      tracer,
    }
    const app = await (parts.app ?? createServer)(serverOptions)
    const { operations } = parts
    const internal =
      operations === null
        ? null
        : await openPrivateDoor(configuration, {
            operations: [...operations, serveHealthDetails(health)],
            log,
            metrics: withCallsNoted(metrics, latency),
            tracer,
          })
    const { url } = await run({
      app,
      host: configuration.host,
      port: configuration.port,
      portChosen: configuration.portChosen,
      health,
      log,
      ...httpsDoorOf(configuration, app, log),
      stop: async () => {
        await internal?.close()
        await parts.stop()
        await tracer?.close()
      },
    })
    if (internal !== null) log.info({ url: internal.url }, 'the private door is open')
    parts.onListening?.(url)
  })
}

/** Notes the first SIGTERM or SIGINT; a second one ends the process as it always does. */
function noteSignals(): { leave(): boolean } {
  let noted = false
  const note = () => {
    noted = true
  }
  process.once('SIGTERM', note)
  process.once('SIGINT', note)
  return {
    leave() {
      process.off('SIGTERM', note)
      process.off('SIGINT', note)
      return noted
    },
  }
}

function httpsDoorOf(
  { host, httpsPort, tls }: Configuration,
  app: FastifyInstance,
  log: Log,
): Pick<RunOptions, 'openAnother'> {
  if (httpsPort === null || tls === null) return {}
  return {
    openAnother: () =>
      openHttpsDoor({ server: app.server, host, port: httpsPort, tls, log }).catch((error) => {
        throw doorError(error, host, httpsPort, 'HTTPS_PORT')
      }),
  }
}

async function openPrivateDoor(
  configuration: Configuration,
  options: Pick<InternalServerOptions, 'operations' | 'log' | 'metrics' | 'tracer'>,
) {
  const { internalHost: host, internalPort: port, tls } = configuration
  try {
    return await internalServer({ ...options, host, port, tls })
  } catch (error) {
    throw doorError(error, host, port, 'INTERNAL_PORT')
  }
}

/** The same in the words of a person who can mend it, as far as it is of that kind. */
function doorError(error: unknown, host: string, port: number, setting: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new StartError(`Port ${port} on ${host} is in use. Choose another with ${setting}.`, { cause: error })
  }
  if (code === 'ENOENT' || (code === 'EACCES' && path !== undefined)) {
    return new StartError(`The certificate file ${path ?? ''} cannot be read.`, { cause: error })
  }
  return error
}
