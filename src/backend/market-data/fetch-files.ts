// Feed files, fetched on a schedule and taken over by the importers: the lender's list, the index's history, calendars of events,
// closing prices. One replica fetches at a time; a file that cannot be had, does not fit its checksum or is refused changes nothing but
// the note of it in feed_states, and the last good data stays.
import { setTimeout as pause } from 'node:timers/promises'
import { Cron } from 'croner'
import type pg from 'pg'
import type { FeedsConfiguration } from '../server/configuration.ts'
import { type FeedSource, safeAddress } from '../server/feed-source.ts'
import type { Log } from '../server/log.ts'
import type { Clock } from '../server/uuidv7.ts'
import { FeedFileError } from './feeds/feed-file.ts'
import { DownloadError, downloadFile, type FileMark } from './file-download.ts'
import { FEED_FILES, type Feed, type ImportResult, noteFeedFailure, noteFeedUnchanged } from './import.ts'
import type { InputLimits } from './observation.ts'
import { fileSources } from './service-feeds.ts'

/** What came of one feed. `elsewhere`: another replica is fetching it. `left alone`: what is kept is newer. */
export interface FetchOutcome {
  readonly feed: Feed
  readonly outcome: 'imported' | 'unchanged' | 'left alone' | 'not due' | 'elsewhere' | 'failed'
  /** In words, where there is more to say. */
  readonly reason: string | null
}

export interface FileFetcher {
  /** One round now: every feed that is due, one after the other. Rounds do not overlap. Never rejects. */
  fetchDue(): Promise<readonly FetchOutcome[]>
  /** Begins with a round, and goes on by the schedule. */
  start(): void
  /** Ends the schedule and the round under way. */
  stop(): Promise<void>
}

export interface FileFetcherOptions {
  readonly feeds: FeedsConfiguration
  /** A round takes two of its connections: one holds the lock while the other imports. */
  readonly database: pg.Pool
  readonly clock: Clock
  readonly limits: InputLimits
  readonly log: Pick<Log, 'info' | 'warn'>
  /** A file was taken over: copies of what it was about are out of date. */
  readonly onImported: (feed: Feed, result: ImportResult) => void
  /** Pause before the first retry at most; doubled for the second. */
  readonly retryPauseMs?: number
  /** A server of files may be silent for this long, or for the feed's own timeout when that is longer. */
  readonly silenceMsMin?: number
}

const FEEDS = Object.keys(FEED_FILES) as Feed[]

const TRIES_MAX = 3
const RETRY_PAUSE_MS = 2000
/** Servers of files look up names, greet and log in before they say anything of use. */
const SILENCE_MS_MIN = 10_000
/** A file as long as allowed over a slow line; beyond, the download hangs in some way of its own. */
const DOWNLOAD_MS_MAX = 5 * 60_000
/** Replicas whose clocks differ by less do not fetch the same file twice. */
const GAP_MS_MIN = 30_000

export function fileFetcher(options: FileFetcherOptions): FileFetcher {
  const { feeds, database, clock, limits, log, onImported } = options
  const { retryPauseMs = RETRY_PAUSE_MS, silenceMsMin = SILENCE_MS_MIN } = options
  const closing = new AbortController()
  const marks = new Map<string, FileMark>()
  let round: Promise<readonly FetchOutcome[]> | null = null
  let schedule: Cron | null = null

  /** How long a file of the feed need not be fetched again: the lender's as often as the schedule says, others while they are fresh. */
  const restMs: Readonly<Record<Feed, number>> = {
    lender: GAP_MS_MIN,
    volatility: Math.max(GAP_MS_MIN, limits.volatility.freshSeconds * 1000 - GAP_MS_MIN),
    events: Math.max(GAP_MS_MIN, limits.events.freshSeconds * 1000 - GAP_MS_MIN),
    closes: Math.max(GAP_MS_MIN, limits.events.freshSeconds * 1000 - GAP_MS_MIN),
  }

  async function fetchAll(): Promise<readonly FetchOutcome[]> {
    const outcomes: FetchOutcome[] = []
    for (const feed of FEEDS) {
      if (fileSources(feeds[feed]).length === 0 || closing.signal.aborted) continue
      try {
        outcomes.push(await underLock(feed))
      } catch (error) {
        log.warn({ feed, err: error }, 'a feed file could not be fetched')
        outcomes.push({ feed, outcome: 'failed', reason: 'the database could not be asked' })
      }
    }
    return outcomes
  }

  /** The lock lasts as long as the transaction, so that it works through a pooler and ends with a lost connection. */
  async function underLock(feed: Feed): Promise<FetchOutcome> {
    const client = await database.connect()
    let broken: Error | undefined
    try {
      await client.query('begin')
      const { rows } = await client.query<{ free: boolean }>(
        "select pg_try_advisory_xact_lock(hashtextextended('feed fetch ' || $1, 0)) as free",
        [feed],
      )
      if (rows[0]?.free !== true) return { feed, outcome: 'elsewhere', reason: null }
      const last = await client.query<{ last_success: Date | null }>(
        'select last_success from feed_states where feed = $1 and not demo',
        [feed],
      )
      const lastSuccess = last.rows[0]?.last_success ?? null
      if (lastSuccess !== null && clock().getTime() - lastSuccess.getTime() < restMs[feed]) {
        return { feed, outcome: 'not due', reason: null }
      }
      return await fromPreferredSource(feed)
    } finally {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure
      })
      client.release(broken)
    }
  }

  async function fromPreferredSource(feed: Feed): Promise<FetchOutcome> {
    let reason = ''
    let provider = FEED_FILES[feed].provider
    for (const source of fileSources(feeds[feed])) {
      provider = source.provider ?? FEED_FILES[feed].provider
      try {
        return await fromSource(feed, source, provider)
      } catch (error) {
        if (!(error instanceof DownloadError) && !(error instanceof FeedFileError)) throw error
        reason = error.message
        log.warn({ feed, provider, address: safeAddress(source.url), reason }, 'a feed file was not taken over')
      }
    }
    if (!closing.signal.aborted) await noteFeedFailure(database, feed, { provider, at: clock(), sentence: reason })
    return { feed, outcome: 'failed', reason }
  }

  async function fromSource(feed: Feed, source: FeedSource, provider: string): Promise<FetchOutcome> {
    // A calendar carries no stamp: fetched again unchanged, it is as of now.
    const last = feed === 'events' ? null : (marks.get(source.url) ?? null)
    const file = await withRetries(() =>
      downloadFile({
        url: source.url,
        key: feeds[feed].key,
        timeoutMs: Math.max(silenceMsMin, feeds[feed].timeoutMs),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(DOWNLOAD_MS_MAX)]),
        last,
      }),
    )
    const receivedAt = clock()
    if (file === null) {
      await noteFeedUnchanged(database, feed, receivedAt)
      return { feed, outcome: 'unchanged', reason: null }
    }
    const result = await FEED_FILES[feed].read(database, { source: file.text, provider, demo: false, receivedAt })
    marks.set(source.url, file.mark)
    if (result.leftAlone !== null) return { feed, outcome: 'left alone', reason: result.leftAlone }
    log.info(
      {
        feed,
        provider,
        as_of: result.asOf,
        rows: result.rows,
        changed: result.changed,
        dropped: result.dropped,
        checksum: file.mark.checked,
      },
      'a feed file was taken over',
    )
    onImported(feed, result)
    return { feed, outcome: 'imported', reason: null }
  }

  async function withRetries<T>(download: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await download()
      } catch (error) {
        const again = error instanceof DownloadError && error.passing && tries < TRIES_MAX && !closing.signal.aborted
        if (!again) throw error
        await pause(Math.random() * retryPauseMs * 2 ** (tries - 1), undefined, { ref: false })
      }
    }
  }

  function fetchDue(): Promise<readonly FetchOutcome[]> {
    round ??= fetchAll().finally(() => {
      round = null
    })
    return round
  }

  return {
    fetchDue,
    start() {
      if (FEEDS.every((feed) => fileSources(feeds[feed]).length === 0)) return
      schedule = new Cron(
        feeds.fetchSchedule,
        { timezone: 'America/New_York', mode: '5-part', unref: true },
        () => void fetchDue(),
      )
      void fetchDue()
    },
    async stop() {
      schedule?.stop()
      closing.abort()
      await round
    },
  }
}
