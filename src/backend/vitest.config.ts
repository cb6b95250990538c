// Three kinds of tests. `pure`: no server, shared threads, milliseconds. `database` (`*.pg.test.ts`): each file has a database of
// its own on one PostgreSQL that is started for the run; TEST_POSTGRES=15 runs them on Debian's PostgreSQL 15. `redis`
// (`*.redis.test.ts`): each file starts its own servers. A file that needs both is named `*.redis.pg.test.ts`.
//
// The end-to-end suites run on one process, as `database`. What takes longer runs when it is named (`--project faults`),
// as .ci/run does: the end-to-end suites that look at what differs again, few of them on `all-in-one-with-redis`, most on
// `five-services` over PgBouncer and Redis with certificates between them; `faults`, where servers are killed under load; `fuzz` and
// `fuzz-other-half`, fifty thousand requests; `infrastructure` (`*.infrastructure.test.ts`), which runs the image, the manifests and the
// operators' commands; and `delivery` (`*.delivery.test.ts`), releases, canaries, alarms and recoveries from beginning to end; `console`
// (`*.console.test.ts`), a person at the screen: Chromium before the engine.
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { chromiumFoundOrInstalled, HOW_TO_GET_CHROMIUM } from './test/chromium-found.ts'
import type { DeploymentKind } from './test/end-to-end/deployment.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound, pgbouncerFoundOrInstalled } from './test/pgbouncer-found.ts'
import { howToGetPostgres, testBinaries } from './test/postgres-found.ts'
import { HOW_TO_GET_REDIS, redisFoundOrInstalled, redisPrograms } from './test/redis-found.ts'

const DATABASE_TESTS = '**/*.pg.test.ts'
const REDIS_TESTS = '**/*.redis.test.ts'
const REDIS_DATABASE_TESTS = '**/*.redis.pg.test.ts'

/** Packages, and builds, which come and go while somebody looks. */
const NO_TESTS = /^(node_modules|dist(\..*)?|infrastructure)$/

const FAULT_TESTS = 'test/faults/**/*.test.ts'
const INFRASTRUCTURE_TESTS = '**/*.infrastructure.test.ts'
const DELIVERY_TESTS = '**/*.delivery.test.ts'
const CONSOLE_TESTS = '**/*.console.test.ts'

// infrastructure/ is a package of its own, with a test runner of its own.
const exclude = [...configDefaults.exclude, '**/dist/**', 'infrastructure/**']
const namedProjects = process.argv.filter((_word, at, words) => words[at - 1] === '--project')
const isNamed = (project: string) => namedProjects.includes(project)
const hasPostgres = testBinaries() !== null
// A run of named files installs nothing. What stands after one of these is no file.
const OPTIONS_WITH_A_WORD = new Set(['--project', '--reporter', '--exclude', '-t', '--testNamePattern'])
const namedFiles = process.argv
  .slice(2)
  .filter((word, at, words) => word !== 'run' && !word.startsWith('-') && !OPTIONS_WITH_A_WORD.has(words[at - 1] ?? ''))
const hasRedis = namedFiles.length > 0 ? redisPrograms() !== null : redisFoundOrInstalled()
// Without it the tests that go through it skip by themselves, and say so.
const hasPgbouncer = namedFiles.length === 0 && hasPostgres ? pgbouncerFoundOrInstalled() : pgbouncerFound() !== null

const hasChromium = isNamed('console') && chromiumFoundOrInstalled()
if (isNamed('console') && !hasChromium) {
  console.warn(`\nThe stories of the console are skipped: there is no browser. To get one: ${HOW_TO_GET_CHROMIUM}\n`)
}

const skipped = testFiles().filter(
  (file) => (!hasPostgres && file.endsWith('.pg.test.ts')) || (!hasRedis && /\.redis\.(pg\.)?test\.ts$/.test(file)),
)
if (skipped.length > 0) {
  const missing = [
    ...(hasPostgres ? [] : [`there is no PostgreSQL to test on. To get one: ${howToGetPostgres()}`]),
    ...(hasRedis ? [] : [`there is no Redis to test on. To get one: ${HOW_TO_GET_REDIS}`]),
  ]
  console.warn(`\n${skipped.length} test files are skipped: ${missing.join('; ')}\n`)
}
if (hasPostgres && !hasRedis) console.warn(`The end-to-end suites run on one process only: ${HOW_TO_GET_REDIS}\n`)
else if (hasPostgres && !hasPgbouncer) {
  console.warn(`The end-to-end suites do not run on five services: ${HOW_TO_GET_PGBOUNCER}\n`)
}

const endToEnd = (names: readonly string[]) => names.map((name) => `test/end-to-end/${name}.pg.test.ts`)
/**
 * What Redis changes in one process: limits, shared copies and what they know of changes, news of rates, the state of what it stands on.
 * A history is priced from rows that nobody keeps a copy of.
 */
const BESIDE_REDIS = ['api-keys', 'quotes.access', 'administration', 'rates', 'rates.list', 'operations', 'stream']
/**
 * What five processes change: answers come from behind the gateway. What the gateway says by itself is the same everywhere: hostile
 * input, headers, origins, the document. A history and a comparison are texts that it passes on as they are: that they come, and to whom, is
 * in `contract`; what stands in them, and what the typed client makes of them, is looked at on one process.
 */
const BETWEEN_SERVICES = [
  ...[...BESIDE_REDIS, 'quotes.inputs', 'quotes.price', 'batches', 'webhooks', 'traces', 'records'],
  ...['audit', 'config-and-health', 'contract', 'hostile-input.fields'],
]

/** A server, an engine, and for the first who needs it the build, on a machine that does other things as well. */
const START_MS_MAX = 180_000

/** Cut from Redis it waits a minute for what is looked at once a minute: not alone, as the other faults, but beside these. */
const STREAM_FAULTS = 'test/faults/stream.redis.pg.test.ts'

/** Each a process that asks and an engine that answers: half of fifty thousand requests, of a seed of its own. */
const FUZZ_HALVES = ['fuzz', 'fuzz-other-half'] as const
const FUZZ_REQUESTS = '25000'

/** The project of the end-to-end suites on another deployment. */
function deployedAs(name: DeploymentKind, include: string[]) {
  return {
    test: {
      name,
      include,
      env: { DEPLOYMENT: name },
      exclude,
      pool: 'forks' as const,
      globalSetup: ['./test/postgres-server.ts', './test/end-to-end/servers.ts'],
      testTimeout: 20_000,
      hookTimeout: START_MS_MAX,
    },
  }
}

function testFiles(folder = ''): string[] {
  return readdirSync(join(import.meta.dirname, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return NO_TESTS.test(entry.name) ? [] : testFiles(path)
    return entry.name.endsWith('.test.ts') ? [path] : []
  })
}

export default defineConfig({
  test: {
    // Most of a test on servers is waiting for them: two files at a time even on a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    passWithNoTests: !hasPostgres || !hasRedis || !hasPgbouncer || (isNamed('console') && !hasChromium),
    projects: [
      {
        test: {
          name: 'pure',
          include: ['**/*.test.ts'],
          exclude: [...exclude, DATABASE_TESTS, REDIS_TESTS, INFRASTRUCTURE_TESTS, DELIVERY_TESTS, CONSOLE_TESTS],
          pool: 'threads',
          isolate: false,
          // Properties are tried on hundreds of inputs, on machines that do other things as well.
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'database',
          include: hasPostgres ? [DATABASE_TESTS] : [],
          exclude: [...exclude, FAULT_TESTS, ...(hasRedis ? [] : [REDIS_DATABASE_TESTS])],
          pool: 'forks',
          globalSetup: ['./test/postgres-server.ts'],
          testTimeout: 20_000,
          hookTimeout: START_MS_MAX,
        },
      },
      {
        test: {
          name: 'redis',
          include: hasRedis ? [REDIS_TESTS] : [],
          exclude,
          pool: 'forks',
          testTimeout: 20_000,
          hookTimeout: START_MS_MAX,
        },
      },
      deployedAs(
        'all-in-one-with-redis',
        isNamed('all-in-one-with-redis') && hasPostgres && hasRedis ? endToEnd(BESIDE_REDIS) : [],
      ),
      deployedAs(
        'five-services',
        isNamed('five-services') && hasPostgres && hasRedis
          ? [...(hasPgbouncer ? endToEnd(BETWEEN_SERVICES) : []), STREAM_FAULTS]
          : [],
      ),
      ...FUZZ_HALVES.map((name, seedsOn) => ({
        test: {
          name,
          include: isNamed(name) && hasPostgres ? ['test/end-to-end/fuzz.pg.test.ts'] : [],
          env: { FUZZ_REQUESTS, FUZZ_SEEDS_ON: String(seedsOn) },
          exclude,
          pool: 'forks' as const,
          globalSetup: ['./test/postgres-server.ts'],
          hookTimeout: START_MS_MAX,
        },
      })),
      // A container engine, a cluster's firewall rules, a whole release. Much of it is waiting for other programs: two files at a time.
      ...(
        [
          ['infrastructure', INFRASTRUCTURE_TESTS],
          ['delivery', DELIVERY_TESTS],
        ] as const
      ).map(([name, tests]) => ({
        test: {
          name,
          include: isNamed(name) ? [tests] : [],
          exclude,
          pool: 'forks' as const,
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      })),
      {
        test: {
          name: 'console',
          include: hasChromium && hasPostgres ? [CONSOLE_TESTS] : [],
          exclude,
          pool: 'forks',
          // A browser takes what there is of a small machine.
          maxWorkers: 1,
          globalSetup: ['./test/postgres-server.ts'],
          testTimeout: 60_000,
          hookTimeout: START_MS_MAX,
        },
      },
      {
        test: {
          name: 'faults',
          include: isNamed('faults') && hasPostgres ? [FAULT_TESTS] : [],
          exclude: [...exclude, STREAM_FAULTS, ...(hasRedis ? [] : [REDIS_DATABASE_TESTS])],
          pool: 'forks',
          // They look at what is late: nothing else runs beside them.
          maxWorkers: 1,
          globalSetup: ['./test/postgres-server.ts'],
          testTimeout: 20_000,
          hookTimeout: START_MS_MAX,
        },
      },
    ],
  },
})
