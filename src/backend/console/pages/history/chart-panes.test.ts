import { expect, test } from 'vitest'
import { decimalsFor, panesOf } from './chart-panes.ts'
import type { Timeline } from './timeline.ts'

test('an axis has as many decimals as tell its lines apart', () => {
  expect(decimalsFor([1.7426, 1.8745, null])(1.75)).toBe('1.750')
  expect(decimalsFor([12, 276])(100)).toBe('100')
  expect(decimalsFor([16, 17.6])(17)).toBe('17.00')
  expect(decimalsFor([2, 2])(2)).toBe('2.000')
  expect(decimalsFor([])(0)).toBe('0.000')
})

test('an event is marked where its day begins, and not beside the range', () => {
  const day = (date: string) => Date.parse(date) / 1000
  const line: Timeline = {
    times: [day('2026-11-28'), day('2026-11-29'), day('2026-11-30'), day('2026-12-01')],
    series: [{ ticker: 'GME', points: [null, null, null, null] }],
    lastAt: 1,
  }
  const event = (date: string) => ({ type: 'investor_day', date, risk_factor: 4 })
  const marks = panesOf(line, ['2026-11-27', '2026-11-30', '2026-12-02'].map(event)).at(-1)?.marks
  expect(marks).toEqual([{ at: 2, words: 'investor day 4' }])
})
