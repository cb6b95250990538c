import { describe, expect, test } from 'vitest'
import { parseExactJson } from './exact-json.ts'

describe('numbers keep their text', () => {
  test.each([
    ['{"total_fee":525000025.00}', { total_fee: '525000025.00' }],
    ['{"rate":0.00000001}', { rate: '0.00000001' }],
    ['[1e2,-0.5,12345678901234567890.123]', ['1e2', '-0.5', '12345678901234567890.123']],
    ['0', '0'],
    ['{"a":null,"b":true,"c":[],"d":{}}', { a: null, b: true, c: [], d: {} }],
  ])('%s', (text, value) => {
    expect(parseExactJson(text)).toEqual(value)
  })
})

describe('what looks like a number inside a string is left alone', () => {
  test.each([
    ['{"note":"pay 5, not 6.5"}', { note: 'pay 5, not 6.5' }],
    [
      String.raw`{"note":"a \"quoted\" 7 and a backslash \\","n":8}`,
      { note: 'a "quoted" 7 and a backslash \\', n: '8' },
    ],
    [String.raw`{"1":"\u0031 2"}`, { '1': '1 2' }],
  ])('%s', (text, value) => {
    expect(parseExactJson(text)).toEqual(value)
  })
})

test('members named as counts are numbers, unless a number could not hold them', () => {
  expect(parseExactJson('{"loan_days":30,"shares":9007199254740993}', new Set(['loan_days', 'shares']))).toEqual({
    loan_days: 30,
    shares: '9007199254740993',
  })
})

test.each(['{"a":}', '{"a":1', '01', '1.', '', '<html>', '{"a":1 2}'])('%s is not JSON and is refused', (text) => {
  expect(() => parseExactJson(text)).toThrow(SyntaxError)
})
