// Rows for tests of the audit log.
import { randomBytes } from 'node:crypto'
import type { AuditRow } from '../audit/quote-record.ts'
import type { Queryable } from '../database/connect.ts'

/** A UUIDv7 of the moment. */
export function auditId(at: Date): string {
  const time = at.getTime().toString(16).padStart(12, '0')
  const random = randomBytes(10).toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`
}

/** A row as a quote leaves one, with whatever the test wants to be different. */
export function auditRow(different: Partial<AuditRow> = {}): AuditRow {
  const at = new Date()
  return {
    audit_id: auditId(at),
    record_type: 'quote',
    schema_version: 1,
    occurred_at: at.toISOString(),
    client_id: 'demo-classic',
    ticker: 'AAPL',
    position_value: '100000.10',
    borrow_rate: '0.063',
    total_fee: '456.51',
    request_id: 'request-1',
    actor_id: 'key-1',
    record: '{"total_fee":"456.51"}',
    ...different,
  }
}

/** Puts rows into the log as they are, written down at the moment that they were made. For tests of who reads it. */
export async function insertRows(database: Queryable, rows: readonly AuditRow[]): Promise<void> {
  await database.query(
    `insert into audit_records select audit_id, record_type, schema_version, occurred_at, occurred_at, client_id, ticker, position_value,
       borrow_rate, total_fee, request_id, actor_id, record from json_populate_recordset(null::audit_records, $1::json)`,
    [JSON.stringify(rows)],
  )
}

/** The same for records under a legal hold whose month has left the log: in the order given, with places from 1 000 000 on. */
export async function insertHeldRows(database: Queryable, rows: readonly AuditRow[]): Promise<void> {
  await database.query(
    `insert into held_records select audit_id, record_type, schema_version, occurred_at, occurred_at, client_id, ticker, position_value,
       borrow_rate, total_fee, request_id, actor_id, record,
       1000000 + (select count(*) from held_records) + row_number() over (), $2, $2, occurred_at
       from json_populate_recordset(null::audit_records, $1::json)`,
    [JSON.stringify(rows), Buffer.alloc(32, 7)],
  )
}
