import { describe, expect, test } from 'vitest'
import {
  atLeast,
  atMost,
  compare,
  DECIMAL_TEXT_LENGTH_MAX,
  type Decimal,
  decimal,
  divide,
  isNegative,
  isZero,
  minus,
  ONE,
  parseDecimal,
  plus,
  powerOfTen,
  type Rounding,
  round,
  significantDecimals,
  times,
  trim,
  ZERO,
} from './decimal.ts'

const text = (value: Decimal | null): string | null => (value === null ? null : value.toString())

describe('a decimal is read exactly as it is written', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['100', '100'],
    ['100.00', '100.00'],
    ['0.1', '0.1'],
    ['-12.50', '-12.50'],
    ['-0.05', '-0.05'],
    ['100000.000000000000000001', '100000.000000000000000001'],
    ['9007199254740993', '9007199254740993'],
    ['1e2', '100'],
    ['1E+2', '100'],
    ['1.5e3', '1500'],
    ['1.2345e2', '123.45'],
    ['5e-3', '0.005'],
    ['1e-60', `0.${'0'.repeat(59)}1`],
    ['1e60', `1${'0'.repeat(60)}`],
  ])('%s is %s', (written, printed) => {
    expect(text(parseDecimal(written))).toBe(printed)
  })

  test.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1\n',
    '+1',
    '01',
    '-01',
    '.5',
    '5.',
    '1.2.3',
    '1,000',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-',
    'e5',
    '1e',
    '1e400',
    '1e61',
    '1e-61',
    '1e99999',
    '١',
    '1'.repeat(DECIMAL_TEXT_LENGTH_MAX + 1),
  ])('"%s" is not a decimal', (written) => {
    expect(parseDecimal(written)).toBeNull()
    expect(() => decimal(written)).toThrow(RangeError)
  })

  test('the longest text is still read', () => {
    const longest = '9'.repeat(DECIMAL_TEXT_LENGTH_MAX)
    expect(text(parseDecimal(longest))).toBe(longest)
  })

  test('integers come as numbers or bigints; a number that is not a safe integer is refused', () => {
    expect(text(decimal(-3))).toBe('-3')
    expect(text(decimal(12n ** 20n))).toBe((12n ** 20n).toString())
    for (const number of [0.1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => decimal(number)).toThrow(RangeError)
    }
  })

  test('an error never repeats the text that it refuses', () => {
    expect(() => decimal('secret')).toThrow(/^not a decimal number$/)
  })
})

test('JSON of the platform writes a decimal as its text, never as a binary float', () => {
  expect(JSON.stringify({ fee: decimal('25.00') })).toBe('{"fee":"25.00"}')
})

describe('numbers are equal by value, whatever their scale', () => {
  test.each([
    ['1.50', '1.5', 0],
    ['-0', '0', 0],
    ['0.00', '0', 0],
    ['1.499999999999999999', '1.5', -1],
    ['-1', '-1.000000001', 1],
    ['-2', '1', -1],
    ['10', '9.99', 1],
  ])('%s against %s is %i', (a, b, order) => {
    expect(compare(decimal(a), decimal(b))).toBe(order)
    expect(compare(decimal(b), decimal(a))).toBe(0 - order)
  })

  test('a bound keeps the value itself when it holds', () => {
    const value = decimal('1.50')
    expect(atLeast(value, decimal('1.5'))).toBe(value)
    expect(atMost(value, decimal('1.5'))).toBe(value)
    expect(atLeast(value, decimal('2')).toString()).toBe('2')
    expect(atMost(value, decimal('1')).toString()).toBe('1')
  })
})

describe('sums and products never round', () => {
  test.each([
    ['0.1', '0.2', '0.3', '-0.1', '0.02'],
    ['1.005', '-1', '0.005', '2.005', '-1.005'],
    ['1000000000.00', '0.00000001', '1000000000.00000001', '999999999.99999999', '10.0000000000'],
  ])('%s and %s', (a, b, sum, difference, product) => {
    expect(plus(decimal(a), decimal(b)).toString()).toBe(sum)
    expect(minus(decimal(a), decimal(b)).toString()).toBe(difference)
    expect(times(decimal(a), decimal(b)).toString()).toBe(product)
  })
})

describe('a quotient is rounded once, as told', () => {
  const roundings: readonly Rounding[] = ['half-up', 'half-even', 'up', 'down']
  test.each([
    // value      half-up  half-even  up       down
    ['0.125', '0.13', '0.12', '0.13', '0.12'],
    ['0.135', '0.14', '0.14', '0.14', '0.13'],
    ['-0.125', '-0.13', '-0.12', '-0.13', '-0.12'],
    ['-0.135', '-0.14', '-0.14', '-0.14', '-0.13'],
    ['0.1249999999999999999999', '0.12', '0.12', '0.13', '0.12'],
    ['0.1250000000000000000001', '0.13', '0.13', '0.13', '0.12'],
    ['0.005', '0.01', '0.00', '0.01', '0.00'],
    ['-0.004', '0.00', '0.00', '-0.01', '0.00'],
    ['2', '2.00', '2.00', '2.00', '2.00'],
    ['2.010000', '2.01', '2.01', '2.01', '2.01'],
  ])('%s to the cent', (value, ...expected) => {
    roundings.forEach((rounding, index) => {
      expect(round(decimal(value), { scale: 2, rounding }).toString()).toBe(expected[index])
      expect(divide(decimal(value), ONE, { scale: 2, rounding }).toString()).toBe(expected[index])
    })
  })

  test.each([
    ['1', '3', 4, 'half-up', '0.3333'],
    ['2', '3', 4, 'half-up', '0.6667'],
    ['-2', '3', 0, 'half-up', '-1'],
    ['2', '-3', 0, 'down', '0'],
    ['1', '0.004', 0, 'half-up', '250'],
    ['0.00001', '1000', 2, 'up', '0.01'],
    ['150000', '365', 2, 'half-up', '410.96'],
  ] as [string, string, number, Rounding, string][])(
    '%s / %s at %i decimals, %s',
    (n, d, scale, rounding, expected) => {
      expect(divide(decimal(n), decimal(d), { scale, rounding }).toString()).toBe(expected)
    },
  )

  test('division by zero is an error, not an infinity', () => {
    expect(() => divide(ONE, decimal('0.00'), { scale: 2, rounding: 'half-up' })).toThrow(RangeError)
  })
})

test('trailing zeros are dropped after the point only', () => {
  expect(trim(decimal('0.06300000')).toString()).toBe('0.063')
  expect(trim(decimal('100')).toString()).toBe('100')
  expect(trim(decimal('100.00')).toString()).toBe('100')
  expect(trim(decimal('-0.00'))).toBe(ZERO)
  const short = decimal('0.5')
  expect(trim(short)).toBe(short)
})

test.each([
  ['100.100', 1],
  ['100.00', 0],
  ['100.005', 3],
  ['1e2', 0],
  ['0.000', 0],
])('%s has %i decimals that are really there', (written, count) => {
  expect(significantDecimals(decimal(written))).toBe(count)
})

test('signs are judged by value', () => {
  expect(isNegative(decimal('-0.01'))).toBe(true)
  expect(isNegative(decimal('-0'))).toBe(false)
  expect(isZero(decimal('0.00'))).toBe(true)
  expect(isZero(decimal('0.01'))).toBe(false)
})

test('powers of ten go on beyond the prepared ones', () => {
  expect(powerOfTen(0)).toBe(1n)
  expect(powerOfTen(100)).toBe(10n ** 100n)
})
