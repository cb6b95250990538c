// How many days a short is paid for: the calendar days between the settlement of the short and that of its cover.
//
// A borrow begins when the short sale settles and ends when the buy-back settles, so the accrual is the half-open range
// [settle(short), settle(cover)): short Thursday, cover Friday pays for three days. Trading and settlement are two lists of
// days (`us-market-closures.ts`). The calendar is an argument; a date it does not know is refused, never guessed.
// docs/pricing.md, "Accrual by dates".
import { asIsoDate, dateOfDay, dayNumber, isWeekend } from './iso-date.ts'
import type { IsoDate } from './units.ts'
import {
  BANK_HOLIDAYS_WITH_TRADING,
  CLOSURES_FIRST_YEAR,
  CLOSURES_LAST_YEAR,
  HOLIDAYS,
  UNPLANNED_EXCHANGE_CLOSURES,
} from './us-market-closures.ts'

/** Days without trading and days without settlement, `YYYY-MM-DD`, for the years from first to last, both included. Weekends are not listed. */
export interface SettlementCalendar {
  readonly firstYear: number
  readonly lastYear: number
  readonly tradingClosures: ReadonlySet<string>
  readonly settlementClosures: ReadonlySet<string>
}

export const US_SETTLEMENT_CALENDAR: SettlementCalendar = {
  firstYear: CLOSURES_FIRST_YEAR,
  lastYear: CLOSURES_LAST_YEAR,
  tradingClosures: new Set([...HOLIDAYS, ...UNPLANNED_EXCHANGE_CLOSURES]),
  settlementClosures: new Set([...HOLIDAYS, ...BANK_HOLIDAYS_WITH_TRADING]),
}

/** The longest stay that is priced, in calendar days. */
export const ACCRUAL_DAYS_MAX = 365

/** Why a pair of dates has no accrual: the field at fault and a sentence for the person who sent it. */
export class CalendarError extends Error {
  readonly field: 'start_date' | 'end_date'

  constructor(field: 'start_date' | 'end_date', message: string) {
    super(message)
    this.name = 'CalendarError'
    this.field = field
  }
}

/** A settlement day of the stay and the calendar days that are billed with it: 3 on a Friday, for it and the weekend. */
export interface AccrualPeriod {
  readonly valueDate: IsoDate
  readonly days: number
}

/** The stay between two settlements. `days` is the sum of the schedule's days; a stay of 0 days has an empty schedule. */
export interface Accrual {
  readonly shortSettles: IsoDate
  readonly coverSettles: IsoDate
  readonly days: number
  readonly schedule: readonly AccrualPeriod[]
}

/**
 * The days a short is paid for, sold on `startDate` and bought back on `endDate` (trade dates in New York).
 * @throws CalendarError when a date is outside the calendar's years or not a trading day, when the start is after the end,
 *   and when the stay is longer than {@link ACCRUAL_DAYS_MAX} days.
 */
export function accrual(startDate: IsoDate, endDate: IsoDate, calendar: SettlementCalendar): Accrual {
  const start = tradingDay('start_date', startDate, calendar)
  const end = tradingDay('end_date', endDate, calendar)
  if (start > end) throw new CalendarError('start_date', 'must not be after end_date')
  const shortSettles = knownSettlement('start_date', startDate, calendar)
  const coverSettles = knownSettlement('end_date', endDate, calendar)
  const days = coverSettles - shortSettles
  if (days > ACCRUAL_DAYS_MAX) {
    const message = `must not be more than ${ACCRUAL_DAYS_MAX} accrual days after start_date (these dates accrue ${days})`
    throw new CalendarError('end_date', message)
  }
  return {
    shortSettles: dateOfDay(shortSettles),
    coverSettles: dateOfDay(coverSettles),
    days,
    schedule: schedule(shortSettles, coverSettles, calendar),
  }
}

/** Days from trade to settlement: three until 2017-09-04, two until 2024-05-27, one since (SEC rule 15c6-1). */
export function settlementCycleDays(tradeDate: IsoDate): 1 | 2 | 3 {
  if (tradeDate < '2017-09-05') return 3
  return tradeDate < '2024-05-28' ? 2 : 1
}

/**
 * The day a trade settles: the `cycleDays`-th settlement day after it. The trade date itself never counts, even when it is
 * a day without settlement (Columbus Day).
 * @throws RangeError when the settlement is outside the calendar's years, where its closures are not known.
 */
export function settlementDate(
  tradeDate: IsoDate,
  calendar: SettlementCalendar,
  cycleDays: number = settlementCycleDays(tradeDate),
): IsoDate {
  const date = dateOfDay(settlementDay(tradeDate, calendar, cycleDays))
  if (!hasYear(date, calendar)) throw new RangeError('the settlement is outside the calendar')
  return date
}

/** Whether the exchanges trade on the date. Only for dates within the calendar's years. */
export function isTradingDay(date: IsoDate, calendar: SettlementCalendar): boolean {
  return !isWeekend(dayNumber(date)) && !calendar.tradingClosures.has(date)
}

function tradingDay(field: CalendarError['field'], date: IsoDate, calendar: SettlementCalendar): number {
  if (asIsoDate(date) === null) throw new CalendarError(field, 'must be a date that exists, YYYY-MM-DD')
  if (!hasYear(date, calendar)) throw new CalendarError(field, `must be within ${range(calendar)}`)
  if (!isTradingDay(date, calendar)) {
    throw new CalendarError(field, `must be a trading day of the US exchanges; ${nearest(date, calendar)}`)
  }
  return dayNumber(date)
}

function knownSettlement(field: CalendarError['field'], tradeDate: IsoDate, calendar: SettlementCalendar): number {
  const day = settlementDay(tradeDate, calendar, settlementCycleDays(tradeDate))
  if (!hasYear(dateOfDay(day), calendar)) throw new CalendarError(field, `must settle within ${range(calendar)}`)
  return day
}

function settlementDay(tradeDate: IsoDate, calendar: SettlementCalendar, cycleDays: number): number {
  let day = dayNumber(tradeDate)
  for (let left = cycleDays; left > 0; left -= 1) day = nextSettlementDay(day, calendar)
  return day
}

function schedule(from: number, to: number, calendar: SettlementCalendar): AccrualPeriod[] {
  const periods: AccrualPeriod[] = []
  for (let day = from; day < to; ) {
    const next = nextSettlementDay(day, calendar)
    periods.push({ valueDate: dateOfDay(day), days: next - day })
    day = next
  }
  return periods
}

function nextSettlementDay(day: number, calendar: SettlementCalendar): number {
  let next = day + 1
  while (isWeekend(next) || calendar.settlementClosures.has(dateOfDay(next))) next += 1
  return next
}

/** The trading days around a closed one, those that the calendar knows. */
function nearest(date: IsoDate, calendar: SettlementCalendar): string {
  const days = [neighbour(date, -1, calendar), neighbour(date, 1, calendar)].filter((day) => day !== null)
  return days.length === 2 ? `the nearest are ${days.join(' and ')}` : `the nearest is ${days.join()}`
}

function neighbour(date: IsoDate, step: 1 | -1, calendar: SettlementCalendar): IsoDate | null {
  let day = dayNumber(date) + step
  while (!isTradingDay(dateOfDay(day), calendar)) day += step
  const found = dateOfDay(day)
  return hasYear(found, calendar) ? found : null
}

function hasYear(date: IsoDate, calendar: SettlementCalendar): boolean {
  const year = Number(date.slice(0, 4))
  return year >= calendar.firstYear && year <= calendar.lastYear
}

function range(calendar: SettlementCalendar): string {
  return `the settlement calendar's years, ${calendar.firstYear}-01-01 to ${calendar.lastYear}-12-31`
}
