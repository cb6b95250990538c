import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { downgrade, status, upgrade } from './migrate.ts'

describe('migrations', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase({ empty: true })
  })
  afterAll(() => database.drop())

  test('an empty database is brought up, and down again to nothing, and up again', async () => {
    expect((await status(database.url)).every(({ state }) => state === 'pending')).toBe(true)
    const applied = await upgrade(database.url)
    expect(applied.length).toBeGreaterThan(3)
    expect((await status(database.url)).every(({ state }) => state === 'applied')).toBe(true)
    expect(await upgrade(database.url)).toEqual([])
    expect(await downgrade(database.url, applied.length)).toEqual(applied.toReversed())
    const { rows } = await database.pool.query("select tablename from pg_tables where schemaname = 'public' order by 1")
    expect(rows.map((row) => row.tablename)).toEqual(['schema_checksums', 'schema_migrations'])
    expect(await upgrade(database.url)).toEqual(applied)
  })
})
