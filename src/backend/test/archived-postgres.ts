// A PostgreSQL of a test's own that archives its log, on Debian's programs: the embedded package has no pg_basebackup.
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { serverAccount } from '../database/postgres-binaries.ts'
import { foundOrInstalled, howToInstall } from './debian-package.ts'
import { asOwner, type RealPostgres, startPostgres } from './postgres.ts'

const PACKAGE = 'postgresql-15'
const FOLDER = '/usr/lib/postgresql/15/bin'

/** What to type where there is none. */
export const HOW_TO_GET_DEBIAN_POSTGRES = howToInstall(PACKAGE)

/** @returns where its programs are; null: there are none */
export function debianPostgres(): string | null {
  return foundOrInstalled(PACKAGE, () => existsSync(join(FOLDER, 'pg_basebackup'))) ? FOLDER : null
}

/** @param archive where whole segments of the log are copied to */
export async function startArchivedPostgres(binariesFolder: string, archive: string): Promise<RealPostgres> {
  mkdirSync(archive, { recursive: true })
  const account = serverAccount()
  if (account !== null) chownSync(archive, account.uid, account.gid)
  else chmodSync(archive, 0o700)
  const postgres = await startPostgres({ binariesFolder })
  await asOwner(postgres.url, async (client) => {
    await client.query("alter system set archive_mode = 'on'")
    await client.query(`alter system set archive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'`)
  })
  await postgres.stop()
  await postgres.start()
  return postgres
}
