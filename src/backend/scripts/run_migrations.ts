#!/usr/bin/env node
// Brings the database's structure up or down, or says where it stands.
// Exit status: 0 done, or up to date; 1 it failed, with a sentence; 2 (status only) the database and this program differ.
import { Command, InvalidArgumentError, Option } from 'commander'
import { dumpInto, snapshotOf } from '../database/backup.ts'
import { downgrade, type MigrationState, status, upgrade, verify } from '../database/migrate.ts'
import { type ChosenDatabase, chosenDatabase } from './chosen-database.ts'

interface Options {
  readonly command: 'upgrade' | 'downgrade' | 'status'
  readonly steps: number
  /** A folder. */
  readonly backup?: string
  /** An RDS instance. */
  readonly snapshot?: string
}

const program = new Command('run_migrations')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .addOption(
    new Option('--command <command>', 'what to do').choices(['upgrade', 'downgrade', 'status']).makeOptionMandatory(),
  )
  .option('--steps <n>', 'how many migrations a downgrade takes back', positiveInteger, 1)
  .addOption(
    new Option(
      '--backup <folder>',
      'before anything is applied, have pg_dump write the database into this folder',
    ).conflicts('snapshot'),
  )
  .option('--snapshot <instance>', 'before anything is applied, have RDS take a snapshot of this instance (with aws)')
  .action(async (options: Options) => {
    const { command, steps } = options
    if (command !== 'upgrade' && (options.backup ?? options.snapshot) !== undefined) {
      throw new Error('a backup is made before an upgrade alone: --backup and --snapshot go with --command upgrade')
    }
    const database = await chosenDatabase(process.env)
    try {
      const log = (line: string) => console.log(line)
      const { passwordFile } = database
      if (command === 'upgrade') {
        const applied = await upgrade(database.url, {
          log,
          passwordFile,
          beforeApplying: backupFirst(options, database),
        })
        if (applied.length === 0) console.log('nothing to apply')
        const tables = await verify(database.url, { passwordFile })
        console.log(`verified: every migration is applied as its file says, and all ${tables} tables can be read`)
      }
      if (command === 'downgrade' && (await downgrade(database.url, steps, { log, passwordFile })).length === 0) {
        console.log('nothing to take back')
      }
      const states = await status(database.url, { passwordFile })
      console.log(table(states))
      if (command === 'status' && states.some(({ state }) => state !== 'applied')) process.exitCode = 2
    } finally {
      await database.close()
    }
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}

/** Nothing is applied unless the backup is there. */
function backupFirst({ backup, snapshot }: Options, database: ChosenDatabase): () => Promise<void> {
  return async () => {
    if (backup !== undefined) {
      const { file, entries } = await dumpInto(backup, database).catch(refuse)
      console.log(`backed up to ${file}, ${entries} entries`)
    }
    if (snapshot !== undefined) {
      console.log(`waiting for a snapshot of ${snapshot}`)
      console.log(`backed up as the snapshot ${await snapshotOf(snapshot, {}).catch(refuse)}`)
    }
  }
}

function refuse(error: Error): never {
  throw new Error(`nothing was migrated, since there is no backup: ${error.message}`)
}

function table(states: readonly MigrationState[]): string {
  const width = Math.max(...states.map(({ name }) => name.length))
  return states
    .map(({ name, state, appliedAt }) =>
      `${name.padEnd(width)}  ${state.padEnd(7)}  ${appliedAt?.toISOString() ?? ''}`.trimEnd(),
    )
    .join('\n')
}

function positiveInteger(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('It must be a positive whole number.')
  return Number(text)
}
