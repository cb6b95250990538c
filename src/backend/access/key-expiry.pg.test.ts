import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createMetrics } from '../server/metrics.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { createApiKey } from './api-keys.ts'
import { keyExpiryMetrics, readKeyExpiry } from './key-expiry.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2026-11-24T12:00:00Z')
const inDays = (days: number) => new Date(NOW.getTime() + days * DAY_MS)

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await database.pool.query(
    `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack,
                          pricing_model, tier, active)
     select name, 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', 'standard', name <> 'asleep' from unnest(array['classic', 'asleep']) as name`,
  )
})
afterAll(() => database.drop())
beforeEach(() => database.pool.query('delete from api_keys'))

/** A key that ends so many days from now. */
const key = (days: number, clientId = 'classic') =>
  createApiKey(database.pool, () => inDays(days - 90), { clientId, role: 'broker', expiresInDays: 90 })

describe('keys that end', () => {
  test('are counted by how soon', async () => {
    for (const days of [1, 2, 3, 14, 15, 90]) await key(days)
    expect(await readKeyExpiry(database.pool, NOW)).toEqual({ next: inDays(1), within2Days: 2, within14Days: 4 })
  })

  test('are none where there is none, or only later ones', async () => {
    expect(await readKeyExpiry(database.pool, NOW)).toEqual({ next: null, within2Days: 0, within14Days: 0 })
    await key(40)
    expect(await readKeyExpiry(database.pool, NOW)).toEqual({ next: inDays(40), within2Days: 0, within14Days: 0 })
  })

  test('are not those that ended, were revoked, were rotated, or whose broker is not active', async () => {
    await key(-1)
    await key(1, 'asleep')
    const revoked = await key(1)
    await database.pool.query('update api_keys set revoked_at = $2 where key_id = $1', [revoked.keyId, NOW])
    const [old, successor] = [await key(1), await key(60)]
    await database.pool.query('update api_keys set revoked_at = $2, replaced_by = $3 where key_id = $1', [
      old.keyId,
      inDays(1),
      successor.keyId,
    ])
    expect(await readKeyExpiry(database.pool, NOW)).toEqual({ next: inDays(60), within2Days: 0, within14Days: 0 })
  })

  test('are shown without a key’s name, and read by the clock alone', async () => {
    const { keyId } = await key(1.5)
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    const reading = keyExpiryMetrics({
      database: database.pool,
      clock: () => NOW,
      metrics,
      onFailure: (error) => expect.fail(String(error)),
    })
    const shown = async () => (await metrics.registry.metrics()).split('\n').filter((line) => /^api_key/.test(line))
    expect(await shown()).toContain('api_keys_expiring{within_days="2",service="test"} Nan')
    await reading.readNow()
    expect(await shown()).toEqual([
      `api_key_next_expiry_seconds{service="test"} ${inDays(1.5).getTime() / 1000}`,
      'api_keys_expiring{within_days="2",service="test"} 1',
      'api_keys_expiring{within_days="14",service="test"} 1',
    ])
    expect((await shown()).join()).not.toContain(keyId)
    await database.pool.query('delete from api_keys')
    expect(await shown()).toContain('api_keys_expiring{within_days="2",service="test"} 1')
    await reading.readNow()
    expect(await shown()).toContain('api_key_next_expiry_seconds{service="test"} Nan')
    await reading.stop()
  })
})
