import { describe, expect, test } from 'vitest'
import { askedRange, datesOf } from './range.ts'

const NOW = Date.parse('2026-11-29T14:32:07Z')
const told = (search: Parameters<typeof askedRange>[0]) => {
  const { fromMs, toMs, interval, endsNow } = askedRange(search, NOW)
  return [new Date(fromMs).toISOString().slice(0, 16), new Date(toMs).toISOString().slice(0, 16), interval, endsNow]
}

describe('a range', () => {
  test.each([
    ['1d', '2026-11-28T14:30', '5m'],
    ['5d', '2026-11-24T14:30', '15m'],
    ['1m', '2026-10-29T14:30', '1h'],
    ['1y', '2025-11-28T14:30', '1d'],
  ] as const)('of %s begins at %s and has a point each %s', (range, from, interval) => {
    expect(told({ range })).toEqual([from, '2026-11-29T14:30', interval, true])
  })

  test('is a month when nothing is said', () => {
    expect(told({})).toEqual(told({ range: '1m' }))
  })

  test('of own dates has both days whole, and no time to come', () => {
    expect(told({ from: '2026-01-05', to: '2026-01-05' })).toEqual([
      '2026-01-05T00:00',
      '2026-01-06T00:00',
      '5m',
      false,
    ])
    expect(told({ from: '2026-11-01', to: '2026-11-29' })).toEqual(['2026-11-01T00:00', '2026-11-29T14:30', '1h', true])
    expect(told({ from: '2020-01-01' })).toEqual(['2020-01-01T00:00', '2026-11-29T14:30', '1d', true])
  })

  test('that is shown is where own dates begin', () => {
    expect(datesOf(askedRange({ range: '5d' }, NOW))).toEqual({ from: '2026-11-24', to: '2026-11-29' })
    const day = { from: '2026-01-05', to: '2026-01-05' }
    expect(datesOf(askedRange(day, NOW))).toEqual(day)
  })
})
