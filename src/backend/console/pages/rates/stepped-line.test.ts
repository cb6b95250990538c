import { expect, test } from 'vitest'
import { fraction } from '../../../client/units.ts'
import { axisTicks, steppedPath } from './stepped-line.ts'
import { lastWeekdays } from './trading-days.ts'

const DAYS = lastWeekdays(Date.parse('2026-11-23T14:32:07Z'))
const BOX = { width: 100, height: 20, inset: 2 }
const point = (time: string, rate: string) => ({ timeMs: Date.parse(time), rate: fraction(rate) })

test('a rate holds until it changes: a line of steps, the highest on top', () => {
  const path = steppedPath(
    [
      point('2026-11-17T05:00:00Z', '0.16'),
      point('2026-11-18T05:00:00Z', '0.18'),
      point('2026-11-19T05:00:00Z', '0.17'),
      point('2026-11-23T17:00:00Z', '0.17'),
    ],
    DAYS,
    BOX,
  )
  expect(path).toBe('M0 18H20V2H40V10H90')
})

test('a rate that never moved is a line through the middle, and no point is no line', () => {
  expect(steppedPath([point('2026-11-17T05:00:00Z', '0.05'), point('2026-11-20T05:00:00Z', '0.05')], DAYS, BOX)).toBe(
    'M0 10H60',
  )
  expect(steppedPath([], DAYS, BOX)).toBeNull()
  expect(steppedPath([point('2026-11-16T12:00:00Z', '0.05')], DAYS, BOX)).toBeNull()
})

test('ticks of an axis are round figures around the rates', () => {
  const labels = (low: number, high: number) => axisTicks(low, high).map(({ label }) => label)
  expect(labels(16.2, 17.6)).toEqual(['16.0', '16.5', '17.0', '17.5', '18.0'])
  expect(labels(104, 131)).toEqual(['100', '110', '120', '130', '140'])
  for (const [low, high] of [
    [0.25, 0.25],
    [0, 0],
    [73.7, 73.702],
    [0.0001, 900],
  ] as const) {
    const ticks = axisTicks(low, high)
    expect(ticks.length).toBeGreaterThanOrEqual(2)
    expect(ticks.length).toBeLessThanOrEqual(6)
    expect(ticks[0]?.at).toBeLessThanOrEqual(low)
    expect(ticks.at(-1)?.at).toBeGreaterThanOrEqual(high)
    expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length)
  }
})
