import { expect, test } from 'vitest'
import { spansOf } from './time-chart-primitives.ts'

test('neighbours are one span, both ends included', () => {
  expect(spansOf([])).toEqual([])
  expect(spansOf([false, false])).toEqual([])
  expect(spansOf([true, true, false, true])).toEqual([
    { from: 0, to: 1 },
    { from: 3, to: 3 },
  ])
})
