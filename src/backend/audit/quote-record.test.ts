// The text of a record is that of the same record as an object, whatever was priced, whoever asked and however inputs are called.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writePriceInputs } from '../pricing/price-inputs.ts'
import { price } from '../pricing/quote.ts'
import type { Ticker } from '../pricing/units.ts'
import { anyPriceInputs } from '../test/random-price-inputs.ts'
import {
  type Actor,
  type AuditRow,
  type QuoteRecord,
  type QuoteRecordBody,
  quoteRecordRow,
  type RecordedInput,
} from './quote-record.ts'

/** The record as the glossary has it, member by member. */
function plainBody(record: QuoteRecord): QuoteRecordBody {
  const { actor, priced, priceInputs } = record
  return {
    audit_id: record.auditId,
    record_type: 'quote',
    schema_version: 1,
    occurred_at: record.occurredAt.toISOString(),
    actor: {
      actor_type: actor.actorType,
      actor_id: actor.actorId,
      key_id: actor.keyId,
      source_ip: actor.sourceIp,
      user_agent: actor.userAgent,
      request_id: actor.requestId,
      idempotency_key: actor.idempotencyKey,
    },
    ...(record.batch !== null && { batch: { batch_id: record.batch.batchId, line: record.batch.line } }),
    request: record.request,
    inputs: record.observations.map((input) => ({
      name: input.name,
      value: input.value,
      unit: UNITS[input.name],
      source: input.source,
      provider: input.provider,
      as_of: input.asOf === null ? null : input.asOf.toISOString(),
      received_at: input.receivedAt === null ? null : input.receivedAt.toISOString(),
      fallback_reason: input.fallbackReason,
    })),
    degraded: record.degraded,
    price_inputs: writePriceInputs(priceInputs),
    pricing_model: priceInputs.model.model,
    terms_version: record.termsVersion,
    convention_pack: priceInputs.terms.conventionPack,
    engine_build: record.engineBuild,
    waterfall: priced.waterfall.map((step) => ({
      step: step.step,
      description: step.description,
      unit: step.unit,
      before: step.before.toString(),
      after: step.after.toString(),
    })),
    result: {
      borrow_rate: priced.borrowRate.rate.toString(),
      charged_value: priced.chargedValue.toString(),
      borrow_cost: priced.fee.borrowCost.toString(),
      markup: priced.fee.markup.toString(),
      transaction_fee: priced.fee.transactionFee.toString(),
      total_fee: priced.fee.totalFee.toString(),
      cost_per_day: priced.fee.costPerDay.toString(),
    },
    quote_type: 'indicative',
    valid_from: record.occurredAt.toISOString(),
    expires_at: record.expiresAt.toISOString(),
  }
}

const words = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('seclend', 'tier "HARD"', 'a\\b', '\ud800', 'tab\there'),
)
const moment = fc.date({ noInvalidDate: true })

const actor: fc.Arbitrary<Actor> = fc.record({
  actorType: words,
  actorId: words,
  keyId: words,
  sourceIp: words,
  userAgent: fc.option(words),
  requestId: words,
  idempotencyKey: fc.option(words),
})

const UNITS = {
  lender_rate: 'fraction',
  stock_volatility: 'index points',
  volatility_index: 'index points',
  event_risk: 'factor 0-10',
  availability: 'shares',
  last_close: 'USD',
} as const

const observation: fc.Arbitrary<RecordedInput> = fc.record({
  name: fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[])),
  value: fc.option(words),
  source: fc.constantFrom('live', 'cached', 'stale', 'fallback'),
  provider: words,
  asOf: fc.option(moment),
  receivedAt: fc.option(moment),
  fallbackReason: fc.option(words),
})

const record: fc.Arbitrary<QuoteRecord> = fc
  .record({
    auditId: fc.uuid({ version: 7 }),
    occurredAt: moment,
    expiresAt: moment,
    actor,
    batch: fc.option(fc.record({ batchId: words, line: fc.integer({ min: 1 }) })),
    clientId: words,
    ticker: fc.constantFrom('AAPL', 'BRK.B').map((ticker) => ticker as Ticker),
    request: fc.record(
      {
        client_id: words,
        ticker: words,
        position_value: words,
        quantity: fc.nat(),
        loan_days: fc.nat(),
        start_date: words,
      },
      { requiredKeys: ['client_id', 'ticker'] },
    ),
    observations: fc.array(observation, { maxLength: 6 }),
    degraded: fc.array(words, { maxLength: 3 }),
    priceInputs: anyPriceInputs,
    termsVersion: fc.nat(),
    engineBuild: words,
  })
  .map((random) => ({ ...random, priced: price(random.priceInputs) }))

test('every record is the text of its object, and its columns are copies from it', () => {
  fc.assert(
    fc.property(record, (of) => {
      const body = plainBody(of)
      const { actor, result } = body
      expect(quoteRecordRow(of)).toEqual({
        audit_id: body.audit_id,
        record_type: 'quote',
        schema_version: 1,
        occurred_at: body.occurred_at,
        client_id: of.clientId,
        ticker: of.ticker,
        position_value: result.charged_value,
        borrow_rate: result.borrow_rate,
        total_fee: result.total_fee,
        request_id: actor.request_id,
        actor_id: actor.key_id,
        record: JSON.stringify(body),
      } satisfies AuditRow)
    }),
    { numRuns: 1_000 },
  )
})

test('a moment that is none makes no record', () => {
  const of = fc.sample(record, { numRuns: 1, seed: 1 })[0]!
  expect(() => quoteRecordRow({ ...of, occurredAt: new Date(Number.NaN) })).toThrow(RangeError)
})
