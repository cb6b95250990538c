import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { defaultDataDir, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts'
import { serverAccount } from './postgres-binaries.ts'

const { binariesFolder } = inject('postgres')
const isRoot = process.getuid?.() === 0

const cleanUps: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-embedded-'))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What an engine that stopped in order has left. */
let used: string
beforeAll(async () => {
  used = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-embedded-'))
  await (await start(used)).stop()
})
afterAll(() => rmSync(used, { recursive: true, force: true }))

/** For what is not about the first start, which takes long: a folder that an engine has used before. */
function usedFolder(): string {
  const folder = newFolder()
  // With their owner, which cp alone keeps.
  execFileSync('cp', ['-a', join(used, 'postgres'), join(used, 'password'), folder])
  return folder
}

/** Most tests are not about the disk or about finding the binaries, and are quicker without. */
async function start(
  dataDir: string,
  { durable = false, ownBinaries = false, log = [] as string[] } = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDir,
    durable,
    log: { info: (line) => log.push(line), warn: (line) => log.push(line) },
    ...(ownBinaries ? {} : { binariesFolder }),
  })
  cleanUps.push(() => server.stop())
  return server
}

async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

function postmasterOf(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

/** Another engine in a process, and a process group, of its own. */
async function engineProcess(
  dataDir: string,
  as: { uid?: number; gid?: number } = {},
  ownBinaries = false,
): Promise<{ child: ChildProcess; url: string }> {
  const program = fileURLToPath(new URL('../test/engine-process.ts', import.meta.url))
  const args = ['--import', 'tsx', program, dataDir, ...(ownBinaries ? [] : [binariesFolder])]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true, ...as })
  const url = await new Promise<string>((ready, fail) => {
    child.stdout!.on('data', (chunk) => ready(/ready (\S+)/.exec(String(chunk))![1]!))
    child.on('exit', (code) => fail(new Error(`the engine ended with ${code}`)))
  })
  return { child, url }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => child.on('exit', () => done()))
}

describe('the embedded PostgreSQL', () => {
  test('it listens on loopback alone, asks for a password, forces to the disk, and keeps the password to its owner', async () => {
    const dataDir = newFolder()
    const { url } = await start(dataDir, { durable: true })
    expect(new URL(url).hostname).toBe('127.0.0.1')
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600)
    expect(url).toContain(readFileSync(join(dataDir, 'password'), 'utf8').trim())
    const settings = Object.fromEntries(
      (await ask(url, 'select name, setting from pg_settings')).map(({ name, setting }) => [name, setting]),
    )
    expect(settings).toMatchObject({
      listen_addresses: '127.0.0.1',
      data_checksums: 'on',
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
    })
    const wrong = new URL(url)
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'select')).rejects.toThrow('password authentication failed')
  })

  test('a restart keeps the data and the port', async () => {
    const dataDir = usedFolder()
    const first = await start(dataDir)
    await ask(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
    const second = await start(dataDir)
    expect(second.url).toBe(first.url)
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('a server that was killed comes back with everything that was committed', async () => {
    const dataDir = usedFolder()
    const { url } = await start(dataDir, { durable: true })
    await ask(url, 'create table kept as select n from generate_series(1, 1000) n')
    process.kill(postmasterOf(dataDir), 'SIGKILL')
    const log: string[] = []
    const again = await start(dataDir, { durable: true, log })
    expect(log.join()).toContain('was not shut down: it recovers')
    expect(await ask(again.url, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }])
  })

  test('the number of a killed server that belongs to another process by now keeps nobody from starting', async () => {
    const dataDir = usedFolder()
    await start(dataDir)
    const file = join(dataDir, 'postgres', 'postmaster.pid')
    const text = readFileSync(file, 'utf8')
    const account = serverAccount()
    const alien = spawn('sleep', ['60'], {
      stdio: 'ignore',
      ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    })
    cleanUps.push(() => void alien.kill('SIGKILL'))
    process.kill(postmasterOf(dataDir), 'SIGKILL')
    writeFileSync(file, text.replace(/^\d+/, String(alien.pid)))
    const again = await start(dataDir)
    expect(await ask(again.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(alien.exitCode).toBeNull()
  })

  test('engines on one folder share one server, and the last to leave stops it', async () => {
    const dataDir = newFolder()
    const [first, second] = await Promise.all([start(dataDir), start(dataDir)])
    expect(first!.url).toBe(second!.url)
    writeFileSync(join(dataDir, 'engines', '4194000-1'), 'an engine that was killed')
    const pid = postmasterOf(dataDir)
    await first!.stop()
    await first!.stop()
    expect(postmasterOf(dataDir)).toBe(pid)
    expect(await ask(second!.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await second!.stop()
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
    expect(readdirSync(join(dataDir, 'engines'))).toEqual([])
  })

  test('the server outlives an engine whose whole process group is killed, and the next engine takes it over', async () => {
    const dataDir = usedFolder()
    const { child, url } = await engineProcess(dataDir)
    const pid = postmasterOf(dataDir)
    const killed = ended(child)
    process.kill(-child.pid!, 'SIGKILL')
    await killed
    const next = await start(dataDir)
    expect(next.url).toBe(url)
    expect(postmasterOf(dataDir)).toBe(pid)
    await next.stop()
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
  })

  test('data of another major version is left alone, with a sentence that says both', async () => {
    const dataDir = usedFolder()
    const version = join(dataDir, 'postgres', 'PG_VERSION')
    writeFileSync(version, '14\n')
    await expect(start(dataDir)).rejects.toThrow(/was made by PostgreSQL 14, this program brings PostgreSQL 1[58]/)
    expect(readFileSync(version, 'utf8')).toBe('14\n')
  })

  test('a lost password is said, not replaced', async () => {
    const dataDir = newFolder()
    await (await start(dataDir)).stop()
    rmSync(join(dataDir, 'password'))
    await expect(start(dataDir)).rejects.toThrow(/password is missing/)
  })

  test('each clone has a data folder of its own', () => {
    expect(defaultDataDir({ XDG_DATA_HOME: '/data' })).toMatch(
      isRoot ? /^\/var\/lib\/borrow-rate-engine\/[0-9a-f]{8}$/ : /^\/data\/borrow-rate-engine\/[0-9a-f]{8}$/,
    )
    if (!isRoot) expect(defaultDataDir({})).toContain(join(homedir(), '.local', 'share', 'borrow-rate-engine'))
  })

  test.runIf(isRoot)('as root it runs as nobody, also in a folder that was made closed', async () => {
    const dataDir = newFolder()
    chmodSync(dataDir, 0o700)
    await start(dataDir, { ownBinaries: true })
    expect(statSync(`/proc/${postmasterOf(dataDir)}`).uid).toBe(serverAccount()!.uid)
  })

  test.runIf(isRoot)('as root a folder that nobody can reach is refused, with another that can be', async () => {
    const closed = newFolder()
    chmodSync(closed, 0o700)
    mkdirSync(join(closed, 'somebody'))
    await expect(start(join(closed, 'somebody', 'data'))).rejects.toThrow(
      /who cannot reach .*: .* is closed to others\. Set DATA_DIR to a folder outside it, for instance \/var\/lib\/borrow-rate-engine/,
    )
    await expect(start(closed)).rejects.toThrow(/is closed to others/)
    expect(readdirSync(closed)).toEqual(['somebody'])
    expect(statSync(closed).mode & 0o777).toBe(0o700)
  })

  test.runIf(isRoot)('as an ordinary user it needs no other', async () => {
    const dataDir = newFolder()
    const { uid, gid } = serverAccount()!
    chownSync(dataDir, uid, gid)
    const { child, url } = await engineProcess(dataDir, { uid, gid }, true)
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(readdirSync(dataDir).some((name) => name.startsWith('binaries'))).toBe(false)
    const left = ended(child)
    child.stdin!.end()
    await left
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false)
  })
})
