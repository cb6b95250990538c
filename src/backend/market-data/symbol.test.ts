import { expect, test } from 'vitest'
import { normaliseSymbol } from './symbol.ts'

test.each([
  ['AAPL', 'AAPL'],
  ['A', 'A'],
  ['ZZZOF', 'ZZZOF'],
  ['BRK B', 'BRK.B'],
  ['BRK/B', 'BRK.B'],
  ['BRK-B', 'BRK.B'],
  ['BRK.B', 'BRK.B'],
  ['BRKB', 'BRK.B'],
  ['BRKA', 'BRK.A'],
  ['BF B', 'BF.B'],
  ['BFB', 'BF.B'],
  ['CWENA', 'CWEN.A'],
  ['MKC V', 'MKC.V'],
  ['EVAC U', 'EVAC.U'],
  ['ETI PR', 'ETI.PR'],
  [' GME ', 'GME'],
])('a feed that writes %j means %s', (symbol, ticker) => {
  expect(normaliseSymbol(symbol)).toBe(ticker)
})

test.each([
  ['ABR PRD', 'a preferred'],
  ['AGTI.OLD', 'a listing of the past'],
  ['ASRT.OLD1', 'a listing of the past, numbered'],
  ['AXIA .OLD', 'two separators'],
  ['AGCI.RSTD', 'restricted stock'],
  ['CLST1', 'a digit'],
  ['TMP021420', 'a temporary number'],
  ['TFE1.US', 'a digit before the class'],
  ['BACpB', 'a preferred in another vendor’s writing'],
  ['aapl', 'lower case'],
  ['BRK  B', 'two spaces'],
  ['GOOGLE', 'six letters'],
  ['', 'nothing'],
  ['BRK.', 'a class without a letter'],
])('%j is no ticker: %s', (symbol) => {
  expect(normaliseSymbol(symbol)).toBeNull()
})

test('a run-together form that is not in the table stays the name it spells', () => {
  expect(normaliseSymbol('HUBB')).toBe('HUBB')
})
