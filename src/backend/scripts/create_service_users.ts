#!/usr/bin/env node
// Makes a database user for a service, or changes its password. Connects as a user who may create roles (DATABASE_DIRECT_URL, else
// DATABASE_URL). The new password comes from standard input, never from the command line, and is never printed.
// Exit status: 0 done; 1 it failed, with a sentence.
//
//     openssl rand -base64 24 | tee secret.txt | node dist/scripts/create_service_users.js --user pricing_1 --role calculation_service
import { text } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import { connectDatabase } from '../database/connect.ts'
import { setServiceUser, USER_ROLES, type UserRole } from '../database/service-users.ts'
import { chosenDatabase } from './chosen-database.ts'

const program = new Command('create_service_users')
  .description('Works on DATABASE_DIRECT_URL, else DATABASE_URL, else the embedded database of DATA_DIR.')
  .requiredOption('--user <name>', 'the user to log in as')
  .addOption(new Option('--role <role>', 'whose rights it has').choices(USER_ROLES).makeOptionMandatory())
  .action(async ({ user, role }: { user: string; role: UserRole }) => {
    const password = (await text(process.stdin)).trim()
    const database = await chosenDatabase(process.env)
    const pool = connectDatabase(database.url, {
      applicationName: 'borrow-rate-engine users',
      connectionsMax: 1,
      passwordFile: database.passwordFile,
    })
    try {
      const isNew = await setServiceUser(pool, { user, role, password })
      console.log(isNew ? `made ${user}, with the rights of ${role}` : `changed the password of ${user}, of ${role}`)
    } finally {
      await pool.end()
      await database.close()
    }
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : error)
  process.exitCode = 1
}
