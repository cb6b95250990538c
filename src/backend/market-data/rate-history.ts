// What rates were made of over time: what a name's lender said, the volatility, the events that were known. It is kept when it changes;
// rates under a model are computed from it when they are read. A reader says how far apart its points lie, and gets of each
// interval the last word only: a year by days is some hundred rows, however often things changed.
import type { Queryable } from '../database/connect.ts'
import { decimal } from '../pricing/decimal.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import { asIndexPoints, asRate, type IndexPoints, type IsoDate, type Rate, type Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import { eventWindow, type MarketEvent } from './event-risk.ts'
import { newYorkDate } from './new-york-time.ts'
import type { Availability } from './observation.ts'

/** What a borrow rate rests on from a moment on. */
export interface LenderWord {
  readonly asOf: Date
  /** The last rate that the lender gave, a fraction a year; null: it gave none yet. */
  readonly lastRate: Rate | null
}

export interface RecordedRate extends LenderWord {
  /** A fraction a year; null: from here on the lender gave none, or listed the name no more. */
  readonly rate: Rate | null
  readonly borrowStatus: BorrowStatus | null
  readonly availability: Availability
  readonly provider: string
  readonly demo: boolean
}

export interface RecordedVolatility {
  readonly asOf: Date
  readonly value: IndexPoints
  readonly demo: boolean
}

/** An event as a feed had it from one moment to another. */
export interface KnownEvent extends MarketEvent {
  readonly knownFrom: Date
  /** null: it is known now. */
  readonly knownTo: Date | null
}

export interface InputsOverTime<Word extends LenderWord> {
  readonly lender: readonly Word[]
  readonly volatilityIndex: readonly RecordedVolatility[]
  readonly stockVolatility: readonly RecordedVolatility[]
  readonly events: readonly KnownEvent[]
  /** Since when a calendar is known in which the name's events would be; null: there is none. */
  readonly calendarSince: Date | null
}

export type RateInputsOverTime = InputsOverTime<RecordedRate>

/** The time after `from`, to `to` and with it, in intervals that end on whole multiples of their length, UTC. */
export interface HistoryRange {
  readonly from: Date
  readonly to: Date
  readonly intervalSeconds: number
}

/**
 * What was in force at `from`, and of each interval after it the last word, oldest first. Events are those of the windows that prices of
 * the range looked at.
 */
export async function readRateInputs(
  database: Queryable,
  ticker: Ticker,
  range: HistoryRange,
): Promise<RateInputsOverTime> {
  const { from, to, intervalSeconds } = range
  const eventDays = eventDates(range)
  const read = async <Row extends object>(statement: string, values: readonly unknown[]) =>
    (await database.query<Row>(statement, [...values])).rows
  const lender = await read<RateRow>(LENDER, [ticker, from, to, intervalSeconds])
  const own = await read<VolatilityRow>(OWN, [ticker, from, to, intervalSeconds])
  const events = await read<EventRow>(EVENTS, [ticker, from, to, eventDays.from, eventDays.to])
  const calendars = await read<{ since: Date | null }>(CALENDAR, [ticker])
  return {
    lender: lender.map(recordedRate),
    volatilityIndex: await readIndexOverTime(database, range),
    stockVolatility: own.map(recordedVolatility),
    events: events.map((row) => ({
      type: row.event_type,
      date: row.event_date,
      riskFactor: row.risk_factor,
      knownFrom: row.known_from,
      knownTo: row.known_to,
    })),
    calendarSince: calendars[0]?.since ?? null,
  }
}

/** The volatility index of a range, which is the same for all names. */
export async function readIndexOverTime(database: Queryable, range: HistoryRange): Promise<RecordedVolatility[]> {
  const { from, to, intervalSeconds } = range
  // The dates of the index are New York's, which its moments lie in or a few hours beside.
  const days = [dayBefore(newYorkDate(from)), dayAfter(newYorkDate(to))]
  const { rows } = await database.query<VolatilityRow>(INDEX, [from, to, intervalSeconds, ...days])
  return rows.map(recordedVolatility)
}

/** The dates of the events that prices of a range looked at. */
export function eventDates({ from, to }: HistoryRange): { readonly from: IsoDate; readonly to: IsoDate } {
  return { from: newYorkDate(from), to: eventWindow(newYorkDate(to), null).to }
}

/** Of rows in the order of their time the last one of each interval. */
export const lastOfIntervals = (columns: string, rows: string, interval: string) => `
  select ${columns}
    from (select *, lead(interval_end) over (order by as_of, received_at) as next_end
            from (select *, ceil(extract(epoch from as_of)::float8 / ${interval}) as interval_end from (${rows}) as told) as ended) as followed
   where next_end is distinct from interval_end`

const RATE_COLUMNS = 'as_of, rate, borrow_status, available, available_at_least, provider, demo, received_at'
const LENDER = `
  with told as (
    (select ${RATE_COLUMNS} from lender_rate_history where ticker = $1 and as_of <= $2
      order by as_of desc, received_at desc limit 1)
    union all
    (${lastOfIntervals(RATE_COLUMNS, `select ${RATE_COLUMNS} from lender_rate_history where ticker = $1 and as_of > $2 and as_of <= $3`, '$4::float8')})
  )
  select told.*,
         case when told.rate is not null then told.rate
              else (select before.rate from lender_rate_history as before
                     where before.ticker = $1 and before.as_of <= told.as_of and before.rate is not null
                     order by before.as_of desc limit 1)
          end as last_rate
    from told order by as_of, received_at`

const INDEX_COLUMNS = 'as_of, value, demo, received_at'
const indexWhere = (days: string, moments: string) => `
  select ${INDEX_COLUMNS} from volatility_index where ${days} and ${moments}
   union all
  select as_of, value, false, received_at from volatility_index_history where ${moments}`
const INDEX = `
  (select ${INDEX_COLUMNS}
     from ((select ${INDEX_COLUMNS} from volatility_index where index_date <= $5 and as_of <= $1
             order by index_date desc, as_of desc limit 1)
           union all
           (select as_of, value, false, received_at from volatility_index_history where as_of <= $1
             order by as_of desc limit 1)) as before
    order by as_of desc, received_at desc limit 1)
  union all
  (${lastOfIntervals(INDEX_COLUMNS, indexWhere('index_date between $4 and $5', 'as_of > $1 and as_of <= $2'), '$3::float8')})
  order by as_of, received_at`

const OWN_COLUMNS = 'as_of, value, false as demo, received_at'
const OWN = `
  (select ${OWN_COLUMNS} from stock_volatility_history where ticker = $1 and as_of <= $2
    order by as_of desc, received_at desc limit 1)
  union all
  (${lastOfIntervals(OWN_COLUMNS, 'select as_of, value, received_at from stock_volatility_history where ticker = $1 and as_of > $2 and as_of <= $3', '$4::float8')})
  order by as_of, received_at`

const EVENTS = `
  select event_type, event_date, risk_factor, known_from, known_to from market_event_history
   where ticker = $1 and event_date between $4 and $5 and known_from <= $3 and (known_to is null or known_to > $2)
   order by event_date, event_type, known_from`

const CALENDAR = `
  select least((select coalesce(known_since, as_of) from feed_states where feed = 'events'),
               (select coalesce(known_since, as_of) from event_calendars where ticker = $1)) as since`

const dayBefore = (date: IsoDate): IsoDate => dateOfDay(dayNumber(date) - 1)
const dayAfter = (date: IsoDate): IsoDate => dateOfDay(dayNumber(date) + 1)

interface RateRow {
  as_of: Date
  rate: string | null
  last_rate: string | null
  borrow_status: BorrowStatus | null
  available: string | null
  available_at_least: boolean
  provider: string
  demo: boolean
}

function recordedRate(row: RateRow): RecordedRate {
  return {
    asOf: row.as_of,
    rate: row.rate === null ? null : asRate(decimal(row.rate)),
    lastRate: row.last_rate === null ? null : asRate(decimal(row.last_rate)),
    borrowStatus: row.borrow_status,
    availability: { shares: row.available === null ? null : Number(row.available), atLeast: row.available_at_least },
    provider: row.provider,
    demo: row.demo,
  }
}

interface VolatilityRow {
  as_of: Date
  value: string
  demo: boolean
}

function recordedVolatility(row: VolatilityRow): RecordedVolatility {
  return { asOf: row.as_of, value: asIndexPoints(decimal(row.value)), demo: row.demo }
}

interface EventRow {
  event_type: string
  event_date: IsoDate
  risk_factor: number | null
  known_from: Date
  known_to: Date | null
}
