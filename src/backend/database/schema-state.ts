// Where a database's structure stands, against the migrations this program brings. A database that does not fit is refused with
// a sentence: by the migrations before they change anything, and by a service before it takes a request.
//
// A migration adds what the next version uses and leaves what the last one uses, so that both run on it while one takes the other's
// place, and the last one again when that is taken back. What nobody uses any more is taken away by a later migration, whose name ends
// in `_contract`: on that, a program that does not know it does not start.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Queryable } from './connect.ts'

export interface MigrationState {
  /** The file's name without `.sql`: `0001_pricing_models`. */
  readonly name: string
  readonly appliedAt: Date | null
  /** `changed`: the file is not the one that was applied. `unknown`: applied by a newer program, there is no such file here. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown'
}

/** The database and the program do not fit; the message says how and what to do. Nothing was changed. */
export class MigrationError extends Error {}

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('./migrations/', import.meta.url))
export const HISTORY = 'schema_migrations'

/** How a migration is called that takes away what older programs use. */
const CONTRACT = /_contract$/

const UNDEFINED_TABLE = '42P01'
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * For a service at its start: one statement, through a pooler or not.
 * @returns the names of migrations that a newer program has run since, with which this one runs as well
 * @throws MigrationError when a migration is missing, an applied one was changed, or a newer one took away what this program uses;
 *   any other failure is the database's own.
 */
export async function requireCurrentSchema(
  database: Queryable,
  folder: string = MIGRATIONS_FOLDER,
): Promise<readonly string[]> {
  const states = await readMigrationStates(database, folder).catch((error) => {
    if (error.code !== INSUFFICIENT_PRIVILEGE) throw error
    throw new MigrationError(
      `this user may not see which migrations the database has (${error.message}). Make it a member of its service's role, as 0005_roles.sql says`,
    )
  })
  const newer = states.filter(({ state }) => state === 'unknown').map(({ name }) => name)
  refuseMisfit(states.filter(({ name, state }) => state !== 'unknown' || CONTRACT.test(name)))
  const pending = states.filter(({ state }) => state === 'pending').map(({ name }) => name)
  if (pending.length > 0) {
    throw new MigrationError(
      `the database is older than this program: it lacks ${pending.join(', ')}. Run the migrations first (run_migrations --command upgrade)`,
    )
  }
  return newer
}

/** @throws MigrationError when the database is newer than the program, or an applied file has changed since. */
export function refuseMisfit(states: readonly MigrationState[]): void {
  const unknown = states.filter(({ state }) => state === 'unknown')
  if (unknown.length > 0) {
    throw new MigrationError(
      `the database is newer than this program: it has ${unknown.map(({ name }) => name).join(', ')}, which this program does not know. ` +
        'Run the newer program, or downgrade the database with it first',
    )
  }
  const changed = states.filter(({ state }) => state === 'changed')
  if (changed.length > 0) {
    throw new MigrationError(
      `${changed.map(({ name }) => `${name}.sql`).join(', ')} changed after it was applied to this database. ` +
        'Put the file back as it was and make the change in a new migration',
    )
  }
}

/** Every migration that the folder or the database knows, oldest first. */
export async function readMigrationStates(database: Queryable, folder: string): Promise<MigrationState[]> {
  const applied = new Map<string, { checksum: string | null; appliedAt: Date }>()
  for (const row of await readHistory(database)) applied.set(row.name, row)
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
  const states: MigrationState[] = files.map((file) => {
    const name = basename(file, '.sql')
    const row = applied.get(name)
    applied.delete(name)
    if (row === undefined) return { name, appliedAt: null, state: 'pending' }
    return {
      name,
      appliedAt: row.appliedAt,
      state: row.checksum === checksumOf(join(folder, file)) ? 'applied' : 'changed',
    }
  })
  for (const [name, { appliedAt }] of applied) states.push({ name, appliedAt, state: 'unknown' })
  return states
}

interface HistoryRow {
  name: string
  checksum: string | null
  appliedAt: Date
}

/** Nothing in a database that was never migrated. */
async function readHistory(database: Queryable): Promise<HistoryRow[]> {
  try {
    const { rows } = await database.query<HistoryRow>(
      `select name, checksum, coalesce(applied_at, run_on at time zone 'UTC') as "appliedAt"
         from ${HISTORY} left join schema_checksums using (name) order by id`,
    )
    return rows
  } catch (error) {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) return []
    throw error
  }
}

/** SHA-256 of the text, whatever line ends the checkout gave it. */
export function checksumOf(file: string): string {
  return createHash('sha256').update(readFileSync(file, 'utf8').replaceAll('\r\n', '\n')).digest('hex')
}
