// Quarterly work on a database that goes on serving: indexes are built anew beside the old ones, tables are vacuumed and analyzed. Nothing
// here keeps a reader or a writer waiting: each step waits for its locks a few seconds and is left out when they are not to be had, and
// whoever holds what it needs goes on undisturbed.
import pg from 'pg'
import { readPassword } from './connect.ts'

export interface MaintenanceOptions {
  /** The database itself, past any pooler. */
  readonly url: string
  readonly passwordFile?: string | null
  /** Asked before each step. @returns false: no other is begun */
  readonly mayGoOn?: () => boolean
  readonly lockTimeoutMs?: number
  readonly tries?: number
  /** These tables alone; unless given, all. */
  readonly only?: readonly string[]
  /** Told of each step as it ends. */
  readonly tell?: (step: Step) => void
}

export interface Step {
  readonly work: 'drop' | 'reindex' | 'vacuum'
  readonly name: string
  /** `left out`: a lock was not to be had, or the time was over. */
  readonly outcome: 'done' | 'left out'
  readonly why: string | null
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly tookMs: number
}

export interface TableState {
  readonly table: string
  readonly bytes: number
  readonly indexBytes: number
  readonly liveRows: number
  readonly deadRows: number
  readonly lastVacuum: string | null
}

const LOCK_TIMEOUT_MS = 5_000
const TRIES = 3
/** So many of a kind left out in a row: somebody keeps a transaction open, and each of the others would wait as long in vain. */
const LEFT_OUT_IN_A_ROW_MAX = 5
const CONNECT_TIMEOUT_MS = 10_000
const APPLICATION = 'borrow-rate-engine maintenance'
/** Any number of our own: one maintenance at a time. */
const LOCK = 7_310_577
const NO_LOCK = '55P03'
const OWNER = 'borrow_rate_owner'
/** What REINDEX CONCURRENTLY leaves of an index when it is broken off. */
const LEFT_BEHIND = '_cc(new|old)\\d*$'

/** Another maintenance runs. */
export class MaintenanceRuns extends Error {}

/** How large tables and indexes are, and how much of them is dead. Changes nothing. The largest first. */
export async function tableStates(options: MaintenanceOptions): Promise<TableState[]> {
  return connected(options, async (client) => {
    const { rows } = await client.query(
      `select c.relname as "table", pg_table_size(c.oid)::float8 as bytes, pg_indexes_size(c.oid)::float8 as "indexBytes",
              s.n_live_tup::float8 as "liveRows", s.n_dead_tup::float8 as "deadRows",
              greatest(s.last_vacuum, s.last_autovacuum) as last
         from pg_class c join pg_stat_user_tables s on s.relid = c.oid
        where s.schemaname = 'public' order by 2 desc, 1`,
    )
    return rows.map(({ last, ...state }) => ({ ...state, lastVacuum: last?.toISOString() ?? null }))
  })
}

/**
 * Does the work, step by step.
 * @returns every step, also those that were left out
 * @throws MaintenanceRuns; the database's own error for anything but a lock that was not to be had
 */
export async function maintain(options: MaintenanceOptions): Promise<Step[]> {
  const { mayGoOn = () => true, lockTimeoutMs = LOCK_TIMEOUT_MS, tries = TRIES, tell = () => {} } = options
  return connected(options, async (client) => {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [LOCK])
    if (rows[0].mine !== true) throw new MaintenanceRuns('another maintenance of this database runs')
    await client.query(`set lock_timeout = ${lockTimeoutMs}`)
    await client.query('set statement_timeout = 0')
    const steps: Step[] = []
    const leftOutInARow = { drop: 0, reindex: 0, vacuum: 0 }
    const only = options.only ?? null

    const step = async (work: Step['work'], name: string, statement: string) => {
      const startedAt = performance.now()
      const bytesBefore = await bytesOf(client, name)
      const isHopeless = leftOutInARow[work] >= LEFT_OUT_IN_A_ROW_MAX
      let why: string | null = !mayGoOn() ? 'the time is over' : isHopeless ? 'so were those before it' : null
      for (let tried = 1; why === null; tried += 1) {
        try {
          await client.query(statement)
          break
        } catch (error) {
          if ((error as { code?: string }).code !== NO_LOCK) throw error
          if (tried >= tries) why = `somebody held what it needs, ${tries} times for ${lockTimeoutMs / 1000} s`
        }
      }
      const outcome = why === null ? ('done' as const) : ('left out' as const)
      leftOutInARow[work] = why === null ? 0 : leftOutInARow[work] + 1
      const tookMs = Math.round(performance.now() - startedAt)
      const done = { work, name, outcome, why, bytesBefore, bytesAfter: await bytesOf(client, name), tookMs }
      steps.push(done)
      tell(done)
    }
    const dropLeftBehind = async () => {
      for (const name of await invalidIndexes(client)) {
        await step('drop', name, `drop index concurrently if exists ${quoted(name)}`)
      }
    }

    await dropLeftBehind()
    for (const name of await indexes(client, only))
      await step('reindex', name, `reindex index concurrently ${quoted(name)}`)
    // Of those that were broken off now.
    await dropLeftBehind()
    for (const name of await tables(client, only)) await step('vacuum', name, `vacuum (analyze) ${quoted(name)}`)
    return steps
  })
}

/** The largest last: when the time is over, most of the work is done. */
async function indexes(client: pg.Client, only: readonly string[] | null): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
      where i.relnamespace = 'public'::regnamespace and i.relkind = 'i' and x.indisvalid and i.relname !~ $1
        and pg_has_role(i.relowner, 'usage') and ($2::text[] is null or x.indrelid::regclass::text = any($2))
      order by pg_relation_size(i.oid), 1`,
    [LEFT_BEHIND, only],
  )
  return rows.map(({ name }) => name)
}

async function invalidIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
      where i.relnamespace = 'public'::regnamespace and i.relkind = 'i' and not x.indisvalid and i.relname ~ $1
        and pg_has_role(i.relowner, 'usage') order by 1`,
    [LEFT_BEHIND],
  )
  return rows.map(({ name }) => name)
}

async function tables(client: pg.Client, only: readonly string[] | null): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_has_role(relowner, 'usage')
        and ($1::text[] is null or relname = any($1))
      order by pg_table_size(oid), 1`,
    [only],
  )
  return rows.map(({ name }) => name)
}

async function bytesOf(client: pg.Client, name: string): Promise<number> {
  const { rows } = await client.query(`select coalesce(pg_table_size(to_regclass($1)), 0)::float8 as bytes`, [
    quoted(name),
  ])
  return rows[0].bytes
}

const quoted = (name: string) => `public.${pg.escapeIdentifier(name)}`

async function connected<T>(
  { url, passwordFile = null }: MaintenanceOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: APPLICATION,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  client.on('error', () => {})
  if (passwordFile !== null) client.password = await readPassword(passwordFile)
  try {
    await client.connect()
    // Whoever may work as the owner does: a table's owner alone may vacuum it and build its indexes anew.
    const { rows } = await client.query("select coalesce(pg_has_role(to_regrole($1), 'usage'), false) as may", [OWNER])
    if (rows[0].may === true) await client.query(`set role ${OWNER}`)
    return await work(client)
  } finally {
    // The lock goes with the session.
    await client.end().catch(() => {})
  }
}
