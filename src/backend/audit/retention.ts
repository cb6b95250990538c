// Letting go. A month that is past its years leaves the log once all of it is sealed, lies in locked storage, was read back from there
// and verified by the file alone, and what is under a legal hold is kept. Then the chain resumes from a signed checkpoint. One month
// after the other, the earliest first; when one cannot go, none after it goes, and the report says which check stood in the way.
//
// A run may end anywhere. What a month needs is done in steps that leave it whole, and the last of them, from the copies of what is held
// to the detachment, is one transaction; the next run goes on from what it finds. Two runs never work at once: a lock that lasts
// as long as a transaction is held on a connection of its own, so that it works through a pooler and ends with a lost connection.
//
// Appends do not wait for a run. Only the detachment itself stops the log, for as long as it takes to change a few rows of the catalog;
// it waits for its turn no longer than the lock_timeout of detach_audit_month, and the commit travels with it.
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Clock } from '../server/uuidv7.ts'
import { HOUSE_CLIENT_ID } from './change-record.ts'
import { type Checkpoint, checkpointText, keptDigest } from './hash-chain.ts'
import { HEAD_COLUMNS, type HeadRow, readHead, type SignedHead } from './heads.ts'
import { appendAuditEvent, heldSql } from './legal-holds.ts'
import { type LockedStorage, NameTaken } from './locked-storage.ts'
import { endOfYears, logMonths, monthLater } from './log-months.ts'
import type { AuditRow } from './quote-record.ts'
import type { SigningKey } from './signing-key.ts'
import type { ExportProof } from './verify-export.ts'

/** Places in the chain, both inclusive. */
export interface Places {
  readonly first: number
  readonly last: number
}

export interface RetentionOptions {
  /** As the audit service. A run takes three of its connections. */
  readonly database: pg.Pool
  readonly storage: LockedStorage
  /** The sealed records of these places as an export file, in whole lines. `first` follows a signed head or checkpoint, `last` is one. */
  readonly exportPlaces: (places: Places, signal: AbortSignal) => AsyncIterable<string>
  /** Reads an export file as it lies in storage, with nothing but trusted keys beside it. */
  readonly proveExport: (file: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<ExportProof>
  readonly key: SigningKey
  readonly clock: Clock
  readonly newId: () => string
  /** Years that records are kept, from the end of their month. */
  readonly years: number
  /** Told when a step is done, and waited for. */
  readonly onStep?: (step: Step, month: string) => void | Promise<void>
}

/** What is done, one after the other, for each month. */
export type Step = 'looked at' | 'stored' | 'verified' | 'noted' | 'held kept' | 'checkpoint signed' | 'detached'

/** What must be so before a month goes. */
export type Check = 'sealed' | 'head' | 'stored' | 'verified' | 'kept' | 'detached'

export interface MonthPlan {
  /** Its first day, `2020-03-01`. */
  readonly month: string
  /** The end of its years. */
  readonly keptUntil: Date
  readonly records: number
  readonly unsealed: number
  /** Under a legal hold: they stay, as held records. */
  readonly held: number
  readonly may: boolean
  /** Why it may go, or may not. */
  readonly why: string
}

export interface RetentionPlan {
  /** The months past their years, the earliest first. */
  readonly due: readonly MonthPlan[]
  /** The first one that is not; null when the log has none. */
  readonly next: { readonly month: string; readonly keptUntil: Date } | null
}

export interface MonthReport {
  readonly month: string
  readonly detached: boolean
  readonly records: number
  /** Copied to held_records. */
  readonly kept: number
  /** Removed from held_records: of earlier months, and under no hold any more. */
  readonly released: number
  /** The export's name in storage; null when there was nothing to export. */
  readonly file: string | null
  /** The check that stood in the way; null when none did. */
  readonly failed: { readonly check: Check; readonly sentence: string } | null
}

export interface RetentionReport {
  /** elsewhere: another run is under way, and this one did nothing. */
  readonly outcome: 'done' | 'elsewhere'
  readonly months: readonly MonthReport[]
}

export interface Retention {
  /** Looks, and changes nothing. Counts every record of the months past their years. */
  plan(): Promise<RetentionPlan>
  /**
   * Lets go every month past its years. A failed check is in the report; it rejects by the signal, or when the database is away.
   * @param signal stops it between two steps; what is done stays done
   */
  run(signal?: AbortSignal): Promise<RetentionReport>
}

/** Statements that look at every record of a month: tens of millions at most. */
const STATEMENT_MS_MAX = 30 * 60_000
/** Below the idle_in_transaction_session_timeout of a service's user. */
const HEARTBEAT_MS = 15_000
/** Records of a page where only places and hashes are read. */
const DIGEST_PAGE_RECORDS = 20_000
/** In one transaction, that is while holds wait. */
const DETACH_TRIES_MAX = 8
const DETACH_PAUSE_MS = 250
/** The sealer comes every second or so. */
const HEAD_WAIT_MS = 5_000
const HEAD_PAUSE_MS = 200
/** Files of one month that could not be verified, before somebody has to look. */
const FILES_MAX = 9
/** An export is locked for at least so long from now, so that there is time to see that a month was let go. */
const LOCKED_DAYS_MIN = 366
const DAY_MS = 86_400_000
const LOCK_NOT_AVAILABLE = '55P03'

/** What stands in the way of a month. */
class CheckFailed extends Error {
  readonly check: Check

  constructor(check: Check, sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.name = 'CheckFailed'
    this.check = check
  }
}

export function retention(options: RetentionOptions): Retention {
  const { database, storage, exportPlaces, proveExport, key, clock, newId, years, onStep = () => {} } = options

  async function plan(): Promise<RetentionPlan> {
    const { due, next } = await monthsDue()
    const plans: MonthPlan[] = []
    for (const month of due) {
      const seen = await lookAt(month)
      const obstacle = plans.some(({ may }) => !may) ? 'an earlier month has to go first' : await obstacleOf(seen)
      plans.push({
        month,
        keptUntil: endOfYears(month, years),
        records: seen.records,
        unsealed: seen.unsealed,
        held: seen.held,
        may: obstacle === null,
        why: obstacle ?? (seen.records === 0 ? 'it holds no records' : 'it is past its years, and all of it is sealed'),
      })
    }
    return { due: plans, next: next === null ? null : { month: next, keptUntil: endOfYears(next, years) } }
  }

  async function monthsDue(): Promise<{ due: string[]; next: string | null }> {
    const months = await logMonths(database)
    const now = clock()
    const due = months.filter((month) => endOfYears(month, years) <= now)
    return { due, next: months[due.length] ?? null }
  }

  async function run(signal: AbortSignal = new AbortController().signal): Promise<RetentionReport> {
    const months = await alone(signal, async (turn) => {
      const reports: MonthReport[] = []
      for (const month of (await monthsDue()).due) {
        const report = await letGo(month, turn)
        reports.push(report)
        if (!report.detached) break
      }
      return reports
    })
    return months === null ? { outcome: 'elsewhere', months: [] } : { outcome: 'done', months }
  }

  /** The time during which no other run works. */
  interface Turn {
    /** Stops when the run is to stop, or the lock is lost. */
    readonly signal: AbortSignal
    /** @throws when the lock is lost by now */
    readonly confirm: () => Promise<unknown>
  }

  /** Works under the lock. @returns null when another run has it */
  async function alone<T>(signal: AbortSignal, work: (turn: Turn) => Promise<T>): Promise<T | null> {
    const client = await database.connect()
    const lost = new AbortController()
    const onError = (error: Error) => lost.abort(error)
    let heartbeat: NodeJS.Timeout | undefined
    let broken: Error | undefined
    try {
      await client.query('begin')
      const { rows } = await client.query<{ free: boolean }>(
        "select pg_try_advisory_xact_lock(hashtextextended('audit retention', 0)) as free",
      )
      if (rows[0]?.free !== true) return null
      // The connection must not count as idle; and when it is lost, so is the lock.
      heartbeat = setInterval(() => client.query('select').catch(onError), HEARTBEAT_MS)
      client.on('error', onError)
      return await work({ signal: AbortSignal.any([signal, lost.signal]), confirm: () => client.query('select') })
    } finally {
      clearInterval(heartbeat)
      client.off('error', onError)
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      client.release(broken)
    }
  }

  async function letGo(month: string, turn: Turn): Promise<MonthReport> {
    const { signal } = turn
    const seen = await lookAt(month)
    const report = { month, detached: false, records: seen.records, kept: 0, released: 0, file: null, failed: null }
    try {
      signal.throwIfAborted()
      await onStep('looked at', month)
      if (seen.records === 0) {
        await detach(month, turn, null)
        return { ...report, detached: true }
      }
      if (seen.unsealed > 0) throw new CheckFailed('sealed', notSealed(seen))
      const span = await spanOf(seen, signal)
      const file = (await notedFile(month, span)) ?? (await storeVerified(month, span, signal))
      const { kept, released } = await detach(month, turn, { span, file })
      return { ...report, detached: true, kept, released, file }
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error
      return { ...report, failed: { check: error.check, sentence: error.message } }
    }
  }

  // ---- what a month holds, and what it needs ----

  interface Seen {
    readonly month: string
    readonly records: number
    readonly unsealed: number
    readonly held: number
    /** The last place of its records; 0: none is sealed. */
    readonly lastPlace: number
  }

  async function lookAt(month: string): Promise<Seen> {
    return await inTransaction(database, async (transaction) => {
      await allowTime(transaction)
      const { rows } = await transaction.query<{ records: string; sealed: string; held: string; last: string | null }>(
        patient(
          `select (select count(*) from audit_records r where ${inMonth('r')}) as records,
                  (select count(*) from audit_seals s where ${inMonth('s')}) as sealed,
                  (select max(sequence) from audit_seals s where ${inMonth('s')}) as last,
                  (select count(*) from audit_records r where ${inMonth('r')} and ${heldSql('r')}) as held`,
          [month, monthLater(month, 1)],
        ),
      )
      const row = rows[0]
      const [records, sealed] = [Number(row?.records), Number(row?.sealed)]
      return { month, records, unsealed: records - sealed, held: Number(row?.held), lastPlace: Number(row?.last ?? 0) }
    })
  }

  async function obstacleOf(seen: Seen): Promise<string | null> {
    if (seen.records === 0) return null
    if (seen.unsealed > 0) return notSealed(seen)
    try {
      await spanOf(seen)
      return null
    } catch (error) {
      if (error instanceof CheckFailed) return error.message
      throw error
    }
  }

  /** What has to lie in locked storage before the month goes: everything from the last checkpoint to a head behind its last record. */
  interface Span {
    readonly places: Places
    readonly head: SignedHead
  }

  /** @param waiting for as long as the seal of the last detachment's own record may take; null: not at all */
  async function spanOf({ month, lastPlace }: Seen, waiting: AbortSignal | null = null): Promise<Span> {
    const checkpoint = await database.query<{ sequence: string }>(
      'select sequence from audit_checkpoints order by sequence desc limit 1',
    )
    const first = Number(checkpoint.rows[0]?.sequence ?? 0) + 1
    // Each checkpoint is behind the one before, also when the records of this month were all sealed before that.
    const atLeast = Math.max(lastPlace, first)
    const giveUpAt = performance.now() + (waiting === null ? 0 : HEAD_WAIT_MS)
    for (;;) {
      const { rows } = await database.query<HeadRow>(
        `select ${HEAD_COLUMNS} from audit_heads where sequence >= $1 order by sequence limit 1`,
        [atLeast],
      )
      const head = rows[0] === undefined ? null : readHead(rows[0])
      if (head !== null) return { places: { first, last: head.sequence }, head }
      if (performance.now() >= giveUpAt) {
        throw new CheckFailed('head', `${name(month)} ends at place ${atLeast}, where the chain has no signed head yet`)
      }
      await pause(HEAD_PAUSE_MS, undefined, waiting === null ? {} : { signal: waiting })
    }
  }

  // ---- locked storage ----

  /** A file that an earlier run has verified. */
  async function notedFile(month: string, { places }: Span): Promise<string | null> {
    const { rows } = await database.query<{ name: string }>(
      `select name from audit_exports
        where month = $1 and first_sequence = $2 and last_sequence = $3 and records = $3::bigint - $2::bigint + 1 and storage = $4
        order by verified_at desc limit 1`,
      [month, places.first, places.last, storage.describe()],
    )
    return rows[0]?.name ?? null
  }

  /** @returns the name of a file that holds the span, lies in storage, and was read back and verified */
  async function storeVerified(month: string, span: Span, signal: AbortSignal): Promise<string> {
    const { places, head } = span
    const prefix = `records/${name(month)}/${places.first}-${places.last}`
    const tried = await during('stored', () => collected(storage.list(`${prefix}.`), FILES_MAX))
    // A run that ended after it stored the file has left it behind; what could not be verified stays there, for it is locked.
    const left = tried.at(-1)
    if (left !== undefined && (await proven(left, span, signal)).fault === null) {
      return await note(month, span, left, signal)
    }
    if (tried.length >= FILES_MAX) {
      throw new CheckFailed('stored', `${FILES_MAX} exports of ${name(month)} lie in storage, and none can be verified`)
    }
    const file = `${prefix}.${tried.length + 1}.ndjson`
    const retainUntil = new Date(
      Math.max(
        endOfYears(month, years).getTime(),
        // The newest record of the file is no newer than the head over it.
        yearsLater(head.signedAt, years).getTime(),
        clock().getTime() + LOCKED_DAYS_MIN * DAY_MS,
      ),
    )
    await during('stored', async () => {
      try {
        await storage.put(file, exportPlaces(places, signal), { retainUntil })
      } catch (error) {
        // Then it is a file of this name that a listing has not shown yet, and it is verified like any other.
        if (!(error instanceof NameTaken)) throw error
      }
    })
    signal.throwIfAborted()
    await onStep('stored', month)
    return await note(month, span, file, signal)
  }

  async function note(month: string, span: Span, file: string, signal: AbortSignal): Promise<string> {
    const { sha256, fault } = await proven(file, span, signal)
    if (fault !== null) throw new CheckFailed('verified', fault)
    signal.throwIfAborted()
    await onStep('verified', month)
    await database.query(
      `insert into audit_exports (export_id, month, first_sequence, last_sequence, records, storage, name, sha256, verified_at)
       values ($1, $2, $3, $4, $4::bigint - $3::bigint + 1, $5, $6, $7, $8)`,
      [newId(), month, span.places.first, span.places.last, storage.describe(), file, sha256, clock()],
    )
    await onStep('noted', month)
    return file
  }

  /** Reads the file back as it lies there. It is believed by the head that it leads to, which is the database's own. */
  async function proven(
    file: string,
    { places, head }: Span,
    signal: AbortSignal,
  ): Promise<{ sha256: Buffer; fault: string | null }> {
    const hash = createHash('sha256')
    async function* read() {
      for await (const chunk of storage.get(file)) {
        hash.update(chunk)
        yield chunk
      }
    }
    const proof = await during('verified', () => proveExport(read(), signal))
    return { fault: faultOf(proof), sha256: hash.digest() }

    function faultOf({ valid, checked, sentence, head: end }: ExportProof): string | null {
      if (!valid) return `${file} cannot be verified: ${sentence ?? 'no reason was given'}`
      if (end === null || end.sequence !== places.last || end.hash !== head.hash.toString('hex')) {
        return `${file} does not lead to the signed head at ${places.last}`
      }
      const wanted = places.last - places.first + 1
      return checked === wanted ? null : `${file} proves ${checked} records and not ${wanted}`
    }
  }

  // ---- the last step ----

  /** What is held is kept, a checkpoint stands, and the month is gone from the log: all of it or nothing. */
  async function detach(month: string, turn: Turn, over: { span: Span; file: string } | null) {
    return await inTransaction(database, async (client) => {
      await allowTime(client)
      // What nothing holds any more leaves the kept ones, so only together with a new checkpoint over them.
      const { kept, released } =
        over === null ? { kept: 0, released: 0 } : await during('kept', () => keepHeld(client, month))
      await onStep('held kept', month)
      const checkpoint = over === null ? null : await signCheckpoint(client, month, over.span)
      await onStep('checkpoint signed', month)
      await appendAuditEvent(client, detachedRecordRow({ month, kept, released, over, checkpoint }))
      await takeOut(client, month, turn)
      await onStep('detached', month)
      return { kept, released }
    })
  }

  async function keepHeld(client: pg.PoolClient, month: string) {
    const { rows } = await client.query<{ kept: string; released: string }>(
      patient('select kept, released from keep_held_records($1)', [month]),
    )
    return { kept: Number(rows[0]?.kept), released: Number(rows[0]?.released) }
  }

  async function signCheckpoint(client: pg.PoolClient, month: string, { head }: Span): Promise<Checkpoint> {
    const { sequence, hash } = head
    const checkpoint = {
      sequence,
      hash,
      month,
      keptDigest: await digestOfKept(client, sequence, monthLater(month, 1)),
      signedAt: clock(),
    }
    await client.query(
      `insert into audit_checkpoints (sequence, hash, month, kept_digest, signed_at, key_id, signature)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        sequence,
        hash,
        month,
        checkpoint.keptDigest,
        checkpoint.signedAt,
        key.keyId,
        key.sign(checkpointText(checkpoint)),
      ],
    )
    return checkpoint
  }

  /**
   * The detachment and the commit in one message: between the two nobody can append, so nothing may come between them, least of all a
   * process that stands still. Whoever is in the way, a long read for one, is let through, and it is tried again. After it the
   * transaction is over.
   */
  async function takeOut(client: pg.PoolClient, month: string, { signal, confirm }: Turn): Promise<void> {
    if (!/^\d{4}-\d\d-01$/.test(month)) throw new RangeError(`${month} is no month`)
    await client.query('savepoint all_but_the_month')
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted()
      await confirm()
      try {
        await client.query(patient(`select detach_audit_month('${month}'); commit`))
        return
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code === RESTRICT_VIOLATION) throw new CheckFailed('detached', message, error)
        if (code !== LOCK_NOT_AVAILABLE) throw error
        if (tries >= DETACH_TRIES_MAX) {
          throw new CheckFailed(
            'detached',
            `${name(month)} or the log was in use by something that takes long, whenever it was tried`,
            error,
          )
        }
        await client.query('rollback to savepoint all_but_the_month')
        await pause(DETACH_PAUSE_MS)
      }
    }
  }

  function detachedRecordRow(detachment: {
    month: string
    kept: number
    released: number
    over: { span: Span; file: string } | null
    checkpoint: Checkpoint | null
  }): AuditRow {
    const { month, kept, released, over, checkpoint } = detachment
    const body = {
      audit_id: newId(),
      record_type: 'audit_month_detached',
      schema_version: DETACHED_RECORD_SCHEMA_VERSION,
      occurred_at: clock().toISOString(),
      actor: { actor_type: 'system', actor_id: 'audit-service' },
      month: name(month),
      retention_years: years,
      held_records_kept: kept,
      held_records_released: released,
      export:
        over === null
          ? null
          : {
              storage: storage.describe(),
              name: over.file,
              first_sequence: over.span.places.first,
              last_sequence: over.span.places.last,
            },
      checkpoint:
        checkpoint === null
          ? null
          : {
              sequence: checkpoint.sequence,
              hash: Buffer.from(checkpoint.hash).toString('hex'),
              kept_digest: Buffer.from(checkpoint.keptDigest).toString('hex'),
              key_id: key.keyId,
            },
    }
    return {
      audit_id: body.audit_id,
      record_type: body.record_type,
      schema_version: body.schema_version,
      occurred_at: body.occurred_at,
      client_id: HOUSE_CLIENT_ID,
      ticker: null,
      position_value: null,
      borrow_rate: null,
      total_fee: null,
      request_id: null,
      actor_id: null,
      record: JSON.stringify(body),
    }
  }

  return { plan, run }
}

/** Grows when the recorded shape of a detachment changes. */
export const DETACHED_RECORD_SCHEMA_VERSION = 1

/**
 * {@link keptDigest} of what is in the database at or below a place, once the months before `from` are gone.
 * @param from the earliest month that stays, `2020-04-01`
 */
export async function digestOfKept(database: Queryable, sequence: number, from: string): Promise<Buffer> {
  const kept = keptDigest()
  for (let after = 0; ; ) {
    const { rows } = await database.query<{ sequence: string; hash: Buffer }>(
      patient(
        `select sequence, hash from (
           (select sequence, hash from audit_seals
             where audit_id >= ${lowerBound('$3')} and sequence > $1 and sequence <= $2
             order by sequence limit $4)
           union all
           (select sequence, hash from held_records where sequence > $1 and sequence <= $2 order by sequence limit $4)) kept
         order by sequence limit $4`,
        [after, sequence, from, DIGEST_PAGE_RECORDS],
      ),
    )
    for (const row of rows) kept.add({ sequence: Number(row.sequence), hash: row.hash })
    if (rows.length < DIGEST_PAGE_RECORDS) return kept.digest()
    after = Number(rows.at(-1)?.sequence)
  }
}

const RESTRICT_VIOLATION = '23001'

/** SQL: a row of the month $1, where $2 is the month after it. */
function inMonth(alias: string): string {
  return `${alias}.audit_id >= ${lowerBound('$1')} and ${alias}.audit_id < ${lowerBound('$2')}`
}

/** SQL: below every id of a month and of those after it. */
function lowerBound(month: string): string {
  return `uuid7_lower_bound(${month}::timestamp at time zone 'UTC')`
}

/** For statements of this transaction: the server's limit. {@link patient} is ours. */
async function allowTime(transaction: Queryable): Promise<void> {
  await transaction.query(`set local statement_timeout = ${STATEMENT_MS_MAX}`)
}

function patient(text: string, values: unknown[] = []): pg.QueryConfig & { query_timeout: number } {
  // Without values it may be several statements.
  return { text, ...(values.length > 0 && { values }), query_timeout: STATEMENT_MS_MAX }
}

/** A failure in here is that of the check. */
async function during<T>(check: Check, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CheckFailed || (error as Error | null)?.name === 'AbortError') throw error
    throw new CheckFailed(check, error instanceof Error ? error.message : String(error), error)
  }
}

async function collected<T>(items: AsyncIterable<T>, max: number): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) if (list.push(item) >= max) break
  return list
}

function notSealed({ unsealed, month }: { unsealed: number; month: string }): string {
  return `${unsealed} ${unsealed === 1 ? 'record' : 'records'} of ${name(month)} ${unsealed === 1 ? 'is' : 'are'} not sealed`
}

/** A month in words and in names of files: `2020-03`. */
const name = (month: string) => month.slice(0, 7)

function yearsLater(moment: Date, years: number): Date {
  const later = new Date(moment)
  later.setUTCFullYear(later.getUTCFullYear() + years)
  return later
}
