// One record of the audit log, by its id.
import type { Queryable } from '../database/connect.ts'
import type { AuditRow } from './quote-record.ts'

/** A row as it was kept. Times are ISO 8601, UTC, to the microsecond. */
export interface StoredAuditRow extends AuditRow {
  /** By the database's clock. */
  readonly recorded_at: string
}

const AUDIT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`

/** The select list of a whole row, as it is shown, exported and sealed: the columns of `audit_records`, in the table's order, as texts. */
export const STORED_COLUMNS = `audit_id, record_type, schema_version, to_char(occurred_at at time zone 'UTC', ${TIME}) as occurred_at,
  to_char(recorded_at at time zone 'UTC', ${TIME}) as recorded_at, client_id, ticker, position_value, borrow_rate, total_fee,
  request_id, actor_id, record`

/** @returns the record, or null when there is none of that id (a text that is no UUID included). */
export async function readAuditRecord(database: Queryable, auditId: string): Promise<StoredAuditRow | null> {
  if (!AUDIT_ID.test(auditId)) return null
  const { rows } = await database.query<StoredAuditRow>(
    `select ${STORED_COLUMNS} from audit_records where audit_id = $1`,
    [auditId],
  )
  return rows[0] ?? null
}
