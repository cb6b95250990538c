// The append side of the audit log: a record is durable before its price leaves. While one commit is on its way the next batch
// gathers, so concurrent prices share a commit and a lone one never waits (server/natural-batch.ts).
//
// A batch is copied in (binary-rows.ts). What is not kept by that is inserted: a record whose commit may or may not have happened (the
// connection broke) is simply sent again, since its id was made here and the insert does nothing for an id that is there. It
// names no conflict target and returns nothing, so it works with the right to INSERT alone.
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { copyIn } from '../database/copy-in.ts'
import { naturalBatch, type Outcome } from '../server/natural-batch.ts'
import { Problem } from '../server/problem.ts'
import { BinaryRows, COPY_ROWS } from './binary-rows.ts'
import type { AuditRow } from './quote-record.ts'

export interface AuditLogOptions {
  /** Best a pool of its own with as many connections as lanes, so that reads never keep a record waiting. */
  readonly pool: pg.Pool
  /** Commits on their way at once. Two suit most disks; four a slow one. */
  readonly lanes?: number
  /** Records in one commit, at most. */
  readonly batchMax?: number
  /** Records that wait for a lane, at most; then the log is overloaded and refuses. */
  readonly queueMax?: number
  /** Named statements, prepared once a connection. Not through a pooler in transaction mode, unless it supports them. */
  readonly prepared?: boolean
  /** Told of each commit that succeeded: how long it took, and how many records it carried. */
  readonly onCommit?: (seconds: number, records: number) => void
}

export interface AuditLogStats {
  readonly queued: number
  readonly inFlight: number
  /** Records since the start, acknowledged and refused. */
  readonly committed: number
  readonly failed: number
  /** Commits that carried the records. */
  readonly commits: number
  /** How long the last commit took; null before the first. */
  readonly lastCommitMs: number | null
}

export interface AuditLog {
  /**
   * Resolves after the record's commit.
   * @param row or what makes it, always the same one, which is called when its batch is written; what that throws is this record's own failure
   * Rejects with Problem AUDIT_UNAVAILABLE when the record cannot be kept now: the database is away, the queue is full, the
   * log is closed, or the database refuses this one record (then the cause says why; the others of its batch are kept).
   */
  append(row: AuditRow | (() => AuditRow)): Promise<void>
  /** The same for many; resolves when each is kept or refused, with what became of each in their order. */
  appendAll(rows: readonly (() => AuditRow)[]): Promise<readonly Outcome<void>[]>
  stats(): AuditLogStats
  /** Takes no more records; resolves when every one taken is kept or refused. The pool stays open. */
  close(): Promise<void>
}

const LANES = 2
const BATCH_MAX = 256
const QUEUE_MAX = 2_000
/** A record that has waited this long is refused at the next failure instead of being tried again. */
const RETRY_WINDOW_MS = 1_000
const RETRY_PAUSE_MS = [20, 50, 100, 200] as const
/** A commit without an answer for this long counts as failed; whether it happened does not matter, see above. */
const COMMIT_TIMEOUT_MS = 3_000

const INSERT_ROWS = `
insert into audit_records
  (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record)
select audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record
  from json_to_recordset($1::json) as appended (
    audit_id uuid, record_type text, schema_version smallint, occurred_at timestamptz, client_id text, ticker text, position_value numeric,
    borrow_rate numeric, total_fee numeric, request_id text, actor_id text, record text)
on conflict do nothing`

interface Waiting {
  readonly row: AuditRow | (() => AuditRow)
  readonly addedAt: number
}

/** A record of the batch, and its place there. */
interface Placed {
  readonly row: Waiting['row']
  readonly index: number
}

const rowOf = (row: Waiting['row']): AuditRow => (typeof row === 'function' ? row() : row)

const KEPT: Outcome<void> = Object.freeze({ ok: true, value: undefined })

export function auditLog(options: AuditLogOptions): AuditLog {
  const { pool, lanes = LANES, batchMax = BATCH_MAX, queueMax = QUEUE_MAX, prepared = false, onCommit } = options
  let committed = 0
  let failed = 0
  let commits = 0
  let lastCommitMs: number | null = null
  /** One for each lane that was ever busy. */
  const idle: BinaryRows[] = []

  const batch = naturalBatch<Waiting, void>({
    lanes,
    batchMax,
    queueMax,
    send: async (waiting, settle) => {
      const settled = (index: number, outcome: Outcome<void>) => {
        if (outcome.ok) committed += 1
        else failed += 1
        settle(index, outcome)
      }
      // Each row is made and written before the next is made: its texts are many times what is sent, and hundreds of them at once
      // would be the larger part of what the collector of memory has to carry about.
      const copy = idle.pop() ?? new BinaryRows()
      const made: Placed[] = []
      let plain = true
      for (const [index, { row }] of waiting.entries()) {
        try {
          plain = copy.add(rowOf(row)) && plain
          made.push({ row, index })
        } catch (error) {
          settled(index, refused(error as Error))
        }
      }
      // The first in the queue has waited longest.
      const giveUpAt = (waiting[0]?.addedAt ?? 0) + RETRY_WINDOW_MS
      if (made.length > 0) await keep(made, plain ? copy : null, giveUpAt, settled)
      copy.clear()
      idle.push(copy)
      return undefined
    },
    refuse: (reason) => {
      failed += 1
      return unavailable(reason === 'full' ? 'The audit log is overloaded' : 'The audit log is closing', undefined)
    },
  })

  /**
   * Tries until it is committed, the rows are too old to try again, or the database refuses a row for what it says.
   * @param copy the rows as they are copied in, which is tried once; null: they are inserted
   */
  async function keep(
    made: readonly Placed[],
    copy: BinaryRows | null,
    giveUpAt: number,
    settled: (index: number, outcome: Outcome<void>) => void,
  ): Promise<void> {
    const settleAll = (outcome: Outcome<void>) => {
      for (const { index } of made) settled(index, outcome)
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        await commit(made, attempt === 0 ? copy : null)
        return settleAll(KEPT)
      } catch (error) {
        if (isRowAtFault(error)) {
          if (attempt === 0 && copy !== null) continue
          if (made.length === 1) {
            return settleAll(refused(unavailable('The audit log does not accept the record', error)))
          }
          const middle = made.length >> 1
          await keep(made.slice(0, middle), null, giveUpAt, settled)
          return keep(made.slice(middle), null, giveUpAt, settled)
        }
        const pauseMs = RETRY_PAUSE_MS[Math.min(attempt, RETRY_PAUSE_MS.length - 1)]!
        if (performance.now() + pauseMs > giveUpAt) {
          return settleAll(refused(unavailable('The audit log cannot be written now', error)))
        }
        await sleep(pauseMs)
      }
    }
  }

  /** One statement that keeps all of the records or none. */
  async function commit(made: readonly Placed[], copy: BinaryRows | null): Promise<void> {
    const start = performance.now()
    const client = await pool.connect()
    let broken = true
    try {
      if (copy === null)
        await insertRows(
          client,
          made.map(({ row }) => rowOf(row)),
        )
      else await copyIn(client, COPY_ROWS, copy.bytes(), COMMIT_TIMEOUT_MS)
      broken = false
      commits += 1
      lastCommitMs = performance.now() - start
    } catch (error) {
      broken = !isRowAtFault(error)
      throw error
    } finally {
      client.release(broken)
    }
    onCommit?.(lastCommitMs / 1000, made.length)
  }

  function insertRows(client: pg.PoolClient, rows: readonly AuditRow[]): Promise<unknown> {
    const statement: pg.QueryConfig & { query_timeout: number } = {
      text: INSERT_ROWS,
      values: [JSON.stringify(rows)],
      query_timeout: COMMIT_TIMEOUT_MS,
      ...(prepared ? { name: 'append_audit_records' } : {}),
    }
    return client.query(statement)
  }

  return {
    append: (row) => batch.add({ row, addedAt: performance.now() }),
    appendAll: (rows) => {
      const addedAt = performance.now()
      return batch.addAll(rows.map((row) => ({ row, addedAt })))
    },
    stats: () => ({ ...batch.load(), committed, failed, commits, lastCommitMs }),
    close: () => batch.close(),
  }
}

/** SQLSTATE class 22 (a value that cannot be) and 23 (a constraint): sending it again cannot help, sending the others can. */
function isRowAtFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code)
}

function refused(error: Error): Outcome<void> {
  return { ok: false, error }
}

function unavailable(sentence: string, cause: unknown): Problem {
  return new Problem('AUDIT_UNAVAILABLE', `${sentence}, so no price leaves`, cause === undefined ? {} : { cause })
}
