import { expect, test } from 'vitest'
import { csvRow, fileStem } from './download.ts'

test('a row is quoted where it must be, and as it is where a program reads it', () => {
  expect(csvRow(['GME', '50,000', 'say "x"', '', '=1+1'])).toBe('GME,"50,000","say ""x""",,=1+1\r\n')
})

test('a file is named as every file system takes it', () => {
  expect(fileStem('week 47, shorts.csv')).toBe('week-47-shorts')
  expect(fileStem('Pasted lines')).toBe('Pasted-lines')
  expect(fileStem('…/….txt')).toBe('basket')
})
