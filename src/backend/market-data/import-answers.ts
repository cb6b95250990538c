// One answer of a service feed into the tables that files fill too, in one statement each, so that a value and its history are
// kept together or not at all. An answer that is older than what is kept changes nothing; real data takes the place of
// demonstration data, name by name.
import type { Queryable } from '../database/connect.ts'
import type { IndexPoints, IsoDate, Ticker } from '../pricing/units.ts'
import type { MarketEvent } from './event-risk.ts'
import type { LenderListing } from './fallback.ts'
import { EVENTS_INTO_HISTORY } from './import-rows.ts'
import { newYorkDate } from './new-york-time.ts'
import type { Stored } from './observation.ts'

/** What the lender said of a name; a change of rate, tier or availability is added to the history. @returns false: what is kept is newer */
export async function keepListing(
  database: Queryable,
  ticker: Ticker,
  listing: Stored<LenderListing>,
): Promise<boolean> {
  const { rate, borrowStatus, availability, benchmarkRate } = listing.value
  const { rows } = await database.query<{ kept: boolean }>(KEEP_LISTING, [
    ticker,
    rate?.toString() ?? null,
    borrowStatus,
    availability.shares,
    availability.atLeast,
    benchmarkRate?.toString() ?? null,
    listing.provider,
    listing.asOf,
    listing.receivedAt,
  ])
  return rows[0]?.kept === true
}

// All parts see the row as it was before. Written so that two replicas with the same answer at the same time keep it once.
const KEEP_LISTING = `
  with incoming as (
    select $1::text as ticker, $2::numeric as rate, $3::text as borrow_status, $4::bigint as available,
           $5::boolean as available_at_least, $6::numeric as benchmark_rate, $7::text as provider,
           $8::timestamptz as as_of, $9::timestamptz as received_at
  ), newer as (
    select incoming.*,
           kept.ticker is null or kept.demo
           or (kept.rate, kept.borrow_status, kept.available, kept.available_at_least, kept.listed)
              is distinct from (incoming.rate, incoming.borrow_status, incoming.available, incoming.available_at_least, true) as changed
      from incoming left join lender_rates as kept using (ticker)
     where kept.ticker is null or kept.demo or kept.as_of <= incoming.as_of
  ), history as (
    insert into lender_rate_history
           (ticker, as_of, rate, borrow_status, available, available_at_least, provider, received_at, demo)
    select ticker, as_of, rate, borrow_status, available, available_at_least, provider, received_at, false from newer where changed
        on conflict (ticker, as_of, provider) do update
       set rate = excluded.rate, borrow_status = excluded.borrow_status, available = excluded.available,
           available_at_least = excluded.available_at_least, received_at = excluded.received_at, demo = false
  ), taken as (
    insert into lender_rates as kept (ticker, rate, borrow_status, available, available_at_least, benchmark_rate,
                                      provider, as_of, received_at, listed, demo)
    select ticker, rate, borrow_status, available, available_at_least, benchmark_rate, provider, as_of, received_at, true, false
      from newer
        on conflict (ticker) do update
       set rate = excluded.rate, borrow_status = excluded.borrow_status, available = excluded.available,
           available_at_least = excluded.available_at_least, benchmark_rate = excluded.benchmark_rate,
           provider = excluded.provider, as_of = excluded.as_of, received_at = excluded.received_at, listed = true, demo = false
     where kept.demo or kept.as_of <= excluded.as_of
    returning 1
  )
  select exists (select from taken) as kept`

/**
 * That lenders have no such name. A name that one of them listed before becomes unlisted, with 0 shares and HARD: it was dropped. What
 * another provider said is left alone, and so is a name that nobody knows: nothing is kept about it.
 * @returns whether anything is kept of the name that changed
 */
export async function keepUnlisted(
  database: Queryable,
  ticker: Ticker,
  answer: { readonly providers: readonly string[]; readonly receivedAt: Date },
): Promise<boolean> {
  const { rows } = await database.query<{ kept: boolean }>(
    `with dropped as (
       select ticker, provider, listed from lender_rates
        where ticker = $1 and provider = any ($2::text[]) and not demo and as_of <= $3
     ), history as (
       insert into lender_rate_history
              (ticker, as_of, rate, borrow_status, available, available_at_least, provider, received_at, demo)
       select ticker, $3, null, 'HARD', 0, false, provider, $3, false from dropped where listed
           on conflict (ticker, as_of, provider) do nothing
     ), unlisted as (
       update lender_rates as kept
          set rate = null, borrow_status = 'HARD', available = 0, available_at_least = false, benchmark_rate = null,
              as_of = $3, received_at = $3, listed = false
         from dropped
        where kept.ticker = dropped.ticker
       returning 1
     )
     select exists (select from unlisted) as kept`,
    [ticker, answer.providers, answer.receivedAt],
  )
  return rows[0]?.kept === true
}

/**
 * The index of the day its as-of time lies in; a change within the day is added to the history.
 * @returns false: what is kept of that day from the provider is newer
 */
export async function keepVolatilityIndex(database: Queryable, index: Stored<IndexPoints>): Promise<boolean> {
  const { rows } = await database.query<{ kept: boolean }>(
    `with before as (
       select value from volatility_index where provider = $3 and not demo order by index_date desc limit 1
     ), taken as (
       insert into volatility_index as kept (index_date, value, provider, as_of, received_at, demo)
       values ($1, $2, $3, $4, $5, false)
           on conflict (index_date, provider) do update
          set value = excluded.value, as_of = excluded.as_of, received_at = excluded.received_at, demo = false
        where kept.demo or kept.as_of <= excluded.as_of
       returning value, provider, as_of, received_at
     ), history as (
       insert into volatility_index_history (as_of, value, provider, received_at)
       select as_of, value, provider, received_at from taken
        where not exists (select from before where before.value = taken.value)
           on conflict (as_of, provider) do update set value = excluded.value, received_at = excluded.received_at
     )
     select exists (select from taken) as kept`,
    [newYorkDate(index.asOf), index.value.toString(), index.provider, index.asOf, index.receivedAt],
  )
  return rows[0]?.kept === true
}

/**
 * A name's own volatility. A change is added to the history, and that it still is what it was, once a day: from a feed that is silent
 * nothing holds for ever.
 * @returns false: what is kept is newer
 */
export async function keepStockVolatility(
  database: Queryable,
  ticker: Ticker,
  volatility: Stored<IndexPoints>,
): Promise<boolean> {
  const { rows } = await database.query<{ kept: boolean }>(
    `with before as (
       select value, as_of from stock_volatility_history where ticker = $1 order by as_of desc limit 1
     ), taken as (
       insert into stock_volatility as kept (ticker, value, provider, as_of, received_at, demo)
       values ($1, $2, $3, $4, $5, false)
           on conflict (ticker) do update
          set value = excluded.value, provider = excluded.provider, as_of = excluded.as_of, received_at = excluded.received_at, demo = false
        where kept.demo or kept.as_of <= excluded.as_of
       returning ticker, value, provider, as_of, received_at
     ), history as (
       insert into stock_volatility_history (ticker, as_of, value, provider, received_at)
       select ticker, as_of, value, provider, received_at from taken
        where not exists (select from before
                           where before.value = taken.value and before.as_of > taken.as_of - interval '1 day')
           on conflict (ticker, as_of, provider) do update set value = excluded.value, received_at = excluded.received_at
     )
     select exists (select from taken) as kept`,
    [ticker, volatility.value.toString(), volatility.provider, volatility.asOf, volatility.receivedAt],
  )
  return rows[0]?.kept === true
}

/**
 * A name's events: they replace the provider's from the day of receipt on, and demonstration ones altogether, so that an event that
 * moved is not counted twice. Of a name that nobody knows, an empty answer is not kept.
 * @returns false: nothing was kept
 */
export async function keepEvents(
  database: Queryable,
  ticker: Ticker,
  calendar: Stored<readonly MarketEvent[]>,
): Promise<boolean> {
  const today: IsoDate = newYorkDate(calendar.receivedAt)
  const { rows } = await database.query<{ kept: boolean }>(
    `with incoming as (
       select * from json_to_recordset($2::json) as row (type text, date date, "riskFactor" smallint)
     ), removed as (
       delete from market_events as kept
        where kept.ticker = $1 and (kept.demo or (kept.provider = $3 and kept.event_date >= $6))
          and not exists (select from incoming
                           where (incoming.type, incoming.date, $3) = (kept.event_type, kept.event_date, kept.provider))
       returning event_type, event_date, provider
     ), ended as (
       update market_event_history as history set known_to = greatest(history.known_from, $5)
         from removed
        where history.ticker = $1 and history.known_to is null
          and (history.event_type, history.event_date, history.provider)
            = (removed.event_type, removed.event_date, removed.provider)
     ), taken as (
       insert into market_events as kept (ticker, event_type, event_date, risk_factor, provider, received_at, demo)
       select $1, type, date, "riskFactor", $3, $5, false from incoming
           on conflict (ticker, event_type, event_date, provider) do update
          set risk_factor = excluded.risk_factor, received_at = excluded.received_at, demo = false
        where kept.demo or kept.risk_factor is distinct from excluded.risk_factor
       returning ticker, event_type, event_date, risk_factor, provider, received_at, demo
     ), ${EVENTS_INTO_HISTORY}, noted as (
       insert into event_calendars as kept (ticker, provider, as_of, received_at, known_since)
       select $1, $3, $4, $5, $4
        where exists (select from incoming)
           or exists (select from stocks where ticker = $1)
           or exists (select from lender_rates where ticker = $1)
           on conflict (ticker) do update
          set provider = excluded.provider, as_of = excluded.as_of, received_at = excluded.received_at
        where kept.as_of <= excluded.as_of
       returning 1
     )
     select exists (select from noted) as kept`,
    [ticker, JSON.stringify(calendar.value), calendar.provider, calendar.asOf, calendar.receivedAt, today],
  )
  return rows[0]?.kept === true
}
