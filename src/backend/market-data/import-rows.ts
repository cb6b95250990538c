// The rows of a read file into their tables, set by set: one statement takes thousands of rows as one JSON document, whose
// numbers are texts so that they reach NUMERIC digit by digit. Runs inside the import's transaction.
import type pg from 'pg'
import type { IsoDate, Ticker } from '../pricing/units.ts'
import type { VolatilityDay } from './feeds/cboe-vix-history.ts'
import type { ClosingPrice } from './feeds/closes-csv.ts'
import type { CalendarEvent } from './feeds/event-calendar-csv.ts'
import type { LenderFile, LenderFileRow } from './feeds/ibkr-short-stock-file.ts'
import type { ImportOptions } from './import.ts'

/** What a file changed: rows new or different, and rows there were before and are not in the file. */
export interface Changes {
  readonly changed: number
  readonly dropped: number
}

type Origin = Pick<ImportOptions, 'provider' | 'demo' | 'receivedAt' | 'onProgress'>

/** Rows a statement takes: large enough for the database, small enough for progress to be seen and memory to be bounded. */
const ROWS_PER_STATEMENT = 4000

/** Upserts the lender's rows, keeps the history of what changed, adds unknown names to the stocks, unlists what is absent. */
export async function storeLenderRows(client: pg.PoolClient, file: LenderFile, origin: Origin): Promise<Changes> {
  const marks = [origin.provider, file.asOf, origin.receivedAt, origin.demo]
  let changed = 0
  await inBatches(file.rows, origin, async (batch) => {
    const { rows } = await client.query<{ changed: number }>(TAKE_LENDER_ROWS, [
      JSON.stringify(batch.map(wire)),
      ...marks,
    ])
    changed += rows[0]?.changed ?? 0
  })
  const present: Ticker[] = [...file.rows.map((row) => row.ticker), ...file.unusable]
  const { rows } = await client.query<{ dropped: number }>(UNLIST_ABSENT, [JSON.stringify(present), ...marks])
  return { changed, dropped: rows[0]?.dropped ?? 0 }
}

function wire(row: LenderFileRow): object {
  return {
    ticker: row.ticker,
    name: row.name,
    rate: row.rate,
    available: row.available,
    at_least: row.availableAtLeast,
    benchmark: row.benchmarkRate,
  }
}

// All parts of the statement see the rows as they were before it, so `changed` compares the file with what was kept. What a lender's
// service said of a name after the file was made stays.
const TAKE_LENDER_ROWS = `
  with listed as (
    select ticker, name, rate, available, at_least, benchmark
      from json_to_recordset($1::json)
        as row (ticker text, name text, rate numeric, available bigint, at_least boolean, benchmark numeric)
  ), incoming as (
    select listed.*
      from listed left join lender_rates as kept using (ticker)
     where kept.ticker is null or kept.demo or kept.as_of <= $3
  ), changed as (
    select incoming.*
      from incoming left join lender_rates as kept using (ticker)
     where kept.ticker is null
        or (kept.rate, kept.borrow_status, kept.available, kept.available_at_least, kept.listed)
           is distinct from (incoming.rate, null, incoming.available, incoming.at_least, true)
  ), history as (
    insert into lender_rate_history
           (ticker, as_of, rate, borrow_status, available, available_at_least, provider, received_at, demo)
    select ticker, $3, rate, null, available, at_least, $2, $4, $5 from changed
        on conflict (ticker, as_of, provider) do update
       set rate = excluded.rate, borrow_status = excluded.borrow_status, available = excluded.available,
           available_at_least = excluded.available_at_least, received_at = excluded.received_at, demo = excluded.demo
  ), names as (
    insert into stocks (ticker, name)
    select listed.ticker, listed.name
      from listed left join stocks using (ticker)
     where stocks.ticker is null or (stocks.name is null and listed.name is not null)
        on conflict (ticker) do update set name = excluded.name where stocks.name is null
  ), taken as (
    insert into lender_rates (ticker, rate, borrow_status, available, available_at_least, benchmark_rate,
                              provider, as_of, received_at, listed, demo)
    select ticker, rate, null, available, at_least, benchmark, $2, $3, $4, true, $5 from incoming
        on conflict (ticker) do update
       set rate = excluded.rate, borrow_status = excluded.borrow_status, available = excluded.available,
           available_at_least = excluded.available_at_least, benchmark_rate = excluded.benchmark_rate,
           provider = excluded.provider, as_of = excluded.as_of, received_at = excluded.received_at,
           listed = true, demo = excluded.demo
  )
  select count(*)::int as changed from changed`

// A name that is absent again gets the new as-of time too: that there is nothing to lend is as fresh as the file. A file drops only
// names of its own provider: what another lender lists is not this one's to take back.
const UNLIST_ABSENT = `
  with present as (
    select ticker from json_array_elements_text($1::json) as ticker
  ), absent as (
    select kept.ticker, kept.listed
      from lender_rates as kept
     where (kept.provider = $2 or kept.demo) and kept.as_of <= $3
       and not exists (select from present where present.ticker = kept.ticker)
  ), history as (
    insert into lender_rate_history
           (ticker, as_of, rate, borrow_status, available, available_at_least, provider, received_at, demo)
    select ticker, $3, null, 'HARD', 0, false, $2, $4, $5 from absent where listed
        on conflict (ticker, as_of, provider) do update
       set rate = null, borrow_status = 'HARD', available = 0, available_at_least = false,
           received_at = excluded.received_at, demo = excluded.demo
  ), unlisted as (
    update lender_rates as kept
       set rate = null, borrow_status = 'HARD', available = 0, available_at_least = false, benchmark_rate = null,
           provider = $2, as_of = $3, received_at = $4, listed = false, demo = $5
      from absent
     where kept.ticker = absent.ticker
  )
  select count(*)::int as dropped from absent where listed`

/** Upserts days of the index. Each is as of its own close, or of its receipt when that came first. */
export async function storeVolatility(
  client: pg.PoolClient,
  days: readonly VolatilityDay[],
  origin: Origin,
): Promise<Changes> {
  let changed = 0
  await inBatches(days, origin, async (batch) => {
    const { rows } = await client.query<{ changed: number }>(
      `with incoming as (
         select * from json_to_recordset($1::json) as row (date date, value numeric)
       ), taken as (
         insert into volatility_index (index_date, value, provider, as_of, received_at, demo)
         select date, value, $2, least((date + time '16:15') at time zone 'America/New_York', $3), $3, $4 from incoming
             on conflict (index_date, provider) do update
            set value = excluded.value, as_of = excluded.as_of, received_at = excluded.received_at, demo = excluded.demo
          where volatility_index.value is distinct from excluded.value or volatility_index.as_of < excluded.as_of
         returning 1
       )
       select count(*)::int as changed from taken`,
      [JSON.stringify(batch), origin.provider, origin.receivedAt, origin.demo],
    )
    changed += rows[0]?.changed ?? 0
  })
  return { changed, dropped: 0 }
}

/**
 * Replaces the provider's events from `today` on, and adds past ones. Of demo data all is replaced: its dates move with the day. What
 * was known before stays in the history.
 */
export async function storeEvents(
  client: pg.PoolClient,
  events: readonly CalendarEvent[],
  today: IsoDate,
  origin: Origin,
): Promise<Changes> {
  const removed = await client.query<{ removed: number }>(
    `with incoming as (
       select * from json_to_recordset($1::json) as row (ticker text, type text, date date)
     ), removed as (
       delete from market_events as kept
        where kept.provider = $2 and (kept.event_date >= $3 or ($4 and kept.demo))
          and not exists (select from incoming
                           where (incoming.ticker, incoming.type, incoming.date)
                               = (kept.ticker, kept.event_type, kept.event_date))
       returning ticker, event_type, event_date, provider
     ), ended as (
       update market_event_history as history set known_to = greatest(history.known_from, $5)
         from removed
        where (history.ticker, history.event_type, history.event_date, history.provider)
            = (removed.ticker, removed.event_type, removed.event_date, removed.provider)
          and history.known_to is null
     )
     select count(*)::int as removed from removed`,
    [JSON.stringify(events), origin.provider, today, origin.demo, origin.receivedAt],
  )
  let changed = 0
  await inBatches(events, origin, async (batch) => {
    const { rows } = await client.query<{ changed: number }>(
      `with incoming as (
         select * from json_to_recordset($1::json) as row (ticker text, type text, date date, "riskFactor" smallint)
       ), taken as (
         insert into market_events (ticker, event_type, event_date, risk_factor, provider, received_at, demo)
         select ticker, type, date, "riskFactor", $2, $3, $4 from incoming
             on conflict (ticker, event_type, event_date, provider) do update
            set risk_factor = excluded.risk_factor, received_at = excluded.received_at, demo = excluded.demo
          where market_events.risk_factor is distinct from excluded.risk_factor or market_events.demo <> excluded.demo
         returning ticker, event_type, event_date, risk_factor, provider, received_at, demo
       ), ${EVENTS_INTO_HISTORY}
       select count(*)::int as changed from taken`,
      [JSON.stringify(batch), origin.provider, origin.receivedAt, origin.demo],
    )
    changed += rows[0]?.changed ?? 0
  })
  return { changed, dropped: removed.rows[0]?.removed ?? 0 }
}

/**
 * Parts of a statement whose part `taken` returns events that are new or say something else: from now on they are known so. An event
 * that changed twice in a moment is known as it was last.
 */
export const EVENTS_INTO_HISTORY = `
       changed_before as (
         update market_event_history as history set known_to = greatest(history.known_from, taken.received_at)
           from taken
          where (history.ticker, history.event_type, history.event_date, history.provider)
              = (taken.ticker, taken.event_type, taken.event_date, taken.provider)
            and history.known_to is null and history.known_from <> taken.received_at
       ), known as (
         insert into market_event_history (ticker, event_type, event_date, provider, risk_factor, known_from, demo)
         select ticker, event_type, event_date, provider, risk_factor, received_at, demo from taken
             on conflict (ticker, event_date, event_type, provider, known_from) do update
            set risk_factor = excluded.risk_factor, known_to = null, demo = excluded.demo
       )`

/** Upserts closes that are not older than the ones that are kept. */
export async function storeCloses(
  client: pg.PoolClient,
  closes: readonly ClosingPrice[],
  origin: Origin,
): Promise<Changes> {
  let changed = 0
  await inBatches(closes, origin, async (batch) => {
    const { rows } = await client.query<{ changed: number }>(
      `with incoming as (
         select * from json_to_recordset($1::json) as row (ticker text, date date, close numeric)
       ), taken as (
         insert into last_closes (ticker, close, price_date, provider, received_at, demo)
         select ticker, close, date, $2, $3, $4 from incoming
             on conflict (ticker) do update
            set close = excluded.close, price_date = excluded.price_date, provider = excluded.provider,
                received_at = excluded.received_at, demo = excluded.demo
          where last_closes.price_date <= excluded.price_date
            and (last_closes.close, last_closes.price_date, last_closes.provider)
                is distinct from (excluded.close, excluded.price_date, excluded.provider)
         returning 1
       )
       select count(*)::int as changed from taken`,
      [JSON.stringify(batch), origin.provider, origin.receivedAt, origin.demo],
    )
    changed += rows[0]?.changed ?? 0
  })
  return { changed, dropped: 0 }
}

async function inBatches<Row>(
  rows: readonly Row[],
  origin: Origin,
  store: (batch: readonly Row[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    await store(rows.slice(start, start + ROWS_PER_STATEMENT))
    origin.onProgress?.(Math.min(start + ROWS_PER_STATEMENT, rows.length), rows.length)
  }
}
