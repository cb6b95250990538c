import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { setServiceUser } from '../database/service-users.ts'
import { uuidv7Maker } from '../server/uuidv7.ts'
import { auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { type OldMonths, oldMonths } from '../test/old-months.ts'
import { startPgBouncer } from '../test/pgbouncer.ts'
import { pgbouncerFound } from '../test/pgbouncer-found.ts'
import { asOwner } from '../test/postgres.ts'
import { auditLog } from './audit-log.ts'
import { exportPlaces } from './export.ts'
import { folderStorage } from './folder-storage.ts'
import { type HoldAct, type HoldRequest, placeHold, releaseHold } from './legal-holds.ts'
import { logMonths } from './log-months.ts'
import { type KeptRecord, readKeptRecord } from './read-record.ts'
import { type RetentionOptions, retention, type Step } from './retention.ts'
import { createSigningKey, readTrustedKeys, type SigningKey } from './signing-key.ts'
import { type VerifyResult, verifyChain } from './verify.ts'
import { exportText, proveExport, verifyExport } from './verify-export.ts'

const NOW = new Date('2026-11-24T15:00:00.000Z')
const newId = uuidv7Maker(() => new Date())
const act: HoldAct = {
  actor: { actorType: 'operator', actorId: 'anna', source: 'command line' },
  at: NOW,
  newId,
}
const OLD_MONTHS = { first: '2019-01-01', count: 3 }
const SERVICE = `test_${process.pid}_retention`
const PASSWORD = 'password-of-the-audit-service'

let folder: string
let key: SigningKey
/** Each test has a copy of it. */
let original: TestDatabase
let database: TestDatabase
/** As the audit service connects. */
let service: pg.Pool
let months: OldMonths

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-retention-'))
  key = createSigningKey(join(folder, 'key.pem'))
  original = await testDatabase()
  const { pool } = original
  await pool.query('select add_audit_months($1, $2)', [OLD_MONTHS.first, OLD_MONTHS.count])
  await setServiceUser(pool, { user: SERVICE, role: 'audit_service', password: PASSWORD })
  // Most of a copy's files are months that lie ahead, and nobody here comes to them.
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
      where relname ~ '^audit_(records|seals)_[0-9]{4}_[0-9]{2}$'
        and to_date(right(relname, 7), 'YYYY_MM') > greatest(now() + interval '1 month', $1)`,
    [NOW],
  )
  await pool.query(`drop table ${rows.map(({ name }) => name).join(', ')}`)
  await pool.end()
})
afterAll(async () => {
  await original.drop()
  rmSync(folder, { recursive: true, force: true })
  await asOwner(inject('postgres').url, (client) => client.query(`drop role if exists ${SERVICE}`))
})

// The log begins with three months of 2019, which are past their six years; those of 2026 are not.
beforeEach(async () => {
  database = await testDatabase({ like: original })
  service = connectAs(SERVICE)
  months = await oldMonths(database.pool, key, OLD_MONTHS)
  onTestFinished(async () => {
    await months.close()
    await service.end()
    await database.drop()
  })
})

function connectAs(user: string): pg.Pool {
  const url = Object.assign(new URL(database.url), { username: user, password: PASSWORD })
  return connectDatabase(url.href, { applicationName: user, connectionsMax: 5 })
}

let storages = 0
function freshStorage(): string {
  storages += 1
  return join(folder, `storage-${storages}`)
}

function retaining(options: Partial<RetentionOptions> = {}, storage = freshStorage()) {
  return retention({
    database: service,
    storage: folderStorage(storage),
    exportPlaces: exportPlaces({ database: service, clock: () => NOW }),
    proveExport: proveExport(readTrustedKeys([], [key])),
    key,
    clock: () => NOW,
    newId,
    years: 6,
    ...options,
  })
}

async function hold(different: Partial<HoldRequest>): Promise<string> {
  const nothing = { clientId: null, ticker: null, from: null, to: null, reason: 'Dispute' }
  return (await placeHold(service, { ...nothing, ...different }, act)).holdId
}

async function days(table: string): Promise<string[]> {
  const { rows } = await database.pool.query(`select audit_id from ${table} order by audit_id`)
  return rows.map(({ audit_id }) => months.dayOf(audit_id)).filter((day) => day !== 'unknown')
}

async function detachedTables(): Promise<string[]> {
  const { rows } = await database.pool.query(
    "select relname from pg_class where relname like 'detached%' and relkind in ('r', 'p') order by relname",
  )
  return rows.map(({ relname }) => relname)
}

/** What verifying everything that is left in the database comes to. */
async function verified(): Promise<VerifyResult> {
  const verify = verifyChain({
    database: service,
    trusted: readTrustedKeys([], [key]),
    exportedHead: async () => null,
  })
  for await (const step of verify({ from: null, to: null }, new AbortController().signal)) {
    if (step.kind === 'result') return step
  }
  throw new Error('no result')
}

async function checkpoints(): Promise<Record<string, unknown>[]> {
  return (await database.pool.query('select month, sequence from audit_checkpoints order by sequence')).rows
}

async function monthsOf2019(): Promise<string[]> {
  return (await logMonths(database.pool)).filter((month) => month.startsWith('2019'))
}

/** January and February are interleaved in the chain: one of January came when February had begun. */
async function fill(): Promise<void> {
  for (const day of ['2019-01-05', '2019-01-10', '2019-01-31']) await months.keep(day)
  await months.seal()
  for (const day of ['2019-02-01', '2019-02-02']) await months.keep(day)
  await months.seal()
  await months.keep('2019-01-30')
  await months.keep('2019-02-03')
  await months.seal()
  for (const day of ['2019-02-20', '2019-03-01', '2019-03-02']) await months.keep(day)
  await months.seal()
  await months.keep('2026-11-20')
  await months.seal()
}

describe('a month past its years', () => {
  test('leaves the log with its seals, after an export that lies verified in locked storage; those within their years stay', async () => {
    await fill()
    const storage = freshStorage()
    const engine = retaining({}, storage)
    const before = await engine.plan()
    expect(before.due.map(({ month, records, may }) => ({ month, records, may }))).toEqual([
      { month: '2019-01-01', records: 4, may: true },
      { month: '2019-02-01', records: 4, may: true },
      { month: '2019-03-01', records: 2, may: true },
    ])
    expect(before.due[0]).toMatchObject({ keptUntil: new Date('2025-02-01T00:00:00.000Z'), unsealed: 0, held: 0 })
    expect(before.next).toEqual({ month: '2026-01-01', keptUntil: new Date('2032-02-01T00:00:00.000Z') })

    const report = await engine.run()
    expect(report.outcome).toBe('done')
    expect(report.months).toEqual(
      ['2019-01-01', '2019-02-01', '2019-03-01'].map((month, index) => ({
        month,
        detached: true,
        records: [4, 4, 2][index],
        kept: 0,
        released: 0,
        // The file of January holds all of February that was sealed before its last record, and so on.
        file: `records/${month.slice(0, 7)}/${['1-7', '8-10', '11-11'][index]}.1.ndjson`,
        failed: null,
      })),
    )
    expect(await monthsOf2019()).toEqual([])
    expect(await detachedTables()).toEqual(
      ['records', 'seals'].flatMap((what) =>
        ['2019_01', '2019_02', '2019_03'].map((month) => `detached_audit_${what}_${month}`),
      ),
    )
    expect(await days('detached_audit_records_2019_01')).toEqual([
      '2019-01-05',
      '2019-01-10',
      '2019-01-30',
      '2019-01-31',
    ])
    expect(await days('audit_records')).toEqual(['2026-11-20'])
    expect(readdirSync(join(storage, 'records'))).toEqual(['2019-01', '2019-02', '2019-03'])
    expect((await engine.plan()).due).toEqual([])
    expect(await engine.run()).toEqual({ outcome: 'done', months: [] })
  })

  test('leaves a chain behind that verifies, from a checkpoint that attests what came before it', async () => {
    await fill()
    // Each month by itself, for the last record of January lies behind records of February.
    for (const day of ['2025-02-02', '2025-03-02', '2025-04-02']) {
      expect((await retaining({ clock: () => new Date(day) }).run()).months).toMatchObject([{ detached: true }])
      expect(await verified()).toMatchObject({ valid: true, firstBad: null })
      await months.seal()
      expect(await verified()).toMatchObject({ valid: true, firstBad: null })
    }
    // Of February what was sealed before the last of January: two days, and the one in its batch.
    expect(await checkpoints()).toEqual([
      { month: '2019-01-01', sequence: '7' },
      { month: '2019-02-01', sequence: '10' },
      { month: '2019-03-01', sequence: '11' },
    ])
  })

  test('what is left below a checkpoint cannot be changed unnoticed', async () => {
    await fill()
    await retaining({ clock: () => new Date('2025-02-02') }).run()
    expect(await days('audit_records_2019_02')).toHaveLength(4)
    const tamper = async (statement: string) => {
      const client = await database.pool.connect()
      await client.query(`begin; set local session_replication_role = replica; ${statement}`)
      await client.query('commit')
      client.release()
      const { firstBad } = await verified()
      return firstBad?.reason
    }
    const first = "audit_id = (select min(audit_id::text) from audit_records where client_id = 'demo-classic')::uuid"
    expect(await tamper(`update audit_records set total_fee = '456.52' where ${first}`)).toBe('altered')
    expect(await tamper(`update audit_records set total_fee = '456.51' where ${first}`)).toBeUndefined()
    expect(await tamper(`delete from audit_seals where ${first}; delete from audit_records where ${first}`)).toBe(
      'missing',
    )
  })

  test('is on the record: which, where its export lies, and where the chain resumes', async () => {
    await fill()
    await retaining().run()
    const { rows } = await database.pool.query(
      "select record from audit_records where record_type = 'audit_month_detached' order by audit_id",
    )
    expect(rows.map(({ record }) => JSON.parse(record))).toMatchObject([
      {
        month: '2019-01',
        retention_years: 6,
        held_records_kept: 0,
        export: { name: 'records/2019-01/1-7.1.ndjson', first_sequence: 1, last_sequence: 7 },
        checkpoint: { sequence: 7, key_id: key.keyId },
      },
      { month: '2019-02' },
      { month: '2019-03' },
    ])
  })

  test('is kept as long as the setting says, to the moment', async () => {
    await fill()
    const at = (time: string) => ({ clock: () => new Date(time) })
    expect((await retaining(at('2025-01-31T23:59:59.999Z')).plan()).due).toEqual([])
    expect((await retaining(at('2025-02-01T00:00:00.000Z')).plan()).due).toMatchObject([{ month: '2019-01-01' }])
    expect(await retaining(at('2025-01-31T23:59:59.999Z')).run()).toEqual({ outcome: 'done', months: [] })
    expect((await retaining({ years: 8 }).plan()).due).toEqual([])
    expect((await retaining({ years: 7 }).plan()).due).toHaveLength(3)
  })

  test('without records leaves without an export', async () => {
    const storage = freshStorage()
    await months.keep('2019-02-03')
    await months.seal()
    await months.keep('2026-11-20')
    await months.seal()
    expect((await retaining({}, storage).plan()).due.map(({ records, why }) => [records, why])).toEqual([
      [0, 'it holds no records'],
      [1, 'it is past its years, and all of it is sealed'],
      [0, 'it holds no records'],
    ])
    const { months: reports } = await retaining({}, storage).run()
    expect(reports.map(({ detached, file }) => [detached, file])).toEqual([
      [true, null],
      [true, 'records/2019-02/1-1.1.ndjson'],
      [true, null],
    ])
    expect(readdirSync(join(storage, 'records'))).toEqual(['2019-02'])
    expect((await verified()).valid).toBe(true)
  })

  test('stays as a table that nobody changes, until its owner drops it', async () => {
    await fill()
    await retaining().run()
    const table = 'detached_audit_records_2019_01'
    await expect(database.pool.query(`update ${table} set client_id = 'x'`)).rejects.toThrow('never changed')
    await expect(database.pool.query(`delete from ${table}`)).rejects.toThrow('never changed')
    await expect(database.pool.query(`truncate ${table}`)).rejects.toThrow('never changed')
    await expect(database.pool.query('delete from detached_audit_seals_2019_01')).rejects.toThrow('never changed')
    await expect(database.pool.query('truncate detached_audit_seals_2019_01')).rejects.toThrow('never changed')
    await expect(service.query(`select from ${table}`)).rejects.toThrow('permission denied')
    await expect(service.query(`drop table ${table}`)).rejects.toThrow('must be owner')
    await database.pool.query(`drop table ${table}, detached_audit_seals_2019_01`)
    expect((await verified()).valid).toBe(true)
  })
})

describe('records under a legal hold', () => {
  async function fillTwoMonths() {
    await months.keep('2019-01-05', { clientId: 'acme', ticker: 'AAPL' })
    await months.keep('2019-01-06', { clientId: 'acme', ticker: 'GME' })
    await months.keep('2019-01-07', { clientId: 'other', ticker: 'GME' })
    await months.keep('2019-01-08', { clientId: 'other', ticker: null, record: '{"text":"é€😀\\u0001","n":"0.10"}' })
    await months.seal()
    await months.keep('2019-02-05', { clientId: 'acme', ticker: 'AAPL' })
    await months.keep('2019-02-06', { clientId: 'other', ticker: 'TSLA' })
    await months.seal()
    await months.keep('2026-11-20')
    await months.seal()
  }
  const time = (text: string) => new Date(text)
  const HOLDS: [string, Partial<HoldRequest>, string[]][] = [
    ['of a client', { clientId: 'acme' }, ['2019-01-05', '2019-01-06', '2019-02-05']],
    ['of a ticker', { ticker: 'GME' }, ['2019-01-06', '2019-01-07']],
    [
      'of a time range',
      { from: time('2019-01-07T00:00:00Z'), to: time('2019-02-06T12:00:00Z') },
      ['2019-01-07', '2019-01-08', '2019-02-05'],
    ],
    ['of a client in a ticker', { clientId: 'acme', ticker: 'GME' }, ['2019-01-06']],
    ['of a client until a day', { clientId: 'acme', to: time('2019-02-01T00:00:00Z') }, ['2019-01-05', '2019-01-06']],
  ]
  test.each(HOLDS)('%s stay when their months leave, and no others do', async (_, request, kept) => {
    await fillTwoMonths()
    const ids = await database.pool.query('select audit_id from audit_records order by audit_id')
    const before = new Map<string, KeptRecord | null>()
    for (const { audit_id } of ids.rows) {
      before.set(months.dayOf(audit_id), await readKeptRecord(database.pool, audit_id))
    }
    const holdId = await hold(request)
    expect((await retaining().plan()).due.reduce((sum, { held }) => sum + held, 0)).toBe(kept.length)
    const report = await retaining().run()
    expect(report.months.map(({ detached }) => detached)).toEqual([true, true, true])
    expect(report.months.reduce((sum, month) => sum + month.kept, 0)).toBe(kept.length)
    expect(await days('held_records')).toEqual(kept)
    // By the id that its client was given, to the last digit and with its seal; the others are no longer found.
    for (const { audit_id } of ids.rows) {
      const day = months.dayOf(audit_id)
      const found = await readKeptRecord(service, audit_id)
      if (day.startsWith('2026')) expect(found).toEqual(before.get(day))
      else expect(found).toEqual(kept.includes(day) ? { ...before.get(day), holdIds: [holdId], held: true } : null)
    }
    await months.seal()
    expect(await verified()).toMatchObject({ valid: true, firstBad: null })
  })

  test('stay while any hold covers them, and go with the next month that leaves once none does', async () => {
    await fillTwoMonths()
    await months.keep('2019-03-05')
    await months.keep('2026-11-21')
    await months.seal()
    const [first, second] = [await hold({ clientId: 'acme' }), await hold({ ticker: 'GME' })]
    const inTime = { clock: () => new Date('2025-02-15T00:00:00Z') }
    expect((await retaining(inTime).run()).months).toMatchObject([{ month: '2019-01-01', kept: 3, released: 0 }])
    expect(await days('held_records')).toEqual(['2019-01-05', '2019-01-06', '2019-01-07'])

    await releaseHold(service, first, 'settled', act)
    // Nothing goes by the release itself, nor by hand as long as it is held.
    expect(await days('held_records')).toHaveLength(3)
    await expect(database.pool.query("delete from held_records where ticker = 'GME'")).rejects.toThrow(
      'stays while a legal hold covers it',
    )
    const [report] = (await retaining({ clock: () => new Date('2025-03-15T00:00:00Z') }).run()).months
    expect(report).toMatchObject({ month: '2019-02-01', detached: true, kept: 0, released: 1 })
    expect(await days('held_records')).toEqual(['2019-01-06', '2019-01-07'])
    await months.seal()
    expect((await verified()).valid).toBe(true)

    await releaseHold(service, second, 'settled', act)
    await months.seal()
    const [last] = (await retaining().run()).months
    expect(last).toMatchObject({ month: '2019-03-01', detached: true, released: 2 })
    expect(await days('held_records')).toEqual([])
    await months.seal()
    expect(await verified()).toMatchObject({ valid: true, firstBad: null })
  })

  test('a held record that is altered or taken away is found', async () => {
    await fillTwoMonths()
    await hold({ ticker: 'GME' })
    await retaining().run()
    await months.seal()
    const client = await database.pool.connect()
    await client.query("begin; set local session_replication_role = replica; update held_records set client_id = 'x'")
    await client.query('commit')
    expect((await verified()).firstBad).toMatchObject({ reason: 'altered' })
    await client.query('begin; set local session_replication_role = replica; delete from held_records')
    await client.query('commit')
    client.release()
    expect((await verified()).firstBad).toMatchObject({ reason: 'missing' })
  })

  test('a hold that is placed while a month is being let go is either kept by it or refused, never lost', async () => {
    await fillTwoMonths()
    let placing: Promise<unknown> = Promise.resolve()
    const engine = retaining({
      onStep: (step, month) => {
        // From here on the month is judged by the holds as they are.
        if (step === 'held kept' && month === '2019-01-01') placing = hold({ clientId: 'other' })
      },
    })
    const { months: reports } = await engine.run()
    await placing
    expect(reports.map(({ kept }) => kept)).toEqual([0, 1, 0])
    expect(await days('held_records')).toEqual(['2019-02-06'])
  })
})

describe('nothing leaves the log when a check fails, and the report names the check', () => {
  async function refusedBy(engine: ReturnType<typeof retaining>) {
    const report = await engine.run()
    expect(report.months.map(({ detached }) => detached)).toEqual([false])
    expect(await monthsOf2019()).toEqual(['2019-01-01', '2019-02-01', '2019-03-01'])
    expect(await detachedTables()).toEqual([])
    expect(await checkpoints()).toEqual([])
    return report.months[0]?.failed
  }

  test('a record is not sealed', async () => {
    await fill()
    await months.keep('2019-01-20')
    expect(await refusedBy(retaining())).toEqual({ check: 'sealed', sentence: '1 record of 2019-01 is not sealed' })
    const [january, february] = (await retaining().plan()).due
    expect(january).toMatchObject({ may: false, unsealed: 1, why: '1 record of 2019-01 is not sealed' })
    expect(february).toMatchObject({ may: false, why: 'an earlier month has to go first' })
    await months.seal()
    // All of February lies below the checkpoint of January now: its own waits until the chain goes on.
    const sealing = retaining({ onStep: async (step) => void (step === 'detached' && (await months.seal())) })
    expect((await sealing.run()).months.map(({ detached, file }) => [detached, file])).toEqual([
      [true, 'records/2019-01/1-12.1.ndjson'],
      [true, 'records/2019-02/13-13.1.ndjson'],
      [true, 'records/2019-03/14-14.1.ndjson'],
    ])
    expect(await verified()).toMatchObject({ valid: true, firstBad: null })
  })

  test('the chain has not gone on since the month before', async () => {
    await months.keep('2019-01-05')
    await months.keep('2019-02-05')
    await months.seal()
    const { months: reports } = await retaining().run()
    expect(reports.map(({ detached }) => detached)).toEqual([true, false])
    expect(reports[1]?.failed).toEqual({
      check: 'head',
      sentence: '2019-02 ends at place 3, where the chain has no signed head yet',
    })
  })

  test('a record comes late, after the month was looked at', async () => {
    await fill()
    const engine = retaining({
      onStep: async (step) => void (step === 'noted' && (await months.keep('2019-01-20'))),
    })
    expect(await refusedBy(engine)).toEqual({
      check: 'detached',
      sentence: 'audit_records_2019_01 is not detached: it holds records that are not sealed',
    })
    await months.seal()
    // The export of before does not hold it; another is made.
    expect((await retaining().run()).months[0]).toMatchObject({
      detached: true,
      file: 'records/2019-01/1-12.1.ndjson',
    })
  })

  test('storage cannot be written', async () => {
    await fill()
    const storage = freshStorage()
    writeFileSync(storage, 'a file where the folder should be')
    expect(await refusedBy(retaining({}, storage))).toMatchObject({ check: 'stored' })
  })

  test('what lies in storage is not what was put there', async () => {
    await fill()
    const storage = freshStorage()
    const file = join(storage, 'records/2019-01/1-7.1.ndjson')
    const engine = retaining(
      {
        onStep: (step) => {
          if (step !== 'stored') return
          chmodSync(file, 0o644)
          writeFileSync(file, readFileSync(file, 'utf8').replace('456.51', '456.52'))
        },
      },
      storage,
    )
    expect(await refusedBy(engine)).toMatchObject({ check: 'verified', sentence: expect.stringContaining('1-7.1') })
    // It is locked there, so the next run puts another beside it.
    expect((await retaining({}, storage).run()).months[0]).toMatchObject({
      detached: true,
      file: 'records/2019-01/1-7.2.ndjson',
    })
  })

  test('a record was altered in the database before it was exported', async () => {
    await fill()
    const client = await database.pool.connect()
    await client.query(
      "begin; set local session_replication_role = replica; update audit_records_2019_01 set ticker = 'X'",
    )
    await client.query('commit')
    client.release()
    expect(await refusedBy(retaining())).toMatchObject({ check: 'verified' })
  })

  test('a record was deleted before it was exported', async () => {
    await fill()
    const client = await database.pool.connect()
    await client.query(
      'begin; set local session_replication_role = replica; delete from audit_records_2019_01 where audit_id = (select audit_id from audit_records_2019_01 limit 1)',
    )
    await client.query('commit')
    client.release()
    expect(await refusedBy(retaining())).toMatchObject({ check: 'verified' })
  })

  test('a long read is in the way: appends go on, and the month goes when the read is over', async () => {
    await fill()
    const reader = await database.pool.connect()
    await reader.query('begin')
    await reader.query('select count(*) from audit_records')
    expect(await refusedBy(retaining())).toEqual({
      check: 'detached',
      sentence: '2019-01 or the log was in use by something that takes long, whenever it was tried',
    })
    await reader.query('commit')
    reader.release()
    expect((await retaining().run()).months).toHaveLength(3)
  })
})

describe('detach_audit_month looks at everything itself', () => {
  const detach = () => service.query("select detach_audit_month('2019-01-01')")
  const CHECKPOINT = `insert into audit_checkpoints (sequence, hash, month, kept_digest, signed_at, key_id, signature)
    select sequence, hash, '2019-01-01', hash, now(), key_id, signature from audit_heads where sequence = 7`
  const EXPORT = `insert into audit_exports (export_id, month, first_sequence, last_sequence, records, storage, name, sha256, verified_at)
    select gen_random_uuid(), '2019-01-01', 1, 7, 7, 'storage', 'name', hash, now() from audit_heads limit 1`

  test.each([
    ['no checkpoint', [EXPORT], 'there is no checkpoint of it'],
    ['a checkpoint before its last record', [EXPORT, CHECKPOINT.replace('= 7', '= 3')], 'there is no checkpoint of it'],
    [
      'a checkpoint of another month',
      [EXPORT, CHECKPOINT.replace('2019-01', '2019-02')],
      'there is no checkpoint of it',
    ],
    [
      'a checkpoint beside the chain',
      [
        EXPORT,
        CHECKPOINT.replace('select sequence, hash', 'select sequence, signature_hash').replace(
          'signature_hash',
          "decode(repeat('00', 32), 'hex')",
        ),
      ],
      'its checkpoint is at no head of the chain',
    ],
    ['no verified export', [CHECKPOINT], 'there is no verified export of 1 to 7 in locked storage'],
    [
      'an export without its first records',
      [CHECKPOINT, EXPORT.replace("1, 7, 7, 'storage'", "2, 7, 6, 'storage'")],
      'there is no verified export of 1 to 7',
    ],
    [
      'an export with a hole',
      [CHECKPOINT, EXPORT.replace("1, 7, 7, 'storage'", "1, 7, 6, 'storage'")],
      'there is no verified export of 1 to 7',
    ],
  ])('%s', async (_, statements, sentence) => {
    await fill()
    for (const statement of statements) await service.query(statement)
    await expect(detach()).rejects.toThrow(sentence)
    expect(await monthsOf2019()).toHaveLength(3)
  })

  test('a record without a seal', async () => {
    await fill()
    await months.keep('2019-01-20')
    for (const statement of [EXPORT, CHECKPOINT]) await service.query(statement)
    await expect(detach()).rejects.toThrow('it holds records that are not sealed')
  })

  test('a seal without a record', async () => {
    await fill()
    for (const statement of [EXPORT, CHECKPOINT]) await service.query(statement)
    const client = await database.pool.connect()
    await client.query(
      'begin; set local session_replication_role = replica; delete from audit_records_2019_01 where audit_id = (select audit_id from audit_records_2019_01 limit 1)',
    )
    await client.query('commit')
    client.release()
    await expect(detach()).rejects.toThrow('there are seals of records that it does not hold')
  })

  test('a record under a hold that is not kept, or is kept as something else', async () => {
    await fill()
    await hold({ clientId: 'demo-classic', to: new Date('2019-01-06T00:00:00Z') })
    for (const statement of [EXPORT, CHECKPOINT]) await service.query(statement)
    await expect(detach()).rejects.toThrow('it holds records under a legal hold that are not kept')
    await service.query("select keep_held_records('2019-01-01')")
    const client = await database.pool.connect()
    await client.query(
      "begin; set local session_replication_role = replica; update held_records set total_fee = '456.510'",
    )
    await client.query('commit')
    client.release()
    await expect(detach()).rejects.toThrow('it holds records under a legal hold that are not kept')
  })

  test('a month that is not the earliest, is not there, is not a month, or is young', async () => {
    const refused = (month: string) => service.query('select detach_audit_month($1)', [month])
    await expect(refused('2019-02-01')).rejects.toThrow('the earliest month of the log is audit_records_2019_01')
    await expect(refused('2018-12-01')).rejects.toThrow('the earliest month of the log is audit_records_2019_01')
    await expect(refused('2019-01-02')).rejects.toThrow('a month is named by its first day')
    await expect(refused(new Date().toISOString().slice(0, 8).concat('01'))).rejects.toThrow('it is not a year old')
  })

  test('with everything in its place it goes', async () => {
    await fill()
    for (const statement of [EXPORT, CHECKPOINT]) await service.query(statement)
    await detach()
    expect(await monthsOf2019()).toEqual(['2019-02-01', '2019-03-01'])
  })
})

describe('a run that is killed on its way', () => {
  const PROGRAM = fileURLToPath(new URL('../test/retention-process.ts', import.meta.url))
  const STEPS: (Step | 'half exported')[] = [
    'looked at',
    'half exported',
    'stored',
    'verified',
    'noted',
    'held kept',
    'checkpoint signed',
    'detached',
  ]
  test.each(STEPS)('at %s leaves the month whole, in the log or out of it, and the next run goes on', async (step) => {
    await fill()
    await hold({ from: new Date('2019-01-10T00:00:00Z'), to: new Date('2019-02-02T00:00:00Z') })
    const storage = freshStorage()
    const url = Object.assign(new URL(database.url), { username: SERVICE, password: PASSWORD }).href
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', PROGRAM, url, join(folder, 'key.pem'), storage, '2025-02-15T00:00:00Z', step],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])

    const left = step === 'detached' ? [] : ['2019-01-01']
    expect(await monthsOf2019()).toEqual([...left, '2019-02-01', '2019-03-01'])
    expect(await days('held_records')).toEqual(step === 'detached' ? ['2019-01-10', '2019-01-30', '2019-01-31'] : [])
    expect(await verified()).toMatchObject({ valid: true, firstBad: null })

    const { months: reports } = await retaining({}, storage).run()
    expect(reports.map(({ detached }) => detached)).toEqual([...left, 'February', 'March'].map(() => true))
    await months.seal()
    expect(await verified()).toMatchObject({ valid: true, firstBad: null })
    expect(await days('held_records')).toEqual(['2019-01-10', '2019-01-30', '2019-01-31', '2019-02-01'])
    // Every file once, whole, and each goes on from the one before.
    const files = await stored(storage)
    expect(files).toEqual([
      ['records/2019-01/1-7.1.ndjson', true, 7],
      ['records/2019-02/8-10.1.ndjson', true, 3],
      ['records/2019-03/11-11.1.ndjson', true, 1],
    ])
  })

  async function stored(folder: string): Promise<[string, boolean, number][]> {
    const storage = folderStorage(folder)
    const files: [string, boolean, number][] = []
    for await (const name of storage.list('')) {
      for await (const step of verifyExport(exportText(storage.get(name)), readTrustedKeys([], [key]))) {
        if (step.kind === 'result') files.push([name, step.valid, step.checked])
      }
    }
    return files
  }
})

describe('never two runs at once', () => {
  test('one works, and the other says so and does nothing', async () => {
    await fill()
    const other = connectAs(SERVICE)
    const storage = freshStorage()
    const seen: unknown[] = []
    const first = retaining(
      { onStep: async (step) => void (step === 'stored' && seen.push(await second.run())) },
      storage,
    )
    const second = retaining({ database: other }, storage)
    expect((await first.run()).months.map(({ detached }) => detached)).toEqual([true, true, true])
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ outcome: 'elsewhere', months: [] })))
    await other.end()
  })

  test('a run whose connection is lost ends, and another may begin', async () => {
    await fill()
    const engine = retaining({
      onStep: async (step) => {
        if (step !== 'noted') return
        await database.pool.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and datname = current_database()',
          [SERVICE],
        )
      },
    })
    await expect(engine.run()).rejects.toThrow()
    expect(await monthsOf2019()).toEqual(['2019-01-01', '2019-02-01', '2019-03-01'])
    expect((await retaining().run()).outcome).toBe('done')
  })
})

describe('quotes go on', () => {
  test('appends wait for a detachment no longer than a moment, a long read in its way or not', async () => {
    const days = (month: string) =>
      Array.from({ length: 28 }, (_, day) => `${month}-${String(day + 1).padStart(2, '0')}`)
    for (const day of ['2019-01', '2019-02', '2019-03'].flatMap(days)) {
      await Promise.all(Array.from({ length: 25 }, () => months.keep(day)))
    }
    await months.keep('2026-11-20')
    await months.seal()

    const log = auditLog({ pool: database.pool })
    const waits: { at: number; ms: number }[] = []
    let running = true
    const client = async () => {
      while (running) {
        const at = performance.now()
        await log.append(auditRow())
        waits.push({ at, ms: performance.now() - at })
        await sleep(2)
      }
    }
    const clients = Array.from({ length: 8 }, client)
    await sleep(1_000)
    const reader = await database.pool.connect()
    await reader.query('begin; select count(*) from audit_records')
    const began = performance.now()
    const letting = retaining({ onStep: async (step) => void (step === 'detached' && (await months.seal())) }).run()
    await sleep(1_200)
    await reader.query('commit')
    const readUntil = performance.now()
    reader.release()
    const report = await letting
    const ended = performance.now()
    running = false
    await Promise.all(clients)
    await log.close()

    expect(report.months.map(({ detached, records }) => [detached, records])).toEqual([
      [true, 700],
      [true, 700],
      [true, 700],
    ])
    const longest = (from: number, to: number) =>
      Math.round(Math.max(0, ...waits.filter(({ at, ms }) => at + ms >= from && at < to).map(({ ms }) => ms)))
    const during = waits.filter(({ at }) => at >= began && at < ended).length
    console.log(`  3 months left the log under ${during} appends in ${Math.round(ended - began)} ms`)
    console.log(
      `  the longest append: ${longest(0, began)} ms before, ${longest(began, readUntil)} ms with a long read in the way, ${longest(readUntil, ended)} ms without`,
    )
    expect(log.stats().failed).toBe(0)
    expect(during).toBeGreaterThan(100)
    expect(longest(began, ended)).toBeLessThan(1_000)
    expect(await verified()).toMatchObject({ valid: true })
  })
})

describe.runIf(pgbouncerFound() !== null)('through PgBouncer in transaction mode', () => {
  test('months leave, and never two runs work at once', async () => {
    await fill()
    const server = Number(new URL(database.url).port)
    const pooler = await startPgBouncer({ serverPort: server, users: { [SERVICE]: PASSWORD }, poolSize: 4 })
    const url = Object.assign(new URL(pooler.through(database.url)), { username: SERVICE, password: PASSWORD }).href
    const pools = [1, 2].map(() => connectDatabase(url, { applicationName: 'retention', connectionsMax: 4 }))
    onTestFinished(async () => {
      for (const pool of pools) await pool.end()
      await pooler.end()
    })
    const storage = freshStorage()
    const [first, second] = pools.map(
      (pool) => (options: Partial<RetentionOptions>) =>
        retaining(
          { database: pool, exportPlaces: exportPlaces({ database: pool, clock: () => NOW }), ...options },
          storage,
        ),
    ) as [typeof retaining, typeof retaining]
    const outcomes = new Set<string>()
    const run = first({ onStep: async () => void outcomes.add((await second({}).run()).outcome) }).run()
    expect((await run).months.map(({ detached }) => detached)).toEqual([true, true, true])
    expect(outcomes).toEqual(new Set(['elsewhere']))
    expect(await second({}).run()).toEqual({ outcome: 'done', months: [] })
    expect(await verified()).toMatchObject({ valid: true })
  })
})
