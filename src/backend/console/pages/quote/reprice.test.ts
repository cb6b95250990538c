// The engine's own answers, recorded: whatever the screen computes beside a quote must come to the same cents.
import { describe, expect, test } from 'vitest'
import { COUNTS } from '../../../client/answers.ts'
import {
  type BrokerAnswer,
  indexPoints,
  type PricingModel,
  parseExactJson,
  percentPoints,
  type QuoteAnswer,
  timesLenderRate,
} from '../../../client/index.ts'
import recordedText from './fixtures/recorded-answers.json?raw'
import { type FormText, formOf } from './form-text.ts'
import { feeBasis, otherStays, othersOf, STAYS, totalIf } from './reprice.ts'

interface Recorded {
  readonly title: string
  readonly request: Readonly<Record<string, string>>
  readonly broker: BrokerAnswer
  readonly total_by_days: Readonly<Record<string, string>>
  readonly answer: QuoteAnswer
}

const recorded = parseExactJson(recordedText, COUNTS) as readonly Recorded[]

const model: PricingModel = {
  model: 'standard-v1',
  volatility_weight: timesLenderRate('0.01'),
  volatility_threshold: indexPoints('0'),
  event_weight: timesLenderRate('0.05'),
  max_multiplier: timesLenderRate('5'),
  volatility_source: 'stock-or-index',
}

function formOfRequest(request: Readonly<Record<string, string | number>>): FormText {
  const texts = Object.fromEntries(Object.entries(request).map(([name, value]) => [name, String(value)]))
  return formOf(texts, { ownClientId: null, last: null })
}

describe('other stays', () => {
  test.each(recorded)('cost what the engine asks for them: $title', ({ answer, request, broker, total_by_days }) => {
    const basis = feeBasis(answer, formOfRequest(request), broker)
    const stays = basis && otherStays(basis)
    expect(stays?.map(({ days, total }) => [String(days), total])).toEqual(
      Object.entries(total_by_days).sort(([a], [b]) => Number(a) - Number(b)),
    )
    expect(stays?.filter(({ isQuoted }) => isQuoted)).toEqual([
      { days: 21, total: answer.total_fee, aDay: expect.stringMatching(/^[0-9]+\.[0-9]{2}$/), isQuoted: true },
    ])
  })

  test('are the usual ones when one of them was asked for', () => {
    const { answer, request, broker } = recorded[0] as Recorded
    const basis = feeBasis(answer, formOfRequest(request), broker)
    expect(basis && otherStays({ ...basis, days: 30 }).map(({ days }) => days)).toEqual(STAYS)
    expect(basis && otherStays({ ...basis, days: 0 }).map(({ days }) => days)).toEqual(STAYS)
  })

  test('need no terms that the answer itself tells', () => {
    const { answer, request } = recorded[1] as Recorded
    expect(feeBasis(answer, formOfRequest(request), null)).not.toBeNull()
  })

  test('are not told when the terms have changed since, or are not known', () => {
    const tiered = recorded[3] as Recorded
    const form = formOfRequest(tiered.request)
    expect(feeBasis(tiered.answer, form, null)).toBeNull()
    const markup_tiers = [{ up_to: null, markup_percentage: percentPoints('9') }]
    expect(feeBasis(tiered.answer, form, { ...tiered.broker, markup_tiers })).toBeNull()
  })
})

describe('what a guess is worth', () => {
  const { answer, request, broker } = recorded[0] as Recorded
  const basis = feeBasis(answer, formOfRequest(request), broker)
  if (basis === null) throw new Error('the recorded answer does not come out')
  const ifEvent = (value: string) => totalIf(basis, answer, model, '0.0001', { input: 'event_risk', value })

  test('at the value that was used it is the answer', () => {
    expect(ifEvent('7')).toBe(answer.total_fee)
  })

  test('is the total at both ends of it', () => {
    // 50 000 x 1.820858 % x 21 / 365 = 52.38, and 5 % of it 2.62, and 25.00
    expect(ifEvent('0')).toBe('80.00')
    // 1.534 % x 1.237 = 1.897558 %: 54.59 + 2.73 + 25.00
    expect(ifEvent('10')).toBe('82.32')
    // 1.534 % x 1.135 = 1.74109 %: 50.09 + 2.50 + 25.00
    expect(totalIf(basis, answer, model, '0.0001', { input: 'volatility', value: '10' })).toBe('77.59')
    // A floor above what the rate would be holds it: 50 000 x 1.8 % x 21 / 365 = 51.78, and 2.59, and 25.00
    expect(totalIf(basis, answer, model, '0.0180', { input: 'volatility', value: '10' })).toBe('79.37')
  })

  test('of a rate or a price is a tenth less and more', () => {
    expect(othersOf('lender_rate', '0.2')).toEqual(['0.18', '0.22'])
    expect(othersOf('event_risk', '7')).toEqual(['0', '10'])
    const shares = recorded[2] as Recorded
    const ofShares = feeBasis(shares.answer, formOfRequest(shares.request), shares.broker)
    expect(ofShares && totalIf(ofShares, shares.answer, model, '0.0001', { input: 'price', value: '27.345678' })).toBe(
      shares.answer.total_fee,
    )
  })

  test('is not told under a model that does not come to the answer', () => {
    expect(
      totalIf(basis, answer, { ...model, event_weight: timesLenderRate('1') }, '0.0001', {
        input: 'event_risk',
        value: '0',
      }),
    ).toBeNull()
  })

  test('nor of a price whose fee is a share of the value', () => {
    const percentage = recorded[3] as Recorded
    const other = feeBasis(percentage.answer, formOfRequest(percentage.request), percentage.broker)
    expect(other && totalIf(other, percentage.answer, model, '0.0001', { input: 'price', value: '25' })).toBeNull()
  })
})
