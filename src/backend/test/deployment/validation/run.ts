// `src/test/scripts/run_smoke_tests.sh` and `run_integration_tests.sh`: whether a deployment works, seen from outside, by any address where
// an engine answers. Exit status 0: all that was looked at is as it should be. 1: something is not. 2: it could not be run.
import { parseArgs } from 'node:util'
import { baseUrlOf, ENVIRONMENTS, type EnvironmentName, KEY_SOURCES, keysOf, UsageError } from './address.ts'
import { type Check, runChecks } from './check.ts'
import { engineAt } from './engine.ts'
import { INTEGRATION_CHECKS, SUBSETS } from './integration-checks.ts'
import { type Run, resultText, totalText, writeReport } from './report.ts'
import { SMOKE_CHECKS } from './smoke-checks.ts'

const STATUS = { ok: 0, failed: 1, notRun: 2 } as const
const TIMEOUT_SECONDS = '30'
const LATENCY_MS = '250'
const TICKER = 'AAPL'
/** Whose terms price where nobody says: the desk's own broker, on this machine the demonstration's. */
const CLIENT_ID = 'house'
const LOCAL_CLIENT_ID = 'demo-classic'

const SUITES = {
  smoke: { what: 'smoke tests', script: 'run_smoke_tests.sh', checks: () => SMOKE_CHECKS },
  integration: { what: 'integration tests', script: 'run_integration_tests.sh', checks: integrationChecks },
} as const
type SuiteName = keyof typeof SUITES

const OPTIONS = {
  environment: { type: 'string' },
  'base-url': { type: 'string' },
  'api-key-file': { type: 'string' },
  'auditor-key-file': { type: 'string' },
  'admin-key-file': { type: 'string' },
  'client-id': { type: 'string' },
  ticker: { type: 'string' },
  'expect-version': { type: 'string' },
  'latency-ms': { type: 'string' },
  subset: { type: 'string' },
  report: { type: 'string' },
  timeout: { type: 'string' },
  'allow-writes': { type: 'boolean' },
  strict: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

type Options = ReturnType<typeof readOptions>

try {
  const [suite, ...words] = process.argv.slice(2)
  if (suite !== 'smoke' && suite !== 'integration') throw new UsageError('Say smoke or integration first.')
  const options = readOptions(words)
  if (options.help) console.log(help(suite))
  else process.exitCode = await validate(suite, options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = STATUS.notRun
}
// Connections that are kept open for a while would hold the process.
process.exit()

async function validate(suite: SuiteName, options: Options): Promise<number> {
  const environment = environmentOf(options.environment)
  const { what, checks: checksFor } = SUITES[suite]
  const checks = checksFor(options)
  const baseUrl = baseUrlOf(environment, options['base-url'], process.env)
  const keys = keysOf(environment, options, process.env)
  if (keys.quoting === undefined) {
    throw new UsageError(
      `The ${what} ask with a key of a broker or the desk. Give --api-key-file, or set ${KEY_SOURCES.quoting.variable}.`,
    )
  }
  const timeoutMs = number(options.timeout ?? TIMEOUT_SECONDS, 'timeout') * 1000
  const engine = engineAt({
    baseUrl,
    keys,
    clientId: options['client-id'] ?? (environment === 'local' ? LOCAL_CLIENT_ID : CLIENT_ID),
    ticker: options.ticker ?? TICKER,
    latencyMs: number(options['latency-ms'] ?? LATENCY_MS, 'latency-ms'),
    version: options['expect-version'] ?? null,
    mayBeOneProcess: environment === 'local',
    timeoutMs,
  })
  const startedAt = new Date()
  console.log(`${what[0]?.toUpperCase()}${what.slice(1)} of ${environment}, ${baseUrl}\n`)
  const results = await runChecks(checks, engine, {
    timeoutMs,
    changesRefused:
      environment === 'prod' && !options['allow-writes']
        ? 'it changes data, which prod needs --allow-writes for'
        : null,
    onResult: (result) => console.log(resultText(result)),
  })
  const run: Run = { what, environment, baseUrl, startedAt, ms: Date.now() - startedAt.getTime(), results }
  console.log(`\n${totalText(run)}`)
  if (options.report !== undefined) writeReport(options.report, run)
  const bad = results.filter(({ outcome }) => outcome === 'failed' || (options.strict && outcome === 'skipped'))
  return bad.length === 0 ? STATUS.ok : STATUS.failed
}

function integrationChecks({ subset = 'all' }: Options): readonly Check[] {
  const [first, ...others] = INTEGRATION_CHECKS
  if (first === undefined) return []
  if (subset === 'all') return INTEGRATION_CHECKS
  const chosen = SUBSETS[subset]
  if (chosen === undefined) {
    throw new UsageError(`There is no subset ${subset}. There are: all, ${Object.keys(SUBSETS).join(', ')}.`)
  }
  return [first, ...others.filter(({ group }) => chosen.includes(group))]
}

function environmentOf(said: string | undefined): EnvironmentName {
  const found = ENVIRONMENTS.find((name) => name === said)
  if (found === undefined) {
    throw new UsageError(
      `Give --environment: one of ${ENVIRONMENTS.join(', ')}${said === undefined ? '' : `, not ${said}`}.`,
    )
  }
  return found
}

function number(text: string, option: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${option} must be a number above 0.`)
  return value
}

function readOptions(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nWith --help it says what it takes.`)
  }
}

function help(suite: SuiteName): string {
  const { script, what } = SUITES[suite]
  const subset = `
  --subset NAME            all (unless said), critical (all but administration), or one of
                           ${Object.keys(SUBSETS)
                             .filter((name) => name !== 'critical')
                             .join(', ')}
  --allow-writes           in prod: also the checks that make things an administrator keeps.
                           They make a broker and a key of their own, and put both out of use`
  return `src/test/scripts/${script} --environment ${ENVIRONMENTS.join('|')} [options]

Runs the ${what} against a deployment, from outside. Exit status 0: all is as it should be.
1: something is not (a warning is no failure). 2: it could not be run as asked.

  --environment ENV        which deployment
  --base-url URL           where it answers; else BASE_URL_DEV, BASE_URL_STAGING or BASE_URL_PROD.
                           local is the engine on this machine, else http://127.0.0.1:8000
  --api-key-file FILE      a file with the key of a broker or the desk; else BORROW_RATE_API_KEY
  --auditor-key-file FILE  an auditor's key, to look at the record; else BORROW_RATE_AUDITOR_KEY
  --admin-key-file FILE    an administrator's key; else BORROW_RATE_ADMIN_KEY. It may audit as well.
                           local takes the demonstration's keys where there are some
  --client-id ID           whose terms price: the key's own broker. Unless said ${CLIENT_ID}, local ${LOCAL_CLIENT_ID}
  --ticker TICKER          what is priced; ${TICKER} unless said
  --expect-version VERSION the version that must answer; any unless said
  --latency-ms MS          what a price may take before it is a warning; ${LATENCY_MS} unless said${suite === 'integration' ? subset : ''}
  --report FILE            also writes what was found: JUnit when it ends in .xml, else JSON
  --timeout SECONDS        for one check; ${TIMEOUT_SECONDS} unless said
  --strict                 what is skipped counts as failed

Prices are asked for in every environment, and are on the record under the key that asked.`
}
