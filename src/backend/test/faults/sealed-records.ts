// Whether the chain and the log are of one piece after all that was done to whoever writes them: looked at with plain SQL, apart from
// what verification proves about hashes and signatures.
import type pg from 'pg'
import { streamRecords } from '../../audit/read-record.ts'
import { replayRecord } from '../../audit/replay.ts'

const PAGE_RECORDS = 1_000

export interface ChainCounts {
  readonly records: number
  readonly seals: number
  readonly heads: number
  /** From when a record was written to when it was sealed, milliseconds, by the clocks of database and sealer. */
  readonly sealedAfterMs: { readonly median: number; readonly max: number }
}

export async function chainCounts(database: pg.Pool): Promise<ChainCounts> {
  const { rows } = await database.query<Record<'records' | 'seals' | 'heads' | 'median' | 'max', string>>(
    `select (select count(*) from audit_records) as records, (select count(*) from audit_seals) as seals,
            (select count(*) from audit_heads) as heads,
            percentile_disc(0.5) within group (order by extract(epoch from sealed_at - recorded_at) * 1000) as median,
            max(extract(epoch from sealed_at - recorded_at)) * 1000 as max
       from audit_records join audit_seals using (audit_id)`,
  )
  const { records, seals, heads, median, max } = rows[0]!
  return {
    records: Number(records),
    seals: Number(seals),
    heads: Number(heads),
    sealedAfterMs: { median: Number(median), max: Number(max) },
  }
}

/** When heads were signed, by performance.now() of this process, rising. */
export async function headsAt(database: pg.Pool): Promise<number[]> {
  const { rows } = await database.query<{ signed_at: Date }>('select signed_at from audit_heads order by sequence')
  return rows.map(({ signed_at }) => signed_at.getTime() - performance.timeOrigin)
}

/** How many records have no place in the chain. */
export async function recordsWithoutSeal(database: pg.Pool): Promise<number> {
  const { rows } = await database.query<{ records: string }>(
    'select count(*) as records from audit_records left join audit_seals using (audit_id) where sequence is null',
  )
  return Number(rows[0]!.records)
}

/** One sentence for each fault; none is as it should be. */
export async function chainFaults(database: pg.Pool): Promise<string[]> {
  const checks = {
    'records have no seal':
      'select r.audit_id from audit_records r where not exists (select from audit_seals s where s.audit_id = r.audit_id)',
    'seals have no record':
      'select s.audit_id from audit_seals s where not exists (select from audit_records r where r.audit_id = s.audit_id)',
    'places are taken twice': 'select sequence from audit_seals group by sequence having count(*) > 1',
    'places have a gap before them':
      'select sequence from (select sequence, lag(sequence, 1, 0) over (order by sequence) as before from audit_seals) s where sequence <> before + 1',
    'seals do not hold on to the one before': `select sequence from (select sequence, prev_hash, lag(hash, 1, decode(repeat('00', 32), 'hex')) over (order by sequence) as before from audit_seals) s
        where prev_hash <> before`,
    'heads have a gap before them':
      'select sequence from (select sequence, first_sequence, lag(sequence, 1, 0) over (order by sequence) as before from audit_heads) h where first_sequence <> before + 1',
    'heads are of no seal':
      'select h.sequence from audit_heads h where not exists (select from audit_seals s where s.sequence = h.sequence and s.hash = h.hash)',
    'seals lie behind the last head':
      'select sequence from audit_seals where sequence > coalesce((select max(sequence) from audit_heads), 0)',
  }
  const faults: string[] = []
  for (const [sentence, statement] of Object.entries(checks)) {
    const { rows } = await database.query<{ found: string; first: string }>(
      `select count(*) as found, min(it::text) as first from (${statement}) as faults (it)`,
    )
    const { found, first } = rows[0]!
    if (found !== '0') faults.push(`${found} ${sentence}, the first at ${first}`)
  }
  return faults
}

/** Prices every recorded quote again. @returns how many there are, and a sentence for each that is not what was recorded */
export async function replayed(database: pg.Pool): Promise<{ readonly quotes: number; readonly faults: string[] }> {
  const faults: string[] = []
  let quotes = 0
  const all = { from: new Date(0), to: new Date('2100-01-01T00:00:00Z'), recordType: 'quote' }
  for await (const rows of streamRecords(database)(all, PAGE_RECORDS)) {
    quotes += rows.length
    for (const row of rows) {
      const { identical, differences, notReplayable } = replayRecord(row)
      if (!identical) faults.push(`${row.audit_id}: ${notReplayable?.sentence ?? JSON.stringify(differences)}`)
    }
  }
  return { quotes, faults }
}
