// Compiles the TypeScript into dist/, copies beside it what the code reads at run time (SQL, demo data) and bundles the services and the
// packages that they load. Does nothing when dist/ was made from exactly the files that are there now, so that a restart costs milliseconds.
// A new dist/ is made aside and then put in place whole: an engine that runs from the old one is not disturbed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { oneAtATime } from './one-at-a-time.mjs'

const folder = fileURLToPath(new URL('..', import.meta.url))
const dist = `${folder}dist`
const stampFile = `${dist}/.built-from`

// Folders without anything that runs in production, wherever they are. Names that begin with a dot are left out too.
const LEFT_OUT = new Set([
  'node_modules',
  'dist',
  'dist.new',
  'dist.old',
  'test',
  'fixtures',
  'coverage',
  'infrastructure',
  'console',
])
// Of the tools the one that runs in the cluster.
const SHIPPED_TOOL = 'tools/traffic-split'
const ASSETS = new Set(['.sql', '.csv', '.txt', '.json', '.html', '.css', '.svg'])
// The console is bundled for browsers by a tool of its own, with what it shares with the services.
const CONSOLE_SOURCES = ['console', 'client', 'pricing', 'server/csv-writer.ts', 'package-lock.json']
const PACKAGES_SOURCES = ['package-lock.json', 'scripts/bundle_packages.mjs']
/** Below this compressing saves nothing. */
const COMPRESS_FROM_BYTES = 1024
// Settings of the package and its tools, not assets of the program: package.json is read where it is.
const TOOL_SETTINGS = new Set([
  'biome.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
  'client/package.json',
  'client/tsconfig.json',
])

if (!isBuilt(sources())) {
  await oneAtATime(`${folder}.lock-build`, 'building', async () => {
    const now = sources()
    if (!isBuilt(now)) await build(now)
  })
}

function sources() {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => walk('', entry))
}

function walk(under, entry) {
  if (LEFT_OUT.has(entry.name) || entry.name.startsWith('.')) return []
  const path = `${under}${entry.name}`
  if (under === 'tools/' && path !== SHIPPED_TOOL) return []
  if (entry.isDirectory()) {
    return readdirSync(`${folder}${path}`, { withFileTypes: true }).flatMap((child) => walk(`${path}/`, child))
  }
  const extension = extname(path)
  return (extension === '.ts' && !path.endsWith('.test.ts')) || ASSETS.has(extension) ? [path] : []
}

/** Names, sizes and times of everything the build reads: a changed, added or removed file changes it. */
function stampOf(paths) {
  const hash = createHash('sha256')
  for (const path of new Set([
    ...paths,
    'scripts/build.mjs',
    'scripts/bundle_packages.mjs',
    'scripts/bundle_services.mjs',
  ])) {
    const { size, mtimeMs } = statSync(`${folder}${path}`)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function consoleSources() {
  const within = (path) =>
    statSync(`${folder}${path}`).isDirectory()
      ? readdirSync(`${folder}${path}`).flatMap((name) => within(`${path}/${name}`))
      : [path]
  return CONSOLE_SOURCES.flatMap(within).filter(
    (path) => !/(\.test\.ts|\/stories\/.*|\/dist\/.*|\/fixtures\/.*)$/.test(path),
  )
}

function isBuilt(paths) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stampOf([...paths, ...consoleSources()])
}

async function build(paths) {
  const startedAt = Date.now()
  const stamp = stampOf([...paths, ...consoleSources()])
  const next = `${folder}dist.new`
  rmSync(next, { recursive: true, force: true })
  process.stdout.write('Building ... ')
  const compiler = `${folder}node_modules/typescript/bin/tsc`
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', next], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) {
    rmSync(next, { recursive: true, force: true })
    console.error('\nThe build stopped at the errors above; dist/ is as it was.')
    process.exitCode = 1
    return
  }
  for (const path of paths) {
    if (!ASSETS.has(extname(path)) || TOOL_SETTINGS.has(path)) continue
    mkdirSync(dirname(`${next}/${path}`), { recursive: true })
    cpSync(`${folder}${path}`, `${next}/${path}`)
  }
  if (!(await buildConsole(`${next}/console`))) {
    rmSync(next, { recursive: true, force: true })
    console.error('\nThe build of the console stopped at the errors above; dist/ is as it was.')
    process.exitCode = 1
    return
  }
  // Here, not above: a restart that builds nothing does without the bundler.
  const { bundleServices } = await import('./bundle_services.mjs')
  await bundleServices(folder, next)
  const { bundlePackages } = await import('./bundle_packages.mjs')
  await bundlePackages(`${next}/node_modules`, `${dist}/node_modules`, stampOf(PACKAGES_SOURCES))
  const commandLine = `${next}/scripts/borrow-rate-engine.js`
  if (existsSync(commandLine)) chmodSync(commandLine, 0o755)
  writeFileSync(`${next}/.built-from`, stamp)
  const old = `${folder}dist.old`
  rmSync(old, { recursive: true, force: true })
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(next, dist)
  rmSync(old, { recursive: true, force: true })
  console.log(`${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

/** The console's files, with compressed forms beside them; taken from the last build when nothing of it changed. @returns whether it went well */
async function buildConsole(into) {
  const stamp = stampOf(consoleSources())
  const last = `${dist}/console`
  const lastStamp = `${last}/.built-from`
  if (existsSync(lastStamp) && readFileSync(lastStamp, 'utf8') === stamp) {
    cpSync(last, into, { recursive: true, preserveTimestamps: true })
    return true
  }
  const bundler = `${folder}node_modules/vite/bin/vite.js`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [bundler, 'build', 'console', '--outDir', into, '--emptyOutDir', '--logLevel', 'warn'],
    // React and others read it: a development build is twice as large.
    { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } },
  )
  if (status !== 0) {
    console.error(`\n${stdout}${stderr}`)
    return false
  }
  for (const name of readdirSync(into, { recursive: true })) {
    const path = `${into}/${name}`
    if (!/\.(js|css|html|svg)$/.test(name) || statSync(path).size < COMPRESS_FROM_BYTES) continue
    const text = readFileSync(path)
    writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }))
    // The last level takes ten times as long for a hundredth.
    writeFileSync(`${path}.br`, brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
  }
  writeFileSync(`${into}/.built-from`, stamp)
  return true
}
