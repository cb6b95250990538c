// The whole price against an independent one, and what must hold for every price whatever the numbers.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimalJsPricing } from '../test/decimal-js-price.ts'
import { anyDatedStay, anyPriceInputs } from '../test/random-price-inputs.ts'
import { compare, Decimal, decimal, minus, plus, times, ZERO } from './decimal.ts'
import { type PriceInputsText, readPriceInputs, writePriceInputs } from './price-inputs.ts'
import { type PriceInputs, price } from './quote.ts'
import { asPercentPoints, asRate, asUsd } from './units.ts'

const oracle = decimalJsPricing(60)
const oraclePrice = (text: PriceInputsText) => oracle.price(oracle.read(text))
const written = (inputs: PriceInputs): PriceInputsText => JSON.parse(JSON.stringify(writePriceInputs(inputs)))

function enginePrice(inputs: PriceInputs) {
  const { fee, borrowRate } = price(inputs)
  return {
    rate: borrowRate.rate.toString(),
    borrowCost: fee.borrowCost.toString(),
    markup: fee.markup.toString(),
    transactionFee: fee.transactionFee.toString(),
    totalFee: fee.totalFee.toString(),
  }
}

/** The sum of exact amounts. */
const sum = (values: readonly Decimal[]): Decimal => values.reduce(plus, ZERO)
const within = (difference: Decimal, most: Decimal): boolean =>
  compare(difference, most) <= 0 && compare(plus(difference, most), ZERO) >= 0
const same = (a: Decimal, b: Decimal): void => expect(compare(a, b), `${a} is not ${b}`).toBe(0)

describe('a price is exact', () => {
  test('rate, lines and total are those of decimal.js at precision 60, on 100 000 random requests', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        const expected = oraclePrice(writePriceInputs(inputs))
        const found = enginePrice(inputs)
        for (const line of Object.keys(expected) as (keyof typeof expected)[]) {
          if (found[line] !== expected[line]) {
            expect.fail(`${line}: ${found[line]}, not ${expected[line]}, for ${JSON.stringify(written(inputs))}`)
          }
        }
      }),
      { numRuns: 100_000 },
    )
  }, 120_000)

  test('also where the cost is a hair beside half a cent', () => {
    const beside = fc.constantFrom(-2n, -1n, 0n, 1n, 2n)
    fc.assert(
      fc.property(anyPriceInputs, fc.bigInt({ min: 0n, max: 10n ** 9n }), beside, (random, halfCents, step) => {
        // Choose the position value, in cents, so that value x rate x days / year is nearly an odd number of half cents.
        const days = Math.max(1, random.stay.loanDays)
        const { rate } = price(random).borrowRate
        if (rate.units === 0n) return
        const year = random.terms.dayCount === 'ACT/360' ? 360n : 365n
        const numerator = (2n * halfCents + 1n) * year * 10n ** BigInt(rate.scale)
        const cents = numerator / (2n * rate.units * BigInt(days)) + step
        if (cents < 1n || cents > 10n ** 11n) return
        const inputs: PriceInputs = {
          ...random,
          position: { kind: 'value', positionValue: asUsd(new Decimal(cents, 2)) },
          stay: { loanDays: days, accrual: null },
        }
        expect(enginePrice(inputs)).toEqual(oraclePrice(writePriceInputs(inputs)))
      }),
      { numRuns: 10_000 },
    )
  })

  test('nothing overflows at a billion dollars, 365 days and rates of 1000 % and far above', () => {
    const largest = (lenderRate: string): PriceInputs => ({
      ...readPriceInputs(written(fc.sample(anyPriceInputs, { numRuns: 1, seed: 1 })[0]!)),
      position: { kind: 'value', positionValue: asUsd(decimal('1000000000.00')) },
      stay: { loanDays: 365, accrual: null },
      lenderRate: asRate(decimal(lenderRate)),
      stockVolatility: null,
      volatilityIndex: decimal('0') as PriceInputs['volatilityIndex'],
      eventRiskFactor: 0,
      terms: {
        markupPercentage: asPercentPoints(decimal(100)),
        markupTiers: null,
        transactionFeeType: 'PERCENTAGE',
        transactionAmount: decimal(100),
        dayCount: 'ACT/365',
        conventionPack: 'notional',
        billing: 'term',
      },
    })
    expect(enginePrice(largest('10'))).toMatchObject({ borrowCost: '10000000000.00', totalFee: '21000000000.00' })
    expect(enginePrice(largest('100'))).toMatchObject({ borrowCost: '100000000000.00', totalFee: '201000000000.00' })
  })
})

test('the bill foots: the total is the sum of its printed lines', () => {
  fc.assert(
    fc.property(anyPriceInputs, (inputs) => {
      const { fee } = price(inputs)
      same(sum([fee.borrowCost, fee.markup, fee.transactionFee]), fee.totalFee)
      for (const line of [fee.borrowCost, fee.markup, fee.transactionFee, fee.totalFee, fee.costPerDay]) {
        expect(line.scale).toBe(2)
        expect(line.units >= 0n).toBe(true)
      }
    }),
    { numRuns: 5_000 },
  )
})

test('the same inputs give the same quote, byte for byte', () => {
  fc.assert(
    fc.property(anyPriceInputs, (inputs) => {
      expect(JSON.stringify(price(inputs))).toBe(JSON.stringify(price(inputs)))
    }),
    { numRuns: 2_000 },
  )
})

test('inputs come back from the record unchanged, and so does their price', () => {
  fc.assert(
    fc.property(anyPriceInputs, (inputs) => {
      const again = readPriceInputs(written(inputs))
      expect(again).toEqual(inputs)
      expect(JSON.stringify(price(again))).toBe(JSON.stringify(price(inputs)))
    }),
    { numRuns: 2_000 },
  )
})

describe('the waterfall can be followed', () => {
  test('every number of every step is that of decimal.js', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        const read = oracle.read(writePriceInputs(inputs))
        const expected = oracle.waterfall(read, oracle.price(read))
        const found = price(inputs).waterfall.map(({ before, after, delta, deltaBp }) => [
          ...[before, after, delta].map(String),
          deltaBp === null ? null : deltaBp.toString(),
        ])
        expect(JSON.stringify(found)).toBe(JSON.stringify(expected))
      }),
      { numRuns: 10_000 },
    )
  })

  test('in each block a step begins where the one before it ended, and the deltas sum to the result', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        const { waterfall, borrowRate, fee, chargedValue } = price(inputs)
        expect(waterfall.map((step) => step.step)).toEqual([
          'charged_value',
          ...['lender_rate', 'volatility', 'events', 'cap', 'floor'],
          ...['borrow_cost', 'markup', 'transaction_fee', 'total'],
        ])
        const [charged, ...rest] = waterfall
        const rates = rest.slice(0, 5)
        const amounts = rest.slice(5)
        for (const step of waterfall) same(minus(step.after, step.before), step.delta)
        for (const block of [rates, amounts]) {
          expect(new Set(block.map((step) => step.unit)).size).toBe(1)
          same(block[0]!.before, ZERO)
          block.slice(1).forEach((step, index) => {
            same(step.before, block[index]!.after)
          })
        }
        same(sum(rates.map((step) => step.delta)), borrowRate.rate)
        same(sum(amounts.map((step) => step.delta)), fee.totalFee)
        same(rates.at(-1)!.after, borrowRate.rate)
        same(amounts.at(-1)!.after, fee.totalFee)
        // The charged value has a block of its own, shown in cents.
        expect(within(minus(charged!.after, chargedValue), decimal('0.005'))).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })

  test('rate steps say their basis points, amounts have none', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        for (const step of price(inputs).waterfall) {
          if (step.unit === 'USD') expect(step.deltaBp).toBeNull()
          else same(step.deltaBp!, times(step.delta, decimal(10_000)))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('no description is empty or carries a number in exponent form', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        for (const step of price(inputs).waterfall) {
          expect(step.description).not.toBe('')
          expect(step.description).not.toMatch(/[0-9]e[+-]?[0-9]|NaN|undefined|Infinity/)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a stay by dates', () => {
  const dated = fc.tuple(anyPriceInputs, anyDatedStay).map(([inputs, stay]): PriceInputs => ({ ...inputs, stay }))

  test('has a row per settlement day, and the rows foot to the borrow cost', () => {
    fc.assert(
      fc.property(dated, (inputs) => {
        const { accrual, fee } = price(inputs)
        const schedule = inputs.stay.accrual!.schedule
        expect(accrual!.map((row) => [row.valueDate, row.days])).toEqual(
          schedule.map((row) => [row.valueDate, row.days]),
        )
        same(sum(accrual!.map((row) => row.amount)), fee.borrowCost)
        expect(accrual!.every((row) => row.amount.units >= 0n)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('costs what the same number of loan days costs', () => {
    fc.assert(
      fc.property(dated, (inputs) => {
        const byDays = price({ ...inputs, stay: { loanDays: inputs.stay.loanDays, accrual: null } })
        expect(byDays.accrual).toBeNull()
        expect(price(inputs).fee).toEqual(byDays.fee)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('a price by shares says its fee per share asked for, to six decimals; a price by value says none', () => {
  fc.assert(
    fc.property(anyPriceInputs, (inputs) => {
      const { feePerShare, fee, chargedShares, mark } = price(inputs)
      if (inputs.position.kind === 'value') {
        expect([feePerShare, chargedShares, mark]).toEqual([null, null, null])
        return
      }
      const asked = decimal(inputs.position.quantity)
      expect(feePerShare!.scale).toBe(6)
      const remainder = minus(times(feePerShare!, asked), fee.totalFee)
      expect(within(remainder, times(asked, decimal('0.0000005')))).toBe(true)
      expect(chargedShares!).toBeGreaterThanOrEqual(inputs.position.quantity)
    }),
    { numRuns: 2_000 },
  )
})
