import { expect, test } from 'vitest'
import { COUNTS } from '../../../client/answers.ts'
import { type AuditRecordAnswer, parseExactJson, type QuoteRecordAnswer } from '../../../client/index.ts'
import { comparedLines } from './compared-lines.ts'
import RECORD from './fixtures/record.json?raw'
import { replayLines } from './replay-lines.ts'

const answer = parseExactJson(RECORD, COUNTS) as AuditRecordAnswer
const quote = answer.record as QuoteRecordAnswer

test('an identical replay has every line twice, the total last', () => {
  const lines = replayLines(quote, [])
  expect(lines.every(({ same, recorded, replayed }) => same && recorded === replayed)).toBe(true)
  expect(lines.map(({ title }) => title)).toEqual([
    'Lender rate',
    'With volatility',
    'With events',
    'Under the cap',
    'Above the floor',
    'Borrow rate',
    'Charged value',
    'Borrow cost',
    'Markup',
    'Transaction fee',
    'Cost of a day',
    'Total',
  ])
})

test('a difference stands in its line, and one of no line has a line of its own', () => {
  const lines = replayLines(quote, [
    { field: 'columns.total_fee', recorded: '0.01', replayed: '31.05' },
    { field: 'columns.ticker', recorded: 'GME', replayed: 'HOOD' },
  ])
  expect(lines.filter(({ same }) => !same)).toEqual([
    { title: 'Total', recorded: '0.01', replayed: '31.05', same: false, isTotal: true },
    { title: 'columns.ticker', recorded: 'GME', replayed: 'HOOD', same: false },
  ])
})

test('two records are compared line by line, and a record with itself differs in nothing', () => {
  expect(comparedLines(answer, answer).every(({ same }) => same)).toBe(true)
  const dearer = {
    ...answer,
    record: { ...quote, result: { ...quote.result, total_fee: '99.00' } },
  } as AuditRecordAnswer
  expect(
    comparedLines(answer, dearer)
      .filter(({ same }) => !same)
      .map(({ title, second }) => [title, second]),
  ).toEqual([['Total', '99.00']])
})
