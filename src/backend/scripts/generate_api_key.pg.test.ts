import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiKeys } from '../access/api-keys.ts'
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
