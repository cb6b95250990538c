// One way to connect to PostgreSQL: every pool of the engine has limits, a name, an error listener and the same reading of
// types. NUMERIC, BIGINT and JSON stay text, because a JavaScript number cannot hold them exactly; DATE stays
// `YYYY-MM-DD` text, because a calendar date is no moment; TIMESTAMPTZ becomes a Date.
//
// A pool connects to a server or to a pooler in front of it alike: it keeps no state in a session, and leaves out what a pooler
// refuses. It is patient where patience helps: a password that is being changed is read again until it fits.
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { isDatabaseUrl } from '../server/address-file.ts'

/** Whatever runs a statement: a pool, or a client inside a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>

export interface ConnectOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly connectionsMax: number
  /** How long to wait for a connection, opening one included. */
  readonly connectTimeoutMs?: number
  /**
   * The server ends a statement after this long. 0: never. A pooler does not pass this on: through one, the setting of the database
   * user holds (0005_roles.sql), and a little later this side gives up by itself.
   */
  readonly statementTimeoutMs?: number
  /**
   * The password is read from this file for each new connection, in place of the one in the URL, so that it may change at any time. The
   * file holds a password, or a URL with one.
   */
  readonly passwordFile?: string | null
  /** Told when an idle connection breaks. The pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 3_000
const STATEMENT_TIMEOUT_MS = 15_000
/** Above the server's own limit: it only acts when the server's answer never arrives. */
const UNANSWERED_MARGIN_MS = 2_000
const IDLE_TIMEOUT_MS = 60_000
/** Then a connection is replaced, so that after a failover or a change of password none lives on for days. */
const LIFETIME_SECONDS = 1_800
/** Between two tries of a password. */
const REFUSED_PAUSE_MS = 100

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
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
  const settings: pg.PoolConfig = {
    connectionString: url,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    types: TYPE_READERS,
    ...(statementTimeoutMs > 0
      ? { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + UNANSWERED_MARGIN_MS }
      : {}),
    ...(options.passwordFile ? { Client: clientWithPasswordFrom(options.passwordFile) } : {}),
  }
  const pool = new PatientPool(settings, options.passwordFile ? connectTimeoutMs : 0)
  // Without a listener the loss of a connection ends the process. The pool listens while a connection is idle, and only then; one
  // that breaks in use fails its statement, and that is where it is dealt with.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', (error) => options.onIdleError?.(error))
  return pool
}

/**
 * @returns what the file holds, or when that is a URL the password in it
 * @throws Error that names the settings when the file cannot be read
 */
export async function readPassword(file: string): Promise<string> {
  try {
    const text = (await readFile(file, 'utf8')).trim()
    return isDatabaseUrl(text) ? decodeURIComponent(new URL(text).password) : text
  } catch (error) {
    const reason = (error as Error).message
    throw new Error(
      `the database's password cannot be read from DATABASE_PASSWORD_FILE (or DATABASE_URL_FILE): ${reason}`,
    )
  }
}

type Connected = Parameters<pg.Pool['connect']>[0]

/**
 * A pool that tries again what another try can help, and counts all who wait. Everything that needs a connection comes through `connect`,
 * `query` too.
 */
class PatientPool extends pg.Pool {
  readonly #patienceMs: number
  #waiting = 0

  /** @param patienceMs how long a refused password is tried again; 0: not at all */
  constructor(settings: pg.PoolConfig, patienceMs: number) {
    super(settings)
    this.#patienceMs = patienceMs
    // Those who have asked for a connection and have none. pg leaves out for whom one is being opened; of a server that stalls they are
    // all there is to see while the pool is not full.
    Object.defineProperty(this, 'waitingCount', { get: () => this.#waiting })
  }

  override connect(): Promise<pg.PoolClient>
  override connect(connected: Connected): void
  override connect(connected?: Connected): Promise<pg.PoolClient> | undefined {
    this.#waiting += 1
    const giveUpAt = performance.now() + this.#patienceMs
    if (connected !== undefined) {
      this.#attempt(giveUpAt, connected)
      return undefined
    }
    return new Promise((resolve, reject) => {
      this.#attempt(giveUpAt, (error, client) => (client === undefined ? reject(error) : resolve(client)))
    })
  }

  #attempt(giveUpAt: number, connected: Connected): void {
    const withLimit = this.options.statement_timeout !== undefined
    super.connect((error, client, release) => {
      // Of several that were refused at once, the first has taken the limit out already.
      if (withLimit && isUnsupportedParameter(error)) {
        // A pooler, that is. The server's own limit is then a setting of the database user.
        delete this.options.statement_timeout
        this.#attempt(giveUpAt, connected)
      } else if (isPasswordRefused(error) && performance.now() + REFUSED_PAUSE_MS < giveUpAt) {
        setTimeout(() => this.#attempt(giveUpAt, connected), REFUSED_PAUSE_MS)
      } else {
        this.#waiting -= 1
        connected(error, client, release)
      }
    })
  }
}

type ClientConnected = ((error: Error) => void) | ((error: null, client: pg.Client) => void)

/** A client that reads its password when it connects. Before it opens the connection: a failure leaves none behind. */
function clientWithPasswordFrom(file: string): new () => pg.Client {
  return class extends pg.Client {
    override connect(): Promise<pg.Client>
    override connect(connected: ClientConnected): void
    override connect(connected?: ClientConnected): Promise<pg.Client> | undefined {
      const ready = readPassword(file).then((password) => {
        this.password = password
      })
      if (connected === undefined) return ready.then(() => super.connect())
      ready.then(() => super.connect(connected), connected as (error: Error) => void)
      return undefined
    }
  }
}

const codeOf = (error: unknown) => (error as { code?: unknown } | undefined)?.code
const PROTOCOL_VIOLATION = '08P01'

/** What PgBouncer says to a setting that it does not know how to keep apart between its clients. */
function isUnsupportedParameter(error: Error | undefined): boolean {
  return codeOf(error) === PROTOCOL_VIOLATION && /unsupported startup parameter/.test(error?.message ?? '')
}

/** What PostgreSQL says, and PgBouncer, of its own list of passwords or of the server behind it. */
function isPasswordRefused(error: Error | undefined): boolean {
  const code = codeOf(error)
  return code === '28P01' || (code === PROTOCOL_VIOLATION && /authentication failed/.test(error?.message ?? ''))
}
