// How all services are, gathered for an operator. Each is asked at the same time and none is waited for longer than a moment: one that is
// dead is a line that says so.
import type { Actor } from '../audit/quote-record.ts'
import type { CallContext } from '../server/call-context.ts'
import type { HealthDetails } from '../server/health-wire.ts'
import type { LogLevel } from '../server/log.ts'
import type { DurationFigures } from '../server/recent-durations.ts'

export const SERVICES = [
  'api-gateway',
  'calculation-service',
  'data-service',
  'cache-service',
  'audit-service',
] as const
export type ServiceName = (typeof SERVICES)[number]

/** Another service, and how it is asked; null: the settings do not say where it is. */
export interface AskedService {
  readonly service: ServiceName
  readonly details: HealthDetails | null
}

/** Rejects with SERVICE_UNAVAILABLE, or as a store does, when it cannot be told to all or be recorded: then nothing changes. */
export type ChangeLogLevel = (
  change: { readonly services: readonly ServiceName[]; readonly level: LogLevel; readonly minutes: number },
  actor: Actor,
) => Promise<{ readonly until: Date }>

/** `ok`, `degraded` and `draining` are the service's own words; `away`: it did not answer; `unknown`: nobody knows where it is. */
export type ServiceState = 'ok' | 'degraded' | 'draining' | 'away' | 'unknown'

export interface ServiceLine {
  readonly service: string
  readonly state: ServiceState
  /** How long its answer took. */
  readonly answered_ms: number | null
  readonly version: string | null
  readonly uptime_seconds: number | null
  readonly log_level: string | null
  readonly log_level_until: string | null
  readonly latency: DurationFigures | null
  readonly components: Readonly<Record<string, unknown>>
}

/** More than a service takes to find out that a component of its own is away. */
const ANSWER_WAIT_MS = 3_000

/** The context of a question that is waited for a moment only. */
export function hurried(context: CallContext): CallContext {
  return { ...context, deadlineMs: Math.min(context.deadlineMs, Date.now() + ANSWER_WAIT_MS) }
}

/**
 * One line a service, in the order they are asked in; of several replicas one answers. Never rejects.
 * @param own of this process
 */
export async function gatherServices(
  own: () => Promise<Readonly<Record<string, unknown>>>,
  others: readonly AskedService[],
  context: CallContext,
): Promise<ServiceLine[]> {
  const [self, ...rest] = await Promise.all([
    lineOf('', own),
    ...others.map(({ service, details }) =>
      details === null ? absent(service, 'unknown', null) : lineOf(service, () => details(context)),
    ),
  ])
  return [self as ServiceLine, ...rest]
}

async function lineOf(service: string, ask: () => Promise<Readonly<Record<string, unknown>>>): Promise<ServiceLine> {
  const startedAt = performance.now()
  const elapsed = () => Math.round((performance.now() - startedAt) * 10) / 10
  try {
    const said = await ask()
    const text = (name: string) => (typeof said[name] === 'string' ? (said[name] as string) : null)
    const until = said.log_level_until
    return {
      service: text('service') ?? service,
      state: (text('status') as ServiceState | null) ?? 'degraded',
      answered_ms: elapsed(),
      version: text('version'),
      uptime_seconds: typeof said.uptime_seconds === 'number' ? said.uptime_seconds : null,
      log_level: text('log_level'),
      latency: (said.latency ?? null) as DurationFigures | null,
      log_level_until: until instanceof Date ? until.toISOString() : text('log_level_until'),
      components: (said.components ?? {}) as Record<string, unknown>,
    }
  } catch {
    // Why it does not answer stands in the log of the components of this process.
    return absent(service, 'away', elapsed())
  }
}

/**
 * How often a name that is looked for is found among the copies: those that processes share, or without Redis those of the process that
 * prices.
 * @returns null when that is not known, or nothing was looked for
 */
export function cacheFigures(lines: readonly ServiceLine[]): object | null {
  const found = factsOf(lines, 'shared_copies') ?? factsOf(lines, 'copies_in_memory')
  const { hits, misses } = found ?? {}
  if (typeof hits !== 'number' || typeof misses !== 'number' || hits + misses === 0) return null
  return { hit_rate: Math.round((hits / (hits + misses)) * 10_000) / 10_000, hits, misses }
}

/** @returns null when not all of it is known */
export function auditFigures(lines: readonly ServiceLine[]): object | null {
  const { queued } = factsOf(lines, 'audit_log') ?? {}
  const { records, lag_seconds: lagSeconds } = factsOf(lines, 'unsealed_records') ?? {}
  if (typeof queued !== 'number' || typeof records !== 'number' || typeof lagSeconds !== 'number') return null
  return { queue_length: queued, unsealed: records, seal_lag_seconds: lagSeconds }
}

/** Of the first service that has the component. */
function factsOf(lines: readonly ServiceLine[], component: string): Readonly<Record<string, unknown>> | null {
  for (const { components } of lines) {
    const facts = components[component]
    if (typeof facts === 'object' && facts !== null) return facts as Record<string, unknown>
  }
  return null
}

function absent(service: string, state: ServiceState, answeredMs: number | null): ServiceLine {
  return {
    service,
    state,
    answered_ms: answeredMs,
    version: null,
    uptime_seconds: null,
    log_level: null,
    log_level_until: null,
    latency: null,
    components: {},
  }
}
