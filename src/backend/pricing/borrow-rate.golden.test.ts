import { describe, expect, test } from 'vitest'
import { borrowRate, DEFAULT_FLOOR_RATE, DESK_V1, type PricingModel, STANDARD_V1 } from './borrow-rate.ts'
import { decimal } from './decimal.ts'
import { asIndexPoints, asRate } from './units.ts'

const index = (points: string) => asIndexPoints(decimal(points))
const rate = (fraction: string) => asRate(decimal(fraction))

function rateOf(model: PricingModel, lender: string, volatility: string, events: number, floor?: string) {
  const market = { stockVolatility: null, volatilityIndex: index(volatility), eventRiskFactor: events }
  return borrowRate(rate(lender), market, floor === undefined ? DEFAULT_FLOOR_RATE : rate(floor), model)
}

describe('the rates that the documentation promises', () => {
  test.each([
    // model      lender    index   events  floor      rate
    [STANDARD_V1, '0.05', '25', 2, '0.0001', '0.063'],
    [STANDARD_V1, '0.05', '15', 0, '0.0001', '0.0575'],
    [STANDARD_V1, '0.10', '30', 5, '0.0001', '0.1325'],
    [STANDARD_V1, '0.50', '50', 10, '0.0001', '0.775'],
    [STANDARD_V1, '0.01', '10', 0, '0.03', '0.03'],
    [DESK_V1, '0.15', '24.5', 5, '0.0001', '0.23175'],
  ] as [PricingModel, string, string, number, string, string][])(
    '$model: lender %s, index %s, event risk %i, floor %s makes %s',
    (model, lender, volatility, events, floor, expected) => {
      expect(rateOf(model, lender, volatility, events, floor).rate.toString()).toBe(expected)
    },
  )
})

describe('the edges of the formula', () => {
  test('volatility at or below the threshold adds nothing and never discounts', () => {
    for (const volatility of ['0', '12.5', '20'])
      expect(rateOf(DESK_V1, '0.15', volatility, 0).rate.toString()).toBe('0.15')
  })

  test('the multiplier stops at its cap, and the rate says so', () => {
    const found = rateOf(STANDARD_V1, '0.10', '450', 10)
    expect(found).toMatchObject({ capApplied: true, floorApplied: false })
    expect(found.withEvents.toString()).toBe('5.550')
    expect(found.rate.toString()).toBe('0.5')
    expect(rateOf(STANDARD_V1, '0.10', '400', 0).capApplied).toBe(false)
  })

  test('rates above 1000 % are priced like any other', () => {
    expect(rateOf(STANDARD_V1, '10.1663', '20', 0).rate.toString()).toBe('12.19956')
    expect(rateOf(STANDARD_V1, '100', '500', 10).rate.toString()).toBe('500')
  })

  test('a lender rate of zero is charged at the floor', () => {
    expect(rateOf(STANDARD_V1, '0', '35', 10)).toMatchObject({ floorApplied: true })
    expect(rateOf(STANDARD_V1, '0', '35', 10).rate.toString()).toBe('0.0001')
  })

  test('a floor equal to the rate has not been applied', () => {
    expect(rateOf(DESK_V1, '0.03', '20', 0, '0.03').floorApplied).toBe(false)
  })

  test('the rate is rounded half-up to 8 decimals, once, at the end', () => {
    expect(rateOf(STANDARD_V1, '0.00000001', '50', 0, '0').rate.toString()).toBe('0.00000002')
    expect(rateOf(STANDARD_V1, '0.00000001', '49', 0, '0').rate.toString()).toBe('0.00000001')
    // 0.0000001 x 1.469: with the volatility step rounded on the way (0.00000014), the events would end at 0.00000014.
    expect(rateOf(STANDARD_V1, '0.0000001', '44.9', 4, '0').rate.toString()).toBe('0.00000015')
  })

  test("a model made for the index never takes the stock's own volatility; the default does when there is one", () => {
    const market = { stockVolatility: index('90'), volatilityIndex: index('20'), eventRiskFactor: 0 }
    const standard = borrowRate(rate('0.10'), market, DEFAULT_FLOOR_RATE, STANDARD_V1)
    const desk = borrowRate(rate('0.10'), market, DEFAULT_FLOOR_RATE, DESK_V1)
    expect([standard.volatilityOf, standard.rate.toString()]).toEqual(['stock', '0.19'])
    expect([desk.volatilityOf, desk.rate.toString()]).toEqual(['index', '0.1'])
  })

  test.each([-1, 11, 2.5, Number.NaN])('an event risk factor of %d is an error', (factor) => {
    expect(() => rateOf(STANDARD_V1, '0.05', '20', factor)).toThrow(RangeError)
  })

  test('a negative lender rate is an error, not a price', () => {
    expect(() => rateOf(STANDARD_V1, '-0.01', '20', 0)).toThrow(RangeError)
  })
})
