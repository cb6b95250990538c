// Reading the chain from the database: records with their seals in the order of sequence, by pages, with the heads that lie over them.
// From the database itself, not from a replica: what a replica has not received yet would look as if it had been cut off.
import type { Queryable } from '../database/connect.ts'
import type { Link, SignedCheckpoint } from './check-chain.ts'
import type { ChainRow } from './hash-chain.ts'
import { HEAD_COLUMNS, type HeadRow, readHead, type SignedHead } from './heads.ts'
import { STORED_COLUMNS } from './read-record.ts'
import { lowestIdOf } from './record-time.ts'

/** Records of a page: some ten megabytes. Two pages are in memory, one being read while the other is worked through. */
const PAGE_RECORDS = 2_000
const PAGE_HEADS = 1_000
/** Rows of an index that one statement looks at where only numbers are wanted. */
const SCAN_ROWS = 50_000
const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** In the order of the chain; a head stands behind the records of its batch. */
export type ChainItem = { readonly link: Link } | { readonly head: SignedHead }

/**
 * Records and heads of the places behind `after` up to `upTo`, by pages. A place that two records claim has both.
 * @throws the signal's reason when it is aborted
 */
export async function* chainPages(
  database: Queryable,
  after: number,
  upTo: number,
  signal: AbortSignal,
): AsyncGenerator<ChainItem[]> {
  const heads = headsBetween(database, after, upTo, signal)
  let head = await heads.next()
  const links = pagesAhead(signal, PAGE_RECORDS, (last: Link | null) => linkPage(database, last, after, upTo))
  for await (const page of links) {
    const items: ChainItem[] = []
    for (const link of page) {
      while (!head.done && head.value.sequence < link.sequence) {
        items.push({ head: head.value })
        head = await heads.next()
      }
      items.push({ link })
    }
    yield items
  }
  const left: ChainItem[] = []
  for (; !head.done; head = await heads.next()) {
    left.push({ head: head.value })
    if (left.length === PAGE_HEADS) yield left.splice(0)
  }
  yield left
}

interface LinkRow extends ChainRow {
  readonly sequence: string
  readonly prev_hash: Buffer
  readonly hash: Buffer
  readonly sealed_at: string
}

const PLACE = `sequence, prev_hash, hash, to_char(sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as sealed_at`

async function linkPage(database: Queryable, last: Link | null, after: number, upTo: number): Promise<Link[]> {
  const { rows } = await database.query<LinkRow>(
    `with page as materialized (
       select audit_id, sequence, prev_hash, hash, sealed_at from audit_seals
        where (sequence, audit_id) > ($1, $2) and sequence <= $3 order by sequence, audit_id limit $4)
     select ${PLACE}, ${STORED_COLUMNS} from page left join audit_records using (audit_id) order by page.sequence, audit_id`,
    [last?.sequence ?? after, last?.auditId ?? LAST_ID, upTo, PAGE_RECORDS],
  )
  return rows.map(linkOf)
}

function linkOf({ sequence, prev_hash, hash, sealed_at, ...row }: LinkRow): Link {
  return {
    auditId: row.audit_id,
    sequence: Number(sequence),
    prevHash: prev_hash,
    hash,
    sealedAt: sealed_at,
    row: (row.record_type as string | null) === null ? null : row,
  }
}

/** What stands in a place; null when nothing does. */
export async function recordAt(database: Queryable, sequence: number): Promise<Link | null> {
  return (await linkPage(database, null, sequence - 1, sequence))[0] ?? null
}

/** The places around a record, without the records. */
export async function placesAround(
  database: Queryable,
  sequence: number,
  distance: number,
): Promise<Omit<Link, 'row'>[]> {
  const { rows } = await database.query<Omit<LinkRow, keyof ChainRow> & { audit_id: string }>(
    `select audit_id, ${PLACE} from audit_seals where sequence between $1 and $2`,
    [sequence - distance, sequence + distance],
  )
  return rows.map((row) => linkOf(row as LinkRow))
}

/**
 * What is left of detached months: the records at or below a checkpoint, by pages in their order.
 * @throws the signal's reason when it is aborted
 */
export function keptPages(database: Queryable, checkpoint: number, signal: AbortSignal): AsyncGenerator<Link[]> {
  return pagesAhead(signal, PAGE_RECORDS, async (last: Link | null) => {
    const { rows } = await database.query<LinkRow>(
      `with attached as materialized (
         select audit_id, sequence, prev_hash, hash, sealed_at from audit_seals
          where (sequence, audit_id) > ($1, $2) and sequence <= $3 order by sequence, audit_id limit $4),
       kept as (
         select ${PLACE}, ${STORED_COLUMNS} from attached left join audit_records using (audit_id)
         union all
         select * from (
           select ${PLACE}, ${STORED_COLUMNS} from held_records
            where (sequence, audit_id) > ($1, $2) and sequence <= $3 order by held_records.sequence, audit_id limit $4) held)
       select * from kept order by sequence, audit_id limit $4`,
      [last?.sequence ?? 0, last?.auditId ?? LAST_ID, checkpoint, PAGE_RECORDS],
    )
    return rows.map(linkOf)
  })
}

/** One page is read ahead of the one that is worked through. A page that is not full is the last. */
async function* pagesAhead<T>(
  signal: AbortSignal,
  full: number,
  read: (last: T | null) => Promise<T[]>,
): AsyncGenerator<T[]> {
  const begin = (last: T | null) => {
    signal.throwIfAborted()
    const page = read(last)
    page.catch(() => {}) // whoever takes it is told; nobody may, when the reader has had enough
    return page
  }
  let next: Promise<T[]> | null = begin(null)
  while (next !== null) {
    const page: T[] = await next
    next = page.length === full ? begin(page.at(-1) as T) : null
    if (page.length > 0) yield page
  }
  signal.throwIfAborted()
}

// ---- heads and checkpoints ----

async function oneHead(database: Queryable, where: string, values: readonly unknown[]): Promise<SignedHead | null> {
  const { rows } = await database.query<HeadRow>(`select ${HEAD_COLUMNS} from audit_heads ${where} limit 1`, [
    ...values,
  ])
  return rows[0] === undefined ? null : readHead(rows[0])
}

/** The last head that ends before a place. */
export function headBefore(database: Queryable, sequence: number): Promise<SignedHead | null> {
  return oneHead(database, 'where sequence < $1 order by sequence desc', [sequence])
}

/** The head over a place; null when none is. */
export function headOver(database: Queryable, sequence: number): Promise<SignedHead | null> {
  return oneHead(database, 'where sequence >= $1 order by sequence', [sequence])
}

async function* headsBetween(
  database: Queryable,
  after: number,
  upTo: number,
  signal: AbortSignal,
): AsyncGenerator<SignedHead, undefined> {
  const pages = pagesAhead(signal, PAGE_HEADS, async (last: SignedHead | null) => {
    const { rows } = await database.query<HeadRow>(
      `select ${HEAD_COLUMNS} from audit_heads where sequence > $1 and sequence <= $2 order by sequence limit $3`,
      [last?.sequence ?? after, upTo, PAGE_HEADS],
    )
    return rows.map(readHead)
  })
  for await (const page of pages) yield* page
}

/** Where the chain resumes; null while no month was detached. */
export async function newestCheckpoint(database: Queryable): Promise<SignedCheckpoint | null> {
  const { rows } = await database.query(
    'select sequence, hash, month, kept_digest, signed_at, key_id, signature from audit_checkpoints order by sequence desc limit 1',
  )
  const [row] = rows
  if (row === undefined) return null
  return {
    sequence: Number(row.sequence),
    hash: row.hash,
    month: row.month,
    keptDigest: row.kept_digest,
    signedAt: row.signed_at,
    keyId: row.key_id,
    signature: row.signature,
  }
}

/** The first sealed place behind the newest head, all in one look; null when there is none, as it should be. */
export async function placeBehindHeads(database: Queryable): Promise<{ auditId: string; sequence: number } | null> {
  const { rows } = await database.query<{ audit_id: string; sequence: string }>(
    `select audit_id, sequence from audit_seals where sequence > (select coalesce(max(sequence), 0) from audit_heads) order by sequence limit 1`,
  )
  return rows[0] === undefined ? null : { auditId: rows[0].audit_id, sequence: Number(rows[0].sequence) }
}

// ---- times ----

/** Of records that were made in a stretch of time, by their ids. Null: open on that side. */
export interface TimeRange {
  readonly from: Date | null
  readonly to: Date | null
}

/**
 * The first and last place of the records made in a range; null when none of them is sealed.
 * @throws the signal's reason when it is aborted
 */
export async function placesOf(
  database: Queryable,
  range: TimeRange,
  signal: AbortSignal,
): Promise<{ readonly first: number; readonly last: number } | null> {
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  const numbers = 'min(sequence) as first, max(sequence) as last'
  for await (const row of scan(database, 'audit_seals', 'audit_id, sequence', numbers, range, signal)) {
    first = Math.min(first, Number(row.first))
    last = Math.max(last, Number(row.last))
  }
  return last === 0 ? null : { first, last }
}

/** How long a record may be without a seal before it counts as unsealed: the sealer looks again at the latest every half minute. */
const UNSEALED_MS = 60_000

/**
 * How many records of a range have no seal, those of the last minute left out.
 * @throws the signal's reason when it is aborted
 */
export async function unsealedIn(database: Queryable, range: TimeRange, signal: AbortSignal): Promise<number> {
  const { rows } = await database.query<{ now: Date }>('select clock_timestamp() as now')
  const horizon = (rows[0] as { now: Date }).now.getTime() - UNSEALED_MS
  const to = new Date(Math.min(range.to?.getTime() ?? horizon, horizon))
  const number =
    'count(*) filter (where not exists (select from audit_seals s where s.audit_id = scanned.audit_id)) as unsealed'
  let unsealed = 0
  for await (const row of scan(database, 'audit_records', 'audit_id', number, { from: range.from, to }, signal)) {
    unsealed += Number(row.unsealed)
  }
  return unsealed
}

/** Numbers about the rows of a range, for one stretch of the index after another: no statement takes long. */
async function* scan(
  database: Queryable,
  table: 'audit_seals' | 'audit_records',
  columns: string,
  numbers: string,
  { from, to }: TimeRange,
  signal: AbortSignal,
): AsyncGenerator<Readonly<Record<string, string>>> {
  // The lowest id of a moment is one that nobody has: behind it is from it on.
  let last = from === null ? FIRST_ID : lowestIdOf(from)
  const end = to === null ? LAST_ID : lowestIdOf(to)
  for (;;) {
    signal.throwIfAborted()
    const { rows }: { rows: Record<string, string>[] } = await database.query(
      `with scanned as materialized (
         select ${columns} from ${table} where audit_id > $1 and audit_id < $2 order by audit_id limit ${SCAN_ROWS})
       select ${numbers}, count(*) as rows, (select audit_id from scanned order by audit_id desc limit 1) as last_id from scanned`,
      [last, end],
    )
    const [row] = rows
    if (row === undefined || Number(row.rows) === 0) return
    yield row
    if (Number(row.rows) < SCAN_ROWS) return
    last = row.last_id as string
  }
}
