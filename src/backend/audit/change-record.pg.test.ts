import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { auditId } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { changeRecordRow, insertRecord } from './change-record.ts'
import { readAuditRecord } from './read-record.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

function stockChanged() {
  const at = new Date()
  return changeRecordRow({
    auditId: auditId(at),
    occurredAt: at,
    actor: { actorType: 'operator', actorId: 'anna', source: 'command line' },
    change: 'stock_changed',
    subject: { kind: 'stock', id: 'GME' },
    clientId: null,
    before: { floor_rate: null },
    after: { floor_rate: '0.01', name: 'é€😀' },
  })
}

test('a change and its record are there together, or neither is', async () => {
  const row = stockChanged()
  const client = await database.pool.connect()
  await client.query('begin')
  await client.query(`insert into stocks (ticker, floor_rate) values ('GME', 0.01)`)
  await insertRecord(client, row)
  expect(await readAuditRecord(database.pool, row.audit_id)).toBeNull()
  await client.query('rollback')
  expect(await readAuditRecord(database.pool, row.audit_id)).toBeNull()

  await client.query('begin')
  await client.query(`insert into stocks (ticker, floor_rate) values ('GME', 0.01)`)
  await insertRecord(client, row)
  await client.query('commit')
  expect(await readAuditRecord(database.pool, row.audit_id)).toMatchObject({
    ...row,
    occurred_at: expect.stringContaining(row.occurred_at.slice(0, -1)),
  })

  await client.query('begin')
  await client.query(`update stocks set floor_rate = 0.02 where ticker = 'GME'`)
  await expect(insertRecord(client, row)).rejects.toMatchObject({ code: '23505' })
  await client.query('commit')
  client.release()
  const { rows } = await database.pool.query(`select floor_rate from stocks where ticker = 'GME'`)
  expect(rows[0].floor_rate).toBe('0.01000000')
})

test('the right to INSERT is all that a record of a change needs', async () => {
  await database.pool.query(`
    do $$ begin if not exists (select from pg_roles where rolname = 'changer') then create role changer login password 'changer'; end if; end $$;
    grant insert on audit_records to changer`)
  const url = new URL(database.url)
  url.username = 'changer'
  url.password = 'changer'
  const pool = connectDatabase(url.href, { applicationName: 'changer', connectionsMax: 1 })
  const row = stockChanged()
  await insertRecord(pool, row)
  expect((await readAuditRecord(database.pool, row.audit_id))?.record).toBe(row.record)
  await pool.end()
  await database.pool.query('revoke all on audit_records from changer')
})
