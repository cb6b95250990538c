// Memory that the engine holds when nobody asks: each of the five services, and everything in one process with its own PostgreSQL, after
// they became ready and rested, and again after a load and a rest; beside a bare node:http process that answered the same.

import { setTimeout as sleep } from 'node:timers/promises'
import { connectDatabase } from '../../database/connect.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from '../../tools/local-cluster.ts'
import { startPostgres } from '../postgres.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { withServer } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { NOTHING_SHED } from './engine-program.ts'
import { type LoadDriver, loadDriver, postEach, type Shot } from './load.ts'
import { residentMib, togetherMib } from './resident.ts'
import { type Figure, figure, printed } from './rounds.ts'
import { keyOfUnlimitedBroker, type MeasuredEngine, quotesOf, withEngine } from './single.ts'
import { below } from './targets.ts'

const CONNECTIONS = 64
/** `warmUpSeconds`: the rest before each reading. */
const WHOLE: Effort = { rounds: 2, seconds: 6, warmUpSeconds: 8 }
const IDLE_MIB = 120
const EMBEDDED_MIB = 250

/** MiB by process; the times of one round. */
interface Reading {
  readonly idle: Readonly<Record<string, number>>
  readonly loaded: Readonly<Record<string, number>>
  /** Quotes that were answered in between, by who answered. */
  readonly quotes: Readonly<Record<string, number>>
}

export async function memory(options: BenchOptions): Promise<object> {
  const { rounds, seconds, warmUpSeconds: restSeconds } = effortOf(options, WHOLE)
  const readings: Reading[] = []
  for (let round = 0; round < rounds; round += 1) {
    readings.push(await withAll((all) => readingOf(all, seconds, restSeconds)))
  }
  return report(readings, seconds, restSeconds)
}

interface Running {
  readonly five: FiveServices
  readonly engine: MeasuredEngine
  readonly barePid: number
  /** Quotes for each of them. */
  readonly shots: Readonly<Record<'five services' | 'all-in-one' | 'bare', Shot>>
  readonly driver: LoadDriver
}

/** Everything is started anew in each round. */
function withAll<T>(work: (all: Running) => Promise<T>): Promise<T> {
  return withTemporaryFolder(async (folder) => {
    const postgres = await startPostgres()
    try {
      const five = await startFiveServices({ postgres, env: NOTHING_SHED })
      try {
        return await withEngine(async (engine) => {
          const pool = connectDatabase(postgres.url, { applicationName: 'benchmark', connectionsMax: 1 })
          const throughFive = quotesOf(five.url, await keyOfUnlimitedBroker(pool).finally(() => pool.end()))
          const throughOne = quotesOf(engine.url, await keyOfUnlimitedBroker(engine.pool))
          const bare = await bareBaseline(
            folder,
            await postEach({ ...throughOne, bodies: throughOne.bodies.slice(0, 1) }),
          )
          return withServer(bare, (barePid) =>
            work({
              five,
              engine,
              barePid,
              shots: {
                'five services': throughFive,
                'all-in-one': throughOne,
                bare: { ...throughOne, url: bare.url },
              },
              driver: loadDriver(folder),
            }),
          )
        })
      } finally {
        await five.stop()
      }
    } finally {
      await postgres.end()
    }
  })
}

async function readingOf(all: Running, seconds: number, restSeconds: number): Promise<Reading> {
  await sleep(restSeconds * 1_000)
  const idle = mibOf(all)
  const quotes: Record<string, number> = {}
  for (const [name, shot] of Object.entries(all.shots)) {
    quotes[name] = (await all.driver.run(shot, CONNECTIONS, seconds)).requests
  }
  await sleep(restSeconds * 1_000)
  return { idle, loaded: mibOf(all), quotes }
}

const TOGETHER = 'all-in-one with its PostgreSQL'

function mibOf({ five, engine, barePid }: Running): Record<string, number> {
  const [own, postgres] = [residentMib(engine.pid), togetherMib(engine.postgresPid)]
  return {
    'bare node:http': residentMib(barePid),
    ...Object.fromEntries(SERVICE_NAMES.map((name) => [name, residentMib(five.services[name].pid())])),
    'all-in-one': own,
    'its PostgreSQL': postgres,
    [TOGETHER]: own + postgres,
  }
}

function report(readings: readonly Reading[], seconds: number, restSeconds: number): object {
  const over = (when: 'idle' | 'loaded' | 'quotes'): Record<string, Figure> =>
    Object.fromEntries(
      Object.keys(readings[0]![when]).map((name) => [name, figure(readings.map((one) => one[when][name] as number))]),
    )
  const [idle, loaded, quotes] = [over('idle'), over('loaded'), over('quotes')]
  console.log(
    `memory: MiB resident after a rest of ${restSeconds} s, and again after ${seconds} s of quotes on ${CONNECTIONS} connections and a rest; median (spread) of ${readings.length} rounds`,
  )
  for (const [name, before] of Object.entries(idle)) {
    console.log(`  ${name.padEnd(32)} ${printed(before).padEnd(18)} after load ${printed(loaded[name] as Figure)}`)
  }
  console.log(
    `  quotes in between: ${Object.entries(quotes)
      .map(([name, of]) => `${name} ${printed(of)}`)
      .join(', ')}`,
  )
  console.log('  of PostgreSQL, whose processes share most of what they hold, a page that several hold counts once')
  const largest = Math.max(...SERVICE_NAMES.map((name) => idle[name]?.median ?? Number.NaN))
  return {
    unit: 'MiB',
    rounds: readings.length,
    rest_seconds: restSeconds,
    load_seconds: seconds,
    idle,
    loaded,
    quotes,
    targets: [
      below('resident memory, idle, of the largest of the five services', IDLE_MIB, largest, 'MiB'),
      below(
        'resident memory, idle, all in one with its PostgreSQL',
        EMBEDDED_MIB,
        idle[TOGETHER]?.median ?? Number.NaN,
        'MiB',
      ),
    ],
  }
}
