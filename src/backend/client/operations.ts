// For operators: how all services are, and how much their logs say.
import { type CallOptions, type Connection, pathOf } from './connection.ts'

export const SERVICE_NAMES = [
  'api-gateway',
  'calculation-service',
  'data-service',
  'cache-service',
  'audit-service',
] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export interface ServiceLineAnswer {
  /** One process that is all services is one line. */
  readonly service: string
  readonly state: 'ok' | 'degraded' | 'draining' | 'away' | 'unknown'
  /** Milliseconds. */
  readonly answered_ms: string | null
  readonly version: string | null
  readonly uptime_seconds: number | null
  readonly log_level: string | null
  /** When it goes back; null: it is the one of the settings. */
  readonly log_level_until: string | null
  /** What it stands on, each with facts of its own. */
  readonly components: Readonly<Record<string, { readonly state: 'up' | 'down' } & Readonly<Record<string, unknown>>>>
}

export interface OperationsAnswer {
  readonly status: 'success'
  readonly at: string
  readonly services: readonly ServiceLineAnswer[]
  /** Null: they are not known now. */
  readonly feeds: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null
}

export interface LogLevelAnswer {
  readonly status: 'success'
  readonly service: string
  readonly level: LogLevel
  readonly minutes: number
  readonly until: string
}

export class Operations {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A line for every service, the one of a dead one too, and the feeds. For staff. */
  read(options: CallOptions = {}): Promise<OperationsAnswer> {
    return this.#connection.call({ method: 'GET', path: pathOf`/operations` }, options)
  }

  /** What a service writes into its log, in all its replicas, for so many minutes: then it goes back by itself. For an administrator. */
  setLogLevel(
    service: ServiceName | 'all',
    level: LogLevel,
    minutes: number,
    options: CallOptions = {},
  ): Promise<LogLevelAnswer> {
    const body = { service, level, minutes }
    return this.#connection.call({ method: 'PUT', path: pathOf`/log-level`, body }, options)
  }
}
