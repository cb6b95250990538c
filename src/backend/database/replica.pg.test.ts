import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { readAuditRecord } from '../audit/read-record.ts'
import { auditRow } from '../test/audit-rows.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { type Standby, startStandby } from '../test/standby.ts'
import { connectDatabase } from './connect.ts'
import { type ReplicaReads, type ReplicaState, replicaReads } from './replica.ts'

let primary: RealPostgres
let standby: Standby
let pool: pg.Pool
let reads: ReplicaReads
const changes: ReplicaState[] = []

beforeAll(async () => {
  primary = await startPostgres(inject('postgres').own)
  standby = await startStandby(primary)
  pool = connectDatabase(primary.urlFor('data_service'), { applicationName: 'data', connectionsMax: 4 })
  reads = replicaReads({
    primary: pool,
    replicaUrl: standby.urlFor('data_service'),
    connect: { applicationName: 'data reads', connectionsMax: 4 },
    lagMaxSeconds: 1,
    checkEveryMs: 100,
    onChange: (state) => changes.push(state),
  })
})
afterAll(async () => {
  await reads.close()
  await pool.end()
  await standby.end()
  await primary.end()
})

const WHERE = "select case when pg_is_in_recovery() then 'replica' else 'primary' end as answered"
async function answered(): Promise<string> {
  return (await reads.query(WHERE)).rows[0].answered
}
async function readsGoTo(place: 'replica' | 'primary'): Promise<void> {
  await expect.poll(() => reads.state().reads, { timeout: 10_000 }).toBe(place)
  expect(await answered()).toBe(place)
}
let stocks = 0
/** Something for the primary to write. */
async function write(): Promise<void> {
  stocks += 1
  const letters = [...String(stocks).padStart(5, '0')].map((digit) => 'ABCDEFGHIJ'[Number(digit)]).join('')
  await pool.query('insert into stocks (ticker) values ($1) on conflict do nothing', [letters])
}

test('reads are answered by the replica once it has been looked at', async () => {
  await readsGoTo('replica')
  expect(reads.state()).toMatchObject({ lagSeconds: expect.any(Number), reason: null })
  await write()
  await standby.caughtUp()
  expect((await reads.query('select count(*)::int as stocks from stocks')).rows).toEqual([{ stocks }])
})

test('a replica that falls behind is not asked, and is again when it has caught up', async () => {
  await readsGoTo('replica')
  await standby.pause()
  const began = performance.now()
  while (reads.state().reads === 'replica' && performance.now() - began < 8_000) {
    await write()
    await sleep(50)
  }
  expect(reads.state().reason).toMatch(/^the replica is [1-4]\.\d s behind$/)
  // Nothing that was written is missed now.
  await write()
  expect((await reads.query('select count(*)::int as stocks from stocks')).rows).toEqual([{ stocks }])
  await standby.resume()
  await readsGoTo('replica')
})

test('a replica that stands still while nothing is written is not behind', async () => {
  await readsGoTo('replica')
  const written = async () => (await pool.query('select pg_current_wal_insert_lsn() as at')).rows[0].at
  // The server writes by itself now and then; such a moment shows nothing.
  for (let isQuiet = false; !isQuiet; ) {
    await standby.caughtUp()
    await standby.pause()
    try {
      const before = await written()
      await sleep(1_500)
      const place = await answered()
      isQuiet = (await written()) === before
      if (isQuiet) expect(place).toBe('replica')
    } finally {
      await standby.resume()
    }
    await readsGoTo('replica')
  }
})

test('a record that was acknowledged is found by its id at once, however far the replica is behind', async () => {
  await standby.caughtUp()
  await standby.pause()
  // By its id a record is asked for at the primary, by whoever may read records.
  const records = connectDatabase(primary.urlFor('audit_service'), { applicationName: 'audit', connectionsMax: 1 })
  const writer = connectDatabase(primary.urlFor('calculation_service'), { applicationName: 'calc', connectionsMax: 1 })
  const row = auditRow()
  await writer.query(
    "insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record) values ($1, 'quote', 1, now(), 'house', '{}')",
    [row.audit_id],
  )
  expect(await readAuditRecord(records, row.audit_id)).toMatchObject({ audit_id: row.audit_id })
  await standby.resume()
  await writer.end()
  await records.end()
})

test('when the replica is killed under load no read fails; when it is back it is used again', async () => {
  await readsGoTo('replica')
  const from = { replica: 0, primary: 0 }
  let running = true
  let slowestMs = 0
  const clients = Array.from({ length: 16 }, async () => {
    while (running) {
      const began = performance.now()
      from[(await answered()) as 'replica' | 'primary'] += 1
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
  })
  await sleep(300)
  const before = { ...from }
  changes.length = 0
  await standby.kill()
  await sleep(500)
  expect(before.replica).toBeGreaterThan(50)
  expect(from.primary).toBeGreaterThan(before.primary + 50)
  expect(changes[0]).toMatchObject({ reads: 'primary', reason: expect.stringContaining('the replica does not answer') })
  await standby.start()
  await expect.poll(() => reads.state().reads, { timeout: 10_000 }).toBe('replica')
  running = false
  await Promise.all(clients)
  expect(slowestMs).toBeLessThan(1_500)
})

test('what is wrong with a statement is said by the replica, and not asked again; a write is refused', async () => {
  await readsGoTo('replica')
  await expect(reads.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
  await expect(reads.query('select * from audit_records')).rejects.toMatchObject({ code: '42501' })
  await expect(reads.query("insert into stocks (ticker) values ('ZZZZZ')")).rejects.toMatchObject({ code: '25006' })
  expect(reads.state().reads).toBe('replica')
})

test('when the primary is killed the replica goes on answering', async () => {
  await readsGoTo('replica')
  await primary.kill()
  await sleep(1_500)
  expect(await answered()).toBe('replica')
  await primary.start()
  await expect
    .poll(
      () =>
        pool.query('select').then(
          () => true,
          () => false,
        ),
      { timeout: 5_000 },
    )
    .toBe(true)
})

test('a server that is no replica is not read from, though it answers', async () => {
  const mistaken = replicaReads({
    primary: pool,
    replicaUrl: primary.urlFor('data_service'),
    connect: { applicationName: 'mistaken', connectionsMax: 1 },
    lagMaxSeconds: 1,
    checkEveryMs: 50,
  })
  await sleep(300)
  expect(mistaken.state()).toEqual({
    reads: 'primary',
    lagSeconds: null,
    reason: 'the server of DATABASE_REPLICA_URL is no replica',
  })
  await mistaken.close()
})
