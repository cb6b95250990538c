// `import`: a feed's file into the database. What kind of file it is, its first lines say; the reader of that kind then
// decides whether it is whole.
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { connectDatabase } from '../database/connect.ts'
import { status, upgrade } from '../database/migrate.ts'
import { FeedFileError } from '../market-data/feeds/feed-file.ts'
import {
  FEED_FILE_BYTES_MAX,
  FEED_FILES,
  type Feed,
  type ImportOptions,
  type ImportResult,
} from '../market-data/import.ts'
import { decimal } from '../pricing/decimal.ts'
import { chosenDatabase } from './chosen-database.ts'
import { CommandError } from './engine-access.ts'
import { grouped, moment } from './formats.ts'
import { type Progress, progressBar } from './progress.ts'

type Environment = Readonly<Record<string, string | undefined>>

const HEAD_BYTES = 2_000

/** The kind of a file by its first lines; null when it is none that the engine reads. */
export function kindOf(head: string): Feed | null {
  const text = head.replace(/^\uFEFF/, '')
  if (text.startsWith('#BOF|')) return 'lender'
  const header = text.split(/\r?\n/, 1)[0] ?? ''
  const columns = new Set(
    header
      .toLowerCase()
      .replaceAll(/["_\s]/g, '')
      .split(','),
  )
  const has = (...names: string[]) => names.every((name) => columns.has(name))
  const named = columns.has('symbol') || columns.has('ticker')
  if (named && has('date', 'close')) return 'closes'
  if (named && (has('reportdate') || has('type', 'date') || has('type', 'indays'))) return 'events'
  return !named && has('date', 'close') ? 'volatility' : null
}

/**
 * Takes a file over and prints what came of it.
 * @throws CommandError with a sentence: no such file, not a kind the engine reads, refused, or a database without tables
 */
export async function importFile(
  path: string,
  to: { environment: Environment; print: (text: string) => void; isTerminal: boolean; clock: () => Date },
): Promise<void> {
  const kind = kindOf(await headOf(path))
  if (kind === null) {
    const known = Object.values(FEED_FILES).map(({ words }) => words)
    throw new CommandError(`${basename(path)} is not a file that the engine reads. It reads: ${known.join(', ')}.`)
  }
  const { words, provider, read } = FEED_FILES[kind]
  const database = await openDatabase(to.environment)
  const progress = to.isTerminal ? progressBar(words, 'rows') : plainLines(words, to.print)
  try {
    const options: ImportOptions = {
      source: createReadStream(path),
      provider,
      demo: false,
      receivedAt: to.clock(),
      onProgress: progress.update,
    }
    const result = await read(database.pool, options)
    progress.done()
    to.print(resultText(words, result))
  } catch (error) {
    progress.done()
    if (error instanceof FeedFileError)
      throw new CommandError(`${basename(path)} is ${error.message}. Nothing was changed.`)
    throw error
  } finally {
    await database.close()
  }
}

async function headOf(path: string): Promise<string> {
  const size = await stat(path).then(
    (about) => (about.isFile() ? about.size : null),
    () => null,
  )
  if (size === null) throw new CommandError(`There is no file ${path}.`)
  if (size > FEED_FILE_BYTES_MAX)
    throw new CommandError(`${basename(path)} is larger than ${FEED_FILE_BYTES_MAX} bytes.`)
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

async function openDatabase(environment: Environment) {
  try {
    return await reachDatabase(environment)
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error)) throw error
    throw new CommandError(`The database cannot be used: ${error.message}`)
  }
}

async function reachDatabase(environment: Environment) {
  const { url, passwordFile, dataDir, close } = await chosenDatabase(environment)
  try {
    if (dataDir !== null) await upgrade(url)
    else if ((await status(url, { passwordFile })).some(({ state }) => state === 'pending')) {
      throw new CommandError('The database is older than this program. Run `npm run migrate` first.')
    }
  } catch (error) {
    await close()
    throw error
  }
  const applicationName = 'borrow-rate-engine import'
  const pool = connectDatabase(url, { applicationName, connectionsMax: 2, statementTimeoutMs: 0, passwordFile })
  return {
    pool,
    close: async () => {
      await pool.end()
      await close()
    },
  }
}

/** Where no bar can be drawn: a line at each quarter. */
function plainLines(words: string, print: (text: string) => void): Progress {
  let quarter = 0
  return {
    update: (stored, total) => {
      const reached = total === null ? 0 : total === 0 ? 4 : Math.floor((4 * stored) / total)
      if (reached > quarter) print(`${words}: ${stored} of ${total} rows`)
      quarter = Math.max(quarter, reached)
    },
    done: () => {},
  }
}

/** What an import did, in a few lines. */
export function resultText(words: string, result: ImportResult): string {
  if (result.leftAlone !== null) return `Nothing was taken over: ${result.leftAlone}.`
  const number = (count: number) => grouped(decimal(count))
  const skipped = Object.entries(result.skipped).map(([reason, count]) => `${number(count)} ${reason}`)
  return [
    `${words} of ${moment(result.asOf.toISOString())}: ${number(result.rows)} ${result.rows === 1 ? 'row' : 'rows'}, ${number(result.changed)} new or changed, ${number(result.dropped)} no longer listed.`,
    ...(skipped.length === 0 ? [] : [`Left out: ${skipped.join(', ')}.`]),
  ].join('\n')
}
