// A backup of the database before its structure changes: a file that pg_dump writes, or a snapshot that Amazon RDS takes. Both are
// looked at before anybody relies on them. The programs come from the machine: `pg_dump` and `pg_restore`, or `aws`.
import { execFile } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readPassword } from './connect.ts'

export interface BackupOptions {
  /** The database itself. Its password reaches pg_dump through the environment, never through its command line. */
  readonly url: string
  readonly passwordFile?: string | null
  readonly clock?: () => Date
  /** Where the programs are looked for; unless said, in PATH. */
  readonly environment?: NodeJS.ProcessEnv
}

/** There is no backup; the message says why. */
export class BackupError extends Error {}

/** A day: the database may be large. */
const PROGRAM_MS_MAX = 86_400_000
const OUTPUT_BYTES_MAX = 100_000_000

/**
 * Writes the whole database into a new file of the folder, in pg_dump's custom format, and has pg_restore read its list of contents.
 * @returns the file, and how many entries its list has
 * @throws BackupError; no file is left then
 */
export async function dumpInto(folder: string, options: BackupOptions): Promise<{ file: string; entries: number }> {
  const { address, password } = await withoutPassword(options)
  const environment = { ...(options.environment ?? process.env), ...(password !== null && { PGPASSWORD: password }) }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = new URL(options.url).pathname.slice(1) || 'database'
  const file = join(folder, `${name}-${stampOf(options.clock?.() ?? new Date())}.dump`)
  // Under another name until it is whole and read: nobody takes half a backup for one.
  const unfinished = `${file}.unfinished`
  try {
    const words = ['--format=custom', '--no-password', `--file=${unfinished}`, `--dbname=${address}`]
    await run('pg_dump', words, environment)
    const listed = await run('pg_restore', ['--list', unfinished], environment)
    const entries = listed.split('\n').filter((line) => /^\d+;/.test(line)).length
    if (statSync(unfinished).size === 0) throw new BackupError('pg_dump wrote an empty file')
    renameSync(unfinished, file)
    return { file, entries }
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

/**
 * Has Amazon RDS take a snapshot of the instance, and waits until it can be restored from.
 * @returns the snapshot's identifier
 * @throws BackupError when it could not be begun, or is not available after the wait
 */
export async function snapshotOf(
  instance: string,
  options: Pick<BackupOptions, 'clock' | 'environment'>,
): Promise<string> {
  const snapshot = `${instance}-before-migration-${stampOf(options.clock?.() ?? new Date())}`
  const aws = (...words: string[]) => run('aws', ['rds', ...words], options.environment ?? process.env)
  const identifier = ['--db-snapshot-identifier', snapshot]
  await aws('create-db-snapshot', '--db-instance-identifier', instance, ...identifier)
  await aws('wait', 'db-snapshot-available', ...identifier)
  const query = ['--query', 'DBSnapshots[0].Status', '--output', 'text']
  const status = (await aws('describe-db-snapshots', ...identifier, ...query)).trim()
  if (status !== 'available') throw new BackupError(`the snapshot ${snapshot} is ${status || 'nowhere'}, not available`)
  return snapshot
}

/** `20261129t184501z`: letters and digits as every kind of identifier takes them. */
function stampOf(moment: Date): string {
  return moment.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase().concat('z')
}

async function withoutPassword({
  url,
  passwordFile,
}: BackupOptions): Promise<{ address: string; password: string | null }> {
  const address = new URL(url)
  const own = decodeURIComponent(address.password)
  address.password = ''
  // The file may be the password alone, or an address with one; either way what it says now counts.
  return { address: address.href, password: passwordFile ? await readPassword(passwordFile) : own || null }
}

async function run(program: string, words: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, words, {
      env: environment,
      timeout: PROGRAM_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
    })
    return stdout
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new BackupError(`there is no program ${program} on this machine (in PATH)`)
    const said = stderr.trim().split('\n').slice(-3).join(' ') || `it ended with ${String(code)}`
    const what = program === 'aws' ? `aws ${words.slice(0, 2).join(' ')}` : program
    throw new BackupError(`${what} failed: ${said}`)
  }
}
