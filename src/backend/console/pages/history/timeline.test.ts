import { describe, expect, test } from 'vitest'
import type { RatePointAnswer, RateRowAnswer } from '../../../client/index.ts'
import { fraction, indexPoints } from '../../../client/units.ts'
import { csvName, historyCsv } from './csv.ts'
import type { AskedRange } from './range.ts'
import { guessesOf, placeOf, timeline, withLivePoints } from './timeline.ts'

const at = (hour: number) => Date.parse('2026-11-29T00:00:00Z') + hour * 3_600_000
const point = (hour: number, rate: string, more: Partial<RatePointAnswer> = {}): RatePointAnswer => ({
  time: new Date(at(hour)).toISOString(),
  borrow_rate: fraction(rate),
  lender_rate: fraction(rate),
  volatility_index: indexPoints('20'),
  event_risk_factor: 0,
  availability: { shares: 500, at_least: false },
  ...more,
})
const RANGE: AskedRange = { fromMs: at(0), toMs: at(4.5), interval: '1h', endsNow: true }
const hours = (times: readonly number[]) => times.map((seconds) => (seconds * 1000 - at(0)) / 3_600_000)

describe('a timeline', () => {
  test('has all times of its range; before the first rate there is a hole', () => {
    const { times, series, lastAt } = timeline(
      [{ ticker: 'GME', points: [point(3, '0.1'), point(4.5, '0.2')] }],
      RANGE,
      [],
    )
    expect(hours(times)).toEqual([1, 2, 3, 4, 4.5])
    expect(series[0]?.points.map((told) => told?.borrow_rate ?? null)).toEqual([null, null, '0.1', null, '0.2'])
    expect(lastAt).toBe(4)
  })

  test('has the times of all names, and that of the moment that the stream tells of', () => {
    const told = [
      { ticker: 'GME', points: [point(4.5, '0.1'), point(4.6, '0.3')] },
      { ticker: 'AMC', points: [point(4.5, '0.2')] },
    ]
    const { times, series } = timeline(told, RANGE, [])
    expect(hours(times)).toEqual([1, 2, 3, 4, 4.5, 4.6])
    expect(series[1]?.points.at(-1)).toBeNull()
  })

  test('goes on to the events ahead, as far as the range has room for them', () => {
    const { times, lastAt } = timeline([{ ticker: 'GME', points: [point(4.5, '0.1')] }], RANGE, [at(5.3), at(30)])
    expect(hours(times)).toEqual([1, 2, 3, 4, 4.5, 5, 5.3])
    expect(lastAt).toBe(4)
    expect(placeOf(times, at(5.3))).toBe(6)
    expect(placeOf(times, at(30))).toBeNull()
    const past = timeline([{ ticker: 'GME', points: [point(4.5, '0.1')] }], { ...RANGE, endsNow: false }, [at(5.3)])
    expect(hours(past.times).at(-1)).toBe(4.5)
  })

  test('of nothing has the times of its range all the same', () => {
    expect(timeline([], RANGE, []).times).toHaveLength(5)
  })
})

test('the stream adds a point when it tells something else than the last one', () => {
  const row: RateRowAnswer = {
    ticker: 'GME',
    name: null,
    current_rate: fraction('0.1'),
    previous_close_rate: null,
    borrow_status: 'HARD',
    lender_rate: fraction('0.1'),
    lender_as_of: '2026-11-29T00:00:00Z',
    volatility_index: indexPoints('20'),
    event_risk_factor: 0,
    availability: { shares: 500, at_least: false },
    rebate_rate: null,
    last_updated: null,
    degraded: [],
  }
  const told = [
    { ticker: 'GME', points: [point(4, '0.1')] },
    { ticker: 'AMC', points: [point(4, '0.3')] },
  ]
  const other = { ...row, current_rate: fraction('0.3'), lender_rate: fraction('0.3') }
  const live = (rows: readonly (RateRowAnswer | undefined)[], hour: number) =>
    withLivePoints(told, rows, at(hour)).map(({ points }) => points.slice(1))
  expect(live([row, other], 4.1)).toEqual([[], []])
  expect(live([undefined, other], 4.1)).toEqual([[], []])
  // All names have a point at the same moment.
  expect(live([{ ...row, current_rate: fraction('0.12') }, other], 4.1)).toMatchObject([
    [{ time: '2026-11-29T04:06:00.000Z', borrow_rate: '0.12' }],
    [{ time: '2026-11-29T04:06:00.000Z', borrow_rate: '0.3' }],
  ])
  // A stand-in is no rate of the lender; and a clock that is behind makes no point before the last.
  expect(live([{ ...row, lender_as_of: null }, other], 3)[0]).toMatchObject([
    { time: '2026-11-29T04:00:01.000Z', lender_rate: null },
  ])
})

test('a guess says what it is', () => {
  expect(guessesOf(point(1, '0.1'))).toEqual([])
  expect(guessesOf(point(1, '0.1', { lender_rate: null, event_risk_factor: null }))).toEqual([
    'the lender gave no rate',
    'no calendar was known, 0 stood in',
  ])
})

test('the points can be had as CSV, exact, with nothing where nothing was known', () => {
  const series = [
    {
      ticker: 'GME',
      points: [null, point(1, '0.01742624', { lender_rate: null, availability: { shares: null, at_least: false } })],
    },
  ]
  expect(historyCsv(series)).toBe(
    'time,ticker,borrow_rate,lender_rate,volatility_index,event_risk_factor,shares,shares_at_least\r\n' +
      '2026-11-29T01:00:00.000Z,GME,0.01742624,,20,0,,false\r\n',
  )
  expect(csvName(series, { from: '2026-11-01', to: '2026-11-29' })).toBe('history-GME-2026-11-01-to-2026-11-29.csv')
})
