// How the cost of one quote grows with what there is: names in the universe, brokers with a key each, records in the log, connections.
// Requests are spread over all names and all brokers; each kind has a database of its own. The engine is one process on PostgreSQL, with
// its record; its processor time and PostgreSQL's are counted for each quote. Each kind ends with what ten times as many cost, and in a
// word.
import { createHash } from 'node:crypto'
import type pg from 'pg'
import { connectDatabase } from '../../database/connect.ts'
import { seedDemoData, seedReferenceData } from '../../database/seed.ts'
import { importLenderFile } from '../../market-data/import.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, withServer } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { fillLog } from './filled-log.ts'
import { generatedLenderFile, stampedNow } from './generated-lender-file.ts'
import { loadDriver, postEach, type Shot } from './load.ts'
import { type Contender, type Figures, race } from './race.ts'
import { printed } from './rounds.ts'
import { allInOne, CLIENT, keyOfUnlimitedBroker, quotesOf } from './single.ts'
import { type GrowthVerdict, growthOf } from './slope.ts'
import type { Target } from './targets.ts'
import { quotableTickers, singleBodies } from './varied-requests.ts'

const NAMES = [10, 100, 1_000, 5_000, 20_000] as const
const BROKERS = [10, 1_000, 10_000, 100_000] as const
/** Those below the longest history, which is the last unless --records says. */
const RECORDS = [0, 100_000, 1_000_000] as const
/** To the database, of the benchmark itself. */
const CONNECTIONS_OWN = 2
/** Filling takes minutes for each million: it is said how far it is. */
const RECORDS_TOLD = 1_000_000
const CONNECTIONS = [1, 4, 16, 64, 256, 1_000] as const
/** Of all kinds but the last. */
const USUAL_CONNECTIONS = 16
const WHOLE: Effort = { rounds: 3, seconds: 2, warmUpSeconds: 1 }
/** So that the first point is of an engine that is as warm as at the others. */
const ENGINE_WARM_UP: Effort = { rounds: 1, seconds: 5, warmUpSeconds: 0 }
/** So many days before now hold the history. */
const DAYS = 25

interface Point {
  readonly size: number
  readonly figures: Figures
  readonly bare?: Figures
}

interface Curve extends GrowthVerdict {
  readonly unit: string
  readonly points: readonly Point[]
}

export async function growth(options: BenchOptions): Promise<object> {
  buildEngine()
  const effort = effortOf(options, WHOLE)
  const most = options.records ?? RECORDS[RECORDS.length - 1]!
  const records = [...RECORDS.filter((size) => size < most), most]
  console.log(
    `growth: cost of one quote, ${effort.rounds} rounds of ${effort.seconds} s, ${USUAL_CONNECTIONS} connections where they do not grow themselves`,
  )
  const curves = {
    names: await curveOf('names', withNames(options, effort)),
    brokers: await curveOf('brokers', withBrokers(options, effort)),
    records: await curveOf('records before', withRecords(options, effort, records)),
    connections: await curveOf('connections', withConnections(options, effort)),
  }
  const targets = Object.entries(curves).map(
    ([name, { per_tenfold, verdict }]): Target => ({
      name: `cost of a quote with ten times the ${name}`,
      target: 'not super-linear',
      measured: per_tenfold,
      met: verdict !== 'super-linear',
      missed_by: 0,
    }),
  )
  return { rounds: effort.rounds, seconds: effort.seconds, usual_connections: USUAL_CONNECTIONS, curves, targets }
}

async function curveOf(unit: string, points: AsyncIterable<Point>): Promise<Curve> {
  const seen: Point[] = []
  for await (const point of points) {
    seen.push(point)
    const { cpu_us, cpu_us_of, p50_ms, p99_ms, requests_per_second } = point.figures
    const parts = Object.entries(cpu_us_of).map(([process, us]) => `${process} ${us.median.toFixed(0)}`)
    console.log(
      `  ${point.size.toLocaleString('en-US').replaceAll(',', ' ').padStart(9)} ${unit.padEnd(14)} ${printed(cpu_us)} us (${parts.join(', ')})   p50 ${p50_ms.median.toFixed(2)} ms, p99 ${p99_ms.median.toFixed(2)} ms   ${printed(requests_per_second)} quotes/s`,
    )
  }
  const verdict = growthOf(seen.map(({ size, figures }) => [Math.max(1, size), figures.cpu_us.median] as const))
  console.log(
    `  ten times the ${unit}: ${verdict.per_tenfold.toFixed(2)} times the processor time of a quote (where it rises most ${verdict.steepest_per_tenfold.toFixed(2)}): ${verdict.verdict}\n`,
  )
  return { unit, ...verdict, points: seen }
}

interface Engine {
  readonly folder: string
  readonly url: string
  readonly pool: pg.Pool
  /** Of a broker without a limit. */
  readonly apiKey: string
  readonly contender: (shot: Shot) => Contender
}

/** A database of its own, with the demonstration's data, and the engine on it, warm. */
async function withFreshEngine<T>(
  options: BenchOptions,
  prepare: (pool: pg.Pool) => Promise<void>,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const postgres: RealPostgres = await startPostgres()
  const pool = connectDatabase(postgres.url, {
    applicationName: 'benchmark',
    connectionsMax: CONNECTIONS_OWN,
    statementTimeoutMs: 0,
  })
  try {
    await seedReferenceData(pool)
    await seedDemoData(pool, { now: new Date() })
    await prepare(pool)
    const apiKey = await keyOfUnlimitedBroker(pool)
    return await withTemporaryFolder(async (folder) => {
      const engine = await allInOne(folder, 'engine', { DATABASE_URL: postgres.url })
      return withServer(engine, async (pid) => {
        const { seconds } = effortOf(options, ENGINE_WARM_UP)
        await loadDriver(folder).run(quotesOf(engine.url, apiKey), USUAL_CONNECTIONS, seconds)
        return work({
          folder,
          url: engine.url,
          pool,
          apiKey,
          contender: (shot) => ({ shot, pids: { engine: pid, PostgreSQL: postgres.pid() } }),
        })
      })
    })
  } finally {
    await pool.end()
    await postgres.end()
  }
}

const nothing = async () => {}

async function measuredPoint(engine: Engine, size: number, shot: Shot, effort: Effort): Promise<Point> {
  const driver = loadDriver(engine.folder)
  const contenders = { engine: engine.contender(shot) }
  const { engine: figures } = await race(driver, contenders, { connections: USUAL_CONNECTIONS, ...effort })
  return { size, figures }
}

async function* pointsOf(
  options: BenchOptions,
  prepare: (pool: pg.Pool) => Promise<void>,
  work: (engine: Engine, tell: (point: Point) => void) => Promise<void>,
): AsyncGenerator<Point> {
  const points: Point[] = []
  await withFreshEngine(options, prepare, (engine) => work(engine, (point) => points.push(point)))
  yield* points
}

/** The lender's file grows, and every name of it that has a rate is asked for. */
function withNames(options: BenchOptions, effort: Effort): AsyncIterable<Point> {
  return pointsOf(options, nothing, async (engine, tell) => {
    // Names of the demonstration do not count.
    await engine.pool.query('truncate lender_rates, lender_rate_history, stocks, feed_states')
    for (const size of NAMES) {
      const source = stampedNow(generatedLenderFile(size, 0, 0))
      await importLenderFile(engine.pool, {
        source,
        provider: 'benchmark',
        demo: false,
        receivedAt: new Date(),
      })
      const tickers = quotableTickers(source)
      const bodies = singleBodies(CLIENT, tickers, Math.max(200, tickers.length))
      tell(await measuredPoint(engine, size, quotesOf(engine.url, engine.apiKey, bodies), effort))
    }
  })
}

/** Each broker with a key, and each key in turn. */
function withBrokers(options: BenchOptions, effort: Effort): AsyncIterable<Point> {
  return pointsOf(options, nothing, async (engine, tell) => {
    let there = 0
    for (const size of BROKERS) {
      await addBrokers(engine.pool, there, size)
      there = size
      const senders = Array.from({ length: size }, (_, index) => index)
      const bodies = singleBodies(CLIENT, undefined, size).map((body, index) =>
        JSON.stringify({ ...JSON.parse(body), client_id: clientOf(index) }),
      )
      const shot = { ...quotesOf(engine.url, '', bodies), keys: senders.map(keyOf) }
      tell(await measuredPoint(engine, size, shot, effort))
    }
  })
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
const clientOf = (index: number) => `grown-${String(index).padStart(6, '0')}`
const keyIdOf = (index: number) => `G${String(index).padStart(11, '0')}`
/** As the statement below makes them. */
const secretOf = (index: number) => `${md5(`${index} one`)}${md5(`${index} two`).slice(0, 16)}`
const keyOf = (index: number) => `bre_${keyIdOf(index)}_${secretOf(index)}`

async function addBrokers(pool: pg.Pool, from: number, to: number): Promise<void> {
  await pool.query(
    `insert into brokers (client_id, name, markup_percentage, transaction_fee_type, transaction_amount, day_count,
                          convention_pack, billing, pricing_model, tier, requests_per_minute, active)
     select 'grown-' || lpad(n::text, 6, '0'), 'Grown', 5, 'FLAT', 25, 'ACT/365', 'notional', 'term', 'standard-v1', 'internal',
            1000000, true
       from generate_series($1::integer, $2::integer) n`,
    [from, to - 1],
  )
  await pool.query(
    `insert into api_keys (key_id, secret_hash, client_id, role, label, created_at, expires_at)
     select 'G' || lpad(n::text, 11, '0'), sha256(convert_to(md5(n || ' one') || substr(md5(n || ' two'), 1, 16), 'UTF8')),
            'grown-' || lpad(n::text, 6, '0'), 'broker', 'benchmark', now(), now() + interval '1 day'
       from generate_series($1::integer, $2::integer) n`,
    [from, to - 1],
  )
  await pool.query('analyze brokers, api_keys')
}

/** A log that is filled before. */
async function* withRecords(options: BenchOptions, effort: Effort, sizes: readonly number[]): AsyncGenerator<Point> {
  for (const size of sizes) {
    yield* pointsOf(
      options,
      (pool) => fillHistory(pool, size),
      async (engine, tell) => {
        tell(await measuredPoint(engine, size, quotesOf(engine.url, engine.apiKey), effort))
      },
    )
  }
}

async function fillHistory(pool: pg.Pool, records: number): Promise<void> {
  if (records === 0) return
  const until = new Date(Date.now() - 60_000)
  await pool.query('select add_audit_months($1::date, 3)', [new Date(until.getTime() - DAYS * 86_400_000)])
  await fillLog(pool, { records, until, days: DAYS, trueTexts: false, connections: CONNECTIONS_OWN, onProgress: told })
  await pool.query('vacuum (analyze) audit_records, audit_seals')
}

function told(filled: number): void {
  if (filled > 0 && filled % RECORDS_TOLD === 0) console.log(`    ${filled / RECORDS_TOLD} million records filled`)
}

/** Beside bare node:http, which has its own trouble with many. */
function withConnections(options: BenchOptions, effort: Effort): AsyncIterable<Point> {
  return pointsOf(options, nothing, async (engine, tell) => {
    const quotes = quotesOf(engine.url, engine.apiKey)
    const server = await bareBaseline(engine.folder, await postEach(quotes))
    await withServer(server, async (pid) => {
      const contenders = {
        engine: engine.contender(quotes),
        bare: { shot: { ...quotes, url: server.url }, pids: { bare: pid } },
      }
      const driver = loadDriver(engine.folder)
      for (const size of CONNECTIONS) {
        const figures = await race(driver, contenders, { connections: size, ...effort })
        tell({ size, figures: figures.engine, bare: figures.bare })
      }
    })
  })
}
