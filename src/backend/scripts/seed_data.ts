#!/usr/bin/env node
// Gives a migrated database its reference data, and with --demo what a demonstration shows. Run again, it changes nothing.
// Exit status: 0 done; 1 it failed, with a sentence.
import { Command } from 'commander'
import { connectDatabase } from '../database/connect.ts'
import { status, upgrade } from '../database/migrate.ts'
import { DEMO_KEYS_FILE, seedDemoData, seedDemoKeys, seedReferenceData } from '../database/seed.ts'
import { type ChosenDatabase, chosenDatabase } from './chosen-database.ts'

const program = new Command('seed_data')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .option('--demo', 'also demo brokers and demo market data, and in the embedded database demo keys', false)
  .action(async ({ demo }: { demo: boolean }) => {
    const database = await chosenDatabase(process.env)
    try {
      if (database.dataDir !== null) await upgrade(database.url)
      else if (
        (await status(database.url, { passwordFile: database.passwordFile })).some(({ state }) => state === 'pending')
      ) {
        throw new Error('the database is not up to date: run run_migrations --command upgrade first')
      }
      await seed(database, demo)
    } finally {
      await database.close()
    }
  })

async function seed({ url, passwordFile, dataDir }: ChosenDatabase, demo: boolean): Promise<void> {
  const pool = connectDatabase(url, { applicationName: 'borrow-rate-engine seed', connectionsMax: 2, passwordFile })
  try {
    await seedReferenceData(pool)
    console.log('reference data is there')
    if (!demo) return
    const now = new Date()
    for (const { file, result } of await seedDemoData(pool, { now })) {
      console.log(`${file}: ${result.leftAlone ?? `${result.rows} rows, ${result.changed} new or changed`}`)
    }
    if (dataDir !== null) {
      const keys = await seedDemoKeys(pool, { dataDir, now })
      console.log(`${keys.length} demo keys are in ${DEMO_KEYS_FILE} in the data folder ${dataDir}`)
    }
  } finally {
    await pool.end()
  }
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}
