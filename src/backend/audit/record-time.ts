// The time of a record is the time in its audit_id: ranges are asked for by it, and months are cut by it.

/** UUIDv7 has 48 bits for the milliseconds. */
const TIME_MAX_MS = 2 ** 48 - 1

/**
 * The lowest UUIDv7 of a moment: every id made at or after it is greater or equal. uuid7_lower_bound() of the database, as a constant of a
 * statement, so that months outside of a range are not even planned for.
 */
export function lowestIdOf(moment: Date): string {
  const time = Math.min(Math.max(moment.getTime(), 0), TIME_MAX_MS).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}
