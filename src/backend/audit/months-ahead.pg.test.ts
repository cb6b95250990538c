import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { insertRecord } from './change-record.ts'
import { logMonths } from './log-months.ts'
import { LOCK_WAIT_MS, monthsAhead } from './months-ahead.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const at = (day: string) => () => new Date(`${day}T12:00:00Z`)

test('24 months are seen to lie ahead, and those that are there are left alone', async () => {
  const ahead = monthsAhead(database.pool, at('2040-01-15'))
  expect(ahead.count()).toBe(0)
  expect(await ahead.add()).toBe(25)
  expect(ahead.count()).toBe(24)
  expect(await ahead.add()).toBe(0)
  const months = await logMonths(database.pool)
  expect(months).toContain('2040-01-01')
  expect(months.at(-1)).toBe('2042-01-01')
  await insertRecord(database.pool, auditRow({ audit_id: auditId(new Date('2042-01-31T23:59:59.999Z')) }))
})

test('how many lie ahead falls as time goes by while none can be added, and a gap ends the count', async () => {
  let now = new Date('2050-01-31T23:00:00Z')
  const ahead = monthsAhead(database.pool, () => now)
  await ahead.add()
  now = new Date('2050-02-01T00:00:00Z')
  expect(ahead.count()).toBe(23)
  now = new Date('2052-01-01T00:00:00Z')
  expect(ahead.count()).toBe(0)
  now = new Date('2052-06-01T00:00:00Z')
  expect(ahead.count()).toBe(0)
  // Two more, but not the one right after: what lies behind a gap is of no use until the gap is filled.
  await database.pool.query("select add_audit_months('2052-08-01', 2)")
  await database.pool.query("select add_audit_months('2052-06-01', 1)")
  const fresh = monthsAhead(database.pool, at('2052-06-15'))
  expect(await fresh.add()).toBe(22)
  expect(fresh.count()).toBe(24)
})

test('a long read is in the way: appends go on, and the months come when it is over', async () => {
  const ahead = monthsAhead(database.pool, at('2060-01-15'))
  const reader = await database.pool.connect()
  await reader.query('begin; select count(*) from audit_records')
  const adding = ahead.add()
  let longestMs = 0
  for (let turn = 0; turn < 40; turn += 1) {
    const began = performance.now()
    await insertRecord(database.pool, auditRow())
    longestMs = Math.max(longestMs, performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await reader.query('commit')
  reader.release()
  expect(await adding).toBe(25)
  console.log(`  the longest append while months could not be added: ${Math.round(longestMs)} ms`)
  expect(longestMs).toBeLessThan(10 * LOCK_WAIT_MS)
})
