import { describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { age, basisPoints, change, columns, grouped, moment, oneScale, percentPoints, shares } from './formats.ts'

test.each([
  ['0.1757595', '17.57595'],
  ['0.05', '5'],
  ['1', '100'],
  ['-0.00125', '-0.125'],
])('the fraction %s is %s percent, exactly', (fraction, percent) => {
  expect(percentPoints(decimal(fraction)).toString()).toBe(percent)
})

test('a difference of fractions is shown in basis points, exactly', () => {
  expect(basisPoints(decimal('0.0049875')).toString()).toBe('49.875')
})

describe('amounts', () => {
  test.each([
    ['50000.00', '50,000.00', '+50,000.00'],
    ['525000025.00', '525,000,025.00', '+525,000,025.00'],
    ['-1234.50', '−1,234.50', '−1,234.50'],
    ['999', '999', '+999'],
    ['0.00', '0.00', ''],
  ])('%s is written %s, as a change %s', (value, text, changed) => {
    expect(grouped(decimal(value))).toBe(text)
    expect(change(decimal(value))).toBe(changed)
  })
})

test('a column has one count of decimals, and rounds nothing away', () => {
  const values = ['5', '6.25', '6.3000'].map(decimal)
  expect(oneScale(values, 1).map(String)).toEqual(['5.00', '6.25', '6.30'])
})

test('unknown shares are a word, a cap is a cap, and none are none', () => {
  expect(shares(null)).toBe('unknown')
  expect(shares({ shares: null, at_least: false })).toBe('unknown')
  expect(shares({ shares: 10_000_000, at_least: true })).toBe('>10,000,000')
  expect(shares({ shares: 0, at_least: false })).toBe('0')
})

test.each([
  [12.9, '12 s'],
  [240, '4 min'],
  [3600, '1 h'],
  [11_460, '3 h 11 min'],
  [172_800, '2 d'],
])('%d seconds are %s', (seconds, text) => {
  expect(age(seconds)).toBe(text)
})

test('times are UTC and say so', () => {
  expect(moment('2026-11-23T14:32:07.123Z')).toBe('23 Nov 2026 14:32:07 UTC')
})

test('columns are aligned, figures to the right, and no line ends in spaces', () => {
  const heads = [
    { heading: 'Ticker', align: 'left' },
    { heading: '%', align: 'right' },
  ] as const
  expect(
    columns(heads, [
      ['GME', '17.576'],
      ['A', ''],
    ]),
  ).toEqual(['Ticker       %', 'GME     17.576', 'A'])
})
