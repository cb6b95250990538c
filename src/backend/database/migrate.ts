// The database's structure, version by version. The files in migrations/ are run by node-pg-migrate; what this adds is that
// each applied file is remembered with a checksum, in the same transaction, and that a database which does not fit the
// program is refused with a sentence instead of being changed.
import { basename } from 'node:path'
import { builtInLoaders, type MigrationUnit } from 'node-pg-migrate/migrationLoader'
import { runner } from 'node-pg-migrate/runner'
import pg from 'pg'
import { readPassword } from './connect.ts'
import {
  checksumOf,
  HISTORY,
  MIGRATIONS_FOLDER,
  MigrationError,
  type MigrationState,
  readMigrationStates,
  refuseMisfit,
} from './schema-state.ts'

export interface MigrateOptions {
  /** Told the name of each file as it is run. */
  readonly log?: (line: string) => void
  /** The password is read from this file, in place of the one in the URL. */
  readonly passwordFile?: string | null
  /** Another folder of migrations, for tests. */
  readonly folder?: string
  /** Called under the lock when there is something to apply, with its names, before anything is. When it fails, nothing is applied. */
  readonly beforeApplying?: (pending: readonly string[]) => Promise<void>
}

export { MigrationError, type MigrationState } from './schema-state.ts'

/** Any number, the same for every program that migrates this database. */
const LOCK = 7_241_865_325
const LOCK_WAIT_MS = 60_000
const CONNECT_TIMEOUT_MS = 10_000
const OWNER = 'borrow_rate_owner'
const AUDIT_MONTHS_AHEAD = 24

/**
 * Runs every file that has not been run, all in one transaction, and sees to it that the audit log has 24 months ahead. Waits
 * for another program that is migrating.
 * @param url the database itself, not a transaction pooler in front of it: the lock belongs to the session.
 * @returns the names of the files that were run.
 * @throws MigrationError when the database is newer than the program, or an applied file has changed since.
 */
export function upgrade(url: string, options: MigrateOptions = {}): Promise<string[]> {
  return withLock(url, options, async (client) => {
    const states = await readMigrationStates(client, options.folder ?? MIGRATIONS_FOLDER)
    refuseMisfit(states)
    const pending = states.filter(({ state }) => state === 'pending').map(({ name }) => name)
    if (pending.length > 0) await options.beforeApplying?.(pending)
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
  return withLock(url, options, async (client) => {
    refuseMisfit(await readMigrationStates(client, options.folder ?? MIGRATIONS_FOLDER))
    return run(client, 'down', steps, options)
  })
}

/** What has been run and what has not, oldest first. Changes nothing, also not in an empty database. */
export async function status(url: string, options: MigrateOptions = {}): Promise<MigrationState[]> {
  const client = await connect(url, options)
  try {
    return await readMigrationStates(client, options.folder ?? MIGRATIONS_FOLDER)
  } finally {
    await client.end()
  }
}

/**
 * After an upgrade: every migration is applied as it stands in its file, and every table of the engine can be read.
 * @returns how many tables that is
 * @throws MigrationError when it is not so
 */
export async function verify(url: string, options: MigrateOptions = {}): Promise<number> {
  const client = await connect(url, options)
  try {
    const states = await readMigrationStates(client, options.folder ?? MIGRATIONS_FOLDER)
    const misfits = states.filter(({ state }) => state !== 'applied').map(({ name, state }) => `${name} is ${state}`)
    if (misfits.length > 0) throw new MigrationError(`the database is not what it should be: ${misfits.join(', ')}`)
    await becomeOwner(client)
    return await readEveryTable(client)
  } finally {
    await client.end()
  }
}

/** One row of each that the engine owns, if there is one: what a half-made table or view, or a lost right, would refuse. */
async function readEveryTable(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'public' and relkind in ('r', 'p', 'v', 'm') and not relispartition
        and pg_get_userbyid(relowner) = current_user order by 1`,
  )
  for (const { name } of rows) {
    await client.query(`select * from ${name} limit 1`).catch((error) => {
      throw new MigrationError(`${name} cannot be read: ${error.message}`)
    })
  }
  return rows.length
}

async function run(
  client: pg.Client,
  direction: 'up' | 'down',
  count: number,
  options: MigrateOptions,
): Promise<string[]> {
  const folder = options.folder ?? MIGRATIONS_FOLDER
  await becomeOwner(client)
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

/** What a migration makes belongs to the owner, whoever runs it. Before 0005_roles there is none, and that file goes on as the owner. */
async function becomeOwner(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select session_user as me, relowner = to_regrole('${OWNER}') as owned, coalesce(pg_has_role(to_regrole('${OWNER}'), 'usage'), false) as may
       from pg_class where oid = to_regclass('${HISTORY}')`,
  )
  if (rows[0]?.owned !== true) return
  if (rows[0].may !== true) {
    throw new MigrationError(
      `the user ${rows[0].me} may not migrate this database: make it a member of borrow_rate_migrator`,
    )
  }
  await client.query(`set role ${OWNER}`)
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

async function withLock<T>(url: string, options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(url, options)
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

async function connect(url: string, { passwordFile }: MigrateOptions): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'borrow-rate-engine migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true, // it may say nothing for minutes while a backup is made
  })
  client.on('error', () => {})
  if (passwordFile) client.password = await readPassword(passwordFile)
  await client.connect()
  return client
}
