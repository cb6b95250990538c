import { expect, test } from 'vitest'
import { drift, growthOf, least } from './slope.ts'

test('the slope is that of the line of least squares', () => {
  expect(
    drift([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toBe(2)
  expect(
    drift([
      [0, 0],
      [1, 2],
      [2, 1],
    ]),
  ).toBe(0.5)
  expect(drift([[1, 7]])).toBe(0)
})

test('of each slice the least is kept', () => {
  const samples = [5, 3, 4, 9, 8, 7, 6].map((mib) => ({ mib }))
  expect(least(samples, 'mib', 2).map(({ mib }) => mib)).toEqual([3, 6])
  expect(least([{ mib: 1 }], 'mib', 8)).toEqual([{ mib: 1 }])
})

test.each([
  [
    'flat',
    [
      [10, 100],
      [100, 101],
      [1_000, 99],
    ],
  ],
  [
    'logarithmic',
    [
      [10, 100],
      [100, 130],
      [1_000, 160],
    ],
  ],
  [
    'linear',
    [
      [10, 1],
      [100, 10],
      [1_000, 101],
    ],
  ],
  [
    'super-linear',
    [
      [10, 1],
      [100, 100],
      [1_000, 10_000],
    ],
  ],
] as const)('a cost can be %s', (verdict, points) => {
  expect(growthOf(points).verdict).toBe(verdict)
})

test('the steepest step is told too', () => {
  const { per_tenfold, steepest_per_tenfold } = growthOf([
    [1, 10],
    [10, 10],
    [100, 20],
  ])
  expect(steepest_per_tenfold).toBeCloseTo(2, 10)
  expect(per_tenfold).toBeCloseTo(Math.SQRT2, 10)
})
