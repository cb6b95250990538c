// What the borrow rates of many names were made of over time: of some names, for lines as small as a cell; of all of them at one moment,
// for the rates of a close. As all names of now are read (universe.ts): the database writes the rows as JSON, a page a line, and who
// computes with them reads them.
import type { Queryable } from '../database/connect.ts'
import type { IndexPoints, IsoDate, Rate, Ticker } from '../pricing/units.ts'
import type { TextStream } from '../server/internal-wire.ts'
import {
  type Carried,
  decimalOf,
  flag,
  instant,
  integer,
  list,
  nullable,
  structure,
  text,
  tuple,
} from '../server/wire-codec.ts'
import {
  eventDates,
  type HistoryRange,
  type InputsOverTime,
  type LenderWord,
  lastOfIntervals,
  readIndexOverTime,
} from './rate-history.ts'
import { milliseconds, NAMES_PER_PAGE, NAMES_PER_STATEMENT, readTradedTickers } from './universe.ts'

export interface ManyHistoriesAsk {
  /** null: every name in trading. */
  readonly tickers: readonly Ticker[] | null
  readonly range: HistoryRange
}

/** Lines: what all names share, then pages of names. Made by {@link manyHistoriesFrom}, read by {@link readManyHistories}. */
export type ManyHistories = TextStream<ManyHistoriesAsk>

export interface NameOverTime {
  readonly ticker: Ticker
  readonly inputs: InputsOverTime<LenderWord>
}

/** Of each name what `readRateInputs` reads of it, without what a borrow rate does not rest on. Names that no lender spoke of are left out. */
export function manyHistoriesFrom(database: Queryable): ManyHistories {
  return async function* lines({ tickers, range }, _context, signal) {
    const volatilityIndex = await readIndexOverTime(database, range)
    const { rows } = await database.query<{ since: Date | null }>(CALENDAR_OF_ALL)
    yield `${JSON.stringify(SHARED.write({ volatilityIndex, calendarSince: rows[0]?.since ?? null }))}\n`
    const names = tickers ?? (await readTradedTickers(database, null))
    const dates = eventDates(range)
    for (let start = 0; start < names.length; start += NAMES_PER_STATEMENT) {
      if (signal.aborted) return
      const some = names.slice(start, start + NAMES_PER_STATEMENT)
      const { from, to, intervalSeconds } = range
      const pages = await database.query<{ line: string }>(PAGES, [
        some,
        from,
        to,
        intervalSeconds,
        dates.from,
        dates.to,
      ])
      for (const { line } of pages.rows) yield `${line}\n`
    }
  }
}

/**
 * The names of the lines, page by page.
 * @throws TypeError when a line is not one of these
 */
export async function* readManyHistories(pieces: AsyncIterable<string>): AsyncGenerator<NameOverTime[]> {
  let shared: Carried<typeof SHARED> | null = null
  for await (const piece of pieces) {
    for (const line of piece.split('\n')) {
      if (line === '') continue
      if (shared === null) shared = SHARED.read(JSON.parse(line), 'histories')
      else {
        const both = shared
        yield PAGE.read(JSON.parse(line), 'names').map((name) => nameOverTime(name, both))
      }
    }
  }
}

// ---- as the database writes it

const CALENDAR_OF_ALL = `select coalesce(known_since, as_of) as since from feed_states where feed = 'events'`

const LENDER_COLUMNS = 'as_of, rate, received_at'
const LENDER = `
  select json_agg(json_build_array(${milliseconds('told.as_of')},
           coalesce(told.rate, (select before.rate from lender_rate_history as before
                                 where before.ticker = asked.ticker and before.as_of <= told.as_of and before.rate is not null
                                 order by before.as_of desc limit 1))::text) order by told.as_of, told.received_at) as words
    from ((select ${LENDER_COLUMNS} from lender_rate_history where ticker = asked.ticker and as_of <= $2
            order by as_of desc, received_at desc limit 1)
          union all
          (${lastOfIntervals(LENDER_COLUMNS, `select ${LENDER_COLUMNS} from lender_rate_history where ticker = asked.ticker and as_of > $2 and as_of <= $3`, '$4::float8')})) as told`

const OWN_COLUMNS = 'as_of, value, received_at'
const OWN = `
  select json_agg(json_build_array(${milliseconds('told.as_of')}, told.value::text) order by told.as_of, told.received_at) as words
    from ((select ${OWN_COLUMNS} from stock_volatility_history where ticker = asked.ticker and as_of <= $2
            order by as_of desc, received_at desc limit 1)
          union all
          (${lastOfIntervals(OWN_COLUMNS, `select ${OWN_COLUMNS} from stock_volatility_history where ticker = asked.ticker and as_of > $2 and as_of <= $3`, '$4::float8')})) as told`

const EVENTS = `
  select json_agg(json_build_array(event_type, event_date, risk_factor, ${milliseconds('known_from')}, ${milliseconds('known_to')})
                  order by event_date, event_type, known_from) as words
    from market_event_history
   where ticker = asked.ticker and event_date between $5 and $6 and known_from <= $3 and (known_to is null or known_to > $2)`

const PAGES = `
  select json_agg(json_build_array(asked.ticker, lender.words, own.words, event.words,
                                   ${milliseconds('coalesce(calendar.known_since, calendar.as_of)')}) order by asked.place)::text as line
    from unnest($1::text[]) with ordinality as asked (ticker, place)
    join lateral (${LENDER}) as lender on lender.words is not null
    left join lateral (${OWN}) as own on true
    left join lateral (${EVENTS}) as event on true
    left join event_calendars as calendar on calendar.ticker = asked.ticker
   group by (asked.place - 1) / ${NAMES_PER_PAGE} order by min(asked.place)`

// ---- as it is read

const SHARED = structure({
  volatilityIndex: list(structure({ asOf: instant, value: decimalOf<IndexPoints>(), demo: flag })),
  calendarSince: nullable(instant),
})

const PAGE = list(
  tuple(
    text<Ticker>(),
    list(tuple(instant, nullable(decimalOf<Rate>()))),
    nullable(list(tuple(instant, decimalOf<IndexPoints>()))),
    nullable(list(tuple(text(), text<IsoDate>(), nullable(integer), instant, nullable(instant)))),
    nullable(instant),
  ),
)

function nameOverTime(
  [ticker, lender, own, events, ownCalendar]: Carried<typeof PAGE>[number],
  { volatilityIndex, calendarSince }: Carried<typeof SHARED>,
): NameOverTime {
  return {
    ticker,
    inputs: {
      lender: lender.map(([asOf, lastRate]) => ({ asOf, lastRate })),
      volatilityIndex,
      stockVolatility: (own ?? []).map(([asOf, value]) => ({ asOf, value, demo: false })),
      events: (events ?? []).map(([type, date, riskFactor, knownFrom, knownTo]) => ({
        type,
        date,
        riskFactor,
        knownFrom,
        knownTo,
      })),
      calendarSince: earlierOf(ownCalendar, calendarSince),
    },
  }
}

function earlierOf(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other
  return one < other ? one : other
}
