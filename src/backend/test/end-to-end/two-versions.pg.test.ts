// An engine on a database that the next version has migrated already, as it is in every rollout and after every undo (decision 9): it
// prices, records, seals, verifies, replays and changes on it, until something that it uses was taken away.
//
// The engine is this one, and the next version's migration gives every table one column more. With PREVIOUS_ENGINE, the folder of an
// older version's built program, it is that one, on the structure of today and that migration.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { upgrade } from '../../database/migrate.ts'
import { MIGRATIONS_FOLDER } from '../../database/schema-state.ts'
import { type FiveServices, startFiveServices } from '../../tools/local-cluster.ts'
import { asOwner, type RealPostgres, startPostgres } from '../postgres.ts'
import { until } from '../until.ts'
import { type Answer, type Ask, ask } from './http.ts'

const DATABASE_SERVICES = ['api-gateway', 'calculation-service', 'data-service', 'audit-service'] as const

const previous = process.env.PREVIOUS_ENGINE
const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-migrations-'))
let postgres: RealPostgres
let engine: FiveServices

/** As the next version might, but everywhere: a new column on every table, one table more, and one index more. */
const EXPANDS = `-- Up Migration
do $$
declare t text;
begin
  for t in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
            and relname not in ('schema_migrations', 'schema_checksums')
  loop
    execute format('alter table %I add column of_the_next_version text not null default ''new''', t);
  end loop;
end $$;
create table locate_inventory (ticker text primary key references stocks, shares bigint not null);
grant select, insert on locate_inventory to data_service;
create index brokers_of_the_next_version on brokers (of_the_next_version);
-- Down Migration
select 1;
`
const CONTRACTS =
  '-- Up Migration\nalter table brokers drop column of_the_next_version;\n-- Down Migration\nselect 1;\n'

beforeAll(async () => {
  cpSync(MIGRATIONS_FOLDER, folder, { recursive: true })
  postgres = await startPostgres({ ...inject('postgres').own, durable: false })
  writeFileSync(join(folder, '9000_expands.sql'), EXPANDS)
  await upgrade(postgres.url, { folder })
  engine = await startFiveServices({ postgres, ...(previous && { program: previous }) })
})
afterAll(async () => {
  await engine?.stop()
  await postgres?.end()
  rmSync(folder, { recursive: true, force: true })
})

const as = (key: string, what: Ask): Promise<Answer> => ask(engine, { ...what, key: engine.key(key) })
const QUOTE = { ticker: 'GME', position_value: 100_000, loan_days: 30, client_id: 'demo-collateral' }
const TERMS = {
  markup_percentage: 5,
  transaction_fee_type: 'FLAT',
  transaction_amount: '25.00',
  day_count: 'ACT/365',
  convention_pack: 'notional',
  pricing_model: 'standard-v1',
  tier: 'premium',
  active: true,
}
const quote = (headers: Record<string, string> = {}) =>
  as('desk', { path: '/api/v1/calculate-locate', body: QUOTE, headers })

describe('on a database that is one expanding migration ahead', () => {
  test('every service that goes there says so, and runs', () => {
    for (const name of DATABASE_SERVICES) {
      const said = engine.services[name].logLines().find((line) => line.includes('the database is of a newer version'))
      expect(said, name).toContain('9000_expands')
    }
  })

  test('it prices, and gives the same answer to the same idempotency key', async () => {
    const key = { 'idempotency-key': 'two-versions-1' }
    const [first, again] = [await quote(key), await quote(key)]
    expect(first.status).toBe(200)
    expect(Number(first.json.total_fee)).toBeGreaterThan(0)
    expect(again.text).toBe(first.text)
    expect(again.headers['idempotency-replayed']).toBe('true')
  })

  test('it records, seals, verifies, finds and replays what it priced', async () => {
    const { audit_id: id, total_fee: fee } = (await quote()).json
    const kept = await as('auditor', { path: `/api/v1/audit/${id}` })
    expect(kept.json.record.result.total_fee).toBe(fee)
    await until('the record is sealed', 20_000, async () => {
      const { json } = await as('auditor', { path: '/api/v1/audit/verify' })
      expect(json).toMatchObject({ status: 'success', valid: true, first_bad: null })
      return json.unsealed === '0' && Number(json.checked) > 0
    })
    const found = await as('auditor', { path: '/api/v1/audit?record_type=quote&ticker=GME' })
    expect(found.text).toContain(id)
    const replayed = await as('auditor', { method: 'POST', path: `/api/v1/audit/${id}/replay` })
    expect(replayed.json).toMatchObject({ identical: true, differences: [], not_replayable: null })
  })

  test('it changes what the desk keeps, and makes and revokes keys', async () => {
    const path = '/api/v1/brokers/of-two-versions'
    const made = await as('admin', { method: 'PUT', path, body: TERMS, headers: { 'if-none-match': '*' } })
    expect(made.status).toBe(201)
    const body = { ...TERMS, markup_percentage: 10 }
    const changed = await as('admin', { method: 'PUT', path, body, headers: { 'if-match': '"1"' } })
    expect(changed.json).toMatchObject({ markup_percentage: '10', version: '2' })
    const key = await as('admin', {
      path: '/api/v1/api-keys',
      body: { client_id: 'of-two-versions', role: 'broker', label: 'two versions' },
    })
    expect(key.status).toBe(201)
    const revoked = await as('admin', { method: 'DELETE', path: `/api/v1/api-keys/${key.json.key_id}` })
    expect(revoked.status).toBe(200)
  })

  test('what it wrote has what the next version expects of it', async () => {
    const rows = await asOwner(postgres.url, async (client) => {
      const { rows } = await client.query(
        `select (select count(*) from audit_records where of_the_next_version = 'new')::int as records,
                (select count(*) from audit_seals where of_the_next_version = 'new')::int as seals,
                (select count(*) from idempotent_answers where of_the_next_version = 'new')::int as answers`,
      )
      return rows[0]
    })
    for (const [table, count] of Object.entries(rows)) expect(count, table).toBeGreaterThan(0)
  })
})

describe('once the next version has taken something away', () => {
  beforeAll(async () => {
    writeFileSync(join(folder, '9001_no_longer_contract.sql'), CONTRACTS)
    await upgrade(postgres.url, { folder })
  })

  test('a process that runs goes on', async () => {
    expect((await quote()).status).toBe(200)
  })

  test('none of those that go there starts, and each says why and what to do', async () => {
    const refused = DATABASE_SERVICES.map(async (name) => {
      await expect(engine.restart(name), name).rejects.toThrow(/was not answered as it should be/)
      expect(await engine.kill(name), name).toEqual({ code: 1, signal: null })
      expect(engine.services[name].logLines().at(-1), name).toBe(
        'the database is newer than this program: it has 9001_no_longer_contract, which this program does not know. Run the newer program, or downgrade the database with it first',
      )
    })
    await Promise.all(refused)
  })
})
