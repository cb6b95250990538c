// Reads that a replica may answer. It answers them while it follows the primary closely; when it is away or too far behind,
// the primary does, and nobody notices but the metric. How far behind is measured, not asked, since a replica that has lost its
// connection to the primary does not know: the positions of both logs are read every second, and compared with where the primary
// was in the seconds before. A primary that is away writes nothing the replica could miss: the replica goes on.
//
// A read that must see what was just written does not belong here: a record by its id, terms after a change, whatever fills a cache
// after an invalidation. Lists, histories and searches do.
import type pg from 'pg'
import { type ConnectOptions, connectDatabase, type Queryable } from './connect.ts'

export interface ReplicaReadsOptions {
  readonly primary: pg.Pool
  readonly replicaUrl: string
  /** Of the replica's pool. */
  readonly connect: ConnectOptions
  /** Further behind than this, the replica is not asked. */
  readonly lagMaxSeconds: number
  readonly checkEveryMs?: number
  /** Told when reads go elsewhere than before, and why. */
  readonly onChange?: (state: ReplicaState) => void
}

export interface ReplicaState {
  /** Where the next read goes. */
  readonly reads: 'replica' | 'primary'
  /** How far the replica is behind, to the second; null: not known. */
  readonly lagSeconds: number | null
  /** Why the primary is asked; null while the replica is. */
  readonly reason: string | null
}

export interface ReplicaReads extends Queryable {
  state(): ReplicaState
  /** Ends the replica's pool. The primary's stays open. */
  close(): Promise<void>
}

const CHECK_EVERY_MS = 1_000
/** A replica that takes longer to be reached counts as away: the primary is near. */
const CONNECT_TIMEOUT_MS = 500
const CHECK_TIMEOUT_MS = 1_000

/** Reads on the replica while it is good, else on the primary. The first reads go to the primary, until the replica has been looked at. */
export function replicaReads(options: ReplicaReadsOptions): ReplicaReads {
  const { primary, lagMaxSeconds, onChange = () => {} } = options
  const replica = connectDatabase(options.replicaUrl, { connectTimeoutMs: CONNECT_TIMEOUT_MS, ...options.connect })
  let state: ReplicaState = { reads: 'primary', lagSeconds: null, reason: 'the replica has not been looked at yet' }
  let closed = false

  function change(next: ReplicaState): void {
    const before = state
    state = next
    if (before.reads !== next.reads) onChange(next)
  }

  const positions = primaryPositions(lagMaxSeconds)
  async function check(): Promise<void> {
    // The primary first, so that a replica in step is never behind.
    const [written] = await Promise.allSettled([position(primary, 'pg_current_wal_flush_lsn()')])
    if (written.status === 'fulfilled') positions.add(written.value as bigint)
    try {
      const replayed = await position(replica, 'case when pg_is_in_recovery() then pg_last_wal_replay_lsn() end')
      if (replayed === null) {
        change({ reads: 'primary', lagSeconds: null, reason: 'the server of DATABASE_REPLICA_URL is no replica' })
        return
      }
      const lagSeconds = positions.lagSeconds(replayed)
      if (lagSeconds === null)
        change({ reads: 'primary', lagSeconds, reason: 'how far the replica is behind is not known' })
      else if (lagSeconds <= lagMaxSeconds) change({ reads: 'replica', lagSeconds, reason: null })
      else change({ reads: 'primary', lagSeconds, reason: `the replica is ${lagSeconds.toFixed(1)} s behind` })
    } catch (error) {
      change(away(error))
    }
  }

  let checking = check()
  const timer = setInterval(() => {
    checking = checking.then(() => (closed ? undefined : check()))
  }, options.checkEveryMs ?? CHECK_EVERY_MS)
  timer.unref()

  const query = async (...parameters: Parameters<pg.Pool['query']>) => {
    if (state.reads === 'primary' || closed) return primary.query(...parameters)
    try {
      return await replica.query(...parameters)
    } catch (error) {
      if (isStatementAtFault(error)) throw error
      // A statement that recovery had to end fails on a replica that is well.
      if ((error as { code?: unknown }).code !== RECOVERY_CONFLICT) change(away(error))
      return primary.query(...parameters)
    }
  }
  return {
    query: query as unknown as pg.Pool['query'],
    state: () => state,
    async close() {
      closed = true
      clearInterval(timer)
      await checking
      await replica.end()
    },
  }
}

function away(error: unknown): ReplicaState {
  return { reads: 'primary', lagSeconds: null, reason: `the replica does not answer: ${(error as Error).message}` }
}

/** Bytes of log up to a position; null when there is none. */
async function position(database: Queryable, expression: string): Promise<bigint | null> {
  const statement = {
    text: `select pg_wal_lsn_diff(${expression}, '0/0')::text as bytes`,
    query_timeout: CHECK_TIMEOUT_MS,
  }
  const { rows } = await database.query<{ bytes: string | null }>(statement)
  return rows[0]?.bytes == null ? null : BigInt(rows[0].bytes)
}

/** Where the primary was, and when, as far back as the lag matters. */
function primaryPositions(lagMaxSeconds: number) {
  let seen: { bytes: bigint; at: number }[] = []
  return {
    add(bytes: bigint): void {
      const at = performance.now()
      const horizon = at - 2_000 * (lagMaxSeconds + 1)
      // A primary that was promoted begins behind what the old one had written last.
      seen = seen.filter((sample) => sample.at >= horizon && sample.bytes <= bytes)
      seen.push({ bytes, at })
    },
    /**
     * How long before its latest known position the primary left the replica's, to the precision of a check. Null when the replica
     * has not come to where the primary was first seen, or has fallen behind what is remembered.
     */
    lagSeconds(replayed: bigint): number | null {
      const beyond = seen.findIndex(({ bytes }) => bytes > replayed)
      if (beyond === -1) return seen.length === 0 ? null : 0
      if (beyond === 0) return null
      return (seen.at(-1)!.at - seen[beyond]!.at) / 1_000
    },
  }
}

const RECOVERY_CONFLICT = '40001'

/** What the primary would answer as well: the statement is wrong, a value is, a right is missing, it took too long, or it writes. */
function isStatementAtFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && (/^(2[1-5]|42|0A|54|P0)/.test(code) || code === '57014')
}
