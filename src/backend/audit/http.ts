// Records over the wire: the audit service's side and the gateway's, from the same codecs.
import type { CallContext } from '../server/call-context.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve } from '../server/internal-server.ts'
import { lineOf, type Operation } from '../server/internal-wire.ts'
import { type Codec, integer, nullable, structure, text } from '../server/wire-codec.ts'
import type { StoredAuditRow } from './read-record.ts'

const ROW: Codec<StoredAuditRow> = structure({
  audit_id: text(),
  record_type: text(),
  schema_version: integer,
  occurred_at: text(),
  recorded_at: text(),
  client_id: text(),
  ticker: nullable(text()),
  position_value: nullable(text()),
  borrow_rate: nullable(text()),
  total_fee: nullable(text()),
  request_id: nullable(text()),
  actor_id: nullable(text()),
  record: text(),
})

const RECORD: Operation<string, StoredAuditRow | null> = {
  name: 'audit-record',
  ask: lineOf(text(), 'audit_id'),
  answer: lineOf(nullable(ROW), 'record'),
  repeatable: true,
}

export type ReadRecord = (auditId: string, context: CallContext) => Promise<StoredAuditRow | null>

export function serveRecords(readRecord: ReadRecord): Served[] {
  return [serve(RECORD, readRecord)]
}

export function recordsClient(client: InternalClient): ReadRecord {
  return client.call(RECORD)
}
