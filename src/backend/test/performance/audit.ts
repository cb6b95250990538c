// What it costs to keep every price on the record: quotes with their record on the disk before they are answered, beside the same
// program without that one step (no-audit-log.mjs), beside a bare node:http server that parses the same body and answers the same
// bytes, from one connection to many; and the same with one, two and four commits under way. Then what becomes of the records: how
// fast they are sealed, verified and priced again, and the room that one takes. Load, engine and database share the machine, so
// only the ratios travel.
import type pg from 'pg'
import { connectDatabase } from '../../database/connect.ts'
import { seedDemoData, seedReferenceData } from '../../database/seed.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { until } from '../until.ts'
import { auditChain } from './audit-chain.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, withServer, withServers } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { ALL_IN_ONE_WITHOUT_RECORD } from './engine-program.ts'
import { type LoadDriver, loadDriver, postEach } from './load.ts'
import { type Contender, type Figures, printFigures, race } from './race.ts'
import { allInOne, keyOfUnlimitedBroker, quotesOf, recordsKept, withFsync, withoutRecord } from './single.ts'
import { atLeast, below, type Target } from './targets.ts'

const CONNECTIONS = [1, 16, 64] as const
const LANES = ['1', '2', '4'] as const
const LANES_CONNECTIONS = 64
/** What the product takes unless AUDIT_LANES says otherwise. */
const LANES_DEFAULT = '2'
const WARM_UP = { connections: 64, rounds: 1, seconds: 3, warmUpSeconds: 0 }
const WHOLE: Effort = { rounds: 3, seconds: 2, warmUpSeconds: 1 }

const NAMES = ['audited', 'unaudited', 'bare'] as const
type Name = (typeof NAMES)[number]
const WORDS: Readonly<Record<Name, string>> = {
  audited: 'audited',
  unaudited: 'without its record',
  bare: 'bare node:http',
}

/** As seldom as can be. */
const NO_SEALING = { AUDIT_SEAL_INTERVAL_MS: '60000' }
/** A level does not pay for sealing the records of the one before. */
const SEALED_MS_MAX = 120_000

interface ByConnections {
  readonly connections: number
  readonly figures: Readonly<Record<Name, Figures>>
}

interface QuoteFigures {
  /** The median at the number of connections where it is highest. */
  readonly audited_per_second_max: number
  readonly targets: readonly Target[]
  readonly [name: string]: unknown
}

export async function audit(options: BenchOptions): Promise<object> {
  const { targets, ...quotes } = await auditedQuotes(effortOf(options, WHOLE))
  return { quotes, chain: await auditChain(options, quotes.audited_per_second_max as number), targets }
}

// ---- quotes

async function auditedQuotes(effort: Effort): Promise<QuoteFigures> {
  buildEngine()
  return withTemporaryFolder(async (folder) => {
    const postgres = await startPostgres()
    const pool = connectDatabase(postgres.url, { applicationName: 'benchmark', connectionsMax: 1 })
    try {
      await withFsync(pool)
      return await quotes(folder, postgres, pool, effort)
    } finally {
      await pool.end()
      await postgres.end()
    }
  })
}

/** All that the load is measured with: the engine with 1, 2 and 4 lanes, without its record, and the baseline. */
async function quotes(folder: string, postgres: RealPostgres, pool: pg.Pool, effort: Effort): Promise<QuoteFigures> {
  await seedReferenceData(pool)
  await seedDemoData(pool, { now: new Date() })
  const apiKey = await keyOfUnlimitedBroker(pool)
  const engine = (name: string, environment: Record<string, string>, command?: readonly string[]) =>
    allInOne(folder, name, { DATABASE_URL: postgres.url, ...environment }, command)
  const engines = await Promise.all([
    // One of them seals for all: in earnest one does.
    ...LANES.map((lanes) =>
      engine(`lanes-${lanes}`, { AUDIT_LANES: lanes, ...(lanes === LANES_DEFAULT ? {} : NO_SEALING) }),
    ),
    engine('unaudited', NO_SEALING, ALL_IN_ONE_WITHOUT_RECORD),
  ])
  return withServers(engines, async (pids) => {
    const contender = (at: number): Contender => ({
      shot: quotesOf(engines[at]!.url, apiKey),
      pids: { engine: pids[at]!, PostgreSQL: postgres.pid() },
    })
    const answer = await postEach(contender(0).shot)
    for (let at = 1; at < engines.length; at += 1) await postEach(contender(at).shot)
    await withoutRecord(pool, contender(LANES.length).shot)
    const bare = await bareBaseline(folder, answer)
    return withServer(bare, async (pid) => {
      const driver = loadDriver(folder)
      const contenders = {
        audited: contender(LANES.indexOf(LANES_DEFAULT)),
        unaudited: contender(LANES.length),
        bare: { shot: { ...contender(0).shot, url: bare.url }, pids: { bare: pid } },
      }
      const byLanes = { 1: contender(0), 2: contender(1), 4: contender(2) }
      // Under load enough to have every program compiled, and at once before it is measured: what rests is forgotten again.
      await race(driver, byLanes, WARM_UP)
      await allSealed(pool)
      const lanes = await race(driver, byLanes, { ...effort, connections: LANES_CONNECTIONS })
      await race(driver, contenders, WARM_UP)
      const byConnections: ByConnections[] = []
      for (const connections of CONNECTIONS) {
        await allSealed(pool)
        byConnections.push({ connections, figures: await race(driver, contenders, { ...effort, connections }) })
      }
      return report(driver, effort, byConnections, lanes, await recordsKept(pool), answer.length)
    })
  })
}

function allSealed(pool: pg.Pool): Promise<void> {
  return until('every record is sealed', SEALED_MS_MAX, async () => {
    const { rows } = await pool.query<{ left: string }>(
      'select (select count(*) from audit_records) - (select count(*) from audit_seals) as left',
    )
    return rows[0]?.left === '0'
  })
}

function report(
  driver: LoadDriver,
  { rounds, seconds }: Effort,
  byConnections: readonly ByConnections[],
  lanes: Record<(typeof LANES)[number], Figures>,
  kept: number,
  answerBytes: number,
): QuoteFigures {
  const answered =
    byConnections.reduce((sum, { figures }) => sum + figures.audited.answered, 0) +
    LANES.reduce((sum, count) => sum + lanes[count].answered, 0)
  if (kept < answered) throw new Error(`${answered} quotes were answered and ${kept} are on the record`)
  const shares = byConnections.map(({ connections, figures }) => {
    const rate = (name: Name) => figures[name].requests_per_second.median
    return {
      connections,
      audited_of_unaudited: rate('audited') / rate('unaudited'),
      audited_of_bare: rate('audited') / rate('bare'),
    }
  })
  const lanesShares = LANES.map((count) => ({
    lanes: count,
    of_one: lanes[count].requests_per_second.median / lanes['1'].requests_per_second.median,
  }))
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`
  console.log(`audit: ${rounds} interleaved rounds of ${seconds} s, fsync on`)
  for (const { connections, audited_of_unaudited, audited_of_bare } of shares) {
    console.log(
      `  ${String(connections).padStart(2)} connections: with its record on the disk ${percent(audited_of_unaudited)} of without, ` +
        `${percent(audited_of_bare)} of bare node:http`,
    )
  }
  console.log(
    `  ${LANES_CONNECTIONS} connections: ${lanesShares.map(({ lanes: count, of_one }) => `${count} lanes ${percent(of_one)}`).join(', ')} of one lane`,
  )
  for (const { connections, figures } of byConnections) {
    for (const name of NAMES) printFigures(`${String(connections).padStart(2)} x ${WORDS[name]}`, figures[name], 23)
  }
  for (const count of LANES) printFigures(`${LANES_CONNECTIONS} x audited, ${count} lanes`, lanes[count], 23)
  console.log(
    `  ${answered} audited quotes answered, ${kept} on the record with the warm-ups (${answerBytes} bytes each)`,
  )
  return {
    seconds,
    load: driver.name,
    answer_bytes: answerBytes,
    audited_per_second_max: Math.max(...byConnections.map(({ figures }) => figures.audited.requests_per_second.median)),
    shares,
    lanes_shares: lanesShares,
    by_connections: byConnections,
    lanes,
    answered,
    kept,
    targets: targetsOf(byConnections),
  }
}

/** Of one connection alone and of the most. */
function targetsOf(byConnections: readonly ByConnections[]): Target[] {
  const [lone, most] = [byConnections[0]!, byConnections.at(-1)!]
  const ofBare = (name: Name) =>
    most.figures[name].requests_per_second.median / most.figures.bare.requests_per_second.median
  return [
    atLeast(`audited quotes at ${most.connections} connections, of bare requests/s`, 0.4, ofBare('audited')),
    atLeast(
      `quotes without their record at ${most.connections} connections, of bare requests/s`,
      0.6,
      ofBare('unaudited'),
    ),
    below(`audited quotes at ${most.connections} connections, p99`, 10, most.figures.audited.p99_ms.median, 'ms'),
    below('a lone audited request, p50', 2, lone.figures.audited.p50_ms.median, 'ms'),
  ]
}
