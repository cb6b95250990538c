// Rows for tests of the audit log.
import { randomBytes } from 'node:crypto'
import type { AuditRow } from '../audit/quote-record.ts'

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
