import { describe, expect, test } from 'vitest'
import type { DayCount } from './day-count.ts'
import { decimal } from './decimal.ts'
import fees from './fixtures/fees.json' with { type: 'json' }
import { type LocateFee, locateFee, marginalParts, type Terms } from './locate-fee.ts'
import { asPercentPoints, asRate, asUsd } from './units.ts'

const CLASSIC: Terms = {
  markupPercentage: asPercentPoints(decimal(5)),
  markupTiers: null,
  transactionFeeType: 'FLAT',
  transactionAmount: decimal(25),
  dayCount: 'ACT/365',
  conventionPack: 'notional',
  billing: 'term',
}

const usd = (amount: string) => asUsd(decimal(amount))
const feeOf = (value: string, days: number, rate: string, terms: Terms): LocateFee =>
  locateFee(usd(value), asRate(decimal(rate)), days, terms)
const lines = (fee: LocateFee): string[] => [fee.borrowCost, fee.markup, fee.transactionFee, fee.totalFee].map(String)

test.each([
  // position      days  rate      cost            markup         fee      total
  ['100000', 30, '0.05', '410.96', '20.55', '25.00', '456.51'],
  ['100000', 60, '0.05', '821.92', '41.10', '25.00', '888.02'],
  ['1000000', 1, '0.50', '1369.86', '68.49', '25.00', '1463.35'],
  ['1000000000', 365, '0.50', '500000000.00', '25000000.00', '25.00', '525000025.00'],
  ['0.01', 1, '0.0001', '0.00', '0.00', '25.00', '25.00'],
] as [string, number, string, string, string, string, string][])(
  'worked example: %s USD for %i days at %s',
  (value, days, rate, cost, markup, fee, total) => {
    expect(lines(feeOf(value, days, rate, CLASSIC))).toEqual([cost, markup, fee, total])
  },
)

describe('every worked bill of fixtures/fees.json, to the cent', () => {
  test.each(fees.cases.map((bill, index) => ({ index, ...bill })))(
    '$index: $position_value USD, $loan_days days at $borrow_rate, $markup_pct %, $fee_type $fee_amount, $day_count',
    (bill) => {
      const terms: Terms = {
        ...CLASSIC,
        markupPercentage: asPercentPoints(decimal(bill.markup_pct)),
        transactionFeeType: bill.fee_type as Terms['transactionFeeType'],
        transactionAmount: decimal(bill.fee_amount),
        dayCount: bill.day_count as DayCount,
      }
      const found = feeOf(bill.position_value, bill.loan_days, bill.borrow_rate, terms)
      expect(lines(found)).toEqual([bill.borrow_cost, bill.markup, bill.transaction_fees, bill.total_fee])
    },
  )

  test('there are 97 of them', () => {
    expect(fees.cases).toHaveLength(97)
  })
})

describe('the edges of a bill', () => {
  test('the total is the sum of the rounded lines, not the rounded sum', () => {
    // 821.917808... + 41.095890... + 25 is 888.013698..., which would not foot with 821.92 + 41.10 + 25.00.
    expect(feeOf('100000', 60, '0.05', CLASSIC).totalFee.toString()).toBe('888.02')
  })

  test('the markup is taken from the cost before it is rounded', () => {
    // 0.005123... is billed as 0.01; half of it is 0.0026, while half of the rounded cent would be a cent again.
    const half: Terms = { ...CLASSIC, markupPercentage: asPercentPoints(decimal(50)), transactionAmount: decimal(0) }
    expect(lines(feeOf('187', 1, '0.01', half))).toEqual(['0.01', '0.00', '0.00', '0.01'])
  })

  test('no rate is too small to be charged: 1 % of a million for a day is 27.40', () => {
    expect(feeOf('1000000', 1, '0.01', CLASSIC).borrowCost.toString()).toBe('27.40')
  })

  test('the day counts differ by 1.39 %', () => {
    expect(feeOf('1000000', 30, '0.10', CLASSIC).borrowCost.toString()).toBe('8219.18')
    expect(feeOf('1000000', 30, '0.10', { ...CLASSIC, dayCount: 'ACT/360' }).borrowCost.toString()).toBe('8333.33')
  })

  test('a PERCENTAGE fee is percent points of the charged value', () => {
    const percentage: Terms = { ...CLASSIC, transactionFeeType: 'PERCENTAGE', transactionAmount: decimal('0.5') }
    expect(lines(feeOf('100000', 30, '0.05', percentage))).toEqual(['410.96', '20.55', '500.00', '931.51'])
  })

  test('a stay of 0 days costs the transaction fee only, and still has a cost per day', () => {
    const found = feeOf('100000', 0, '0.05', CLASSIC)
    expect(lines(found)).toEqual(['0.00', '0.00', '25.00', '25.00'])
    expect(found.costPerDay.toString()).toBe('13.70')
  })

  test('billed daily, a term is the sum of its rounded days: 30 x 138.89 is 4166.70, the term 4166.67', () => {
    const us: Terms = { ...CLASSIC, dayCount: 'ACT/360', markupPercentage: asPercentPoints(decimal(0)) }
    expect(feeOf('100000', 30, '0.50', us).borrowCost.toString()).toBe('4166.67')
    expect(feeOf('100000', 30, '0.50', { ...us, billing: 'daily' }).borrowCost.toString()).toBe('4166.70')
  })
})

describe('marginal tiers', () => {
  const tiered: Terms = {
    ...CLASSIC,
    markupTiers: [
      { upTo: usd('100000'), markupPercentage: asPercentPoints(decimal(10)) },
      { upTo: usd('1000000'), markupPercentage: asPercentPoints(decimal(5)) },
      { upTo: null, markupPercentage: asPercentPoints(decimal(1)) },
    ],
  }

  test.each([
    ['0', ['0', '0', '0']],
    ['99999.99', ['99999.99', '0', '0']],
    ['100000', ['100000', '0', '0']],
    ['100000.01', ['100000', '0.01', '0']],
    ['600000', ['100000', '500000', '0']],
    ['3000000', ['100000', '900000', '2000000']],
  ] as [string, string[]][])('%s USD falls into %j', (value, parts) => {
    const found = marginalParts(usd(value), [usd('100000'), usd('1000000'), null])
    expect(found.map((part) => Number(part))).toEqual(parts.map(Number))
  })

  test('each tier marks up its own share of the cost, rounded by itself, then added', () => {
    // 36.5 % for one day is a thousandth: 100 at 10 %, 900 at 5 %, 2000 at 1 %.
    expect(lines(feeOf('3000000', 1, '0.365', tiered))).toEqual(['3000.00', '75.00', '25.00', '3100.00'])
    // 0.05 at 10 % and 0.10 at 5 % are half a cent each: two cents, not the one of their sum.
    const halves: Terms = {
      ...CLASSIC,
      markupTiers: [
        { upTo: usd('50'), markupPercentage: asPercentPoints(decimal(10)) },
        { upTo: null, markupPercentage: asPercentPoints(decimal(5)) },
      ],
    }
    expect(feeOf('150', 1, '0.365', halves).markup.toString()).toBe('0.02')
  })

  test('one open tier is the plain percentage', () => {
    const open: Terms = { ...CLASSIC, markupTiers: [{ upTo: null, markupPercentage: CLASSIC.markupPercentage }] }
    expect(lines(feeOf('123456.78', 17, '0.1234', open))).toEqual(lines(feeOf('123456.78', 17, '0.1234', CLASSIC)))
  })

  test('a value of zero has no markup', () => {
    expect(feeOf('0', 30, '0.5', tiered).markup.toString()).toBe('0.00')
  })
})
