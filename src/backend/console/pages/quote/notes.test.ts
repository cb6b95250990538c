import { expect, test } from 'vitest'
import { COUNTS } from '../../../client/answers.ts'
import {
  indexPoints,
  type PricingModel,
  parseExactJson,
  type QuoteAnswer,
  timesLenderRate,
} from '../../../client/index.ts'
import recordedText from './fixtures/recorded-answers.json?raw'
import { guessesOf, stepSources } from './guesses.ts'
import { hasTieredMarkup, stepNotes } from './notes.ts'

const recorded = parseExactJson(recordedText, COUNTS) as readonly { readonly answer: QuoteAnswer }[]
const [byValue, , standIn] = recorded.map(({ answer }) => answer) as [QuoteAnswer, QuoteAnswer, QuoteAnswer]
const model: PricingModel = {
  model: 'desk-v1',
  volatility_weight: timesLenderRate('0.01'),
  volatility_threshold: indexPoints('20'),
  event_weight: timesLenderRate('1'),
  max_multiplier: timesLenderRate('1.5'),
  volatility_source: 'index',
}

test('steps are told in a few words, with the model’s own figures', () => {
  const standard = {
    ...model,
    volatility_threshold: indexPoints('0'),
    event_weight: timesLenderRate('0.05'),
    max_multiplier: timesLenderRate('5'),
  }
  expect(stepNotes(byValue, standard, null)).toEqual({
    lender_rate: 'as the lender quotes it',
    volatility: 'index 18.7 × 0.01',
    events: 'risk 7 of 10 × 0.05',
    cap: '× 5, multiplier is 1.222',
    markup: '5 % of the borrow cost',
    total: 'USD',
  })
  expect(stepNotes(byValue, model, null)).toMatchObject({
    volatility: 'index 18.7 over 20, × 0.01',
    cap: 'held at × 1.5, not 1.7',
  })
  expect(stepNotes(byValue, null, null).volatility).toBeUndefined()
})

test('a stand-in is a guess of its input and of its step', () => {
  expect(guessesOf(byValue)).toEqual([])
  expect(guessesOf(standIn).map(({ input, words }) => [input, words])).toEqual([['lender_rate', 'Lender rate 20 %']])
  expect(stepSources(standIn).lender_rate).toBe('fallback')
})

test('a markup by value is told as one', () => {
  expect(recorded.map(({ answer }) => hasTieredMarkup(answer))).toEqual([false, false, false, true])
})

test('so is a risk that nobody rated', () => {
  const event_risk = {
    ...byValue.data_sources.event_risk,
    value: '5',
    events: [{ type: 'rumour', date: '2026-12-06', risk_factor: 5, assumed: true }],
  }
  const answer = { ...byValue, data_sources: { ...byValue.data_sources, event_risk } }
  expect(guessesOf(answer)).toMatchObject([{ input: 'event_risk', isAssumed: true }])
  expect(stepSources(answer).events).toBe('fallback')
})
