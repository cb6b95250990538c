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
 * folder's files, and of undici all but its client: what it has of a browser, of caches and proxies, and for tests. To read it is a tenth of
 * a service's start.
 */
const LEFT_OUT =
  /\/node_modules\/(@fastify\/(ajv|fast-json-stringify)-compiler|glob|undici\/lib\/(mock|web|cache|interceptor\/(?!redirect)|dispatcher\/(\w+-robin-pool|balanced-pool|[\w-]+-agent|h2c-client)))\b/
/** Names that a package exports from there: who imports one is told so at once. */
export const NOT_EXPORTED = {
  undici:
    /^(Mock\w+|Snapshot\w+|mockErrors|(Event|Web)\w+|(Close|Error|Message)Event|\w+Cookies?|ping|(Balanced|RoundRobin)Pool|\w+Agent|H2CClient|fetch|install|Headers|Re(quest|sponse)|FormData|[gs]etGlobalOrigin|cache(s|Stores)|parseMIMEType|serializeAMimeType)$/,
}
/**
 * What packages ask of the platform for others than us, or sooner than anybody needs it. Two of them look whether there is a Response, for
 * which the platform loads all that it has of fetch; nobody here answers with one, and this is not Cloudflare. The streams of
 * readable-stream are the platform's. A key in PEM is the only one that ASN.1 is read for.
 */
const EDITS = [
  { file: 'pg/lib/stream.js', from: 'if (isCloudflareRuntime())', to: 'if (false)' },
  { file: '@fastify/compress/lib/utils.js', from: 'return obj instanceof Response', to: 'return false' },
  { file: '@fastify/compress/index.js', from: "require('readable-stream')", to: "require('node:stream')" },
  { file: '@fastify/compress/lib/utils.js', from: "require('readable-stream')", to: "require('node:stream')" },
  { file: 'undici/index.js', from: 'module.exports.caches = new CacheStorage(kConstruct)', to: '' },
  {
    file: 'fast-jwt/src/crypto.js',
    from: "const asn = require('asn1.js')",
    to: "const asn = { define: (...of) => ({ decode: (...all) => require('asn1.js').define(...of).decode(...all) }) }",
  },
]
/** Packages that another loads with its first line and needs for few requests, under the name that it has for them: they are loaded then. */
const LOADED_LATER = [
  // The contract as YAML.
  { file: '@fastify/swagger/lib/spec/openapi/index.js', name: 'yaml', loads: 'yaml' },
  { file: '@fastify/swagger/lib/mode/static.js', name: 'yaml', loads: 'yaml' },
  { file: '@fastify/swagger/lib/spec/swagger/index.js', name: 'yaml', loads: 'yaml' },
  { file: '@fastify/swagger-ui/lib/routes.js', name: 'yaml', loads: 'yaml' },
  // An answer that is no text and no JSON.
  { file: '@fastify/compress/index.js', name: 'mimedb', loads: 'mime-db' },
]
/** Not bundled: from where they are installed, when they are asked for. */
const LOADED_WHEN_ASKED = ['asn1.js', ...new Set(LOADED_LATER.map(({ loads }) => loads))]
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
  const installed = new URL('../node_modules/', import.meta.url)
  for (const name of LOADED_WHEN_ASKED) {
    if (!existsSync(new URL(name, installed))) throw new Error(`${name} is not installed where a bundle finds it`)
  }
  const entries = `${into}/.entries`
  mkdirSync(entries, { recursive: true })
  for (const specifier of BUNDLED) writeFileSync(`${entries}/${fileOf(specifier)}`, await everythingOf(specifier))
  const bundle = await rolldown({
    input: Object.fromEntries(BUNDLED.map((name) => [name, `${entries}/${fileOf(name)}`])),
    platform: 'node',
    external: [...NOT_INSTALLED, ...LOADED_WHEN_ASKED],
    plugins: [{ name: 'left-out', load: (id) => (LEFT_OUT.test(id) ? 'module.exports = {}' : null) }, edited],
    transform: { define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' } },
  })
  await bundle.write({ dir: into, entryFileNames: '[name]/lib/index.mjs', chunkFileNames: '.shared/[name]-[hash].mjs' })
  await bundle.close()
  rmSync(entries, { recursive: true })
  // Beside lib/, as in the package: the files of the page.
  cpSync(new URL('@fastify/swagger-ui/static', installed), `${into}/@fastify/swagger-ui/static`, { recursive: true })
  for (const specifier of BUNDLED) {
    writeFileSync(`${into}/${specifier}/package.json`, JSON.stringify({ exports: './lib/index.mjs' }))
  }
  writeFileSync(`${into}/.built-from`, stamp)
}

/** The packages' own modules with what {@link EDITS} and {@link LOADED_LATER} say. */
const edited = {
  name: 'edited',
  transform(code, id) {
    const here = ({ file }) => id.endsWith(`/node_modules/${file}`)
    let text = code
    const replace = (from, to) => {
      if (!text.includes(from)) throw new Error(`${id} has no "${from}" any more`)
      text = text.replace(from, to)
    }
    for (const { from, to } of EDITS.filter(here)) replace(from, to)
    for (const { name, loads } of LOADED_LATER.filter(here)) {
      replace(`const ${name} = require('${loads}')`, '')
      text = text.replace(new RegExp(`\\b${name}(?=[.[])`, 'g'), `require('${loads}')`)
    }
    return text === code ? null : text
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
