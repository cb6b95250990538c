import { expect, test } from 'vitest'
import { historySearch, tickersOf } from './search.ts'

test('an address is read tolerantly: what is not understood is left out', () => {
  expect(historySearch({})).toEqual({})
  expect(historySearch({ ticker: ' gme ', range: '5d', page: '3' })).toEqual({ ticker: 'GME', range: '5d', page: '3' })
  expect(historySearch({ ticker: 'GME', range: '2w', page: '-1' })).toEqual({ ticker: 'GME' })
  expect(historySearch({ ticker: 'LONGERTHANANYTICKER' })).toEqual({})
  expect(historySearch({ from: '2026-02-31', to: '2026-03-01' })).toEqual({})
  // A name that nobody lends is for the server to refuse.
  expect(historySearch({ ticker: 'Z-Z' })).toEqual({ ticker: 'Z-Z' })
})

test('own dates stand in place of a range', () => {
  expect(historySearch({ ticker: 'GME', range: '1y', from: '2026-01-01', to: '2026-02-01' })).toEqual({
    ticker: 'GME',
    from: '2026-01-01',
    to: '2026-02-01',
  })
  expect(historySearch({ to: '2026-02-01', range: '1y' })).toEqual({ range: '1y' })
})

test('up to two others stand beside a name, each once', () => {
  const search = historySearch({ ticker: 'GME', with: 'amc,GME,amc,KOSS,BYND' })
  expect(tickersOf(search)).toEqual(['GME', 'AMC', 'KOSS'])
  expect(historySearch({ with: 'AMC' })).toEqual({})
})
