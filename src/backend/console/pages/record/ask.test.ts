import { expect, test } from 'vitest'
import { askOf, countText, isAuditId, timeOfId } from './ask.ts'
import { rangeText, weekdayText, wholeTime } from './days.ts'
import { recordSearch } from './search.ts'

test('an address is read tolerantly, and what it means is asked in the contract’s units', () => {
  const address = recordSearch({
    ticker: 'gme',
    client: ' acme ',
    rate_from: '17.5',
    rate_to: '1,000',
    value_from: '50,000',
    page: '3',
    show: 'everything',
    id: 7,
  })
  expect(address).toEqual({
    ticker: 'GME',
    client: 'acme',
    rate_from: '17.5',
    rate_to: '1,000',
    value_from: '50,000',
    page: '3',
  })
  expect(askOf(address)).toEqual({
    search: {
      pageSize: 50,
      clientId: 'acme',
      ticker: 'GME',
      minPositionValue: '50000',
      minBorrowRate: '0.175',
      maxBorrowRate: '10',
      page: 3,
    },
    unclear: {},
  })
})

test('what is no number is named and not asked; a cursor takes the place of a page', () => {
  const { search, unclear } = askOf({ value_to: 'much', rate_from: '-1', cursor: 'AZN', page: '201' })
  expect(search).toEqual({ pageSize: 50, cursor: 'AZN' })
  expect(Object.keys(unclear)).toEqual(['value_to', 'rate_from'])
})

test('counts say how far they are exact', () => {
  expect(countText(1, { items: 50, total: 10_000, exact: false })).toBe('1 to 50 of more than 10,000')
  expect(countText(25, { items: 34, total: 1_234, exact: true })).toBe('1,201 to 1,234 of 1,234')
  expect(countText(1, { items: 0, total: 0, exact: true })).toBe('No records')
})

test('a record’s time is in its id', () => {
  expect(new Date(timeOfId('01a22979-258d-777d-99fd-c811808751c3')).toISOString()).toBe('2026-11-29T22:42:15.053Z')
  expect(isAuditId('01a22979-258d-777d-99fd-c811808751c3')).toBe(true)
  expect(isAuditId('01a22979-258d-477d-99fd-c811808751c3')).toBe(false)
})

test('days are said as people say them, times to the microsecond', () => {
  expect(rangeText({})).toBe('Last 31 days')
  expect(rangeText({ from: '2026-10-23', to: '2026-11-23' })).toBe('23 Oct to 23 Nov 2026')
  expect(rangeText({ from: '2025-12-23', to: '2026-01-02' })).toBe('23 Dec 2025 to 2 Jan 2026')
  expect(rangeText({ from: '2026-11-23', to: '2026-11-23' })).toBe('23 Nov 2026')
  expect(rangeText({ from: 'yesterday' })).toBe('Since yesterday')
  expect(weekdayText('2026-11-23T14:00:00.000000Z')).toBe('Monday 23 Nov 2026')
  expect(wholeTime('2026-11-23T14:31:56.208114Z')).toBe('14:31:56.208114')
})
