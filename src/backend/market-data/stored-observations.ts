// Everything the database keeps about a name, in one round trip: the lender's listing, the last rate ever recorded, both
// volatilities, the events ahead, the last close, and what the desk set. A row is an edge: past this file there are exact
// decimals and tickers. How old any of it is, is not decided here: these may be kept in memory, and age there.
import type { Queryable } from '../database/connect.ts'
import { decimal, trim } from '../pricing/decimal.ts'
import {
  asIndexPoints,
  asRate,
  asUsd,
  type IndexPoints,
  type IsoDate,
  type Rate,
  type Ticker,
} from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { MarketEvent } from './event-risk.ts'
import type { LastClose, LenderListing } from './fallback.ts'
import { stockClose } from './new-york-time.ts'
import type { Stored } from './observation.ts'
import type { FeedInput } from './refresh.ts'

export interface StoredObservations {
  readonly ticker: Ticker
  /** Whether the desk or any feed knows the name, and the desk did not take it out of trading. */
  readonly known: boolean
  readonly stockName: string | null
  readonly stockStatus: BorrowStatus | null
  readonly stockFloorRate: Rate | null
  readonly listing: Stored<LenderListing> | null
  /** Looked up only when the listing has no rate. */
  readonly lastRecorded: Stored<Rate> | null
  readonly volatilityIndex: Stored<IndexPoints> | null
  readonly stockVolatility: Stored<IndexPoints> | null
  /** null when no calendar was ever taken over and no service asked about the name; an empty list when there is nothing for the name. */
  readonly calendar: Stored<readonly MarketEvent[]> | null
  readonly lastClose: Stored<LastClose> | null
  /** Whether a lender's file was ever taken over, that is: whether "not listed" means anything. */
  readonly lenderAsked: boolean
  /** Inputs that a feed answered for this very question: they are live in its answer, and cached in the next one's. */
  readonly live: readonly FeedInput[]
}

/** A name's tier as a SQL expression over `stock` and `lender`; `borrowStatusOf` in fallback.ts is the same rule, and a test compares the two. */
export const BORROW_STATUS_SQL = `
  case
    when not lender.listed then 'HARD'
    when lender.borrow_status is not null then lender.borrow_status
    when lender.rate < 0.005 then 'EASY'
    when lender.rate <= 0.03 then 'MEDIUM'
    when lender.rate is not null then 'HARD'
    else coalesce(stock.borrow_status, 'HARD')
  end`

/** The last rate ever recorded for each name of `asked` of which the `lender` gives none, as `last`. */
export const LAST_RECORDED_SQL = `
    left join lateral (
      select rate, provider, as_of, received_at, demo from lender_rate_history as history
       where lender.rate is null and history.ticker = asked.ticker and history.rate is not null
       order by history.as_of desc limit 1) as last on true`

/**
 * @param eventsFrom events before this date are not read
 * @returns one for each ticker, in their order, known or not
 */
export async function readStoredObservations(
  database: Queryable,
  tickers: readonly Ticker[],
  eventsFrom: IsoDate,
): Promise<StoredObservations[]> {
  const { rows } = await database.query<StoredRow>(READ, [tickers, eventsFrom])
  return rows.map(fromRow)
}

const READ = `
  select asked.ticker,
         stock.ticker is not null as stock_known, stock.active, stock.name, stock.borrow_status as stock_status,
         stock.floor_rate,
         lender.provider as lender_provider, lender.as_of as lender_as_of, lender.received_at as lender_received_at, lender.demo as lender_demo, lender.rate,
         lender.borrow_status, lender.available, lender.available_at_least, lender.benchmark_rate, lender.listed,
         last.rate as last_rate, last.provider as last_provider, last.as_of as last_as_of, last.received_at as last_received_at, last.demo as last_demo,
         index.value as index_value, index.provider as index_provider, index.as_of as index_as_of, index.received_at as index_received_at, index.demo as index_demo,
         own.value as own_value, own.provider as own_provider, own.as_of as own_as_of, own.received_at as own_received_at, own.demo as own_demo,
         close.close, close.price_date, close.provider as close_provider, close.received_at as close_received_at,
         close.demo as close_demo,
         calendar.provider as calendar_provider, calendar.as_of as calendar_as_of, calendar.received_at as calendar_received_at, calendar.demo as calendar_demo,
         ahead.events,
         lender_feed.as_of is not null as lender_asked
    from unnest($1::text[]) with ordinality as asked (ticker, place)
    left join stocks as stock on stock.ticker = asked.ticker
    left join lender_rates as lender on lender.ticker = asked.ticker
    ${LAST_RECORDED_SQL}
    left join (
      select value, provider, as_of, received_at, demo from volatility_index
       order by index_date desc, received_at desc limit 1) as index on true
    left join stock_volatility as own on own.ticker = asked.ticker
    left join last_closes as close on close.ticker = asked.ticker
    left join lateral (
      select provider, as_of, received_at, demo
        from (select provider, as_of, received_at, false as demo from event_calendars where ticker = asked.ticker
              union all
              select provider, as_of, last_success, demo from feed_states where feed = 'events' and as_of is not null) as either
       order by demo, as_of desc limit 1) as calendar on true
    left join lateral (
      select json_agg(json_build_object('type', event_type, 'date', event_date, 'riskFactor', risk_factor)
                      order by event_date, event_type) as events
        from market_events as event
       where event.ticker = asked.ticker and event.event_date >= $2) as ahead on true
    left join feed_states as lender_feed on lender_feed.feed = 'lender'
   order by asked.place`

/** A page of the names of a tier, by ticker, with the number there are in all. Inactive stocks are left out. */
export async function readTickersByStatus(
  database: Queryable,
  status: BorrowStatus,
  page: { readonly skip: number; readonly limit: number },
): Promise<{ total: number; tickers: Ticker[] }> {
  const { rows } = await database.query<{ total: number; tickers: Ticker[] }>(
    `with named as (
       select coalesce(stock.ticker, lender.ticker) collate "C" as ticker
         from stocks as stock full join lender_rates as lender on lender.ticker = stock.ticker
        where coalesce(stock.active, true) and ${BORROW_STATUS_SQL} = $1
     )
     select (select count(*)::int from named) as total,
            array(select ticker from named order by ticker offset $2 limit $3) as tickers`,
    [status, page.skip, page.limit],
  )
  return rows[0] ?? { total: 0, tickers: [] }
}

/** The next names by ticker that the desk or the lender knows, after the given one or from the first. */
export async function readTickersAfter(database: Queryable, after: Ticker | null, limit: number): Promise<Ticker[]> {
  const { rows } = await database.query<{ ticker: Ticker }>(
    `select ticker collate "C" as ticker from (select ticker from stocks union select ticker from lender_rates) as names
      where $1::text is null or ticker collate "C" > $1 order by ticker collate "C" limit $2`,
    [after, limit],
  )
  return rows.map((row) => row.ticker)
}

interface StoredRow {
  ticker: Ticker
  stock_known: boolean
  active: boolean | null
  name: string | null
  stock_status: BorrowStatus | null
  floor_rate: string | null
  lender_provider: string | null
  lender_as_of: Date
  lender_received_at: Date
  lender_demo: boolean
  rate: string | null
  borrow_status: BorrowStatus | null
  available: string | null
  available_at_least: boolean
  benchmark_rate: string | null
  listed: boolean
  last_rate: string | null
  last_provider: string
  last_as_of: Date
  last_received_at: Date
  last_demo: boolean
  index_value: string | null
  index_provider: string
  index_as_of: Date
  index_received_at: Date
  index_demo: boolean
  own_value: string | null
  own_provider: string
  own_as_of: Date
  own_received_at: Date
  own_demo: boolean
  close: string | null
  price_date: IsoDate
  close_provider: string
  close_received_at: Date
  close_demo: boolean
  calendar_provider: string | null
  calendar_as_of: Date
  calendar_received_at: Date
  calendar_demo: boolean
  events: string | null
  lender_asked: boolean | null
}

function fromRow(row: StoredRow): StoredObservations {
  // An event names a stock as well as a lender does: whoever knows the name, it is one.
  const observed = row.lender_provider !== null || row.own_value !== null || row.close !== null || row.events !== null
  return {
    ticker: row.ticker,
    known: row.stock_known ? row.active === true : observed || row.last_rate !== null,
    stockName: row.name,
    stockStatus: row.stock_status,
    stockFloorRate: row.floor_rate === null ? null : asRate(trim(decimal(row.floor_rate))),
    listing: row.lender_provider === null ? null : stored(row, 'lender', listing(row)),
    lastRecorded: row.last_rate === null ? null : stored(row, 'last', asRate(decimal(row.last_rate))),
    volatilityIndex: row.index_value === null ? null : stored(row, 'index', asIndexPoints(decimal(row.index_value))),
    stockVolatility: row.own_value === null ? null : stored(row, 'own', asIndexPoints(decimal(row.own_value))),
    calendar: row.calendar_provider === null ? null : stored(row, 'calendar', eventsOf(row.events)),
    lastClose:
      row.close === null
        ? null
        : {
            value: { close: asUsd(decimal(row.close)), priceDate: row.price_date },
            provider: row.close_provider,
            asOf: stockClose(row.price_date),
            receivedAt: row.close_received_at,
            demo: row.close_demo,
          },
    lenderAsked: row.lender_asked === true,
    live: [],
  }
}

/** The value with its origin, from the columns `<of>_provider`, `<of>_as_of`, `<of>_received_at` and `<of>_demo`. */
function stored<T>(row: StoredRow, of: 'lender' | 'last' | 'index' | 'own' | 'calendar', value: T): Stored<T> {
  return {
    value,
    provider: row[`${of}_provider`] ?? '',
    asOf: row[`${of}_as_of`],
    receivedAt: row[`${of}_received_at`],
    demo: row[`${of}_demo`],
  }
}

function eventsOf(document: string | null): MarketEvent[] {
  return document === null ? [] : JSON.parse(document)
}

function listing(row: StoredRow): LenderListing {
  return {
    rate: row.rate === null ? null : asRate(decimal(row.rate)),
    borrowStatus: row.borrow_status,
    availability: { shares: row.available === null ? null : Number(row.available), atLeast: row.available_at_least },
    benchmarkRate: row.benchmark_rate === null ? null : asRate(decimal(row.benchmark_rate)),
    listed: row.listed,
  }
}
