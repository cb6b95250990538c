// The texts a person reads, made from a price that the engine really computes.
import { expect, test } from 'vitest'
import { type AuditRecordAnswer, COUNTS, type QuoteAnswer } from '../client/answers.ts'
import { parseExactJson } from '../client/exact-json.ts'
import { usd, usdPerShare } from '../client/units.ts'
import { STANDARD_V1 } from '../pricing/borrow-rate.ts'
import type { Position } from '../pricing/convention-packs.ts'
import { decimal } from '../pricing/decimal.ts'
import { writePriceInputs } from '../pricing/price-inputs.ts'
import { type PriceInputs, price } from '../pricing/quote.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd } from '../pricing/units.ts'
import { quoteText, recordText } from './quote-text.ts'

const BY_VALUE: Position = { kind: 'value', positionValue: asUsd(decimal('50000')) }

function inputs(position: Position, pack: 'notional' | 'us-collateral-mark'): PriceInputs {
  return {
    position,
    stay: { loanDays: 30, accrual: null },
    lenderRate: asRate(decimal('0.141')),
    stockVolatility: null,
    volatilityIndex: asIndexPoints(decimal('20')),
    eventRiskFactor: 7,
    floorRate: asRate(decimal('0.0001')),
    model: STANDARD_V1,
    terms: {
      markupPercentage: asPercentPoints(decimal(5)),
      markupTiers: null,
      transactionFeeType: 'FLAT',
      transactionAmount: decimal(25),
      dayCount: pack === 'notional' ? 'ACT/365' : 'ACT/360',
      conventionPack: pack,
      billing: 'term',
    },
  }
}

/** What the engine answers, through JSON's texts. */
function answer(asked: PriceInputs): QuoteAnswer {
  const priced = price(asked)
  const told = {
    status: 'success',
    total_fee: priced.fee.totalFee.toString(),
    breakdown: {
      borrow_cost: priced.fee.borrowCost.toString(),
      markup: priced.fee.markup.toString(),
      transaction_fees: priced.fee.transactionFee.toString(),
    },
    borrow_rate_used: priced.borrowRate.rate.toString(),
    quote_id: 'a1',
    audit_id: 'a1',
    ticker: 'GME',
    client_id: 'demo-classic',
    quoted_at: '2026-11-23T14:31:07.000Z',
    expires_at: '2026-11-23T14:32:07.000Z',
    quote_type: 'indicative',
    terms: {
      day_count: asked.terms.dayCount,
      convention_pack: asked.terms.conventionPack,
      markup_percentage: '5',
      pricing_model: 'standard-v1',
    },
    data_sources: {
      base_rate: {
        value: '0.141',
        source: 'cached',
        provider: 'ibkr-file',
        as_of: '2026-11-23T11:20:07.000Z',
        age_seconds: 11_460,
      },
      volatility: {
        value: '20',
        source: 'fallback',
        provider: 'default',
        as_of: null,
        age_seconds: null,
        fallback_reason: 'no index value within 5 days',
      },
      event_risk: { value: '7', source: 'live', provider: 'events', as_of: '2026-11-23T14:31:00.000Z', age_seconds: 7 },
    },
    degraded: ['volatility_fallback'],
    availability: { shares: 10_000_000, at_least: true },
    cost_per_day: priced.fee.costPerDay.toString(),
    waterfall: priced.waterfall.map((step) => ({
      step: step.step,
      description: step.description,
      unit: step.unit,
      before: step.before.toString(),
      after: step.after.toString(),
      delta: step.delta.toString(),
    })),
  }
  return parseExactJson(JSON.stringify(told), COUNTS) as QuoteAnswer
}

test('a quote reads from the lender rate to the total, units once, the guess named with its reason', () => {
  expect(`\n${quoteText(answer(inputs(BY_VALUE, 'notional')))}\n`).toBe(`
GME for demo-classic: 776.40 USD

Borrow rate       bp  % a year
Lender rate            14.1000  lender's annual rate 14.1 %
Volatility   +282.00   16.9200  ◇ guess: volatility index 20, 1 % of the rate per point
Events        +49.35   17.4135  event risk 7 of 10, 5 % of the rate at 10
Cap                    17.4135  not in force: below 5 x the lender's rate
Floor                  17.4135  not in force: above the floor rate 0.01 %

Locate fee           USD        USD
Charged value             50,000.00  position value as given
Borrow cost      +715.62     715.62  50000.00 x 17.4135 % x 30 days / 365
Markup            +35.78     751.40  5 % of the borrow cost before rounding
Transaction fee   +25.00     776.40  flat, a request
Total                        776.40  borrow cost + markup + transaction fee

Inputs
Lender rate     14.1 %  ○ cached    ibkr-file  23 Nov 2026 11:20:07 UTC, 3 h 11 min old
Volatility   20 points  ◇ fallback  a guess    no index value within 5 days
Event risk     7 of 10  ● live      events     23 Nov 2026 14:31:00 UTC, 7 s old

One day costs 23.85 USD before markup. Shares to lend: >10,000,000.
ACT/365, pack notional, model standard-v1; indicative until 23 Nov 2026 14:32:07 UTC.
On the record as a1.
`)
})

test('shares are shown with the mark that is charged for them', () => {
  const shares: Position = { kind: 'shares', quantity: 1000, price: asUsd(decimal('13')) }
  const text = quoteText(answer(inputs(shares, 'us-collateral-mark')))
  expect(text).toContain('Charged value    +1,000.00  14,000.00  1000 shares x 14.00')
})

test('a stay by dates lists what each settlement day costs', () => {
  const text = quoteText({
    ...answer(inputs(BY_VALUE, 'notional')),
    fee_per_share: usdPerShare('0.049980'),
    accrual: {
      short_settles: '2026-12-02',
      cover_settles: '2026-12-05',
      days: 3,
      schedule: [
        { value_date: '2026-12-02', days: 1, amount: usd('1000.39') },
        { value_date: '2026-12-03', days: 2, amount: usd('2.79') },
      ],
    },
  })
  expect(text).toContain(`
Value date  days       USD
2026-12-02     1  1,000.39
2026-12-03     2      2.79
The short settles 2026-12-02, the cover 2026-12-05: 3 days.

That is 0.049980 USD for each share asked for.
One day costs`)
})

const NOT_SEALED = {
  sequence: null,
  hash: null,
  prev_hash: null,
  sealed_at: null,
  retain_until: '2032-11-23T14:31:07.000Z',
  legal_hold: false,
  hold_ids: [],
}

test('a record gives the same table as the answer did', () => {
  const asked = inputs(BY_VALUE, 'notional')
  const fresh = answer(asked)
  const record = {
    audit_id: 'a1',
    record_type: 'quote',
    occurred_at: fresh.quoted_at,
    actor: { actor_type: 'broker', actor_id: 'demo-classic', key_id: 'k1' },
    request: { client_id: 'demo-classic', ticker: 'GME' },
    inputs: [
      {
        name: 'volatility_index',
        value: '20',
        unit: 'index points',
        source: 'fallback',
        provider: 'default',
        as_of: null,
        fallback_reason: 'no index value within 5 days',
      },
    ],
    degraded: ['volatility_fallback'],
    price_inputs: writePriceInputs(asked),
    pricing_model: 'standard-v1',
    terms_version: '1',
    engine_build: '0.1.0',
    waterfall: fresh.waterfall,
    result: { total_fee: fresh.total_fee, cost_per_day: fresh.cost_per_day },
  }
  const table = (of: string) => of.slice(of.indexOf('Borrow rate'), of.indexOf('Inputs'))
  const text = recordText({
    status: 'success',
    recorded_at: '2026-11-23T14:31:07.004512Z',
    ...NOT_SEALED,
    record,
  } as AuditRecordAnswer)
  expect(table(text)).toEqual(table(quoteText(fresh)))
  expect(text).toContain('Quoted 23 Nov 2026 14:31:07 UTC to demo-classic (broker, key k1)')
  expect(text).toContain('no index value within 5 days')
  expect(text).toContain('Record a1, kept 23 Nov 2026 14:31:07 UTC.')
})

test('a record of another kind is shown as it is kept', () => {
  expect(
    recordText({ status: 'success', recorded_at: '', ...NOT_SEALED, record: { record_type: 'terms_change' } }),
  ).toContain('"record_type": "terms_change"')
})
