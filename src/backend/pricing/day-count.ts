// Day counts: how many days a year has when interest is divided by them. The two differ by 1.39 %, so there is no default.
// US stock loan usually accrues ACT/360; the classic form of this engine and Questrade use ACT/365. docs/pricing.md, "Day counts".
import { type Decimal, decimal } from './decimal.ts'

export type DayCount = 'ACT/365' | 'ACT/360'

export const DAY_COUNTS: readonly DayCount[] = ['ACT/365', 'ACT/360']

const DAYS_IN_YEAR: Record<DayCount, Decimal> = { 'ACT/365': decimal(365), 'ACT/360': decimal(360) }

/** Days in the year of a day count: 365 or 360. */
export function daysInYear(dayCount: DayCount): Decimal {
  return DAYS_IN_YEAR[dayCount]
}
