import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Decimal } from '../pricing/decimal.ts'
import type { IsoDate, Rate, Ticker, Usd } from '../pricing/units.ts'
import { readJson } from './json-reader.ts'
import { Problem } from './problem.ts'
import { readQuery } from './query-reader.ts'
import {
  booleanField,
  clientIdField,
  dateField,
  decimalField,
  enumField,
  integerField,
  type Location,
  listField,
  nullable,
  objectField,
  optional,
  parseShape,
  patternField,
  shape,
  textField,
  textOrObject,
  tickerField,
  timeField,
  withDefault,
} from './shape.ts'

const amount = decimalField<Usd>({
  description: 'Value of the position.',
  unit: 'USD',
  minimum: '0.01',
  maximum: '1000000000',
  decimals: 2,
  example: 100000,
})
const price = decimalField<Usd>({
  description: 'Price of one share.',
  unit: 'USD',
  above: '0',
  decimals: 6,
  example: 1.5,
})
const days = integerField({ description: 'Days of the loan.', minimum: 1, maximum: 365, example: 30 })

const everything = shape({
  ticker: tickerField(),
  position_value: amount,
  loan_days: days,
  client_id: optional(clientIdField()),
  price: optional(price),
  start_date: optional(dateField({ description: 'First day.', example: '2026-11-24' })),
  tier: optional(enumField(['standard', 'premium'], { description: 'Tier.', example: 'premium' })),
  floor_rate: optional(
    nullable(
      decimalField<Rate>({
        description: 'Floor.',
        unit: 'fraction a year',
        minimum: '0',
        decimals: 8,
        example: 0.0001,
      }),
    ),
  ),
  active: withDefault(booleanField({ description: 'Active.', example: true }), true),
  label: optional(textField({ description: 'Label.', example: 'night batch', minLength: 1, maxLength: 10 })),
})
const sound = { ticker: 'AAPL', position_value: 100000, loan_days: 30 }

function parseBody<P extends TProperties>(of: TObject<P>, body: unknown) {
  return parseShape(of, typeof body === 'string' ? readJson(body) : readJson(JSON.stringify(body)), 'body')
}

function refusal(act: () => unknown): Problem {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(Problem)
    return error as Problem
  }
  throw new Error('it was accepted')
}

/** What one field says of one value: its sentence, or null when it is accepted. */
function verdict(of: TObject, json: string, location: Location = 'body'): string | null {
  try {
    parseShape(of, location === 'body' ? readJson(`{"x":${json}}`) : readQuery(`x=${json}`), location)
    return null
  } catch (error) {
    return (error as Problem).validationErrors?.[0]?.message ?? 'no message'
  }
}

describe('a body', () => {
  test('becomes typed values, and nothing else comes along', () => {
    const parsed = parseBody(
      everything,
      '{"ticker":"BRK.B","position_value":"100.10","loan_days":1e1,"admin":true,"__proto__":{"a":1}}',
    )
    expect(Object.keys(parsed).sort()).toEqual(['active', 'loan_days', 'position_value', 'ticker'])
    expect('toString' in parsed || 'constructor' in parsed).toBe(false)
    expect(parsed.position_value.toString()).toBe('100.10')
    expect(parsed.loan_days).toBe(10)
    expect(parsed.active).toBe(true)
    type Parsed = Static<typeof everything>
    expectTypeOf<Parsed['ticker']>().toEqualTypeOf<Ticker>()
    expectTypeOf<Parsed['position_value']>().toEqualTypeOf<Usd>()
    expectTypeOf<Parsed['start_date']>().toEqualTypeOf<IsoDate | undefined>()
    expectTypeOf<Parsed['floor_rate']>().toEqualTypeOf<Rate | null | undefined>()
    expectTypeOf<Parsed['active']>().toEqualTypeOf<boolean>()
    expectTypeOf<Parsed['tier']>().toEqualTypeOf<'standard' | 'premium' | undefined>()
  })

  test('all faults are named at once, with the names that are valid', () => {
    const problem = refusal(() => parseBody(everything, { ticker: 'aapl', loan_days: 0 }))
    expect(problem.code).toBe('INVALID_PARAMETER')
    expect(problem.message).toMatch(
      /^Invalid parameter: ticker must be .*; position_value is required; loan_days must be/,
    )
    expect(problem.validationErrors).toEqual([
      {
        field: 'ticker',
        location: 'body',
        message: expect.stringContaining('ticker must be one to five capital letters'),
      },
      { field: 'position_value', location: 'body', message: 'position_value is required' },
      { field: 'loan_days', location: 'body', message: 'loan_days must be an integer from 1 to 365' },
    ])
    expect(problem.validParams).toEqual(Object.keys(everything.properties))
  })

  test.each([['[]'], ['null'], ['"x"'], ['7'], ['true']])('%s is not an object', (text) => {
    expect(refusal(() => parseBody(everything, text)).message).toBe('Invalid parameter: body must be a JSON object')
  })

  test('inherited names are not fields', () => {
    const odd = shape({
      toString: optional(textField({ description: 'Odd.', example: 'a', minLength: 0, maxLength: 5 })),
    })
    expect(Object.keys(parseShape(odd, {}, 'body'))).toEqual([])
  })

  test('null is a value only where it may be', () => {
    expect(parseBody(everything, { ...sound, floor_rate: null }).floor_rate).toBeNull()
    expect(refusal(() => parseBody(everything, { ...sound, price: null })).message).toContain('price must be a number')
  })

  test('what was refused is never repeated', () => {
    const secret = 'SECRET<script>'
    const body = Object.fromEntries(Object.keys(everything.properties).map((name) => [name, secret]))
    body.label = `${secret}${secret}`
    const problem = refusal(() => parseBody(everything, body))
    expect(problem.validationErrors).toHaveLength(Object.keys(everything.properties).length)
    expect(JSON.stringify(problem.validationErrors) + problem.message).not.toContain('SECRET')
  })
})

describe('bounds, from both sides', () => {
  const one = (x: TProperties['x']) => shape({ x: x as never })
  test.each([
    ['amount', amount, '0.01', null],
    ['amount', amount, '0.009', 'x must be at least 0.01'],
    ['amount', amount, '0', 'x must be at least 0.01'],
    ['amount', amount, '-1', 'x must be at least 0.01'],
    ['amount', amount, '1000000000', null],
    ['amount', amount, '1e9', null],
    ['amount', amount, '1000000000.00', null],
    ['amount', amount, '1000000000.01', 'x must be at most 1000000000'],
    ['amount', amount, '1e400', 'x has too many digits or too large an exponent'],
    ['amount', amount, '1e60', 'x must be at most 1000000000'],
    ['amount', amount, `1${'0'.repeat(80)}`, 'x has too many digits or too large an exponent'],
    ['amount', amount, '100.10', null],
    ['amount', amount, '100.100', null],
    ['amount', amount, '100.005', 'x must have at most 2 decimals'],
    ['amount', amount, '100.000000000000000001', 'x must have at most 2 decimals'],
    ['amount', amount, '"100.10"', null],
    ['amount', amount, '"1e2"', null],
    ['amount', amount, '"100.005"', 'x must have at most 2 decimals'],
    ['amount', amount, '" 100"', 'x must be a number or a decimal string'],
    ['amount', amount, '"1,000"', 'x must be a number or a decimal string'],
    ['amount', amount, '"+1"', 'x must be a number or a decimal string'],
    ['amount', amount, '"0x10"', 'x must be a number or a decimal string'],
    ['amount', amount, '"NaN"', 'x must be a number or a decimal string'],
    ['amount', amount, '"Infinity"', 'x must be a number or a decimal string'],
    ['amount', amount, '"007"', 'x must be a number or a decimal string'],
    ['amount', amount, '""', 'x must be a number or a decimal string'],
    ['amount', amount, '"٣"', 'x must be a number or a decimal string'],
    ['amount', amount, 'true', 'x must be a number or a decimal string'],
    ['amount', amount, '[100]', 'x must be a number or a decimal string'],
    ['amount', amount, '{"a":1}', 'x must be a number or a decimal string'],
    ['price', price, '0', 'x must be above 0'],
    ['price', price, '-0', 'x must be above 0'],
    ['price', price, '0.000001', null],
    ['price', price, '0.0000001', 'x must have at most 6 decimals'],
    ['days', days, '1', null],
    ['days', days, '0', 'x must be an integer from 1 to 365'],
    ['days', days, '365', null],
    ['days', days, '366', 'x must be an integer from 1 to 365'],
    ['days', days, '30.0', null],
    ['days', days, '3e1', null],
    ['days', days, '30.5', 'x must be an integer from 1 to 365'],
    ['days', days, '1e300', 'x must be an integer from 1 to 365'],
    ['days', days, '"30"', 'x must be an integer from 1 to 365'],
    ['days', days, 'true', 'x must be an integer from 1 to 365'],
    ['days', days, 'null', 'x must be an integer from 1 to 365'],
    ['ticker', tickerField(), '"A"', null],
    ['ticker', tickerField(), '"ABCDE"', null],
    ['ticker', tickerField(), '"BRK.B"', null],
    ['ticker', tickerField(), '"ABCDEF"', expect.stringContaining('must be one to five')],
    ['ticker', tickerField(), '"AAPL\\n"', expect.stringContaining('must be one to five')],
    ['ticker', tickerField(), '"BRK.ABC"', expect.stringContaining('must be one to five')],
    ['ticker', tickerField(), '""', expect.stringContaining('must be one to five')],
    ['ticker', tickerField(), '12', expect.stringContaining('must be one to five')],
    ['client', clientIdField(), '"abc"', null],
    ['client', clientIdField(), `"${'a'.repeat(50)}"`, null],
    ['client', clientIdField(), '"ab"', expect.stringContaining('must be 3 to 50')],
    ['client', clientIdField(), `"${'a'.repeat(51)}"`, expect.stringContaining('must be 3 to 50')],
    ['client', clientIdField(), '"a b"', expect.stringContaining('must be 3 to 50')],
    ['date', dateField({ description: 'Day.', example: '2026-11-24' }), '"2028-02-29"', null],
    [
      'date',
      dateField({ description: 'Day.', example: '2026-11-24' }),
      '"2026-02-29"',
      'x must be a day of the calendar, as YYYY-MM-DD',
    ],
    [
      'date',
      dateField({ description: 'Day.', example: '2026-11-24' }),
      '"2026-13-01"',
      'x must be a day of the calendar, as YYYY-MM-DD',
    ],
    ['date', dateField({ description: 'Day.', example: '2026-11-24' }), '"2026-1-1"', 'x must be a date as YYYY-MM-DD'],
    [
      'date',
      dateField({ description: 'Day.', example: '2026-11-24' }),
      '"2026-11-24T00:00:00Z"',
      'x must be a date as YYYY-MM-DD',
    ],
    ['date', dateField({ description: 'Day.', example: '2026-11-24' }), '20261124', 'x must be a date as YYYY-MM-DD'],
    ['enum', enumField(['EASY', 'HARD'], { description: 'S.', example: 'EASY' }), '"HARD"', null],
    [
      'enum',
      enumField(['EASY', 'HARD'], { description: 'S.', example: 'EASY' }),
      '"hard"',
      'x must be one of EASY, HARD',
    ],
    [
      'enum',
      enumField(['EASY', 'HARD'], { description: 'S.', example: 'EASY' }),
      'null',
      'x must be one of EASY, HARD',
    ],
    ['boolean', booleanField({ description: 'B.', example: true }), 'false', null],
    ['boolean', booleanField({ description: 'B.', example: true }), '"true"', 'x must be true or false'],
    ['boolean', booleanField({ description: 'B.', example: true }), '1', 'x must be true or false'],
    ['text', textField({ description: 'T.', example: 'a', minLength: 2, maxLength: 3 }), '"ab"', null],
    ['text', textField({ description: 'T.', example: 'a', minLength: 2, maxLength: 3 }), '"abc"', null],
    [
      'text',
      textField({ description: 'T.', example: 'a', minLength: 2, maxLength: 3 }),
      '"a"',
      'x must be text of 2 to 3 characters',
    ],
    [
      'text',
      textField({ description: 'T.', example: 'a', minLength: 2, maxLength: 3 }),
      '"abcd"',
      'x must be text of 2 to 3 characters',
    ],
    ['pattern', patternField('^[0-9]+$', 'must be digits', { description: 'P.', example: '1' }), '"12"', null],
    [
      'pattern',
      patternField('^[0-9]+$', 'must be digits', { description: 'P.', example: '1' }),
      '"1a"',
      'x must be digits',
    ],
    ['list', listField({ description: 'L.', minItems: 1, maxItems: 2, items: Type.Unknown() }), '[1,2]', null],
    [
      'list',
      listField({ description: 'L.', minItems: 1, maxItems: 2, items: Type.Unknown() }),
      '[]',
      'x must be a list of 1 to 2 items',
    ],
    [
      'list',
      listField({ description: 'L.', minItems: 1, maxItems: 2, items: Type.Unknown() }),
      '[1,2,3]',
      'x must be a list of 1 to 2 items',
    ],
  ])('%s: case %#', (_, field, json, expected) => {
    expect(verdict(one(field), json)).toEqual(expected)
  })
})

describe('a query', () => {
  test('is parsed from its text', () => {
    const parsed = parseShape(
      everything,
      readQuery('ticker=BRK%2EB&position_value=1e2&loan_days=30&active=false'),
      'query',
    )
    expect({ ...parsed, position_value: parsed.position_value.toString() }).toEqual({
      ticker: 'BRK.B',
      position_value: '100',
      loan_days: 30,
      active: false,
    })
  })

  const label = shape({ x: textField({ description: 'T.', example: 'a', minLength: 0, maxLength: 9 }) })
  test.each([
    ['a&x=b', 'x must be given once'],
    ['a&x=a', 'x must be given once'],
    ['%zz', 'x must be percent-encoded UTF-8'],
    ['%', 'x must be percent-encoded UTF-8'],
    ['%ff', 'x must be percent-encoded UTF-8'],
    ['%C0%80', 'x must be percent-encoded UTF-8'],
    ['%ED%A0%80', 'x must be percent-encoded UTF-8'],
    ['%00', 'x holds a character that cannot be stored'],
    ['\ud800', 'x holds a character that cannot be stored'],
    ['a+b%20c', null],
    ['', null],
    ['a&__proto__=b&constructor=c&y=1&y=2', null],
  ])('x=%j: %s', (text, expected) => {
    expect(verdict(label, text, 'query')).toBe(expected)
  })

  test('a missing parameter is named with where it belongs', () => {
    const problem = refusal(() => parseShape(shape({ loan_days: days }), readQuery(''), 'query'))
    expect(problem.validationErrors).toEqual([
      { field: 'loan_days', location: 'query', message: 'loan_days is required' },
    ])
  })
})

describe('a time', () => {
  const range = shape({
    from: timeField({ description: 'From.', example: '2026-03-05', day: 'start' }),
    to: timeField({ description: 'To.', example: '2026-03-05', day: 'end' }),
  })
  const read = (text: string) => {
    const { from, to } = parseShape(range, { from: text, to: text }, 'query')
    return [from.toISOString(), to.toISOString()]
  }

  test('a day in UTC begins where it starts and ends where the next one does', () => {
    expect(read('2026-02-28')).toEqual(['2026-02-28T00:00:00.000Z', '2026-03-01T00:00:00.000Z'])
  })

  test.each([
    ['2026-03-05T14:30:00Z', '2026-03-05T14:30:00.000Z'],
    ['2026-03-05T14:30Z', '2026-03-05T14:30:00.000Z'],
    ['2026-03-05T14:30:07.123456Z', '2026-03-05T14:30:07.123Z'],
    ['2026-03-05T23:30:00-05:00', '2026-03-06T04:30:00.000Z'],
  ])('%s is %s', (text, at) => {
    expect(read(text)).toEqual([at, at])
  })

  test.each(['2026-02-30', '2026-13-01', '2026-03-05T25:00:00Z', '2026-03-05T14:30:00', '1772721000', 'yesterday', ''])(
    '%j is none',
    (text) => {
      expect(refusal(() => read(text)).validationErrors?.map(({ message }) => message)).toEqual([
        'from must be a time as 2026-03-05T14:30:00Z or a day as 2026-03-05',
        'to must be a time as 2026-03-05T14:30:00Z or a day as 2026-03-05',
      ])
    },
  )
})

describe('an object in a body', () => {
  const draft = shape({ price, days: optional(days) })
  const body = shape({
    inner: optional(nullable(objectField(draft, 'A draft.'))),
    model: optional(
      textOrObject(
        patternField('^[a-z]+$', 'must be the name of a model', { description: 'N.', example: 'a' }),
        objectField(draft, 'D.'),
        'A name or a draft.',
      ),
    ),
  })
  const read = (text: string) => parseShape(body, readJson(text), 'body')

  test('is read by its own shape', () => {
    const { inner } = read('{"inner":{"price":1.50,"else":1}}')
    expect(inner?.price.toString()).toBe('1.50')
    expect(Object.keys(inner ?? {})).toEqual(['price'])
    expect(read('{"inner":null,"model":"standard"}')).toEqual({ inner: null, model: 'standard' })
    expect(read('{"model":{"price":2}}').model).toHaveProperty('price')
  })

  test('names the place of each fault', () => {
    const { validationErrors } = refusal(() => read('{"inner":{"days":0},"model":{"price":"x"}}'))
    expect(validationErrors?.map(({ field, message }) => [field, message])).toEqual([
      ['inner.price', 'inner.price is required'],
      ['inner.days', 'inner.days must be an integer from 1 to 365'],
      ['model.price', 'model.price must be a number or a decimal string'],
    ])
  })

  test.each([
    ['{"inner":[]}', 'inner must be a JSON object'],
    ['{"inner":"x"}', 'inner must be a JSON object'],
    ['{"inner":1}', 'inner must be a JSON object'],
    ['{"model":1}', 'model must be a name or a JSON object'],
    ['{"model":"A"}', 'model must be the name of a model'],
  ])('%s: %s', (text, message) => {
    expect(refusal(() => read(text)).message).toBe(`Invalid parameter: ${message}`)
  })
})

describe('the same object is the documentation', () => {
  test('a decimal shows its bounds, unit, decimals, pattern and example', () => {
    expect(JSON.parse(JSON.stringify(amount))).toEqual({
      type: ['number', 'string'],
      pattern: expect.any(String),
      minimum: 0.01,
      maximum: 1000000000,
      description: 'Value of the position. Unit: USD; at most 2 decimals.',
      examples: [100000],
      'x-decimals': 2,
      'x-unit': 'USD',
    })
  })

  test('what has a default is not required', () => {
    expect(everything.required).toEqual(['ticker', 'position_value', 'loan_days'])
  })

  test('a bound that a JSON number cannot say exactly is a bug at once', () => {
    const text = '0.1234567890123456789'
    expect(() => decimalField<Decimal>({ description: '', unit: '', minimum: text, decimals: 20, example: 1 })).toThrow(
      RangeError,
    )
  })
})
