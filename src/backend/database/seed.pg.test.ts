import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiKeys } from '../access/api-keys.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { DEMO_KEYS_FILE, seedDemoData, seedDemoKeys, seedReferenceData } from './seed.ts'

const now = new Date('2026-11-24T15:00:00Z')
const dayLater = new Date('2026-11-25T15:00:00Z')

let database: TestDatabase
let dataDir: string
beforeAll(async () => {
  database = await testDatabase()
  dataDir = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-seed-'))
})
afterAll(async () => {
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** Every row of every seeded table, without the times of receipt. */
async function everything(): Promise<Record<string, unknown[]>> {
  const tables = [
    'brokers',
    'stocks',
    'lender_rates',
    'lender_rate_history',
    'volatility_index',
    'market_events',
    'feed_states',
  ]
  const rows: Record<string, unknown[]> = {}
  for (const table of tables) {
    const result = await database.pool.query(
      `select (to_jsonb(t) - 'received_at' - 'last_success' - 'updated_at' - 'event_id')::text as row from ${table} t order by 1`,
    )
    rows[table] = result.rows.map(({ row }) => row)
  }
  return rows
}

describe('seeding', () => {
  test('run twice it leaves the same rows as run once', async () => {
    await seedReferenceData(database.pool)
    await seedDemoData(database.pool, { now })
    const once = await everything()
    expect(once.brokers).toHaveLength(4)
    expect(once.lender_rates!.length).toBeGreaterThan(200)
    await seedReferenceData(database.pool)
    await seedDemoData(database.pool, { now })
    expect(await everything()).toEqual(once)
  })

  test('demo events move with the day, so that the same number lies ahead', async () => {
    const ahead = async (at: Date) => {
      await seedDemoData(database.pool, { now: at })
      const { rows } = await database.pool.query(
        'select min(event_date) as first, count(*)::int as events from market_events',
      )
      return rows[0]
    }
    const today = await ahead(now)
    const tomorrow = await ahead(dayLater)
    expect(tomorrow.events).toBe(today.events)
    expect(Date.parse(tomorrow.first) - Date.parse(today.first)).toBe(86_400_000)
  })

  test('terms that somebody changed are not set back', async () => {
    await database.pool.query("update brokers set markup_percentage = 7, version = 2 where client_id = 'demo-classic'")
    await seedDemoData(database.pool, { now })
    const { rows } = await database.pool.query(
      "select markup_percentage, version from brokers where client_id = 'demo-classic'",
    )
    expect(rows).toEqual([{ markup_percentage: '7.0000', version: 2 }])
  })
})

describe('demo keys', () => {
  const file = () => join(dataDir, DEMO_KEYS_FILE)
  const principal = (apiKey: string, at = now) =>
    apiKeys({ database: database.pool, clock: () => at }).authenticate(apiKey)

  test('one for the desk, the admin, the auditor and each demo broker; they work, and only their owner can read them', async () => {
    const keys = await seedDemoKeys(database.pool, { dataDir, now })
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ keys })
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(keys.map(({ name, role, clientId }) => `${name} ${role} ${clientId}`)).toEqual([
      'desk desk house',
      'admin admin house',
      'auditor auditor house',
      'demo-classic broker demo-classic',
      'demo-percentage broker demo-percentage',
      'demo-collateral broker demo-collateral',
    ])
    for (const { apiKey, role, clientId } of keys) expect(await principal(apiKey)).toMatchObject({ role, clientId })
  })

  test('a key that works is kept; one that was revoked, or is about to expire, is made anew', async () => {
    const before = await seedDemoKeys(database.pool, { dataDir, now })
    expect(await seedDemoKeys(database.pool, { dataDir, now: dayLater })).toEqual(before)
    await database.pool.query("update api_keys set revoked_at = now() where role = 'admin'")
    const after = await seedDemoKeys(database.pool, { dataDir, now })
    expect(after.filter(({ apiKey }, index) => apiKey !== before[index]!.apiKey).map(({ name }) => name)).toEqual([
      'admin',
    ])
    const later = new Date('2027-02-20T00:00:00Z')
    const renewed = await seedDemoKeys(database.pool, { dataDir, now: later })
    for (const { apiKey } of renewed) expect(await principal(apiKey, new Date('2027-05-01T00:00:00Z'))).not.toBeNull()
  })

  test('when the file is lost or damaged new keys are made and the old ones stop working', async () => {
    const lost = await seedDemoKeys(database.pool, { dataDir, now })
    writeFileSync(file(), '{"keys": [')
    const made = await seedDemoKeys(database.pool, { dataDir, now })
    for (const { apiKey } of lost) expect(await principal(apiKey)).toBeNull()
    for (const { apiKey } of made) expect(await principal(apiKey)).not.toBeNull()
  })
})
