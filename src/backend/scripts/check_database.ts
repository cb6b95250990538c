#!/usr/bin/env node
// Whether a database is whole, for one that was restored: migrations, tables, the chain of the record, rows. Changes nothing.
// Exit status: 0 it is; 1 it could not be looked at; 2 it is not, with what is wrong.
import { Command } from 'commander'
import { chosenDatabase } from './chosen-database.ts'
import { checkDatabase, type DatabaseCheck } from './database-check.ts'

const program = new Command('check_database')
  .description(
    'Looks at DATABASE_DIRECT_URL, else DATABASE_URL (or the same with _FILE), else the embedded database of DATA_DIR.',
  )
  .option(
    '--public-key <file...>',
    'keys to verify the chain of the record with; unless given, AUDIT_TRUSTED_KEYS_FILE',
  )
  .option('--json', 'print one JSON object')
  .action(async ({ publicKey, json }: { publicKey?: string[]; json?: true }) => {
    const database = await chosenDatabase(process.env)
    try {
      const own = process.env.AUDIT_TRUSTED_KEYS_FILE
      const check = await checkDatabase({ ...database, trustedKeys: publicKey ?? (own ? [own] : []) })
      console.log(json ? JSON.stringify(check) : checkText(check))
      if (!check.good) process.exitCode = 2
    } finally {
      await database.close()
    }
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || error.name : String(error))
  process.exitCode = 1
}

function checkText({ good, faults, migrations, chain, rows, newestRecordAt, tookMs }: DatabaseCheck): string {
  const verified =
    chain === null
      ? 'not verified: no public key was given'
      : `${chain.valid ? 'valid' : 'not valid'}, ${chain.checked} records proven, ${chain.unsealed} without a place`
  return [
    `${good ? 'whole' : `not whole: ${faults.join('; ')}`} (looked at in ${(tookMs / 1000).toFixed(1)} s)`,
    `migrations: ${migrations.applied}, the newest ${migrations.newest ?? 'none'}`,
    `chain: ${verified}`,
    `newest record: ${newestRecordAt ?? 'none'}`,
    ...Object.entries(rows).map(([table, count]) => `${String(count).padStart(12)}  ${table}`),
  ].join('\n')
}
