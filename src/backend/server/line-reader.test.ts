import { describe, expect, test } from 'vitest'
import { lineReader } from './line-reader.ts'

function linesOf(text: string, pieceBytes: number): string[] {
  const bytes = Buffer.from(text)
  const lines: string[] = []
  const reader = lineReader((line) => lines.push(line))
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.read(bytes.subarray(at, at + pieceBytes))
  return lines
}

describe('lines out of pieces', () => {
  const TEXT = 'one\n\nzwölf Boxkämpfer €\n{"a":"\u{1f600}"}\nand no end'

  test.each([1, 2, 3, 5, 7, 1000])('come whole, however they are cut: %i bytes at a time', (pieceBytes) => {
    expect(linesOf(TEXT, pieceBytes)).toEqual(['one', '', 'zwölf Boxkämpfer €', '{"a":"\u{1f600}"}'])
  })
})
