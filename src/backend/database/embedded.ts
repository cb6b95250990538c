// The embedded PostgreSQL: a real server in a folder, for whoever has no DATABASE_URL.
//
// The server is a process of its own, in a process group of its own, so that Ctrl-C does not take the database away before
// the engine has drained, and a killed engine leaves a database that the next start takes over. Engines on the same
// folder share one server, and the last one to leave stops it. Everything that starts or stops it happens under a lock.
//
//     DATA_DIR/postgres       the database's own folder        DATA_DIR/engines/     one file for each engine that uses it
//     DATA_DIR/port           where it listens, on loopback    DATA_DIR/postgres.log what it says
//     DATA_DIR/password       mode 0600                        DATA_DIR/binaries-*   a readable copy, when the engine is root
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { enginesAlive, enrol, passwordOf, prepareFolder } from './data-folder.ts'
import { withFolderLock } from './folder-lock.ts'
import {
  type Account,
  embeddedBinaries,
  namedBinaries,
  type PostgresBinaries,
  serverAccount,
} from './postgres-binaries.ts'
import { commandLine, isAlive } from './process-identity.ts'

export { defaultDataDir } from './data-folder.ts'

/** Sentences for a person. A pino logger is one. */
export interface Log {
  info(message: string): void
  warn(message: string): void
}

export interface EmbeddedOptions {
  /** Where everything lies; made when missing. See {@link defaultDataDir}. */
  readonly dataDir: string
  /** False only where nothing is worth keeping (tests): nothing is forced to the disk then. */
  readonly durable: boolean
  readonly log: Log
  /** A folder with `initdb` and `postgres` to use instead of the optional package, for instance `/usr/lib/postgresql/15/bin`. */
  readonly binariesFolder?: string
}

export interface EmbeddedPostgres {
  /** With the password in it: not for logs. */
  readonly url: string
  /** Leaves the server, and stops it when no other engine uses it. Safe to call twice. */
  stop(): Promise<void>
}

const NAME = 'borrow_rate_engine'
const LOCK_WAIT_MS = 90_000
/** Crash recovery of a large log is the longest start there is. */
const READY_WAIT_MS = 60_000
const STOP_WAIT_MS = 30_000
const POLL_MS = 15
const CHILDREN_END_MS = 200
const LOG_BYTES_MAX = 10_000_000

/**
 * Starts the database of a folder, or joins the one that runs there already.
 * @returns its address. The database exists, its tables do not: that is `migrate.ts`.
 * @throws Error with a sentence that says what to do: no binaries here, the folder is out of reach, another major version.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { durable, log } = options
  const account = serverAccount()
  const folder = prepareFolder(options.dataDir, account)
  const lockFile = join(folder, 'start.lock')

  const { url, leave } = await withFolderLock(lockFile, LOCK_WAIT_MS, async () => {
    const server = { folder, data: join(folder, 'postgres'), account, durable, log, password: passwordOf(folder) }
    let port = await joinRunning(server)
    if (port === null) {
      const binaries =
        options.binariesFolder === undefined ? embeddedBinaries(folder, account) : namedBinaries(options.binariesFolder)
      if (existsSync(join(server.data, 'PG_VERSION'))) refuseOtherMajor(server, binaries)
      else await initialise(server, binaries)
      port = await launch(server, binaries)
    }
    await ensureDatabase(server, port)
    return { url: address(server.password, port, NAME), leave: enrol(folder) }
  })

  let stopping: Promise<void> | undefined
  const stop = () =>
    withFolderLock(lockFile, LOCK_WAIT_MS, async () => {
      leave()
      if (enginesAlive(folder) === 0) await shutDown(join(folder, 'postgres'), log)
    })
  return {
    url,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

interface Server {
  readonly folder: string
  readonly data: string
  readonly account: Account | null
  readonly durable: boolean
  readonly log: Log
  readonly password: string
}

function refuseOtherMajor({ folder, data }: Server, binaries: PostgresBinaries): void {
  const major = Number(readFileSync(join(data, 'PG_VERSION'), 'utf8').trim())
  if (major === binaries.major) return
  throw new Error(
    `the database in ${folder} was made by PostgreSQL ${major}, this program brings PostgreSQL ${binaries.major}, which cannot open it. ` +
      'Dump it with the old version and load it into the new one, or set DATA_DIR to a new folder',
  )
}

async function initialise(
  { folder, data, account, durable, log, password }: Server,
  binaries: PostgresBinaries,
): Promise<void> {
  log.info(`making a PostgreSQL ${binaries.major} database in ${folder}`)
  // Made under another name and renamed when whole: an interrupted start leaves nothing that looks like a database.
  const unfinished = `${data}.new`
  const passwordFile = join(folder, 'password.new')
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account !== null) {
    for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid)
  }
  // From 17 on PostgreSQL brings a UTF-8 locale of its own, which sorts the same on every machine.
  const locale =
    binaries.major >= 17
      ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
      : ['--locale=C.UTF-8']
  try {
    await run(join(binaries.folder, 'initdb'), account, [
      `--pgdata=${unfinished}`,
      `--username=${NAME}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...locale,
      '--data-checksums',
      ...(durable ? [] : ['--no-sync']),
    ])
    renameSync(unfinished, data)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** @returns the port of the server that runs on this folder, once it answers; null when none does. */
async function joinRunning(server: Server): Promise<number | null> {
  const deadline = performance.now() + READY_WAIT_MS
  for (;;) {
    const running = readPostmaster(server.data)
    if (running === null) return null
    if (!isServerOf(running.pid, server.data)) {
      server.log.warn(`the database in ${server.folder} was not shut down: it recovers from its log`)
      if (isAlive(running.pid)) disown(server.data)
      return null
    }
    if (running.port !== null && (await answers(server, running.port))) {
      server.log.info(`joined the database server that runs in ${server.folder}, process ${running.pid}`)
      return running.port
    }
    if (performance.now() > deadline) {
      throw new Error(
        `the database server of ${server.folder}, process ${running.pid}, has not answered in ${READY_WAIT_MS} ms`,
      )
    }
    await sleep(POLL_MS)
  }
}

/**
 * The number of a killed server may belong to another process by now, and a new server would take that for the old one. The
 * file stays, since its other lines let the new server see whether children of the old one still live; only the number
 * becomes ours, which a child of ours passes over.
 */
function disown(data: string): void {
  const file = join(data, 'postmaster.pid')
  const [, ...rest] = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, [process.pid, ...rest].join('\n'))
}

/** @returns the port the started server answers on. */
async function launch(server: Server, binaries: PostgresBinaries): Promise<number> {
  const { folder, data, account, durable } = server
  const portFile = join(folder, 'port')
  const logFile = join(folder, 'postgres.log')
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`)
  let port = await freePort(existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0)
  const deadline = performance.now() + READY_WAIT_MS
  let said = ''
  while (performance.now() < deadline) {
    const logStart = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
    const log = openSync(logFile, 'a', 0o600)
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256',
      timezone: 'UTC',
      log_timezone: 'UTC',
      jit: 'off',
      ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
    }
    const child = spawn(
      join(binaries.folder, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...asAccount(account), detached: true, stdio: ['ignore', log, log] },
    )
    closeSync(log)
    const ended = whenEnded(child)
    child.unref()
    if (await ready(server, port, ended)) {
      writeFileSync(portFile, `${port}\n`)
      return port
    }
    said = readFileSync(logFile).subarray(logStart).toString('utf8')
    if (/address already in use/i.test(said)) port = await freePort(0)
    // The children of a server that was killed take a moment to notice.
    else if (/shared memory block/i.test(said)) await sleep(CHILDREN_END_MS)
    else break
  }
  throw new Error(
    `the embedded PostgreSQL did not start. It said (in ${logFile}):\n${said.trim().split('\n').slice(-8).join('\n')}`,
  )
}

async function ready(server: Server, port: number, ended: Promise<void>): Promise<boolean> {
  let over = false
  ended.then(() => {
    over = true
  })
  const deadline = performance.now() + READY_WAIT_MS
  while (!over && performance.now() < deadline) {
    if (await answers(server, port)) return true
    await sleep(POLL_MS)
  }
  return false
}

/** Fast shutdown: open transactions are rolled back, what is committed is kept. */
async function shutDown(data: string, log: Log): Promise<void> {
  const running = readPostmaster(data)
  if (running === null || !isServerOf(running.pid, data)) return
  const deadline = performance.now() + STOP_WAIT_MS
  process.kill(running.pid, 'SIGINT')
  while (isServerOf(running.pid, data)) {
    if (performance.now() > deadline) {
      log.warn(
        `the database server has not stopped in ${STOP_WAIT_MS} ms and is stopped at once; it recovers at the next start`,
      )
      process.kill(running.pid, 'SIGQUIT')
      return
    }
    await sleep(POLL_MS)
  }
}

/** What `postmaster.pid` says: line 1 the process, line 4 the port. */
function readPostmaster(data: string): { pid: number; port: number | null } | null {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Number(lines[0])
    const port = Number(lines[3])
    return Number.isInteger(pid) && pid > 0 ? { pid, port: Number.isInteger(port) && port > 0 ? port : null } : null
  } catch {
    return null
  }
}

function isServerOf(pid: number, data: string): boolean {
  return commandLine(pid).includes(`-D ${data} `)
}

/** True when the server of this folder, and no other, takes statements on the port. */
async function answers({ data, durable, password }: Server, port: number): Promise<boolean> {
  const settings = await settingsAt(address(password, port, 'postgres')).catch((error) => {
    if (error.code === '28P01')
      throw new Error(`the password in ${join(dirname(data), 'password')} is not the database's`)
    return null // refused, or "starting up" or "shutting down": it passes by itself
  })
  if (settings === null || realpathSync(settings.data) !== realpathSync(data)) return false
  if (durable && settings.fsync !== 'on') {
    throw new Error(
      `the database server of ${data} runs without fsync and would not keep what it commits: stop it first`,
    )
  }
  return true
}

async function settingsAt(url: string): Promise<{ data: string; fsync: string }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query(
      "select current_setting('data_directory') as data, current_setting('fsync') as fsync",
    )
    return rows[0]
  } finally {
    await client.end().catch(() => {})
  }
}

async function ensureDatabase({ password }: Server, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: address(password, port, 'postgres') })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [NAME])
    if (rowCount === 0) await client.query(`create database ${NAME}`)
  } finally {
    await client.end()
  }
}

function address(password: string, port: number, database: string): string {
  return `postgres://${NAME}:${password}@127.0.0.1:${port}/${database}`
}

// ---- processes and ports

function asAccount(account: Account | null): { cwd: string; env: Record<string, string>; uid?: number; gid?: number } {
  const surroundings = { cwd: '/', env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' } }
  return account === null ? surroundings : { ...surroundings, uid: account.uid, gid: account.gid }
}

async function run(program: string, account: Account | null, args: string[]): Promise<void> {
  const child = spawn(program, args, { ...asAccount(account), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  await new Promise<void>((done, fail) => {
    child.on('error', (error) => fail(new Error(`${program} cannot be run: ${error.message}`)))
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`${program} failed:\n${said.trim()}`))))
  })
}

function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    child.on('error', () => done())
    child.on('exit', () => done())
  })
}

/** A free port on loopback: the wanted one when nobody has it. */
async function freePort(wanted: number): Promise<number> {
  const listen = (port: number) =>
    new Promise<number>((done, fail) => {
      const server = createServer()
      server.on('error', fail)
      server.listen(port, '127.0.0.1', () => {
        const bound = server.address()
        server.close(() => done(typeof bound === 'object' && bound !== null ? bound.port : port))
      })
    })
  return listen(Number.isInteger(wanted) && wanted > 0 && wanted < 65_536 ? wanted : 0).catch(() => listen(0))
}
