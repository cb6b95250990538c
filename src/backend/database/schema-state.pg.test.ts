import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import type { Queryable } from './connect.ts'
import { downgrade, upgrade } from './migrate.ts'
import { MIGRATIONS_FOLDER, MigrationError, requireCurrentSchema } from './schema-state.ts'

const made: TestDatabase[] = []
async function database(options?: { empty: boolean }): Promise<TestDatabase> {
  const one = await testDatabase(options)
  made.push(one)
  return one
}
const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-migrations-'))
cpSync(MIGRATIONS_FOLDER, folder, { recursive: true })
const EMPTY = '-- Up Migration\nselect 1;\n-- Down Migration\nselect 1;\n'
writeFileSync(join(folder, '9998_newer.sql'), EMPTY)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  for (const one of made) await one.drop()
})

describe('a service that starts', () => {
  test('goes on with a database that fits, after one statement', async () => {
    const { pool } = await database()
    const statements: unknown[] = []
    const counted = {
      query: (...parameters: Parameters<Queryable['query']>) => {
        statements.push(parameters[0])
        return pool.query(...parameters)
      },
    } as unknown as Queryable
    await requireCurrentSchema(counted)
    expect(statements).toHaveLength(1)
  })

  test('refuses one that was never migrated, or not far enough, and says what to do', async () => {
    const { pool, url } = await database({ empty: true })
    const refusal =
      /^the database is older than this program: it lacks (0001_pricing_models, )?.*0005_roles.*\. Run the migrations first/
    await expect(requireCurrentSchema(pool)).rejects.toThrow(refusal)
    const applied = await upgrade(url)
    await downgrade(url, applied.length - applied.indexOf('0005_roles'))
    await expect(requireCurrentSchema(pool)).rejects.toThrow(refusal)
    await expect(requireCurrentSchema(pool)).rejects.toBeInstanceOf(MigrationError)
  })

  test('goes on with one that a newer program has added to, and knows with what', async () => {
    const { pool, url } = await database()
    await upgrade(url, { folder })
    expect(await requireCurrentSchema(pool)).toEqual(['9998_newer'])
  })

  test('refuses one from which a newer program took away what this one uses', async () => {
    const { pool, url } = await database()
    writeFileSync(join(folder, '9999_no_longer_contract.sql'), EMPTY)
    await upgrade(url, { folder })
    await expect(requireCurrentSchema(pool)).rejects.toThrow(
      'the database is newer than this program: it has 9999_no_longer_contract, which this program does not know. Run the newer program, or downgrade',
    )
  })

  test('passes on what the database itself says', async () => {
    const { pool } = await database()
    await pool.query(
      'alter table schema_checksums rename to elsewhere; create view schema_checksums as select name, 1 / 0 as checksum, applied_at from elsewhere',
    )
    await expect(requireCurrentSchema(pool)).rejects.toMatchObject({ code: '22012' })
  })
})
