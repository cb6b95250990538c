import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Decimal, decimal } from '../pricing/decimal.ts'
import { readJson } from './json-reader.ts'
import { writeJson, writerOfOneValue } from './json-writer.ts'

describe('what leaves', () => {
  test('a decimal is a number token with its exact text', () => {
    const answer = {
      fee: decimal('25.00'),
      rate: decimal('0.063'),
      big: decimal('123456789012345678.90'),
      days: 30,
      units: 9007199254740993n,
    }
    expect(writeJson(answer)).toBe(
      '{"fee":25.00,"rate":0.063,"big":123456789012345678.90,"days":30,"units":9007199254740993}',
    )
  })

  test('undefined members are left out, null stays', () => {
    expect(writeJson({ a: undefined, b: null, c: [null], d: undefined })).toBe('{"b":null,"c":[null]}')
  })

  test('times are ISO 8601 in UTC', () => {
    expect(writeJson([new Date(Date.UTC(2026, 10, 24, 12, 0, 0, 5))])).toBe('["2026-11-24T12:00:00.005Z"]')
  })

  test('keys and strings are escaped, half a surrogate pair too', () => {
    expect(writeJson({ 'a"b': 'c\n\ud800' })).toBe('{"a\\"b":"c\\n\\ud800"}')
  })

  test('what was read is written as it stood', () => {
    const text = '{"__proto__":{"a":1e2},"b":[100.100,-0,"x",true,null]}'
    expect(writeJson(readJson(text))).toBe(text)
  })

  test.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['an undefined item', [undefined]],
    ['undefined', undefined],
    ['a function', { f: () => 1 }],
    ['an invalid date', new Date(Number.NaN)],
  ])('%s throws', (_, value) => {
    expect(() => writeJson(value)).toThrow()
  })

  test('a value that contains itself throws', () => {
    const a: Record<string, unknown> = {}
    a.a = a
    expect(() => writeJson(a)).toThrow(TypeError)
  })
})

test('the platform reads what is written to the same structure', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      expect(JSON.parse(writeJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 300 },
  )
})

test('every decimal appears verbatim', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 20 }), (units, scale) => {
      const value = new Decimal(units, scale)
      const text = writeJson({ value })
      expect(text).toBe(`{"value":${value.toString()}}`)
      expect(JSON.parse(text).value).toBe(Number(value.toString()))
    }),
    { numRuns: 300 },
  )
})

test('one large value is written once, and another one anew', () => {
  let reads = 0
  const counted = (text: string) => ({
    get text() {
      reads += 1
      return text
    },
  })
  const write = writerOfOneValue()
  const [first, second] = [counted('a'), counted('b')]
  expect([write(first), write(first), write(second), write(first)]).toEqual([
    '{"text":"a"}',
    '{"text":"a"}',
    '{"text":"b"}',
    '{"text":"a"}',
  ])
  expect(reads).toBe(3)
})
