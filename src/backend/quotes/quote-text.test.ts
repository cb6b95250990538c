// The text of an answer is that of the same answer as an object, whatever was priced and however its inputs are called.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MarketObservations } from '../market-data/market-data.ts'
import type { Observation } from '../market-data/observation.ts'
import { round, trim } from '../pricing/decimal.ts'
import { price } from '../pricing/quote.ts'
import type { IsoDate, Ticker, Usd } from '../pricing/units.ts'
import { asTicker } from '../pricing/units.ts'
import type { Broker } from '../reference-data/broker-terms.ts'
import { writeJson } from '../server/json-writer.ts'
import { anyLenderRate, anyPositionValue, anyPriceInputs, anyVolatility } from '../test/random-price-inputs.ts'
import { availability, eventRisk, observation, step, sufficient, volatilityUsed, wholeCents } from './answer.ts'
import type { LocateQuote } from './quote.ts'
import { quoteText } from './quote-text.ts'

/** The answer as docs/api has it, member by member. */
function plainAnswer(quote: LocateQuote): Record<string, unknown> {
  const { priced, inputs, request, closeUsed } = quote
  const { market, broker, model } = inputs
  const { fee, borrowRate } = priced
  return {
    status: 'success',
    total_fee: fee.totalFee,
    breakdown: { borrow_cost: fee.borrowCost, markup: fee.markup, transaction_fees: fee.transactionFee },
    borrow_rate_used: borrowRate.rate,
    quote_id: quote.auditId,
    audit_id: quote.auditId,
    ticker: request.ticker,
    client_id: request.clientId,
    quoted_at: quote.quotedAt,
    expires_at: quote.expiresAt,
    quote_type: 'indicative',
    terms: {
      day_count: broker.terms.dayCount,
      convention_pack: broker.terms.conventionPack,
      markup_percentage: trim(broker.terms.markupPercentage),
      pricing_model: model.model,
    },
    data_sources: {
      base_rate: observation(market.lenderRate, trim),
      volatility: observation(volatilityUsed(market, borrowRate), trim),
      event_risk: eventRisk(market),
      ...(closeUsed !== null && { price: observation(closeUsed, (last) => wholeCents(last.close)) }),
    },
    degraded: quote.degraded,
    availability: availability(market),
    ...(request.position.kind === 'shares' && {
      sufficient: sufficient(market, request.position.quantity),
      fee_per_share: priced.feePerShare,
      charged_value: round(priced.chargedValue, { scale: 2, rounding: 'half-up' }),
      mark: wholeCents(priced.mark as Usd),
      charged_shares: priced.chargedShares,
    }),
    ...(priced.accrual !== null && {
      accrual: {
        short_settles: quote.priceInputs.stay.accrual?.shortSettles,
        cover_settles: quote.priceInputs.stay.accrual?.coverSettles,
        days: priced.loanDays,
        schedule: priced.accrual.map((day) => ({ value_date: day.valueDate, days: day.days, amount: day.amount })),
      },
    }),
    cost_per_day: fee.costPerDay,
    waterfall: priced.waterfall.map(step),
  }
}

const words = fc.oneof(
  fc.string(),
  fc.constantFrom('seclend', 'tier "HARD"', 'a\\b', 'caf\u00e9', '\ud800', 'tab\there'),
)
const moment = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })

function observed<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Observation<T>> {
  return fc.record({
    value,
    source: fc.constantFrom('live', 'cached', 'stale', 'fallback'),
    provider: words,
    asOf: fc.option(moment),
    receivedAt: fc.option(moment),
    ageSeconds: fc.option(fc.nat()),
    fallbackReason: fc.option(words),
    demo: fc.boolean(),
  })
}

const event = fc.record({
  type: words,
  date: fc.constantFrom('2026-12-01', '2027-01-15').map((date) => date as IsoDate),
  riskFactor: fc.integer({ min: 0, max: 10 }),
  assumed: fc.boolean(),
})

const market = fc.record({
  lenderRate: observed(anyLenderRate),
  stockVolatility: fc.option(observed(anyVolatility), { nil: null }),
  volatilityIndex: observed(anyVolatility),
  eventRisk: observed(
    fc.record({ factor: fc.integer({ min: 0, max: 10 }), events: fc.array(event, { maxLength: 3 }) }),
  ),
  availability: fc.option(observed(fc.record({ shares: fc.option(fc.nat()), atLeast: fc.boolean() }))),
})

const quote: fc.Arbitrary<LocateQuote> = fc
  .record({
    priceInputs: anyPriceInputs,
    market,
    closeUsed: fc.option(
      observed(fc.record({ close: anyPositionValue, priceDate: fc.constant('2026-11-23' as IsoDate) })),
    ),
    clientId: words,
    quotedAt: moment,
    expiresAt: moment,
    degraded: fc.array(words, { maxLength: 3 }),
  })
  .map(({ priceInputs, market, closeUsed, clientId, quotedAt, expiresAt, degraded }) => {
    const { position, terms, model } = priceInputs
    return {
      auditId: '0193577d-1c00-7000-8000-000000000001',
      quotedAt,
      expiresAt,
      request: {
        ticker: asTicker('BRK.B') as Ticker,
        clientId,
        position: position.kind === 'value' ? position : { kind: 'shares', quantity: position.quantity, price: null },
        stay: { kind: 'days', loanDays: 1 },
        location: 'body',
      },
      inputs: { broker: { terms } as Broker, model, market: market as unknown as MarketObservations },
      priceInputs,
      priced: price(priceInputs),
      closeUsed: position.kind === 'value' ? null : closeUsed,
      degraded,
    } satisfies LocateQuote
  })

test('every answer is the text of its object', () => {
  fc.assert(
    fc.property(quote, (of) => {
      expect(quoteText(of)).toBe(writeJson(plainAnswer(of)))
    }),
    { numRuns: 1_000 },
  )
})
