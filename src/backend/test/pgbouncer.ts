// A real PgBouncer in transaction mode, in front of a test's own PostgreSQL: on a port of its own, under an unprivileged user, in a
// temporary folder, gone at the end.
import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { serverAccount } from '../database/postgres-binaries.ts'
import { startKeeper } from '../tools/keep.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound } from './pgbouncer-found.ts'
import { temporaryFolder } from './postgres.ts'

export interface PgBouncerOptions {
  /** Port of the PostgreSQL behind it, on this machine. */
  readonly serverPort: number
  /** Who may connect, by name, with the passwords that PostgreSQL knows too. */
  readonly users: Readonly<Record<string, string>>
  /** Connections to the server for each user and database. */
  readonly poolSize: number
  /** Where it lies. Unless said: a temporary folder, removed at the end. */
  readonly folder?: string
}

export interface PgBouncer {
  readonly port: number
  /** Of its process. */
  pid(): number
  /** The same user, password and database, through the pooler. */
  through(url: string): string
  /** Takes over other users and passwords, without dropping a client. */
  changeUsers(users: Readonly<Record<string, string>>): Promise<void>
  /** A statement of its console: `SHOW POOLS`. */
  console(statement: string): Promise<Record<string, unknown>[]>
  end(): Promise<void>
}

const READY_WAIT_MS = 10_000
const CONSOLE_USER = 'console'
const CONSOLE_PASSWORD = 'console'

/** Starts one. The caller ends it. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const program = pgbouncerFound()
  if (program === null) throw new Error(`there is no PgBouncer here: ${HOW_TO_GET_PGBOUNCER}`)
  const account = serverAccount()
  const folder = options.folder ?? temporaryFolder('pgbouncer')
  mkdirSync(folder, { recursive: true })
  const [settingsFile, usersFile, logFile] = ['pgbouncer.ini', 'users.txt', 'log'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const port = await freePort()
  writeUsers(options.users)
  writeFileSync(
    settingsFile,
    `[databases]
* = host=127.0.0.1 port=${options.serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = ${options.poolSize}
max_client_conn = 1000
auth_type = scram-sha-256
auth_file = ${usersFile}
admin_users = ${CONSOLE_USER}
logfile = ${logFile}
; Back within a second of the server's return, and no password tried once a quarter of a minute.
server_login_retry = 1
query_wait_timeout = 10
`,
  )
  writeFileSync(logFile, '')
  if (account !== null) for (const file of [folder, logFile]) chownSync(file, account.uid, account.gid)

  function writeUsers(users: Readonly<Record<string, string>>): void {
    const lines = Object.entries({ ...users, [CONSOLE_USER]: CONSOLE_PASSWORD }).map(
      ([name, password]) => `"${name}" "${password.replaceAll('"', '""')}"\n`,
    )
    // As a new file each time: PgBouncer takes one of the same size, written in the same second, for the one it has read.
    writeFileSync(`${usersFile}.new`, lines.join(''), { mode: 0o600 })
    if (account !== null) chownSync(`${usersFile}.new`, account.uid, account.gid)
    renameSync(`${usersFile}.new`, usersFile)
  }

  const child = spawn(program, ['-q', settingsFile], {
    stdio: 'ignore',
    cwd: '/',
    detached: true, // a Ctrl-C is for whoever started it
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  })
  startKeeper().mind(child)
  const console = async (statement: string) => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      database: 'pgbouncer',
      user: CONSOLE_USER,
      password: CONSOLE_PASSWORD,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query(statement)).rows
    } finally {
      await client.end().catch(() => {})
    }
  }
  const deadline = performance.now() + READY_WAIT_MS
  for (;;) {
    try {
      await console('SHOW VERSION')
      break
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGKILL')
        throw new Error(`PgBouncer did not start. It said:\n${readFileSync(logFile, 'utf8')}`, { cause: error })
      }
      await sleep(10)
    }
  }
  return {
    port,
    pid: () => child.pid as number,
    through(url) {
      const through = new URL(url)
      through.port = String(port)
      return through.href
    },
    async changeUsers(users) {
      writeUsers(users)
      await console('RELOAD')
    },
    console,
    async end() {
      await ended(child)
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM') // at once: clients are cut off
  await gone
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.on('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      server.close(() => done(typeof bound === 'object' && bound !== null ? bound.port : 0))
    })
  })
}
