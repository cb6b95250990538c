// A database of the benchmark's own: made in a temporary folder with every table, forced to the disk as in earnest, removed after.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { connectDatabase } from '../../database/connect.ts'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { upgrade } from '../../database/migrate.ts'

export async function withBenchDatabase<T>(work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  return withTemporaryFolder(async (dataDir) => {
    const log = { info: () => {}, warn: (message: string) => console.warn(message) }
    const server = await startEmbeddedPostgres({ dataDir, durable: true, log })
    try {
      await upgrade(server.url)
      const pool = connectDatabase(server.url, { applicationName: 'benchmark', connectionsMax: 4 })
      try {
        return await work(pool)
      } finally {
        await pool.end()
      }
    } finally {
      await server.stop()
    }
  })
}

/** A folder that is gone when the work is done. Readable by the account that the database runs as. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-bench-'))
  chmodSync(folder, 0o755)
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
