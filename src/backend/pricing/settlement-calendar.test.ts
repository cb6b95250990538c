import { describe, expect, test } from 'vitest'
import { asIsoDate, dateOfDay, dayNumber, isWeekend } from './iso-date.ts'
import {
  accrual,
  CalendarError,
  isTradingDay,
  settlementCycleDays,
  settlementDate,
  US_SETTLEMENT_CALENDAR,
} from './settlement-calendar.ts'
import type { IsoDate } from './units.ts'
import { BANK_HOLIDAYS_WITH_TRADING, HOLIDAYS, UNPLANNED_EXCHANGE_CLOSURES } from './us-market-closures.ts'

const on = (text: string): IsoDate => asIsoDate(text)!
const stay = (start: string, end: string) => accrual(start as IsoDate, end as IsoDate, US_SETTLEMENT_CALENDAR)

function refusal(start: string, end: string): { field: string; message: string } {
  try {
    stay(start, end)
  } catch (error) {
    if (error instanceof CalendarError) return { field: error.field, message: error.message }
    throw error
  }
  throw new Error(`${start} to ${end} was accepted`)
}

describe('a stay accrues by calendar days between settlements', () => {
  test.each([
    // short       cover         settles       settles       days  why
    ['2026-11-02', '2026-11-03', '2026-11-03', '2026-11-04', 1, 'Monday to Tuesday'],
    ['2026-11-05', '2026-11-06', '2026-11-06', '2026-11-09', 3, 'Thursday to Friday pays for the weekend'],
    ['2026-11-06', '2026-11-09', '2026-11-09', '2026-11-10', 1, 'Friday to Monday does not'],
    ['2026-10-08', '2026-10-09', '2026-10-09', '2026-10-13', 4, 'nothing settles on Columbus Day'],
    ['2026-10-09', '2026-10-12', '2026-10-13', '2026-10-13', 0, 'both settle after Columbus Day'],
    ['2026-11-10', '2026-11-11', '2026-11-12', '2026-11-12', 0, 'nor on Veterans Day, when exchanges trade'],
    ['2026-11-25', '2026-11-27', '2026-11-27', '2026-11-30', 3, 'Thanksgiving: no trade, no settlement'],
    ['2025-01-07', '2025-01-08', '2025-01-08', '2025-01-09', 1, 'settlement goes on when exchanges close unplanned'],
    ['2025-01-08', '2025-01-10', '2025-01-09', '2025-01-13', 4, 'over an unplanned closure'],
    [
      '2024-05-24',
      '2024-05-28',
      '2024-05-29',
      '2024-05-29',
      0,
      'the last T+2 day and the first T+1 day settle together',
    ],
    ['2024-05-23', '2024-05-24', '2024-05-28', '2024-05-29', 1, 'T+2 to its end'],
    ['2027-12-30', '2027-12-31', '2027-12-31', '2028-01-03', 3, 'Saturday New Year 2028 is not observed'],
    ['2028-11-09', '2028-11-10', '2028-11-10', '2028-11-13', 3, 'Saturday Veterans Day 2028 is not observed'],
    ['2026-07-01', '2026-07-02', '2026-07-02', '2026-07-06', 4, 'Independence Day 2026 is observed on Friday'],
    ['2026-11-03', '2026-11-03', '2026-11-04', '2026-11-04', 0, 'equal dates'],
    ['2026-02-27', '2026-03-02', '2026-03-02', '2026-03-03', 1, 'February of a common year'],
    ['2028-02-28', '2028-02-29', '2028-02-29', '2028-03-01', 1, 'a leap day'],
  ])('%s to %s settles %s to %s: %i days (%s)', (short, cover, shortSettles, coverSettles, days, _why) => {
    expect(stay(short, cover)).toMatchObject({ shortSettles, coverSettles, days })
  })

  test('the schedule has a row for each settlement day, with the closed days that follow it', () => {
    expect(stay('2026-10-06', '2026-10-14').schedule).toEqual([
      { valueDate: '2026-10-07', days: 1 },
      { valueDate: '2026-10-08', days: 1 },
      { valueDate: '2026-10-09', days: 4 },
      { valueDate: '2026-10-13', days: 1 },
      { valueDate: '2026-10-14', days: 1 },
    ])
    expect(stay('2026-11-03', '2026-11-03').schedule).toEqual([])
  })

  test('every trading day of 2024 to 2028: the schedule foots, runs without a gap, and starts on settlement days only', () => {
    const last = dayNumber(on('2028-12-22'))
    for (let day = dayNumber(on('2024-01-02')); day <= last; day += 1) {
      const start = dateOfDay(day)
      if (!isTradingDay(start, US_SETTLEMENT_CALENDAR)) continue
      let end = Math.min(day + 45, last)
      while (!isTradingDay(dateOfDay(end), US_SETTLEMENT_CALENDAR)) end -= 1
      const found = accrual(start, dateOfDay(end), US_SETTLEMENT_CALENDAR)
      expect(found.days).toBe(dayNumber(found.coverSettles) - dayNumber(found.shortSettles))
      let expected = dayNumber(found.shortSettles)
      for (const period of found.schedule) {
        expect(dayNumber(period.valueDate)).toBe(expected)
        expect(isWeekend(expected) || US_SETTLEMENT_CALENDAR.settlementClosures.has(period.valueDate)).toBe(false)
        expected += period.days
      }
      expect(dateOfDay(expected)).toBe(found.coverSettles)
    }
  })
})

describe('a pair of dates that cannot be priced says which date and why', () => {
  test.each([
    ['2026-07-03', '2026-07-06', 'start_date', 'the nearest are 2026-07-02 and 2026-07-06'],
    ['2026-07-02', '2026-07-04', 'end_date', 'the nearest are 2026-07-02 and 2026-07-06'],
    ['2025-01-09', '2025-01-10', 'start_date', 'the nearest are 2025-01-08 and 2025-01-10'],
    ['2024-01-01', '2024-01-02', 'start_date', 'the nearest is 2024-01-02'],
    ['2026-11-05', '2026-11-04', 'start_date', 'must not be after end_date'],
    ['2023-12-29', '2024-01-02', 'start_date', '2024-01-01 to 2028-12-31'],
    ['2028-12-28', '2029-01-02', 'end_date', '2024-01-01 to 2028-12-31'],
    ['2028-12-28', '2028-12-29', 'end_date', 'must settle within'],
    ['2026-01-05', '2027-01-07', 'end_date', 'more than 365 accrual days'],
    ['2026-02-30', '2026-03-03', 'start_date', 'must be a date that exists'],
    ['2026-03-03', '2026-3-4', 'end_date', 'must be a date that exists'],
  ])('%s to %s: %s %s', (start, end, field, part) => {
    const found = refusal(start, end)
    expect(found.field).toBe(field)
    expect(found.message).toContain(part)
  })

  test('365 accrual days are priced, 366 are refused', () => {
    expect(stay('2026-01-05', '2027-01-05').days).toBe(365)
    expect(refusal('2026-01-05', '2027-01-06').message).toContain('these dates accrue 366')
  })
})

describe('the settlement cycle', () => {
  test.each([
    ['2017-09-01', 3],
    ['2017-09-04', 3],
    ['2017-09-05', 2],
    ['2024-05-27', 2],
    ['2024-05-28', 1],
    ['2026-11-02', 1],
  ])('%s settles T+%i', (date, days) => {
    expect(settlementCycleDays(on(date))).toBe(days)
  })

  test('the last T+3 day and the first T+2 day settle together, on 2017-09-07', () => {
    const closures = new Set(['2017-09-04'])
    const of2017 = { firstYear: 2017, lastYear: 2017, tradingClosures: closures, settlementClosures: closures }
    expect(settlementDate(on('2017-09-01'), of2017)).toBe('2017-09-07')
    expect(settlementDate(on('2017-09-05'), of2017)).toBe('2017-09-07')
  })

  test('a settlement in a year whose closures are not known is refused, not guessed', () => {
    expect(() => settlementDate(on('2028-12-29'), US_SETTLEMENT_CALENDAR)).toThrow(RangeError)
  })
})

describe('the closures', () => {
  test('every listed day is a weekday that exists, within the years, in order and once', () => {
    for (const list of [HOLIDAYS, UNPLANNED_EXCHANGE_CLOSURES, BANK_HOLIDAYS_WITH_TRADING]) {
      expect([...new Set(list)].sort()).toEqual([...list])
      for (const text of list) {
        expect(asIsoDate(text)).toBe(text)
        expect(isWeekend(dayNumber(on(text)))).toBe(false)
        expect(text >= '2024-01-01' && text <= '2028-12-31').toBe(true)
      }
    }
  })

  test('trading and settlement differ by the bank holidays and by the unplanned closure, and by nothing else', () => {
    const { tradingClosures, settlementClosures } = US_SETTLEMENT_CALENDAR
    expect([...settlementClosures].filter((date) => !tradingClosures.has(date)).sort()).toEqual([
      ...BANK_HOLIDAYS_WITH_TRADING,
    ])
    expect([...tradingClosures].filter((date) => !settlementClosures.has(date))).toEqual(['2025-01-09'])
  })

  test.each([
    [2024, 10],
    [2025, 10],
    [2026, 10],
    [2027, 10],
    [2028, 9],
  ])('%i has %i announced holidays', (year, count) => {
    expect(HOLIDAYS.filter((date) => date.startsWith(`${year}-`))).toHaveLength(count)
  })
})

describe('days', () => {
  test('agree with the platform for every day from 1899 to 2101, both ways', () => {
    const first = Date.UTC(1899, 0, 1) / 86_400_000
    const last = Date.UTC(2101, 11, 31) / 86_400_000
    for (let day = first; day <= last; day += 1) {
      const date = new Date(day * 86_400_000)
      const text = date.toISOString().slice(0, 10) as IsoDate
      if (dateOfDay(day) !== text || dayNumber(text) !== day || isWeekend(day) !== [0, 6].includes(date.getUTCDay())) {
        expect.fail(`${text} is day ${day}, got ${dateOfDay(day)} and ${dayNumber(text)}`)
      }
    }
  })

  test.each(['2026-02-29', '2026-13-01', '2026-00-10', '2026-04-31', '2026-1-1', '20260101', '2026-01-01T00:00', ''])(
    '"%s" is not a date',
    (text) => {
      expect(asIsoDate(text)).toBeNull()
    },
  )
})
