import { expect, test } from 'vitest'
import { figure, interleaved, printed } from './rounds.ts'

test('a figure is the median and the whole spread', () => {
  expect(figure([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: 3 })
  expect(figure([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, rounds: 4 })
  expect(figure([7])).toEqual({ median: 7, min: 7, max: 7, rounds: 1 })
  expect(printed(figure([1234.5, 12.25, 2000]), 1)).toBe('1 234.5 (12.3 to 2 000.0)')
})

test('contenders take turns, and the first turn of each is not measured', async () => {
  const turns: string[] = []
  const contender = (name: string) => () => turns.push(name)
  const found = await interleaved(2, { a: contender('a'), b: contender('b') })
  expect(turns).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(found.a).toEqual({ median: 4, min: 3, max: 5, rounds: 2 })
})
