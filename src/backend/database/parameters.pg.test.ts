// The settings of the cloud's database, loaded into a server here: each exists, takes its value, and the engine's migrations run on them.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { DATABASE_PARAMETERS } from '../infrastructure/database_parameters.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { upgrade } from './migrate.ts'

const loadable = DATABASE_PARAMETERS.filter(({ rdsOnly }) => !rdsOnly)

let server: RealPostgres
let client: pg.Client

beforeAll(async () => {
  server = await startPostgres({
    durable: false,
    migrated: false,
    binariesFolder: inject('postgres').binariesFolder,
  })
  const lines = loadable.map(({ name, value }) => `${name} = '${value}'\n`)
  appendFileSync(join(server.folder, 'postgres', 'postgresql.auto.conf'), lines.join(''))
  await server.stop()
  await server.start()
  client = new pg.Client({ connectionString: server.url })
  await client.connect()
})
afterAll(async () => {
  await client?.end()
  await server?.end()
})

test.each(loadable)('$name is $value', async ({ name, value, kind }) => {
  const { rows } = await client.query<{ setting: string; context: string; pending: boolean; source: string }>(
    'select setting, context, pending_restart as pending from pg_settings where name = $1',
    [name],
  )
  expect(rows).toEqual([{ setting: value, context: expect.any(String), pending: false }])
  // What needs a restart is said to, and the other way round.
  expect(rows[0]?.context === 'postmaster' ? 'static' : 'dynamic').toBe(kind)
})

test('only what RDS alone knows cannot be loaded here', () => {
  expect(DATABASE_PARAMETERS.filter(({ rdsOnly }) => rdsOnly).map(({ name }) => name)).toEqual(['rds.force_ssl'])
})

test('the migrations run, and statements are counted', async () => {
  await upgrade(server.url)
  await client.query('create extension pg_stat_statements')
  const { rows } = await client.query<{ calls: string }>('select sum(calls)::text as calls from pg_stat_statements')
  expect(Number(rows[0]?.calls)).toBeGreaterThan(10)
})
