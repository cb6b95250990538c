// A migration leaves what the programs before it use, unless its name ends in `_contract`: decision 9. Each one of ours is held against the
// structure that it found.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { readStructure, type Structure, takenAway } from '../test/kept-schema.ts'
import { upgrade } from './migrate.ts'
import { MIGRATIONS_FOLDER } from './schema-state.ts'

const files = readdirSync(MIGRATIONS_FOLDER)
  .filter((file) => file.endsWith('.sql'))
  .sort()

/** Taken away on purpose, before there was a release that another could follow. Nothing is added here: it becomes a `_contract`. */
const BEFORE_THE_FIRST_RELEASE: Readonly<Record<string, RegExp>> = {
  // Programs have connected as their roles since then, not as the owner.
  '0005_roles': /^the right of \w+ to call add_audit_months\(.*\) is gone$/,
  // What is held goes through a function of the owner.
  '0009_audit_retention': /^the right of audit_service to insert held_records\.\w+ is gone$/,
}

let stepwise: TestDatabase
let newest: TestDatabase
const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-migrations-'))
beforeAll(async () => {
  stepwise = await testDatabase({ empty: true })
  newest = await testDatabase()
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await stepwise?.drop()
  await newest?.drop()
})

test('every migration leaves what the version before it reads and writes', async () => {
  let before: Structure | null = null
  const faults: string[] = []
  for (const file of files) {
    const name = basename(file, '.sql')
    cpSync(join(MIGRATIONS_FOLDER, file), join(folder, file))
    expect(await upgrade(stepwise.url, { folder })).toEqual([name])
    const after = await readStructure(stepwise.pool)
    const missed = before === null || name.endsWith('_contract') ? [] : takenAway(before, after)
    faults.push(...missed.filter((fault) => !BEFORE_THE_FIRST_RELEASE[name]?.test(fault)).map((f) => `${name}: ${f}`))
    before = after
  }
  expect(faults).toEqual([])
  expect(before?.things.size).toBeGreaterThan(200)
})

/** What comes of a migration of these statements on the newest structure. */
async function after(statements: string): Promise<string[]> {
  const client = await newest.pool.connect()
  try {
    await client.query('begin')
    const before = await readStructure(client)
    await client.query(statements)
    return takenAway(before, await readStructure(client))
  } finally {
    await client.query('rollback')
    client.release()
  }
}

describe('what takes something away is found', () => {
  test.each([
    ['drop table last_closes', 'table last_closes is gone'],
    ['alter table last_closes rename to closes', 'table last_closes is gone'],
    ['alter table brokers drop column name', 'column brokers.name is gone'],
    ['alter table brokers rename column name to title', 'column brokers.name is gone'],
    ['alter table stocks alter column ticker type varchar(12)', 'column stocks.ticker was text not null and is'],
    ['alter table brokers alter column tier drop not null', 'column brokers.tier was text not null and is text'],
    ['alter table brokers add column desk text not null', 'column brokers.desk must now be given'],
    ['alter table brokers alter column updated_at drop default', 'column brokers.updated_at must now be given'],
    ["alter table brokers add check (name <> 'x')", "CHECK ((name <> 'x'::text)) on brokers is new"],
    ['create unique index on brokers (name)', 'unique index brokers_name_idx on brokers is new'],
    [
      'create trigger late before insert on brokers for each row execute function refuse_pricing_model_change()',
      'trigger late on brokers is new',
    ],
    ['alter table last_closes drop constraint last_closes_pkey', 'unique key of last_closes (ticker) is gone'],
    ['drop function uuid7_lower_bound(timestamptz)', 'function uuid7_lower_bound'],
    ['revoke select on brokers from data_service', 'the right of data_service to select brokers.name is gone'],
    [
      'revoke insert on audit_records from api_gateway',
      'the right of api_gateway to insert audit_records.record is gone',
    ],
    [
      'revoke all on function add_audit_months(date, integer) from audit_service',
      'the right of audit_service to call add_audit_months',
    ],
  ])('%s', async (statement, fault) => {
    expect((await after(statement)).join('\n')).toContain(fault)
  })
})

describe('what only adds is not', () => {
  test.each([
    'create table desks (name text primary key, check (name <> chr(0)))',
    "alter table brokers add column desk text not null default 'none'",
    "alter table brokers add column desk text check (desk <> '')",
    'create index on brokers (name)',
    'alter table brokers alter column active set default false',
    'drop index audit_records_ticker',
    'create function desk_of(text) returns text language sql as $$ select $1 $$',
    'grant select on brokers to audit_service',
  ])('%s', async (statement) => {
    expect(await after(statement)).toEqual([])
  })
})
