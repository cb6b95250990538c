// What an alert is made of. Each says how urgent it is, what clients see meanwhile, and where it is written what to do.
import { DOCUMENTS_URL } from '../documents-url.ts'

/** As Prometheus writes a length of time: `5m`. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`

/** How long a length of time is where the rules run: production's are true, those of a test are seconds. */
export type Windows = (production: Duration) => Duration

export const TRUE_WINDOWS: Windows = (production) => production

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

export function secondsOf(duration: Duration): number {
  return Number(duration.slice(0, -1)) * SECONDS[duration.slice(-1) as keyof typeof SECONDS]
}

/** Every length of time divided, but none below what a few scrapes take. */
export function dividedWindows(by: number, secondsMin: number): Windows {
  return (production) => `${Math.max(secondsMin, Math.round(secondsOf(production) / by))}s`
}

export const PRIORITIES = ['P1', 'P2', 'P3', 'P4'] as const
export type Priority = (typeof PRIORITIES)[number]

/** The guide's names of the priorities, and its response times. */
export const SEVERITIES: Readonly<Record<Priority, { readonly severity: string; readonly response: string }>> = {
  P1: { severity: 'critical', response: 'immediate response' },
  P2: { severity: 'high', response: 'within 30 minutes' },
  P3: { severity: 'medium', response: 'within 2 hours' },
  P4: { severity: 'low', response: 'during business hours' },
}

/** What it is about: alerts are routed by this too. */
export const KINDS = [
  'availability',
  'latency',
  'inputs',
  'record',
  'stores',
  'capacity',
  'security',
  'deployment',
  'monitoring',
] as const
export type Kind = (typeof KINDS)[number]

export interface Alert {
  readonly name: string
  readonly priority: Priority
  readonly kind: Kind
  readonly expr: string
  /** How long it must be so. Unless said: at once. */
  readonly for?: Duration
  readonly summary: string
  readonly description: string
  /** What a client, or a person at the desk, sees of it. */
  readonly clients: string
  /** A page of docs/operations with a heading: `runbooks/data-service.md#metrics`. */
  readonly runbook: string
  readonly labels?: Readonly<Record<string, string>>
}

/** As it stands in a rule file. */
export interface RuleOfFile {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface RuleGroup {
  readonly name: string
  readonly interval?: string
  readonly rules: readonly RuleOfFile[]
}

export function ruleOf(alert: Alert): RuleOfFile {
  return {
    alert: alert.name,
    expr: alert.expr,
    ...(alert.for !== undefined && { for: alert.for }),
    labels: {
      severity: SEVERITIES[alert.priority].severity,
      priority: alert.priority,
      type: alert.kind,
      ...alert.labels,
    },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      clients_see: alert.clients,
      runbook_url: DOCUMENTS_URL + alert.runbook,
    },
  }
}

/** The pods of the five services, and a canary's. */
export const SERVICES = [
  'api-gateway',
  'calculation-service',
  'data-service',
  'cache-service',
  'audit-service',
] as const
export type ServiceName = (typeof SERVICES)[number]
