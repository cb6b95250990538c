// UUID version 7 (RFC 9562): the time first, so that ids sort as they were made and the audit log can be partitioned by
// them. Within one process ids only ever rise, also within a millisecond and when the clock is set back.
import { randomFillSync } from 'node:crypto'

/** The time of day is an argument everywhere, so that tests can fix it. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()

export const UUID_V7_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

/** Twelve bits count within a millisecond (RFC 9562, 6.2, method 1). Half of them are left free at its start. */
const COUNTER_MAX = 0xfff
const COUNTER_START_MASK = 0x7ff
const POOL_BYTES = 4096
const BYTES_PER_ID = 10

/** @returns a function that makes rising ids by this clock. One per process keeps them rising across the process. */
export function uuidv7Maker(clock: Clock): () => string {
  let lastMs = 0
  let counter = 0
  const pool = Buffer.alloc(POOL_BYTES)
  let at = POOL_BYTES

  return () => {
    if (at + BYTES_PER_ID > POOL_BYTES) {
      randomFillSync(pool)
      at = 0
    }
    const now = clock().getTime()
    if (now > lastMs) {
      lastMs = now
      counter = pool.readUInt16BE(at) & COUNTER_START_MASK
    } else if (counter < COUNTER_MAX) {
      counter += 1
    } else {
      // More than the counter holds in a millisecond: the id borrows the next one.
      lastMs += 1
      counter = pool.readUInt16BE(at) & COUNTER_START_MASK
    }
    const time = lastMs.toString(16).padStart(12, '0')
    const variant = (0x8000 | (pool.readUInt16BE(at + 2) & 0x3fff)).toString(16)
    const random = pool.toString('hex', at + 4, at + 10)
    at += BYTES_PER_ID
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}-${random}`
  }
}
