// Rows of the audit log in PostgreSQL's binary form of COPY. A record's text goes over as its bytes: as a part of JSON it would be escaped here
// and read sign by sign there, which costs both sides more than all the rest of a row.
import type { AuditRow } from './quote-record.ts'

/** The columns in the order of {@link binaryRows}; `recorded_at` is the database's. */
export const COPY_ROWS = `copy audit_records (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate,
  total_fee, request_id, actor_id, record) from stdin (format binary)`

const FIELDS = 12
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const DECIMAL = /^-?\d{1,100}(?:\.\d{1,100})?$/
const SMALLINT_MAX = 32_767
/** 2000-01-01, from which the database counts, in milliseconds since 1970. */
const EPOCH_MS = 946_684_800_000
/** Bytes of UTF-8 that one unit of a string's length can take. */
const BYTES_A_UNIT = 3
/** More than the fields of a row take without its texts: lengths, id, time and three decimals of at most 200 digits. */
const FIXED_BYTES = 700
const NEGATIVE = 0x4000
/** Digits of a decimal that the database keeps in two bytes. */
const GROUP = 4

/** A full batch of quotes; what takes more is written once and let go. */
const SCRATCH_BYTES_MAX = 8_000_000
let scratch = Buffer.allocUnsafe(1 << 18)

/**
 * @returns the rows, one after the other, which are to be copied before this is called again; null when one is not of the plain form that engines write (an id, a time to the millisecond,
 *   decimals): then the database is to read the texts, and to say what is wrong
 */
export function binaryRows(rows: readonly AuditRow[]): Buffer | null {
  let bytes = 0
  for (const row of rows) bytes += FIXED_BYTES + BYTES_A_UNIT * unitsOf(row)
  if (scratch.length < bytes && bytes <= SCRATCH_BYTES_MAX) scratch = Buffer.allocUnsafe(bytes)
  const into = scratch.length < bytes ? Buffer.allocUnsafe(bytes) : scratch
  let at = 0
  for (const row of rows) {
    if (!isPlain(row)) return null
    at = writeRow(into, at, row)
  }
  return into.subarray(0, at)
}

function unitsOf(row: AuditRow): number {
  return textsOf(row).reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

function textsOf(row: AuditRow): (string | null)[] {
  return [row.record_type, row.client_id, row.ticker, row.request_id, row.actor_id, row.record]
}

function isPlain(row: AuditRow): boolean {
  return (
    ID.test(row.audit_id) &&
    row.schema_version >= 0 &&
    row.schema_version <= SMALLINT_MAX &&
    Number.isInteger(row.schema_version) &&
    MOMENT.test(row.occurred_at) &&
    !Number.isNaN(Date.parse(row.occurred_at)) &&
    isDecimal(row.position_value) &&
    isDecimal(row.borrow_rate) &&
    isDecimal(row.total_fee) &&
    textsOf(row).every((text) => text === null || text.isWellFormed())
  )
}

function isDecimal(text: string | null): boolean {
  return text === null || DECIMAL.test(text)
}

function writeRow(into: Buffer, from: number, row: AuditRow): number {
  let at = into.writeInt16BE(FIELDS, from)
  at = into.writeInt32BE(16, at)
  at += into.write(row.audit_id.replaceAll('-', ''), at, 'hex')
  at = writeText(into, at, row.record_type)
  at = into.writeInt32BE(2, at)
  at = into.writeInt16BE(row.schema_version, at)
  at = writeMoment(into, at, row.occurred_at)
  at = writeText(into, at, row.client_id)
  at = writeText(into, at, row.ticker)
  at = writeDecimal(into, at, row.position_value)
  at = writeDecimal(into, at, row.borrow_rate)
  at = writeDecimal(into, at, row.total_fee)
  at = writeText(into, at, row.request_id)
  at = writeText(into, at, row.actor_id)
  return writeText(into, at, row.record)
}

function writeNull(into: Buffer, at: number): number {
  return into.writeInt32BE(-1, at)
}

function writeText(into: Buffer, at: number, text: string | null): number {
  if (text === null) return writeNull(into, at)
  const length = into.write(text, at + 4)
  return into.writeInt32BE(length, at) + length
}

/** Microseconds, of which a number holds no more than until the year 2285. */
function writeMoment(into: Buffer, at: number, text: string): number {
  const microseconds = BigInt(Date.parse(text) - EPOCH_MS) * 1_000n
  return into.writeBigInt64BE(microseconds, into.writeInt32BE(8, at))
}

/**
 * NUMERIC: how many groups of four digits, the power of 10 000 of the first, the sign, the digits behind the point that are shown, and
 * the groups, without empty ones at either end.
 */
function writeDecimal(into: Buffer, from: number, text: string | null): number {
  if (text === null) return writeNull(into, from)
  const isNegative = text.startsWith('-')
  const point = text.indexOf('.')
  const whole = text.slice(isNegative ? 1 : 0, point === -1 ? undefined : point)
  const fraction = point === -1 ? '' : text.slice(point + 1)
  const wholeGroups = Math.ceil(whole.length / GROUP)
  const digits =
    whole.padStart(wholeGroups * GROUP, '0') + fraction.padEnd(Math.ceil(fraction.length / GROUP) * GROUP, '0')
  const group = (index: number) => Number(digits.slice(index * GROUP, (index + 1) * GROUP))
  let end = digits.length / GROUP
  let first = 0
  while (first < end && group(first) === 0) first += 1
  while (end > first && group(end - 1) === 0) end -= 1
  const groups = end - first
  let at = into.writeInt32BE(8 + 2 * groups, from)
  at = into.writeInt16BE(groups, at)
  at = into.writeInt16BE(groups === 0 ? 0 : wholeGroups - 1 - first, at)
  at = into.writeUInt16BE(isNegative && groups > 0 ? NEGATIVE : 0, at)
  at = into.writeUInt16BE(fraction.length, at)
  for (let index = first; index < end; index += 1) at = into.writeInt16BE(group(index), at)
  return at
}
