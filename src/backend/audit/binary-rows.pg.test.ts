// The binary form of a row, held against the texts that the database reads by itself.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyIn } from '../database/copy-in.ts'
import { auditId, auditRow, insertRows } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { binaryRows, COPY_ROWS } from './binary-rows.ts'
import type { AuditRow } from './quote-record.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const EVERY_COLUMN = `select audit_id, record_type, schema_version, occurred_at::text, client_id, ticker, position_value::text,
  borrow_rate::text, total_fee::text, request_id, actor_id, record from audit_records where audit_id = any($1) order by audit_id`

/** The rows as they are read when they came in that way; nothing of them stays. */
async function stored(rows: readonly AuditRow[], way: 'copied' | 'inserted'): Promise<unknown[]> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    if (way === 'copied') await copyIn(client, COPY_ROWS, binaryRows(rows)!, 10_000)
    else await insertRows(client, rows)
    return (await client.query(EVERY_COLUMN, [rows.map((row) => row.audit_id)])).rows
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`))
const decimalText = fc
  .record({ sign: fc.constantFrom('', '-'), whole: digits(30), fraction: fc.option(digits(30)) })
  .map(({ sign, whole, fraction }) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}`)
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((each) => !each.includes('\0') && each.isWellFormed())
const row: fc.Arbitrary<AuditRow> = fc
  .record({
    schema_version: fc.integer({ min: 1, max: 32_767 }),
    occurred_at: fc
      .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    client_id: text,
    ticker: fc.option(text),
    position_value: fc.option(decimalText),
    borrow_rate: fc.option(decimalText),
    total_fee: fc.option(decimalText),
    request_id: fc.option(text),
    actor_id: fc.option(text),
    record: text.map((each) => JSON.stringify({ each })),
  })
  .map((columns) => auditRow({ audit_id: auditId(new Date()), ...columns }))

describe('rows in binary form', () => {
  test('are read as the same rows given as texts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        expect(await stored(rows, 'copied')).toEqual(await stored(rows, 'inserted'))
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    '0',
    '-0',
    '0.00',
    '0000.1000',
    '10000',
    '100000000',
    '0.00001',
    '-12345678.87654321',
    '9999.9999',
    '1.00000',
  ])('the decimal %s keeps its value and its digits', async (each) => {
    const rows = [auditRow({ position_value: each })]
    expect(await stored(rows, 'copied')).toEqual(await stored(rows, 'inserted'))
  })

  test.each<Partial<AuditRow>>([
    { audit_id: 'not an id' },
    { audit_id: `{${auditId(new Date()).slice(1)}` },
    { schema_version: 32_768 },
    { schema_version: 1.5 },
    { occurred_at: '2026-11-24T15:04:05.123456Z' },
    { occurred_at: '2026-11-24' },
    { occurred_at: '2026-13-24T15:04:05.123Z' },
    { position_value: 'NaN' },
    { borrow_rate: '1e3' },
    { total_fee: '.5' },
    { request_id: 'half a sign \ud83d' },
  ])('are not made of %j, which the database is to judge', (different) => {
    expect(binaryRows([auditRow(), auditRow(different)])).toBeNull()
  })
})
