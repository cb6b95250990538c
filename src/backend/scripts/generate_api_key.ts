#!/usr/bin/env node
// Makes an API key: the first one of an installation, before anybody can ask the admin API for one. The key is printed once, and
// that it was made, by whom and for what, goes on the record in the same transaction.
// Exit status: 0 made; 1 it failed, with a sentence.
import { userInfo } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type pg from 'pg'
import { createApiKey, EXPIRES_IN_DAYS, EXPIRES_IN_DAYS_MAX } from '../access/api-keys.ts'
import { ROLES, type Role } from '../access/roles.ts'
import { changeRecordRow, insertRecord } from '../audit/change-record.ts'
import { connectDatabase } from '../database/connect.ts'
import { HOUSE } from '../database/seed.ts'
import { readBroker } from '../reference-data/broker-terms.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { chosenDatabase } from './chosen-database.ts'

/** Of the operating system's user name, characters on the record. */
const USER_NAME_MAX = 100

interface AskedKey {
  readonly role: Role
  readonly broker: string
  readonly label?: string
  readonly expiresInDays: number
}

const program = new Command('generate_api_key')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .addOption(new Option('--role <role>', 'what the key may do').choices(ROLES).makeOptionMandatory())
  .option('--broker <client_id>', 'the broker that the key belongs to; staff belong to house', HOUSE)
  .option('--label <text>', 'for whom or what it is')
  .option('--expires-in-days <days>', `1 to ${EXPIRES_IN_DAYS_MAX}`, days, EXPIRES_IN_DAYS)
  .action(async (asked: AskedKey) => {
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
      const key = await createRecordedKey(pool, asked)
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

/** The key and the record of it, both or neither. */
async function createRecordedKey(pool: pg.Pool, asked: AskedKey) {
  const client = await pool.connect()
  let committed = false
  try {
    await client.query('begin')
    const key = await createApiKey(client, systemClock, {
      clientId: asked.broker,
      role: asked.role,
      expiresInDays: asked.expiresInDays,
      ...(asked.label !== undefined && { label: asked.label }),
    })
    await insertRecord(
      client,
      changeRecordRow({
        auditId: uuidv7Maker(systemClock)(),
        occurredAt: systemClock(),
        actor: { actorType: 'operator', actorId: operator(), source: 'command line' },
        change: 'api_key_created',
        subject: { kind: 'api_key', id: key.keyId },
        clientId: asked.broker,
        before: null,
        after: { key_id: key.keyId, role: asked.role, label: asked.label ?? null, expires_at: key.expiresAt },
      }),
    )
    await client.query('commit')
    committed = true
    return key
  } finally {
    // A connection that is thrown away takes what was not committed with it.
    client.release(!committed)
  }
}

/** The user of the operating system, as far as it is plain text: a container may run under a number that has no name. */
function operator(): string {
  try {
    const name = userInfo()
      .username.replace(/[^A-Za-z0-9._@\\ -]/g, '?')
      .slice(0, USER_NAME_MAX)
    if (name !== '') return name
  } catch {
    // No entry for this number in the system's list.
  }
  return `uid ${process.getuid?.() ?? 'unknown'}`
}

function days(text: string): number {
  const number = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > EXPIRES_IN_DAYS_MAX)
    throw new InvalidArgumentError(`must be a number from 1 to ${EXPIRES_IN_DAYS_MAX}`)
  return number
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}
