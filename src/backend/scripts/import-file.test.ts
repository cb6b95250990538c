import { expect, test } from 'vitest'
import { kindOf, resultText } from './import-file.ts'

test.each([
  ['#BOF|2025.12.28|00:45:03\n#SYM|CUR|NAME|', 'lender'],
  ['DATE,OPEN,HIGH,LOW,CLOSE\n01/02/1990,17.24', 'volatility'],
  ['\uFEFFsymbol,name,reportDate,fiscalDateEnding,estimate,currency\n', 'events'],
  ['"ticker","company","report_date"\n', 'events'],
  ['symbol,type,date,risk_factor\n', 'events'],
  ['symbol,type,in_days,risk_factor\n', 'events'],
  ['symbol,date,close\nGME,2026-11-20,23.10', 'closes'],
  ['<!DOCTYPE html><html>', null],
  ['{"Information":"quota"}', null],
  ['a,b,c', null],
  ['', null],
])('%j is %s', (head, kind) => {
  expect(kindOf(head)).toBe(kind)
})

const RESULT = {
  leftAlone: null,
  rows: 15_031,
  skipped: { symbol: 1804, duplicate: 2 },
  changed: 12,
  dropped: 3,
  asOf: new Date('2025-12-28T05:45:03Z'),
}

test('an import says what it took over, what it left out and why', () => {
  expect(resultText('lender short stock file', RESULT)).toBe(
    `lender short stock file of 28 Dec 2025 05:45:03 UTC: 15,031 rows, 12 new or changed, 3 no longer listed.
Left out: 1,804 symbol, 2 duplicate.`,
  )
})

test('a file that was left alone changed nothing, and the reason is given', () => {
  expect(resultText('closing prices', { ...RESULT, leftAlone: 'the kept ones are newer' })).toBe(
    'Nothing was taken over: the kept ones are newer.',
  )
})
