import { expect, test } from 'vitest'
import { atLeast, atMost, below, short, targetLines } from './targets.ts'

test('a target is met or missed, and says by how much', () => {
  expect(atLeast('share', 0.4, 0.4)).toMatchObject({ target: '>= 0.4', met: true, missed_by: 0 })
  expect(atLeast('share', 0.5, 0.25)).toMatchObject({ met: false, missed_by: 0.25 })
  expect(below('p99', 10, 10, 'ms')).toMatchObject({ target: '< 10 ms', met: false, missed_by: 0 })
  expect(atMost('p99', 10, 10)).toMatchObject({ met: true })
})

test('what was not measured is not met', () => {
  expect(below('memory', 120, Number.NaN, 'MiB').met).toBe(false)
})

test('lines say all of it', () => {
  expect(targetLines([atLeast('share', 0.5, 0.25), below('memory', 120, 84.25, 'MiB')])).toEqual([
    '  share   >= 0.5        0.250  missed by 0.250',
    '  memory  < 120 MiB      84.3  met',
  ])
})

test.each([
  [0.123456, '0.123'],
  [1.23456, '1.23'],
  [12.3456, '12.3'],
  [1234.5, '1235'],
  [0, '0.00'],
])('%d is written as %s', (value, text) => {
  expect(short(value)).toBe(text)
})
