// The package of the client as somebody gets it: packed, installed into an empty folder, used from plain JavaScript, type-checked, and
// every example of its README run against a real engine.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { tableUnder } from '../tidy/tables.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const BACKEND = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGE = JSON.parse(readFileSync(`${BACKEND}client/package.json`, 'utf8')) as Record<string, unknown>
const README = readFileSync(`${BACKEND}client/README.md`, 'utf8')
const EXAMPLES = [...README.matchAll(/^## (.+)$|^```ts\n([\s\S]*?)^```$/gm)].reduce<{ title: string; code: string }[]>(
  (found, [, heading, code]) => {
    if (heading !== undefined) found.push({ title: heading, code: '' })
    else if (code !== undefined) Object.assign(found.at(-1) ?? {}, { code })
    return found
  },
  [],
)
const WITH_CODE = EXAMPLES.filter(({ code }) => code !== '')

let deployed: Deployment
let folder: string
let packed: string[]

beforeAll(async () => {
  deployed = await startDeployment()
  folder = mkdtempSync(join(tmpdir(), 'client-package-'))
  const options = { cwd: BACKEND, encoding: 'utf8' } as const
  const tarball = execFileSync('npm', ['run', '--silent', 'client'], options).trim()
  const path = join(BACKEND, 'client/dist', tarball)
  packed = execFileSync('tar', ['tzf', path], options).trim().split('\n')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', path], { cwd: folder })
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(file: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH ?? '',
      BORROW_RATE_API_KEY: deployed.keys['demo-classic'],
      BORROW_RATE_ADMIN_KEY: deployed.keys.admin,
    },
  })
  return { status, stdout, stderr }
}

/** What the compiler says of some files, with the strictest settings that there are. */
function typeCheck(files: readonly string[], settings: Record<string, unknown> = {}): string {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    target: 'es2023',
    module: 'nodenext',
    skipLibCheck: false,
    typeRoots: [`${BACKEND}node_modules/@types`],
    types: ['node'],
    rootDir: '.',
    outDir: 'compiled',
    ...settings,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  return spawnSync(process.execPath, [`${BACKEND}node_modules/typescript/bin/tsc`, '-p', folder], { encoding: 'utf8' })
    .stdout
}

describe('the package', () => {
  test('is the version of the engine, and depends on nothing', () => {
    const { version } = JSON.parse(readFileSync(`${BACKEND}package.json`, 'utf8')) as { version: string }
    expect(PACKAGE.version).toBe(version)
    expect(Object.keys(PACKAGE)).not.toContain('dependencies')
    expect(Object.keys(PACKAGE)).not.toContain('peerDependencies')
  })

  test('holds code, declarations, its README, and nothing else', () => {
    expect(packed).toContain('package/dist/index.js')
    expect(packed).toContain('package/README.md')
    const other = packed.filter(
      (path) => !/^package\/(?:package\.json|README\.md|dist\/[\w-]+(?:\.js|\.d\.ts))$/.test(path),
    )
    expect(other).toEqual([])
  })

  test('imports nothing from outside itself', () => {
    for (const path of packed.filter((name) => /\.(?:js|d\.ts)$/.test(name))) {
      const text = readFileSync(
        join(folder, 'node_modules/@borrow-rate-engine/client', path.slice('package/'.length)),
        'utf8',
      )
      const outside = [...text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)]
        .map((match) => match[1] ?? match[2] ?? '')
        .filter((name) => !/^\.\/[\w-]+\.js$/.test(name))
      expect([path, outside]).toEqual([path, []])
    }
  })

  test('prices from plain JavaScript', () => {
    writeFileSync(
      join(folder, 'plain.js'),
      `import { BorrowRateClient } from '@borrow-rate-engine/client'
       const engine = new BorrowRateClient({ baseUrl: '${deployed.url}', apiKey: process.env.BORROW_RATE_API_KEY })
       const ask = { ticker: 'GME', clientId: 'demo-classic', positionValue: '50000.00', loanDays: 30 }
       const { total_fee, breakdown, loan_days } = await engine.quotes.price(ask)
       console.log(JSON.stringify({ total_fee, breakdown }))`,
    )
    const { status, stdout, stderr } = run('plain.js')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      total_fee: expect.stringMatching(/^[0-9]+\.[0-9]{2}$/),
      breakdown: { transaction_fees: '25.00' },
    })
  })

  test('is typed for Node and for pages, and its units cannot be mixed', () => {
    writeFileSync(
      join(folder, 'sample.ts'),
      `import { BorrowRateClient, fraction, percentPoints, usd, type QuoteAnswer } from '@borrow-rate-engine/client'
       export async function sample(engine: BorrowRateClient, quote: QuoteAnswer): Promise<string> {
         const ask = { ticker: 'GME', clientId: 'demo-classic', loanDays: 30 }
         await engine.quotes.price({ ...ask, positionValue: usd('50000.00') })
         // @ts-expect-error a rate is no amount
         await engine.quotes.price({ ...ask, positionValue: quote.borrow_rate_used })
         // @ts-expect-error an amount says that it is one
         await engine.quotes.price({ ...ask, positionValue: '50000.00' })
         await engine.brokers.update('acme', (broker) => ({ ...broker, markup_percentage: percentPoints(5) }))
         // @ts-expect-error a markup is percent points, not a fraction
         await engine.brokers.update('acme', (broker) => ({ ...broker, markup_percentage: fraction('0.05') }))
         // @ts-expect-error a flat fee is USD
         await engine.brokers.update('acme', (broker) => ({ ...broker, transaction_fee_type: 'FLAT', transaction_amount: percentPoints(1) }))
         return quote.total_fee
       }`,
    )
    expect(typeCheck(['sample.ts'])).toBe('')
    expect(
      typeCheck(['sample.ts'], {
        types: [],
        lib: ['es2023', 'dom', 'dom.iterable'],
        moduleResolution: 'bundler',
        module: 'esnext',
      }),
    ).toBe('')
  })
})

describe('the README', () => {
  test('names every part of the client, and no other', () => {
    const client = new BorrowRateClient({ baseUrl: deployed.url })
    const methods = Object.getOwnPropertyNames(BorrowRateClient.prototype).filter((name) => name !== 'constructor')
    const documented = tableUnder(README, 'All of it').map(([name]) => name)
    expect(documented.sort()).toEqual([...Object.keys(client), ...methods].sort())
  })

  test('shows what is there', () => {
    expect(WITH_CODE.length).toBeGreaterThan(6)
    mkdirSync(join(folder, 'examples'), { recursive: true })
    for (const [index, { code }] of WITH_CODE.entries()) {
      writeFileSync(join(folder, `examples/${index}.ts`), code.replaceAll('http://127.0.0.1:8000', deployed.url))
    }
    const files = WITH_CODE.map((_, index) => `examples/${index}.ts`)
    expect(typeCheck(files, { lib: ['es2023', 'dom', 'dom.iterable'] })).toBe('')
  })

  test.each(WITH_CODE.map(({ title }, index) => [title, index] as const))('%s: runs', (_, index) => {
    const { status, stdout, stderr } = run(`compiled/examples/${index}.js`)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).not.toBe('')
    expect(stdout).not.toMatch(/undefined|NaN|\[object/)
  })
})
