// What operators see and turn: how every service is, and how much its log says.
import type pg from 'pg'
import { changeRecordRow, insertRecord } from '../audit/change-record.ts'
import { type CacheStore, StoreUnavailable } from '../cache/cache-store.ts'
import { onLogLevel, publishLogLevel } from '../cache/log-level-news.ts'
import { inTransaction } from '../database/transaction.ts'
import type { ChangeLogLevel } from '../gateway/operations.ts'
import { Problem } from '../server/problem.ts'
import type { Tools } from '../server/service-process.ts'

/** The process that is all services. */
export const ALL_IN_ONE = 'all-in-one'

/** Sets the log level of this process as its service is told. @returns how to stop */
export function followLogLevel({ service, logLevels }: Tools, store: CacheStore): Promise<() => Promise<void>> {
  return onLogLevel(store, service, ({ level, until }) => {
    if (level === null) logLevels.reset('administrator')
    else logLevels.set(level, until, 'administrator')
  })
}

/**
 * Tells all replicas of services, and keeps the record of it. Where there is one process for all of them, that is told. Rejects when
 * they cannot be told, or the record cannot be kept: then nothing changes.
 */
export function logLevelChange(
  { service: own, configuration, clock, newId }: Tools,
  behind: { readonly database: pg.Pool; readonly store: CacheStore },
): ChangeLogLevel {
  const { database, store } = behind
  return async ({ services, level, minutes }, actor) => {
    const now = clock()
    const until = new Date(now.getTime() + minutes * 60_000)
    const told = own === ALL_IN_ONE ? [ALL_IN_ONE] : services
    if (configuration.redis.url === null && told.some((service) => service !== own)) {
      throw new Problem('CONFLICT', 'Without Redis this process can be told, and no other')
    }
    const tell = (what: typeof level | null) =>
      Promise.all(told.map((service) => publishLogLevel(store, service, { level: what, until }, now)))
    try {
      await inTransaction(database, async (client) => {
        for (const service of told) {
          const record = changeRecordRow({
            auditId: newId(),
            occurredAt: now,
            actor,
            change: 'log_level_changed',
            subject: { kind: 'log_level', id: service },
            clientId: null,
            before: null,
            after: { level, minutes, until },
          })
          await insertRecord(client, record)
        }
        await tell(level)
      })
    } catch (error) {
      // Some may have heard it, and it is not on the record.
      await tell(null).catch(() => {})
      if (!(error instanceof StoreUnavailable)) throw error
      throw new Problem('SERVICE_UNAVAILABLE', 'The services cannot be told now', { cause: error })
    }
    return { until }
  }
}
