import { describe, expect, test } from 'vitest'
import { readSeparated } from './separated-text.ts'

const rowsOf = (text: string) => readSeparated(text).rows

describe('rows and cells of a pasted text', () => {
  test('commas, tabs, semicolons and bars part cells, whichever the first line has most of; a tab before all', () => {
    const rows = [
      ['GME', '50000', '30'],
      ['AMC', '100', '7'],
    ]
    for (const separator of [',', '\t', ';', '|']) {
      const read = readSeparated(rows.map((row) => row.join(separator)).join('\n'))
      expect(read).toMatchObject({ separator, rows, openQuoteAt: null, emptyLines: 0 })
    }
    expect(rowsOf('GME\t50,000\t30')).toEqual([['GME', '50,000', '30']])
    expect(rowsOf('GME;50,000.00;30')).toEqual([['GME', '50,000.00', '30']])
    // The commas within quotes part nothing.
    expect(rowsOf('"a,b,c";GME;30')).toEqual([['a,b,c', 'GME', '30']])
  })

  test('lines end as Unix, Windows and old spreadsheets end them, and the last one as it likes', () => {
    const rows = [
      ['GME', '1'],
      ['AMC', '2'],
    ]
    for (const end of ['\n', '\r\n', '\r']) {
      expect(rowsOf(`GME,1${end}AMC,2`)).toEqual(rows)
      expect(rowsOf(`GME,1${end}AMC,2${end}`)).toEqual(rows)
    }
  })

  test('a byte order mark is no part of the first cell', () => {
    expect(rowsOf('\uFEFFticker,days\nGME,30')).toEqual([
      ['ticker', 'days'],
      ['GME', '30'],
    ])
  })

  test('a cell in quotes holds separators, quotes and line ends', () => {
    expect(rowsOf('GME,"50,000.00",30')).toEqual([['GME', '50,000.00', '30']])
    expect(rowsOf('"say ""GME""",1')).toEqual([['say "GME"', '1']])
    expect(rowsOf('"two\r\nlines",1\nAMC,2')).toEqual([
      ['two\r\nlines', '1'],
      ['AMC', '2'],
    ])
    expect(rowsOf('"",1')).toEqual([['', '1']])
    expect(rowsOf('GME, "50,000" ,30')).toEqual([['GME', '50,000', '30']])
  })

  test('a quote within a cell is the cell’s own', () => {
    expect(rowsOf('5" pipe,1')).toEqual([['5" pipe', '1']])
  })

  test('a quote that nobody closes is named by its line', () => {
    const read = readSeparated('ticker,days\nGME,30\n"AMC,7\nPLUG,3')
    expect(read.openQuoteAt).toBe(3)
    expect(read.rows).toHaveLength(3)
  })

  test('empty lines and lines of separators alone are passed over and counted', () => {
    expect(readSeparated('\n\nGME,1\n\n,\n  \nAMC,2\n\n')).toMatchObject({
      rows: [
        ['GME', '1'],
        ['AMC', '2'],
      ],
      emptyLines: 6,
    })
    expect(readSeparated('')).toMatchObject({ rows: [], emptyLines: 0 })
  })

  test('empty cells stay, the last one too', () => {
    expect(rowsOf('GME,,30\nAMC,1,\n,2,')).toEqual([
      ['GME', '', '30'],
      ['AMC', '1', ''],
      ['', '2', ''],
    ])
    expect(rowsOf('GME,1,')).toEqual([['GME', '1', '']])
  })

  test('rows keep the cells that they have', () => {
    expect(rowsOf('a,b,c\nGME,50,000,30\nAMC')).toEqual([['a', 'b', 'c'], ['GME', '50', '000', '30'], ['AMC']])
  })
})
