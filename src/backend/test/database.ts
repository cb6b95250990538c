// A database of its own for a test file, with every table and none of the data: a copy of a migrated template. Its thousand files are
// copied as they are: by way of the log, as PostgreSQL does it unless told, a copy takes the processor several times as long.
import type pg from 'pg'
import { inject } from 'vitest'
import { connectDatabase } from '../database/connect.ts'

export interface TestDatabase {
  readonly url: string
  readonly pool: pg.Pool
  /** Ends the pool and removes the database, also under open connections. */
  drop(): Promise<void>
}

let made = 0

/**
 * For files named `*.pg.test.ts`: make it in beforeAll, drop it in afterAll. `empty: true` gives one without tables, `like` a copy of
 * another, whose pool has ended.
 */
export async function testDatabase({
  empty = false,
  like,
}: {
  empty?: boolean
  like?: TestDatabase
} = {}): Promise<TestDatabase> {
  const server = inject('postgres')
  const template = like === undefined ? server.template : new URL(like.url).pathname.slice(1)
  made += 1
  const name = `test_${process.pid}_${Date.now().toString(36)}_${made}`
  // Databases can be copied from only when nobody is connected to the template; two files that copy at once wait for each other by themselves.
  await administer(server.url, `create database ${name} template ${empty ? 'template0' : template} strategy file_copy`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const pool = connectDatabase(url.href, { applicationName: 'test', connectionsMax: 10 })
  return {
    url: url.href,
    pool,
    drop: async () => {
      if (!pool.ending) await pool.end()
      await administer(server.url, `drop database if exists ${name} with (force)`)
    },
  }
}

async function administer(url: string, statement: string): Promise<void> {
  const pool = connectDatabase(url, { applicationName: 'test administration', connectionsMax: 1 })
  try {
    await pool.query(statement)
  } finally {
    await pool.end()
  }
}
