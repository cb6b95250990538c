// The one PostgreSQL that the database tests share: started before the first of them, stopped after the last. Nothing in it is
// worth keeping, so nothing is forced to the disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../database/embedded.ts'
import { upgrade } from '../database/migrate.ts'
import { embeddedBinaries, serverAccount } from '../database/postgres-binaries.ts'
import { processIdentity } from '../database/process-identity.ts'
import { howToGetPostgres, testBinaries } from './postgres-found.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: {
      readonly url: string
      readonly template: string
      /** The binaries it was started from. */
      readonly binariesFolder: string
      /** For tests that start a server of their own. */
      readonly own: { readonly binariesFolder: string; readonly template: string }
    }
  }
}

const TEMPLATE = 'migrated'
const PREFIX = 'borrow-rate-engine-test-'
/** Tests live on fixed days: the audit log has months for them, whenever they run. */
const FIRST_TEST_MONTH = '2026-01-01'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binaries = testBinaries()
  if (binaries === null) throw new Error(`there is no PostgreSQL to test on: ${howToGetPostgres()}`)
  clearAbandoned()
  const dataDir = mkdtempSync(join(tmpdir(), PREFIX))
  const server = await startEmbeddedPostgres({
    dataDir,
    durable: false,
    log: { info: () => {}, warn: (message) => console.warn(message) },
    ...(binaries.binariesFolder === null ? {} : { binariesFolder: binaries.binariesFolder }),
  })
  await makeTemplate(server.url)
  const binariesFolder = binaries.binariesFolder ?? embeddedBinaries(dataDir, serverAccount()).folder
  project.provide('postgres', {
    url: server.url,
    template: TEMPLATE,
    binariesFolder,
    own: { binariesFolder, template: join(dataDir, 'own-server') },
  })
  return async () => {
    await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function makeTemplate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
  const templateUrl = new URL(url)
  templateUrl.pathname = `/${TEMPLATE}`
  await upgrade(templateUrl.href)
  const template = new pg.Client({ connectionString: templateUrl.href })
  await template.connect()
  await template.query('select add_audit_months($1, 12)', [FIRST_TEST_MONTH])
  await template.end()
}

/** Folders of runs that were killed: their servers are stopped and they are removed. */
function clearAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    try {
      const engines = readdirSync(join(folder, 'engines'))
      if (engines.length === 0) continue
      const alive = engines.some(
        (file) => processIdentity(Number.parseInt(file, 10)) === readFileSync(join(folder, 'engines', file), 'utf8'),
      )
      if (alive) continue
      // Without its folder the server ends by itself within a minute: it looks for its postmaster.pid.
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another user's, or being made or removed at this moment.
    }
  }
}
