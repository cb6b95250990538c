import { expect, test } from 'vitest'
import type { ApiKeyAnswer, BrokerAnswer, StockAnswer } from '../../../client/index.ts'
import { fraction, percentPoints, usd } from '../../../client/units.ts'
import { changesBetween } from './form-lines.ts'
import { keyState } from './key-state.ts'
import { modelFields, modelForm } from './model-fields.ts'
import { administrationSearch, draftOf } from './search.ts'
import { floorOf, NEW_STOCK, stockFields, stockForm, stockLines } from './stock-fields.ts'
import { termsFields, termsForm, termsLines, withDraft } from './terms-fields.ts'

const BROKER: BrokerAnswer = {
  client_id: 'acme',
  name: null,
  markup_percentage: percentPoints('5'),
  markup_tiers: null,
  transaction_fee_type: 'FLAT',
  transaction_amount: usd('25'),
  day_count: 'ACT/360',
  convention_pack: 'notional',
  billing: 'term',
  pricing_model: 'standard-v1',
  tier: 'premium',
  requests_per_minute: 120,
  active: true,
  version: 3,
}

test('terms go to the form and back unchanged, markups as percent points', () => {
  const { client_id: _, version: __, ...fields } = BROKER
  expect(termsFields(termsForm(BROKER))).toEqual(fields)
  const tiers = [
    { up_to: usd('100000'), markup_percentage: percentPoints('5') },
    { up_to: null, markup_percentage: percentPoints('2.5') },
  ]
  expect(termsFields(termsForm({ ...BROKER, markup_tiers: tiers })).markup_tiers).toEqual(tiers)
})

test('what is typed with its groups is exact; what is no number is the server’s to refuse', () => {
  const form = { ...termsForm(BROKER), markup: '6.25', feeAmount: '1,250.50', requestsPerMinute: '1,000' }
  expect(termsFields(form)).toMatchObject({
    markup_percentage: '6.25',
    transaction_amount: '1250.50',
    requests_per_minute: 1000,
  })
  expect(termsFields({ ...form, markup: 'six', requestsPerMinute: '1.5' })).toMatchObject({
    markup_percentage: 'six',
    requests_per_minute: '1.5',
  })
})

test('a floor is typed in percent and sent as a fraction, exactly', () => {
  expect(floorOf('3')).toBe('0.03')
  expect(floorOf('3.25')).toBe('0.0325')
  expect(floorOf('0.000001')).toBe('0.00000001')
  expect(floorOf('1,000')).toBe('10')
  expect(floorOf('')).toBeNull()
  expect(floorOf('three')).toBe('three')
  const stock: StockAnswer = {
    ticker: 'GME',
    name: 'GAMESTOP',
    borrow_status: 'HARD',
    floor_rate: fraction('0.0325'),
    lender_id: null,
    active: true,
    version: 1,
  }
  expect(stockForm(stock).floor).toBe('3.25')
  const { ticker: _, version: __, ...fields } = stock
  expect(stockFields(stockForm(stock))).toEqual(fields)
})

test('old and new are put side by side with their units; zeros at the end are no change', () => {
  const before = termsLines(termsForm(BROKER))
  expect(changesBetween(before, termsLines({ ...termsForm(BROKER), markup: '5.00', feeAmount: '25.0' }))).toEqual([])
  const after = { ...termsForm(BROKER), markup: '6', feeType: 'PERCENTAGE' as const, feeAmount: '0.5' }
  expect(changesBetween(before, termsLines(after))).toEqual([
    { field: 'Markup', before: '5 %', after: '6 %' },
    { field: 'Transaction fee', before: '25 USD a request', after: '0.5 % of the charged value' },
  ])
  expect(changesBetween(stockLines(NEW_STOCK), stockLines({ ...NEW_STOCK, floor: '3.10' }))).toEqual([
    { field: 'Floor rate', before: 'the default floor', after: '3.1 % a year' },
  ])
  expect(changesBetween(null, stockLines(NEW_STOCK))).toHaveLength(5)
})

test('a draft comes in the address under the contract’s names, and lies over the live terms', () => {
  const address = administrationSearch({
    propose: 'acme',
    markup_percentage: '6.25',
    day_count: 'ACT/365',
    billing: 'sometimes',
    tab: 'keys',
  })
  expect(address.tab).toBe('terms')
  const form = withDraft(termsForm(BROKER), draftOf(address))
  expect(form).toMatchObject({ markup: '6.25', dayCount: 'ACT/365', billing: 'term', feeAmount: '25' })
  const tiers = '[{"up_to":100000,"markup_percentage":4},{"up_to":null,"markup_percentage":2}]'
  expect(withDraft(form, { markup_tiers: tiers }).tiers).toEqual([
    { upTo: '100000', markup: '4' },
    { upTo: '', markup: '2' },
  ])
  expect(withDraft(form, { markup_tiers: 'none of it' }).tiers).toEqual([])
  expect(administrationSearch({ ticker: 'gme' })).toEqual({ tab: 'stocks', edit: 'GME' })
  expect(administrationSearch({ tab: 'everything', page: '0' })).toEqual({})
})

test('a model begins as another, without its name', () => {
  const like = {
    model: 'desk-v1',
    volatility_weight: '0.01',
    volatility_threshold: '20',
    event_weight: '1',
    max_multiplier: '5',
    volatility_source: 'index',
  } as unknown as Parameters<typeof modelForm>[0]
  expect(modelFields({ ...modelForm(like, { event_weight: '0.75' }), model: ' desk-v2 ' })).toEqual({
    ...like,
    model: 'desk-v2',
    event_weight: '0.75',
  })
})

test('a key that ends soon, or was rotated, is marked', () => {
  const now = Date.parse('2026-11-29T12:00:00Z')
  const key: ApiKeyAnswer = {
    key_id: 'Yb3kQ0s9TzLm',
    client_id: 'acme',
    role: 'broker',
    label: null,
    created_at: '2026-09-01T00:00:00Z',
    expires_at: '2027-02-27T00:00:00Z',
    last_used_at: null,
    revoked_at: null,
    replaced_by: null,
    active: true,
  }
  expect(keyState(key, now)).toEqual({ tone: 'quiet', words: 'good until 27 Feb 2027' })
  expect(keyState({ ...key, expires_at: '2026-12-05T12:00:00Z' }, now)).toEqual({
    tone: 'warn',
    words: 'ends in 6 days',
  })
  const rotated = { ...key, revoked_at: '2026-12-13T12:00:00Z', replaced_by: 'Zc4' }
  expect(keyState(rotated, now)).toEqual({ tone: 'warn', words: 'rotated, ends in 14 days' })
  expect(keyState({ ...rotated, active: false, revoked_at: '2026-11-28T00:00:00Z' }, now)).toEqual({
    tone: 'quiet',
    words: 'revoked 28 Nov 2026',
  })
})
