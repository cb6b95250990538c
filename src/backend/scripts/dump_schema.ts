// Writes database/schema.sql anew, from the migrations as they are. Run from the source tree after adding one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase } from '../database/connect.ts'
import { dumpSchema } from '../database/dump-schema.ts'
import { startEmbeddedPostgres } from '../database/embedded.ts'
import { upgrade } from '../database/migrate.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-schema-'))
const server = await startEmbeddedPostgres({
  dataDir,
  durable: false,
  log: { info: () => {}, warn: (line) => console.error(line) },
})
const pool = connectDatabase(server.url, { applicationName: 'dump schema', connectionsMax: 1 })
try {
  await upgrade(server.url)
  writeFileSync(new URL('../database/schema.sql', import.meta.url), await dumpSchema(pool))
} finally {
  await pool.end()
  await server.stop()
  rmSync(dataDir, { recursive: true, force: true })
}
