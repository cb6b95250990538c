import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiKeys, parseApiKey } from '../access/api-keys.ts'
import { seedReferenceData } from '../database/seed.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'

const SCRIPT = fileURLToPath(new URL('./generate_api_key.ts', import.meta.url))
let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  await seedReferenceData(database.pool)
})
afterAll(() => database.drop())

function generate(...words: string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', SCRIPT, ...words], {
    encoding: 'utf8',
    env: { ...process.env, DATABASE_URL: database.url, DATABASE_DIRECT_URL: '' },
  })
}

describe('generate_api_key', () => {
  test('prints a key that opens the door in its role, and nothing else on its standard output', async () => {
    const { stdout, status } = generate('--role', 'auditor', '--label', 'first key', '--expires-in-days', '30')
    expect(status).toBe(0)
    const keys = apiKeys({ database: database.pool, clock: () => new Date() })
    expect(await keys.authenticate(stdout.trim())).toMatchObject({
      role: 'auditor',
      clientId: 'house',
      tier: 'internal',
    })
    const inMonths = apiKeys({ database: database.pool, clock: () => new Date(Date.now() + 31 * 86_400_000) })
    expect(await inMonths.authenticate(stdout.trim())).toBeNull()
  })

  test('keeps a record of the key, with who made it and without anything that opens a door', async () => {
    const { stdout } = generate('--role', 'broker', '--broker', 'house', '--label', 'for the record')
    const { keyId, secret } = parseApiKey(stdout.trim())!
    const { rows } = await database.pool.query(
      `select client_id, record, recorded_at from audit_records
        where record_type = 'api_key_created' and record::json #>> '{subject,id}' = $1`,
      [keyId],
    )
    expect(rows).toHaveLength(1)
    expect(rows[0].client_id).toBe('house')
    expect(JSON.parse(rows[0].record)).toMatchObject({
      actor: { actor_type: 'operator', actor_id: userInfo().username, source: 'command line' },
      subject: { kind: 'api_key', id: keyId },
      before: null,
      after: { key_id: keyId, role: 'broker', label: 'for the record' },
    })
    expect(rows[0].record).not.toContain(secret)
    const { rows: keys } = await database.pool.query(
      `select encode(secret_hash, 'hex') as hash, expires_at from api_keys where key_id = $1`,
      [keyId],
    )
    expect(rows[0].record).not.toContain(keys[0].hash)
    expect(JSON.parse(rows[0].record).after.expires_at).toBe(keys[0].expires_at.toISOString())
  })

  test('makes no key that it cannot record', async () => {
    const count = async () => (await database.pool.query('select count(*) from api_keys')).rows[0].count
    const before = await count()
    await database.pool.query('alter table audit_records rename to audit_records_away')
    const { stdout, stderr, status } = generate('--role', 'desk')
    await database.pool.query('alter table audit_records_away rename to audit_records')
    expect(stdout).toBe('')
    expect(stderr).toContain('audit_records')
    expect(status).toBe(1)
    expect(await count()).toBe(before)
  })

  test('says what is wrong with a role, a broker or a number of days, and makes nothing', async () => {
    for (const [words, sentence] of [
      [['--role', 'king'], /Allowed choices are broker, desk/],
      [['--role', 'broker', '--broker', 'nobody'], /there is no broker nobody/],
      [['--role', 'desk', '--expires-in-days', '0'], /must be a number from 1 to 3650/],
    ] as const) {
      const { stdout, stderr, status } = generate(...words)
      expect(stderr).toMatch(sentence)
      expect(stdout).toBe('')
      expect(status).toBe(1)
    }
  })
})
