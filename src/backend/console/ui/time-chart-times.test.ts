import { expect, test } from 'vitest'
import { axisTime } from './time-chart-times.ts'

test('an axis names what begins: a year, a month, a day; the time within it', () => {
  const at = Date.parse('2026-11-29T09:05:30Z') / 1000
  expect([0, 1, 2, 3].map((weight) => axisTime(at, weight))).toEqual(['2026', 'Nov', '29 Nov', '09:05'])
})
