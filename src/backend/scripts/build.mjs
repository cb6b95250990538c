// Compiles the TypeScript into dist/ and copies beside it what the code reads at run time (SQL, demo data). Does nothing when
// dist/ was made from exactly the files that are there now, so that a restart costs milliseconds.
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
])
// Of the tools the one that runs in the cluster.
const SHIPPED_TOOL = 'tools/traffic-split'
const ASSETS = new Set(['.sql', '.csv', '.txt', '.json', '.html', '.css', '.svg'])
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
  await oneAtATime(`${folder}.lock-build`, 'building', () => {
    const now = sources()
    if (!isBuilt(now)) build(now)
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
  for (const path of [...paths, 'scripts/build.mjs']) {
    const { size, mtimeMs } = statSync(`${folder}${path}`)
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function isBuilt(paths) {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stampOf(paths)
}

function build(paths) {
  const startedAt = Date.now()
  const stamp = stampOf(paths)
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
