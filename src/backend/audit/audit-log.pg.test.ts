import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { startEmbeddedPostgres } from '../database/embedded.ts'
import { upgrade } from '../database/migrate.ts'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { auditLog } from './audit-log.ts'
import { readAuditRecord } from './read-record.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

async function kept(ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await database.pool.query('select audit_id from audit_records where audit_id = any($1)', [ids])
  return new Set(rows.map((row) => row.audit_id))
}

describe('appending', () => {
  test('a record that was acknowledged can be read as it was given, to the last digit', async () => {
    const log = auditLog({ pool: database.pool })
    const row = auditRow({ occurred_at: '2026-11-24T15:04:05.123Z', record: '{"a":"é€😀","n":"0.10"}' })
    await log.append(row)
    const { recorded_at, ...stored } = (await readAuditRecord(database.pool, row.audit_id))!
    expect(stored).toEqual({ ...row, occurred_at: '2026-11-24T15:04:05.123000Z' })
    expect(recorded_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    await log.close()
  })

  test('an id that is not there, or is no id, is null', async () => {
    expect(await readAuditRecord(database.pool, auditRow().audit_id)).toBeNull()
    expect(await readAuditRecord(database.pool, 'x')).toBeNull()
  })

  test('records appended together share commits, and every one is kept', async () => {
    const log = auditLog({ pool: database.pool, prepared: true })
    const rows = Array.from({ length: 1_000 }, () => auditRow())
    await Promise.all(rows.map((row) => log.append(row)))
    expect((await kept(rows.map((row) => row.audit_id))).size).toBe(1_000)
    expect(log.stats()).toMatchObject({ committed: 1_000, failed: 0, queued: 0, inFlight: 0, commits: 4 })
    expect(log.stats().lastCommitMs).toBeGreaterThan(0)
    await log.close()
  })

  test('a record sent twice is there once', async () => {
    const log = auditLog({ pool: database.pool })
    const row = auditRow()
    await Promise.all([log.append(row), log.append(row)])
    await log.append(row)
    expect((await kept([row.audit_id])).size).toBe(1)
    await log.close()
  })

  test('a record the database cannot accept fails alone, whatever is wrong with it', async () => {
    const log = auditLog({ pool: database.pool, prepared: true })
    const bad = [
      auditRow({ record: 'a\u0000b' }),
      auditRow({ total_fee: 'a lot' }),
      auditRow({ schema_version: 0 }),
      auditRow({ audit_id: '00000000-0000-7000-8000-000000000000' }), // a month without a partition
    ]
    const good = Array.from({ length: 252 }, () => auditRow())
    const rows = good
      .toSpliced(10, 0, bad[0]!)
      .toSpliced(99, 0, bad[1]!)
      .toSpliced(100, 0, bad[2]!)
      .toSpliced(200, 0, bad[3]!)
    const settled = await Promise.allSettled(rows.map((row) => log.append(row)))
    const refusals = settled.flatMap((result, index) =>
      result.status === 'rejected' ? [{ row: rows[index], error: result.reason }] : [],
    )
    expect(refusals.map(({ row }) => row)).toEqual(bad)
    for (const { error } of refusals)
      expect(error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', cause: { code: /^2[23]/ } })
    expect((await kept(good.map((row) => row.audit_id))).size).toBe(252)
    expect(log.stats()).toMatchObject({ committed: 252, failed: 4 })
    await log.close()
  })

  test('a row that is made when its batch is written is kept, and one that cannot be made fails alone', async () => {
    const log = auditLog({ pool: database.pool, lanes: 1 })
    const rows = Array.from({ length: 5 }, () => auditRow())
    const settled = await Promise.allSettled(
      rows.map((row, index) =>
        log.append(() => {
          if (index === 2) throw new RangeError('no such moment')
          return row
        }),
      ),
    )
    expect(settled.map(({ status }) => status)).toEqual(
      [...'ffrff'].map((each) => (each === 'f' ? 'fulfilled' : 'rejected')),
    )
    expect(settled[2]).toMatchObject({ reason: new RangeError('no such moment') })
    await expect(
      log.append(() => {
        throw new RangeError('nor this')
      }),
    ).rejects.toThrow('nor this')
    expect((await kept(rows.map((row) => row.audit_id))).size).toBe(4)
    expect(log.stats()).toMatchObject({ committed: 4, failed: 2, commits: 1, inFlight: 0 })
    await log.close()
  })

  test('records that come together are told together, and the one that cannot be kept fails alone', async () => {
    const log = auditLog({ pool: database.pool })
    const rows = Array.from({ length: 300 }, (_, index) => auditRow(index === 7 ? { total_fee: 'a lot' } : {}))
    const outcomes = await log.appendAll(rows.map((row) => () => row))
    expect(outcomes.flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([7])
    expect(outcomes[7]).toMatchObject({ error: { code: 'AUDIT_UNAVAILABLE', cause: { code: /^22/ } } })
    expect((await kept(rows.map((row) => row.audit_id))).size).toBe(299)
    expect(log.stats()).toMatchObject({ committed: 299, failed: 1, inFlight: 0, queued: 0 })
    await log.close()
  })

  test('beyond the bound of the queue a record is refused at once, and closing keeps the others', async () => {
    const log = auditLog({ pool: database.pool, lanes: 1, batchMax: 10, queueMax: 20 })
    const rows = Array.from({ length: 25 }, () => auditRow())
    const settled = Promise.allSettled(rows.map((row) => log.append(row)))
    await log.close()
    const refused = (await settled).filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(5)
    expect(refused[0]!.reason).toMatchObject({ code: 'AUDIT_UNAVAILABLE', status: 503 })
    expect((await kept(rows.map((row) => row.audit_id))).size).toBe(20)
    await expect(log.append(auditRow())).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
  })

  test('a text is compressed with lz4 or not at all, in the months that are there and in those that are added', async () => {
    await database.pool.query(`select add_audit_months('2040-01-01', 1)`)
    const log = auditLog({ pool: database.pool })
    const rows = [auditRow(), auditRow({ audit_id: auditId(new Date('2040-01-15T12:00:00Z')) })]
    const record = JSON.stringify({ text: 'the same words again and again '.repeat(130) })
    for (const row of rows) await log.append({ ...row, record })
    await log.close()
    const { rows: found } = await database.pool.query<{ compressed: string | null; lz4: boolean }>(
      `select pg_column_compression(record) as compressed, 'lz4' = any (enumvals) as lz4
         from audit_records, pg_settings where name = 'default_toast_compression' and audit_id = any($1)`,
      [rows.map((row) => row.audit_id)],
    )
    expect(found.map(({ compressed }) => compressed)).toEqual(rows.map(() => (found[0]?.lz4 ? 'lz4' : null)))
  })

  test('the right to INSERT is all that appending needs', async () => {
    await database.pool.query(`
      do $$ begin if not exists (select from pg_roles where rolname = 'appender') then create role appender login password 'appender'; end if; end $$;
      grant insert on audit_records to appender`)
    const url = new URL(database.url)
    url.username = 'appender'
    url.password = 'appender'
    const pool = connectDatabase(url.href, { applicationName: 'appender', connectionsMax: 2 })
    const log = auditLog({ pool })
    const row = auditRow()
    await log.append(row)
    await log.append(row)
    expect((await kept([row.audit_id])).size).toBe(1)
    await expect(pool.query('select from audit_records')).rejects.toThrow('permission denied')
    await log.close()
    await pool.end()
    await database.pool.query('revoke all on audit_records from appender')
  })
})

describe('the database goes away', () => {
  test('killed under load it loses no acknowledged record, refuses promptly while away, and is used again within 2 s of its return', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-audit-'))
    const { binariesFolder } = inject('postgres')
    const start = () =>
      startEmbeddedPostgres({
        dataDir,
        durable: true,
        log: { info: () => {}, warn: () => {} },
        binariesFolder,
      })
    let server = await start()
    await upgrade(server.url)
    const pool = connectDatabase(server.url, { applicationName: 'audit', connectionsMax: 2 })
    const log = auditLog({ pool, prepared: true })
    const acknowledged: string[] = []
    let refusals = 0
    let slowestRefusalMs = 0
    let running = true
    const client = async () => {
      while (running) {
        const row = auditRow()
        const began = performance.now()
        try {
          await log.append(row)
          acknowledged.push(row.audit_id)
        } catch (error) {
          expect(error).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
          refusals += 1
          slowestRefusalMs = Math.max(slowestRefusalMs, performance.now() - began)
        }
      }
    }
    const clients = Array.from({ length: 64 }, client)
    await sleep(400)
    process.kill(Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
    await sleep(1_500)
    const beforeReturn = acknowledged.length
    expect(beforeReturn).toBeGreaterThan(100)
    expect(refusals).toBeGreaterThan(0)
    const first = server
    server = await start()
    const returned = performance.now()
    while (acknowledged.length === beforeReturn) await sleep(5)
    expect(performance.now() - returned).toBeLessThan(2_000)
    await sleep(200)
    running = false
    await Promise.all(clients)
    expect(slowestRefusalMs).toBeLessThan(3_000)
    const { rows } = await pool.query('select count(*) as kept from audit_records where audit_id = any($1)', [
      acknowledged,
    ])
    expect(Number(rows[0].kept)).toBe(acknowledged.length)
    await log.close()
    await pool.end()
    await first.stop()
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
})
