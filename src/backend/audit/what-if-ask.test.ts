import { describe, expect, test } from 'vitest'
import { readJson } from '../server/json-reader.ts'
import { Problem } from '../server/problem.ts'
import { readWhatIf, WHAT_IF_DAYS_MAX } from './what-if-ask.ts'

const NOW = new Date('2026-11-24T15:00:00Z')
const read = (text: string) => readWhatIf(readJson(text), NOW)

/** The places and rules that a body is refused for. */
function faults(text: string): readonly string[] {
  try {
    read(text)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    for (const { field, message } of error.validationErrors ?? []) expect(message.startsWith(field)).toBe(true)
    return error.validationErrors?.map(({ message }) => message) ?? []
  }
  throw new Error('it was not refused')
}
const faultsOfTerms = (terms: string) => faults(`{"from":"2026-11-16","terms":${terms}}`)

const MODEL = `"volatility_weight":0.02,"volatility_threshold":20,"event_weight":0.5,"max_multiplier":5,"volatility_source":"index"`

describe('a draft rate card', () => {
  test('is terms that take the place of the recorded ones field by field, every number exact', () => {
    const ask = read(
      '{"from":"2026-11-16","to":"2026-11-20","client_id":"classic","clients_max":5,"terms":{"markup_percentage":4.50,"transaction_fee_type":"FLAT","transaction_amount":"12.50"}}',
    )
    expect(JSON.parse(JSON.stringify(ask))).toEqual({
      from: '2026-11-16T00:00:00.000Z',
      to: '2026-11-21T00:00:00.000Z',
      clientId: 'classic',
      model: null,
      terms: { markupPercentage: '4.5', markupTiers: null, transactionFeeType: 'FLAT', transactionAmount: '12.5' },
      clientsMax: 5,
    })
  })

  test('is a model by its name, or by its parameters; the range ends now when no end is given', () => {
    expect(read('{"from":"2026-11-16","model":"desk-v1"}')).toMatchObject({
      model: 'desk-v1',
      terms: null,
      to: NOW,
      clientId: null,
      clientsMax: 20,
    })
    const { model } = read(`{"from":"2026-11-16","model":{${MODEL}}}`)
    expect(JSON.parse(JSON.stringify(model))).toEqual({
      model: 'draft',
      volatilityWeight: '0.02',
      volatilityThreshold: '20',
      eventWeight: '0.5',
      maxMultiplier: '5',
      volatilitySource: 'index',
    })
  })

  test('has tiers when it says so, and else a markup takes the place of recorded tiers', () => {
    const tiers =
      '[{"up_to":100000,"markup_percentage":5},{"up_to":"1000000.50","markup_percentage":4},{"up_to":null,"markup_percentage":2.5}]'
    const { terms } = read(`{"from":"2026-11-16","terms":{"markup_tiers":${tiers}}}`)
    expect(JSON.parse(JSON.stringify(terms))).toEqual({
      markupTiers: [
        { upTo: '100000', markupPercentage: '5' },
        { upTo: '1000000.50', markupPercentage: '4' },
        { upTo: null, markupPercentage: '2.5' },
      ],
    })
    expect(read('{"from":"2026-11-16","terms":{"markup_tiers":null}}').terms).toEqual({ markupTiers: null })
  })
})

describe('a draft that could not be put in force is refused, with the place of each fault', () => {
  test('models', () => {
    expect(
      faults(
        '{"from":"2026-11-16","model":{"volatility_weight":10.1,"volatility_threshold":501,"event_weight":-1,"max_multiplier":0.9,"volatility_source":"vix"}}',
      ),
    ).toEqual([
      'model.volatility_weight must be at most 10',
      'model.volatility_threshold must be at most 500',
      'model.event_weight must be at least 0',
      'model.max_multiplier must be at least 1',
      'model.volatility_source must be one of stock-or-index, index',
    ])
    expect(faults(`{"from":"2026-11-16","model":{"max_multiplier":101}}`)).toContain(
      'model.max_multiplier must be at most 100',
    )
    expect(faults('{"from":"2026-11-16","model":"Desk v1"}')[0]).toMatch(/^model must be the name of a pricing model/)
  })

  test.each([
    ['{"markup_percentage":100.1}', 'terms.markup_percentage must be at most 100'],
    ['{"markup_percentage":-1}', 'terms.markup_percentage must be at least 0'],
    ['{"markup_percentage":"five"}', 'terms.markup_percentage must be a number or a decimal string'],
    ['{"transaction_amount":25}', 'terms.transaction_fee_type is required with transaction_amount'],
    ['{"transaction_fee_type":"FLAT"}', 'terms.transaction_amount is required with its type'],
    [
      '{"transaction_fee_type":"FLAT","transaction_amount":1000000.01}',
      'terms.transaction_amount must be at most 1000000',
    ],
    [
      '{"transaction_fee_type":"FLAT","transaction_amount":0.001}',
      'terms.transaction_amount must have at most 2 decimals for a FLAT fee',
    ],
    [
      '{"transaction_fee_type":"PERCENTAGE","transaction_amount":100.5}',
      'terms.transaction_amount must be at most 100 for a PERCENTAGE fee',
    ],
    [
      '{"convention_pack":"us-market-value","day_count":"ACT/365"}',
      'terms.day_count must be ACT/360 for the convention pack us-market-value',
    ],
    ['{"billing":"monthly"}', 'terms.billing must be one of term, daily'],
    ['{"markup_tiers":[]}', 'terms.markup_tiers must be a list of 1 to 20 items'],
    ['{"markup_tiers":[1]}', 'terms.markup_tiers[0] must be a JSON object'],
    ['{"markup_tiers":[{"up_to":null}]}', 'terms.markup_tiers[0].markup_percentage is required'],
    [
      '{"markup_tiers":[{"up_to":5,"markup_percentage":1}]}',
      'terms.markup_tiers[0].up_to must be null: the last tier is open',
    ],
    [
      '{"markup_tiers":[{"up_to":5,"markup_percentage":1},{"up_to":5,"markup_percentage":1},{"up_to":null,"markup_percentage":1}]}',
      'terms.markup_tiers[1].up_to must be above that of the tier before',
    ],
    [
      '{"markup_tiers":[{"up_to":null,"markup_percentage":1},{"up_to":null,"markup_percentage":1}]}',
      'terms.markup_tiers[1].up_to must be above that of the tier before',
    ],
  ])('terms %s', (terms, message) => {
    expect(faultsOfTerms(terms)).toEqual([message])
  })

  test('a range that is empty, backwards or too long, and a draft that drafts nothing', () => {
    const terms = '"terms":{"billing":"daily"}'
    expect(faults(`{${terms}}`)).toEqual(['from is required'])
    expect(faults(`{"from":"2026-11-16","to":"2026-11-15",${terms}}`)).toEqual(['to must be after from'])
    expect(faults(`{"from":"2026-11-25",${terms}}`)).toEqual(['to must be after from'])
    expect(faults(`{"from":"2020-01-01",${terms}}`)).toEqual([`to must be at most ${WHAT_IF_DAYS_MAX} days after from`])
    expect(() => read(`{"from":"2024-01-01","to":"2024-12-31",${terms}}`)).not.toThrow()
    for (const nothing of ['', ',"model":null', ',"terms":{}', ',"terms":null,"model":null']) {
      expect(faults(`{"from":"2026-11-16"${nothing}}`)).toEqual(['model or terms is required'])
    }
    expect(faults(`{"from":"2026-11-16","clients_max":1001,${terms}}`)).toEqual([
      'clients_max must be an integer from 1 to 1000',
    ])
  })
})
