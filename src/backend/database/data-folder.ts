// The data folder of the embedded server: where it is, whether the server's user can get there, who uses it.
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Account } from './postgres-binaries.ts'
import { processIdentity } from './process-identity.ts'

/**
 * Where the data lies when nobody says so: a folder of this clone's own, so that two clones do not share a database.
 * As root `/var/lib/borrow-rate-engine/<clone>`, which the server's unprivileged user can reach; otherwise below the XDG data folder.
 */
export function defaultDataDir(environment: Record<string, string | undefined> = process.env): string {
  const clone = createHash('sha256').update(packageFolder()).digest('hex').slice(0, 8)
  if (process.getuid?.() === 0) return join('/var/lib/borrow-rate-engine', clone)
  const xdg = environment.XDG_DATA_HOME
  const data = xdg?.startsWith('/') ? xdg : join(homedir(), '.local', 'share')
  return join(data, 'borrow-rate-engine', clone)
}

/** The folder of package.json, from the source tree and from `dist/` alike. */
function packageFolder(): string {
  let folder = dirname(realpathSync(fileURLToPath(import.meta.url)))
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

/**
 * Makes the folder, or opens it to the server's user when it is ours to open.
 * @param account the server's user when it is not our own
 * @throws Error naming another place when that user cannot get there
 */
export function prepareFolder(dataDir: string, account: Account | null): string {
  const folder = resolve(dataDir)
  if (account !== null) refuseOutOfReach(dirname(folder), folder, account)
  // The server's user must pass through the folder, but owns only the database's own folder in it.
  const mode = account === null ? 0o700 : 0o755
  const first = mkdirSync(folder, { recursive: true, mode })
  if (first !== undefined) {
    for (let made = folder; made.length >= first.length; made = dirname(made)) chmodSync(made, mode)
  }
  if (account !== null) {
    // A folder made for us (by mktemp, say) may be closed; one with other things in it is not ours to open.
    const isOurs = readdirSync(folder).length === 0 || existsSync(join(folder, 'password'))
    if (isOurs && closedAncestor(folder, account) === folder) chmodSync(folder, 0o711)
    refuseOutOfReach(realpathSync(folder), folder, account) // by its true path: a link may lead anywhere
  }
  mkdirSync(join(folder, 'engines'), { recursive: true, mode: 0o700 })
  return realpathSync(folder)
}

/** Root can make a folder anywhere, also where the user that the server runs as cannot get to. */
function refuseOutOfReach(from: string, dataDir: string, account: Account): void {
  const closed = closedAncestor(from, account)
  if (closed === null) return
  throw new Error(
    `the embedded PostgreSQL runs as user ${account.name}, who cannot reach ${dataDir}: ${closed} is closed to others. ` +
      `Set DATA_DIR to a folder outside it, for instance ${defaultDataDir()}, or set DATABASE_URL`,
  )
}

function closedAncestor(path: string, account: Account): string | null {
  const parts = path.split(sep)
  for (let length = 1; length <= parts.length; length += 1) {
    const ancestor = parts.slice(0, length).join(sep) || sep
    const stat = statSync(ancestor, { throwIfNoEntry: false })
    if (stat === undefined) return null // not made yet: we make it passable
    const passable = stat.uid === account.uid ? 0o100 : stat.gid === account.gid ? 0o010 : 0o001
    if ((stat.mode & passable) === 0) return ancestor
  }
  return null
}

/** The database's password: made with the folder, then kept. */
export function passwordOf(folder: string): string {
  const file = join(folder, 'password')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  if (existsSync(join(folder, 'postgres', 'PG_VERSION'))) {
    throw new Error(`${file} is missing: without it nobody can connect to the database in ${folder}`)
  }
  const password = randomBytes(24).toString('base64url')
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  return password
}

let enrolled = 0

/** Notes that this engine uses the server. @returns how to take the note away. */
export function enrol(folder: string): () => void {
  enrolled += 1
  const file = join(folder, 'engines', `${process.pid}-${enrolled}`)
  writeFileSync(file, processIdentity(process.pid) ?? '', { mode: 0o600 })
  return () => rmSync(file, { force: true })
}

/** Counts the engines that live, and clears away the notes of those that do not. */
export function enginesAlive(folder: string): number {
  let alive = 0
  for (const name of readdirSync(join(folder, 'engines'))) {
    const file = join(folder, 'engines', name)
    if (processIdentity(Number.parseInt(name, 10)) === readFileSync(file, 'utf8')) alive += 1
    else rmSync(file, { force: true })
  }
  return alive
}
