// Event calendars as comma-separated text, in three forms that are told apart by their header:
//
// - earnings calendars of data vendors: `symbol,name,reportDate,...` or `ticker,company,report_date,...`;
// - any events: `symbol,type,date,risk_factor`, the factor may be empty;
// - the demonstration's: `symbol,type,in_days,risk_factor`, dated relative to a day, so that a demo never runs out of events.
import { dateOfDay, dayNumber } from '../../pricing/iso-date.ts'
import type { IsoDate, Ticker } from '../../pricing/units.ts'
import { acceptRiskFactor } from '../event-risk.ts'
import { normaliseSymbol } from '../symbol.ts'
import {
  countSkipped,
  excerpt,
  FeedFileError,
  readFeedDate,
  readTable,
  type Skipped,
  type TableRow,
} from './feed-file.ts'

export interface CalendarEvent {
  readonly ticker: Ticker
  /** Lower case with underscores: `investor_day`. */
  readonly type: string
  readonly date: IsoDate
  /** 0 to 10; null when the calendar names none. */
  readonly riskFactor: number | null
}

export interface EventCalendar {
  /** One a ticker, type and date. */
  readonly events: readonly CalendarEvent[]
  readonly skipped: Skipped
}

const KIND = 'calendar of events'
const EVENT_TYPE = /^[a-z][a-z0-9_]{0,49}$/
const WHOLE_NUMBER = /^-?[0-9]{1,6}$/
const DAYS_AHEAD_MAX = 3650

const SYMBOL = ['symbol', 'ticker'] as const
const RISK_FACTOR = ['risk_factor'] as const

/**
 * Reads the whole calendar. A symbol may stand on several lines; each date is an event of its own. A row without a date is an
 * event that is not scheduled yet, skipped and counted.
 * @param today the day that `in_days` counts from
 * @throws FeedFileError when it is of none of the forms, or a factor is negative or no whole number
 */
export function parseEventCalendar(text: string, today: IsoDate): EventCalendar {
  const header = text.slice(0, 1000).split(/\r?\n/)[0] ?? ''
  const columns = new Set(
    header
      .toLowerCase()
      .replaceAll(/["_\uFEFF\s]/g, '')
      .split(','),
  )
  const earnings = columns.has('reportdate')
  const relative = columns.has('indays')
  const rows = earnings
    ? readTable(text, KIND, [SYMBOL, ['report_date']])
    : readTable(text, KIND, [SYMBOL, ['type'], relative ? ['in_days'] : ['date']], [RISK_FACTOR])

  const skipped: Skipped = {}
  const events = new Map<string, CalendarEvent>()
  for (const row of rows) {
    const ticker = normaliseSymbol(row.field('symbol'))
    if (ticker === null) {
      countSkipped(skipped, 'symbol')
      continue
    }
    const date = relative ? relativeDate(row, today) : absoluteDate(row, earnings ? 'report_date' : 'date')
    if (date === null) {
      countSkipped(skipped, 'no date')
      continue
    }
    const type = earnings ? 'earnings' : eventType(row)
    const key = `${ticker} ${type} ${date}`
    const riskFactor = earnings ? null : readRiskFactor(row)
    const other = events.get(key)
    if (other !== undefined) countSkipped(skipped, 'duplicate')
    if (other === undefined || (riskFactor ?? -1) > (other.riskFactor ?? -1)) {
      events.set(key, { ticker, type, date, riskFactor })
    }
  }
  if (events.size === 0) throw new FeedFileError(KIND, null, 'none of its rows can be used')
  return { events: [...events.values()], skipped }
}

function absoluteDate(row: TableRow, column: string): IsoDate | null {
  const text = row.field(column)
  if (text === '') return null
  const date = readFeedDate(text)
  if (date === null) throw new FeedFileError(KIND, row.line, `${column} must be a date, and is ${excerpt(text)}`)
  return date
}

function relativeDate(row: TableRow, today: IsoDate): IsoDate {
  const text = row.field('in_days')
  const days = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN
  if (!(Math.abs(days) <= DAYS_AHEAD_MAX)) {
    throw new FeedFileError(KIND, row.line, `in_days must be a number of days, and is ${excerpt(text)}`)
  }
  return dateOfDay(dayNumber(today) + days)
}

function eventType(row: TableRow): string {
  const type = row.field('type').toLowerCase().replaceAll(/[ -]+/g, '_')
  if (!EVENT_TYPE.test(type)) {
    throw new FeedFileError(
      KIND,
      row.line,
      `type must be a word such as earnings, and is ${excerpt(row.field('type'))}`,
    )
  }
  return type
}

function readRiskFactor(row: TableRow): number | null {
  const text = row.field('risk_factor')
  if (text === '') return null
  const factor = WHOLE_NUMBER.test(text) ? acceptRiskFactor(Number(text)) : null
  if (factor === null) {
    throw new FeedFileError(KIND, row.line, `risk_factor must be a whole number from 0, and is ${excerpt(text)}`)
  }
  return factor
}
