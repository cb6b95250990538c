import { expect, test } from 'vitest'
import { addressRange, contains, isAddressRange, isAnywhere, overlaps } from './addresses.ts'

test.each([
  ['10.0.0.0/16', '10.0.255.0/24', true],
  ['10.0.0.0/16', '10.1.0.0/24', false],
  ['10.0.0.0/24', '10.0.0.0/16', false],
  ['0.0.0.0/0', '255.255.255.255/32', true],
])('%s contains %s: %s', (outer, inner, expected) => {
  expect(contains(outer, inner)).toBe(expected)
})

test.each([
  ['10.0.0.0/24', '10.0.0.128/25', true],
  ['10.0.0.0/24', '10.0.1.0/24', false],
  ['10.0.0.5/24', '10.0.0.250/32', true],
])('%s overlaps %s: %s', (one, other, expected) => {
  expect(overlaps(one, other)).toBe(expected)
  expect(overlaps(other, one)).toBe(expected)
})

test.each(['10.0.0/16', '10.0.0.256/32', '10.0.0.0/33', 'fd00::/8', ''])(
  '"%s" is no range of IPv4 addresses',
  (text) => {
    expect(isAddressRange(text)).toBe(false)
    expect(() => addressRange(text)).toThrow('no range')
  },
)

test('everybody is everybody in either protocol', () => {
  expect(['0.0.0.0/0', '::/0', '10.0.0.0/8', undefined].map(isAnywhere)).toEqual([true, true, false, false])
})
