// The database that a script works on: the one the environment names, else the embedded one of the data folder, which an
// engine that is running shares.

import { defaultDataDir, startEmbeddedPostgres } from '../database/embedded.ts'
import { readAddressFile } from '../server/address-file.ts'

export interface ChosenDatabase {
  readonly url: string
  /** Where its password stands, when it is not in the URL. */
  readonly passwordFile: string | null
  /** The data folder when it is the embedded one, else null. */
  readonly dataDir: string | null
  close(): Promise<void>
}

/**
 * DATABASE_DIRECT_URL, else DATABASE_URL, either with DATABASE_PASSWORD_FILE or as a file; else the embedded database of DATA_DIR.
 * @throws Error with a sentence when a file is named and has no address
 */
export async function chosenDatabase(environment: Record<string, string | undefined>): Promise<ChosenDatabase> {
  // Direct comes first: a pooler in transaction mode does not keep a migration's lock.
  for (const name of ['DATABASE_DIRECT_URL', 'DATABASE_URL']) {
    const [url, files] = [environment[name], environment[`${name}_FILE`]]
    const passwordFile = environment.DATABASE_PASSWORD_FILE || null
    if (url) return { url, passwordFile, dataDir: null, close: async () => {} }
    if (!files) continue
    const { address, file } = readAddressFile(files)
    return { url: address, passwordFile: file, dataDir: null, close: async () => {} }
  }
  const dataDir = environment.DATA_DIR || defaultDataDir(environment)
  const log = { info: (line: string) => console.error(line), warn: (line: string) => console.error(line) }
  const embedded = await startEmbeddedPostgres({ dataDir, durable: true, log })
  return { url: embedded.url, passwordFile: null, dataDir, close: () => embedded.stop() }
}
