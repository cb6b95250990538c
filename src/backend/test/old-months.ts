// A log with months of years ago, filled and sealed, for tests of how months leave it.
import type pg from 'pg'
import { insertRecord } from '../audit/change-record.ts'
import { type Sealer, sealer } from '../audit/sealer.ts'
import { readTrustedKeys, type SigningKey } from '../audit/signing-key.ts'
import { auditId, auditRow } from './audit-rows.ts'

export interface OldMonths {
  /** Keeps a record of noon of that day. @returns its id */
  keep(day: string, different?: { clientId?: string; ticker?: string | null; record?: string }): Promise<string>
  /** Seals what has no seal, as one batch after the other. */
  seal(): Promise<number>
  /** As `day 2019-01-05` is easier to read than an id: the day that the record of an id was kept for. */
  dayOf(id: string): string
  close(): Promise<void>
}

/**
 * @param owner who may insert records and add months
 * @param months the first of them, and how many
 */
export async function oldMonths(
  owner: pg.Pool,
  key: SigningKey,
  months: { first: string; count: number },
): Promise<OldMonths> {
  await owner.query('select add_audit_months($1, $2)', [months.first, months.count])
  const sealing: Sealer = sealer({
    database: owner,
    key,
    trusted: readTrustedKeys([], [key]),
    clock: () => new Date(),
    intervalMs: 2 ** 31 - 1,
  })
  // It looks by itself once, at its start; from here on it seals when it is told.
  await sealing.sealNow()
  const days = new Map<string, string>()
  return {
    async keep(day, { clientId = 'demo-classic', ticker = 'AAPL', record = '{"total_fee":"456.51"}' } = {}) {
      const at = new Date(`${day}T12:00:00.000Z`)
      const row = auditRow({
        audit_id: auditId(at),
        occurred_at: at.toISOString(),
        client_id: clientId,
        ticker,
        record,
      })
      await insertRecord(owner, row)
      days.set(row.audit_id, day)
      return row.audit_id
    },
    seal: () => sealing.sealNow(),
    dayOf: (id) => days.get(id) ?? 'unknown',
    close: () => sealing.close(),
  }
}
