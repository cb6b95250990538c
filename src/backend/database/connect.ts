// One way to connect to PostgreSQL: every pool of the engine has limits, a name, an error listener and the same reading of
// types. NUMERIC, BIGINT and JSON stay text, because a JavaScript number cannot hold them exactly; DATE stays
// `YYYY-MM-DD` text, because a calendar date is no moment; TIMESTAMPTZ becomes a Date.
import pg from 'pg'

/** Whatever runs a statement: a pool, or a client inside a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>

export interface ConnectOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connectionsMax: number
  /** How long to wait for a connection, opening one included. */
  readonly connectTimeoutMs?: number
  /** The server ends a statement after this long. 0: never. */
  readonly statementTimeoutMs?: number
  /** Told when an idle connection breaks. The pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 3_000
const STATEMENT_TIMEOUT_MS = 15_000
/** Above the server's own limit: it only acts when the server's answer never arrives. */
const UNANSWERED_MARGIN_MS = 2_000
const IDLE_TIMEOUT_MS = 60_000

const KEPT_AS_TEXT = new Set<number>([pg.types.builtins.DATE, pg.types.builtins.JSON, pg.types.builtins.JSONB])

/** How values are read: pg's own way (NUMERIC and BIGINT are text there already), except that DATE, JSON and JSONB stay text. */
export const TYPE_READERS: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    KEPT_AS_TEXT.has(oid)
      ? (text: string) => text
      : format === 'binary'
        ? pg.types.getTypeParser(oid, 'binary')
        : pg.types.getTypeParser(oid, 'text')) as pg.CustomTypesConfig['getTypeParser'],
}

/** A pool of connections to `url`. Nothing connects before the first statement; the caller ends the pool. */
export function connectDatabase(url: string, options: ConnectOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    types: TYPE_READERS,
    ...(statementTimeoutMs > 0
      ? { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + UNANSWERED_MARGIN_MS }
      : {}),
  })
  // Without a listener the loss of a connection ends the process. The pool listens while a connection is idle, and only then; one
  // that breaks in use fails its statement, and that is where it is dealt with.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', (error) => options.onIdleError?.(error))
  return pool
}
