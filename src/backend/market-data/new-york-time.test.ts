import { expect, test } from 'vitest'
import type { IsoDate } from '../pricing/units.ts'
import { newYorkDate, newYorkInstant } from './new-york-time.ts'

test.each([
  ['2025-12-28', '15:14:44', '2025-12-28T20:14:44.000Z', 'winter'],
  ['2025-07-01', '09:30:00', '2025-07-01T13:30:00.000Z', 'summer'],
  ['2025-12-31', '23:59:59', '2026-01-01T04:59:59.000Z', 'across midnight UTC'],
  ['2026-03-08', '01:59:59', '2026-03-08T06:59:59.000Z', 'the last second before spring'],
  ['2026-03-08', '03:00:00', '2026-03-08T07:00:00.000Z', 'the first second after it'],
  ['2026-03-08', '02:30:00', '2026-03-08T07:30:00.000Z', 'an hour that does not exist'],
  ['2026-11-01', '01:30:00', '2026-11-01T05:30:00.000Z', 'an hour that comes twice: the earlier one'],
  ['2026-11-01', '02:00:00', '2026-11-01T07:00:00.000Z', 'after autumn'],
])('%s %s in New York is %s: %s', (date, time, instant) => {
  expect(newYorkInstant(date as IsoDate, time).toISOString()).toBe(instant)
})

test.each([
  ['2026-11-24T04:59:59Z', '2026-11-23'],
  ['2026-11-24T05:00:00Z', '2026-11-24'],
  ['2026-07-24T03:59:59Z', '2026-07-23'],
  ['2026-07-24T04:00:00Z', '2026-07-24'],
])('at %s the date in New York is %s', (instant, date) => {
  expect(newYorkDate(new Date(instant))).toBe(date)
})
