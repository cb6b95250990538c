// What it costs to be watched: the same engine on the same database with the same requests, once with nothing switched on, once with
// metrics, and with traces of none, of one in a hundred and of all requests, which go to a collector. What counts is the processor time
// of a request against that of the engine with metrics, in one run.
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectDatabase } from '../../database/connect.ts'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { upgrade } from '../../database/migrate.ts'
import { seedDemoData, seedReferenceData } from '../../database/seed.ts'
import { withTemporaryFolder } from './bench-database.ts'
import { buildEngine, freePort, type ServerProcess, withServer, withServers } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { ALL_IN_ONE, NOTHING_SHED, READY_PATH } from './engine-program.ts'
import { loadDriver, postEach } from './load.ts'
import { type Contender, type Figures, printFigures, race } from './race.ts'
import { keyOfUnlimitedBroker, quotesOf } from './single.ts'
import { below } from './targets.ts'

const CONNECTIONS = 32
const WHOLE: Effort = { rounds: 5, seconds: 3, warmUpSeconds: 3 }
/** What tracing may cost on the processor, over metrics alone. */
const TRACING_MAX = 0.15
/** The setting's own default is a tenth. */
const HELD_TO_IT = {
  'metrics, traces of 10 %': 'as installed, of a tenth',
  'metrics, traces of 100 %': 'of all requests',
}

/** By name, what is switched on. */
const traced = (share: string) => ({ OTEL_ENABLED: 'true', OTEL_TRACES_SAMPLER_ARG: share })
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'nothing on': { METRICS_ENABLED: 'false' },
  metrics: {},
  'metrics, traces of 0 %': traced('0'),
  'metrics, traces of 1 %': traced('0.01'),
  'metrics, traces of 10 %': traced('0.1'),
  'metrics, traces of 100 %': traced('1'),
}
/** What the others are held against. */
const USUAL = 'metrics'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export async function observability(options: BenchOptions): Promise<object> {
  buildEngine()
  return withTemporaryFolder(async (folder) => {
    const log = { info: () => {}, warn: (message: string) => console.warn(message) }
    const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), durable: true, log })
    try {
      const apiKey = await prepared(server.url)
      const sink = await serverOf(folder, 'sink', ['--import', import.meta.resolve('tsx'), file('trace-sink.ts')], {})
      return await withServer({ ...sink, command: [...sink.command, new URL(sink.url).port] }, () =>
        raced(folder, server.url, sink.url, apiKey, effortOf(options, WHOLE)),
      )
    } finally {
      await server.stop()
    }
  })
}

async function raced(
  folder: string,
  databaseUrl: string,
  collector: string,
  apiKey: string,
  effort: Effort,
): Promise<object> {
  const engines = await Promise.all(
    Object.entries(KINDS).map(([name, settings], at) =>
      serverOf(folder, `engine-${at}`, ALL_IN_ONE, {
        HOST: '127.0.0.1',
        DATA_DIR: join(folder, `engine-${at}`),
        DATABASE_URL: databaseUrl,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector,
        // Whoever of them seals would do the work of all.
        AUDIT_SEAL_INTERVAL_MS: '60000',
        ...settings,
      }).then((engine) => ({ name, engine })),
    ),
  )
  return withServers(
    engines.map(({ engine }) => engine),
    async (pids) => {
      const before = loadavg()[0]!
      const contenders = Object.fromEntries(
        engines.map(({ name, engine: { url } }, at): [string, Contender] => {
          return [name, { shot: quotesOf(url, apiKey), pids: { engine: pids[at]! } }]
        }),
      )
      for (const { shot } of Object.values(contenders)) await postEach(shot)
      const driver = loadDriver(folder)
      const figures = await race(driver, contenders, { connections: CONNECTIONS, ...effort })
      return report(driver.name, effort, figures, before)
    },
  )
}

function report(
  load: string,
  { rounds, seconds }: Effort,
  figures: Readonly<Record<string, Figures>>,
  before: number,
): object {
  const usual = figures[USUAL]!
  console.log(
    `observability: ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s, load by ${load}; the machine had a load of ${before.toFixed(1)} before`,
  )
  const ratios: Record<string, { cpu: number; requests_per_second: number }> = {}
  for (const [name, own] of Object.entries(figures)) {
    const cpu = own.cpu_us.median / usual.cpu_us.median
    const rate = own.requests_per_second.median / usual.requests_per_second.median
    ratios[name] = { cpu, requests_per_second: rate }
    printFigures(name, own, 25)
    const words = `${cpu.toFixed(3)} of the processor time of "${USUAL}", ${rate.toFixed(3)} of its requests/s`
    console.log(`  ${''.padEnd(25)} ${words}`)
  }
  const targets = Object.entries(HELD_TO_IT).map(([name, words]) =>
    below(`traces ${words}, processor time over metrics alone`, TRACING_MAX, ratios[name]!.cpu - 1),
  )
  return { connections: CONNECTIONS, seconds, load, load_before: before, figures, ratios, targets }
}

/** A database with something to price. @returns the key of a broker without a limit */
async function prepared(url: string): Promise<string> {
  await upgrade(url)
  const pool = connectDatabase(url, { applicationName: 'benchmark', connectionsMax: 1 })
  try {
    await seedReferenceData(pool)
    await seedDemoData(pool, { now: new Date() })
    return await keyOfUnlimitedBroker(pool)
  } finally {
    await pool.end()
  }
}

async function serverOf(
  folder: string,
  name: string,
  command: readonly string[],
  environment: Record<string, string>,
): Promise<ServerProcess> {
  const port = await freePort()
  return {
    url: `http://127.0.0.1:${port}`,
    command,
    readyPath: READY_PATH,
    environment: { PORT: String(port), ...NOTHING_SHED, ...environment },
    logFile: join(folder, `${name}.log`),
  }
}
