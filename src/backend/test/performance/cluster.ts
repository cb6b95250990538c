// Single quotes through five processes, beside the same engine in one process and beside a bare node:http server that parses the same
// body and answers the same bytes. Both engines keep their records in one PostgreSQL, forced to the disk; the five share copies
// through a Redis where there is one. Everything shares the cores of this machine: five processes cost more here and only pay where
// they have machines of their own, so what travels is the processor time of a quote and where it goes.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectDatabase } from '../../database/connect.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from '../../tools/local-cluster.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { startRedis } from '../redis.ts'
import { redisPrograms } from '../redis-found.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { freePort, withServer } from './child-process.ts'
import { type LoadDriver, loadDriver, post, type Shot } from './load.ts'
import { type Figures, printFigures, race } from './race.ts'
import { keyOfUnlimitedBroker, REQUEST, recordsKept } from './single.ts'

const CONNECTIONS = 64
const ROUNDS = 4
const SECONDS = 4
const WARM_UP_SECONDS = 3

const NAMES = ['five_services', 'all_in_one', 'bare'] as const
type Name = (typeof NAMES)[number]
const WORDS: Readonly<Record<Name, string>> = {
  five_services: 'five services',
  all_in_one: 'all in one',
  bare: 'bare node:http',
}

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export async function cluster(): Promise<object> {
  return withTemporaryFolder(async (folder) => {
    const ends: (() => Promise<unknown>)[] = []
    try {
      const postgres = await startPostgres()
      ends.push(() => postgres.end())
      const redis = redisPrograms() === null ? null : await startRedis()
      if (redis !== null) ends.push(() => redis.stop())
      const five = await startFiveServices({ postgres, ...(redis && { redis }) })
      ends.push(() => five.stop())
      return { redis: redis !== null, ...(await besideOneProcess(folder, postgres, five)) }
    } finally {
      for (const end of ends.reverse()) await end()
    }
  })
}

async function besideOneProcess(folder: string, postgres: RealPostgres, five: FiveServices): Promise<object> {
  const url = `http://127.0.0.1:${await freePort()}`
  const allInOne = {
    url,
    command: ['--enable-source-maps', file('../../dist/services/all-in-one.js')],
    readyPath: '/api/v1/health/readiness',
    environment: { PORT: new URL(url).port, HOST: '127.0.0.1', DATABASE_URL: postgres.url },
    logFile: join(folder, 'all-in-one.log'),
  }
  const pool = connectDatabase(postgres.url, { applicationName: 'benchmark', connectionsMax: 1 })
  try {
    const { rows } = await pool.query<{ fsync: string }>('show fsync')
    if (rows[0]?.fsync !== 'on') throw new Error('the database runs without fsync: its figures would mean nothing')
    const apiKey = await keyOfUnlimitedBroker(pool)
    return await withServer(allInOne, async (pid) => {
      const headers = { 'Content-Type': 'application/json', 'X-API-Key': apiKey }
      const quote = (of: string): Shot => ({
        url: `${of}/api/v1/calculate-locate`,
        headers,
        body: JSON.stringify(REQUEST),
      })
      const answer = await post(quote(five.url))
      const bare = await bareBaseline(folder, answer)
      return withServer(bare, async (barePid) => {
        const driver = loadDriver(folder)
        const figures = await race(
          driver,
          {
            five_services: {
              shot: quote(five.url),
              pids: Object.fromEntries(SERVICE_NAMES.map((name) => [name, five.services[name].pid()])),
            },
            all_in_one: { shot: quote(url), pids: { 'all-in-one': pid } },
            bare: { shot: { ...quote(bare.url), url: bare.url }, pids: { bare: barePid } },
          },
          { connections: CONNECTIONS, rounds: ROUNDS, seconds: SECONDS, warmUpSeconds: WARM_UP_SECONDS },
        )
        return report(driver, figures, await recordsKept(pool), answer.length)
      })
    })
  } finally {
    await pool.end()
  }
}

function report(driver: LoadDriver, figures: Record<Name, Figures>, kept: number, answerBytes: number): object {
  const answered = figures.five_services.answered + figures.all_in_one.answered
  if (kept < answered) throw new Error(`${answered} quotes were answered and ${kept} are on the record`)
  console.log(
    `cluster: ${CONNECTIONS} connections, ${ROUNDS} interleaved rounds of ${SECONDS} s, load by ${driver.name}`,
  )
  for (const name of NAMES) printFigures(WORDS[name], figures[name], 15)
  const rate = (name: Name) => figures[name].requests_per_second.median
  const shares = {
    five_services_of_all_in_one: rate('five_services') / rate('all_in_one'),
    five_services_of_bare: rate('five_services') / rate('bare'),
    all_in_one_of_bare: rate('all_in_one') / rate('bare'),
  }
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`
  console.log(
    `  five services answer ${percent(shares.five_services_of_all_in_one)} of what all in one answers on the same cores, and ` +
      `${percent(shares.five_services_of_bare)} of bare node:http (all in one: ${percent(shares.all_in_one_of_bare)})`,
  )
  console.log(`  ${answered} quotes answered, ${kept} on the record with the warm-up, fsync on`)
  return {
    connections: CONNECTIONS,
    seconds: SECONDS,
    load: driver.name,
    answer_bytes: answerBytes,
    ...figures,
    shares,
    answered,
    kept,
  }
}
