import { expect, test } from 'vitest'
import { guessSentence, guessWords } from './guess-words.ts'
import type { Guess } from './outcomes.ts'

const guess = (name: string, more: Partial<Guess> = {}): Guess => ({
  name,
  source: 'stale',
  value: null,
  ageSeconds: null,
  ...more,
})

test('a line’s guess is said in a few words, with what stood in or how old it is', () => {
  expect(guessWords(guess('lender_rate_fallback', { value: '0.2' }))).toBe('lender stand-in, 20 %')
  expect(guessWords(guess('lender_rate_stale', { ageSeconds: 7_200 }))).toBe('lender rate 2 h old')
  expect(guessWords(guess('moon_phase_stale'))).toBe('moon phase stale')
})

test('a basket’s guesses are sentences that count the prices', () => {
  const stale = guess('event_risk_stale', { ageSeconds: 11_460 })
  expect(guessSentence({ ...stale, lines: 492 }, 492)).toBe(
    'All 492 prices use event risk that is not fresh, up to 3 h 11 min old.',
  )
  expect(guessSentence({ ...guess('lender_rate_fallback'), lines: 1 }, 3)).toBe(
    '1 of 3 prices uses a stand-in for the lender rate.',
  )
  expect(guessSentence({ ...guess('volatility_fallback', { value: '20' }), lines: 1 }, 1)).toBe(
    'The one price uses a stand-in for the volatility index, 20.',
  )
})
