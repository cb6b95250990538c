// A restore drill: the newest state that can be had into a fresh server, looked at as one would before using it, compared with where it
// came from, and removed. Two figures come of it: how long it took (RTO) and what was missing (RPO).
import pg from 'pg'
import { checkDatabase, type DatabaseCheck, newestRecord, rowCounts } from '../../scripts/database-check.ts'
import { type Recovery, RecoveryError, type Restored, type RestorePoint } from './recovery.ts'

/** What the deployment guide promises. */
export const RTO_SECONDS_MAX = 900
export const RPO_SECONDS_MAX = 300

export interface DrillOptions {
  readonly recovery: Recovery
  /** Of the source, to compare with; null: it is not compared. */
  readonly sourceUrl: string | null
  readonly trustedKeys: readonly string[]
  readonly point: RestorePoint
  readonly name: string
  /** It stays, and is not removed. */
  readonly isKept: boolean
}

export interface DrillReport {
  readonly good: boolean
  readonly faults: readonly string[]
  readonly restored: Restored
  readonly check: DatabaseCheck
  /** From the beginning to when it had been looked at. */
  readonly rtoSeconds: number
  /**
   * Between the newest record of the source, when it began, and the newest that came back, or where none did the oldest of the source;
   * null: not compared.
   */
  readonly rpoSeconds: number | null
  /** Rows that the source had when it began and that did not come back, by table; null: not compared. */
  readonly missingRows: Readonly<Record<string, number>> | null
}

interface Source {
  readonly rows: Readonly<Record<string, number>>
  readonly oldestRecordAt: string | null
  readonly newestRecordAt: string | null
}

/** @throws RecoveryError when nothing could be restored; the error of a connection */
export async function restoreDrill(options: DrillOptions): Promise<DrillReport> {
  const { recovery, sourceUrl, trustedKeys, point, name, isKept } = options
  const source = sourceUrl === null ? null : await sourceOf(sourceUrl)
  const startedAt = performance.now()
  const restored = await recovery.restore(point, name)
  try {
    if (restored.url === null)
      throw new RecoveryError(`${restored.host} was restored and cannot be looked at without an address`)
    const check = await checkDatabase({ url: restored.url, trustedKeys })
    const rtoSeconds = (performance.now() - startedAt) / 1000
    const missingRows = source === null ? null : missing(source.rows, check.rows)
    const rpoSeconds =
      source === null ? null : secondsBetween(check.newestRecordAt ?? source.oldestRecordAt, source.newestRecordAt)
    const faults = [
      ...check.faults,
      ...(rtoSeconds > RTO_SECONDS_MAX ? [`it took ${rtoSeconds.toFixed(0)} s, more than ${RTO_SECONDS_MAX}`] : []),
      ...((rpoSeconds ?? 0) > RPO_SECONDS_MAX
        ? [`${rpoSeconds?.toFixed(0)} s of records are missing, more than ${RPO_SECONDS_MAX}`]
        : []),
    ]
    return { good: faults.length === 0, faults, restored, check, rtoSeconds, rpoSeconds, missingRows }
  } finally {
    if (!isKept) await recovery.remove(name)
  }
}

export function drillText({ good, faults, restored, check, rtoSeconds, rpoSeconds, missingRows }: DrillReport): string {
  const lost = Object.entries(missingRows ?? {})
  const rows = Object.values(check.rows).reduce((sum, count) => sum + count, 0)
  return [
    `restored ${restored.backup ?? 'the newest state'} to ${restored.host} in ${(restored.tookMs / 1000).toFixed(1)} s`,
    `looked at in ${(check.tookMs / 1000).toFixed(1)} s: ${check.migrations.applied} migrations, ${rows} rows, ${
      check.chain === null
        ? 'the chain was not verified'
        : `a ${check.chain.valid ? 'valid' : 'broken'} chain of ${check.chain.checked}`
    }`,
    `RTO ${rtoSeconds.toFixed(1)} s (at most ${RTO_SECONDS_MAX})`,
    rpoSeconds === null
      ? 'RPO not measured: the source was not asked'
      : `RPO ${rpoSeconds.toFixed(1)} s (at most ${RPO_SECONDS_MAX})`,
    ...(missingRows === null
      ? []
      : [
          lost.length === 0
            ? 'no row is missing'
            : `missing: ${lost.map(([table, count]) => `${count} of ${table}`).join(', ')}`,
        ]),
    good ? 'the drill is good' : `the drill is not good: ${faults.join('; ')}`,
  ].join('\n')
}

async function sourceOf(url: string): Promise<Source> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query('select recorded_at from audit_records order by audit_id limit 1')
    const oldestRecordAt = rows[0]?.recorded_at?.toISOString() ?? null
    return { rows: await rowCounts(client), oldestRecordAt, newestRecordAt: await newestRecord(client) }
  } finally {
    await client.end()
  }
}

function missing(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(before)
      .map(([table, count]) => [table, count - (after[table] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )
}

function secondsBetween(earlier: string | null, later: string | null): number {
  if (earlier === null || later === null) return 0
  return Math.max(0, (Date.parse(later) - Date.parse(earlier)) / 1000)
}
