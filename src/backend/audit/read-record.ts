// Records of the audit log as they were kept: one by its id with what keeps it, or those of a range by pages.
import type { Queryable } from '../database/connect.ts'
import type { AuditRow } from './quote-record.ts'
import { lowestIdOf } from './record-time.ts'

/** A row as it was kept. Times are ISO 8601, UTC, to the microsecond. */
export interface StoredAuditRow extends AuditRow {
  /** By the database's clock. */
  readonly recorded_at: string
}

/** A record's place in the chain. */
export interface RecordSeal {
  /** From 1, without gaps. */
  readonly sequence: number
  /** Of the record one place before: 64 hex digits. */
  readonly prevHash: string
  readonly hash: string
  /** ISO 8601, UTC, to the microsecond. */
  readonly sealedAt: string
}

/** A record with what keeps it. */
export interface KeptRecord {
  readonly row: StoredAuditRow
  /** null until it is sealed, within seconds. */
  readonly seal: RecordSeal | null
  /** The legal holds in force that cover it. */
  readonly holdIds: readonly string[]
  /** True when its month has left the log, and a legal hold is why it is still here. */
  readonly held: boolean
}

const AUDIT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`

/** Of a row, without its text. */
const COLUMNS = `audit_id, record_type, schema_version, to_char(occurred_at at time zone 'UTC', ${TIME}) as occurred_at,
  to_char(recorded_at at time zone 'UTC', ${TIME}) as recorded_at, client_id, ticker, position_value, borrow_rate, total_fee,
  request_id, actor_id`

/** The select list of a whole row, as it is shown, exported and verified: the columns of `audit_records`, in the table's order, as texts. */
export const STORED_COLUMNS = `${COLUMNS}, record`

/** As it is sealed: with the digest of its text, made where it lies, and the text's bytes. */
export const HASHED_COLUMNS = `${COLUMNS}, encode(sha256(convert_to(record, 'UTF8')), 'hex') as record_sha256, octet_length(record) as bytes`

const SEAL_COLUMNS = `sequence, encode(prev_hash, 'hex') as prev_hash, encode(hash, 'hex') as hash,
  to_char(sealed_at at time zone 'UTC', ${TIME}) as sealed_at`

const HOLDS = `array(select legal_holds_on(client_id, ticker, kept.occurred_at)::text order by 1) as hold_ids`

interface KeptRow extends StoredAuditRow {
  readonly sequence: string | null
  readonly prev_hash: string
  readonly hash: string
  readonly sealed_at: string
  readonly hold_ids: string[]
  readonly held: boolean
}

/**
 * @param database the primary: a record is read as soon as its price is, which a replica may not have yet
 * @returns the record, also a held one of a month that has left the log; null when there is none of that id (a text that is no UUID
 *   included)
 */
export async function readKeptRecord(database: Queryable, auditId: string): Promise<KeptRecord | null> {
  if (!AUDIT_ID.test(auditId)) return null
  const { rows } = await database.query<KeptRow>(
    `select ${STORED_COLUMNS}, ${SEAL_COLUMNS}, ${HOLDS}, false as held
       from audit_records kept left join audit_seals using (audit_id) where audit_id = $1
     union all
     select ${STORED_COLUMNS}, ${SEAL_COLUMNS}, ${HOLDS}, true as held from held_records kept where audit_id = $1`,
    [auditId],
  )
  if (rows[0] === undefined) return null
  const { sequence, prev_hash, hash, sealed_at, hold_ids, held, ...row } = rows[0]
  return {
    row,
    seal: sequence === null ? null : { sequence: Number(sequence), prevHash: prev_hash, hash, sealedAt: sealed_at },
    holdIds: hold_ids,
    held,
  }
}

/** The row of a record alone; otherwise as {@link readKeptRecord}. */
export async function readAuditRecord(database: Queryable, auditId: string): Promise<StoredAuditRow | null> {
  return (await readKeptRecord(database, auditId))?.row ?? null
}

/** Records of a stretch of time, by the time in their audit_id. */
export interface RecordsAsked {
  readonly from: Date
  /** Exclusive. */
  readonly to: Date
  readonly clientId?: string | null
  readonly ticker?: string | null
  readonly recordType?: string | null
}

/**
 * The records of a range, oldest first, by pages of at most so many; held ones of months that have left the log among them. A page
 * is a statement of its own, which goes on behind the last record of the one before, so that nothing stays open however long the
 * reader takes. One page is read ahead. A replica will do.
 */
export function streamRecords(
  database: Queryable,
): (asked: RecordsAsked, pageSize: number) => AsyncGenerator<StoredAuditRow[], void, undefined> {
  return async function* pages(asked, pageSize) {
    const page = (after: string | null) => readPage(database, asked, after, pageSize)
    let next: Promise<StoredAuditRow[]> | null = page(null)
    while (next !== null) {
      const rows: StoredAuditRow[] = await next
      next = rows.length === pageSize ? page(rows[pageSize - 1]?.audit_id ?? null) : null
      // Whoever takes it is told of a failure; nobody may, when the reader has had enough.
      next?.catch(() => {})
      if (rows.length > 0) yield rows
    }
  }
}

async function readPage(database: Queryable, asked: RecordsAsked, after: string | null, limit: number) {
  const values: unknown[] = [lowestIdOf(asked.from), lowestIdOf(asked.to), limit]
  const also = (condition: string, value: unknown) => (value == null ? '' : ` and ${condition} $${values.push(value)}`)
  const fits = `audit_id >= $1 and audit_id < $2${also('audit_id >', after)}${also('client_id =', asked.clientId)}${also('ticker =', asked.ticker)}${also('record_type =', asked.recordType)}`
  const { rows } = await database.query<StoredAuditRow>(
    `select * from (
       (select ${STORED_COLUMNS} from held_records where ${fits} order by held_records.audit_id limit $3)
       union all
       (select ${STORED_COLUMNS} from audit_records where ${fits} order by audit_records.audit_id limit $3)
     ) as either order by audit_id limit $3`,
    values,
  )
  return rows
}
