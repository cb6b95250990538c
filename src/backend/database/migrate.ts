// The database's structure, version by version. The files in migrations/ are run by node-pg-migrate; what this adds is that
// each applied file is remembered with a checksum, in the same transaction, and that a database which does not fit the
// program is refused with a sentence instead of being changed.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtInLoaders, type MigrationUnit } from 'node-pg-migrate/migrationLoader'
import { runner } from 'node-pg-migrate/runner'
import pg from 'pg'

export interface MigrationState {
  /** The file's name without `.sql`: `0001_pricing_models`. */
  readonly name: string
  readonly appliedAt: Date | null
  /** `changed`: the file is not the one that was applied. `unknown`: applied by a newer program, there is no such file here. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown'
}

export interface MigrateOptions {
  /** Told the name of each file as it is run. */
  readonly log?: (line: string) => void
  /** Another folder of migrations, for tests. */
  readonly folder?: string
}

/** The database and the program do not fit; the message says how and what to do. Nothing was changed. */
export class MigrationError extends Error {}

const FOLDER = fileURLToPath(new URL('./migrations/', import.meta.url))
/** Any number, the same for every program that migrates this database. */
const LOCK = 7_241_865_325
const LOCK_WAIT_MS = 60_000
const CONNECT_TIMEOUT_MS = 10_000
const HISTORY = 'schema_migrations'
const AUDIT_MONTHS_AHEAD = 24

/**
 * Runs every file that has not been run, all in one transaction, and sees to it that the audit log has 24 months ahead. Waits
 * for another program that is migrating.
 * @param url the database itself, not a transaction pooler in front of it: the lock belongs to the session.
 * @returns the names of the files that were run.
 * @throws MigrationError when the database is newer than the program, or an applied file has changed since.
 */
export function upgrade(url: string, options: MigrateOptions = {}): Promise<string[]> {
  return withLock(url, async (client) => {
    refuseMisfit(await readStates(client, options.folder ?? FOLDER))
    const applied = await run(client, 'up', Number.POSITIVE_INFINITY, options)
    await addAuditMonths(client)
    return applied
  })
}

/**
 * Takes back the last `steps` files, newest first, all in one transaction. The audit log refuses to go while it holds records.
 * @returns the names of the files that were taken back.
 * @throws MigrationError as {@link upgrade} does.
 */
export function downgrade(url: string, steps: number, options: MigrateOptions = {}): Promise<string[]> {
  if (!Number.isSafeInteger(steps) || steps < 1) throw new RangeError('steps is a positive integer')
  return withLock(url, async (client) => {
    refuseMisfit(await readStates(client, options.folder ?? FOLDER))
    return run(client, 'down', steps, options)
  })
}

/** What has been run and what has not, oldest first. Changes nothing, also not in an empty database. */
export async function status(url: string, options: MigrateOptions = {}): Promise<MigrationState[]> {
  const client = await connect(url)
  try {
    return await readStates(client, options.folder ?? FOLDER)
  } finally {
    await client.end()
  }
}

function refuseMisfit(states: MigrationState[]): void {
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

async function run(
  client: pg.Client,
  direction: 'up' | 'down',
  count: number,
  options: MigrateOptions,
): Promise<string[]> {
  const folder = options.folder ?? FOLDER
  if (direction === 'up') {
    await client.query(
      'create table if not exists schema_checksums (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
    )
  }
  const done = await runner({
    dbClient: client,
    dir: folder,
    direction,
    count,
    migrationsTable: HISTORY,
    checkOrder: true,
    singleTransaction: true,
    noLock: true, // we hold our own, since the checks belong under it too
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    migrationLoaderStrategies: [
      { extensions: ['.sql'], loader: async (files) => (await builtInLoaders.legacySql(files)).map(withChecksum) },
    ],
  })
  for (const { name } of done) options.log?.(`${direction === 'up' ? 'applied' : 'took back'} ${name}`)
  return done.map(({ name }) => name)
}

/** Moves the end of the audit log's months along: without a month for its time a record cannot be kept. */
async function addAuditMonths(client: pg.Client): Promise<void> {
  const { rows } = await client.query("select to_regprocedure('add_audit_months(date, integer)') is not null as known")
  if (rows[0].known === true) {
    await client.query("select add_audit_months((now() at time zone 'UTC')::date, $1)", [1 + AUDIT_MONTHS_AHEAD])
  }
}

/** The same migration, which also notes or forgets its checksum. */
function withChecksum(unit: MigrationUnit): MigrationUnit {
  const { up, down } = unit.actions
  const name = basename(unit.id, '.sql')
  return {
    ...unit,
    actions: {
      ...unit.actions,
      up: async (migration) => {
        if (up) await (up as (m: typeof migration) => unknown)(migration)
        migration.sql(`insert into schema_checksums (name, checksum) values ('${name}', '${checksumOf(unit.id)}')`)
      },
      down: async (migration) => {
        if (!down) throw new MigrationError(`${name}.sql has no down part`)
        await (down as (m: typeof migration) => unknown)(migration)
        migration.sql(`delete from schema_checksums where name = '${name}'`)
      },
    },
  }
}

async function readStates(client: pg.Client, folder: string): Promise<MigrationState[]> {
  const { rows: tables } = await client.query(
    `select to_regclass('${HISTORY}') is not null and to_regclass('schema_checksums') is not null as known`,
  )
  const applied = new Map<string, { checksum: string | null; appliedAt: Date }>()
  if (tables[0].known === true) {
    const { rows } = await client.query(
      `select name, checksum, coalesce(applied_at, run_on at time zone 'UTC') as applied_at
         from ${HISTORY} left join schema_checksums using (name) order by id`,
    )
    for (const row of rows) applied.set(row.name, { checksum: row.checksum, appliedAt: row.applied_at })
  }
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

/** SHA-256 of the text, whatever line ends the checkout gave it. */
function checksumOf(file: string): string {
  return createHash('sha256').update(readFileSync(file, 'utf8').replaceAll('\r\n', '\n')).digest('hex')
}

async function withLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(url)
  try {
    await client.query(`set lock_timeout = ${LOCK_WAIT_MS}`)
    await client.query('select pg_advisory_lock($1)', [LOCK]).catch((error) => {
      if (error.code !== '55P03') throw error
      throw new MigrationError(
        `another program has been migrating this database for ${LOCK_WAIT_MS / 1000} s: try again when it is done`,
      )
    })
    return await work(client)
  } finally {
    // The lock goes with the session.
    await client.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'borrow-rate-engine migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
