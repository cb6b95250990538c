// Single quotes over HTTP: the whole engine in one process with its embedded database, every quote on the record and the disk
// before it is answered, beside the same program without that one step (no-audit-log.mjs) and beside a bare node:http server that
// parses the same bodies and answers the same bytes. Then one connection alone, which nothing shares a commit with. Load, engine and
// database share the machine, so only the ratio travels.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { createApiKey } from '../../access/api-keys.ts'
import { connectDatabase } from '../../database/connect.ts'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, freePort, type ServerProcess, withServer, withServers } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { ALL_IN_ONE, ALL_IN_ONE_WITHOUT_RECORD, NOTHING_SHED, READY_PATH } from './engine-program.ts'
import { loadDriver, post, postEach, type Shot } from './load.ts'
import { type Figures, printFigures, race } from './race.ts'
import { atLeast, below, type Target } from './targets.ts'
import { singleBodies } from './varied-requests.ts'

const CONNECTIONS = 64
const WHOLE: Effort = { rounds: 4, seconds: 4, warmUpSeconds: 4 }
/** Of one connection alone. */
const LONE: Effort = { rounds: 4, seconds: 2, warmUpSeconds: 1 }
export const CLIENT = 'benchmark'

export function single(options: BenchOptions): Promise<object> {
  return withEngine((engine) => besideBare(engine, options))
}

/** What is measured while it runs. */
export interface MeasuredEngine {
  readonly folder: string
  readonly url: string
  readonly pid: number
  /** Of its own PostgreSQL. */
  readonly postgresPid: number
  readonly databaseUrl: string
  readonly pool: pg.Pool
}

/** The whole engine as a newcomer starts it, built, with a database of its own in a temporary folder, while the work lasts. */
export async function withEngine<T>(
  work: (engine: MeasuredEngine) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  buildEngine()
  return withTemporaryFolder(async (folder) => {
    const dataDir = join(folder, 'data')
    const engine = await allInOne(folder, 'engine', { DATA_DIR: dataDir, ...settings })
    return withServer(engine, (pid) =>
      withDatabaseOf(dataDir, (databaseUrl, pool) =>
        work({ folder, url: engine.url, pid, postgresPid: postgresPidIn(dataDir), databaseUrl, pool }),
      ),
    )
  })
}

/** How to start everything in one process on a free port. @param name of its log */
export async function allInOne(
  folder: string,
  name: string,
  environment: Readonly<Record<string, string>>,
  command: readonly string[] = ALL_IN_ONE,
): Promise<ServerProcess> {
  const url = `http://127.0.0.1:${await freePort()}`
  return {
    url,
    command,
    readyPath: READY_PATH,
    environment: { PORT: new URL(url).port, HOST: '127.0.0.1', DATA_DIR: folder, ...NOTHING_SHED, ...environment },
    logFile: join(folder, `${name}.log`),
  }
}

/** Of the embedded server of that folder, while it runs. */
export function postgresPidIn(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

/** Single quotes of a client, in turn. */
export function quotesOf(url: string, apiKey: string, bodies: readonly string[] = singleBodies(CLIENT)): Shot {
  return {
    url: `${url}/api/v1/calculate-locate`,
    headers: { 'Content-Type': 'application/json', 'X-API-Key': apiKey },
    bodies,
  }
}

async function besideBare(engine: MeasuredEngine, options: BenchOptions): Promise<object> {
  const { folder, pool } = engine
  const apiKey = await keyOfUnlimitedBroker(pool)
  const recorded = quotesOf(engine.url, apiKey)
  const unrecordedEngine = await allInOne(
    folder,
    'unrecorded',
    // The other one seals.
    { DATABASE_URL: engine.databaseUrl, AUDIT_SEAL_INTERVAL_MS: '60000' },
    ALL_IN_ONE_WITHOUT_RECORD,
  )
  const bare = await bareBaseline(folder, await postEach(recorded))
  return withServers([unrecordedEngine, bare], async ([unrecordedPid, barePid]) => {
    const unrecorded = quotesOf(unrecordedEngine.url, apiKey)
    await withoutRecord(pool, unrecorded)
    const contenders = {
      engine: { shot: recorded, pids: { engine: engine.pid, PostgreSQL: engine.postgresPid } },
      unrecorded: { shot: unrecorded, pids: { engine: unrecordedPid as number } },
      bare: { shot: { ...recorded, url: bare.url }, pids: { bare: barePid as number } },
    }
    const driver = loadDriver(folder)
    const effort = effortOf(options, WHOLE)
    const many = await race(driver, contenders, { connections: CONNECTIONS, ...effort })
    const lone = await race(
      driver,
      { engine: contenders.engine, bare: contenders.bare },
      { connections: 1, ...effortOf(options, LONE) },
    )
    return report(driver.name, effort, many, lone, await recordsKept(pool))
  })
}

type Contender = 'engine' | 'unrecorded' | 'bare'

function report(
  load: string,
  { rounds, seconds }: Effort,
  many: Record<Contender, Figures>,
  lone: Record<'engine' | 'bare', Figures>,
  kept: number,
): object {
  const answered = many.engine.answered + lone.engine.answered
  if (kept < answered) throw new Error(`${answered} quotes were answered and ${kept} are on the record`)
  console.log(`single: ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s`)
  printFigures('engine', many.engine, 18)
  printFigures('without its record', many.unrecorded, 18)
  printFigures('bare node:http', many.bare, 18)
  printFigures('engine, alone', lone.engine, 18)
  printFigures('bare, alone', lone.bare, 18)
  console.log(`  ${answered} quotes answered, ${kept} on the record with the warm-ups, fsync on`)
  const share = (name: Contender) => many[name].requests_per_second.median / many.bare.requests_per_second.median
  const targets: Target[] = [
    atLeast('single quotes, of bare requests/s', 0.4, share('engine')),
    below(`single quotes, p99 at ${CONNECTIONS} connections`, 10, many.engine.p99_ms.median, 'ms'),
    atLeast('single quotes without the record, of bare requests/s', 0.6, share('unrecorded')),
    below('a lone request with its record, p50', 2, lone.engine.p50_ms.median, 'ms'),
  ]
  return { connections: CONNECTIONS, seconds, load, ...many, lone, answered, kept, targets }
}

/** @throws Error when that answer left a record */
export async function withoutRecord(pool: pg.Pool, shot: Shot): Promise<void> {
  const before = await recordsKept(pool)
  await post(shot)
  if ((await recordsKept(pool)) !== before) throw new Error('what should be measured without its record keeps one')
}

/** The engine's own database, which a second process may join. */
async function withDatabaseOf<T>(dataDir: string, work: (url: string, pool: pg.Pool) => Promise<T>): Promise<T> {
  const log = { info: () => {}, warn: (message: string) => console.warn(message) }
  const server = await startEmbeddedPostgres({ dataDir, durable: true, log })
  const pool = connectDatabase(server.url, { applicationName: 'benchmark', connectionsMax: 1 })
  try {
    await withFsync(pool)
    return await work(server.url, pool)
  } finally {
    await pool.end()
    await server.stop()
  }
}

/** @throws Error when the database does not force what it keeps to the disk */
export async function withFsync(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ fsync: string }>('show fsync')
  if (rows[0]?.fsync !== 'on') throw new Error('the database runs without fsync: its figures would mean nothing')
}

/** A broker with the highest limit there is: 16 000 requests a second. */
export async function keyOfUnlimitedBroker(pool: pg.Pool): Promise<string> {
  await pool.query(
    `insert into brokers (client_id, name, markup_percentage, transaction_fee_type, transaction_amount, day_count,
                          convention_pack, billing, pricing_model, tier, requests_per_minute, active)
     values ($1, 'Benchmark', 5, 'FLAT', 25, 'ACT/365', 'notional', 'term', 'standard-v1', 'internal', 1000000, true)`,
    [CLIENT],
  )
  const { apiKey } = await createApiKey(pool, () => new Date(), {
    clientId: CLIENT,
    role: 'broker',
    label: 'benchmark',
  })
  return apiKey
}

export async function recordsKept(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ kept: string }>(
    'select count(*) as kept from audit_records where client_id = $1',
    [CLIENT],
  )
  return Number(rows[0]?.kept)
}
