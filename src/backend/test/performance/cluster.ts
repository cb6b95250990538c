// Single quotes through five processes, beside the same engine in one process and beside a bare node:http server that parses the same
// body and answers the same bytes. Both engines keep their records in one PostgreSQL, forced to the disk; the five share copies
// through a Redis where there is one. Everything shares the cores of this machine: five processes cost more here and only pay where
// they have machines of their own, so what travels is the processor time of a quote and where it goes.
import type pg from 'pg'
import { connectDatabase } from '../../database/connect.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from '../../tools/local-cluster.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { startRedis, type TestRedis } from '../redis.ts'
import { redisPrograms } from '../redis-found.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { withServer } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { NOTHING_SHED } from './engine-program.ts'
import { loadDriver, postEach } from './load.ts'
import { type Figures, printFigures, race } from './race.ts'
import { allInOne, keyOfUnlimitedBroker, quotesOf, recordsKept, withFsync } from './single.ts'
import { atLeast } from './targets.ts'

const CONNECTIONS = 64
const WHOLE: Effort = { rounds: 4, seconds: 4, warmUpSeconds: 4 }

const NAMES = ['five_services', 'all_in_one', 'bare'] as const
type Name = (typeof NAMES)[number]
const WORDS: Readonly<Record<Name, string>> = {
  five_services: 'five services',
  all_in_one: 'all in one',
  bare: 'bare node:http',
}

export async function cluster(options: BenchOptions): Promise<object> {
  return withTemporaryFolder(async (folder) => {
    const ends: (() => Promise<unknown>)[] = []
    try {
      const postgres = await startPostgres()
      ends.push(() => postgres.end())
      const redis = redisPrograms() === null ? null : await startRedis()
      if (redis !== null) ends.push(() => redis.stop())
      const five = await startFiveServices({ postgres, ...(redis && { redis }), env: NOTHING_SHED })
      ends.push(() => five.stop())
      return await besideOneProcess(folder, { postgres, redis, five }, effortOf(options, WHOLE))
    } finally {
      for (const end of ends.reverse()) await end()
    }
  })
}

interface Stood {
  readonly postgres: RealPostgres
  readonly redis: TestRedis | null
  readonly five: FiveServices
}

async function besideOneProcess(folder: string, stood: Stood, effort: Effort): Promise<object> {
  const { postgres, redis, five } = stood
  const one = await allInOne(folder, 'all-in-one', { DATABASE_URL: postgres.url })
  const pool = connectDatabase(postgres.url, { applicationName: 'benchmark', connectionsMax: 1 })
  try {
    await withFsync(pool)
    const apiKey = await keyOfUnlimitedBroker(pool)
    return await withServer(one, async (pid) => {
      const [throughFive, throughOne] = [quotesOf(five.url, apiKey), quotesOf(one.url, apiKey)]
      const answer = await postEach(throughFive)
      await postEach(throughOne)
      const bare = await bareBaseline(folder, answer)
      return withServer(bare, async (barePid) => {
        const driver = loadDriver(folder)
        const store = { PostgreSQL: postgres.pid(), ...(redis && { Redis: redis.pid() }) }
        const ofServices = Object.fromEntries(SERVICE_NAMES.map((name) => [name, five.services[name].pid()]))
        const contenders = {
          five_services: { shot: throughFive, pids: { ...ofServices, ...store } },
          all_in_one: { shot: throughOne, pids: { 'all-in-one': pid, PostgreSQL: postgres.pid() } },
          bare: { shot: { ...throughOne, url: bare.url }, pids: { bare: barePid } },
        }
        const figures = await race(driver, contenders, { connections: CONNECTIONS, ...effort })
        const consumed = await consumedByFive(stood, pool, () => driver.run(throughFive, CONNECTIONS, effort.seconds))
        return report(driver.name, effort, figures, consumed, await recordsKept(pool))
      })
    })
  } finally {
    await pool.end()
  }
}

/** What a quote through five services takes of what they share. */
interface Consumed {
  /** Of write-ahead log, seals included. */
  readonly wal_bytes: number
  /** null: there is no Redis. */
  readonly redis_commands: number | null
}

async function consumedByFive(
  { redis }: Stood,
  pool: pg.Pool,
  load: () => Promise<{ requests: number }>,
): Promise<Consumed> {
  const wal = async () => {
    const { rows } = await pool.query<{ bytes: string }>(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`)
    return Number(rows[0]?.bytes)
  }
  const commands = async () =>
    redis === null ? 0 : Number(/total_commands_processed:([0-9]+)/.exec(await redis.say('info', 'stats'))?.[1])
  await pool.query('checkpoint')
  const [walBefore, commandsBefore] = [await wal(), await commands()]
  const { requests } = await load()
  return {
    wal_bytes: ((await wal()) - walBefore) / requests,
    redis_commands: redis === null ? null : ((await commands()) - commandsBefore) / requests,
  }
}

/** Everything of a contender but the stores, which are the same for both. */
const STORES: readonly string[] = ['PostgreSQL', 'Redis']

function report(
  load: string,
  { rounds, seconds }: Effort,
  figures: Record<Name, Figures>,
  consumed: Consumed,
  kept: number,
): object {
  const answered = figures.five_services.answered + figures.all_in_one.answered
  if (kept < answered) throw new Error(`${answered} quotes were answered and ${kept} are on the record`)
  console.log(`cluster: ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s`)
  for (const name of NAMES) printFigures(WORDS[name], figures[name], 15)
  const rate = (name: Name) => figures[name].requests_per_second.median
  const perCpuSecond = (name: Name, counted: (process: string) => boolean) =>
    1_000_000 /
    Object.entries(figures[name].cpu_us_of)
      .filter(([process]) => counted(process))
      .reduce((sum, [, us]) => sum + us.median, 0)
  const own = (name: Name) => perCpuSecond(name, (process) => !STORES.includes(process))
  const withStores = (name: Name) => perCpuSecond(name, () => true)
  const shares = {
    five_services_of_all_in_one: rate('five_services') / rate('all_in_one'),
    five_services_of_bare: rate('five_services') / rate('bare'),
    all_in_one_of_bare: rate('all_in_one') / rate('bare'),
  }
  const quotesPerCpuSecond = {
    five_services: own('five_services'),
    all_in_one: own('all_in_one'),
    five_services_with_stores: withStores('five_services'),
    all_in_one_with_stores: withStores('all_in_one'),
  }
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`
  console.log(
    `  five services answer ${percent(shares.five_services_of_all_in_one)} of what all in one answers on the same cores, and ` +
      `${percent(shares.five_services_of_bare)} of bare node:http (all in one: ${percent(shares.all_in_one_of_bare)})`,
  )
  console.log(
    `  quotes a second of processor time: ${own('five_services').toFixed(0)} of the five, ${own('all_in_one').toFixed(0)} of all in one; ` +
      `with PostgreSQL and Redis ${withStores('five_services').toFixed(0)} and ${withStores('all_in_one').toFixed(0)}`,
  )
  const commands = consumed.redis_commands === null ? '' : `, ${consumed.redis_commands.toFixed(2)} commands of Redis`
  console.log(
    `  a quote through five: ${consumed.wal_bytes.toFixed(0)} bytes of write-ahead log with its seal${commands}`,
  )
  console.log(`  ${answered} quotes answered, ${kept} on the record with the warm-up, fsync on`)
  return {
    connections: CONNECTIONS,
    seconds,
    load,
    ...figures,
    shares,
    quotes_per_cpu_second: quotesPerCpuSecond,
    consumed,
    answered,
    kept,
    targets: [
      atLeast(
        'five services, of what all in one answers in a second of processor time',
        0.5,
        quotesPerCpuSecond.five_services / quotesPerCpuSecond.all_in_one,
      ),
    ],
  }
}
