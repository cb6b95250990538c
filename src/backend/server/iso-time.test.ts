import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoText } from './iso-time.ts'

test('every moment is written as the platform writes it, the first time and again', () => {
  fc.assert(
    fc.property(fc.array(fc.date({ noInvalidDate: true })), (dates) => {
      for (const date of [...dates, ...dates]) expect(isoText(date)).toBe(date.toISOString())
    }),
  )
})

test('two moments that share a place do not share a text', () => {
  const [one, other] = [new Date(1_700_000_000_000), new Date(1_700_000_000_000 + 1021)]
  expect([isoText(one), isoText(other), isoText(one)]).toEqual([
    one.toISOString(),
    other.toISOString(),
    one.toISOString(),
  ])
})

test('what is no moment is refused', () => {
  expect(() => isoText(new Date(Number.NaN))).toThrow(RangeError)
})
