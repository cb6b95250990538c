// For operators: how all services are, and how much their logs say.

import { type CallOptions, type Connection, pathOf } from './connection.ts'
import type { Exact } from './units.ts'

export const SERVICE_NAMES = [
  'api-gateway',
  'calculation-service',
  'data-service',
  'cache-service',
  'audit-service',
] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Of the requests that a process answered in the last five minutes. */
export interface LatencyAnswer {
  readonly p50_ms: Exact
  readonly p99_ms: Exact
  readonly requests_per_second: Exact
}

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
  /** Internal calls; of the gateway, requests. Null: it is not known, or nothing was asked. */
  readonly latency: LatencyAnswer | null
  /** What it stands on, each with facts of its own. */
  readonly components: Readonly<Record<string, { readonly state: 'up' | 'down' } & Readonly<Record<string, unknown>>>>
}

export interface FeedLineAnswer {
  readonly provider: string | null
  readonly state: 'up' | 'down'
  /** Null: it is not a service that is asked. */
  readonly breaker: { readonly state: string } | null
  readonly last_success: string | null
  readonly age_seconds: number | null
  /** More, as the way in which it comes has it. */
  readonly [more: string]: unknown
}

/** The quotes of a minute: of single ones, not of lines of a batch. */
export interface QuoteMinuteAnswer {
  /** When the minute began. */
  readonly at: string
  readonly count: number
  /** Null: there was none. */
  readonly p50_ms: Exact | null
  readonly p99_ms: Exact | null
}

/** A dashboard or a page of the operators' own. */
export interface LinkAnswer {
  readonly title: string
  readonly url: string
}

export interface OperationsAnswer {
  readonly status: 'success'
  readonly at: string
  readonly services: readonly ServiceLineAnswer[]
  /** Null: they are not known now. */
  readonly feeds: Readonly<Record<string, FeedLineAnswer>> | null
  /** Look-ups of prices' inputs in the last five minutes; `hit_rate` 0 to 1. Null: it is not known, or there was none. */
  readonly cache: { readonly hit_rate: Exact; readonly hits: number; readonly misses: number } | null
  /** Null: it is not known. */
  readonly audit: {
    /** Records that wait to be kept, in the process that keeps them. */
    readonly queue_length: number
    /** Records that are kept and not in the chain yet. */
    readonly unsealed: number
    /** How long the oldest of them has waited. */
    readonly seal_lag_seconds: number
  } | null
  /** Of the gateway that answers, the last 60 minutes, oldest first. */
  readonly quotes: { readonly per_minute: readonly QuoteMinuteAnswer[] }
  readonly links: readonly LinkAnswer[]
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
