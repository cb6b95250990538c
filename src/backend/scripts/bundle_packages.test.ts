// The bundled packages stand for the installed ones. Seen from plain Node, which is what loads them.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MODULE = new URL('./bundle_packages.mjs', import.meta.url).href
const INSTALLED = fileURLToPath(new URL('../node_modules', import.meta.url))
const BUILD_WAIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'bundled-packages-'))
const bundles = join(folder, 'dist/node_modules')
afterAll(() => rmSync(folder, { recursive: true }))

function run(program: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

const bundle = (into: string, last: string, stamp: string) =>
  run(`import { bundlePackages } from '${MODULE}'
       await bundlePackages('${into}', '${last}', '${stamp}')`)

beforeAll(() => {
  mkdirSync(join(folder, 'dist'))
  symlinkSync(INSTALLED, join(folder, 'node_modules'))
  bundle(bundles, join(folder, 'nothing'), 'first')
}, BUILD_WAIT_MS)

test('each exports under every name what the installed package does, and by default too, but for what is left out', () => {
  const differences = run(`
    import { BUNDLED, NOT_EXPORTED } from '${MODULE}'
    import { pathToFileURL } from 'node:url'
    const names = /^[A-Za-z_$][\\w$]*$/
    for (const specifier of BUNDLED) {
      const installed = await import(import.meta.resolve(specifier, '${MODULE}'))
      const bundled = await import(pathToFileURL('${bundles}/' + specifier + '/lib/index.mjs'))
      const exported = Object.keys(installed).filter((name) => names.test(name))
      if (exported.length === 0) console.log(specifier, 'exports nothing')
      for (const name of exported) {
        if (NOT_EXPORTED[specifier]?.test(name)) {
          if (name in bundled) console.log(specifier, name, 'is exported')
        } else if (typeof installed[name] !== typeof bundled[name]) console.log(specifier, name, typeof bundled[name])
      }
    }`)
  expect(differences).toBe('')
})

test('tokens are signed and checked with keys of every kind', () => {
  const checked = run(`
    import { generateKeyPairSync } from 'node:crypto'
    import { createSigner, createVerifier } from '${bundles}/fast-jwt/lib/index.mjs'
    const secret = 'a secret of more than thirty-two bytes'
    const pair = (kind, options) => {
      const { privateKey, publicKey } = generateKeyPairSync(kind, options)
      return [privateKey.export({ type: 'pkcs8', format: 'pem' }), publicKey.export({ type: 'spki', format: 'pem' })]
    }
    const keys = {
      HS256: [secret, secret],
      ES256: pair('ec', { namedCurve: 'P-256' }),
      RS256: pair('rsa', { modulusLength: 2048 }),
      EdDSA: pair('ed25519'),
    }
    for (const [algorithm, [key, publicKey]] of Object.entries(keys)) {
      const token = createSigner({ key })({ sub: algorithm })
      console.log(createVerifier({ key: publicKey, algorithms: [algorithm] })(token).sub)
    }`)
  expect(checked.trim().split('\n')).toEqual(['HS256', 'ES256', 'RS256', 'EdDSA'])
})

test('what is loaded later is there: answers of rarer types are compressed when they can be', () => {
  const encodings = run(`
    import fastify from '${bundles}/fastify/lib/index.mjs'
    import compress from '${bundles}/@fastify/compress/lib/index.mjs'
    const never = () => () => {}
    const app = fastify({ schemaController: { compilersFactory: { buildValidator: never, buildSerializer: never } } })
    await app.register(compress)
    app.get('/:type', (request, reply) => reply.type('application/' + request.params.type).send('0'.repeat(5_000)))
    for (const type of ['x-tar', 'zip', 'unheard-of']) {
      const { headers } = await app.inject({ url: '/' + type, headers: { 'accept-encoding': 'gzip' } })
      console.log(type, headers['content-encoding'] ?? 'as it is')
    }`)
  expect(encodings.trim().split('\n')).toEqual(['x-tar gzip', 'zip as it is', 'unheard-of as it is'])
})

test('compiled code finds them before the installed ones', () => {
  const found = run(`
    import { writeFileSync } from 'node:fs'
    writeFileSync('${folder}/dist/program.mjs', "console.log(import.meta.resolve('fastify'))")
    await import('${folder}/dist/program.mjs')`)
  expect(found).toContain('/dist/node_modules/fastify/lib/index.mjs')
})

test(
  'they are made anew when what is installed has changed, and taken from the last build when it has not',
  () => {
    const marker = '.built-from'
    const next = join(folder, 'next')
    bundle(next, bundles, 'first')
    expect(statSync(join(next, marker)).mtimeMs).toBeCloseTo(statSync(join(bundles, marker)).mtimeMs, 0)
    rmSync(next, { recursive: true })
    bundle(join(folder, 'dist/other'), bundles, 'second')
    expect(readFileSync(join(folder, 'dist/other', marker), 'utf8')).toBe('second')
  },
  BUILD_WAIT_MS,
)
