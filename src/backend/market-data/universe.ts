// Everything that is kept of every name, for whoever lists them all: some 17 000 in one go. The database writes the rows as JSON, a
// page a line, and they pass through the data service as they are; who computes with them reads them, checks them, and holds a
// page at a time.
import type { Queryable } from '../database/connect.ts'
import { type Decimal, trim } from '../pricing/decimal.ts'
import type { IndexPoints, IsoDate, Rate, Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { TextStream } from '../server/internal-wire.ts'
import type { Clock } from '../server/uuidv7.ts'
import {
  type Carried,
  type Codec,
  decimalOf,
  flag,
  instant,
  integer,
  list,
  nullable,
  oneOf,
  structure,
  text,
  tuple,
} from '../server/wire-codec.ts'
import type { MarketEvent } from './event-risk.ts'
import { newYorkDate } from './new-york-time.ts'
import type { Stored } from './observation.ts'
import { BORROW_STATUS_SQL, LAST_RECORDED_SQL, type StoredObservations } from './stored-observations.ts'

export interface UniverseAsk {
  /** Names of this tier only; null: all. */
  readonly status: BorrowStatus | null
}

/** Lines: what all names share, then pages of names by ticker. Made by {@link universeFrom}, read by {@link readUniverse}. */
export type Universe = TextStream<UniverseAsk>

/** Names in one line: a few milliseconds of work for who reads it, between which quotes take their turn. */
export const NAMES_PER_PAGE = 500
/** Names in one statement, which walks through whole tables for them: the fewer of those, the better. */
export const NAMES_PER_STATEMENT = 4_000

/** Names in trading that the desk or the lender knows, as of a few moments: a statement has thousands of them. */
export function universeFrom(database: Queryable, clock: Clock): Universe {
  return async function* lines({ status }, _context, signal) {
    const eventsFrom = newYorkDate(clock())
    const { rows: shared } = await database.query<{ line: string }>(SHARED)
    yield `${shared[0]?.line}\n`
    const tickers = await readTradedTickers(database, status)
    for (let start = 0; start < tickers.length; start += NAMES_PER_STATEMENT) {
      if (signal.aborted) return
      const some = tickers.slice(start, start + NAMES_PER_STATEMENT)
      const pages = await database.query<{ line: string }>(PAGES, [some, eventsFrom])
      for (const { line } of pages.rows) yield `${line}\n`
    }
  }
}

/** Names in trading, by ticker: of this tier, or all (null). */
export async function readTradedTickers(database: Queryable, status: BorrowStatus | null): Promise<Ticker[]> {
  const { rows } = await database.query<{ ticker: Ticker }>(TICKERS, [status])
  return rows.map(({ ticker }) => ticker)
}

/**
 * The names of the lines, page by page.
 * @throws TypeError when a line is not one of a universe
 */
export async function* readUniverse(pieces: AsyncIterable<string>): AsyncGenerator<StoredObservations[]> {
  let shared: Carried<typeof SHARED_CODEC> | null = null
  for await (const piece of pieces) {
    for (const line of piece.split('\n')) {
      if (line === '') continue
      if (shared === null) shared = SHARED_CODEC.read(JSON.parse(line), 'universe')
      else {
        const both = shared
        yield PAGE_CODEC.read(JSON.parse(line), 'names').map((name) => observationsOf(name, both))
      }
    }
  }
}

// ---- as the database writes it

export const milliseconds = (moment: string) => `floor(extract(epoch from ${moment}) * 1000)::bigint`
const origin = (of: string, receivedAt = `${of}.received_at`) =>
  `${of}.provider, ${milliseconds(`${of}.as_of`)}, ${milliseconds(receivedAt)}, ${of}.demo`

const SHARED = `
  select json_build_object(
    'volatilityIndex',
    (select json_build_array(index.value::text, ${origin('index')}) from volatility_index as index
      order by index.index_date desc, index.received_at desc limit 1),
    'calendar',
    (select json_build_array(state.provider, ${milliseconds('state.as_of')}, ${milliseconds('state.last_success')}, state.demo)
       from feed_states as state where state.feed = 'events' and state.as_of is not null),
    'lenderAsked',
    exists (select from feed_states as state where state.feed = 'lender' and state.as_of is not null))::text as line`

const TICKERS = `
  select coalesce(stock.ticker, lender.ticker) collate "C" as ticker
    from stocks as stock full join lender_rates as lender on lender.ticker = stock.ticker
   where coalesce(stock.active, true) and ($1::text is null or ${BORROW_STATUS_SQL} = $1)
   order by ticker`

const PAGES = `
  select json_agg(json_build_array(
           asked.ticker, stock.name, stock.borrow_status, stock.floor_rate::text,
           case when lender.ticker is not null then
             json_build_array(lender.rate::text, lender.borrow_status, lender.available, lender.available_at_least,
                              lender.benchmark_rate::text, lender.listed, ${origin('lender')}) end,
           case when last.rate is not null then json_build_array(last.rate::text, ${origin('last')}) end,
           case when own.ticker is not null then json_build_array(own.value::text, ${origin('own')}) end,
           case when calendar.ticker is not null then
             json_build_array(calendar.provider, ${milliseconds('calendar.as_of')}, ${milliseconds('calendar.received_at')}, false) end,
           ahead.events) order by asked.place)::text as line
    from unnest($1::text[]) with ordinality as asked (ticker, place)
    left join stocks as stock on stock.ticker = asked.ticker
    left join lender_rates as lender on lender.ticker = asked.ticker
    ${LAST_RECORDED_SQL}
    left join stock_volatility as own on own.ticker = asked.ticker
    left join event_calendars as calendar on calendar.ticker = asked.ticker
    left join lateral (
      select json_agg(json_build_array(event_type, event_date, risk_factor) order by event_date, event_type) as events
        from market_events as event
       where event.ticker = asked.ticker and event.event_date >= $2) as ahead on true
   group by (asked.place - 1) / ${NAMES_PER_PAGE} order by min(asked.place)`

// ---- as it is read

const STATUS = oneOf<BorrowStatus>('EASY', 'MEDIUM', 'HARD')
const ORIGIN = [text(), instant, instant, flag] as const
const number = <D extends Decimal>() => nullable(tuple(decimalOf<D>(), ...ORIGIN))
const CALENDAR = nullable(tuple(...ORIGIN))

const SHARED_CODEC = structure({ volatilityIndex: number<IndexPoints>(), calendar: CALENDAR, lenderAsked: flag })

const LISTING = tuple(
  nullable(decimalOf<Rate>()),
  nullable(STATUS),
  nullable(integer),
  flag,
  nullable(decimalOf<Rate>()),
  flag,
  ...ORIGIN,
)

const NAME = tuple(
  text<Ticker>(),
  nullable(text()),
  nullable(STATUS),
  nullable(decimalOf<Rate>()),
  nullable(LISTING),
  number<Rate>(),
  number<IndexPoints>(),
  CALENDAR,
  nullable(list(tuple(text(), text<IsoDate>(), nullable(integer)))),
)

const PAGE_CODEC: Codec<readonly Carried<typeof NAME>[]> = list(NAME)

type Origin = readonly [provider: string, asOf: Date, receivedAt: Date, demo: boolean]

function stored<T>(value: T, [provider, asOf, receivedAt, demo]: Origin): Stored<T> {
  return { value, provider, asOf, receivedAt, demo }
}

function observationsOf(name: Carried<typeof NAME>, shared: Carried<typeof SHARED_CODEC>): StoredObservations {
  const [ticker, stockName, stockStatus, floorRate, listing, last, own, ownCalendar, events] = name
  const calendar = laterOf(ownCalendar, shared.calendar)
  return {
    ticker,
    known: true,
    stockName,
    stockStatus,
    stockFloorRate: floorRate && (trim(floorRate) as Rate),
    listing: listing && listingOf(listing),
    lastRecorded: last && valueStored(last),
    volatilityIndex: shared.volatilityIndex && valueStored(shared.volatilityIndex),
    stockVolatility: own && valueStored(own),
    calendar: calendar && stored((events ?? []).map(eventOf), calendar),
    lastClose: null,
    lenderAsked: shared.lenderAsked,
    live: [],
  }
}

function valueStored<T>([value, ...from]: readonly [T, ...Origin]): Stored<T> {
  return stored(value, from)
}

function listingOf(listing: Carried<typeof LISTING>): StoredObservations['listing'] {
  const [rate, borrowStatus, shares, atLeast, benchmarkRate, listed, ...from] = listing
  return stored({ rate, borrowStatus, availability: { shares, atLeast }, benchmarkRate, listed }, from)
}

function eventOf([type, date, riskFactor]: readonly [string, IsoDate, number | null]): MarketEvent {
  return { type, date, riskFactor }
}

/** A calendar of the name alone, or the one of all names: real data before demonstration data, then the later. */
function laterOf(own: Origin | null, all: Origin | null): Origin | null {
  if (own === null || all === null) return own ?? all
  return all[3] || own[1] >= all[1] ? own : all
}
