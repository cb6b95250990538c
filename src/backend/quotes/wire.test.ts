// The bounds of a quote request, each from both sides, for a body and for a query.
import { describe, expect, test } from 'vitest'
import { readJson } from '../server/json-reader.ts'
import { Problem } from '../server/problem.ts'
import { readQuery } from '../server/query-reader.ts'
import { readQuoteRequest } from './wire.ts'

const SOUND = '"ticker":"GME","position_value":50000,"loan_days":30,"client_id":"demo-classic"'

/** The request with some members replaced: `{"loan_days": "31"}` in JSON text; undefined leaves one out. */
function body(changes: Record<string, string | undefined>): string {
  const members: Record<string, string | undefined> = {
    ticker: '"GME"',
    position_value: '50000',
    loan_days: '30',
    client_id: '"demo-classic"',
    ...changes,
  }
  const pairs = Object.entries(members).filter(([, value]) => value !== undefined)
  return `{${pairs.map(([name, value]) => `"${name}":${value}`).join(',')}}`
}

const read = (text: string) => readQuoteRequest(readJson(text), 'body')

function refusal(work: () => unknown): Problem {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('accepted')
}

const shares = { position_value: undefined, quantity: '100', price: '22.5' }
const dates = { loan_days: undefined, start_date: '"2026-10-08"', end_date: '"2026-10-09"' }

describe('a quote request is accepted', () => {
  test.each<[string, Record<string, string | undefined>]>([
    ['of the smallest value', { position_value: '0.01' }],
    ['of the largest value', { position_value: '1000000000' }],
    ['of the largest value with its cents', { position_value: '1000000000.00' }],
    ['with the value as decimal string', { position_value: '"50000.25"' }],
    ['with an exponent, which is only another way to write 100', { position_value: '1e2' }],
    ['with zeros after the second decimal', { position_value: '100.100' }],
    ['for one day', { loan_days: '1' }],
    ['for a year', { loan_days: '365' }],
    ['for days written as 3e1', { loan_days: '3e1' }],
    ['of one share', { ...shares, quantity: '1' }],
    ['of the most shares', { ...shares, quantity: '100000000', price: '0.000001' }],
    ['of shares without a price', { ...shares, price: undefined }],
    ['by trade dates', dates],
    ['for a share class', { ticker: '"BRK.B"' }],
    ['for a ticker of one letter', { ticker: '"A"' }],
    ['for the shortest client_id', { client_id: '"abc"' }],
    ['for the longest client_id', { client_id: `"${'a'.repeat(50)}"` }],
    ['with fields that nobody knows', { colour: '"red"', __proto__x: '1', constructor: '{"a":1}' }],
  ])('%s', (_title, changes) => {
    expect(() => read(body(changes))).not.toThrow()
  })

  test('and keeps the exact value of its number token', () => {
    expect(read(body({ position_value: '100.10' })).position).toMatchObject({ kind: 'value' })
    const { position } = read(body({ position_value: '999999999.99' }))
    expect(position.kind === 'value' && position.positionValue.toString()).toBe('999999999.99')
  })

  test('from query text, where numbers are text', () => {
    const query = readQuery('ticker=GME&position_value=50000&loan_days=30&client_id=demo-classic')
    expect(readQuoteRequest(query, 'query')).toMatchObject({ ticker: 'GME', stay: { kind: 'days', loanDays: 30 } })
  })
})

describe('a quote request is refused, naming the field', () => {
  test.each<[string, string, Record<string, string | undefined>]>([
    ['no value and no quantity', 'position_value', { position_value: undefined }],
    ['value and quantity together', 'position_value', { quantity: '100' }],
    ['value below a cent', 'position_value', { position_value: '0.009' }],
    ['value of zero', 'position_value', { position_value: '0' }],
    ['negative value', 'position_value', { position_value: '-1' }],
    ['value a cent above the largest', 'position_value', { position_value: '1000000000.01' }],
    ['value with three decimals', 'position_value', { position_value: '100.005' }],
    ['value of 1e400', 'position_value', { position_value: '1e400' }],
    ['value as words', 'position_value', { position_value: '"fifty"' }],
    ['value as hexadecimal text', 'position_value', { position_value: '"0x10"' }],
    ['value as a list', 'position_value', { position_value: '[50000]' }],
    ['value of null', 'position_value', { position_value: 'null' }],
    ['quantity of zero', 'quantity', { ...shares, quantity: '0' }],
    ['quantity above the most', 'quantity', { ...shares, quantity: '100000001' }],
    ['half a share', 'quantity', { ...shares, quantity: '0.5' }],
    ['quantity as text', 'quantity', { ...shares, quantity: '"100"' }],
    ['price of zero', 'price', { ...shares, price: '0' }],
    ['price with seven decimals', 'price', { ...shares, price: '0.0000001' }],
    ['price without quantity', 'price', { price: '10' }],
    ['no days and no dates', 'loan_days', { loan_days: undefined }],
    ['days and dates together', 'loan_days', { start_date: '"2026-10-08"' }],
    ['zero days', 'loan_days', { loan_days: '0' }],
    ['a day more than a year', 'loan_days', { loan_days: '366' }],
    ['half a day', 'loan_days', { loan_days: '1.5' }],
    ['days as text', 'loan_days', { loan_days: '"30"' }],
    ['days as a boolean', 'loan_days', { loan_days: 'true' }],
    ['a start without an end', 'end_date', { ...dates, end_date: undefined }],
    ['an end without a start', 'start_date', { ...dates, start_date: undefined }],
    ['a day that does not exist', 'start_date', { ...dates, start_date: '"2026-02-30"' }],
    ['a date with a time', 'end_date', { ...dates, end_date: '"2026-10-09T00:00:00Z"' }],
    ['no ticker', 'ticker', { ticker: undefined }],
    ['a ticker in small letters', 'ticker', { ticker: '"gme"' }],
    ['a ticker of six letters', 'ticker', { ticker: '"ABCDEF"' }],
    ['a ticker with a line end', 'ticker', { ticker: '"GME\\n"' }],
    ['a share class of three letters', 'ticker', { ticker: '"BRK.ABC"' }],
    ['no client_id', 'client_id', { client_id: undefined }],
    ['a client_id of two characters', 'client_id', { client_id: '"ab"' }],
    ['a client_id of 51 characters', 'client_id', { client_id: `"${'a'.repeat(51)}"` }],
    ['a client_id with a space', 'client_id', { client_id: '"demo classic"' }],
  ])('%s', (_title, field, changes) => {
    const problem = refusal(() => read(body(changes)))
    expect(problem.code).toBe('INVALID_PARAMETER')
    expect(problem.message).toMatch(/^Invalid parameter/)
    expect(problem.validationErrors?.map((error) => error.field)).toContain(field)
    expect(problem.message).toContain(field)
  })

  test('all faults at once', () => {
    const problem = refusal(() => read('{"ticker":"gme","position_value":0,"loan_days":0}'))
    expect(problem.validationErrors?.map((error) => error.field)).toEqual([
      'ticker',
      'position_value',
      'loan_days',
      'client_id',
    ])
  })

  test('a body that is not an object', () => {
    for (const text of ['[]', 'null', '"GME"', '5', 'true']) {
      expect(refusal(() => read(text)).code).toBe('INVALID_PARAMETER')
    }
  })

  test('a key that stands twice', () => {
    expect(refusal(() => read(`{${SOUND},"ticker":"AAPL"}`)).code).toBe('INVALID_PARAMETER')
  })

  test('a query parameter that stands twice', () => {
    const query = readQuery('ticker=GME&ticker=AAPL&position_value=1&loan_days=1&client_id=abc')
    const problem = refusal(() => readQuoteRequest(query, 'query'))
    expect(problem.validationErrors).toEqual([
      { field: 'ticker', location: 'query', message: 'ticker must be given once' },
    ])
  })
})
