import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditId, auditRow, insertHeldRows, insertRows } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import type { AuditRow } from './quote-record.ts'
import { readAuditRecord, readKeptRecord, type StoredAuditRow, streamRecords } from './read-record.ts'

const HASH = createHash('sha256').update('a').digest()
const BEFORE = createHash('sha256').update('b').digest()
const AT = new Date('2026-10-15T12:00:00.123Z')

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const rowAt = (at: Date, different: Partial<AuditRow> = {}) =>
  auditRow({ audit_id: auditId(at), occurred_at: at.toISOString(), ...different })

/** As a row that lies in the database is read: times to the microsecond. */
const stored = (row: AuditRow): StoredAuditRow => {
  const time = row.occurred_at.replace('Z', '000Z')
  return { ...row, occurred_at: time, recorded_at: time }
}

async function hold(client: string | null, ticker: string | null): Promise<string> {
  const { rows } = await database.pool.query(
    `insert into legal_holds (hold_id, client_id, ticker, reason, placed_by) values (gen_random_uuid(), $1, $2, 'a dispute', 'k') returning hold_id`,
    [client, ticker],
  )
  return rows[0].hold_id
}

describe('a record by its id', () => {
  test('has no place until it is sealed, and then says which', async () => {
    const row = rowAt(AT)
    await insertRows(database.pool, [row])
    expect(await readKeptRecord(database.pool, row.audit_id)).toEqual({
      row: stored(row),
      seal: null,
      holdIds: [],
      held: false,
    })
    await database.pool.query('insert into audit_seals values ($1, 12, $2, $3, $4)', [row.audit_id, BEFORE, HASH, AT])
    expect((await readKeptRecord(database.pool, row.audit_id))?.seal).toEqual({
      sequence: 12,
      prevHash: BEFORE.toString('hex'),
      hash: HASH.toString('hex'),
      sealedAt: '2026-10-15T12:00:00.123000Z',
    })
  })

  test('names the legal holds in force that cover it', async () => {
    const row = rowAt(AT, { client_id: 'broker-disputed', ticker: 'GME' })
    await insertRows(database.pool, [row])
    const ids = [await hold('broker-disputed', null), await hold(null, 'GME')]
    const ended = await hold('broker-disputed', 'GME')
    await hold('broker-disputed', 'TSLA')
    await database.pool.query(`insert into legal_hold_releases values ($1, 'settled', 'k', now())`, [ended])
    expect((await readKeptRecord(database.pool, row.audit_id))?.holdIds).toEqual(ids.sort())
  })

  test('is found when its month has left the log and a legal hold keeps it', async () => {
    const row = rowAt(new Date('2019-03-01T00:00:00.000Z'), { client_id: 'broker-held' })
    await insertHeldRows(database.pool, [row])
    expect(await readKeptRecord(database.pool, row.audit_id)).toEqual({
      row: stored(row),
      seal: expect.objectContaining({ sequence: 1_000_001, hash: '07'.repeat(32) }),
      holdIds: [],
      held: true,
    })
    expect(await readAuditRecord(database.pool, row.audit_id)).toEqual(stored(row))
  })

  test.each(['x', '', '00000000-0000-7000-8000-000000000000', "' or true --"])('%j is no record', async (id) => {
    expect(await readKeptRecord(database.pool, id)).toBeNull()
    expect(await readAuditRecord(database.pool, id)).toBeNull()
  })

  test('can be read by the audit service', async () => {
    const client = await database.pool.connect()
    await client.query('set role audit_service')
    expect(await readKeptRecord(client, auditId(AT))).toBeNull()
    await client.query('reset role')
    client.release()
  })
})

describe('the records of a range', () => {
  const FROM = new Date('2026-05-31T23:30:00Z')
  const TO = new Date('2026-06-01T00:30:00Z')
  let inside: AuditRow[]
  let held: AuditRow
  beforeAll(async () => {
    const client_id = 'broker-range'
    // Every minute over the end of a month, the first at the beginning of the range and one at its end.
    inside = Array.from({ length: 60 }, (_, n) =>
      rowAt(new Date(FROM.getTime() + n * 60_000), {
        client_id,
        ticker: n % 3 === 0 ? 'GME' : 'AAPL',
        record_type: n % 4 === 0 ? 'broker_changed' : 'quote',
      }),
    )
    const outside = [new Date(FROM.getTime() - 1), TO].map((at) => rowAt(at, { client_id }))
    await insertRows(database.pool, [...inside, ...outside, rowAt(FROM, { client_id: 'another' })])
    held = rowAt(new Date('2019-05-01T00:00:00Z'), { client_id })
    await insertHeldRows(database.pool, [held])
  })

  async function pagesOf(different: Partial<Parameters<ReturnType<typeof streamRecords>>[0]>, pageSize: number) {
    const pages: StoredAuditRow[][] = []
    const asked = { from: FROM, to: TO, clientId: 'broker-range', ...different }
    for await (const page of streamRecords(database.pool)(asked, pageSize)) pages.push(page)
    return pages
  }

  test.each([1, 7, 30, 60, 61])('come oldest first, whole, by pages of %i', async (pageSize) => {
    const pages = await pagesOf({}, pageSize)
    expect(pages.flat()).toEqual(inside.map(stored))
    expect(pages.map((page) => page.length)).toEqual(
      Array.from({ length: Math.ceil(60 / pageSize) }, (_, n) => Math.min(pageSize, 60 - n * pageSize)),
    )
  })

  test('can be those of one ticker and one type', async () => {
    const wanted = inside.filter((row) => row.ticker === 'GME' && row.record_type === 'quote')
    expect((await pagesOf({ ticker: 'GME', recordType: 'quote' }, 4)).flat()).toEqual(wanted.map(stored))
  })

  test('begin with held ones of months that have left the log', async () => {
    const pages = await pagesOf({ from: new Date('2019-01-01T00:00:00Z') }, 25)
    expect(
      pages
        .flat()
        .map((row) => row.audit_id)
        .slice(0, 2),
    ).toEqual([held.audit_id, expect.any(String)])
    expect(pages.flat()).toHaveLength(62)
  })

  test('are none of a range without any', async () => {
    expect(await pagesOf({ clientId: 'nobody' }, 10)).toEqual([])
  })

  test('a reader who has had enough leaves nothing behind', async () => {
    for await (const page of streamRecords(database.pool)({ from: FROM, to: TO }, 2)) {
      expect(page).toHaveLength(2)
      break
    }
    await database.pool.query('select')
  })
})
