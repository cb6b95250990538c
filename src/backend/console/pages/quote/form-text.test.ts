import { describe, expect, test } from 'vitest'
import { asksTheSame, type FormText, formOf, refusedFields, requestOf, searchOf, tidy } from './form-text.ts'
import { quoteSearch } from './search.ts'

const NOTHING = { ownClientId: null, last: null }
const typed: FormText = {
  clientId: 'demo-classic',
  ticker: 'GME',
  size: 'value',
  value: '50,000',
  shares: '',
  price: '',
  stay: 'days',
  days: '30',
  start: '',
  end: '',
}

describe('the address', () => {
  test('holds the form, and gives it back', () => {
    const search = { client_id: 'demo-classic', ticker: 'GME', position_value: '50000', loan_days: '30' }
    expect(searchOf(typed)).toEqual(search)
    expect(formOf(search, NOTHING)).toEqual({ ...typed, value: '50,000.00' })
    expect(asksTheSame(typed, formOf(search, NOTHING))).toBe(true)
  })

  test('holds shares and dates, and which of them is chosen while they are empty', () => {
    const form: FormText = { ...typed, size: 'shares', shares: '2,000', stay: 'dates', start: '2026-11-30' }
    expect(searchOf(form)).toEqual({
      client_id: 'demo-classic',
      ticker: 'GME',
      quantity: '2000',
      start_date: '2026-11-30',
    })
    const empty = searchOf({ ...form, shares: '', start: '' })
    expect(empty).toEqual({ client_id: 'demo-classic', ticker: 'GME', size: 'shares', stay: 'dates' })
    expect(formOf(empty, NOTHING)).toMatchObject({ size: 'shares', stay: 'dates', shares: '', start: '' })
  })

  test('leaves out what is not understood', () => {
    expect(quoteSearch({ ticker: ' gme ', loan_days: 30, size: 'both', price: 'x'.repeat(81), more: '1' })).toEqual({
      ticker: 'GME',
    })
  })

  test('with a ticker alone goes on with the last broker, size and stay', () => {
    expect(formOf({ ticker: 'AMC' }, { ownClientId: null, last: typed })).toMatchObject({
      clientId: 'demo-classic',
      ticker: 'AMC',
      value: '50,000.00',
      days: '30',
    })
    expect(formOf({ client_id: 'somebody' }, { ownClientId: 'me-self', last: typed }).clientId).toBe('me-self')
  })
})

describe('the request', () => {
  test('is of the way that is chosen', () => {
    expect(requestOf(typed)).toEqual({
      ticker: 'GME',
      clientId: 'demo-classic',
      positionValue: '50000',
      loanDays: 30,
    })
    const form: FormText = {
      ...typed,
      size: 'shares',
      shares: '2,000',
      price: '25.5',
      stay: 'dates',
      start: '2026-11-30',
    }
    expect(requestOf(form)).toEqual({
      ticker: 'GME',
      clientId: 'demo-classic',
      quantity: 2000,
      price: '25.5',
      startDate: '2026-11-30',
    })
  })

  test('carries what is no number as it is typed: the engine says what is wrong', () => {
    expect(requestOf({ ...typed, value: '12x', days: 'a month' })).toMatchObject({
      positionValue: '12x',
      loanDays: 'a month',
    })
    expect(requestOf({ ...typed, value: '', days: '' })).toEqual({ ticker: 'GME', clientId: 'demo-classic' })
  })

  test('is not changed by making it tidy', () => {
    expect(tidy({ ...typed, value: '50000.005', shares: '2000', ticker: 'gme' })).toMatchObject({
      value: '50000.005',
      shares: '2,000',
      ticker: 'GME',
    })
  })
})

describe('a refusal', () => {
  const refusal = (code: string, fields: readonly (readonly [string, string])[] = []) => ({
    sentence: 'The sentence',
    code,
    fields: new Map(fields),
  })

  test('stands under the field that is shown', () => {
    const error = refusal('INVALID_PARAMETER', [
      ['position_value', 'position_value or quantity is required'],
      ['loan_days', 'loan_days or start_date and end_date are required'],
    ])
    expect([...refusedFields(error, typed).keys()]).toEqual(['position_value', 'loan_days'])
    expect([...refusedFields(error, { ...typed, size: 'shares', stay: 'dates' }).keys()]).toEqual([
      'quantity',
      'start_date',
    ])
  })

  test('of an unknown name stands under it, whole', () => {
    expect(refusedFields(refusal('TICKER_NOT_FOUND'), typed)).toEqual(new Map([['ticker', 'The sentence']]))
    expect(refusedFields(refusal('CLIENT_NOT_FOUND'), typed)).toEqual(new Map([['client_id', 'The sentence']]))
    expect(refusedFields(refusal('AUDIT_UNAVAILABLE'), typed).size).toBe(0)
  })
})
