import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { asOwner } from '../test/postgres.ts'

const SCRIPT = fileURLToPath(new URL('./create_service_users.ts', import.meta.url))
const USER = `test_${process.pid}_script`
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(async () => {
  await database.pool.query(`drop role if exists ${USER}`)
  await database.drop()
})

function run(password: string, ...words: string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', SCRIPT, ...words], {
    input: `${password}\n`,
    encoding: 'utf8',
    env: { ...process.env, DATABASE_URL: database.url, DATABASE_DIRECT_URL: '' },
  })
}

async function logsIn(password: string): Promise<boolean> {
  const url = new URL(database.url)
  Object.assign(url, { username: USER, password })
  return asOwner(url.href, (client) => client.query('select audit_id from audit_records')).then(
    () => true,
    (error) => {
      expect(error).toMatchObject({ code: '28P01' })
      return false
    },
  )
}

describe('create_service_users', () => {
  test('makes a user who logs in with the password given, and changes it; the password is printed nowhere', async () => {
    const made = run('the-first-password', '--user', USER, '--role', 'audit_service')
    expect(made).toMatchObject({ status: 0, stdout: `made ${USER}, with the rights of audit_service\n`, stderr: '' })
    expect(await logsIn('the-first-password')).toBe(true)
    const changed = run('the-second-password', '--user', USER, '--role', 'audit_service')
    expect(changed).toMatchObject({
      status: 0,
      stdout: `changed the password of ${USER}, of audit_service\n`,
      stderr: '',
    })
    expect(await logsIn('the-first-password')).toBe(false)
    expect(await logsIn('the-second-password')).toBe(true)
  })

  test('says what is wrong with a role, a name or a password, and makes nothing', () => {
    for (const [password, words, sentence] of [
      ['long enough for one', ['--user', 'test_other', '--role', 'postgres'], /Allowed choices are api_gateway/],
      ['long enough for one', ['--user', 'audit_service', '--role', 'audit_service'], /not as one of the roles/],
      ['short', ['--user', 'test_other', '--role', 'audit_service'], /at least 12 printable ASCII/],
    ] as const) {
      const { stdout, stderr, status } = run(password, ...words)
      expect(stderr).toMatch(sentence)
      expect(stdout + stderr).not.toContain(password)
      expect(status).toBe(1)
    }
  })
})
