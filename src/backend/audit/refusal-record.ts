// The record of refusals: who was turned away at the gateway's door within a minute, from one address with one key, at what and how
// often. Pure: it turns a summary into one row. Of a credential only the key's id is in it, never its secret.
import { HOUSE_CLIENT_ID } from './change-record.ts'
import type { AuditRow } from './quote-record.ts'

/** Grows when the shape of {@link RefusalRecordBody} changes. */
export const REFUSAL_RECORD_SCHEMA_VERSION = 1

export interface RefusalRecord {
  /** A new UUIDv7. */
  readonly auditId: string
  /** An IPv6 address as its /64; null: of many addresses. */
  readonly address: string | null
  /** As it was shown. Without a client it is what the sender says, and proves nothing. */
  readonly keyId: string | null
  /** The broker of a valid credential. */
  readonly clientId: string | null
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
  readonly refusals: readonly {
    readonly errorCode: string
    /** The template of the route. */
    readonly route: string
    readonly count: number
    readonly firstAt: Date
    readonly lastAt: Date
  }[]
}

/** The recorded JSON, schema version 1. Times are ISO 8601, UTC. */
export interface RefusalRecordBody {
  readonly audit_id: string
  readonly record_type: 'refusals'
  readonly schema_version: number
  readonly occurred_at: string
  readonly address: string | null
  readonly key_id: string | null
  readonly client_id: string | null
  readonly count: number
  readonly first_at: string
  readonly last_at: string
  readonly refusals: readonly {
    readonly error_code: string
    readonly route: string
    readonly count: number
    readonly first_at: string
    readonly last_at: string
  }[]
}

/** The row of a summary. Refusals of nobody in particular stand under the house, which is who was knocked at. */
export function refusalRecordRow(record: RefusalRecord): AuditRow {
  const firstAt = record.firstAt.toISOString()
  const body: RefusalRecordBody = {
    audit_id: record.auditId,
    record_type: 'refusals',
    schema_version: REFUSAL_RECORD_SCHEMA_VERSION,
    occurred_at: firstAt,
    address: record.address,
    key_id: record.keyId,
    client_id: record.clientId,
    count: record.count,
    first_at: firstAt,
    last_at: record.lastAt.toISOString(),
    refusals: record.refusals.map((refusal) => ({
      error_code: refusal.errorCode,
      route: refusal.route,
      count: refusal.count,
      first_at: refusal.firstAt.toISOString(),
      last_at: refusal.lastAt.toISOString(),
    })),
  }
  return {
    audit_id: record.auditId,
    record_type: 'refusals',
    schema_version: REFUSAL_RECORD_SCHEMA_VERSION,
    occurred_at: firstAt,
    client_id: record.clientId ?? HOUSE_CLIENT_ID,
    ticker: null,
    position_value: null,
    borrow_rate: null,
    total_fee: null,
    request_id: null,
    actor_id: record.clientId === null ? null : record.keyId,
    record: JSON.stringify(body),
  }
}
