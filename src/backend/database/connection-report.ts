// Who is connected to a database server, as whoever asks may see it, and the pools of a PgBouncer in front of it.
import pg from 'pg'
import { readPassword } from './connect.ts'

export interface DatabaseAddress {
  readonly url: string
  /** Where its password stands, when it is not in the URL. */
  readonly passwordFile: string | null
}

export interface ConnectionGroup {
  readonly user: string
  /** Null: the asker may not see it. */
  readonly state: string | null
  readonly application: string
  readonly connections: number
}

export interface ServerReport {
  /** `15.13` */
  readonly version: string
  readonly askedAs: string
  readonly answeredInMs: number
  readonly connections: number
  readonly connectionsMax: number
  /** Of these, kept for superusers. */
  readonly reserved: number
  /** By user, state and application, the most first. */
  readonly groups: readonly ConnectionGroup[]
  readonly longestTransaction: { readonly user: string; readonly state: string; readonly seconds: number } | null
  /** Of a replica how far it is behind its primary, when it knows; of a primary who follows it. */
  readonly replica: { readonly secondsBehind: number | null } | null
  readonly followers: readonly {
    readonly application: string
    readonly state: string | null
    readonly bytesBehind: string | null
  }[]
}

export interface Pool {
  readonly database: string
  readonly user: string
  readonly mode: string
  readonly clientsActive: number
  readonly clientsWaiting: number
  readonly serversActive: number
  readonly serversIdle: number
  /** How long the client that waits longest has waited. */
  readonly waitSeconds: number
}

const CONNECT_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 10_000
const ADMIN_CONSOLE = 'pgbouncer'
const NO_SUCH_DATABASE = '3D000'

/** @throws the database's own error, or that of the connection */
export function reportOf(address: DatabaseAddress): Promise<ServerReport> {
  return connected(address, async (client, connectedInMs) => {
    const { rows: facts } = await client.query(
      `select current_setting('server_version') as version, current_user as asked_as, pg_is_in_recovery() as is_replica,
              current_setting('max_connections')::int as connections_max,
              current_setting('superuser_reserved_connections')::int as reserved,
              extract(epoch from now() - pg_last_xact_replay_timestamp())::float8 as seconds_behind`,
    )
    const { rows: groups } = await client.query<ConnectionGroup>(
      `select usename as "user", state, coalesce(application_name, '') as application, count(*)::int as connections
         from pg_stat_activity where usename is not null and coalesce(backend_type, 'client backend') = 'client backend'
        group by 1, 2, 3 order by 4 desc, 1, 2, 3`,
    )
    const { rows: longest } = await client.query(
      `select usename as "user", state, extract(epoch from clock_timestamp() - xact_start)::float8 as seconds
         from pg_stat_activity where xact_start is not null and usename is not null and pid <> pg_backend_pid()
        order by xact_start limit 1`,
    )
    const fact = facts[0]!
    const { rows: followers } = await client.query(
      `select application_name as application, state,
              ${fact.is_replica ? 'null' : 'pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint::text'} as "bytesBehind"
         from pg_stat_replication order by 1`,
    )
    return {
      version: fact.version,
      askedAs: fact.asked_as,
      answeredInMs: connectedInMs,
      connections: groups.reduce((sum, { connections }) => sum + connections, 0),
      connectionsMax: fact.connections_max,
      reserved: fact.reserved,
      groups,
      longestTransaction: longest[0] ?? null,
      replica: fact.is_replica ? { secondsBehind: fact.seconds_behind } : null,
      followers,
    }
  })
}

/**
 * What PgBouncer's console says of its pools.
 * @returns null when no PgBouncer listens there, but a server
 * @throws Error with PgBouncer's words when it does not let this user see them
 */
export async function poolsOf({ url, passwordFile }: DatabaseAddress): Promise<Pool[] | null> {
  const console = new URL(url)
  console.pathname = `/${ADMIN_CONSOLE}`
  try {
    return await connected({ url: console.href, passwordFile }, async (client) => {
      const { rows } = await client.query('show pools')
      return rows
        .filter(({ database }) => database !== ADMIN_CONSOLE)
        .map((row) => ({
          database: row.database,
          user: row.user,
          mode: row.pool_mode,
          clientsActive: Number(row.cl_active),
          clientsWaiting: Number(row.cl_waiting),
          serversActive: Number(row.sv_active),
          serversIdle: Number(row.sv_idle) + Number(row.sv_used),
          waitSeconds: Number(row.maxwait) + Number(row.maxwait_us) / 1e6,
        }))
    })
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_SUCH_DATABASE) return null
    throw error
  }
}

async function connected<T>(
  { url, passwordFile }: DatabaseAddress,
  work: (client: pg.Client, connectedInMs: number) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'borrow-rate-engine connections',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
  })
  client.on('error', () => {})
  const startedAt = performance.now()
  try {
    if (passwordFile !== null) client.password = await readPassword(passwordFile)
    await client.connect()
    return await work(client, performance.now() - startedAt)
  } finally {
    await client.end().catch(() => {})
  }
}
