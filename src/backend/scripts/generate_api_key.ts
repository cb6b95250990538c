#!/usr/bin/env node
// Makes an API key: the first one of an installation, before anybody can ask the admin API for one. The key is printed once.
// Exit status: 0 made; 1 it failed, with a sentence.
import { Command, InvalidArgumentError, Option } from 'commander'
import { createApiKey, EXPIRES_IN_DAYS } from '../access/api-keys.ts'
import { ROLES, type Role } from '../access/roles.ts'
import { connectDatabase } from '../database/connect.ts'
import { HOUSE } from '../database/seed.ts'
import { readBroker } from '../reference-data/broker-terms.ts'
import { chosenDatabase } from './chosen-database.ts'

/** The longest life of a key. */
const DAYS_MAX = 3650

const program = new Command('generate_api_key')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .addOption(new Option('--role <role>', 'what the key may do').choices(ROLES).makeOptionMandatory())
  .option('--broker <client_id>', 'the broker that the key belongs to; staff belong to house', HOUSE)
  .option('--label <text>', 'for whom or what it is')
  .option('--expires-in-days <days>', `1 to ${DAYS_MAX}`, days, EXPIRES_IN_DAYS)
  .action(async (asked: { role: Role; broker: string; label?: string; expiresInDays: number }) => {
    const database = await chosenDatabase(process.env)
    const pool = connectDatabase(database.url, {
      applicationName: 'borrow-rate-engine key',
      connectionsMax: 1,
      passwordFile: database.passwordFile,
    })
    try {
      if ((await readBroker(pool, asked.broker)) === null) {
        throw new Error(`there is no broker ${asked.broker}; run seed_data first, or name another with --broker`)
      }
      const key = await createApiKey(pool, () => new Date(), {
        clientId: asked.broker,
        role: asked.role,
        expiresInDays: asked.expiresInDays,
        ...(asked.label !== undefined && { label: asked.label }),
      })
      console.error(
        `Key ${key.keyId}: role ${asked.role}, broker ${asked.broker}, until ${key.expiresAt.toISOString()}.`,
      )
      console.error('It is shown this once; only its hash is kept:')
      console.log(key.apiKey)
    } finally {
      await pool.end()
      await database.close()
    }
  })

function days(text: string): number {
  const number = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > DAYS_MAX) throw new InvalidArgumentError(`must be a number from 1 to ${DAYS_MAX}`)
  return number
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}
