// The record of a change: who changed terms, a stock, a model or a key, when, and what stood there before and after. It is
// inserted in the change's own transaction, so that there is neither a change without a record nor a record without a change.
//
// A secret cannot get in: of an API key only the fields of a list are taken, and whatever else looks like a secret, by its name
// or by its form, is refused. That is a bug of the caller, and the change fails with it.
import type { Queryable } from '../database/connect.ts'
import { Decimal, trim } from '../pricing/decimal.ts'
import type { Actor, AuditRow } from './quote-record.ts'

/** Grows when the shape of {@link ChangeRecordBody} changes. */
export const CHANGE_RECORD_SCHEMA_VERSION = 1

/** What can change, as `record_type` says it, and what kind of thing that is a change of. */
const SUBJECT_KINDS = {
  broker_changed: 'broker',
  stock_changed: 'stock',
  pricing_model_added: 'pricing_model',
  api_key_created: 'api_key',
  api_key_revoked: 'api_key',
  api_key_rotated: 'api_key',
  webhook_added: 'webhook',
  webhook_removed: 'webhook',
  webhook_rotated: 'webhook',
  approval_asked: 'approval',
  approval_decided: 'approval',
  log_level_changed: 'log_level',
} as const

export type Change = keyof typeof SUBJECT_KINDS
export type SubjectKind = (typeof SUBJECT_KINDS)[Change]

/** The broker of a record that concerns no broker in particular. */
export const HOUSE_CLIENT_ID = 'house'

/** Somebody at the machine itself, who needs no key. */
export interface Operator {
  readonly actorType: 'operator'
  /** The user of the operating system. */
  readonly actorId: string
  readonly source: 'command line'
}

/** What a field held. Decimals are recorded as text without trailing zeros, times as ISO 8601; numbers are counts. */
export type RecordedValue =
  | string
  | number
  | boolean
  | null
  | Decimal
  | Date
  | readonly RecordedValue[]
  | { readonly [field: string]: RecordedValue }

/** All fields of a thing that are worth recording, under the names of the API. */
export type RecordedState = { readonly [field: string]: RecordedValue }

export interface ChangeRecord<C extends Change = Change> {
  /** A new UUIDv7. */
  readonly auditId: string
  readonly occurredAt: Date
  readonly actor: Actor | Operator
  readonly change: C
  /** `id`: the client_id, ticker, model name or key id. */
  readonly subject: { readonly kind: (typeof SUBJECT_KINDS)[C]; readonly id: string }
  /** The broker concerned, or null. */
  readonly clientId: string | null
  /** Null when there was nothing. */
  readonly before: RecordedState | null
  /** Null when nothing is left. */
  readonly after: RecordedState | null
}

type JsonText = string | number | boolean | null | readonly JsonText[] | { readonly [field: string]: JsonText }
type State = { readonly [field: string]: JsonText }

/** Who did it, as records of changes and of legal holds say. */
export interface RecordedActor {
  readonly actor_type: string
  readonly actor_id: string
  readonly source: 'api' | 'command line'
  readonly key_id: string | null
  readonly source_ip: string | null
  readonly user_agent: string | null
  readonly request_id: string | null
  readonly idempotency_key: string | null
}

export function recordedActor(actor: Actor | Operator): RecordedActor {
  const byKey = 'keyId' in actor ? actor : null
  return {
    actor_type: actor.actorType,
    actor_id: actor.actorId,
    source: byKey === null ? 'command line' : 'api',
    key_id: byKey?.keyId ?? null,
    source_ip: byKey?.sourceIp ?? null,
    user_agent: byKey?.userAgent ?? null,
    request_id: byKey?.requestId ?? null,
    idempotency_key: byKey?.idempotencyKey ?? null,
  }
}

/** The recorded JSON, schema version 1. */
export interface ChangeRecordBody {
  readonly audit_id: string
  readonly record_type: Change
  readonly schema_version: number
  readonly occurred_at: string
  readonly actor: RecordedActor
  readonly client_id: string
  readonly subject: { readonly kind: SubjectKind; readonly id: string }
  readonly before: State | null
  readonly after: State | null
  /** The fields that differ, each with both values; null where a side has none. */
  readonly changed: readonly { readonly field: string; readonly before: JsonText; readonly after: JsonText }[]
}

/** All that is recorded of a key. Its hash is as good as the key to whoever can guess, so it is not among them. */
const KEY_FIELDS = new Set(['key_id', 'client_id', 'label', 'role', 'expires_at', 'revoked_at', 'replaced_by'])
const SECRET_NAME = /secret|hash|passw|token|credential|signature|private|^api_?key$/i
/** The form of an API key, wherever it stands. */
const SECRET_TEXT = /bre_[0-9A-Za-z]{12}_[0-9A-Za-z]{16}/
/** Objects and lists inside one another. */
const STATE_DEPTH_MAX = 8

/**
 * The row of a change. The text's member order is fixed by this function and by the order of the given fields.
 * @throws TypeError when a state holds a secret, a number that is no count, or is nested deeper than {@link STATE_DEPTH_MAX}
 */
export function changeRecordRow<C extends Change>(record: ChangeRecord<C>): AuditRow {
  const { actor, subject } = record
  const byKey = 'keyId' in actor ? actor : null
  const occurredAt = record.occurredAt.toISOString()
  const clientId = record.clientId ?? HOUSE_CLIENT_ID
  const before = record.before === null ? null : stateOf(subject.kind, record.before)
  const after = record.after === null ? null : stateOf(subject.kind, record.after)
  const body: ChangeRecordBody = {
    audit_id: record.auditId,
    record_type: record.change,
    schema_version: CHANGE_RECORD_SCHEMA_VERSION,
    occurred_at: occurredAt,
    actor: recordedActor(actor),
    client_id: clientId,
    subject: { kind: subject.kind, id: subject.id },
    before,
    after,
    changed: changedFields(before, after),
  }
  return {
    audit_id: record.auditId,
    record_type: record.change,
    schema_version: CHANGE_RECORD_SCHEMA_VERSION,
    occurred_at: occurredAt,
    client_id: clientId,
    ticker: subject.kind === 'stock' ? subject.id : null,
    position_value: null,
    borrow_rate: null,
    total_fee: null,
    request_id: byKey?.requestId ?? null,
    actor_id: byKey?.keyId ?? null,
    record: JSON.stringify(body),
  }
}

/**
 * Inserts one record. Call it between the `begin` and the `commit` of what it records; it needs the right to INSERT alone. An id
 * that is there already fails the transaction: a change that is tried again takes a new id.
 */
export async function insertRecord(transaction: Queryable, row: AuditRow): Promise<void> {
  await transaction.query(
    `insert into audit_records
       (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee,
        request_id, actor_id, record)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.audit_id,
      row.record_type,
      row.schema_version,
      row.occurred_at,
      row.client_id,
      row.ticker,
      row.position_value,
      row.borrow_rate,
      row.total_fee,
      row.request_id,
      row.actor_id,
      row.record,
    ],
  )
}

function stateOf(kind: SubjectKind, state: RecordedState): State {
  for (const field of Object.keys(state)) {
    if (kind === 'api_key' && !KEY_FIELDS.has(field)) {
      throw new TypeError(`a change record does not take ${field} of an API key`)
    }
  }
  return recorded(state, 0) as State
}

function recorded(value: RecordedValue, depth: number): JsonText {
  if (typeof value === 'string') {
    if (SECRET_TEXT.test(value)) throw new TypeError('a change record does not take the text of an API key')
    return value
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('a change record takes decimals as Decimal or text')
    return value
  }
  if (typeof value === 'boolean' || value === null) return value
  if (value instanceof Decimal) return trim(value).toString()
  if (value instanceof Date) return value.toISOString()
  if (depth >= STATE_DEPTH_MAX) throw new TypeError('a change record takes no state that is nested so deep')
  if (Array.isArray(value)) return value.map((item) => recorded(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([field, member]) => {
      if (SECRET_NAME.test(field)) throw new TypeError(`a change record does not take a field named ${field}`)
      return [field, recorded(member, depth + 1)]
    }),
  )
}

/** Fields in the order of the later state, then those that only the earlier one has. */
function changedFields(before: State | null, after: State | null): ChangeRecordBody['changed'] {
  const fields = new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})])
  return [...fields].flatMap((field) => {
    const [was, is] = [before?.[field] ?? null, after?.[field] ?? null]
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ field, before: was, after: is }]
  })
}
