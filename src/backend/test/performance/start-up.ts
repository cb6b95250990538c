// How long a service needs from the start of its process to the first 200 of its readiness: each of the five, everything in one process
// with a database that is there, and with one of its own kept from a former start; beside a bare node:http program that is started the
// same way. What a service stands on runs before, so that its own start is measured and nobody else's.
import { join } from 'node:path'
import { type FiveServices, SERVICE_NAMES, type ServiceName, startFiveServices } from '../../tools/local-cluster.ts'
import { startPostgres } from '../postgres.ts'
import { bareBaseline } from './bare-baseline.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, msToReady, untilAnswers } from './child-process.ts'
import { type BenchOptions, effortOf } from './effort.ts'
import { READY_PATH } from './engine-program.ts'
import { type Figure, interleaved, printed } from './rounds.ts'
import { allInOne } from './single.ts'
import { below } from './targets.ts'

const ROUNDS = 3
const TARGET_MS = 400

export async function startUp(options: BenchOptions): Promise<object> {
  buildEngine()
  const { rounds } = effortOf(options, { rounds: ROUNDS, seconds: 0, warmUpSeconds: 0 })
  return withTemporaryFolder(async (folder) => {
    const postgres = await startPostgres()
    try {
      const five = await startFiveServices({ postgres })
      try {
        const bare = await bareBaseline(folder, '{}')
        const named = await allInOne(folder, 'named-database', { DATABASE_URL: postgres.url })
        const embedded = await allInOne(folder, 'own-database', { DATA_DIR: join(folder, 'data') })
        const ofServices = Object.fromEntries(
          SERVICE_NAMES.map((name) => [name, () => msOfService(five, name)]),
        ) as Record<ServiceName, () => Promise<number>>
        const ms = await interleaved(rounds, {
          bare: () => msToReady(bare),
          ...ofServices,
          'all-in-one, DATABASE_URL': () => msToReady(named),
          // The round that is not measured makes the database.
          'all-in-one, its own database': () => msToReady(embedded),
        })
        return report(ms, rounds)
      } finally {
        await five.stop()
      }
    } finally {
      await postgres.end()
    }
  })
}

/** Ends it first, which is not counted. */
async function msOfService(five: FiveServices, name: ServiceName): Promise<number> {
  await five.kill(name, 'SIGTERM')
  const startMs = performance.now()
  const restarted = five.restart(name)
  // A failed start rejects there too, with what the service said.
  await Promise.race([untilAnswers(`${five.services[name].url}${READY_PATH}`, () => true), restarted])
  const ms = performance.now() - startMs
  await restarted
  return ms
}

function report(ms: Readonly<Record<string, Figure>>, rounds: number): object {
  console.log(`start-up: ms from the start of the process to ready, median (spread) of ${rounds} interleaved rounds`)
  for (const [name, of] of Object.entries(ms)) console.log(`  ${name.padEnd(30)} ${printed(of)}`)
  const slowest = Math.max(...SERVICE_NAMES.map((name) => ms[name]?.median ?? Number.NaN))
  return {
    unit: 'ms',
    rounds,
    ms,
    targets: [below('start-up of the slowest of the five services', TARGET_MS, slowest, 'ms')],
  }
}
