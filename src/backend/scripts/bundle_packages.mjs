// Bundles the packages that every service loads into a file each, below dist/node_modules, where the compiled services find them before
// the installed ones: a service that starts reads thirty files of packages in place of a thousand. What it runs is the same code.
// Packages that few processes need, and load later, stay as they are installed.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rolldown } from 'rolldown'

/** As they are imported. */
export const BUNDLED = [
  '@fastify/compress',
  '@fastify/cookie',
  '@fastify/static',
  '@fastify/swagger',
  '@fastify/swagger-ui',
  '@fastify/under-pressure',
  'basic-ftp',
  'close-with-grace',
  'croner',
  'fast-jwt',
  'fastify',
  'ioredis',
  'lru-cache',
  'pg',
  'pino',
  'prom-client',
  'typebox',
  'undici',
]
/** Asked for by packages that do without. */
const NOT_INSTALLED = ['pg-native']
const NAME = /^[A-Za-z_$][\w$]*$/

/**
 * @param into the node_modules folder to make
 * @param last one that was made before: it is taken again when it was made of the same
 * @param stamp of what is installed
 */
export async function bundlePackages(into, last, stamp) {
  const stampFile = `${last}/.built-from`
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    cpSync(last, into, { recursive: true, preserveTimestamps: true })
    return
  }
  const entries = `${into}/.entries`
  mkdirSync(entries, { recursive: true })
  for (const specifier of BUNDLED) writeFileSync(`${entries}/${fileOf(specifier)}`, await everythingOf(specifier))
  const bundle = await rolldown({
    input: Object.fromEntries(BUNDLED.map((name) => [name, `${entries}/${fileOf(name)}`])),
    platform: 'node',
    external: NOT_INSTALLED,
    transform: { define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' } },
  })
  await bundle.write({ dir: into, entryFileNames: '[name]/lib/index.mjs', chunkFileNames: '.shared/[name]-[hash].mjs' })
  await bundle.close()
  rmSync(entries, { recursive: true })
  // Beside lib/, as in the package: the files of the page.
  cpSync(new URL('../node_modules/@fastify/swagger-ui/static', import.meta.url), `${into}/@fastify/swagger-ui/static`, {
    recursive: true,
  })
  for (const specifier of BUNDLED) {
    writeFileSync(`${into}/${specifier}/package.json`, JSON.stringify({ exports: './lib/index.mjs' }))
  }
  writeFileSync(`${into}/.built-from`, stamp)
}

const fileOf = (specifier) => `${specifier.replaceAll('/', '+')}.mjs`

/** A module that exports what the package does, by name: the names of a CommonJS package are known when it has run. */
async function everythingOf(specifier) {
  const names = Object.keys(await import(specifier)).filter((name) => NAME.test(name))
  return `export { ${names.join(', ')} } from '${specifier}'\n`
}
