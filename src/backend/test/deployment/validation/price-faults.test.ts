// Each way in which a quote's figures can fail to hold together is seen, and named with the figures.
import { expect, test } from 'vitest'
import { priceFaults } from './price-faults.ts'

/** 100,000 USD at 5 % for 30 days of 365, with a markup of 5 % and a fee of 25 USD. */
const QUOTE = {
  total_fee: '456.51',
  breakdown: { borrow_cost: '410.96', markup: '20.55', transaction_fees: '25.00' },
  borrow_rate_used: '0.05',
  terms: { day_count: 'ACT/365' },
  waterfall: [
    { step: 'charged_value', unit: 'USD', before: '100000.00', after: '100000.00' },
    { step: 'lender_rate', unit: 'fraction', before: '0', after: '0.04' },
    { step: 'volatility', unit: 'fraction', before: '0.04', after: '0.05' },
    { step: 'borrow_cost', unit: 'USD', before: '0.00', after: '410.96' },
    { step: 'markup', unit: 'USD', before: '410.96', after: '431.51' },
    { step: 'transaction_fee', unit: 'USD', before: '431.51', after: '456.51' },
  ],
}

test('a price that holds together has none', () => {
  expect(priceFaults(QUOTE, 30)).toEqual([])
})

test('a cent beside is the rounding of the rate, two are not', () => {
  const at = (borrow_rate_used: string) =>
    priceFaults(
      {
        ...QUOTE,
        borrow_rate_used,
        waterfall: QUOTE.waterfall.map((step) =>
          step.step === 'volatility' ? { ...step, after: borrow_rate_used } : step,
        ),
      },
      30,
    )
  expect(at('0.050001')).toEqual([])
  expect(at('0.050003')).toEqual(['100000.00 x 0.050003 x 30 / 365 is 410.98, and borrow_cost is 410.96'])
})

test.each([
  ['another total', { total_fee: '456.52' }, '410.96 + 20.55 + 25.00 is 456.51, and total_fee is 456.52'],
  ['another rate', { borrow_rate_used: '0.06' }, "the rate's steps end at 0.05, and borrow_rate_used is 0.06"],
  [
    'a step that does not go on',
    { waterfall: QUOTE.waterfall.map((step) => (step.step === 'markup' ? { ...step, before: '400.00' } : step)) },
    'step markup goes on from 400.00, and borrow_cost ended at 410.96',
  ],
  ['no value to charge', { waterfall: QUOTE.waterfall.slice(1) }, 'there is no step charged_value'],
  ['a year that nobody knows', { terms: { day_count: '30/360' } }, 'no year is known for 30/360'],
])('%s', (_, changed, fault) => {
  expect(priceFaults({ ...QUOTE, ...changed }, 30)).toContain(fault)
})
