// The audit log has its months before they come: a record without a month cannot be kept, and then no price leaves. Each day, and at
// the start, 24 months are seen to lie ahead. How many really do is a metric, so that somebody hears of it two years early.

import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { inTransaction } from '../database/transaction.ts'
import type { Clock } from '../server/uuidv7.ts'
import { logMonths, monthLater, monthOf } from './log-months.ts'

export interface MonthsAhead {
  /**
   * Adds the months that are missing. Appends wait for a new month no longer than {@link LOCK_WAIT_MS}: what is in the way of
   * that is let through, and it is tried again.
   * @returns how many were added
   */
  add(): Promise<number>
  /** The months after this one that the log is known to have, without a gap. By the clock: it falls when nobody adds any. */
  count(): number
}

export const MONTHS_AHEAD = 24
export const LOCK_WAIT_MS = 50
const TRIES_MAX = 20
const RETRY_PAUSE_MS = 500
const LOCK_NOT_AVAILABLE = '55P03'

/** @param database as the audit service, or whoever may add months */
export function monthsAhead(database: pg.Pool, clock: Clock): MonthsAhead {
  let known: ReadonlySet<string> = new Set()

  async function add(): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      try {
        const added = await inTransaction(database, async (transaction) => {
          await transaction.query(`set local lock_timeout = ${LOCK_WAIT_MS}`)
          const { rows } = await transaction.query<{ added: number }>('select add_audit_months($1, $2) as added', [
            monthOf(clock()),
            MONTHS_AHEAD + 1,
          ])
          return rows[0]?.added ?? 0
        })
        known = new Set(await logMonths(database))
        return added
      } catch (error) {
        if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE || tries >= TRIES_MAX) throw error
        await pause(RETRY_PAUSE_MS)
      }
    }
  }

  function count(): number {
    let ahead = 0
    while (known.has(monthLater(monthOf(clock()), ahead + 1))) ahead += 1
    return ahead
  }

  return { add, count }
}
