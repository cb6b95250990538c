import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { IsoDate } from '../../pricing/units.ts'
import { parseEventCalendar } from './event-calendar-csv.ts'
import { FeedFileError } from './feed-file.ts'

const TODAY = '2026-11-24' as IsoDate
const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
const plain = (text: string): string[] =>
  parseEventCalendar(text, TODAY).events.map((each) =>
    `${each.ticker} ${each.type} ${each.date} ${each.riskFactor ?? ''}`.trim(),
  )

test('an earnings calendar with a byte-order mark, US dates and repeats of a symbol', () => {
  const text = fixture('earnings-with-byte-order-mark.csv')
  expect(plain(text)).toEqual(['ACME earnings 2026-04-20', 'ACME earnings 2026-07-20', 'BRK.B earnings 2026-05-02'])
  expect(parseEventCalendar(text, TODAY).skipped).toEqual({ duplicate: 1, 'no date': 1, symbol: 1 })
})

test('another vendor’s calendar: other column names, ISO dates, commas in quoted names', () => {
  expect(plain(fixture('earnings-with-quoted-names.csv'))).toEqual([
    'VEEZ earnings 2026-04-27',
    'CADNC earnings 2026-04-28',
  ])
})

test('the general form takes any type and an optional factor, clamped to 10', () => {
  expect(
    plain(
      'symbol,type,date,risk_factor\nGME,Investor Day,2026-12-01,\nGME,merger,12/2/26,25\nAMC,eclipse,2026-12-03,0\n',
    ),
  ).toEqual(['GME investor_day 2026-12-01', 'GME merger 2026-12-02 10', 'AMC eclipse 2026-12-03 0'])
})

test('the factor column may be absent', () => {
  expect(plain('date,type,ticker\n2026-12-01,split,GME\n')).toEqual(['GME split 2026-12-01'])
})

test('of an event that comes twice the riskier counts', () => {
  expect(
    plain('symbol,type,date,risk_factor\nA,split,2026-12-01,3\nA,split,2026-12-01,8\nA,split,2026-12-01,\n'),
  ).toEqual(['A split 2026-12-01 8'])
})

test('the demonstration’s form is dated from today', () => {
  expect(plain('symbol,type,in_days,risk_factor\nGME,earnings,7,\nGME,split,0,4\n')).toEqual([
    'GME earnings 2026-12-01',
    'GME split 2026-11-24 4',
  ])
})

describe('a calendar is refused, with its line, when', () => {
  const general = (...rows: string[]): string => ['symbol,type,date,risk_factor', ...rows].join('\n')
  test.each<[string, string, number | null]>([
    ['a factor is negative', general('A,split,2026-12-01,3', 'A,split,2026-12-02,-1'), 3],
    ['a factor is no whole number', general('A,split,2026-12-01,2.5'), 2],
    ['a date cannot be read', general('A,split,next week,3'), 2],
    ['a type is no word', general('A,<script>,2026-12-01,3'), 2],
    ['days are no number', 'symbol,type,in_days\nA,split,soon', 2],
    ['days are absurd', 'symbol,type,in_days\nA,split,99999', 2],
    ['a quote is never closed', general('A,"split,2026-12-01,3'), 2],
    ['it has a header alone', general(), null],
    ['no row can be used', general('lower,split,2026-12-01,3'), null],
    ['it is another table', fixture('vix-us-dates.csv'), 1],
    ['it is an HTML page', fixture('page-under-a-data-name.txt'), 1],
    ['it is a quota note', fixture('quota-note-under-a-data-name.csv'), 1],
  ])('%s', (_when, text, line) => {
    expect(() => parseEventCalendar(text, TODAY)).toThrow(FeedFileError)
    expect(() => parseEventCalendar(text, TODAY)).toThrow(expect.objectContaining({ line }))
  })
})
