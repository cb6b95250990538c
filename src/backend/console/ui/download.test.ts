import { expect, test } from 'vitest'
import { fileStem } from './download.ts'

test('a file is named as every file system takes it', () => {
  expect(fileStem('week 47, shorts.csv')).toBe('week-47-shorts')
  expect(fileStem('Pasted lines')).toBe('Pasted-lines')
  expect(fileStem('…/….txt')).toBe('basket')
})
