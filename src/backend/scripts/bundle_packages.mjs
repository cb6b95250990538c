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
/**
 * What packages bring along and nothing here asks for: compilers of schemas (server/server.ts says how a schema is compiled), lists of a
 * folder's files, and what undici has of a browser and for tests. To read it is a tenth of a service's start.
 */
const LEFT_OUT =
  /\/node_modules\/(@fastify\/(ajv|fast-json-stringify)-compiler|glob|undici\/lib\/(mock|web\/(cookies|eventsource|websocket)))\//
/** Names that a package exports from there: who imports one is told so at once. */
export const NOT_EXPORTED = {
  undici: /^(Mock\w+|Snapshot\w+|mockErrors|(Event|Web)\w+|(Close|Error|Message)Event|\w+Cookies?|ping)$/,
}
const LATER = {
  from: "const yaml = require('yaml')",
  to: "const yaml = { parse: (text) => require('yaml').parse(text), stringify: (...all) => require('yaml').stringify(...all) }",
}
/**
 * What packages ask of the platform for others than us, or sooner than anybody needs it. Two of them look whether there is a Response, for
 * which the platform loads all that it has of fetch; nobody here answers with one, and this is not Cloudflare. Few read the contract as YAML.
 * The streams of readable-stream are the platform's.
 */
const EDITS = [
  { file: 'pg/lib/stream.js', from: 'if (isCloudflareRuntime())', to: 'if (false)' },
  { file: '@fastify/compress/lib/utils.js', from: 'return obj instanceof Response', to: 'return false' },
  { file: '@fastify/compress/index.js', from: "require('readable-stream')", to: "require('node:stream')" },
  { file: '@fastify/compress/lib/utils.js', from: "require('readable-stream')", to: "require('node:stream')" },
  { file: '@fastify/swagger/lib/spec/openapi/index.js', ...LATER },
  { file: '@fastify/swagger/lib/mode/static.js', ...LATER },
  { file: '@fastify/swagger/lib/spec/swagger/index.js', ...LATER },
  { file: '@fastify/swagger-ui/lib/routes.js', ...LATER },
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
    plugins: [{ name: 'left-out', load: (id) => (LEFT_OUT.test(id) ? 'module.exports = {}' : null) }, edited],
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

/** The packages' own modules with what {@link EDITS} says. */
const edited = {
  name: 'edited',
  transform(code, id) {
    const edits = EDITS.filter(({ file }) => id.endsWith(`/node_modules/${file}`))
    for (const { file, from } of edits) if (!code.includes(from)) throw new Error(`${file} has no "${from}" any more`)
    return edits.length === 0 ? null : edits.reduce((text, { from, to }) => text.replace(from, to), code)
  },
}

const fileOf = (specifier) => `${specifier.replaceAll('/', '+')}.mjs`

/** A module that exports what the package does, by name: the names of a CommonJS package are known when it has run. */
async function everythingOf(specifier) {
  const names = Object.keys(await import(specifier)).filter(
    (name) => NAME.test(name) && !NOT_EXPORTED[specifier]?.test(name),
  )
  return `export { ${names.join(', ')} } from '${specifier}'\n`
}
