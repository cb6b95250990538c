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
/** Above the counter's twelve bits. */
const VERSION = 0x7000
/** The two highest bits of its byte. */
const VARIANT = 0x80
const BYTES_PER_ID = 10

/** @returns a function that makes rising ids by this clock. One per process keeps them rising across the process. */
export function uuidv7Maker(clock: Clock): () => string {
  let lastMs = 0
  let timeText = ''
  let counter = 0
  const pool = Buffer.alloc(POOL_BYTES)
  let at = POOL_BYTES

  function beginMillisecond(ms: number): void {
    lastMs = ms
    const time = ms.toString(16).padStart(12, '0')
    timeText = `${time.slice(0, 8)}-${time.slice(8)}`
    counter = pool.readUInt16BE(at) & COUNTER_START_MASK
  }

  return () => {
    if (at + BYTES_PER_ID > POOL_BYTES) {
      randomFillSync(pool)
      at = 0
    }
    const now = clock().getTime()
    if (now > lastMs) beginMillisecond(now)
    else if (counter < COUNTER_MAX) counter += 1
    // More than the counter holds in a millisecond: the id borrows the next one.
    else beginMillisecond(lastMs + 1)
    pool[at + 2] = (pool[at + 2]! & 0x3f) | VARIANT
    const random = pool.toString('hex', at + 2, at + BYTES_PER_ID)
    at += BYTES_PER_ID
    return `${timeText}-${(VERSION | counter).toString(16)}-${random.slice(0, 4)}-${random.slice(4)}`
  }
}
