// Single quotes over HTTP: the whole engine in one process with its embedded database, every quote on the record and the disk
// before it is answered, beside a bare node:http server that parses the same body and answers the same bytes. Load, engine and
// database share the machine, so only the ratio travels.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { createApiKey } from '../../access/api-keys.ts'
import { connectDatabase } from '../../database/connect.ts'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, freePort, withServer } from './child-process.ts'
import { type LoadDriver, loadDriver, post, type Shot } from './load.ts'
import { type Figures, printFigures, race } from './race.ts'

const CONNECTIONS = 64
const ROUNDS = 5
const SECONDS = 4
const WARM_UP_SECONDS = 3
const CLIENT = 'benchmark'
export const REQUEST = { ticker: 'AAL', position_value: 100_000, loan_days: 30, client_id: CLIENT }

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export function single(): Promise<object> {
  return withEngine(({ folder, url, pid, pool }) => besideBare(folder, url, pid, pool))
}

/** What is measured while it runs. */
export interface MeasuredEngine {
  readonly folder: string
  readonly url: string
  readonly pid: number
  /** Its own database. */
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
    const url = `http://127.0.0.1:${await freePort()}`
    const engine = {
      url,
      command: [file('../../dist/services/all-in-one.js')],
      readyPath: '/api/v1/health/readiness',
      environment: { PORT: new URL(url).port, HOST: '127.0.0.1', DATA_DIR: dataDir, ...settings },
      logFile: join(folder, 'engine.log'),
    }
    return withServer(engine, (pid) => withDatabaseOf(dataDir, (pool) => work({ folder, url, pid, pool })))
  })
}

async function besideBare(folder: string, engineUrl: string, enginePid: number, pool: pg.Pool): Promise<object> {
  const apiKey = await keyOfUnlimitedBroker(pool)
  const body = JSON.stringify(REQUEST)
  const headers = { 'Content-Type': 'application/json', 'X-API-Key': apiKey }
  const engineShot: Shot = { url: `${engineUrl}/api/v1/calculate-locate`, headers, body }
  const answer = await post(engineShot)
  const bare = await bareBaseline(folder, answer)
  return withServer(bare, async (barePid) => {
    const driver = loadDriver(folder)
    const figures = await race(
      driver,
      {
        engine: { shot: engineShot, pids: { engine: enginePid } },
        bare: { shot: { ...engineShot, url: bare.url }, pids: { bare: barePid } },
      },
      { connections: CONNECTIONS, rounds: ROUNDS, seconds: SECONDS, warmUpSeconds: WARM_UP_SECONDS },
    )
    return report(driver, figures, await recordsKept(pool), answer.length)
  })
}

function report(
  driver: LoadDriver,
  { engine, bare }: Record<'engine' | 'bare', Figures>,
  kept: number,
  answerBytes: number,
): object {
  const { answered } = engine
  if (kept < answered) throw new Error(`${answered} quotes were answered and ${kept} are on the record`)
  const share = engine.requests_per_second.median / bare.requests_per_second.median
  console.log(
    `single: ${CONNECTIONS} connections, ${ROUNDS} interleaved rounds of ${SECONDS} s, load by ${driver.name}`,
  )
  printFigures('engine', engine, 15)
  printFigures('bare node:http', bare, 15)
  console.log(
    `  the engine answers ${(share * 100).toFixed(0)} % of what bare node:http answers (${answerBytes} bytes each)`,
  )
  console.log(`  ${answered} quotes answered, ${kept} on the record with the warm-up, fsync on`)
  return {
    connections: CONNECTIONS,
    seconds: SECONDS,
    load: driver.name,
    answer_bytes: answerBytes,
    engine,
    bare,
    share,
    answered,
    kept,
  }
}

/** The engine's own database, which a second process may join. */
async function withDatabaseOf<T>(dataDir: string, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const log = { info: () => {}, warn: (message: string) => console.warn(message) }
  const server = await startEmbeddedPostgres({ dataDir, durable: true, log })
  const pool = connectDatabase(server.url, { applicationName: 'benchmark', connectionsMax: 1 })
  try {
    const { rows } = await pool.query<{ fsync: string }>('show fsync')
    if (rows[0]?.fsync !== 'on') throw new Error('the engine runs without fsync: its figures would mean nothing')
    return await work(pool)
  } finally {
    await pool.end()
    await server.stop()
  }
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
