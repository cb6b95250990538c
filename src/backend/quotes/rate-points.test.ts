// Rates of the past, one case a line: what was kept of the inputs, and what a chart gets. Times are of 24 November 2026 in UTC, where New
// York's day begins at 05:00.
import { describe, expect, test } from 'vitest'
import type { KnownEvent, RateInputsOverTime, RecordedRate, RecordedVolatility } from '../market-data/rate-history.ts'
import { DESK_V1, type PricingModel, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asRate, type IsoDate } from '../pricing/units.ts'
import { countPoints, fittingInterval, INTERVAL_SECONDS, POINTS_MAX, ratePoints } from './rate-points.ts'

const at = (time: string) => new Date(time.includes('T') ? time : `2026-11-24T${time}Z`)
const FLOOR = asRate(decimal('0.0001'))
const LIMIT = { freshSeconds: 900, staleSeconds: 5 * 86_400 }

/** `10:00 0.05`, `10:00 -` where the lender gave none; a trailing `last 0.05` is the one it gave before. */
function said(line: string): RecordedRate {
  const [time = '', rate = '-', , last] = line.split(' ')
  const given = rate === '-' ? null : asRate(decimal(rate))
  return {
    asOf: at(time),
    rate: given,
    lastRate: given ?? (last === undefined ? null : asRate(decimal(last))),
    borrowStatus: null,
    availability: given === null ? { shares: 0, atLeast: false } : { shares: 1000, atLeast: true },
    provider: 'lender',
    demo: false,
  }
}

function volatility(line: string): RecordedVolatility {
  const [time = '', value = '', demo] = line.split(' ')
  return { asOf: at(time), value: asIndexPoints(decimal(value)), demo: demo === 'demo' }
}

/** `earnings 2026-12-01 7 from 09:00 to 10:00` */
function event(line: string): KnownEvent {
  const [type = '', date = '', factor = '', , from = '', , to] = line.split(' ')
  return {
    type,
    date: date as IsoDate,
    riskFactor: factor === '-' ? null : Number(factor),
    knownFrom: at(from),
    knownTo: to === undefined ? null : at(to),
  }
}

interface Case {
  readonly lender?: readonly string[]
  readonly index?: readonly string[]
  readonly own?: readonly string[]
  readonly events?: readonly string[]
  readonly calendarSince?: string
  readonly model?: PricingModel
  readonly from: string
  readonly to: string
  readonly seconds: number
}

function pointsOf(of: Case): string[] {
  const inputs: RateInputsOverTime = {
    lender: (of.lender ?? ['2026-11-01T00:00:00Z 0.05']).map(said),
    volatilityIndex: (of.index ?? ['2026-11-23T21:15:00Z 0']).map(volatility),
    stockVolatility: (of.own ?? []).map(volatility),
    events: (of.events ?? []).map(event),
    calendarSince: of.calendarSince === undefined ? at('2026-11-01T00:00:00Z') : at(of.calendarSince),
  }
  const range = { from: at(of.from), to: at(of.to), intervalSeconds: of.seconds }
  return ratePoints(inputs, range, of.model ?? STANDARD_V1, FLOOR, LIMIT).map((point) =>
    [
      point.time.toISOString().slice(11, 16),
      point.borrowRate,
      point.lenderRate ?? '-',
      point.volatility ?? '-',
      point.eventRiskFactor ?? '-',
      point.availability.shares,
    ].join(' '),
  )
}

describe('a point', () => {
  test('stands at the end of its interval, with what was in force then', () => {
    expect(
      pointsOf({
        lender: ['10:00:00 0.05', '10:20:00 0.06', '10:59:59.999 0.07', '12:00:00 0.08', '12:00:00.001 0.09'],
        from: '10:00:00',
        to: '13:00:00',
        seconds: 3600,
      }),
    ).toEqual(['11:00 0.07 0.07 0 0 1000', '12:00 0.08 0.08 0 0 1000', '13:00 0.09 0.09 0 0 1000'])
  })

  test('of an interval that is not over stands at the end of the range', () => {
    expect(pointsOf({ from: '10:10:00', to: '11:20:00', seconds: 3600 }).map((line) => line.slice(0, 5))).toEqual([
      '11:00',
      '11:20',
    ])
  })

  test('is made of the volatility that the model means, and says which', () => {
    const both = {
      index: ['2026-11-23T21:15:00Z 20'],
      own: ['09:00:00 100'],
      from: '10:00:00',
      to: '11:00:00',
      seconds: 3600,
    }
    expect(pointsOf(both)).toEqual(['11:00 0.1 0.05 100 0 1000'])
    expect(pointsOf({ ...both, model: DESK_V1 })).toEqual(['11:00 0.05 0.05 20 0 1000'])
  })

  test('changes with the index within a day', () => {
    expect(
      pointsOf({ index: ['09:00:00 10', '10:30:00 20'], from: '09:00:00', to: '11:00:00', seconds: 3600 }),
    ).toEqual(['10:00 0.055 0.05 10 0 1000', '11:00 0.06 0.05 20 0 1000'])
  })
})

describe('what is not known', () => {
  test('has no point before the first rate of the lender', () => {
    expect(
      pointsOf({ lender: ['10:30:00 -', '11:30:00 0.05'], from: '09:00:00', to: '13:00:00', seconds: 3600 }),
    ).toEqual(['12:00 0.05 0.05 0 0 1000', '13:00 0.05 0.05 0 0 1000'])
    expect(pointsOf({ lender: [], from: '09:00:00', to: '13:00:00', seconds: 3600 })).toEqual([])
  })

  test('is null: a lender that gives none leaves its last rate, and no volatility the stand-in of 20', () => {
    expect(
      pointsOf({
        lender: ['09:00:00 0.05', '10:30:00 - last 0.05'],
        index: [],
        calendarSince: '11:30:00',
        from: '10:00:00',
        to: '12:00:00',
        seconds: 3600,
      }),
    ).toEqual(['11:00 0.06 - - - 0', '12:00 0.06 - - 0 0'])
  })

  test('a volatility that nobody renews counts until its limit; demonstration data has none', () => {
    const old = { from: '2026-12-05T00:00:00Z', to: '2026-12-06T00:00:00Z', seconds: 86_400 }
    expect(pointsOf({ ...old, index: ['2026-11-30T00:00:00Z 30'] })).toEqual(['00:00 0.065 0.05 30 0 1000'])
    expect(pointsOf({ ...old, index: ['2026-11-29T23:59:59Z 30'] })).toEqual(['00:00 0.06 0.05 - 0 1000'])
    expect(pointsOf({ ...old, index: ['2026-01-01T00:00:00Z 30 demo'] })).toEqual(['00:00 0.065 0.05 30 0 1000'])
    expect(pointsOf({ ...old, own: ['2026-11-29T23:59:59Z 90'], index: ['2026-12-05T00:00:00Z 10'] })).toEqual([
      '00:00 0.055 0.05 10 0 1000',
    ])
  })
})

describe('events', () => {
  const factors = (of: Omit<Case, 'seconds'>) =>
    pointsOf({ ...of, seconds: 3600 }).map((line) => `${line.slice(0, 5)} ${line.split(' ')[4]}`)

  test('count from when they were known to when they no longer were; of several the highest', () => {
    expect(
      factors({
        events: [
          'earnings 2026-12-01 7 from 10:30:00 to 13:00:00',
          'dividend 2026-12-01 4 from 11:00:00 to 14:30:00',
          'merger 2027-03-01 10 from 09:00:00',
        ],
        from: '09:00:00',
        to: '15:00:00',
      }),
    ).toEqual(['10:00 0', '11:00 7', '12:00 7', '13:00 4', '14:00 4', '15:00 0'])
  })

  test('come into the window and leave it with the date in New York', () => {
    const known = { from: '2026-11-24T03:00:00Z', to: '2026-11-24T06:00:00Z' }
    expect(factors({ ...known, events: ['split 2026-12-08 6 from 2026-11-01T00:00:00Z'] })).toEqual([
      '04:00 0',
      '05:00 6',
      '06:00 6',
    ])
    expect(factors({ ...known, events: ['split 2026-11-23 6 from 2026-11-01T00:00:00Z'] })).toEqual([
      '04:00 6',
      '05:00 0',
      '06:00 0',
    ])
  })

  test('that the feed did not rate have the risk of their type', () => {
    expect(factors({ events: ['earnings 2026-12-01 - from 09:00:00'], from: '09:00:00', to: '10:00:00' })).toEqual([
      '10:00 7',
    ])
  })
})

describe('the number of points', () => {
  const range = (days: number) => ({ from: at('00:00:00'), to: new Date(at('00:00:00').getTime() + days * 86_400_000) })

  test.each([
    [1, '1m', 1440],
    [7, '1m', 10_080],
    [366, '1h', 8784],
    [366, '1d', 366],
  ] as const)('of %i days by %s is %i', (days, interval, count) => {
    expect(countPoints({ ...range(days), intervalSeconds: INTERVAL_SECONDS[interval] })).toBe(count)
  })

  test.each([
    [7, '1m'],
    [7.001, '5m'],
    [35, '5m'],
    [36, '15m'],
    [366, '1h'],
    [3660, '1d'],
    [20_000, null],
  ] as const)('lets a range of %d days have %s', (days, interval) => {
    expect(fittingInterval(range(days))).toBe(interval)
  })

  test('is that of the points there are', () => {
    for (const [from, to, seconds] of [
      ['10:00:00', '10:00:00', 60],
      ['10:00:30', '10:00:31', 60],
      ['10:00:59', '10:01:01', 60],
      ['10:00:00', '12:34:56', 300],
    ] as const) {
      const points = pointsOf({ from, to, seconds })
      expect(points).toHaveLength(countPoints({ from: at(from), to: at(to), intervalSeconds: seconds }))
    }
    expect(POINTS_MAX).toBeGreaterThan(366 * 24)
  })
})
