import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { csvRow, plainCsvRow } from './csv-writer.ts'

describe('a CSV row', () => {
  test('is read back cell by cell by another reader, whatever the texts hold', () => {
    const cells = ['GME', 'a "quoted", text', 'two\nlines', 'with\r\nboth', '', ' spaced ', 'ü—漢']
    expect(parse(csvRow(cells))).toEqual([cells])
  })

  test('has an empty cell for what is not there', () => {
    expect(csvRow([null, 'x', null])).toBe(',x,\r\n')
  })

  test.each(['=1+1', '+1+1', '-1+1', '@SUM(A1)', '\tx', '\rx', '=HYPERLINK("http://example.com","x")'])(
    'never begins a cell like a formula: %j',
    (text) => expect(parse(csvRow([text]))).toEqual([[`'${text}`]]),
  )

  test.each(['-0.0125', '12345678901234567890.12', '0', '-5'])('leaves the number %s a number', (text) => {
    expect(csvRow([text])).toBe(`${text}\r\n`)
  })
})

test('a row is quoted where it must be, and as it is where a program reads it', () => {
  expect(plainCsvRow(['GME', '50,000', 'say "x"', '', '=1+1'])).toBe('GME,"50,000","say ""x""",,=1+1\r\n')
})
