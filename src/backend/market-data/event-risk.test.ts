import { describe, expect, test } from 'vitest'
import type { IsoDate } from '../pricing/units.ts'
import { acceptRiskFactor, eventRisk, eventWindow, type MarketEvent } from './event-risk.ts'

const on = (date: string): IsoDate => date as IsoDate
const event = (type: string, date: string, riskFactor: number | null = null): MarketEvent => ({
  type,
  date: on(date),
  riskFactor,
})
const window = { from: on('2026-11-24'), to: on('2026-12-08') }

describe('the window', () => {
  test.each([
    ['no stay end', null, '2026-12-08'],
    ['a stay that ends sooner', '2026-11-30', '2026-12-08'],
    ['a stay that ends later', '2027-01-15', '2027-01-15'],
    ['a stay beyond 90 days', '2027-09-01', '2027-02-22'],
    ['a stay of the past', '2026-01-05', '2026-12-08'],
  ])('%s: to %s', (_case, stayEnd, to) => {
    expect(eventWindow(on('2026-11-24'), stayEnd === null ? null : on(stayEnd))).toEqual({
      from: '2026-11-24',
      to,
    })
  })
})

describe('the risk', () => {
  test('without events is 0', () => {
    expect(eventRisk([], window)).toEqual({ factor: 0, events: [] })
  })

  test('is the highest of the events in the window, both ends included', () => {
    const risk = eventRisk(
      [
        event('merger', '2026-12-09'),
        event('earnings', '2026-12-08'),
        event('conference', '2026-11-24'),
        event('split', '2026-11-23'),
      ],
      window,
    )
    expect(risk.factor).toBe(7)
    expect(risk.events.map((each) => each.type)).toEqual(['conference', 'earnings'])
  })

  test.each([
    ['earnings', 7],
    ['dividend', 4],
    ['split', 6],
    ['merger', 9],
    ['acquisition', 8],
    ['product', 5],
    ['regulatory', 8],
    ['investor_day', 4],
    ['conference', 2],
  ])('of %s is %i when the feed names none', (type, factor) => {
    expect(eventRisk([event(type, '2026-12-01')], window).events[0]).toMatchObject({
      riskFactor: factor,
      assumed: false,
    })
  })

  test('of an unknown type without a factor is 5, marked as assumed', () => {
    expect(eventRisk([event('eclipse', '2026-12-01')], window)).toEqual({
      factor: 5,
      events: [{ type: 'eclipse', date: '2026-12-01', riskFactor: 5, assumed: true }],
    })
  })

  test('of an unknown type with a factor is the feed’s', () => {
    expect(eventRisk([event('eclipse', '2026-12-01', 3)], window).events[0]).toMatchObject({
      riskFactor: 3,
      assumed: false,
    })
  })

  test('of a known type follows the feed’s factor, also when that is 0', () => {
    expect(eventRisk([event('earnings', '2026-12-01', 0)], window).factor).toBe(0)
  })
})

test.each([
  [0, 0],
  [10, 10],
  [11, 10],
  [250, 10],
  [-1, null],
  [2.5, null],
  [Number.NaN, null],
])('a feed’s factor %d is taken as %s', (given, taken) => {
  expect(acceptRiskFactor(given)).toBe(taken)
})
