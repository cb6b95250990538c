// The engine as it is deployed: a process of its own, started from the build, with a database behind it. Suites take a
// `Deployment` and know no more than an address, keys by name, and a log; what stands behind the address is decided here: one
// process, one process that keeps its copies in Redis, or five services. DEPLOYMENT says which; vitest.config.ts sets it.
//
// Whatever a file started is stopped when the file ends, also when a test failed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { afterAll, inject } from 'vitest'
import { createApiKey } from '../../access/api-keys.ts'
import type { Role } from '../../access/roles.ts'
import { connectDatabase } from '../../database/connect.ts'
import { commandLine, processIdentity } from '../../database/process-identity.ts'
import { type DemoKey, HOUSE, seedDemoData, seedReferenceData } from '../../database/seed.ts'
import type { UserRole } from '../../database/service-users.ts'
import { SERVICE_NAMES, startFiveServices } from '../../tools/local-cluster.ts'
import { testDatabase } from '../database.ts'
import { INSPECTABLE, keptBytes } from './kept-memory.ts'

export type KeyName = 'desk' | 'admin' | 'auditor' | 'demo-classic' | 'demo-percentage' | 'demo-collateral'

/** Without embedded storage the database is one on the server that the tests share. */
export const DEPLOYMENT_KINDS = ['all-in-one', 'all-in-one-with-redis', 'five-services'] as const
export type DeploymentKind = (typeof DEPLOYMENT_KINDS)[number]

export interface Deployment {
  readonly kind: DeploymentKind
  /** `http://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string
  /** Staff and demo brokers, as a demonstration names them. */
  readonly keys: Readonly<Record<KeyName, string>>
  /** The database behind it, to put things in place that the API cannot. */
  readonly database: pg.Pool
  /** With an embedded database: its folder. */
  readonly dataDir: string | null
  /** Everything that the deployment has written so far, by lines. */
  logLines(): readonly string[]
  /** Another key. The broker must be there. */
  newKey(clientId: string, role: Role): Promise<string>
  /** Sends a signal. @returns when the process has ended */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<Ended>
  /** A clean end; safe to call again. */
  stop(): Promise<Ended>
  /** Resident memory of the process that is asked, bytes; null where the platform does not say. */
  memoryBytes(): number | null
  /** What that process keeps after a collection, bytes; null where nobody can ask it. */
  keptBytes(): Promise<number | null>
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface DeploymentOptions {
  /** `own`: a new database on the server that the tests share. `embedded`: a server of its own, as a newcomer has it. */
  readonly database?: 'own' | 'embedded' | { readonly url: string }
  /** With `embedded`: the folder of an earlier deployment, to start again or beside it. */
  readonly dataDir?: string
  /** Puts things in place before the engine reads anything. Not with a new embedded database. */
  readonly prepare?: (database: pg.Pool) => Promise<void>
  readonly environment?: Readonly<Record<string, string>>
}

const READY_WAIT_MS = 60_000
const STOP_WAIT_MS = 20_000
const POLL_MS = 10
const PROGRAM = fileURLToPath(new URL('../../dist/services/all-in-one.js', import.meta.url))
const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))

/** Tests ask more in a minute than a broker may, on machines that do other things as well; those about limits set their own. */
const UNLIMITED = {
  RATE_LIMIT_STANDARD: '1000000',
  RATE_LIMIT_PREMIUM: '1000000',
  RATE_LIMIT_INTERNAL: '1000000',
  OVERLOAD_EVENT_LOOP_DELAY_MS: '10000',
}

/** Starts a deployment and waits until it listens. Call it in `beforeAll` or in a test. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  buildOnce()
  return options.database === 'embedded' ? startEmbedded(options) : startOnDatabase(options)
}

/** What DEPLOYMENT says. */
export function deploymentKind(): DeploymentKind {
  const named = process.env.DEPLOYMENT || 'all-in-one'
  const kind = DEPLOYMENT_KINDS.find((candidate) => candidate === named)
  if (kind === undefined) throw new Error(`DEPLOYMENT must be one of ${DEPLOYMENT_KINDS.join(', ')}`)
  return kind
}

async function startOnDatabase({ database = 'own', prepare, environment }: DeploymentOptions): Promise<Deployment> {
  const url = typeof database === 'object' ? database.url : await ownDatabase()
  const pool = poolOf(url)
  await seedReferenceData(pool)
  await seedDemoData(pool, { now: new Date() })
  await prepare?.(pool)
  const kind = deploymentKind()
  if (kind === 'five-services') return startFive(url, pool, environment)
  const shared: Record<string, string> = kind === 'all-in-one-with-redis' ? redisSettings() : {}
  const keys = await Promise.all(KEYS.map(async ([name, clientId, role]) => [name, await newKey(pool, clientId, role)]))
  const engine = await startProcess({ DATABASE_URL: url, DATA_DIR: newDataDir(), ...shared, ...environment })
  return deployment(kind, engine, Object.fromEntries(keys), pool, null)
}

/** Over PgBouncer, with Redis, and with certificates between the services. */
async function startFive(
  url: string,
  pool: pg.Pool,
  environment: DeploymentOptions['environment'],
): Promise<Deployment> {
  const { pgbouncerPort, users } = inject('servers')
  const urlFor = (role: UserRole) => {
    const own = new URL(url)
    own.username = users[role].name
    own.password = users[role].password
    return own.href
  }
  const through = (direct: string) => {
    const pooled = new URL(direct)
    pooled.port = String(pgbouncerPort)
    return pooled.href
  }
  const { REDIS_URL, ...prefix } = redisSettings()
  const five = await startFiveServices({
    postgres: { url, urlFor, passwordOf: (role) => users[role].password },
    pgbouncer: { through },
    redis: { url: REDIS_URL, caFile: null },
    internalTls: true,
    env: { ...UNLIMITED, ...prefix, ...environment },
    seedDemoData: false,
  })
  cleanUps.push(() => five.stop())
  const endAll = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const gateway = await five.kill('api-gateway', signal)
    if (signal === 'SIGTERM') await five.stop()
    else await Promise.all(SERVICE_NAMES.map((name) => five.kill(name, signal)))
    return gateway
  }
  return {
    kind: 'five-services',
    url: five.url,
    keys: Object.fromEntries(five.keys.map(({ name, apiKey }) => [name, apiKey])) as Record<KeyName, string>,
    database: pool,
    dataDir: null,
    logLines: () => SERVICE_NAMES.flatMap((name) => five.services[name].logLines()),
    newKey: (clientId, role) => newKey(pool, clientId, role),
    kill: endAll,
    stop: () => endAll('SIGTERM'),
    memoryBytes: () => residentBytes(five.services['api-gateway'].pid()),
    keptBytes: async () => null,
  }
}

/** One Redis for all: what a deployment keeps there has a name of its own. */
function redisSettings(): { REDIS_URL: string; REDIS_KEY_PREFIX: string } {
  deployed += 1
  return { REDIS_URL: inject('servers').redisUrl, REDIS_KEY_PREFIX: `test-${process.pid}-${deployed}:` }
}

let deployed = 0

async function startEmbedded({ dataDir = newDataDir(), environment }: DeploymentOptions): Promise<Deployment> {
  const engine = await startProcess({ DATA_DIR: dataDir, ...environment })
  cleanUps.push(() => stopDatabaseOf(dataDir))
  const text = readFileSync(join(dataDir, 'demo-keys.json'), 'utf8')
  const { keys } = JSON.parse(text) as { keys: readonly DemoKey[] }
  const byName = Object.fromEntries(keys.map((key) => [key.name, key.apiKey]))
  return deployment('all-in-one', engine, byName, poolOf(embeddedUrl(dataDir)), dataDir)
}

const KEYS: readonly (readonly [KeyName, string, Role])[] = [
  ['desk', HOUSE, 'desk'],
  ['admin', HOUSE, 'admin'],
  ['auditor', HOUSE, 'auditor'],
  ['demo-classic', 'demo-classic', 'broker'],
  ['demo-percentage', 'demo-percentage', 'broker'],
  ['demo-collateral', 'demo-collateral', 'broker'],
]

function deployment(
  kind: DeploymentKind,
  engine: Engine,
  keys: Record<string, string>,
  database: pg.Pool,
  dataDir: string | null,
): Deployment {
  return {
    kind,
    url: engine.url,
    keys: keys as Record<KeyName, string>,
    database,
    dataDir,
    logLines: () => engine.lines(),
    newKey: (clientId, role) => newKey(database, clientId, role),
    kill: (signal) => engine.end(signal),
    stop: () => engine.end('SIGTERM'),
    memoryBytes: () => residentBytes(engine.pid),
    keptBytes: () => keptBytes(engine.pid, () => engine.lines().join('\n')),
  }
}

async function newKey(database: pg.Pool, clientId: string, role: Role): Promise<string> {
  const { apiKey } = await createApiKey(database, () => new Date(), { clientId, role, label: 'test' })
  return apiKey
}

// ---- the process

interface Engine {
  readonly pid: number
  readonly url: string
  lines(): string[]
  end(signal: NodeJS.Signals): Promise<Ended>
}

async function startProcess(environment: Record<string, string>): Promise<Engine> {
  const child = spawn(process.execPath, [INSPECTABLE, '--enable-source-maps', PROGRAM], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...UNLIMITED,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const ended = new Promise<Ended>((done) =>
    child.on('close', (code, signal) => {
      process.removeListener('exit', killAtExit)
      done({ code, signal })
    }),
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const end = (signal: NodeJS.Signals) => endOf(child, ended, signal)
  cleanUps.push(() => end('SIGTERM'))
  const url = await listening(child, () => said)
  return { pid: child.pid as number, url, lines: () => said.split('\n').filter((line) => line !== ''), end }
}

async function listening(child: ChildProcess, said: () => string): Promise<string> {
  const until = performance.now() + READY_WAIT_MS
  while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
    const url = /"url":"(http:[^"]+)","message":"listening"/.exec(said())?.[1]
    if (url !== undefined) return url
    await sleep(POLL_MS)
  }
  throw new Error(`the engine does not listen. It said:\n${said().slice(-4000)}`)
}

async function endOf(child: ChildProcess, ended: Promise<Ended>, signal: NodeJS.Signals): Promise<Ended> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS)
  const how = await ended
  clearTimeout(late)
  return how
}

let built = false

/** Does nothing when the build is of the sources that are there. */
function buildOnce(): void {
  if (built) return
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`there is no build to test:\n${stdout}${stderr}`)
  built = true
}

function residentBytes(pid: number): number | null {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return null
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1]
  return kilobytes === undefined ? null : Number(kilobytes) * 1024
}

// ---- databases

async function ownDatabase(): Promise<string> {
  const database = await testDatabase()
  cleanUps.push(() => database.drop())
  return database.url
}

function poolOf(url: string): pg.Pool {
  const pool = connectDatabase(url, { applicationName: 'end-to-end test', connectionsMax: 4 })
  cleanUps.push(() => pool.end())
  return pool
}

/**
 * A new folder below one that says which process uses it, in the way of an engine: the next run clears away what a killed
 * one left.
 */
function newDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-'))
  // The database's unprivileged user has to pass.
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'engines'))
  writeFileSync(join(folder, 'engines', `${process.pid}-test`), processIdentity(process.pid) ?? '')
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

function embeddedUrl(dataDir: string): string {
  const read = (name: string) => readFileSync(join(dataDir, name), 'utf8').trim()
  return `postgres://borrow_rate_engine:${read('password')}@127.0.0.1:${read('port')}/borrow_rate_engine`
}

/** The process of the embedded server; null when none runs. */
export function databaseProcessOf(dataDir: string): number | null {
  const data = join(dataDir, 'postgres')
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return null
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  return commandLine(pid).includes(`-D ${data} `) ? pid : null
}

/** The server of an engine that was killed is left behind for the next start. Here there is none. */
async function stopDatabaseOf(dataDir: string): Promise<void> {
  const pid = databaseProcessOf(dataDir)
  if (pid === null) return
  process.kill(pid, 'SIGQUIT')
  for (let waited = 0; databaseProcessOf(dataDir) === pid && waited < STOP_WAIT_MS; waited += POLL_MS) {
    await sleep(POLL_MS)
  }
}

// ---- the end

const cleanUps: (() => unknown)[] = []

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
