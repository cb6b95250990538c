// Calendar dates as whole days, without a clock and without a time zone.
//
// A day is an integer: days since 1970-01-01 in the proleptic Gregorian calendar. The platform's Date is a moment, and a
// moment has a time zone to go wrong by; counting days needs neither. The algorithm is Howard Hinnant's `days_from_civil`.
import type { IsoDate } from './units.ts'

/** Days of a 400-year cycle of the calendar, and from 0000-03-01 to 1970-01-01. */
const DAYS_PER_ERA = 146_097
const DAYS_TO_EPOCH = 719_468

/** Days since 1970-01-01 of a real date between the years 0000 and 9999. */
export function dayNumber(date: IsoDate): number {
  const month = Number(date.slice(5, 7))
  const year = Number(date.slice(0, 4)) - (month <= 2 ? 1 : 0)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  // The year begins in March here, so that the leap day is its last day.
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + Number(date.slice(8, 10)) - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH
}

/** The date that is `day` days after 1970-01-01; the inverse of {@link dayNumber}. */
export function dateOfDay(day: number): IsoDate {
  const shifted = day + DAYS_TO_EPOCH
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(dayOfMonth, 2)}` as IsoDate
}

/** Whether the day is a Saturday or a Sunday. */
export function isWeekend(day: number): boolean {
  const weekday = (((day + 4) % 7) + 7) % 7 // 1970-01-01 was a Thursday; 0 is Sunday.
  return weekday === 0 || weekday === 6
}

const ISO_DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/

/** @returns the text as a date, or null when it is not `YYYY-MM-DD` or names a day that does not exist: 2026-02-30. */
export function asIsoDate(text: string): IsoDate | null {
  if (!ISO_DATE.test(text)) return null
  const date = text as IsoDate
  return dateOfDay(dayNumber(date)) === date ? date : null
}

function digits(value: number, width: number): string {
  return value.toString().padStart(width, '0')
}
