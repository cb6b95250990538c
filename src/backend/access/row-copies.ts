// Copies of rows that say whether a credential is good, so that a request costs no trip to the database: for a few seconds a copy is as
// good as the row, and while the database is away it serves a while longer. What has no copy then is SERVICE_UNAVAILABLE: a store's
// failure is never a 401.
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../server/problem.ts'
import { recentlyUsed } from '../server/recently-used.ts'
import type { Clock } from '../server/uuidv7.ts'

/** Until then a copy is as good as the row. What was revoked works so long at most while the database answers. */
export const COPY_FRESH_MS = 10_000
/** While the database is away a copy serves until then. */
export const COPY_STALE_MS = 300_000
/** A request with an aged copy waits so long for the row itself. */
const REREAD_WAIT_MS = 250
/** A request without a copy waits so long: a database that stalls must not take a request's time with it. */
const READ_WAIT_MS = 3_000
/** After a failed reading nobody waits again before this. */
const REREAD_PAUSE_MS = 1000
/** Above the largest number of brokers that was ever measured: who asks in turn, one more than there are copies, never finds one. */
const COPIES_MAX = 150_000
/** Ids that do not exist are remembered apart, so that inventing ids cannot push real rows out. */
const ABSENT_MAX = 1000

export interface RowCopies<Row> {
  /**
   * The row of an id, or null when there is none.
   * @throws Problem SERVICE_UNAVAILABLE when the store is away and no copy is young enough
   */
  get(id: string): Promise<Row | null>
  /** The row, when there is a copy as good as it; null when only `get` can tell. */
  atHand(id: string): Row | null
  /** The row has changed, and this process knows it. */
  forget(id: string): void
  /** Rows may have changed: the next who needs one of them asks for it, and has its copy only while the store does not answer. */
  doubt(isDoubtful: (row: Row) => boolean): void
}

export interface RowCopiesOptions<Row> {
  readonly read: (id: string) => Promise<Row | null>
  readonly clock: Clock
  /** Told of rows that could not be read again. */
  readonly onFailure: (error: unknown) => void
}

interface Copy<Row> {
  readonly row: Row
  readAtMs: number
  failedAtMs: number | null
}

export function rowCopies<Row extends object>({ read, clock, onFailure }: RowCopiesOptions<Row>): RowCopies<Row> {
  const copies = recentlyUsed<string, Copy<Row>>(COPIES_MAX)
  const absent = recentlyUsed<string, number>(ABSENT_MAX)
  const readings = new Map<string, Promise<Row | null>>()

  /** One reading of a row at a time, whoever asks. */
  function readOnce(id: string): Promise<Row | null> {
    const underWay = readings.get(id)
    if (underWay !== undefined) return underWay
    const reading: Promise<Row | null> = read(id)
      .then((row) => {
        // Forgotten meanwhile: what was read may be from before the change.
        if (readings.get(id) !== reading) return row
        const readAtMs = clock().getTime()
        if (row === null) {
          copies.delete(id)
          absent.set(id, readAtMs)
        } else {
          copies.set(id, { row, readAtMs, failedAtMs: null })
        }
        return row
      })
      .finally(() => {
        if (readings.get(id) === reading) readings.delete(id)
      })
    readings.set(id, reading)
    return reading
  }

  return {
    atHand(id) {
      const copy = copies.get(id)
      return copy !== undefined && clock().getTime() - copy.readAtMs < COPY_FRESH_MS ? copy.row : null
    },
    async get(id) {
      const now = clock().getTime()
      const copy = copies.get(id)
      if (copy === undefined) {
        const absentAt = absent.get(id)
        if (absentAt !== undefined && now - absentAt < COPY_FRESH_MS) return null
        return orUnavailable(inTime(readOnce(id)))
      }
      const age = now - copy.readAtMs
      if (age < COPY_FRESH_MS) return copy.row
      if (age >= COPY_STALE_MS) return orUnavailable(inTime(readOnce(id)))
      if (copy.failedAtMs !== null && now - copy.failedAtMs < REREAD_PAUSE_MS) return copy.row
      const reread = readOnce(id).catch((error: unknown) => {
        copy.failedAtMs = clock().getTime()
        onFailure(error)
        return copy.row
      })
      return Promise.race([reread, sleep(REREAD_WAIT_MS, copy.row, { ref: false })])
    },
    forget(id) {
      copies.delete(id)
      absent.delete(id)
      readings.delete(id)
    },
    doubt(isDoubtful) {
      const agedMs = clock().getTime() - COPY_FRESH_MS
      for (const copy of copies.values()) {
        if (!isDoubtful(copy.row)) continue
        copy.readAtMs = Math.min(copy.readAtMs, agedMs)
        copy.failedAtMs = null
      }
      // What is being read may be from before.
      readings.clear()
    },
  }
}

/** The reading itself goes on: whoever asks next has what it finds. */
function inTime<T>(reading: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the row was not read in time')), READ_WAIT_MS)
    reading.then(resolve, reject).finally(() => clearTimeout(late))
  })
}

/** What a credential needs the store for. @throws Problem SERVICE_UNAVAILABLE when it is away */
export async function orUnavailable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new Problem('SERVICE_UNAVAILABLE', 'Credentials cannot be checked now', { cause })
  }
}
