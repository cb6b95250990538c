import { describe, expect, expectTypeOf, test } from 'vitest'
import type { QuoteAnswer, TransactionFee } from './answers.ts'
import type { QuoteRequest } from './quotes.ts'
import {
  type Fraction,
  fraction,
  fromPercent,
  inPercent,
  type PercentPoints,
  percentPoints,
  type Usd,
  usd,
  usdPerShare,
} from './units.ts'

describe('a number is taken as it is written', () => {
  test.each([50_000, '50000.00', 0.05, -1, '-0.5', 10n, '123456789012345678901234567890.123'])('%s', (written) => {
    expect(usd(written)).toBe(String(written))
  })

  test.each(['1,000', '1e5', 1e21, 1e-7, Number.NaN, '', '.5', '5.', '007', '5 %', 'x'])('%s is none', (written) => {
    expect(() => usd(written)).toThrow(RangeError)
  })
})

describe('a fraction and its percent points are the same rate', () => {
  test.each([
    ['0.0625', '6.25'],
    ['0.05', '5'],
    ['1.874548', '187.4548'],
    ['0.00000001', '0.000001'],
    ['0', '0'],
    ['-0.1375', '-13.75'],
    ['12', '1200'],
    ['0.1', '10'],
  ])('%s is %s %%', (rate, points) => {
    expect(inPercent(fraction(rate))).toBe(points)
    expect(fromPercent(percentPoints(points))).toBe(rate)
  })

  test('zeros at the end are dropped', () => {
    expect(inPercent(fraction('0.17575950'))).toBe('17.57595')
    expect(fromPercent(percentPoints('5.0'))).toBe('0.05')
  })
})

describe('no unit stands for another', () => {
  test('as the compiler sees it', () => {
    expectTypeOf<Fraction>().toExtend<string>()
    expectTypeOf<Fraction>().not.toExtend<PercentPoints>()
    expectTypeOf<PercentPoints>().not.toExtend<Usd>()
    expectTypeOf<string>().not.toExtend<Usd>()
    expectTypeOf<number>().not.toExtend<Usd>()
    expectTypeOf(usdPerShare(1)).not.toExtend<Usd>()
    expectTypeOf<QuoteAnswer['borrow_rate_used']>().toEqualTypeOf<Fraction>()
  })

  test('in requests and terms', () => {
    const quote = { borrow_rate_used: fraction('0.05'), total_fee: usd('25.00') }
    const asked: QuoteRequest[] = [
      { ticker: 'GME', clientId: 'acme', positionValue: quote.total_fee, loanDays: 1 },
      // @ts-expect-error a rate is no amount
      { ticker: 'GME', clientId: 'acme', positionValue: quote.borrow_rate_used, loanDays: 1 },
      // @ts-expect-error a number without a unit is no amount
      { ticker: 'GME', clientId: 'acme', positionValue: 5, loanDays: 1 },
    ]
    const fees: TransactionFee[] = [
      { transaction_fee_type: 'FLAT', transaction_amount: usd(25) },
      { transaction_fee_type: 'PERCENTAGE', transaction_amount: percentPoints('0.1') },
      // @ts-expect-error a flat fee is USD
      { transaction_fee_type: 'FLAT', transaction_amount: percentPoints(5) },
    ]
    expect([asked.length, fees.length]).toEqual([3, 3])
  })
})
