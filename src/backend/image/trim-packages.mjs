// Removes from node_modules what nothing reads at run time: declarations, source maps, documents, packages' own tests, and the second
// copy that some packages carry for bundlers. Licences stay. Only while an image is built.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

const READ_BY_NOBODY = /\.([cm]?ts|tsx|test\.[cm]?js|map|md|markdown|flow|tsbuildinfo)$/i
const LICENCE = /licen[cs]e|notice|copying/i
/** At the root of a package; deeper a folder of that name may be code. */
const OWN_AFFAIRS = new Set([
  'test',
  'tests',
  '__tests__',
  'benchmark',
  'benchmarks',
  'bench',
  'example',
  'examples',
  'docs',
  '.github',
])

let freed = 0

for (const folder of packageFolders(join(process.cwd(), 'node_modules'))) trim(folder)
console.log(`${(freed / 1e6).toFixed(1)} MB of packages are not needed at run time`)

function trim(folder) {
  for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    if (OWN_AFFAIRS.has(name)) remove(join(folder, name))
  }
  for (const copy of bundlersCopies(folder)) remove(copy)
  sweep(folder)
}

/**
 * Without `exports` Node loads what `main` names. What `module` and `esnext` name beside it is for bundlers, and `dist-types` for
 * compilers.
 */
function bundlersCopies(folder) {
  const { main = '', exports, module, esnext } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (exports !== undefined) return []
  const copies = [module, esnext]
    .filter((entry) => typeof entry === 'string')
    .map((entry) => dirname(join(folder, entry)))
  const own = dirname(join(folder, main))
  return [...new Set([...copies, join(folder, 'dist-types')])].filter(
    (copy) => copy !== folder && !`${own}/`.startsWith(`${copy}/`) && existsSync(copy),
  )
}

function sweep(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') sweep(path)
    } else if (READ_BY_NOBODY.test(entry.name) && !LICENCE.test(entry.name)) remove(path)
  }
}

function remove(path) {
  freed += bytesOf(path)
  rmSync(path, { recursive: true })
}

function bytesOf(path) {
  const found = statSync(path)
  if (!found.isDirectory()) return found.size
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}

/** Every installed package, nested ones included. */
function packageFolders(modules) {
  if (!existsSync(modules)) return []
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) =>
      name.startsWith('@')
        ? readdirSync(join(modules, name)).map((own) => join(modules, name, own))
        : [join(modules, name)],
    )
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap((folder) => [folder, ...packageFolders(join(folder, 'node_modules'))])
}
