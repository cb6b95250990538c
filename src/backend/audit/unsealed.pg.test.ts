import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditId, auditRow, insertRows } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { countUnsealed } from './unsealed.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test('records without a seal are counted from a moment on', async () => {
  const now = Date.now()
  const made = (secondsAgo: number) => {
    const at = new Date(now - secondsAgo * 1000)
    return auditRow({ audit_id: auditId(at), occurred_at: at.toISOString() })
  }
  const rows = [made(90), made(20), made(10), made(5)]
  await insertRows(database.pool, rows)
  const count = (secondsAgo: number) => countUnsealed(database.pool, new Date(now - secondsAgo * 1000))
  expect(await count(30)).toBe(3)
  expect(await count(100)).toBe(4)
  await database.pool.query(
    `insert into audit_seals (audit_id, sequence, prev_hash, hash, sealed_at) values ($1, 1, $2, $2, now())`,
    [rows[2]?.audit_id, Buffer.alloc(32)],
  )
  expect(await count(30)).toBe(2)
  expect(await count(0)).toBe(0)
})
