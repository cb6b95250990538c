import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseVolatilityHistory } from './cboe-vix-history.ts'
import { FeedFileError } from './feed-file.ts'

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
const file = (...rows: string[]): string => ['DATE,OPEN,HIGH,LOW,CLOSE', ...rows].join('\n')
const plain = (text: string): string[] =>
  parseVolatilityHistory(text).days.map((day) => `${day.date} ${day.value.toString()}`)

test('US dates and ISO dates are one history, by date, closes exact', () => {
  expect(plain(fixture('vix-us-dates.csv'))).toEqual(['1990-01-02 17.24', '2020-03-16 82.690002', '2025-12-27 13.6'])
  expect(plain(file('2026-07-23,1,1,1,18.700000', '2026-07-22,1,1,1,16.640000'))).toEqual([
    '2026-07-22 16.64',
    '2026-07-23 18.7',
  ])
})

test('of a date that comes twice the later row counts', () => {
  const read = parseVolatilityHistory(file('2026-07-23,1,1,1,18', '2026-07-23,1,1,1,19'))
  expect(read.days[0]?.value.toString()).toBe('19')
  expect(read.skipped).toEqual({ duplicate: 1 })
})

test('the bounds 0 and 500 are values', () => {
  expect(plain(file('2026-07-22,1,1,1,0', '2026-07-23,1,1,1,500'))).toEqual(['2026-07-22 0', '2026-07-23 500'])
})

describe('a history is refused, with its line, when', () => {
  test.each<[string, string, number | null]>([
    ['a value is above 500', file('2026-07-22,1,1,1,20', '2026-07-23,1,1,1,500.01'), 3],
    ['a value is negative', file('2026-07-23,1,1,1,-1'), 2],
    ['a value is missing', file('2026-07-23,1,1,1,'), 2],
    ['a value is no number', file('2026-07-23,1,1,1,NaN'), 2],
    ['a date does not exist', file('02/30/2026,1,1,1,20'), 2],
    ['a row is short', file('2026-07-22,1,1,1,20', '2026-07-23,1,1'), 3],
    ['a column is missing', 'DATE,OPEN\n2026-07-23,1', 1],
    ['it has a header alone', file(), null],
    ['it is an HTML page', fixture('page-under-a-data-name.txt'), 1],
    ['it is a quota note', fixture('quota-note-under-a-data-name.csv'), 1],
  ])('%s', (_when, text, line) => {
    expect(() => parseVolatilityHistory(text)).toThrow(FeedFileError)
    expect(() => parseVolatilityHistory(text)).toThrow(
      expect.objectContaining({ line, fileKind: 'volatility index history' }),
    )
  })
})
