// Asking the service feeds about a name, and keeping what they say. Whoever prices is never held up by it: an ask for a name and an
// input is shared by all who want it, a caller waits as long as it said and not longer, and retries go on without it. What is
// asked in the background has places to run in and places to wait in; beyond those it is not asked, so that nothing piles up
// behind a feed that hangs.
import { setTimeout as pause } from 'node:timers/promises'
import type { Queryable } from '../database/connect.ts'
import type { IndexPoints, Ticker } from '../pricing/units.ts'
import { recentlyUsed } from '../server/recently-used.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { MarketEvent } from './event-risk.ts'
import type { LenderListing } from './fallback.ts'
import { FeedError, type ServiceFeed } from './feed.ts'
import { keepEvents, keepListing, keepStockVolatility, keepUnlisted, keepVolatilityIndex } from './import-answers.ts'
import { type AgeLimit, ageSeconds, type InputLimits, type Stored } from './observation.ts'
import type { StoredObservations } from './stored-observations.ts'

/** What can be asked for. The index is about no name: whoever asks for it, asks for all. */
export const FEED_INPUTS = ['lender', 'volatility-index', 'stock-volatility', 'events'] as const
export type FeedInput = (typeof FEED_INPUTS)[number]

/** The inputs that have a service; the others have none and are never asked for. */
export interface RefreshFeeds {
  readonly lender?: ServiceFeed<Stored<LenderListing>>
  readonly volatilityIndex?: ServiceFeed<Stored<IndexPoints>, null>
  readonly stockVolatility?: ServiceFeed<Stored<IndexPoints>>
  readonly events?: ServiceFeed<Stored<readonly MarketEvent[]>>
}

/**
 * What came of it. `renewed`: a new answer is kept. `unchanged`: what is kept is the latest there is, the feed was asked lately or
 * says nothing newer. `absent`: every provider said that it has no such name. `failed`: nobody could be asked. `late`: not within the
 * caller's time, it goes on.
 */
export type RefreshOutcome = 'renewed' | 'unchanged' | 'absent' | 'failed' | 'late'
export type RefreshOutcomes = Readonly<Partial<Record<FeedInput, RefreshOutcome>>>

export interface RefreshOptions {
  /** How long this caller waits at most. 0: not at all. Absent: for the first try, which the feed's own timeout ends. */
  readonly waitMs?: number
  /** Whether to try again in the background when the first try fails. */
  readonly retries: boolean
  /** Ask although the feed answered about it a moment ago. What failed a moment ago is left alone all the same. */
  readonly force?: boolean
}

export interface Refresher {
  /**
   * The inputs that have a service and are missing, or past fresh, or demonstration data.
   * @param seconds what counts as past fresh, for who would renew early, or has an age of his own
   */
  needs(stored: StoredObservations, now: Date, seconds?: (limit: AgeLimit) => number): FeedInput[]
  /** Never rejects. Inputs without a service are left out of the outcomes. */
  refresh(ticker: Ticker, inputs: readonly FeedInput[], options: RefreshOptions): Promise<RefreshOutcomes>
  /** Asks that are under way or wait for a place or for their next try. */
  readonly underWay: number
  /** Ends the retries. The feeds' connections are closed by whoever opened them. */
  close(): void
}

export interface RefresherOptions {
  readonly feeds: RefreshFeeds
  readonly database: Queryable
  readonly clock: Clock
  readonly limits: InputLimits
  /** Something new is kept of the name, or of the index (null): copies of it are out of date. */
  readonly onChanged: (ticker: Ticker | null) => void
  /** An answer could not be kept, or a feed broke in a way of its own: bugs and a database that is away. */
  readonly onError: (error: unknown, input: FeedInput) => void
  /** Asks of one input at once; more wait. No more than the feed's own budget. */
  readonly asksAtOnceMax?: number
  /** Pause before the first retry at most; doubled for the second. */
  readonly retryPauseMs?: number
}

const ASKS_AT_ONCE_MAX = 16
/** Asks of one input that run, wait for a place or wait for a retry. Beyond, nothing is asked. */
const ASKS_UNDER_WAY_MAX = 2000
const TRIES_MAX = 3
const RETRY_PAUSE_MS = 1000
/** A lender's "no such name" holds for this long. */
const ABSENT_SECONDS = 60
/** A name whose ask failed is left alone for this long: one name that always fails must not open the breaker for all. */
const FAILED_SECONDS = 10
/** What is kept counts as the latest there is for this share of its fresh time: less than whoever renews early waits. */
const LATEST_SHARE = 0.75
/** That the feed was not asked at all, because its breaker was open or its budget used up, is looked at again soon. */
const NOT_ASKED_SECONDS = 1
/** Answers remembered, for all inputs: more than the names of the largest lender's file. */
const REMEMBERED_MAX = 50_000

export function refresher(options: RefresherOptions): Refresher {
  const { feeds, database, clock, limits, onChanged, onError } = options
  const { asksAtOnceMax = ASKS_AT_ONCE_MAX, retryPauseMs = RETRY_PAUSE_MS } = options
  const inputs: Readonly<Record<FeedInput, Input | null>> = {
    lender: feeds.lender === undefined ? null : lenderInput(feeds.lender, database, limits.lender, clock),
    'volatility-index':
      feeds.volatilityIndex === undefined ? null : indexInput(feeds.volatilityIndex, database, limits.volatility),
    'stock-volatility':
      feeds.stockVolatility === undefined ? null : stockInput(feeds.stockVolatility, database, limits.volatility),
    events: feeds.events === undefined ? null : eventsInput(feeds.events, database, limits.events),
  }
  const places = new Map(FEED_INPUTS.map((input) => [input, placesFor(asksAtOnceMax)]))
  const asks: Readonly<Record<FeedInput, Map<string, Ask>>> = {
    lender: new Map(),
    'volatility-index': new Map(),
    'stock-volatility': new Map(),
    events: new Map(),
  }
  const remembered = recentlyUsed<string, { outcome: RefreshOutcome; untilMs: number }>(REMEMBERED_MAX)
  let closed = false

  /** What is known of the question without asking again. */
  function recently(key: string): RefreshOutcome | null {
    const last = remembered.get(key)
    return last === undefined || clock().getTime() >= last.untilMs ? null : last.outcome
  }

  function remember(key: string, { outcome, failure }: Try, input: Input): void {
    const seconds =
      outcome === 'failed'
        ? failure?.asked === false
          ? NOT_ASKED_SECONDS
          : FAILED_SECONDS
        : outcome === 'absent'
          ? input.absentSeconds
          : input.limit.freshSeconds * LATEST_SHARE
    // Asked again within this time, what is kept is the latest there is.
    const later = outcome === 'renewed' ? 'unchanged' : outcome
    remembered.set(key, { outcome: later, untilMs: clock().getTime() + seconds * 1000 })
  }

  async function tryOnce(name: FeedInput, input: Input, ticker: Ticker, key: string): Promise<Try> {
    const leave = await (places.get(name) as Places).enter()
    let tried: Try
    try {
      tried = { outcome: await input.ask(ticker), failure: null }
      if (tried.outcome === 'renewed') onChanged(name === 'volatility-index' ? null : ticker)
    } catch (error) {
      tried = { outcome: 'failed', failure: error instanceof FeedError ? error : null }
      if (tried.failure === null) onError(error, name)
    } finally {
      leave()
    }
    remember(key, tried, input)
    return tried
  }

  /** One ask that all who want it share: the first try, and the retries that somebody wanted. */
  function begin(name: FeedInput, input: Input, ticker: Ticker, key: string): Ask {
    const running = asks[name]
    const first = tryOnce(name, input, ticker, key)
    const ask: Ask = { retries: false, settled: false, first: first.then(({ outcome }) => outcome) }
    const goOn = async () => {
      let { failure } = await first
      ask.settled = true
      for (let tries = 1; failure?.passing && ask.retries && tries < TRIES_MAX; tries += 1) {
        // Anywhere within the pause, so that those who failed together do not come again together.
        await pause(Math.random() * retryPauseMs * 2 ** (tries - 1), undefined, { ref: false })
        failure = ask.retries && !closed ? (await tryOnce(name, input, ticker, key)).failure : null
      }
    }
    void goOn().finally(() => {
      if (running.get(key) === ask) running.delete(key)
    })
    running.set(key, ask)
    return ask
  }

  function outcomeOf(
    name: FeedInput,
    ticker: Ticker,
    options: RefreshOptions,
  ): RefreshOutcome | Promise<RefreshOutcome> {
    const { retries, force = false } = options
    const input = inputs[name]
    if (input === null || closed) return 'failed'
    const key = name === 'volatility-index' ? name : `${name} ${ticker}`
    const known = recently(key)
    if (known === 'failed' || (known !== null && !force)) return known
    let ask = asks[name].get(key)
    if (ask === undefined || ask.settled) {
      // One that waits for its retry is overtaken.
      if (ask !== undefined) ask.retries = false
      else if (asks[name].size >= ASKS_UNDER_WAY_MAX) return 'failed'
      ask = begin(name, input, ticker, key)
    }
    if (retries) ask.retries = true
    return ask.first
  }

  return {
    needs(stored, now, seconds = ({ freshSeconds }) => freshSeconds) {
      const missing = agedInputs(stored, now, {
        lender: seconds(limits.lender),
        'volatility-index': seconds(limits.volatility),
        'stock-volatility': seconds(limits.volatility),
        events: seconds(limits.events),
      })
      return missing.filter((input) => inputs[input] !== null)
    },

    async refresh(ticker, wanted, options) {
      const outcomes: Partial<Record<FeedInput, RefreshOutcome>> = {}
      const waiting: Promise<void>[] = []
      for (const name of wanted) {
        if (inputs[name] === null) continue
        const outcome = outcomeOf(name, ticker, options)
        outcomes[name] = typeof outcome === 'string' ? outcome : 'late'
        if (typeof outcome === 'string') continue
        waiting.push(
          outcome.then((came) => {
            outcomes[name] = came
          }),
        )
      }
      if (waiting.length > 0 && options.waitMs !== 0) await within(Promise.all(waiting), options.waitMs)
      // A copy: what comes late is not put into an answer that was given.
      return { ...outcomes }
    },

    get underWay() {
      return FEED_INPUTS.reduce((sum, input) => sum + asks[input].size, 0)
    },

    close() {
      closed = true
    },
  }
}

/**
 * The inputs that are missing, demonstration data, or older than so many seconds, by when they were true and when they came. Of a name
 * that nobody knows only its lender and the index count.
 */
export function agedInputs(
  stored: StoredObservations,
  now: Date,
  seconds: Readonly<Record<FeedInput, number>>,
): FeedInput[] {
  const aged = (of: Stored<unknown> | null, limit: number) => {
    const past = (moment: Date) => ageSeconds(moment, now) > limit
    return of === null || of.demo || (past(of.asOf) && past(of.receivedAt))
  }
  const { known } = stored
  const found: Record<FeedInput, boolean> = {
    lender: aged(stored.listing, seconds.lender),
    'volatility-index': aged(stored.volatilityIndex, seconds['volatility-index']),
    'stock-volatility': known && aged(stored.stockVolatility, seconds['stock-volatility']),
    events: known && aged(stored.calendar, seconds.events),
  }
  return FEED_INPUTS.filter((input) => found[input])
}

interface Ask {
  /** Whether anybody wants it tried again. */
  retries: boolean
  /** The first try is over; it goes on with retries, if at all. */
  settled: boolean
  readonly first: Promise<RefreshOutcome>
}

interface Try {
  readonly outcome: RefreshOutcome
  /** Why it failed, when the feed is why. */
  readonly failure: FeedError | null
}

async function within(work: Promise<unknown>, waitMs: number | undefined): Promise<void> {
  if (waitMs === undefined) {
    await work
    return
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

// ---- the inputs ----

interface Input {
  readonly limit: AgeLimit
  /** How long "no such name" holds. */
  readonly absentSeconds: number
  /** One question, and its answer kept. */
  ask(ticker: Ticker): Promise<'renewed' | 'unchanged' | 'absent'>
}

const said = (kept: boolean) => (kept ? 'renewed' : 'unchanged')

function lenderInput(
  feed: ServiceFeed<Stored<LenderListing>>,
  database: Queryable,
  limit: AgeLimit,
  clock: Clock,
): Input {
  return {
    limit,
    absentSeconds: ABSENT_SECONDS,
    async ask(ticker) {
      const listing = await feed.ask(ticker)
      if (listing !== null) return said(await keepListing(database, ticker, listing))
      const providers = feed.states().map(({ provider }) => provider)
      return (await keepUnlisted(database, ticker, { providers, receivedAt: clock() })) ? 'renewed' : 'absent'
    },
  }
}

function indexInput(feed: ServiceFeed<Stored<IndexPoints>, null>, database: Queryable, limit: AgeLimit): Input {
  return {
    limit,
    absentSeconds: limit.freshSeconds,
    async ask() {
      const index = await feed.ask(null)
      return index === null ? 'absent' : said(await keepVolatilityIndex(database, index))
    },
  }
}

function stockInput(feed: ServiceFeed<Stored<IndexPoints>>, database: Queryable, limit: AgeLimit): Input {
  return {
    limit,
    absentSeconds: limit.freshSeconds,
    async ask(ticker) {
      const volatility = await feed.ask(ticker)
      return volatility === null ? 'absent' : said(await keepStockVolatility(database, ticker, volatility))
    },
  }
}

function eventsInput(feed: ServiceFeed<Stored<readonly MarketEvent[]>>, database: Queryable, limit: AgeLimit): Input {
  return {
    limit,
    absentSeconds: limit.freshSeconds,
    async ask(ticker) {
      const calendar = await feed.ask(ticker)
      return calendar === null ? 'absent' : said(await keepEvents(database, ticker, calendar))
    },
  }
}

// ---- places ----

interface Places {
  /** Resolves when there is a place, with the function that leaves it. */
  enter(): Promise<() => void>
}

function placesFor(count: number): Places {
  let taken = 0
  const waiting: (() => void)[] = []
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) taken -= 1
    else next()
  }
  return {
    async enter() {
      if (taken < count) taken += 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      return leave
    },
  }
}
