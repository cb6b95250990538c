// Taking over a feed's file: read it whole, then change the database in one transaction.
//
// A refused file changes nothing but the note of the refusal: the last good data stays, and ages. Real data takes the place of
// demo data; demo data never takes the place of real data; a file older than what is kept is left alone.
import type pg from 'pg'
import type { Queryable } from '../database/connect.ts'
import type { IsoDate } from '../pricing/units.ts'
import { parseVolatilityHistory } from './feeds/cboe-vix-history.ts'
import { parseCloses } from './feeds/closes-csv.ts'
import { parseEventCalendar } from './feeds/event-calendar-csv.ts'
import { FeedFileError, type Skipped } from './feeds/feed-file.ts'
import { parseIbkrShortStockFile } from './feeds/ibkr-short-stock-file.ts'
import { type Changes, storeCloses, storeEvents, storeLenderRows, storeVolatility } from './import-rows.ts'
import { indexClose, newYorkDate, stockClose } from './new-york-time.ts'

export type Feed = 'lender' | 'volatility' | 'events' | 'closes'

export interface ImportOptions {
  /** The file's text, or its bytes as they arrive (UTF-8). */
  readonly source: string | AsyncIterable<Uint8Array | string>
  /** Who the data is from; every observation carries it. */
  readonly provider: string
  /** Replayed demonstration data. */
  readonly demo: boolean
  readonly receivedAt: Date
  /** Told how many of the file's rows are stored, from 0 to all. */
  readonly onProgress?: (stored: number, total: number) => void
}

export interface ImportResult {
  /** A sentence when the file was good and yet left alone, because what is kept is newer, or real; else null. */
  readonly leftAlone: string | null
  /** Rows taken over. */
  readonly rows: number
  /** Rows left out, by reason. */
  readonly skipped: Readonly<Skipped>
  /** Rows that are new or say something else than before. */
  readonly changed: number
  /** Names or events that were there before and are not in the file. */
  readonly dropped: number
  /** When the data was true at its source. */
  readonly asOf: Date
}

/** A file larger than this is refused before it is read: the largest real one has 2 MB. */
export const FEED_FILE_BYTES_MAX = 64 * 1024 * 1024

/** How far a source's clock may run ahead of ours before its stamp is taken for a mistake. */
const CLOCK_SKEW_MAX_MS = 10 * 60_000

/**
 * Takes over a lender's short stock file. Names that it lists no more become unlisted: availability 0 and HARD.
 * @throws FeedFileError when the file is refused; the refusal is noted in `feed_states`
 */
export async function importLenderFile(pool: pg.Pool, options: ImportOptions): Promise<ImportResult> {
  return importFile(pool, 'lender', options, (text) => {
    const file = parseIbkrShortStockFile(text)
    return {
      asOf: file.asOf,
      rows: file.rows.length,
      skipped: file.skipped,
      store: (client) => storeLenderRows(client, file, options),
    }
  })
}

/**
 * Takes over a volatility index's daily history: new days are added, known days corrected.
 * @throws FeedFileError as above
 */
export async function importVolatilityHistory(pool: pg.Pool, options: ImportOptions): Promise<ImportResult> {
  return importFile(pool, 'volatility', options, (text) => {
    const { days, skipped } = parseVolatilityHistory(text)
    const latest = days.at(-1)?.date as IsoDate
    refuseFuture('volatility index history', latest, options.receivedAt)
    return {
      asOf: earlier(indexClose(latest), options.receivedAt),
      rows: days.length,
      skipped,
      store: (client) => storeVolatility(client, days, options),
    }
  })
}

/**
 * Takes over an event calendar: it replaces the provider's events from the day of receipt on, so that an event that moved is
 * not counted twice. Past events stay. A calendar carries no stamp: it is as of its receipt.
 * @throws FeedFileError as above
 */
export async function importEvents(pool: pg.Pool, options: ImportOptions): Promise<ImportResult> {
  return importFile(pool, 'events', options, (text) => {
    const today = newYorkDate(options.receivedAt)
    const { events, skipped } = parseEventCalendar(text, today)
    return {
      asOf: options.receivedAt,
      rows: events.length,
      skipped,
      store: (client) => storeEvents(client, events, today, options),
    }
  })
}

/**
 * Takes over closing prices; a close older than the one that is kept is not.
 * @throws FeedFileError as above
 */
export async function importCloses(pool: pg.Pool, options: ImportOptions): Promise<ImportResult> {
  return importFile(pool, 'closes', options, (text) => {
    const { closes, skipped } = parseCloses(text)
    const latest = closes
      .map((close) => close.date)
      .sort()
      .at(-1) as IsoDate
    refuseFuture('closing price file', latest, options.receivedAt)
    return {
      asOf: earlier(stockClose(latest), options.receivedAt),
      rows: closes.length,
      skipped,
      store: (client) => storeCloses(client, closes, options),
    }
  })
}

/** A read file, ready to be stored. */
interface ReadFile {
  readonly asOf: Date
  readonly rows: number
  readonly skipped: Skipped
  readonly store: (client: pg.PoolClient) => Promise<Changes>
}

async function importFile(
  pool: pg.Pool,
  feed: Feed,
  options: ImportOptions,
  read: (text: string) => ReadFile,
): Promise<ImportResult> {
  let file: ReadFile
  try {
    file = read(await readWhole(options.source))
    if (!options.demo && file.asOf.getTime() > options.receivedAt.getTime() + CLOCK_SKEW_MAX_MS) {
      throw new FeedFileError(`${feed} file`, 1, 'its stamp lies in the future')
    }
  } catch (error) {
    if (error instanceof FeedFileError) await noteRefusal(pool, feed, options, error)
    throw error
  }
  options.onProgress?.(0, file.rows)
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const leftAlone = await whyLeaveAlone(client, feed, options, file.asOf)
    const changes = leftAlone === null ? await file.store(client) : { changed: 0, dropped: 0 }
    if (leftAlone === null) await noteSuccess(client, feed, options, file)
    await client.query('commit')
    options.onProgress?.(file.rows, file.rows)
    const rows = leftAlone === null ? file.rows : 0
    return { leftAlone, rows, skipped: file.skipped, ...changes, asOf: file.asOf }
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw error
  } finally {
    client.release(broken)
  }
}

async function readWhole(source: ImportOptions['source']): Promise<string> {
  if (typeof source === 'string') return source
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of source) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece
    bytes += chunk.length
    if (bytes > FEED_FILE_BYTES_MAX)
      throw new FeedFileError('feed file', null, `it has more than ${FEED_FILE_BYTES_MAX} bytes`)
    pieces.push(chunk)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** Files of one feed are taken over one after the other; then the kept state decides. Clears demo data before real data. */
async function whyLeaveAlone(
  client: pg.PoolClient,
  feed: Feed,
  options: ImportOptions,
  asOf: Date,
): Promise<string | null> {
  await client.query("select pg_advisory_xact_lock(hashtextextended('feed import ' || $1, 0))", [feed])
  const { rows } = await client.query<{ demo: boolean; as_of: Date | null }>(
    'select demo, as_of from feed_states where feed = $1',
    [feed],
  )
  const kept = rows[0]
  if (kept === undefined || kept.as_of === null) return null
  if (options.demo && !kept.demo) return `real ${feed} data is kept, demo data does not replace it`
  if (kept.demo && !options.demo) {
    for (const table of TABLES[feed]) await client.query(`delete from ${table} where demo`)
    return null
  }
  // Closes are compared name by name, since a file may hold a few names only.
  if (feed !== 'closes' && asOf < kept.as_of) {
    return `the file is as of ${asOf.toISOString()}, older than what is kept, as of ${kept.as_of.toISOString()}`
  }
  return null
}

const TABLES: Readonly<Record<Feed, readonly string[]>> = {
  lender: ['lender_rates', 'lender_rate_history'],
  volatility: ['volatility_index'],
  events: ['market_events', 'market_event_history'],
  closes: ['last_closes'],
}

async function noteSuccess(client: pg.PoolClient, feed: Feed, options: ImportOptions, file: ReadFile): Promise<void> {
  const skipped = Object.values(file.skipped).reduce((sum, count) => sum + count, 0)
  await client.query(
    `insert into feed_states (feed, provider, last_success, as_of, known_since, rows, skipped, demo)
     values ($1, $2, $3, $4, $4, $5, $6, $7)
     on conflict (feed) do update
        set provider = excluded.provider, last_success = excluded.last_success,
            known_since = case when feed_states.demo = excluded.demo
                               then coalesce(feed_states.known_since, feed_states.as_of, excluded.known_since)
                               else excluded.known_since end,
            as_of = case when feed_states.demo = excluded.demo then greatest(feed_states.as_of, excluded.as_of)
                         else excluded.as_of end,
            rows = excluded.rows, skipped = excluded.skipped, demo = excluded.demo,
            last_error = null, last_error_at = null`,
    [feed, options.provider, options.receivedAt, file.asOf, file.rows, skipped, options.demo],
  )
}

function noteRefusal(pool: pg.Pool, feed: Feed, options: ImportOptions, error: FeedFileError): Promise<void> {
  const { provider, receivedAt: at, demo } = options
  return noteFeedFailure(pool, feed, { provider, at, sentence: error.message, demo })
}

/** Notes why there is no new data. The data that is kept, and everything noted of it, stays. */
export async function noteFeedFailure(
  database: Queryable,
  feed: Feed,
  failure: { readonly provider: string; readonly at: Date; readonly sentence: string; readonly demo?: boolean },
): Promise<void> {
  await database.query(
    `insert into feed_states (feed, provider, last_error, last_error_at, demo) values ($1, $2, $3, $4, $5)
     on conflict (feed) do update set last_error = excluded.last_error, last_error_at = excluded.last_error_at`,
    [feed, failure.provider, failure.sentence, failure.at, failure.demo ?? false],
  )
}

/** Notes that the file at the source is still the one that was taken over. */
export async function noteFeedUnchanged(database: Queryable, feed: Feed, at: Date): Promise<void> {
  await database.query(
    'update feed_states set last_success = $2, last_error = null, last_error_at = null where feed = $1',
    [feed, at],
  )
}

function refuseFuture(fileKind: string, date: IsoDate, receivedAt: Date): void {
  if (date > newYorkDate(receivedAt))
    throw new FeedFileError(fileKind, null, `its latest date, ${date}, lies in the future`)
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}

/** For each feed what its files are called, whose data they are unless somebody says otherwise, and who reads them. */
export const FEED_FILES: Readonly<
  Record<
    Feed,
    {
      readonly words: string
      readonly provider: string
      readonly read: (pool: pg.Pool, options: ImportOptions) => Promise<ImportResult>
    }
  >
> = {
  lender: { words: 'lender short stock file', provider: 'ibkr-short-stock', read: importLenderFile },
  volatility: { words: 'volatility index history', provider: 'cboe-vix-history', read: importVolatilityHistory },
  events: { words: 'calendar of events', provider: 'event-calendar', read: importEvents },
  closes: { words: 'closing prices', provider: 'closing-prices', read: importCloses },
}
