import { describe, expect, test } from 'vitest'
import { parseCloses } from './closes-csv.ts'
import { FeedFileError } from './feed-file.ts'

const file = (...rows: string[]): string => ['symbol,date,close', ...rows].join('\n')

test('the latest close of each symbol counts, whatever the order', () => {
  const read = parseCloses(
    file('GME,2026-11-23,22.51', 'GME,2026-11-20,21', 'BRK B,11/23/2026,500.125000', 'ABR PRD,2026-11-23,1'),
  )
  expect(read.closes.map((each) => `${each.ticker} ${each.date} ${each.close.toString()}`)).toEqual([
    'GME 2026-11-23 22.51',
    'BRK.B 2026-11-23 500.125',
  ])
  expect(read.skipped).toEqual({ 'older close': 1, symbol: 1 })
})

describe('a file is refused, with its line, when a close', () => {
  test.each([
    ['is zero', '0.00'],
    ['is negative', '-1'],
    ['is missing', ''],
    ['is no number', 'N/A'],
    ['has seven decimals', '1.0000001'],
    ['is larger than any position', '1000000001'],
  ])('%s', (_when, close) => {
    expect(() => parseCloses(file(`GME,2026-11-23,${close}`))).toThrow(FeedFileError)
    expect(() => parseCloses(file(`GME,2026-11-23,${close}`))).toThrow(expect.objectContaining({ line: 2 }))
  })
})
