import { describe, expect, test } from 'vitest'
import { percentPoints, usd } from '../../../client/units.ts'
import {
  DRAFT_FIELDS,
  DRAFT_MODEL,
  type Draft,
  requestOf,
  sentenceFor,
  tiersOf,
  tiersText,
  unplacedSentences,
} from './draft.ts'
import { proposalOf } from './proposal.ts'
import { whatIfSearch } from './search.ts'

const EMPTY = Object.fromEntries(DRAFT_FIELDS.map((name) => [name, ''])) as unknown as Draft
const draft = (fields: Partial<Draft>): Draft => ({ ...EMPTY, ...fields })

describe('what is asked', () => {
  test('has what was typed, in the contract’s names; what was left empty stays as it was', () => {
    expect(
      requestOf(
        draft({
          from: '2026-11-16',
          client: 'demo-classic',
          markup: '4.5 %',
          fee_type: 'FLAT',
          fee: '1,250.00',
          pack: 'notional',
        }),
      ),
    ).toEqual({
      from: '2026-11-16',
      clientId: 'demo-classic',
      terms: {
        markup_percentage: '4.5',
        transaction_fee_type: 'FLAT',
        transaction_amount: '1250.00',
        convention_pack: 'notional',
      },
      clientsMax: 1_000,
    })
    expect(requestOf(draft({ model: 'desk-v1' }))).toEqual({ model: 'desk-v1', clientsMax: 1_000 })
  })

  test('has the parameters of a draft only when a draft is chosen', () => {
    const parameters = {
      volatility_weight: '0.01',
      volatility_threshold: '20',
      event_weight: '0.5',
      max_multiplier: '5',
      volatility_source: 'index',
    }
    expect(requestOf(draft({ ...parameters, model: DRAFT_MODEL })).model).toEqual(parameters)
    expect(requestOf(draft({ ...parameters, model: 'desk-v1' })).model).toBe('desk-v1')
  })

  test('has what is no amount as it stands, for the engine to refuse', () => {
    expect(requestOf(draft({ markup: 'a lot' })).terms?.markup_percentage).toBe('a lot')
  })
})

test('tiers are typed as steps, and shown as they are typed', () => {
  const tiers = tiersOf('100,000: 5; 1,000,000: 4 %;3')
  expect(tiers).toEqual([
    { up_to: '100000', markup_percentage: '5' },
    { up_to: '1000000', markup_percentage: '4' },
    { up_to: null, markup_percentage: '3' },
  ])
  expect(
    tiersText([
      { up_to: usd(100_000), markup_percentage: percentPoints(5) },
      { up_to: null, markup_percentage: percentPoints(3) },
    ]),
  ).toBe('100000: 5; 3')
  expect(tiersOf(' ; ')).toEqual([])
})

test('sentences stand under the fields that the engine names; those of no field are said apart', () => {
  const sentences = new Map([
    ['terms.transaction_amount', 'terms.transaction_amount must be at most 100 for a PERCENTAGE fee'],
    ['terms.markup_tiers[1].up_to', 'terms.markup_tiers[1].up_to must be above that of the tier before'],
    ['to', 'to must be after from'],
    ['clients_max', 'clients_max must be at most 1000'],
  ])
  expect(sentenceFor('fee', sentences)).toBe('terms.transaction_amount must be at most 100 for a PERCENTAGE fee')
  expect(sentenceFor('tiers', sentences)).toContain('tier before')
  expect(sentenceFor('to', sentences)).toBe('to must be after from')
  expect(sentenceFor('markup', sentences)).toBeNull()
  expect(unplacedSentences(sentences)).toEqual(['clients_max must be at most 1000'])
})

describe('a proposal', () => {
  test('of terms is of one broker, under the contract’s names', () => {
    expect(proposalOf(draft({ markup: '4.5' }))).toEqual({
      kind: 'none',
      because: 'Terms are proposed broker by broker: choose one client.',
    })
    expect(proposalOf(draft({ client: 'demo-classic', markup: '4.5', tiers: '100: 5; 3', model: 'desk-v1' }))).toEqual({
      kind: 'address',
      search: {
        propose: 'demo-classic',
        markup_percentage: '4.5',
        markup_tiers: '[{"up_to":"100","markup_percentage":"5"},{"up_to":null,"markup_percentage":"3"}]',
        pricing_model: 'desk-v1',
      },
    })
  })

  test('of a model is a new one, and not of terms as well', () => {
    expect(proposalOf(draft({ model: DRAFT_MODEL, event_weight: '0.5' }))).toMatchObject({
      search: { tab: 'models', make: '1', event_weight: '0.5' },
    })
    expect(proposalOf(draft({ model: DRAFT_MODEL, markup: '4' })).kind).toBe('none')
    expect(proposalOf(EMPTY).kind).toBe('none')
  })
})

test('the address has the draft’s words and nothing else', () => {
  expect(whatIfSearch({ markup: '4.5', from: '2026-11-16', fee: '', other: 'x', client: 7 })).toEqual({
    markup: '4.5',
    from: '2026-11-16',
  })
})
