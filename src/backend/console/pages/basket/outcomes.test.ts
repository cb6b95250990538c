import { describe, expect, test } from 'vitest'
import type { FailedLineAnswer, PricedLineAnswer } from '../../../client/index.ts'
import { fraction, usd } from '../../../client/units.ts'
import { dearestNames, guessCounts, pricedOutcome, RunningTotals, reasonsOf, refusedOutcome } from './outcomes.ts'

function priced(ticker: string, total: string, degraded: readonly string[] = []): PricedLineAnswer {
  const observed = { value: '0.2', source: 'cached', provider: 'a feed', as_of: null, age_seconds: 7_200 }
  return {
    ticker,
    total_fee: usd(total),
    breakdown: { borrow_cost: usd(total), markup: usd('0.10'), transaction_fees: usd('25.00') },
    borrow_rate_used: fraction('0.2'),
    client_id: 'demo-classic',
    position_value: usd('50000'),
    loan_days: 30,
    degraded,
    data_sources: { base_rate: observed, volatility: observed, event_risk: observed },
  } as unknown as PricedLineAnswer
}

function failed(error: string, error_code: string, fields: readonly string[] = []): FailedLineAnswer {
  return {
    type: 'failed',
    line: 1,
    status: 'error',
    error,
    error_code,
    validation_errors: fields.map((field) => ({ field, location: 'body', message: `${field} must be so` })),
  }
}

const outcomes = [
  pricedOutcome(priced('GME', '783.41')),
  refusedOutcome(failed('Ticker not found: GMEE', 'TICKER_NOT_FOUND')),
  pricedOutcome(priced('AMC', '0.10', ['demo_data'])),
  pricedOutcome(priced('GME', '0.20', ['lender_rate_fallback', 'volatility_stale', 'demo_data'])),
  refusedOutcome(failed('Ticker not found: ZZZ', 'TICKER_NOT_FOUND')),
  refusedOutcome(failed('Invalid parameter: loan_days must be so', 'INVALID_PARAMETER', ['loan_days'])),
]

describe('totals', () => {
  test('are exact: ten thousand times ten cents are a thousand dollars', () => {
    const totals = new RunningTotals()
    for (let line = 0; line < 10_000; line += 1) totals.add(pricedOutcome(priced('GME', '0.10')))
    expect(totals.get()).toMatchObject({ priced: 10_000, total: '1000.00', markup: '1000.00', fees: '250000.00' })
  })

  test('count what is priced, refused, and rests on a guess of its own', () => {
    const totals = new RunningTotals()
    for (const outcome of outcomes) totals.add(outcome)
    expect(totals.get()).toEqual({
      priced: 3,
      refused: 3,
      guesses: 1,
      total: '783.71',
      borrowCost: '783.71',
      markup: '0.30',
      fees: '75.00',
    })
    expect(new RunningTotals().get().total).toBe('0.00')
  })
})

test('refused lines are counted by reason, the ticker left aside, and name the cell at fault', () => {
  expect(reasonsOf(outcomes)).toEqual([
    { reason: 'Ticker not found', lines: 2 },
    { reason: 'loan_days must be so', lines: 1 },
  ])
  expect(refusedOutcome(failed('Client not found: x', 'CLIENT_NOT_FOUND'))).toMatchObject({ faults: ['client_id'] })
  expect(refusedOutcome(failed('…', 'INVALID_PARAMETER', ['loan_days', 'ticker', 'line']))).toMatchObject({
    faults: ['ticker', 'loan_days'],
  })
  expect(refusedOutcome(failed('No record can be kept', 'AUDIT_UNAVAILABLE'))).toMatchObject({
    faults: [],
    reason: 'No record can be kept',
  })
})

test('the dearest names are sums of all their lines, and say when one of them is a guess', () => {
  expect(dearestNames(outcomes, 6)).toEqual([
    { ticker: 'GME', total: '783.61', isGuess: true },
    { ticker: 'AMC', total: '0.10', isGuess: false },
  ])
  expect(dearestNames(outcomes, 1)).toHaveLength(1)
})

test('guesses are a line’s own or shared by all; demonstration data are neither', () => {
  expect(guessCounts(outcomes)).toEqual([
    { name: 'volatility_stale', source: 'stale', value: '0.2', ageSeconds: 7_200, lines: 1 },
    { name: 'lender_rate_fallback', source: 'fallback', value: '0.2', ageSeconds: 7_200, lines: 1 },
  ])
  const unknown = pricedOutcome(priced('GME', '1', ['moon_phase_stale']))
  expect(unknown.guesses).toEqual([{ name: 'moon_phase_stale', source: 'stale', value: null, ageSeconds: null }])
})
