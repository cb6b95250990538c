// Whether there is a PostgreSQL to test on, and which.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasEmbeddedPackage } from '../database/postgres-binaries.ts'

/** Which PostgreSQL the tests run on: the embedded one, or with TEST_POSTGRES=15 the one that Debian installs. Null: there is none. */
export function testBinaries(): { binariesFolder: string | null } | null {
  const wanted = process.env.TEST_POSTGRES
  if (wanted === undefined || wanted === '') return hasEmbeddedPackage() ? { binariesFolder: null } : null
  const binariesFolder = `/usr/lib/postgresql/${wanted}/bin`
  return existsSync(join(binariesFolder, 'initdb')) ? { binariesFolder } : null
}

/** What to type where there is none. */
export function howToGetPostgres(): string {
  const wanted = process.env.TEST_POSTGRES
  return wanted ? `apt-get install -y --no-install-recommends postgresql-${wanted}` : 'npm ci --include=optional'
}
