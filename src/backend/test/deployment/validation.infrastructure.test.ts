// What validates a deployment, run as a pipeline runs it: against engines that work, in one process and in five, and against engines that
// are wrong in ways that matter, where it must fail with the words for what is wrong.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FiveServices, startFiveServices } from '../../tools/local-cluster.ts'
import { onPath } from '../debian-package.ts'
import { type Deployment, startDeployment } from '../end-to-end/deployment.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { howToGetPostgres, testBinaries } from '../postgres-found.ts'
import { type Altered, startAlteringProxy } from './altering-proxy.ts'

const SCRIPTS = fileURLToPath(new URL('../../../test/scripts/', import.meta.url))
const SMOKE = join(SCRIPTS, 'run_smoke_tests.sh')
const INTEGRATION = join(SCRIPTS, 'run_integration_tests.sh')
/** Listens nowhere: a port that no server takes. */
const NOBODY = 'http://127.0.0.1:9'

const hasPostgres = testBinaries() !== null
if (!hasPostgres) console.warn(`The validation of deployments is not tested: ${howToGetPostgres()}`)
const shellcheck = onPath('shellcheck')
if (shellcheck === null)
  console.warn('The scripts are not linted: apt-get install -y --no-install-recommends shellcheck')

interface Ran {
  readonly status: number
  readonly text: string
}

function run(script: string, words: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: '/nonexistent', ...variables }
  return new Promise((done) => {
    // From another folder, as a pipeline may.
    execFile(script, [...words], { env, cwd: tmpdir() }, (error, stdout, stderr) => {
      done({ status: error === null ? 0 : Number(error.code), text: stdout + stderr })
    })
  })
}

/** The line of a check, and those below it that say what was expected and seen. */
function lineOf(text: string, words: string): string {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => line.includes(words))
  return lines.slice(at, at + 3).join('\n')
}

const folder = mkdtempSync(join(tmpdir(), 'validation-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.runIf(shellcheck !== null)('the scripts', () => {
  test('are sound shell', () => {
    const { status, stdout } = spawnSync(shellcheck as string, [SMOKE, INTEGRATION], { encoding: 'utf8' })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})

describe('asked for what it cannot do', () => {
  test.each([
    ['no environment', [], 'Give --environment: one of local, dev, staging, prod.'],
    ['an unknown one', ['--environment', 'production'], 'one of local, dev, staging, prod, not production.'],
    ['no address', ['--environment', 'staging'], 'There is no address for staging. Set BASE_URL_STAGING'],
    ['no URL', ['--environment', 'dev', '--base-url', 'dev'], 'must begin with https:// or http://'],
    ['no key', ['--environment', 'dev', '--base-url', NOBODY], 'Give --api-key-file, or set BORROW_RATE_API_KEY.'],
    ['an unknown option', ['--enviroment', 'dev'], "Unknown option '--enviroment'"],
    [
      'an unknown subset',
      ['--environment', 'local', '--subset', 'most'],
      'There is no subset most. There are: all, critical',
    ],
    ['no number', ['--environment', 'dev', '--base-url', NOBODY, '--timeout', 'long'], '--timeout must be a number'],
  ])('%s: it says what to do, and ends with 2', async (what, words, sentence) => {
    const key: Record<string, string> = what === 'no key' ? {} : { BORROW_RATE_API_KEY: 'key' }
    const { status, text } = await run(INTEGRATION, words, key)
    expect(text).toContain(sentence)
    expect(status).toBe(2)
  })

  test('--help says all that it takes', async () => {
    const { status, text } = await run(INTEGRATION, ['--help'])
    expect(status).toBe(0)
    for (const option of [
      '--environment',
      '--base-url',
      '--api-key-file',
      '--subset',
      '--report',
      '--timeout',
      '--strict',
    ])
      expect(text).toContain(option)
  })
})

describe.runIf(hasPostgres)('on one process', () => {
  let engine: Deployment
  let keys: Record<string, string>
  beforeAll(async () => {
    engine = await startDeployment({ database: 'embedded' })
    keys = {
      BORROW_RATE_API_KEY: engine.keys.desk,
      BORROW_RATE_AUDITOR_KEY: engine.keys.auditor,
      BORROW_RATE_ADMIN_KEY: engine.keys.admin,
    }
  })
  const local = () => ['--environment', 'local', '--base-url', engine.url]

  test('the smoke tests pass, and the report says so', async () => {
    const report = join(folder, 'smoke.json')
    const { status, text } = await run(SMOKE, [...local(), '--strict', '--report', report], keys)
    expect(text).toMatch(/\n13 passed, 0 failed, in /)
    expect(status).toBe(0)
    const { results, environment } = JSON.parse(readFileSync(report, 'utf8'))
    expect(environment).toBe('local')
    expect(results.map((result: { outcome: string }) => result.outcome)).toEqual(Array(13).fill('ok'))
  })

  test('all integration tests pass, and leave nothing in use', async () => {
    const report = join(folder, 'integration.xml')
    const { status, text } = await run(INTEGRATION, [...local(), '--strict', '--report', report], keys)
    expect(text).toMatch(/ 0 failed, in /)
    expect(status, text).toBe(0)
    expect(readFileSync(report, 'utf8')).toMatch(
      /<testsuite name="integration tests of local" tests="\d\d" failures="0"/,
    )
    const { rows } = await engine.database.query(
      `SELECT count(*) FILTER (WHERE b.active) AS brokers, count(*) FILTER (WHERE k.revoked_at IS NULL) AS keys, count(*) AS made
       FROM brokers b LEFT JOIN api_keys k USING (client_id) WHERE b.client_id LIKE 'validation-%'`,
    )
    expect(rows).toEqual([{ brokers: '0', keys: '0', made: '1' }])
  })

  test('the critical ones leave administration out, and ask with a key from a file', async () => {
    const file = join(folder, 'key')
    writeFileSync(file, `${engine.keys.desk}\n`)
    const { BORROW_RATE_API_KEY: _, ...others } = keys
    const words = [...local(), '--subset', 'critical', '--api-key-file', file]
    const { status, text } = await run(INTEGRATION, words, others)
    expect(status, text).toBe(0)
    expect(text).not.toContain('a new broker is set up')
    expect(text).toContain('a price is sealed into the chain')
  })

  test("without an auditor's key the record is not looked at, which --strict does not accept", async () => {
    const one = { BORROW_RATE_API_KEY: engine.keys.desk }
    const { status, text } = await run(SMOKE, local(), one)
    expect(lineOf(text, 'on the record')).toContain('skipped')
    expect(status).toBe(0)
    expect((await run(SMOKE, [...local(), '--strict'], one)).status).toBe(1)
  })

  test('in prod nothing is changed unless it is allowed', async () => {
    const prod = ['--environment', 'prod', '--client-id', 'demo-classic', '--subset', 'administration']
    const address = { ...keys, BASE_URL_PROD: engine.url }
    const { text } = await run(INTEGRATION, prod, address)
    expect(lineOf(text, 'a new broker')).toContain('skipped')
    expect(lineOf(text, 'a new broker')).toContain('prod needs --allow-writes for')
    expect(lineOf((await run(INTEGRATION, [...prod, '--allow-writes'], address)).text, 'a new broker')).toContain('ok ')
  })

  test('a deployment of one process is none of five', async () => {
    const { status, text } = await run(SMOKE, ['--environment', 'dev', '--base-url', engine.url], keys)
    expect(status).toBe(1)
    expect(lineOf(text, 'all five services')).toContain('there is no word of api-gateway, calculation-service')
  })

  test('another version than the one that was deployed fails', async () => {
    const { status, text } = await run(SMOKE, [...local(), '--expect-version', '9.9.9'], keys)
    expect(status).toBe(1)
    expect(lineOf(text, 'the version that was deployed')).toMatch(
      /FAILED[\s\S]*seen: +version \d+\.\d+\.\d+, not 9\.9\.9/,
    )
  })

  test('a price that comes late is a warning, and no failure', async () => {
    const { status, text } = await run(SMOKE, [...local(), '--latency-ms', '0.001'], keys)
    expect(status).toBe(0)
    expect(lineOf(text, 'a price comes in time')).toMatch(/warning[\s\S]*0\.001 ms were given/)
  })

  test('nobody at the address: one failure says so, the others are not run', async () => {
    const { status, text } = await run(SMOKE, ['--environment', 'dev', '--base-url', NOBODY], keys)
    expect(status).toBe(1)
    expect(lineOf(text, 'the gateway is alive')).toMatch(/FAILED[\s\S]*nobody answers at http:\/\/127\.0\.0\.1:9/)
    expect(text).toMatch(/\n0 passed, 1 failed, 12 skipped, in /)
  })

  const onQuotes = (alter: (answer: Altered) => Altered) => (path: string, answer: Altered) =>
    path.startsWith('/api/v1/calculate-locate') && !path.includes('batch') && answer.status === 200
      ? alter(answer)
      : null
  const replaceIn =
    (from: RegExp, to: (found: string) => string) =>
    ({ status, text }: Altered): Altered => ({ status, text: text.replace(from, to) })
  const aCentMore = (amount: string) => (Number(amount) + 0.01).toFixed(2)

  test.each([
    {
      what: 'a total that is a cent more than its parts',
      alter: onQuotes(replaceIn(/(?<="total_fee":)[\d.]+/, aCentMore)),
      check: 'a price adds up to the last digit',
      seen: /\+ [\d.]+ is [\d.]+, and total_fee is [\d.]+/,
    },
    {
      what: 'a rate that is not the one that was charged',
      alter: onQuotes(replaceIn(/(?<="borrow_rate_used":)[\d.]+/, (rate) => String(Number(rate) * 2))),
      check: 'a price adds up to the last digit',
      seen: /and borrow_cost is /,
    },
    {
      what: 'another total on the record',
      alter: (path: string, answer: Altered) =>
        path.startsWith('/api/v1/audit/') ? replaceIn(/(?<="total_fee":"?)[\d.]+/, aCentMore)(answer) : null,
      check: 'on the record as soon as it is given',
      seen: /the total was [\d.]+, and is [\d.]+ on the record/,
    },
    {
      what: 'a failure for every price',
      alter: onQuotes(() => ({
        status: 500,
        text: '{"status":"error","error":"Something went wrong inside","error_code":"INTERNAL_ERROR"}',
      })),
      check: 'a price adds up to the last digit',
      seen: /HTTP 500: Something went wrong inside/,
    },
    {
      what: 'an open door',
      alter: (path: string, answer: Altered) =>
        path.startsWith('/api/v1/rates/') && answer.status === 401 ? { status: 200, text: '{}' } : null,
      check: 'whoever shows no key is refused',
      seen: /HTTP 200 in place of 401/,
    },
    {
      what: 'a proxy that says it is away in its own words',
      alter: (path: string) => (path === '/health' ? { status: 502, text: '<html>Bad Gateway</html>' } : null),
      check: 'the gateway is alive',
      seen: /HTTP 502/,
    },
  ])('$what fails, in these words', async ({ alter, check, seen }) => {
    const proxy = await startAlteringProxy(engine.url, alter)
    try {
      const { status, text } = await run(SMOKE, ['--environment', 'local', '--base-url', proxy.url], keys)
      expect(status).toBe(1)
      expect(lineOf(text, check)).toMatch(/FAILED/)
      expect(lineOf(text, check)).toMatch(seen)
    } finally {
      await proxy.close()
    }
  })

  test.each([
    {
      what: 'a second price under one key',
      alter: onQuotes(replaceIn(/"audit_id":"\w{8}/, () => `"audit_id":"${Math.random().toString(16).slice(2, 10)}`)),
      check: 'the same request under the same key is one price',
      subset: 'quotes',
    },
    {
      what: 'a batch that adds up wrong',
      alter: (path: string, answer: Altered) =>
        path.endsWith('/batch') ? replaceIn(/(?<="failed":\d+,"total_fee":)[\d.]+/, aCentMore)(answer) : null,
      check: 'a batch prices what can be priced',
      subset: 'batches',
    },
    {
      what: 'a chain that does not hold',
      alter: (path: string, answer: Altered) =>
        path.startsWith('/api/v1/audit/verify') ? replaceIn(/"valid":true/, () => '"valid":false')(answer) : null,
      check: 'a price is sealed into the chain',
      subset: 'records',
    },
    {
      what: 'a record that whoever prices may read',
      alter: (path: string, answer: Altered) =>
        path === '/api/v1/audit' && answer.status === 403 ? { status: 200, text: '{"status":"success"}' } : null,
      check: 'whoever prices does not read the record',
      subset: 'roles',
    },
    {
      what: 'a feed that is down',
      alter: (path: string, answer: Altered) =>
        path === '/health/external' ? replaceIn(/"state":"up"/, () => '"state":"down"')(answer) : null,
      check: 'the feeds deliver',
      subset: 'feeds',
    },
  ])('$what fails the integration tests', async ({ alter, check, subset }) => {
    const proxy = await startAlteringProxy(engine.url, alter)
    try {
      const words = ['--environment', 'local', '--base-url', proxy.url, '--subset', subset]
      const { status, text } = await run(INTEGRATION, words, keys)
      expect(lineOf(text, check), text).toMatch(/FAILED/)
      expect(status).toBe(1)
    } finally {
      await proxy.close()
    }
  })
})

describe.runIf(hasPostgres)('on five services', () => {
  let postgres: RealPostgres
  let five: FiveServices
  let variables: Record<string, string>
  beforeAll(async () => {
    postgres = await startPostgres({ durable: false })
    five = await startFiveServices({ postgres })
    variables = {
      BASE_URL_STAGING: five.url,
      BORROW_RATE_API_KEY: five.key('desk'),
      BORROW_RATE_ADMIN_KEY: five.key('admin'),
    }
  })
  afterAll(async () => {
    await five?.stop()
    await postgres?.end()
  })
  const staging = ['--environment', 'staging', '--client-id', 'demo-classic']

  test('smoke tests and critical integration tests pass', async () => {
    const smoke = await run(SMOKE, [...staging, '--strict'], variables)
    expect(smoke.status, smoke.text).toBe(0)
    expect(lineOf(smoke.text, 'all five services')).toMatch(/ok .*version \d/)
    const integration = await run(INTEGRATION, [...staging, '--strict', '--subset', 'critical'], variables)
    expect(integration.status, integration.text).toBe(0)
  })

  test('an audit service that is away fails them, by name', async () => {
    await five.kill('audit-service')
    try {
      const { status, text } = await run(SMOKE, staging, variables)
      expect(status).toBe(1)
      expect(lineOf(text, 'all five services')).toContain('audit-service is away')
      expect(lineOf(text, 'all that the gateway stands on')).toContain('down: audit_service')
      expect(lineOf(text, 'on the record')).toMatch(/FAILED[\s\S]*The audit service cannot be reached now/)
    } finally {
      await five.restart('audit-service')
    }
  })
})
