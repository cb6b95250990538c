import { expect, test } from 'vitest'
import { lastWeekdays, placeOnAxis, weekdayName } from './trading-days.ts'

const isoOf = (starts: readonly number[]) => starts.map((ms) => new Date(ms).toISOString())

test('five weekdays end today, and begin at midnight in New York, in summer and in winter', () => {
  expect(isoOf(lastWeekdays(Date.parse('2026-11-23T14:32:07Z')))).toEqual([
    '2026-11-17T05:00:00.000Z',
    '2026-11-18T05:00:00.000Z',
    '2026-11-19T05:00:00.000Z',
    '2026-11-20T05:00:00.000Z',
    '2026-11-23T05:00:00.000Z',
  ])
  // The clocks go back on the Sunday between.
  expect(isoOf(lastWeekdays(Date.parse('2026-11-02T15:00:00Z'))).slice(-2)).toEqual([
    '2026-10-30T04:00:00.000Z',
    '2026-11-02T05:00:00.000Z',
  ])
})

test('on a weekend the last of them is the Friday, and an evening there is still its day', () => {
  expect(isoOf(lastWeekdays(Date.parse('2026-11-29T12:00:00Z'))).at(-1)).toBe('2026-11-27T05:00:00.000Z')
  expect(isoOf(lastWeekdays(Date.parse('2026-11-24T03:00:00Z'))).at(-1)).toBe('2026-11-23T05:00:00.000Z')
  expect(weekdayName('2026-11-21T01:00:00Z')).toBe('Friday')
})

test('a weekend takes no room on the axis: it is where the Friday ends', () => {
  const days = lastWeekdays(Date.parse('2026-11-23T14:32:07Z'))
  expect(placeOnAxis(Date.parse('2026-11-17T05:00:00Z'), days)).toBe(0)
  expect(placeOnAxis(Date.parse('2026-11-20T17:00:00Z'), days)).toBe(0.7)
  expect(placeOnAxis(Date.parse('2026-11-22T05:00:00Z'), days)).toBe(0.8)
  expect(placeOnAxis(Date.parse('2026-11-23T17:00:00Z'), days)).toBe(0.9)
  expect(placeOnAxis(Date.parse('2026-11-28T17:00:00Z'), days)).toBe(1)
  expect(placeOnAxis(Date.parse('2026-11-16T17:00:00Z'), days)).toBeNull()
})
