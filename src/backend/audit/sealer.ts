// The sealer gives every record its place in the chain, after the record was kept and answered for. The order is the sealer's own:
// it looks for records that have no seal, and numbers them as it finds them. So nothing hangs on a sequence, on a timestamp or
// on the order of commits, and a record whose commit comes late is sealed late and never left out (docs/decisions/0008).
//
// Records are looked for by their id, which begins with their time, in four circles: close behind the newest seal at every look, some way
// behind it every few seconds, and in steps the last quarter of an hour twice a minute and everything at the start and every hour. What a
// look costs the database is what lies in its circle, sealed or not.
//
// Any number of sealers may run on one database, also through a pooler in transaction mode: a batch is one transaction that holds an
// advisory lock, and begins where the newest head in the database ends. Should the lock ever fail, of two heads that begin at one
// place the database takes only one.
import { setImmediate as otherWork, setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type HashedRow, headText, NO_HASH, rowHash } from './hash-chain.ts'
import { HEAD_COLUMNS, type HeadRow, isGenuine, newestHead, readHead, type SignedHead } from './heads.ts'
import { HASHED_COLUMNS } from './read-record.ts'
import type { SigningKey, TrustedKeys } from './signing-key.ts'

export interface SealerOptions {
  readonly database: pg.Pool
  readonly key: SigningKey
  /** Whose heads it goes on from: its own key and those before it. */
  readonly trusted: TrustedKeys
  readonly clock: () => Date
  /** Between two looks. */
  readonly intervalMs: number
  readonly onSealed?: (batch: SealedBatch) => void
  /** The chain in the database is not one to go on from. Told once for each sentence. */
  readonly onBroken?: (sentence: string) => void
  /** A look or a batch failed; it is tried again. Told of the first of several in a row. */
  readonly onFailure?: (error: unknown) => void
  /** What was told is over. */
  readonly onRecovered?: () => void
  /** How often it looks some way behind the newest seal, how often through the last quarter of an hour, and how often through everything. */
  readonly behindEveryMs?: number
  readonly recentEveryMs?: number
  readonly everythingEveryMs?: number
}

export interface SealedBatch {
  readonly records: number
  /** The last of them. */
  readonly sequence: number
  readonly tookMs: number
}

export interface SealerStats {
  /** Since the start, by this sealer. */
  readonly sealed: number
  readonly batches: number
  readonly failures: number
  readonly lastBatch: SealedBatch | null
  /** Age of the oldest record that may be without a seal, as far as is known; before the first look, how long it has been waited for. */
  readonly lagSeconds: number
  /** When a look at everything was last finished; null: not yet. */
  readonly everythingSeenAt: Date | null
  /** The newest head that was seen and believed. */
  readonly sequence: number | null
  /** Why it does not seal. */
  readonly broken: string | null
}

export interface Sealer {
  stats(): SealerStats
  /**
   * Seals everything there is, now, however long ago it was made.
   * @returns how many records
   * @throws ChainBrokenError, or what the database says
   */
  sealNow(): Promise<number>
  /** Resolves when the batch under way is done. */
  close(): Promise<void>
}

/** The newest head is not one to go on from. */
export class ChainBrokenError extends Error {}

/** Looking through many records, in steps between other looks. */
interface Walk {
  readonly everyMs: number
  /** When the last one that was finished began; null: none was. */
  seenAtMs: number | null
  /** Where it goes on; null: it is not under way. */
  step: { readonly from: string; readonly beganAtMs: number } | null
}

/** A record without a seal. */
interface WaitingRow extends HashedRow {
  /** Of its text. */
  readonly bytes: number
}

/** Records in one batch, at most, and in one transaction and under one head. */
export const BATCH_RECORDS_MAX = 1_000
/** Texts of records in one batch, at most. */
const BATCH_BYTES_MAX = 16_000_000
/** Any number, the same for every sealer of this database. */
const LOCK = 7_241_865_326
/** How far behind the newest seal every look goes: a record is on its way for less, unless the database hesitates. */
const CLOSE_MS = 2_000
/** And how far every few seconds: what the log still tries to write, and what a database that hangs commits in the end. */
const BEHIND_MS = 15_000
const BEHIND_EVERY_MS = 5_000
const RECENT_MS = 15 * 60_000
const RECENT_EVERY_MS = 30_000
const EVERYTHING_EVERY_MS = 3_600_000
/** Ids beyond this are of a clock that is wrong; they are found when everything is looked at. */
const AHEAD_MS = 3_600_000
/** Records in one step of a walk. */
const STEP_RECORDS = 50_000
/** The share of the time that a walk may take. */
const STEPS_SHARE = 0.2
/** Between two tries for the lock, and how long sealNow tries. */
const LOCK_PAUSE_MS = 20
const LOCK_WAIT_MS = 10_000
/** Records hashed before other work of the process has its turn. */
const HASHED_AT_ONCE = 100

const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const BEYOND_ALL_IDS = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

// From $1 up to but without $2. Both sides are bounded by the same constants, so that months outside are not even planned for, and both come in the order of their
// indexes, so that nothing of the records themselves is read.
const WITHOUT_SEAL = `
  select r.audit_id from audit_records r
   where r.audit_id >= $1 and r.audit_id < $2
     and not exists (select from audit_seals s where s.audit_id = r.audit_id and s.audit_id >= $1 and s.audit_id < $2)
   order by r.audit_id`

// Merging two indexes is right for every range and every state of the statistics. Left alone, the planner reads whole months when a
// table was filled faster than it was vacuumed, and where many wait, for each batch all that wait. The settings last as long as the
// transaction, as the lock does.
const BY_INDEX = ['seqscan', 'bitmapscan', 'hashjoin'].map((way) => `set_config('enable_${way}', 'off', true)`).join()
// Where nearly all that is looked at has its seal, going along both indexes takes a quarter of looking up each record in the other.
const BY_MERGING = `${BY_INDEX}, set_config('enable_nestloop', 'off', true)`

const WAITING_RECORDS = `
with waiting as materialized (${WITHOUT_SEAL} limit ${BATCH_RECORDS_MAX})
select ${HASHED_COLUMNS}
  from (select r.*, sum(octet_length(r.record)) over (order by r.audit_id rows unbounded preceding) - octet_length(r.record) as bytes_before
          from waiting join audit_records r using (audit_id)
         where r.audit_id >= $1 and r.audit_id < $2) r
 where bytes_before < ${BATCH_BYTES_MAX}
 order by audit_id`

const SEAL_BATCH = `
with head as (
  insert into audit_heads (sequence, first_sequence, hash, signed_at, key_id, signature) values ($5, $6, $7, $8, $9, $10))
insert into audit_seals (audit_id, sequence, prev_hash, hash, sealed_at)
select audit_id, sequence, decode(prev_hash, 'hex'), decode(hash, 'hex'), $8
  from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) as sealed (audit_id, sequence, prev_hash, hash)`

export function sealer(options: SealerOptions): Sealer {
  const { database, key, trusted, clock, intervalMs, onSealed, onBroken, onFailure, onRecovered } = options
  const { behindEveryMs = BEHIND_EVERY_MS, recentEveryMs = RECENT_EVERY_MS } = options
  const { everythingEveryMs = EVERYTHING_EVERY_MS } = options
  const count = { sealed: 0, batches: 0, failures: 0 }
  let lastBatch: SealedBatch | null = null
  /** The newest head that was seen and believed. */
  let known: SignedHead | null = null
  let broken: string | null = null
  let failing = false
  /** Every record made before this moment has a seal, unless it was committed late. */
  let sealedUpToMs = clock().getTime()
  /** The highest id that has a seal, as far as is known. */
  let highestSealed = FIRST_ID
  let behindSeenAtMs = Number.NEGATIVE_INFINITY
  let chainSeenAtMs = Number.NEGATIVE_INFINITY
  const recent: Walk = { everyMs: recentEveryMs, seenAtMs: null, step: null }
  const everything: Walk = { everyMs: everythingEveryMs, seenAtMs: null, step: null }
  let closed = false

  // ---- looking ----

  /** Looks behind the newest seal, as far as is due. @returns how many records were sealed */
  async function look(): Promise<number> {
    const nowMs = clock().getTime()
    const chainIsDue = broken !== null || nowMs - chainSeenAtMs >= recentEveryMs
    const behindIsDue = nowMs - behindSeenAtMs >= behindEveryMs
    if (chainIsDue) await refreshHighestSealed()
    const from = lowestId(newestMs(nowMs) - (behindIsDue ? BEHIND_MS : CLOSE_MS))
    const to = endOfLooks(nowMs)
    const first = await firstWithoutSeal(from, to)
    sealedUpToMs = first === null ? nowMs : timeOf(first)
    if (chainIsDue) {
      await checkChain()
      chainSeenAtMs = nowMs
    }
    const { sealed, isDone } = await sealFrom(first, to)
    if (isDone) sealedUpToMs = nowMs
    if (isDone && behindIsDue) behindSeenAtMs = nowMs
    return sealed
  }

  /** A record of a clock that is ahead must not draw the looks away from the others. */
  const newestMs = (nowMs: number) => Math.min(nowMs, timeOf(highestSealed))
  const endOfLooks = (nowMs: number) => lowestId(Math.max(nowMs, timeOf(highestSealed)) + AHEAD_MS)

  const isDue = ({ everyMs, seenAtMs, step }: Walk) =>
    step !== null || seenAtMs === null || clock().getTime() - seenAtMs >= everyMs

  function walkRecent(budgetMs: number): Promise<number> {
    const nowMs = clock().getTime()
    return walkOn(recent, lowestId(newestMs(nowMs) - RECENT_MS), endOfLooks(nowMs), budgetMs, false)
  }

  /** @param patient waits for another sealer that is at it */
  const walkEverything = (budgetMs: number, patient: boolean) =>
    walkOn(everything, FIRST_ID, BEYOND_ALL_IDS, budgetMs, patient)

  /**
   * Looks through the next steps of a walk.
   * @param first where it begins, when it is not under way
   * @returns how many records were sealed
   */
  async function walkOn(walk: Walk, first: string, last: string, budgetMs: number, patient: boolean): Promise<number> {
    const startMs = performance.now()
    let total = 0
    do {
      const { from, beganAtMs } = walk.step ?? { from: first, beganAtMs: clock().getTime() }
      const end = await endOfStep(from, last)
      const to = end ?? last
      const { sealed, isDone } = await sealFrom(await firstWithoutSeal(from, to), to, patient)
      total += sealed
      if (!isDone) break
      walk.step = end === null ? null : { from: end, beganAtMs }
      if (end === null) walk.seenAtMs = beganAtMs
    } while (walk.step !== null && !closed && performance.now() - startMs < budgetMs)
    return total
  }

  async function endOfStep(from: string, last: string): Promise<string | null> {
    const { rows } = await database.query<{ audit_id: string }>(
      `select audit_id from audit_records where audit_id >= $1 and audit_id < $2 order by audit_id offset ${STEP_RECORDS} limit 1`,
      [from, last],
    )
    return rows[0]?.audit_id ?? null
  }

  async function firstWithoutSeal(from: string, to: string): Promise<string | null> {
    return inTransaction(async (client) => {
      await client.query(`select ${BY_MERGING}`)
      const { rows } = await client.query<{ audit_id: string }>(`${WITHOUT_SEAL} limit 1`, [from, to])
      return rows[0]?.audit_id ?? null
    })
  }

  async function refreshHighestSealed(): Promise<void> {
    const { rows } = await database.query<{ audit_id: string }>(
      'select audit_id from audit_seals where audit_id >= $1 order by audit_id desc limit 1',
      [highestSealed],
    )
    highestSealed = rows[0]?.audit_id ?? highestSealed
  }

  // ---- sealing ----

  /** Seals what has no seal from that id on, batch after batch. isDone: nothing is left that could be seen. */
  async function sealFrom(
    first: string | null,
    to: string,
    patient = false,
  ): Promise<{ sealed: number; isDone: boolean }> {
    const giveUpAtMs = performance.now() + LOCK_WAIT_MS
    let sealed = 0
    for (let from = first; from !== null; ) {
      if (closed) return { sealed, isDone: false }
      const batch = await sealBatch(from, to)
      if (batch !== null) {
        sealed += batch.records
        from = batch.rest
        if (from !== null) sealedUpToMs = timeOf(from)
      } else if (!patient) {
        return { sealed, isDone: false }
      } else {
        if (performance.now() > giveUpAtMs)
          throw new Error(`another sealer has been at it for ${LOCK_WAIT_MS / 1000} s`)
        await sleep(LOCK_PAUSE_MS)
      }
    }
    return { sealed, isDone: true }
  }

  /**
   * Seals the first records from that id on that have no seal.
   * @returns null when another sealer has the lock; rest: from where on there may be more
   */
  async function sealBatch(from: string, to: string): Promise<{ records: number; rest: string | null } | null> {
    const startMs = performance.now()
    const batch = await inTransaction(async (client) => {
      const { rows: locks } = await client.query(`select pg_try_advisory_xact_lock($1) as locked, ${BY_INDEX}`, [LOCK])
      if (locks[0].locked !== true) return null
      // From here on every statement sees what the sealer before has committed.
      const before = believe(await newestHead(client))
      const { rows } = await client.query<WaitingRow>(WAITING_RECORDS, [from, to])
      return { before, rows, head: rows.length === 0 ? before : await insertBatch(client, before, rows) }
    })
    if (batch === null) return null
    const { head, rows } = batch
    known = head
    const last = rows.at(-1)?.audit_id
    if (head === null || last === undefined) return { records: 0, rest: null }
    if (last > highestSealed) highestSealed = last
    count.sealed += rows.length
    count.batches += 1
    lastBatch = { records: rows.length, sequence: head.sequence, tookMs: performance.now() - startMs }
    onSealed?.(lastBatch)
    const isFull = rows.length === BATCH_RECORDS_MAX || bytesOf(rows) >= BATCH_BYTES_MAX
    return { records: rows.length, rest: isFull ? last : null }
  }

  async function insertBatch(
    client: pg.PoolClient,
    before: SignedHead | null,
    rows: readonly HashedRow[],
  ): Promise<SignedHead> {
    const firstSequence = (before?.sequence ?? 0) + 1
    const prevHashes: string[] = []
    const hashes: string[] = []
    let hash = before?.hash ?? Buffer.from(NO_HASH)
    for (const [index, row] of rows.entries()) {
      if (index % HASHED_AT_ONCE === HASHED_AT_ONCE - 1) await otherWork()
      prevHashes.push(hash.toString('hex'))
      hash = rowHash(hash, firstSequence + index, row)
      hashes.push(hash.toString('hex'))
    }
    const unsigned = { sequence: firstSequence + rows.length - 1, firstSequence, hash, signedAt: clock() }
    const head = { ...unsigned, keyId: key.keyId, signature: key.sign(headText(unsigned)) }
    await client.query(SEAL_BATCH, [
      rows.map((row) => row.audit_id),
      rows.map((_, index) => firstSequence + index),
      prevHashes,
      hashes,
      head.sequence,
      head.firstSequence,
      head.hash,
      head.signedAt,
      head.keyId,
      head.signature,
    ])
    return head
  }

  // ---- whether the chain is one to go on from ----

  /**
   * @returns the head, when it may be gone on from
   * @throws ChainBrokenError when it may not
   */
  function believe(head: SignedHead | null): SignedHead | null {
    if (head === null) {
      if (known === null) return null
      throw new ChainBrokenError(
        `the head at ${known.sequence}, which was the newest, is gone, and so are all before it`,
      )
    }
    if (known !== null && head.sequence === known.sequence && head.signature.equals(known.signature)) return known
    if (!trusted.has(head.keyId)) {
      throw new ChainBrokenError(
        `the newest head, at ${head.sequence}, is signed by the key ${head.keyId}, which is not trusted: if it is yours, add its public key to AUDIT_TRUSTED_KEYS_FILE`,
      )
    }
    if (!isGenuine(head, trusted)) {
      throw new ChainBrokenError(
        `the newest head, at ${head.sequence}, does not bear the signature of the key ${head.keyId}`,
      )
    }
    if (known !== null && head.sequence <= known.sequence) {
      throw new ChainBrokenError(
        `the newest head was at ${known.sequence} and is now another, at ${head.sequence}: the end of the chain was taken away`,
      )
    }
    return head
  }

  /** Looks whether the seals end where the newest head says. @throws ChainBrokenError when they do not */
  async function checkChain(): Promise<void> {
    const { rows } = await database.query<EndRow>(END_OF_CHAIN)
    const { sealed_sequence, sealed_hash, checkpoint_sequence, ...row } = rows[0] as EndRow
    const head = row.sequence === null ? null : readHead(row as HeadRow)
    const believed = believe(head)
    const sealed = Number(sealed_sequence ?? 0)
    if (sealed > (head?.sequence ?? 0)) {
      throw new ChainBrokenError(
        `the records from ${(head?.sequence ?? 0) + 1} to ${sealed} have seals, and no signed head: this sealer did not write them`,
      )
    }
    // The record may have left with its month.
    const isDetached = head !== null && head.sequence <= Number(checkpoint_sequence ?? 0)
    if (head !== null && !isDetached && sealed_hash === null) {
      throw new ChainBrokenError(`the newest head is at ${head.sequence}, and there is no seal of that place`)
    }
    if (head !== null && sealed_hash !== null && !sealed_hash.equals(head.hash)) {
      throw new ChainBrokenError(`the seal at ${head.sequence} is another than the newest head signed`)
    }
    known = believed
  }

  // ---- the life ----

  async function inTransaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await database.connect()
    try {
      // Each statement must see what was committed before it, whatever the default of the database is.
      await client.query('begin isolation level read committed')
      const result = await work(client)
      await client.query('commit')
      client.release()
      return result
    } catch (error) {
      client.release(true) // with the connection the transaction ends
      throw error
    }
  }

  /** Runs one piece of work after the other, and keeps in mind what became of it. */
  let underWay: Promise<unknown> = Promise.resolve()
  function inTurn(work: () => Promise<number>): Promise<number> {
    const turn = underWay.then(async () => {
      try {
        const sealed = await work()
        if (broken !== null || failing) onRecovered?.()
        broken = null
        failing = false
        return sealed
      } catch (error) {
        if (error instanceof ChainBrokenError) {
          if (broken !== error.message) onBroken?.(error.message)
          broken = error.message
        } else {
          count.failures += 1
          if (!failing) onFailure?.(error)
          failing = true
        }
        throw error
      }
    })
    underWay = turn.catch(() => {})
    return turn
  }

  let timer: NodeJS.Timeout | undefined
  const tick = () => {
    inTurn(async () => {
      const budgetMs = intervalMs * STEPS_SHARE
      let sealed = await look()
      if (!closed && isDue(recent)) sealed += await walkRecent(budgetMs)
      if (!closed && isDue(everything)) sealed += await walkEverything(budgetMs, false)
      return sealed
    })
      .catch(() => {})
      .finally(() => {
        if (!closed) timer = setTimeout(tick, intervalMs)
      })
  }
  tick()

  return {
    stats: () => ({
      ...count,
      lastBatch,
      lagSeconds: Math.max(0, (clock().getTime() - sealedUpToMs) / 1000),
      everythingSeenAt: everything.seenAtMs === null ? null : new Date(everything.seenAtMs),
      sequence: known?.sequence ?? null,
      broken,
    }),
    sealNow: () =>
      inTurn(async () => {
        if (closed) throw new Error('the sealer is closed')
        const nowMs = clock().getTime()
        await checkChain()
        everything.step = null
        const sealed = await walkEverything(Number.POSITIVE_INFINITY, true)
        sealedUpToMs = nowMs
        return sealed
      }),
    async close() {
      closed = true
      clearTimeout(timer)
      await underWay
    },
  }
}

interface EndRow extends Record<keyof HeadRow, unknown> {
  readonly sealed_sequence: string | null
  readonly sealed_hash: Buffer | null
  readonly checkpoint_sequence: string | null
}

// One statement, so that a batch of another sealer is in all of it or in none.
const END_OF_CHAIN = `
select head.*, seal.sequence as sealed_sequence, seal.hash as sealed_hash,
       (select max(sequence) from audit_checkpoints) as checkpoint_sequence
  from (select) one
  left join lateral (select ${HEAD_COLUMNS} from audit_heads order by sequence desc limit 1) head on true
  left join lateral (
    select s.sequence, s.hash from audit_seals s where s.sequence >= coalesce(head.sequence, 0) order by s.sequence desc limit 1) seal on true`

/** When a record was made, by its id: milliseconds since 1970. */
function timeOf(auditId: string): number {
  return Number.parseInt(auditId.slice(0, 8) + auditId.slice(9, 13), 16)
}

/** Below every id of that moment and later, and above every earlier one. */
function lowestId(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

function bytesOf(rows: readonly WaitingRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes, 0)
}
