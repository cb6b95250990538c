import { expect, test } from 'vitest'
import { drawnPoints, spansOf } from './time-chart-primitives.ts'

test('neighbours are one span, both ends included', () => {
  expect(spansOf([])).toEqual([])
  expect(spansOf([false, false])).toEqual([])
  expect(spansOf([true, true, false, true])).toEqual([
    { from: 0, to: 1 },
    { from: 3, to: 3 },
  ])
})

test('a line ends where a hole begins, holding its value to there; at its own end nothing is added', () => {
  const drawn = drawnPoints([null, 1, null, null, 2, null])
  expect(drawn.map(({ value }) => value)).toEqual([null, 1, 1, null, 2, null])
  expect(drawn.map(({ endsHere }) => endsHere)).toEqual([false, false, true, false, false, false])
})
