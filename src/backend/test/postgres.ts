// A real PostgreSQL of a test's own, that may be killed and started again: forced to the disk unless said otherwise, migrated,
// with a user for each service. For tests of what happens when the database goes away, and for a cluster on one machine.
//
//     const pg = await startPostgres(inject('postgres').own)
//     connectDatabase(pg.urlFor('calculation_service'), …)
//     await pg.kill(); await pg.start(); await pg.end()
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts'
import { withFolderLock } from '../database/folder-lock.ts'
import { upgrade } from '../database/migrate.ts'
import { isAlive } from '../database/process-identity.ts'
import { setServiceUser, USER_ROLES, type UserRole } from '../database/service-users.ts'
import { testBinaries } from './postgres-found.ts'

export interface RealPostgresOptions {
  /** False where nothing is worth keeping: nothing is forced to the disk. True unless said. */
  readonly durable?: boolean
  /** False: an empty database, without tables, roles and users. True unless said. */
  readonly migrated?: boolean
  /** Where it lies, and stays when it ends. Unless said: a temporary folder, removed at the end. */
  readonly dataDir?: string
  /** Without, root copies the package's once more. A database test has one in `inject('postgres').own`. */
  readonly binariesFolder?: string
  /**
   * A folder in which the first migrated server that is asked for is made. All are copies of it, which are there sooner than another that
   * is made and migrated. In `inject('postgres').own` too.
   */
  readonly template?: string
  /** Told what the server's keeper has to say. */
  readonly warn?: (line: string) => void
}

export interface RealPostgres {
  /** As the owner of the database, a superuser. */
  readonly url: string
  readonly port: number
  readonly folder: string
  readonly binariesFolder: string | undefined
  readonly durable: boolean
  /** As the user of a service, or of whoever migrates. */
  urlFor(role: UserRole): string
  userOf(role: UserRole): string
  passwordOf(role: UserRole): string
  /** Gives the role's user another password, at once. @returns the new one; `urlFor` has it too. */
  changePassword(role: UserRole, password?: string): Promise<string>
  /** The process of the server, as long as it runs. */
  pid(): number
  /**
   * Ends it without a shutdown, as a crash does; resolves when it is gone. What was committed comes back with `start`.
   * @param signal SIGQUIT unless said: nothing is flushed, every child ends with it. SIGKILL: the children notice by themselves.
   */
  kill(signal?: 'SIGQUIT' | 'SIGKILL'): Promise<void>
  /** Every process of it stands still, as on a disk that hangs: connections stay open, new ones are accepted, and nothing answers. Needs Linux. */
  pause(): void
  /** After `pause`: it goes on where it stood. */
  resume(): void
  /** Ends it in order, and keeps its data. */
  stop(): Promise<void>
  /** After `kill` or `stop`: on the same port, with the same data. */
  start(): Promise<void>
  /** Ends it and removes what was temporary. */
  end(): Promise<void>
}

const GONE_WAIT_MS = 10_000
const TEMPLATE_WAIT_MS = 90_000

/** Starts one. The caller ends it. */
export async function startPostgres(options: RealPostgresOptions = {}): Promise<RealPostgres> {
  const folder = options.dataDir ?? temporaryFolder('postgres')
  if (options.template !== undefined && options.migrated !== false)
    await copyTemplate(options.template, folder, options)
  const server = await serverIn(folder, options)
  try {
    const passwords = new Map<UserRole, string>()
    const changePassword = async (role: UserRole, password = randomBytes(18).toString('base64url')) => {
      await asOwner(server.url, (client) => setServiceUser(client, { user: userOf(role), role, password }))
      passwords.set(role, password)
      return password
    }
    if (options.migrated !== false) {
      await upgrade(server.url)
      for (const role of USER_ROLES) await changePassword(role)
    }
    const passwordOf = (role: UserRole) => {
      const password = passwords.get(role)
      if (password === undefined) throw new Error('a server that was not migrated has no users')
      return password
    }
    return {
      ...server,
      passwordOf,
      changePassword,
      userOf,
      urlFor: (role) => {
        const url = new URL(server.url)
        url.username = userOf(role)
        url.password = passwordOf(role)
        return url.href
      },
    }
  } catch (error) {
    await server.end()
    throw error
  }
}

/** What a server that was stopped in order left behind, and the password of its owner. */
async function copyTemplate(template: string, folder: string, options: RealPostgresOptions): Promise<void> {
  const whole = `${template}.whole`
  await withFolderLock(`${template}.lock`, TEMPLATE_WAIT_MS, async () => {
    if (existsSync(whole)) return
    const { binariesFolder } = options
    const server = await serverIn(template, {
      durable: false,
      dataDir: template,
      ...(binariesFolder && { binariesFolder }),
    })
    try {
      await upgrade(server.url)
    } finally {
      await server.stop()
    }
    writeFileSync(whole, '')
  })
  // With their owner, which cp alone keeps.
  await promisify(execFile)('cp', ['-a', join(template, 'postgres'), join(template, 'password'), folder])
}

/** What `startPostgres` and `startStandby` have in common: a server on a folder, its life and its death. */
export async function serverIn(
  folder: string,
  options: Pick<RealPostgresOptions, 'durable' | 'dataDir' | 'binariesFolder' | 'warn'>,
): Promise<Omit<RealPostgres, 'urlFor' | 'userOf' | 'passwordOf' | 'changePassword'>> {
  const durable = options.durable ?? true
  const binariesFolder = options.binariesFolder ?? testBinaries()?.binariesFolder ?? undefined
  const handles: EmbeddedPostgres[] = []
  const start = async () => {
    handles.push(
      await startEmbeddedPostgres({
        dataDir: folder,
        durable,
        log: { info: () => {}, warn: options.warn ?? (() => {}) },
        ...(binariesFolder === undefined ? {} : { binariesFolder }),
      }),
    )
  }
  const stop = async () => {
    for (const handle of handles.splice(0)) await handle.stop()
  }
  const pid = () => Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
  const paused: number[] = []
  const resume = () => {
    for (const each of paused.splice(0)) process.kill(each, 'SIGCONT')
  }
  await start()
  const { url } = handles[0]!
  return {
    url,
    port: Number(new URL(url).port),
    folder,
    binariesFolder,
    durable,
    pid,
    kill: async (signal = 'SIGQUIT') => {
      const process = pid()
      globalThis.process.kill(process, signal)
      const deadline = performance.now() + GONE_WAIT_MS
      while (isAlive(process)) {
        if (performance.now() > deadline) throw new Error(`PostgreSQL, process ${process}, does not die`)
        await sleep(5)
      }
      await stop()
    },
    pause: () => {
      const server = pid()
      // The server first: it starts no more processes then.
      for (const each of [server, ...childrenOf(server)]) {
        globalThis.process.kill(each, 'SIGSTOP')
        paused.push(each)
      }
    },
    resume,
    stop,
    start,
    end: async () => {
      resume()
      await stop()
      if (options.dataDir === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A folder that the server's user can reach, under the name by which abandoned ones are found and removed. */
export function temporaryFolder(what: string): string {
  const folder = mkdtempSync(join(tmpdir(), `borrow-rate-engine-test-${what}-`))
  chmodSync(folder, 0o755)
  return folder
}

/** One connection to do something with, closed after. */
export async function asOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** The user of a role. */
function userOf(role: UserRole): string {
  return `${role}_user`
}
