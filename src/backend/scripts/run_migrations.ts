#!/usr/bin/env node
// Brings the database's structure up or down, or says where it stands.
// Exit status: 0 done, or up to date; 1 it failed, with a sentence; 2 (status only) the database and this program differ.
import { Command, InvalidArgumentError, Option } from 'commander'
import { downgrade, type MigrationState, status, upgrade } from '../database/migrate.ts'
import { chosenDatabase } from './chosen-database.ts'

const program = new Command('run_migrations')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .addOption(
    new Option('--command <command>', 'what to do').choices(['upgrade', 'downgrade', 'status']).makeOptionMandatory(),
  )
  .option('--steps <n>', 'how many migrations a downgrade takes back', positiveInteger, 1)
  .action(async ({ command, steps }: { command: 'upgrade' | 'downgrade' | 'status'; steps: number }) => {
    const database = await chosenDatabase(process.env)
    try {
      const log = (line: string) => console.log(line)
      const { passwordFile } = database
      if (command === 'upgrade' && (await upgrade(database.url, { log, passwordFile })).length === 0)
        console.log('nothing to apply')
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
