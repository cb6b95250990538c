// The append side of the audit log: a record is durable before its price leaves. While one commit is on its way the next batch
// gathers, so concurrent prices share a commit and a lone one never waits (server/natural-batch.ts).
//
// A record whose commit may or may not have happened (the connection broke) is simply sent again: its id was made here, and
// the insert does nothing for an id that is there. It names no conflict target and returns nothing, so it works with the
// right to INSERT alone.
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { naturalBatch, type Outcome } from '../server/natural-batch.ts'
import { Problem } from '../server/problem.ts'
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
   * Rejects with Problem AUDIT_UNAVAILABLE when the record cannot be kept now: the database is away, the queue is full, the
   * log is closed, or the database refuses this one record (then the cause says why; the others of its batch are kept).
   */
  append(row: AuditRow): Promise<void>
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

const APPEND = `
insert into audit_records
  (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record)
select audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record
  from json_to_recordset($1::json) as appended (
    audit_id uuid, record_type text, schema_version smallint, occurred_at timestamptz, client_id text, ticker text, position_value numeric,
    borrow_rate numeric, total_fee numeric, request_id text, actor_id text, record text)
on conflict do nothing`

interface Waiting {
  readonly row: AuditRow
  readonly addedAt: number
}

export function auditLog(options: AuditLogOptions): AuditLog {
  const { pool, lanes = LANES, batchMax = BATCH_MAX, queueMax = QUEUE_MAX, prepared = false, onCommit } = options
  let committed = 0
  let failed = 0
  let commits = 0
  let lastCommitMs: number | null = null

  const batch = naturalBatch<Waiting, void>({
    lanes,
    batchMax,
    queueMax,
    send: keep,
    refuse: (reason) =>
      unavailable(reason === 'full' ? 'The audit log is overloaded' : 'The audit log is closing', undefined),
  })

  /** Tries until it is committed, the rows are too old to try again, or the database refuses a row for what it says. */
  async function keep(rows: readonly Waiting[]): Promise<Outcome<void>[]> {
    const giveUpAt = Math.min(...rows.map(({ addedAt }) => addedAt)) + RETRY_WINDOW_MS
    for (let attempt = 0; ; attempt += 1) {
      try {
        await commit(rows)
        return rows.map(() => ({ ok: true, value: undefined }))
      } catch (error) {
        if (isRowAtFault(error)) return halve(rows, error)
        const pauseMs = RETRY_PAUSE_MS[Math.min(attempt, RETRY_PAUSE_MS.length - 1)]!
        if (performance.now() + pauseMs > giveUpAt) {
          return rows.map(() => refused(unavailable('The audit log cannot be written now', error)))
        }
        await sleep(pauseMs)
      }
    }
  }

  async function halve(rows: readonly Waiting[], error: unknown): Promise<Outcome<void>[]> {
    if (rows.length === 1) return [refused(unavailable('The audit log does not accept the record', error))]
    const middle = rows.length >> 1
    return [...(await keep(rows.slice(0, middle))), ...(await keep(rows.slice(middle)))]
  }

  async function commit(rows: readonly Waiting[]): Promise<void> {
    const start = performance.now()
    const client = await pool.connect()
    let broken = true
    try {
      const statement: pg.QueryConfig & { query_timeout: number } = {
        text: APPEND,
        values: [JSON.stringify(rows.map(({ row }) => row))],
        query_timeout: COMMIT_TIMEOUT_MS,
        ...(prepared ? { name: 'append_audit_records' } : {}),
      }
      await client.query(statement)
      broken = false
      commits += 1
      lastCommitMs = performance.now() - start
    } catch (error) {
      broken = !isRowAtFault(error)
      throw error
    } finally {
      client.release(broken)
    }
    onCommit?.(lastCommitMs / 1000, rows.length)
  }

  return {
    append(row) {
      return batch.add({ row, addedAt: performance.now() }).then(
        () => {
          committed += 1
        },
        (error) => {
          failed += 1
          throw error
        },
      )
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
