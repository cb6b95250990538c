// Rows of the audit log in PostgreSQL's binary form of COPY. A record's text goes over as its bytes: as a part of JSON it would be escaped here
// and read sign by sign there, which costs both sides more than all the rest of a row.
import type { AuditRow } from './quote-record.ts'

/** The columns in the order of {@link BinaryRows}; `recorded_at` is the database's. */
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
/** What stands before the groups of a decimal. */
const DECIMAL_HEAD_BYTES = 8

/** Room for a batch under load, which is kept for the next one. */
const ROOM_BYTES = 1 << 18
/** A full batch of quotes; what took more is let go. */
const ROOM_BYTES_MAX = 8_000_000

/** Rows that are gathered one by one, so that none of their texts has to be held. */
export class BinaryRows {
  #room = Buffer.allocUnsafe(ROOM_BYTES)
  #length = 0

  /**
   * Adds a row.
   * @returns false when it is not of the plain form that engines write (an id, a time to the millisecond, decimals): then the database is to
   *   read the texts, and to say what is wrong
   */
  add(row: AuditRow): boolean {
    if (!isPlain(row)) return false
    const needed = this.#length + FIXED_BYTES + BYTES_A_UNIT * unitsOf(row)
    if (needed > this.#room.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#room.length))
      this.#room.copy(larger, 0, 0, this.#length)
      this.#room = larger
    }
    this.#length = writeRow(this.#room, this.#length, row)
    return true
  }

  /** The rows one after the other, until this is cleared. */
  bytes(): Buffer {
    return this.#room.subarray(0, this.#length)
  }

  /** Takes rows anew. */
  clear(): void {
    this.#length = 0
    if (this.#room.length > ROOM_BYTES_MAX) this.#room = Buffer.allocUnsafe(ROOM_BYTES)
  }
}

/** @returns the rows, one after the other; null when one is not of the plain form, see {@link BinaryRows.add} */
export function binaryRows(rows: readonly AuditRow[]): Buffer | null {
  const all = new BinaryRows()
  return rows.every((row) => all.add(row)) ? all.bytes() : null
}

function unitsOf(row: AuditRow): number {
  let units = 0
  for (const text of textsOf(row)) units += text?.length ?? 0
  return units
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
    momentMs(row.occurred_at) !== null &&
    isDecimal(row.position_value) &&
    isDecimal(row.borrow_rate) &&
    isDecimal(row.total_fee) &&
    textsOf(row).every((text) => text === null || text.isWellFormed())
  )
}

function isDecimal(text: string | null): boolean {
  return text === null || DECIMAL.test(text)
}

/** Rows that are written together are often of one moment. */
let readMoment = ''
let readMs: number | null = null

/** Since 1970; null: not a moment of that form. */
function momentMs(text: string): number | null {
  if (text === readMoment) return readMs
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN
  readMs = Number.isNaN(ms) ? null : ms
  readMoment = text
  return readMs
}

function writeRow(into: Buffer, from: number, row: AuditRow): number {
  let at = into.writeInt16BE(FIELDS, from)
  at = into.writeInt32BE(16, at)
  at = writeId(into, at, row.audit_id)
  at = writeText(into, at, row.record_type)
  at = into.writeInt32BE(2, at)
  at = into.writeInt16BE(row.schema_version, at)
  at = writeMoment(into, at, momentMs(row.occurred_at) as number)
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

const DASH = 0x2d
const ZERO = 0x30
const LETTER = 0x57 // 'a' is 10

/** The sixteen bytes of an id. */
function writeId(into: Buffer, from: number, id: string): number {
  let at = from
  for (let i = 0; i < id.length; i += 2) {
    if (id.charCodeAt(i) === DASH) i += 1
    into[at] = (digitOf(id.charCodeAt(i)) << 4) | digitOf(id.charCodeAt(i + 1))
    at += 1
  }
  return at
}

function digitOf(code: number): number {
  return code < LETTER ? code - ZERO : code - LETTER
}

/** Above this the platform is faster, however often it is asked. */
const SHORT = 64
const ASCII_MAX = 0x7f

function writeText(into: Buffer, at: number, text: string | null): number {
  if (text === null) return writeNull(into, at)
  const length = text.length <= SHORT ? writeShort(into, at + 4, text) : into.write(text, at + 4)
  return into.writeInt32BE(length, at) + length
}

/** @returns bytes */
function writeShort(into: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code > ASCII_MAX) return into.write(text, at)
    into[at + i] = code
  }
  return text.length
}

/** Microseconds, of which a number holds no more than until the year 2285. */
function writeMoment(into: Buffer, at: number, ms: number): number {
  return into.writeBigInt64BE(BigInt(ms - EPOCH_MS) * 1_000n, into.writeInt32BE(8, at))
}

/**
 * NUMERIC: how many groups of four digits, the power of 10 000 of the first, the sign, the digits behind the point that are shown, and
 * the groups, without empty ones at either end.
 */
function writeDecimal(into: Buffer, from: number, text: string | null): number {
  if (text === null) return writeNull(into, from)
  const begin = text.charCodeAt(0) === DASH ? 1 : 0
  const found = text.indexOf('.')
  const point = found === -1 ? text.length : found
  const shown = found === -1 ? 0 : text.length - point - 1
  const wholeGroups = Math.ceil((point - begin) / GROUP)
  const groupsAt = from + 4 + DECIMAL_HEAD_BYTES
  let written = 0
  let first = 0
  let end = 0
  for (let index = 0; index < wholeGroups + Math.ceil(shown / GROUP); index += 1) {
    // The first group of the whole part and the last of the other may be shorter; what is missing is zero.
    const left = index < wholeGroups ? point - (wholeGroups - index) * GROUP : point + 1 + (index - wholeGroups) * GROUP
    let group = 0
    for (let place = left; place < left + GROUP; place += 1) {
      const isDigit = index < wholeGroups ? place >= begin : place < text.length
      group = 10 * group + (isDigit ? text.charCodeAt(place) - ZERO : 0)
    }
    if (group === 0 && written === 0) continue
    if (written === 0) first = index
    // Empty ones between others count; at the end they do not.
    into.writeInt16BE(group, groupsAt + 2 * (index - first))
    written = index - first + 1
    if (group !== 0) end = written
  }
  let at = into.writeInt32BE(DECIMAL_HEAD_BYTES + 2 * end, from)
  at = into.writeInt16BE(end, at)
  at = into.writeInt16BE(end === 0 ? 0 : wholeGroups - 1 - first, at)
  at = into.writeUInt16BE(begin === 1 && end > 0 ? NEGATIVE : 0, at)
  at = into.writeUInt16BE(shown, at)
  return groupsAt + 2 * end
}
