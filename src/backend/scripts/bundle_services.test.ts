// The bundled services are the services. Seen from plain Node, which is what runs them.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MODULE = new URL('./bundle_services.mjs', import.meta.url).href
const SOURCES = fileURLToPath(new URL('../', import.meta.url))
const BUILD_WAIT_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'bundled-services-'))
const services = join(folder, 'dist/services')
afterAll(() => rmSync(folder, { recursive: true }))

function run(...words: string[]): { readonly status: number | null; readonly text: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--enable-source-maps', ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  return { status, text: `${stdout}${stderr}` }
}

beforeAll(() => {
  // What a compiled module had left there, and what the engine reads of its package.
  mkdirSync(services, { recursive: true })
  symlinkSync(join(SOURCES, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(SOURCES, 'package.json'), join(folder, 'package.json'))
  const program = `import { bundleServices } from '${MODULE}'
    await bundleServices('${SOURCES}', '${join(folder, 'dist')}')`
  const { status, text } = run('--input-type=module', '-e', program)
  if (status !== 0) throw new Error(text)
}, BUILD_WAIT_MS)

const written = () => readdirSync(services).filter((name) => name.endsWith('.js'))

test(
  'each program runs, with few files of its own',
  () => {
    const names = written()
    expect(names).toContain('all-in-one.js')
    expect(names.length).toBeLessThan(80)
    const { status, text } = run(join(services, 'borrow-rate-engine.js'), 'data-service')
    expect(status).not.toBe(0)
    expect(text).toContain('DATABASE_URL')
  },
  BUILD_WAIT_MS,
)

test('a module finds what stands beside it in the sources beside its compiled form', () => {
  const places = written().flatMap((name) => {
    const text = readFileSync(join(services, name), 'utf8')
    expect(text.replaceAll(/new URL\(['"]\.\.\/[\w/.-]+\.js['"], import\.meta\.url\)/g, '')).not.toContain(
      'import.meta.url',
    )
    return [...text.matchAll(/new URL\(['"]\.\.\/([\w/.-]+)\.js['"], import\.meta\.url\)/g)].map(([, place]) => place)
  })
  expect(places.length).toBeGreaterThan(5)
  for (const place of places) expect(existsSync(join(SOURCES, `${place}.ts`)), place).toBe(true)
})

test('an error names the place in the TypeScript, in a module that reads from beside itself too', () => {
  const { text } = run(join(services, 'borrow-rate-engine.js'), '--help')
  // There are no other compiled modules here: the data folder's module stands nowhere.
  const [before = ''] = readFileSync(join(SOURCES, 'database/data-folder.ts'), 'utf8').split('import.meta.url')
  expect(text).toContain(`database/data-folder.ts:${before.split('\n').length}`)
})
