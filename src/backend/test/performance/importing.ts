// How fast a lender's file is taken over: read and checked, then stored in one transaction, into a fresh database and over what is
// already kept. Two baselines: COPY of the very rows that an import leaves into the very tables, from files beside the server, and the same
// fields, split and nothing else, into a plain table with plain INSERTs.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { parseIbkrShortStockFile } from '../../market-data/feeds/ibkr-short-stock-file.ts'
import { importLenderFile } from '../../market-data/import.ts'
import { withBenchDatabase, withTemporaryFolder } from './bench-database.ts'
import { generatedLenderFile } from './generated-lender-file.ts'
import { interleaved, printed } from './rounds.ts'

const ROWS = 17_000
const ROUNDS = 5
/** The later file says something else about one name in ten. */
const CHANGED_EVERY = 10
const ROWS_PER_INSERT = 1_000
/** Where an import stores; what others refer to first. */
const TABLES = ['stocks', 'lender_rates', 'lender_rate_history'] as const
const EMPTY = 'truncate lender_rates, lender_rate_history, stocks, feed_states'
const RECEIVED_AT = new Date('2025-12-29T15:30:00Z')

export async function importing(): Promise<object> {
  const file = generatedLenderFile(ROWS, 0, 0)
  const later = generatedLenderFile(ROWS, 15, CHANGED_EVERY)
  const measured = (pool: pg.Pool, folder: string) =>
    interleaved(ROUNDS, {
      read_only: () => rate(async () => void parseIbkrShortStockFile(file)),
      first_import: async () => {
        await pool.query(EMPTY)
        return rate(() => take(pool, file))
      },
      copy_of_its_rows: async () => {
        for (const table of TABLES) await pool.query(`copy ${table} to '${join(folder, table)}'`)
        await pool.query(EMPTY)
        return rate(() => copyBack(pool, folder))
      },
      later_import: () => rate(() => take(pool, later)),
      plain_inserts: async () => {
        await pool.query('drop table if exists plain_rows')
        await pool.query(
          'create table plain_rows (ticker text primary key, name text, rate numeric, available numeric)',
        )
        return rate(() => plainInserts(pool, file))
      },
    })
  const rowsPerSecond = await withTemporaryFolder((folder) => {
    // The server writes there, as whoever it runs as.
    chmodSync(folder, 0o777)
    return withBenchDatabase((pool) => measured(pool, folder))
  })
  console.log(`import: rows/s of a file of ${ROWS} rows, median (spread) of ${ROUNDS} interleaved rounds`)
  console.log(`  read and checked, not stored            ${printed(rowsPerSecond.read_only)}`)
  console.log(`  into an empty database                  ${printed(rowsPerSecond.first_import)}`)
  console.log(`  over itself, one row in ${CHANGED_EVERY} changed       ${printed(rowsPerSecond.later_import)}`)
  console.log(`  baseline: COPY of the rows it leaves    ${printed(rowsPerSecond.copy_of_its_rows)}`)
  console.log(`  baseline: split, plain INSERTs          ${printed(rowsPerSecond.plain_inserts)}`)
  return { unit: 'rows/s', rows: ROWS, changed_every: CHANGED_EVERY, rows_per_second: rowsPerSecond }
}

async function rate(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (ROWS * 1_000) / (performance.now() - start)
}

async function take(pool: pg.Pool, source: string): Promise<void> {
  const result = await importLenderFile(pool, { source, provider: 'benchmark', demo: false, receivedAt: RECEIVED_AT })
  const skipped = Object.values(result.skipped).reduce((sum, count) => sum + count, 0)
  if (result.leftAlone !== null || result.rows + skipped !== ROWS) throw new Error('the import did not take the file')
}

async function copyBack(pool: pg.Pool, folder: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    for (const table of TABLES) await client.query(`copy ${table} from '${join(folder, table)}'`)
    await client.query('commit')
  } finally {
    client.release()
  }
}

async function plainInserts(pool: pg.Pool, text: string): Promise<void> {
  const rows = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('|'))
  const client = await pool.connect()
  try {
    await client.query('begin')
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const values: (string | null)[] = []
      const places = rows.slice(from, from + ROWS_PER_INSERT).map((fields) => {
        values.push(fields[0]!, fields[2]!, number(fields[6]!), number(fields[7]!))
        const last = values.length
        return `($${last - 3}, $${last - 2}, $${last - 1}, $${last})`
      })
      await client.query(`insert into plain_rows values ${places.join(', ')}`, values)
    }
    await client.query('commit')
  } finally {
    client.release()
  }
}

function number(field: string): string | null {
  return field === 'NA' || field === '' ? null : field.replace('>', '')
}
