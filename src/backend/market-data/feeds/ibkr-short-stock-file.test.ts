import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FeedFileError } from './feed-file.ts'
import { parseIbkrShortStockFile } from './ibkr-short-stock-file.ts'

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
const HEADER = '#SYM|CUR|NAME|CON|ISIN|REBATERATE|FEERATE|AVAILABLE|FIGI|'
const row = (symbol: string, fee = '0.2500', available = '100'): string =>
  `${symbol}|USD|SOME NAME|1|X|3.3900|${fee}|${available}||`
const file = (...rows: string[]): string =>
  ['#BOF|2025.12.28|15:14:44', HEADER, ...rows, `#EOF|${rows.length}`, ''].join('\n')

function refusal(text: string): FeedFileError {
  try {
    parseIbkrShortStockFile(text)
  } catch (error) {
    if (error instanceof FeedFileError) return error
    throw error
  }
  throw new Error('the file was taken')
}

describe('a file with every trap', () => {
  const read = parseIbkrShortStockFile(fixture('short-stock-with-traps.txt'))
  const named = (ticker: string) => read.rows.find((each) => each.ticker === ticker)

  test('is as of its first line, New York time turned into an instant', () => {
    expect(read.asOf.toISOString()).toBe('2026-03-09T13:31:07.000Z')
  })

  test.each<[string, string | undefined, number | null, boolean, string | undefined, string]>([
    ['ACME', '0.0025', 4_100_000, false, '0.0364', 'a plain row'],
    ['BRK.B', '0.0025', 10_000_000, true, '0.0364', 'a share class, and a cap in place of a figure'],
    ['SPEC', '10.165848', 2000, false, '0.0364', 'a fee above 1000 % a year'],
    ['NORAT', undefined, 600, false, undefined, 'NA is not known, and not zero'],
    ['NOSHR', '0.03', null, false, '0.0364', 'no figure of shares'],
    ['FREE', '0', 10, false, '0.0364', 'a rate that is really zero'],
    ['TWICE', '0.02', 300, false, '0.0364', 'of two rows of one share the dearer'],
  ])('%s: rate %s, %s shares, capped %s, benchmark %s: %s', (ticker, rate, available, atLeast, benchmark) => {
    const found = named(ticker)
    expect({
      rate: found?.rate?.toString(),
      available: found?.available,
      atLeast: found?.availableAtLeast,
      benchmark: found?.benchmarkRate?.toString(),
    }).toEqual({ rate, available, atLeast, benchmark })
  })

  test('has its names decoded', () => {
    expect(named('ACME')?.name).toBe('ACME ROCKETS & SONS INC')
    expect(named('SPEC')?.name).toBe('SPECIAL SITUATIONS <NEW>')
  })

  test('counts what it leaves out, by reason', () => {
    expect(read.skipped).toEqual({ currency: 2, symbol: 3, duplicate: 1, 'impossible rate': 1 })
    expect(read.rows).toHaveLength(7)
  })

  test('names the stock whose rate no one can mean, so that it is not taken for absent', () => {
    expect(read.unusable).toEqual(['GARB'])
  })
})

test('a file of the years before the FIGI column is read by the same names', () => {
  const read = parseIbkrShortStockFile(fixture('short-stock-without-figi.txt'))
  expect(read.asOf.toISOString()).toBe('2021-03-19T20:00:03.000Z')
  expect(read.rows[0]).toMatchObject({ ticker: 'GME', available: 250_000 })
  expect(read.rows[0]?.rate?.toString()).toBe('0.005503')
})

test('columns are found by name, wherever they stand', () => {
  const read = parseIbkrShortStockFile(
    '#BOF|2025.12.28|15:14:44|\r\n#AVAILABLE|FEERATE|NEW|REBATERATE|NAME|CUR|SYM|\r\n5|12.5|x|-8.86|N|USD|ACME|\r\n#EOF|1|\r\n',
  )
  expect(read.rows[0]).toMatchObject({ ticker: 'ACME', name: 'N', available: 5 })
  expect(read.rows[0]?.rate?.toString()).toBe('0.125')
})

test.each([
  ['0.25', '0.0025'],
  ['0.0001', '0.000001'],
  ['100', '1'],
  ['1016.5848', '10.165848'],
  ['10000', '100'],
  ['0', '0'],
])('%s percent is the fraction %s, without a division', (percent, fraction) => {
  expect(parseIbkrShortStockFile(file(row('ACME', percent))).rows[0]?.rate?.toString()).toBe(fraction)
})

describe('a file is refused, with line and rule, when', () => {
  test.each<[string, string, number | null, RegExp]>([
    ['it is an HTML page', fixture('page-under-a-data-name.txt'), 1, /HTML/],
    ['it is a quota note', fixture('quota-note-under-a-data-name.csv'), 1, /JSON/],
    ['it is empty', '', 1, /empty/],
    ['it is another table', fixture('vix-us-dates.csv'), 1, /#BOF/],
    ['its stamp is no date', file(row('A')).replace('2025.12.28', '2025.02.30'), 1, /#BOF/],
    ['it has no header', '#BOF|2025.12.28|15:14:44\nA|USD|\n#EOF|1\n', 2, /header/],
    ['a column is missing', file(row('A')).replace('FEERATE', 'FEE'), 2, /no column FEERATE/],
    ['a column is there twice', file(row('A')).replace('ISIN', 'FEERATE'), 2, /FEERATE twice/],
    ['the end is missing', file(row('A'), row('B')).replace(/#EOF.*/, ''), 4, /truncated/],
    ['the trailer counts other rows', file(row('A'), row('B')).replace('#EOF|2', '#EOF|3'), 5, /says 3 rows.* has 2/],
    ['something follows the trailer', `${file(row('A'))}${row('B')}\n`, 5, /#EOF/],
    ['a row has other fields', file(row('A'), 'B|USD|'), 4, /3 fields, the header 10/],
    ['a rate is no number', file(row('A', 'n/a')), 3, /FEERATE/],
    ['a rate has an exponent', file(row('A', '1e3')), 3, /FEERATE/],
    ['a rate is empty', file(row('A', '')), 3, /FEERATE/],
    ['a figure of shares is no number', file(row('A', '1', '1,000')), 3, /AVAILABLE/],
    ['no row can be used', file(row('ABR PRD')), null, /none of its rows/],
    ['it has no rows', file(), null, /none of its rows/],
    [
      'it is in other units, so that many rates are impossible',
      file(...['A', 'B', 'C', 'D', 'E', 'F'].map((symbol) => row(symbol, '99999'))),
      null,
      /none of its rows|outside 0/,
    ],
    [
      'many of its rates are impossible',
      file(row('ACME'), ...['A', 'B', 'C', 'D', 'E', 'F'].map((symbol) => row(symbol, '-1'))),
      null,
      /6 rows have a rate outside 0 to 10 000 percent/,
    ],
  ])('%s', (_when, text, line, rule) => {
    const error = refusal(text)
    expect(error.line).toBe(line)
    expect(error.rule).toMatch(rule)
    expect(error.message).toContain('not a lender short stock file')
  })

  test('and its message shows a short, cleaned piece of the file only', () => {
    const error = refusal(`<b>\u0007${'x'.repeat(500)}`.padStart(600, '#'))
    expect(error.message.length).toBeLessThan(150)
    expect(error.message).toMatch(/^[\x20-\x7e]+$/)
    expect(error.message).not.toMatch(/[<>]/)
  })
})
