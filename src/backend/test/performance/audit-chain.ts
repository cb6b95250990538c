// What becomes of records once they are kept: how fast they are kept beside COPY of the same rows into the same table, how fast a backlog
// is sealed, how fast the chain is verified and its quotes are priced again, and the room that a record takes. The records are made by the use case and kept by the audit log itself, so that their texts
// have their true size; load, database and keys are as in earnest, but for the network.
import { join } from 'node:path'
import type pg from 'pg'
import { auditLog } from '../../audit/audit-log.ts'
import { binaryRows, COPY_ROWS } from '../../audit/binary-rows.ts'
import { streamRecords } from '../../audit/read-record.ts'
import { type ReplayStep, replayRange } from '../../audit/replay-range.ts'
import { sealer } from '../../audit/sealer.ts'
import { createSigningKey, readTrustedKeys, type SigningKey, type TrustedKeys } from '../../audit/signing-key.ts'
import { type VerifyStep, verifyChain } from '../../audit/verify.ts'
import { copyIn } from '../../database/copy-in.ts'
import { systemClock, uuidv7Maker } from '../../server/uuidv7.ts'
import { withBenchDatabase, withTemporaryFolder } from './bench-database.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { quoteRecords } from './quote-records.ts'
import { type Figure, figure, printed } from './rounds.ts'

const BACKLOG_RECORDS = 50_000
const WHOLE: Effort = { rounds: 3, seconds: 0, warmUpSeconds: 0 }
/** Appends that wait at once while a backlog is made, as many as a process would let wait. */
const APPENDS_AT_ONCE = 1_000
/** Longer than anything here takes: the sealer looks when it is told to. */
const NEVER_MS = 3_600_000
const TIME_MAX_MS = 300_000

export interface ChainFigures {
  readonly unit: string
  readonly records: number
  readonly kept_per_second: Figure
  /** The baseline: the same rows, ready for the wire, by COPY on one connection, in one transaction. */
  readonly copied_per_second: Figure
  readonly sealed_per_second: Figure
  readonly verified_per_second: Figure
  readonly replayed_per_second: Figure
  readonly bytes_per_record: Room
}

/** @param quotesPerSecond what one process answers with its records, to hold the figures against */
export async function auditChain(options: BenchOptions, quotesPerSecond: number): Promise<ChainFigures> {
  const { rounds } = effortOf(options, WHOLE)
  return withTemporaryFolder((folder) =>
    withBenchDatabase(async (pool) => {
      const key = createSigningKey(join(folder, 'signing-key.pem'))
      const trusted = readTrustedKeys([], [key])
      const kept: number[] = []
      const copied: number[] = []
      const sealed: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        kept.push(await perSecond(BACKLOG_RECORDS, () => keepBacklog(pool)))
        sealed.push(await perSecond(BACKLOG_RECORDS, () => sealBacklog(pool, key, trusted)))
        const rows = await wireRows()
        copied.push(await perSecond(BACKLOG_RECORDS, () => copyBacklog(pool, rows)))
        await sealBacklog(pool, key, trusted)
      }
      const records = BACKLOG_RECORDS * rounds * 2
      const verified: number[] = []
      const replayed: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        verified.push(await perSecond(records, () => verify(pool, trusted, records)))
        replayed.push(await perSecond(records, () => replay(pool, records)))
      }
      const figures: ChainFigures = {
        unit: 'records/s',
        records,
        kept_per_second: figure(kept),
        copied_per_second: figure(copied),
        sealed_per_second: figure(sealed),
        verified_per_second: figure(verified),
        replayed_per_second: figure(replayed),
        bytes_per_record: await room(pool, records),
      }
      report(figures, quotesPerSecond)
      return figures
    }),
  )
}

async function perSecond(records: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (records * 1_000) / (performance.now() - start)
}

/** Through the log, in batches as they form by themselves. */
async function keepBacklog(pool: pg.Pool): Promise<void> {
  const samples = await quoteRecords()
  const newId = uuidv7Maker(systemClock)
  const log = auditLog({ pool })
  for (let made = 0; made < BACKLOG_RECORDS; made += APPENDS_AT_ONCE) {
    await Promise.all(
      Array.from({ length: APPENDS_AT_ONCE }, (_, at) => {
        const sample = samples[(made + at) % samples.length]!
        const auditId = newId()
        return log.append({
          ...sample,
          audit_id: auditId,
          record: sample.record.replace(sample.audit_id, auditId),
        })
      }),
    )
  }
  await log.close()
}

/** New records of the same texts, as they go over the wire, in pieces that memory holds. */
async function wireRows(): Promise<Buffer[]> {
  const samples = await quoteRecords()
  const newId = uuidv7Maker(systemClock)
  return Array.from({ length: BACKLOG_RECORDS / APPENDS_AT_ONCE }, () => {
    const rows = Array.from({ length: APPENDS_AT_ONCE }, (_, at) => {
      const sample = samples[at % samples.length]!
      const auditId = newId()
      return { ...sample, audit_id: auditId, record: sample.record.replace(sample.audit_id, auditId) }
    })
    const data = binaryRows(rows)
    if (data === null) throw new Error('the records are not of the form that goes by COPY')
    return data
  })
}

async function copyBacklog(pool: pg.Pool, pieces: readonly Buffer[]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    for (const piece of pieces) await copyIn(client, COPY_ROWS, piece, TIME_MAX_MS)
    await client.query('commit')
  } finally {
    client.release()
  }
}

async function sealBacklog(database: pg.Pool, key: SigningKey, trusted: TrustedKeys): Promise<void> {
  const seals = sealer({ database, key, trusted, clock: systemClock, intervalMs: NEVER_MS })
  await seals.sealNow()
  const { sealed, broken } = seals.stats()
  await seals.close()
  if (sealed !== BACKLOG_RECORDS) throw new Error(`${sealed} of ${BACKLOG_RECORDS} records were sealed: ${broken}`)
}

async function verify(database: pg.Pool, trusted: TrustedKeys, records: number): Promise<void> {
  const verifying = verifyChain({ database, trusted, exportedHead: async () => null })
  let last: VerifyStep | undefined
  for await (const step of verifying({ from: null, to: null }, AbortSignal.timeout(TIME_MAX_MS))) last = step
  if (last?.kind !== 'result' || !last.valid || last.checked !== records)
    throw new Error(`the chain does not verify: ${JSON.stringify(last)}`)
}

async function replay(database: pg.Pool, records: number): Promise<void> {
  const range = { from: new Date(0), to: new Date(Date.now() + 1_000), clientId: null, ticker: null }
  let last: ReplayStep | undefined
  for await (const step of replayRange(streamRecords(database))(range, AbortSignal.timeout(TIME_MAX_MS))) last = step
  if (last?.kind !== 'result' || last.identical !== records)
    throw new Error(`the records do not replay: ${JSON.stringify(last)}`)
}

/** Bytes of a record. */
interface Room {
  readonly record: number
  readonly record_indexes: number
  readonly seal: number
  readonly seal_indexes: number
}

async function room(pool: pg.Pool, records: number): Promise<Room> {
  const of = async (table: string) => {
    const { rows } = await pool.query<{ rows: string; indexes: string }>(
      `select sum(pg_table_size(relid)) as rows, sum(pg_indexes_size(relid)) as indexes from pg_partition_tree($1)`,
      [table],
    )
    const { rows: bytes, indexes } = rows[0]!
    return { rows: Math.round(Number(bytes) / records), indexes: Math.round(Number(indexes) / records) }
  }
  const [record, seal] = [await of('audit_records'), await of('audit_seals')]
  return { record: record.rows, record_indexes: record.indexes, seal: seal.rows, seal_indexes: seal.indexes }
}

function report(figures: ChainFigures, quotesPerSecond: number): void {
  const {
    kept_per_second,
    copied_per_second,
    sealed_per_second,
    verified_per_second,
    replayed_per_second,
    bytes_per_record,
  } = figures
  const times = (of: Figure) => `${(of.median / quotesPerSecond).toFixed(1)} times as fast as one process answers`
  console.log(
    `  ${figures.records} records, backlogs of ${BACKLOG_RECORDS}, records/s, median (spread) of ${figures.kept_per_second.rounds} rounds, fsync on`,
  )
  console.log(`  kept by the log alone   ${printed(kept_per_second)}, ${times(kept_per_second)}`)
  const ofCopy = `${((kept_per_second.median / copied_per_second.median) * 100).toFixed(0)} % of COPY`
  console.log(`  baseline: COPY of them  ${printed(copied_per_second)}; the log keeps ${ofCopy}`)
  console.log(`  sealed                  ${printed(sealed_per_second)}, ${times(sealed_per_second)}`)
  console.log(`  verified                ${printed(verified_per_second)}, ${times(verified_per_second)}`)
  console.log(`  priced again            ${printed(replayed_per_second)}, ${times(replayed_per_second)}`)
  const { record, record_indexes, seal, seal_indexes } = bytes_per_record
  console.log(
    `  bytes of a record: ${record + record_indexes + seal + seal_indexes} (its row ${record}, its indexes ${record_indexes}, its seal ${seal}, its indexes ${seal_indexes})`,
  )
}
