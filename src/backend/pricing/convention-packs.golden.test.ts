import { describe, expect, test } from 'vitest'
import { CONVENTION_PACKS, type ConventionPackName, chargedValue } from './convention-packs.ts'
import { compare, decimal } from './decimal.ts'
import { asUsd } from './units.ts'

const usd = (amount: string) => asUsd(decimal(amount))
const charged = (pack: ConventionPackName, quantity: number, price: string) =>
  chargedValue(pack, { kind: 'shares', quantity, price: usd(price) })

const PACKS = Object.keys(CONVENTION_PACKS) as ConventionPackName[]

describe('what each pack charges', () => {
  test.each([
    // pack               shares   price      mark       charged  value
    ['us-collateral-mark', 100_000, '0.25', '1.00', 100_000, '100000.00'],
    ['us-collateral-mark', 10_000, '11.00', '12.00', 10_000, '120000.00'],
    ['us-collateral-mark', 1_000, '13.00', '14.00', 1_000, '14000.00'],
    ['us-collateral-mark', 1, '50.00', '51.00', 1, '51.00'],
    ['us-collateral-mark', 1, '49.02', '51.00', 1, '51.00'],
    ['us-collateral-mark', 1, '42.8', '44.00', 1, '44.00'],
    ['us-collateral-mark', 7, '0.000001', '1.00', 7, '7.00'],
    ['us-collateral-mark', 1, '0.980392', '1.00', 1, '1.00'],
    ['us-collateral-mark', 1, '0.980393', '2.00', 1, '2.00'],
    ['us-market-value', 1, '205', '205', 100, '20500'],
    ['us-market-value', 100, '205', '205', 100, '20500'],
    ['us-market-value', 101, '205', '205', 200, '41000'],
    ['ca-market-value', 1_000, '13.00', '13.00', 1_000, '13000.00'],
    ['ca-market-value', 1, '0.123456', '0.123456', 1, '0.123456'],
    ['notional', 3, '33.333333', '33.333333', 3, '99.999999'],
  ] as [ConventionPackName, number, string, string, number, string][])(
    '%s: %i shares at %s are marked at %s, %i charged, %s USD',
    (pack, quantity, price, mark, shares, value) => {
      const found = charged(pack, quantity, price)
      expect(compare(found.mark!, usd(mark))).toBe(0)
      expect(found.chargedShares).toBe(shares)
      expect(compare(found.value, usd(value))).toBe(0)
    },
  )
})

test.each(PACKS)('%s: a position value given is the value charged, without mark or lot', (pack) => {
  const positionValue = usd('12345.67')
  expect(chargedValue(pack, { kind: 'value', positionValue })).toEqual({
    value: positionValue,
    mark: null,
    chargedShares: null,
  })
})

test('the packs fix the day count that their brokers use', () => {
  expect(PACKS.map((pack) => [pack, CONVENTION_PACKS[pack].dayCount, CONVENTION_PACKS[pack].lotShares])).toEqual([
    ['notional', null, 1],
    ['us-collateral-mark', 'ACT/360', 1],
    ['us-market-value', 'ACT/360', 100],
    ['ca-market-value', 'ACT/365', 1],
  ])
})

test('every pack is named by its key and says whose convention it is', () => {
  for (const pack of PACKS) {
    expect(CONVENTION_PACKS[pack].name).toBe(pack)
    expect(CONVENTION_PACKS[pack].source).not.toBe('')
  }
})
