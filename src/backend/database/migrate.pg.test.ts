import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { dumpSchema } from './dump-schema.ts'
import { downgrade, MigrationError, status, upgrade, verify } from './migrate.ts'

const databases: TestDatabase[] = []
async function database(options?: { empty: boolean }): Promise<TestDatabase> {
  const made = await testDatabase(options)
  databases.push(made)
  return made
}
afterAll(async () => {
  for (const made of databases) await made.drop()
})

describe('migrations', () => {
  test('an empty database is brought up, and down again to nothing, and up again', async () => {
    const { url, pool } = await database({ empty: true })
    expect((await status(url)).every(({ state }) => state === 'pending')).toBe(true)
    const log: string[] = []
    const applied = await upgrade(url, { log: (line) => log.push(line) })
    expect(log).toEqual(applied.map((name) => `applied ${name}`))
    expect((await status(url)).every(({ state }) => state === 'applied')).toBe(true)
    expect(await upgrade(url)).toEqual([])
    expect(await downgrade(url, applied.length)).toEqual(applied.toReversed())
    const { rows } = await pool.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    )
    expect(rows.map(({ relname }) => relname).sort()).toEqual(['schema_checksums', 'schema_migrations'])
    expect(await upgrade(url)).toEqual(applied)
  })

  test('several programs that upgrade at once do it once', async () => {
    const { url } = await database({ empty: true })
    const applied = await Promise.all([upgrade(url), upgrade(url), upgrade(url)])
    expect(applied.map(({ length }) => length > 0).sort()).toEqual([false, false, true])
  })

  test('what was migrated is verified: a migration that is missing and a relation that cannot be read are found', async () => {
    const { url, pool } = await database()
    expect(await verify(url)).toBeGreaterThan(10)
    await pool.query('create view broken as select 1 / (x - 1) as y from (values (1)) as v (x)')
    expect(await verify(url), 'what is not the engine’s is left alone').toBeGreaterThan(10)
    await pool.query('alter view broken owner to borrow_rate_owner')
    await expect(verify(url)).rejects.toThrow('public.broken cannot be read: division by zero')
    await pool.query('drop view broken')
    const [last] = await downgrade(url, 1)
    await expect(verify(url)).rejects.toThrow(`the database is not what it should be: ${last} is pending`)
  })

  test('schema.sql is what the migrations add up to', async () => {
    const { pool } = await database()
    expect(await dumpSchema(pool)).toBe(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'))
  })

  test('schema.sql makes the same structure by itself', async () => {
    const { pool } = await database({ empty: true })
    const text = readFileSync(new URL('./schema.sql', import.meta.url), 'utf8')
    await pool.query(text)
    expect(await dumpSchema(pool)).toBe(text)
  })
})

describe('a database that does not fit the program is refused and left as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-migrations-'))
  beforeAll(() => cpSync(fileURLToPath(new URL('./migrations/', import.meta.url)), folder, { recursive: true }))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('it is newer', async () => {
    const { url } = await database()
    const newer = join(folder, '9999_newer.sql')
    writeFileSync(newer, '-- Up Migration\ncreate table newer ();\n-- Down Migration\ndrop table newer;\n')
    expect(await upgrade(url, { folder })).toEqual(['9999_newer'])
    const refusal = /the database is newer than this program: it has 9999_newer/
    await expect(upgrade(url)).rejects.toThrow(refusal)
    await expect(downgrade(url, 1)).rejects.toThrow(refusal)
    expect((await status(url)).at(-1)).toMatchObject({ name: '9999_newer', state: 'unknown' })
    rmSync(newer)
  })

  test('an applied file changed', async () => {
    const { url } = await database()
    const file = join(folder, '0002_reference_data.sql')
    const original = readFileSync(file, 'utf8')
    writeFileSync(file, original.replaceAll('\n', '\r\n'))
    expect(await upgrade(url, { folder }), 'other line ends are no change').toEqual([])
    appendFileSync(file, '\n-- changed\n')
    await expect(upgrade(url, { folder })).rejects.toThrow(/0002_reference_data\.sql changed after it was applied/)
    await expect(upgrade(url, { folder })).rejects.toBeInstanceOf(MigrationError)
    writeFileSync(file, original)
  })

  test('a file that fails takes the whole upgrade back', async () => {
    const { url, pool } = await database({ empty: true })
    const wrong = join(folder, '9999_wrong.sql')
    writeFileSync(wrong, '-- Up Migration\ncreate table half ();\nselect 1 / 0;\n-- Down Migration\n')
    await expect(upgrade(url, { folder })).rejects.toThrow('division by zero')
    expect((await status(url, { folder })).every(({ state }) => state === 'pending')).toBe(true)
    expect((await pool.query("select to_regclass('brokers') as brokers")).rows).toEqual([{ brokers: null }])
    rmSync(wrong)
  })

  test('the audit log is not taken back while it holds a record', async () => {
    const { url, pool } = await database()
    await pool.query(
      `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record) values ($1, 'quote', 1, now(), 'c', '{}')`,
      [auditId(new Date())],
    )
    const sinceTheLog = (await status(url)).findIndex(({ name }) => name === '0004_audit_records')
    const steps = (await status(url)).length - sinceTheLog
    await expect(downgrade(url, steps)).rejects.toThrow('audit_records holds records and is not dropped')
    expect((await pool.query('select from audit_records')).rowCount).toBe(1)
  })
})

describe('the audit log in the database', () => {
  let log: TestDatabase
  beforeAll(async () => {
    log = await database()
  })

  async function insert(id: string): Promise<string> {
    const row = auditRow({ audit_id: id })
    await log.pool.query(
      `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record) values ($1, $2, $3, $4, $5, $6)`,
      [row.audit_id, row.record_type, row.schema_version, row.occurred_at, row.client_id, row.record],
    )
    const { rows } = await log.pool.query(
      'select tableoid::regclass::text as month from audit_records where audit_id = $1',
      [id],
    )
    return rows[0].month
  }

  test('a record lies in the month of its id, to the millisecond', async () => {
    expect(await insert(auditId(new Date('2026-11-30T23:59:59.999Z')))).toBe('audit_records_2026_11')
    expect(await insert(auditId(new Date('2026-12-01T00:00:00.000Z')))).toBe('audit_records_2026_12')
  })

  test('this month and the 24 after it are there, and more can be added, once', async () => {
    const inMonths = (months: number) => {
      const now = new Date()
      return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 15))
    }
    await insert(auditId(new Date()))
    await insert(auditId(inMonths(24)))
    await expect(insert(auditId(inMonths(25)))).rejects.toMatchObject({ code: '23514' })
    const more = await log.pool.query('select add_audit_months($1, 3) as added', [inMonths(24)])
    expect(more.rows).toEqual([{ added: 2 }])
    await insert(auditId(inMonths(26)))
  })

  test('every month of the log has its month of seals, those that were there before there were seals too', async () => {
    const { url, pool } = await database()
    const names = (await status(url)).map(({ name }) => name)
    await downgrade(url, names.length - names.indexOf('0007_audit_chain'))
    await pool.query("select add_audit_months('2050-01-01', 2)")
    await upgrade(url)
    await pool.query("select add_audit_months('2051-01-01', 1)")
    const { rows } = await pool.query(
      `select parent.relname as of_table, array_agg(pg_get_expr(month.relpartbound, month.oid) order by month.relname) as bounds
         from pg_inherits join pg_class month on month.oid = inhrelid join pg_class parent on parent.oid = inhparent
        where parent.relkind = 'p' group by 1 order by 1`,
    )
    const [records, seals] = rows
    expect([records.of_table, seals.of_table]).toEqual(['audit_records', 'audit_seals'])
    expect(records.bounds.length).toBeGreaterThanOrEqual(25 + 3)
    expect(seals.bounds).toEqual(records.bounds)
  })

  test('a chain that has seals is not taken back', async () => {
    const { url, pool } = await database()
    const hash = Buffer.alloc(32)
    await pool.query('insert into audit_seals values ($1, 1, $2, $2, now())', [auditId(new Date()), hash])
    const names = (await status(url)).map(({ name }) => name)
    await expect(downgrade(url, names.length - names.indexOf('0007_audit_chain'))).rejects.toThrow(
      'the chain of the audit log is not dropped while there are seals',
    )
  })

  test.each([
    ['audit_seals', 'update audit_seals set sequence = 2'],
    ['audit_seals', 'delete from audit_seals'],
    ['audit_seals', 'truncate audit_seals'],
    ['audit_seals', `delete from audit_seals_${new Date().toISOString().slice(0, 7).replace('-', '_')}`],
    ['audit_seals', `truncate audit_seals_${new Date().toISOString().slice(0, 7).replace('-', '_')}`],
    ['audit_heads', 'update audit_heads set signature = hash || hash'],
    ['audit_heads', 'delete from audit_heads'],
    ['audit_heads', 'truncate audit_heads'],
    ['legal_holds', "update legal_holds set reason = 'other'"],
    ['legal_holds', 'delete from legal_holds'],
    ['legal_holds', 'truncate legal_holds cascade'],
    ['legal_hold_releases', 'delete from legal_hold_releases'],
    ['audit_exports', 'delete from audit_exports'],
    ['audit_checkpoints', 'delete from audit_checkpoints'],
  ])('what stands in %s is never changed, also by the owner: %s', async (table, statement) => {
    const hash = Buffer.alloc(32)
    const [id, hold] = [auditId(new Date()), auditId(new Date())]
    const client = await log.pool.connect()
    try {
      await client.query('begin')
      await client.query('insert into audit_seals values ($1, 1, $2, $2, now())', [id, hash])
      await client.query(`insert into audit_heads values (1, 1, $1, now(), '0123456789abcdef', $1::bytea || $1)`, [
        hash,
      ])
      await client.query(
        "insert into legal_holds (hold_id, client_id, reason, placed_by) values ($1, 'c', 'dispute', 'key')",
        [hold],
      )
      await client.query(
        "insert into legal_hold_releases (hold_id, reason, released_by) values ($1, 'settled', 'key')",
        [hold],
      )
      await client.query("insert into audit_exports values ($1, null, 1, 1, 1, 'folder', 'one', $2, now())", [id, hash])
      await client.query(
        `insert into audit_checkpoints values (1, $1, '2020-01-01', $1, now(), '0123456789abcdef', $1::bytea || $1)`,
        [hash],
      )
      await expect(client.query(statement)).rejects.toThrow(
        new RegExp(`^what stands in (${table}\\w*|legal_hold_releases) was written once and is never changed`),
      )
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  test.each([
    ['update', "update audit_records set client_id = 'other'"],
    ['update of a month', "update audit_records_2026_11 set client_id = 'other'"],
    ['delete', 'delete from audit_records'],
    ['delete from a month', 'delete from audit_records_2026_11'],
    ['truncate', 'truncate audit_records'],
    ['truncate of a month', 'truncate audit_records_2026_11'],
    [
      'truncate of an added month',
      "do $$ begin perform add_audit_months('2050-01-01', 1); truncate audit_records_2050_01; end $$",
    ],
    [
      'an insert that would change a row',
      `insert into audit_records select * from audit_records on conflict (audit_id) do update set client_id = 'other'`,
    ],
  ])('%s is refused, also to the owner, with a sentence', async (_, statement) => {
    const before = await log.pool.query('select * from audit_records order by 1')
    await expect(log.pool.query(statement)).rejects.toThrow(
      /^audit records are inserted once and never changed: (update|delete|truncate) on /,
    )
    expect((await log.pool.query('select * from audit_records order by 1')).rows).toEqual(before.rows)
  })
})

describe('constraints name what they keep', () => {
  let kept: TestDatabase
  beforeAll(async () => {
    kept = await database()
  })

  const broker = {
    client_id: 'acme',
    markup_percentage: '5',
    transaction_fee_type: 'FLAT',
    transaction_amount: '25',
    day_count: 'ACT/360',
    convention_pack: 'notional',
    pricing_model: 'standard-v1',
    tier: 'standard',
  }

  test.each([
    ['brokers_client_id_pattern', { client_id: 'a b' }],
    ['brokers_markup_percentage_range', { markup_percentage: '100.0001' }],
    ['brokers_markup_percentage_range', { markup_percentage: 'NaN' }],
    ['brokers_markup_tiers_list', { markup_tiers: '{}' }],
    ['brokers_markup_tiers_list', { markup_tiers: '[]' }],
    ['brokers_markup_tiers_list', { markup_tiers: 'null' }],
    ['brokers_transaction_amount_range', { transaction_amount: '1000000.01' }],
    ['brokers_transaction_amount_range', { transaction_fee_type: 'PERCENTAGE', transaction_amount: '100.0001' }],
    ['brokers_transaction_amount_cents', { transaction_amount: '0.001' }],
    ['brokers_convention_pack_day_count', { convention_pack: 'us-collateral-mark', day_count: 'ACT/365' }],
    ['brokers_convention_pack_day_count', { convention_pack: 'ca-market-value' }],
    ['brokers_pricing_model_exists', { pricing_model: 'unknown-v1' }],
    ['brokers_requests_per_minute_range', { requests_per_minute: 0 }],
  ])('%s: %o', async (constraint, different) => {
    const row = JSON.stringify({ ...broker, ...different })
    const columns = Object.keys({ ...broker, ...different }).join(', ')
    const insert = `insert into brokers (${columns}) select ${columns} from json_populate_record(null::brokers, $1)`
    await expect(kept.pool.query(insert, [row])).rejects.toMatchObject({ constraint })
  })

  test('pricing models come with the program and are never changed', async () => {
    const { rows } = await kept.pool.query(
      'select model, trim_scale(volatility_weight) as weight, volatility_source from pricing_models order by 1',
    )
    expect(rows).toEqual([
      { model: 'desk-v1', weight: '0.01', volatility_source: 'index' },
      { model: 'standard-v1', weight: '0.01', volatility_source: 'stock-or-index' },
    ])
    for (const statement of [
      'update pricing_models set event_weight = 1',
      'delete from pricing_models',
      'truncate pricing_models cascade',
    ]) {
      await expect(kept.pool.query(statement)).rejects.toThrow('pricing models are never changed or deleted')
    }
  })

  test('every table says what it is, and every check of a column has a name of its own', async () => {
    const unsaid = await kept.pool.query(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
          and relname not like 'schema\\_%' and obj_description(oid, 'pg_class') is null`,
    )
    expect(unsaid.rows).toEqual([])
    const unnamed = await kept.pool.query(
      "select conname from pg_constraint where connamespace = 'public'::regnamespace and contype = 'c' and conname ~ '_check[0-9]*$'",
    )
    expect(unnamed.rows).toEqual([])
  })
})
