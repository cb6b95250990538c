// What the audit service does by itself, by the clock: it sees to it that months lie ahead, at the start and every hour, and lets go what
// is past its years, once a night. Every replica may: of those that come at once one does it.
import { Cron } from 'croner'
import type pg from 'pg'
import type { Log } from '../server/log.ts'
import type { Metrics } from '../server/metrics.ts'
import type { Clock } from '../server/uuidv7.ts'
import { exportPlaces } from './export.ts'
import type { LockedStorage } from './locked-storage.ts'
import { monthsAhead } from './months-ahead.ts'
import { type Retention, retention } from './retention.ts'
import type { SigningKey, TrustedKeys } from './signing-key.ts'
import { proveExport } from './verify-export.ts'

export interface AuditUpkeepOptions {
  /** As the audit service. A run takes three of its connections. */
  readonly database: pg.Pool
  readonly storage: LockedStorage
  readonly key: SigningKey
  readonly trusted: TrustedKeys
  readonly clock: Clock
  readonly newId: () => string
  /** AUDIT_RETENTION_YEARS */
  readonly years: number
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly metrics: Pick<Metrics, 'gauge'>
}

export interface AuditUpkeep {
  /** Its plan, for whoever wants to look. */
  readonly retention: Retention
  /** Adds months now, and goes on by the clock. */
  start(): void
  /** One run of retention now; the log says what came of it. Never rejects. */
  letGo(): Promise<void>
  /** Ends what is under way between two steps; the next run goes on from there. */
  stop(): Promise<void>
}

const MONTHS_SCHEDULE = '7 * * * *'
/** When New York sleeps. */
const RETENTION_SCHEDULE = '17 7 * * *'

/** Nothing runs before `start`. */
export function auditUpkeep(options: AuditUpkeepOptions): AuditUpkeep {
  const { database, storage, key, trusted, clock, newId, years, log, metrics } = options
  const closing = new AbortController()
  const ahead = monthsAhead(database, clock)
  let overdue = 0
  const letting = retention({
    database,
    storage,
    key,
    clock,
    newId,
    years,
    exportPlaces: exportPlaces({ database, clock }),
    proveExport: proveExport(trusted),
  })
  metrics.gauge('audit_months_ahead', 'Months after this one that the audit log has, without a gap', ahead.count)
  metrics.gauge(
    'audit_months_overdue',
    'Months that were past their years at the last run of retention and could not leave the log',
    () => overdue,
  )

  const addMonths = oneAtATime(async () => {
    try {
      const added = await ahead.add()
      if (added > 0) log.info({ added }, 'the audit log has more months')
    } catch (error) {
      log.warn({ err: error, ahead: ahead.count() }, 'months could not be added to the audit log')
    }
  })

  const letGo = oneAtATime(async () => {
    try {
      const { outcome, months } = await letting.run(closing.signal)
      if (outcome === 'elsewhere') return
      for (const { failed, ...month } of months) {
        if (failed === null) log.info(month, 'a month has left the audit log')
        else log.warn({ ...month, ...failed }, 'a month that is past its years could not leave the audit log')
      }
      overdue = months.some(({ failed }) => failed !== null) ? (await letting.plan()).due.length : 0
    } catch (error) {
      if (!closing.signal.aborted) log.warn({ err: error }, 'retention was not finished; the next run goes on')
    }
  })

  const schedules: Cron[] = []
  return {
    retention: letting,
    start() {
      const inUtc = { timezone: 'UTC', mode: '5-part', unref: true } as const
      schedules.push(new Cron(MONTHS_SCHEDULE, inUtc, () => void addMonths.run()))
      schedules.push(new Cron(RETENTION_SCHEDULE, inUtc, () => void letGo.run()))
      void addMonths.run()
    },
    letGo: letGo.run,
    async stop() {
      for (const schedule of schedules) schedule.stop()
      closing.abort()
      await Promise.all([addMonths.idle(), letGo.idle()])
    },
  }
}

/** A second run while one is under way is that one. */
function oneAtATime(work: () => Promise<void>): { run(): Promise<void>; idle(): Promise<void> } {
  let underWay: Promise<void> | null = null
  return {
    run() {
      underWay ??= work().finally(() => {
        underWay = null
      })
      return underWay
    },
    idle: async () => {
      await underWay
    },
  }
}
