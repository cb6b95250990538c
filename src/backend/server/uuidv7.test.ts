import { describe, expect, test } from 'vitest'
import { UUID_V7_PATTERN, uuidv7Maker } from './uuidv7.ts'

const at = (ms: number) => () => new Date(ms)

describe('an id', () => {
  test('has version, variant and the time of its making', () => {
    const id = uuidv7Maker(at(0x0192a1b2c3d4))()
    expect(id).toMatch(new RegExp(UUID_V7_PATTERN))
    expect(id.slice(0, 13)).toBe('0192a1b2-c3d4')
  })

  test('is above the one before it, ten thousand times within one millisecond', () => {
    const make = uuidv7Maker(at(1_764_000_000_000))
    let last = ''
    for (let i = 0; i < 10_000; i += 1) {
      const id = make()
      expect(id > last).toBe(true)
      last = id
    }
  })

  test('is above the one before it when the clock is set back', () => {
    const times = [2000, 1000, 1500, 2001]
    const make = uuidv7Maker(() => new Date(times.shift() ?? 0))
    const ids = [make(), make(), make(), make()]
    expect([...ids].sort()).toEqual(ids)
  })

  test('is not the one of another process with the same clock', () => {
    const [one, other] = [uuidv7Maker(at(5)), uuidv7Maker(at(5))]
    expect(one()).not.toBe(other())
  })
})
