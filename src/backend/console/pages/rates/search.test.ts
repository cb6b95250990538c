import { expect, test } from 'vitest'
import { hiddenColumns, orderOf, ratesSearch } from './search.ts'

test('an address is read, and what is not understood in it is left out', () => {
  const address = {
    ticker: 'BRK.B',
    q: 'motor',
    tier: 'HARD',
    guess: 'only',
    sort: '-rate',
    hide: 'name,event',
    panel: 'open',
  }
  expect(ratesSearch(address)).toEqual(address)
  expect(
    ratesSearch({
      ticker: 'gme',
      q: ' ',
      tier: 'WARM',
      guess: 'yes',
      sort: '-colour',
      hide: 'rate',
      panel: '1',
      more: 'x',
    }),
  ).toEqual({})
  expect(ratesSearch({ hide: 'event,what,name' })).toEqual({ hide: 'name,event' })
  expect(ratesSearch({ q: 'x'.repeat(100) }).q).toHaveLength(60)
})

test('an order is a column, with a minus for the highest first', () => {
  expect(orderOf('-lender-age')).toEqual({ column: 'lender-age', descending: true })
  expect(orderOf('ticker')).toEqual({ column: 'ticker', descending: false })
  expect(orderOf('--rate')).toBeNull()
  expect(orderOf(undefined)).toBeNull()
  expect(hiddenColumns(undefined)).toEqual([])
})
