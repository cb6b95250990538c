// The engine as five processes on this machine, each with its own database user and its own ports on loopback, in front of servers
// that somebody else has started. `npm run cluster` shows it to a person; tests break it on purpose.
//
//     const cluster = await startFiveServices({ postgres, pgbouncer, redis })
//     await fetch(`${cluster.url}/api/v1/rates/GME`, { headers: { 'X-API-Key': cluster.key('desk') } })
//     await cluster.kill('calculation-service', 'SIGKILL'); await cluster.restart('calculation-service'); await cluster.stop()
//
// Nothing outlives the process that called, whatever becomes of it: keeper.mjs sees to that.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ownSecret } from '../access/token-keys.ts'
import { createSigningKey } from '../audit/signing-key.ts'
import { connectDatabase } from '../database/connect.ts'
import { type DemoKey, seedDemoData, seedDemoKeys, seedReferenceData } from '../database/seed.ts'
import type { ServiceRole } from '../database/service-users.ts'
import { certificateAuthority } from '../test/certificates.ts'
import { type Keeper, startKeeper } from './keep.ts'

export const SERVICE_NAMES = [
  'data-service',
  'audit-service',
  'calculation-service',
  'cache-service',
  'api-gateway',
] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

export interface FiveServicesOptions {
  /** A migrated database: as its owner, and as the user of each role. `startPostgres()` is one. */
  readonly postgres: { readonly url: string; urlFor(role: ServiceRole): string; passwordOf(role: ServiceRole): string }
  /** Between the services and the database. `startPgBouncer()` is one. */
  readonly pgbouncer?: { through(url: string): string }
  /** Without one each process keeps what it would share. `startRedis()` is one. */
  readonly redis?: { readonly url: string; readonly caFile: string | null }
  /** Private doors that ask for certificates, from an authority made for the occasion. Needs openssl. */
  readonly internalTls?: boolean
  /** Settings of all five. */
  readonly env?: Readonly<Record<string, string>>
  /** Settings of one. */
  readonly envOf?: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>
  /** Where logs and demo keys lie, and stay. Unless said: a temporary folder, removed at the end. */
  readonly folder?: string
  /** Of the gateway. Unless said: a free one. */
  readonly gatewayPort?: number
  /** False: what there is to price is in the database already. */
  readonly seedDemoData?: boolean
  /** The program that is run, of another version. Unless said: the one built from the sources here. */
  readonly program?: string
}

export interface Service {
  /** Health and metrics; of the gateway also the API. Without a slash at the end. */
  readonly url: string
  /** The private door; the gateway has none. */
  readonly internalUrl: string
  /** Of the process that runs, or ran last. */
  pid(): number
  /** What it wrote since the start of the cluster, by lines. */
  logLines(): readonly string[]
  readonly logFile: string
  /** Its DATABASE_PASSWORD_FILE; null: it has no database user. */
  readonly passwordFile: string | null
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface FiveServices {
  /** The gateway's. */
  readonly url: string
  readonly services: Readonly<Record<ServiceName, Service>>
  /** Of staff (`desk`, `admin`, `auditor`) and of each demo broker. */
  readonly keys: readonly DemoKey[]
  /** The key of that name. */
  key(name: string): string
  /** Sends a signal. @returns when the process has ended */
  kill(service: ServiceName, signal?: 'SIGTERM' | 'SIGKILL'): Promise<Ended>
  /** Writes a new password where the service reads it, as a mounted secret changes. The database has to learn it as well. */
  changePassword(service: ServiceName, password: string): void
  /** Ends it in order when it runs, and starts it again on its ports. @returns when it is healthy */
  restart(service: ServiceName): Promise<void>
  /** Ends all, those in front first; safe to call again. */
  stop(): Promise<void>
}

const READY_WAIT_MS = 30_000
const STOP_WAIT_MS = 28_000
const HEALTH_TIMEOUT_MS = 1_000
const POLL_MS = 15
/** Below those that the system gives out by chance, so that a service finds its ports free when it comes back. */
const PORT_MIN = 20_000
const PORT_MAX = 29_999

const BUILD = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../dist/services/borrow-rate-engine.js', import.meta.url))

/** The role that a service has in the database. The cache service does not go there. */
const ROLES: Readonly<Partial<Record<ServiceName, ServiceRole>>> = {
  'api-gateway': 'api_gateway',
  'calculation-service': 'calculation_service',
  'data-service': 'data_service',
  'audit-service': 'audit_service',
}

/** The last to be asked is the last to go. */
const STOP_ORDER: readonly (readonly ServiceName[])[] = [
  ['api-gateway', 'cache-service'],
  ['calculation-service'],
  ['data-service', 'audit-service'],
]

/** Of the sessions of this process's clusters. */
const TOKEN_SECRET = randomBytes(48).toString('base64url')

/** What the gateway can be asked for when everything is there. */
const PROBE = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }

/**
 * Gives the database the demonstration's brokers, data and keys, starts the five, and waits until the gateway prices.
 * @throws Error with what a service said that did not start; nothing is left running
 */
export async function startFiveServices(options: FiveServicesOptions): Promise<FiveServices> {
  buildOnce()
  const keeper = startKeeper()
  const folder = options.folder ?? temporaryFolder(keeper)
  mkdirSync(folder, { recursive: true })
  const authority = options.internalTls ? certificateAuthority() : null
  const processes = new Map<ServiceName, ServiceProcess>()
  let stopping: Promise<void> | undefined
  const stopAll = async () => {
    for (const together of STOP_ORDER) await Promise.all(together.map((name) => processes.get(name)?.end('SIGTERM')))
    authority?.remove()
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  const stop = () => {
    stopping ??= stopAll()
    return stopping
  }
  try {
    const keys = await seed(options.postgres.url, folder, options.seedDemoData ?? true)
    const ports = await freePorts(options.gatewayPort)
    for (const name of SERVICE_NAMES) {
      const files = authority?.sign(name)
      const environment = {
        ...environmentOf(name, ports, options),
        ...databaseOf(name, folder, options),
        ...(name === 'audit-service' && auditSettings(folder)),
        // It stays with the folder: what it encrypts lies in the database.
        ...(name === 'api-gateway' && { WEBHOOK_SECRET_KEY: ownSecret(folder, 'webhook-secret') }),
        ...(files && { TLS_CERT_FILE: files.certFile, TLS_KEY_FILE: files.keyFile, TLS_CA_FILE: files.caFile }),
        ...options.env,
        ...options.envOf?.[name],
      }
      processes.set(
        name,
        serviceProcess([options.program ?? PROGRAM, name], environment, join(folder, `${name}.log`), keeper),
      )
    }
    const processOf = (name: ServiceName) => processes.get(name) as ServiceProcess
    const services = Object.fromEntries(
      SERVICE_NAMES.map((name): [ServiceName, Service] => {
        const { pid, logLines, logFile } = processOf(name)
        const { url, internalUrl } = addressesOf(name, ports, authority !== null)
        const passwordFile = ROLES[name] === undefined ? null : passwordFileOf(name, folder)
        return [name, { url, internalUrl, pid, logLines, logFile, passwordFile }]
      }),
    ) as Record<ServiceName, Service>
    const start = async (name: ServiceName) => {
      processOf(name).start()
      await healthy(processOf(name), services[name].url)
    }
    const key = (name: string) => {
      const found = keys.find((candidate) => candidate.name === name)
      if (found === undefined) throw new Error(`there is no key ${name}`)
      return found.apiKey
    }
    // The door to the data first: whoever asks it as soon as it starts finds it.
    await start('data-service')
    await Promise.all(SERVICE_NAMES.filter((name) => name !== 'data-service').map(start))
    await prices(services['api-gateway'].url, key('desk'), processOf('api-gateway'))
    return {
      url: services['api-gateway'].url,
      services,
      keys,
      key,
      kill: (name, signal = 'SIGKILL') => processOf(name).end(signal),
      changePassword: (name, password) => writePassword(passwordFileOf(name, folder), password),
      restart: async (name) => {
        await processOf(name).end('SIGTERM')
        await start(name)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

// ---- what a service is told

type Ports = Readonly<Record<ServiceName, { readonly open: number; readonly internal: number }>>

function environmentOf(name: ServiceName, ports: Ports, options: FiveServicesOptions): Record<string, string> {
  const { redis, internalTls = false } = options
  const door = (service: ServiceName) => addressesOf(service, ports, internalTls).internalUrl
  return {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(ports[name].open),
    INTERNAL_PORT: String(ports[name].internal),
    DATA_URL: door('data-service'),
    CALCULATION_URL: door('calculation-service'),
    AUDIT_URL: door('audit-service'),
    CACHE_URL: door('cache-service'),
    ...(name === 'api-gateway' && { JWT_SECRET: TOKEN_SECRET }),
    ...(redis !== undefined && { REDIS_URL: redis.url }),
    ...(redis?.caFile && { REDIS_CA_FILE: redis.caFile }),
  }
}

/** Where the database is, as the service's user. The password stands in a file, so that it may change while the service runs. */
function databaseOf(
  name: ServiceName,
  folder: string,
  { postgres, pgbouncer }: FiveServicesOptions,
): Record<string, string> {
  const role = ROLES[name]
  if (role === undefined) return {}
  writePassword(passwordFileOf(name, folder), postgres.passwordOf(role))
  const direct = new URL(postgres.urlFor(role))
  direct.password = ''
  return {
    DATABASE_URL: pgbouncer === undefined ? direct.href : pgbouncer.through(direct.href),
    ...(pgbouncer !== undefined && { DATABASE_DIRECT_URL: direct.href }),
    DATABASE_PASSWORD_FILE: passwordFileOf(name, folder),
  }
}

/** The key that signs the record, made with the folder, and where its heads go. */
function auditSettings(folder: string): Record<string, string> {
  const keyFile = join(folder, 'audit-signing-key.pem')
  if (!existsSync(keyFile)) createSigningKey(keyFile)
  return { AUDIT_SIGNING_KEY_FILE: keyFile, AUDIT_STORAGE_URL: pathToFileURL(join(folder, 'audit-exports')).href }
}

function passwordFileOf(name: ServiceName, folder: string): string {
  return join(folder, `${name}.password`)
}

/** Whole or not at all: a reader never sees half of it. */
function writePassword(file: string, password: string): void {
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function addressesOf(name: ServiceName, ports: Ports, tls: boolean): { url: string; internalUrl: string } {
  const { open, internal } = ports[name]
  return { url: `http://127.0.0.1:${open}`, internalUrl: `${tls ? 'https' : 'http'}://127.0.0.1:${internal}` }
}

async function seed(url: string, folder: string, withDemoData: boolean): Promise<DemoKey[]> {
  const database = connectDatabase(url, { applicationName: 'local cluster', connectionsMax: 2 })
  try {
    await seedReferenceData(database)
    if (withDemoData) await seedDemoData(database, { now: new Date() })
    return await seedDemoKeys(database, { dataDir: folder, now: new Date() })
  } finally {
    await database.end()
  }
}

// ---- the processes

interface ServiceProcess {
  readonly logFile: string
  start(): void
  isAlive(): boolean
  pid(): number
  logLines(): string[]
  end(signal: NodeJS.Signals): Promise<Ended>
}

function serviceProcess(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  logFile: string,
  keeper: Keeper,
): ServiceProcess {
  let child: ChildProcess | null = null
  let ended: Promise<Ended> = Promise.resolve({ code: null, signal: null })
  const isAlive = () => child !== null && child.exitCode === null && child.signalCode === null
  closeSync(openSync(logFile, 'w', 0o600))
  return {
    logFile,
    isAlive,
    pid: () => child?.pid ?? 0,
    logLines: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    start() {
      const log = openSync(logFile, 'a')
      // In a process group of its own: a Ctrl-C is for whoever started it, who ends the five in order.
      const started = spawn(process.execPath, ['--enable-source-maps', ...command], {
        env,
        stdio: ['ignore', log, log],
        detached: true,
      })
      closeSync(log)
      keeper.mind(started)
      child = started
      ended = new Promise((done) => started.once('exit', (code, signal) => done({ code, signal })))
    },
    async end(signal) {
      const ending = child
      if (ending === null || !isAlive()) return ended
      ending.kill(signal)
      const late = setTimeout(() => ending.kill('SIGKILL'), STOP_WAIT_MS)
      const how = await ended
      clearTimeout(late)
      return how
    },
  }
}

async function healthy(service: ServiceProcess, url: string): Promise<void> {
  await untilOk(service, `${url}/health`, {})
}

async function prices(url: string, apiKey: string, gateway: ServiceProcess): Promise<void> {
  await untilOk(gateway, `${url}/api/v1/calculate-locate`, {
    method: 'POST',
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify(PROBE),
  })
}

/** Asks until the answer is 200. */
async function untilOk(service: ServiceProcess, address: string, request: RequestInit): Promise<void> {
  const giveUpAt = performance.now() + READY_WAIT_MS
  let last: unknown = null
  while (service.isAlive() && performance.now() < giveUpAt) {
    try {
      const answer = await fetch(address, { ...request, signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) })
      const text = await answer.text()
      if (answer.ok) return
      last = text
    } catch (error) {
      last = error
    }
    await sleep(POLL_MS)
  }
  const said = service.logLines().slice(-20).join('\n')
  throw new Error(`${address} was not answered as it should be: ${String(last)}\nThe service said:\n${said}`)
}

let built = false

/** Does nothing when the build is of the sources that are there. */
function buildOnce(): void {
  if (built) return
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`there is no build to run:\n${stdout}${stderr}`)
  built = true
}

// ---- folders and ports

function temporaryFolder(keeper: Keeper): string {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-cluster-'))
  keeper.mindFolder(folder)
  return folder
}

async function freePorts(gatewayPort: number | undefined): Promise<Ports> {
  const taken = new Set<number>()
  const next = async () => {
    for (;;) {
      const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN))
      if (taken.has(port) || !(await isFree(port))) continue
      taken.add(port)
      return port
    }
  }
  const pairs: [ServiceName, { open: number; internal: number }][] = []
  for (const name of SERVICE_NAMES) {
    const open = name === 'api-gateway' && gatewayPort !== undefined ? gatewayPort : await next()
    pairs.push([name, { open, internal: await next() }])
  }
  return Object.fromEntries(pairs) as unknown as Ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
