// Maintenance beside the engine's own reads and writes, on a real PostgreSQL: what it gives back, whom it keeps waiting, and what it does
// when somebody holds what it needs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MaintenanceRuns, maintain, tableStates } from '../database/maintenance.ts'
import { auditRow, insertRows } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'

const SCRIPT = fileURLToPath(new URL('./db_maintenance.ts', import.meta.url))
const ROWS = 3_000
/** A writer that waits longer for a lock was kept waiting, and fails. */
const LOCK_MS_MAX = 500

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database?.drop())

/** Many rows that come and go: what makes indexes grow and tables dead. */
async function churn(): Promise<void> {
  await database.pool.query('create table if not exists churned (id int primary key, word text)')
  await database.pool.query('alter table churned owner to borrow_rate_owner')
  await database.pool.query('create index if not exists churned_word on churned (word)')
  await database.pool.query(
    'insert into churned select n, md5(n::text) from generate_series(1, $1::int) n on conflict (id) do nothing',
    [ROWS],
  )
  for (let round = 0; round < 4; round += 1) await database.pool.query('update churned set word = md5(word)')
}

test('indexes are smaller afterwards, dead rows are gone, and whoever writes meanwhile does not wait', async () => {
  await churn()
  const before = await database.pool.query("select pg_relation_size('churned_word')::float8 as bytes")
  let isOver = false
  const written: number[] = []
  const writers = Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      try {
        await client.query(`set lock_timeout = ${LOCK_MS_MAX}`)
        while (!isOver) {
          const startedAt = performance.now()
          await insertRows(client, [auditRow()])
          await client.query('select count(*) from churned')
          written.push(performance.now() - startedAt)
        }
      } finally {
        await client.end()
      }
    }),
  )
  const steps = await maintain({ url: database.url })
  isOver = true
  await writers
  const longest = Math.max(...written)
  const reindexed = steps.filter(({ work }) => work === 'reindex')
  const saved = steps.reduce((sum, { bytesBefore, bytesAfter }) => sum + Math.max(0, bytesBefore - bytesAfter), 0)
  console.log(
    `  ${reindexed.length} indexes built anew and ${steps.length - reindexed.length} tables vacuumed beside ${written.length} writes, the longest ${longest.toFixed(0)} ms; ${Math.round(saved / 1024)} kB given back`,
  )
  expect(steps.filter(({ outcome }) => outcome !== 'done')).toEqual([])
  const index = steps.find(({ work, name }) => work === 'reindex' && name === 'churned_word')
  expect(index?.bytesBefore).toBe(before.rows[0].bytes)
  expect(index?.bytesAfter).toBeLessThan(before.rows[0].bytes / 2)
  const churned = (await tableStates({ url: database.url })).find(({ table }) => table === 'churned')
  expect(churned?.deadRows).toBe(0)
  expect(churned?.lastVacuum).not.toBeNull()
  expect(written.length).toBeGreaterThan(0)
})

test('who holds a table goes on; its steps are left out, what they left behind is removed the next time, and nothing else is', async () => {
  await database.pool.query('create index if not exists churned_mine_ccnew on churned (id)')
  const holder = await database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('lock table churned in share row exclusive mode')
    const steps = await maintain({ url: database.url, lockTimeoutMs: 100, tries: 2, only: ['churned', 'brokers'] })
    const left = steps.filter(({ outcome }) => outcome === 'left out').map(({ work, name }) => `${work} ${name}`)
    expect(left).toEqual(expect.arrayContaining(['reindex churned_word', 'reindex churned_pkey', 'vacuum churned']))
    expect(left.filter((each) => !each.includes('churned'))).toEqual([])
    expect(steps.some(({ work, name, outcome }) => work === 'vacuum' && name === 'brokers' && outcome === 'done')).toBe(
      true,
    )
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  const steps = await maintain({ url: database.url, only: ['churned'] })
  expect(steps.filter(({ outcome }) => outcome !== 'done')).toEqual([])
  const { rows } = await database.pool.query(
    "select relname as name from pg_class join pg_index on indexrelid = pg_class.oid where relname like 'churned%' and (not indisvalid or relname ~ '_cc') order by 1",
  )
  // Valid, whatever it is called: somebody's own.
  expect(rows).toEqual([{ name: 'churned_mine_ccnew' }])
})

test('a transaction that stays open keeps an index from being exchanged, and the half of it is removed', async () => {
  const reader = await database.pool.connect()
  try {
    await reader.query('begin isolation level repeatable read')
    await reader.query('select count(*) from churned')
    const steps = await maintain({ url: database.url, lockTimeoutMs: 100, tries: 1, only: ['churned'] })
    expect(steps.find(({ work, name }) => work === 'reindex' && name === 'churned_word')?.outcome).toBe('left out')
    // The reader was not disturbed.
    expect((await reader.query('select count(*)::int as count from churned')).rows[0].count).toBe(ROWS)
  } finally {
    await reader.query('rollback')
    reader.release()
  }
  const steps = await maintain({ url: database.url, only: ['churned'] })
  expect(steps.some(({ work, name }) => work === 'drop' && name === 'churned_word_ccnew')).toBe(true)
  const { rows } = await database.pool.query('select count(*)::int as count from pg_index where not indisvalid')
  expect(rows[0].count).toBe(0)
})

test('one at a time, and no step is begun when the time is over', async () => {
  const other = await database.pool.connect()
  try {
    await other.query('select pg_advisory_lock(7310577)')
    await expect(maintain({ url: database.url })).rejects.toThrow(MaintenanceRuns)
  } finally {
    await other.query('select pg_advisory_unlock(7310577)')
    other.release()
  }
  let begun = 0
  const mayGoOn = () => {
    begun += 1
    return begun <= 2
  }
  const steps = await maintain({ url: database.url, mayGoOn, only: ['churned', 'brokers'] })
  expect(steps.filter(({ outcome }) => outcome === 'done')).toHaveLength(2)
  expect(new Set(steps.slice(2).map(({ why }) => why))).toEqual(new Set(['the time is over']))
})

test('the script: refused outside of the window, a report changes nothing, --now does the work', async () => {
  const run = async (...words: string[]) => {
    const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, ...words], {
      env: { PATH: process.env.PATH, DATABASE_DIRECT_URL: database.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        said += bytes.toString()
      })
    }
    const [status] = await once(child, 'close')
    return { status, said }
  }
  // These two windows are never open at once.
  const [dev, prod] = [await run('--environment', 'dev'), await run('--environment', 'prod')]
  const refused = [dev, prod].filter(({ status }) => status === 1)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.said).toMatch(/^the window of (dev|prod) \(UTC: .* is not open; the next begins at /)
  const report = await run('--environment', 'prod', '--report-only', '--json')
  expect(JSON.parse(report.said)).toMatchObject({ steps: [] })
  const now = await run('--environment', 'prod', '--now', '--only', 'churned', 'brokers')
  expect(now.status).toBe(0)
  expect(now.said).toMatch(/\n(\d+) of \1 steps done, /)
})
