// The record of a quote: what a dispute or an examiner asks for, years later. Pure: it turns what is known at the moment of
// the answer into one row. recorded-quote.ts reads it back. Fields follow docs/glossary.md, "Record of a quote".

import { type PriceInputsText, writePriceInputs } from '../pricing/price-inputs.ts'
import type { PricedQuote, PriceInputs } from '../pricing/quote.ts'
import type { Ticker } from '../pricing/units.ts'

/** Grows when the shape below changes in a way that its reader must know; recorded-quote.ts keeps reading every number there ever was. */
export const QUOTE_RECORD_SCHEMA_VERSION = 1

/** Who asked, and through what. Header texts are cleaned and cut before they come here. */
export interface Actor {
  /** The credential's role. */
  readonly actorType: string
  /** The credential's broker. */
  readonly actorId: string
  readonly keyId: string
  readonly sourceIp: string
  readonly userAgent: string | null
  readonly requestId: string
  readonly idempotencyKey: string | null
  /** The batch that the quote was a line of, and which line. Absent: it was asked alone. */
  readonly batch?: { readonly batchId: string; readonly line: number }
}

/** One input as it was observed. `unit` says what the value counts; `fallbackReason` is null unless the value is a stand-in. */
export interface RecordedInput {
  readonly name: string
  readonly value: string | null
  readonly unit: string
  readonly source: string
  readonly provider: string
  readonly asOf: Date | null
  readonly receivedAt: Date | null
  readonly fallbackReason: string | null
}

/** What the client asked, in its own terms: texts exactly as they were read. */
export interface RecordedRequest {
  readonly client_id: string
  readonly ticker: string
  readonly position_value?: string
  readonly quantity?: number
  readonly price?: string
  readonly loan_days?: number
  readonly start_date?: string
  readonly end_date?: string
}

export interface QuoteRecord {
  readonly auditId: string
  readonly occurredAt: Date
  readonly expiresAt: Date
  readonly actor: Actor
  readonly clientId: string
  readonly ticker: Ticker
  readonly request: RecordedRequest
  readonly observations: readonly RecordedInput[]
  readonly degraded: readonly string[]
  readonly priceInputs: PriceInputs
  readonly priced: PricedQuote
  /** Version of the broker's terms that were in force. */
  readonly termsVersion: number
  /** Version and commit of the program that made the price. */
  readonly engineBuild: string
}

/** A record as a row of `audit_records`: the columns that are searched, and the whole record as JSON text. Decimals are text. */
export interface AuditRow {
  readonly audit_id: string
  readonly record_type: string
  readonly schema_version: number
  /** ISO 8601, UTC. */
  readonly occurred_at: string
  readonly client_id: string
  readonly ticker: string | null
  readonly position_value: string | null
  readonly borrow_rate: string | null
  readonly total_fee: string | null
  readonly request_id: string | null
  /** Key id of the caller. */
  readonly actor_id: string | null
  readonly record: string
}

/** The row of a quote. The text's member order is fixed by this function, so equal records are equal bytes. */
export function quoteRecordRow(record: QuoteRecord): AuditRow {
  const { actor, priced, priceInputs } = record
  const occurredAt = record.occurredAt.toISOString()
  const body: QuoteRecordBody = {
    audit_id: record.auditId,
    record_type: 'quote',
    schema_version: QUOTE_RECORD_SCHEMA_VERSION,
    occurred_at: occurredAt,
    actor: {
      actor_type: actor.actorType,
      actor_id: actor.actorId,
      key_id: actor.keyId,
      source_ip: actor.sourceIp,
      user_agent: actor.userAgent,
      request_id: actor.requestId,
      idempotency_key: actor.idempotencyKey,
    },
    ...(actor.batch !== undefined && { batch: { batch_id: actor.batch.batchId, line: actor.batch.line } }),
    request: record.request,
    inputs: record.observations.map((input) => ({
      name: input.name,
      value: input.value,
      unit: input.unit,
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
    valid_from: occurredAt,
    expires_at: record.expiresAt.toISOString(),
  }
  return {
    audit_id: record.auditId,
    record_type: 'quote',
    schema_version: QUOTE_RECORD_SCHEMA_VERSION,
    occurred_at: occurredAt,
    client_id: record.clientId,
    ticker: record.ticker,
    position_value: priced.chargedValue.toString(),
    borrow_rate: priced.borrowRate.rate.toString(),
    total_fee: priced.fee.totalFee.toString(),
    request_id: actor.requestId,
    actor_id: actor.keyId,
    record: JSON.stringify(body),
  }
}

/** The recorded JSON, schema version 1. Amounts and rates are decimal text; rates are fractions, amounts USD. */
export interface QuoteRecordBody {
  readonly audit_id: string
  readonly record_type: 'quote'
  readonly schema_version: number
  readonly occurred_at: string
  readonly actor: {
    readonly actor_type: string
    readonly actor_id: string
    readonly key_id: string
    readonly source_ip: string
    readonly user_agent: string | null
    readonly request_id: string
    readonly idempotency_key: string | null
  }
  /** Only of a line of a batch. */
  readonly batch?: { readonly batch_id: string; readonly line: number }
  readonly request: RecordedRequest
  readonly inputs: readonly {
    readonly name: string
    readonly value: string | null
    readonly unit: string
    readonly source: string
    readonly provider: string
    readonly as_of: string | null
    readonly received_at: string | null
    readonly fallback_reason: string | null
  }[]
  readonly degraded: readonly string[]
  readonly price_inputs: PriceInputsText
  readonly pricing_model: string
  readonly terms_version: number
  readonly convention_pack: string
  readonly engine_build: string
  readonly waterfall: readonly {
    readonly step: string
    readonly description: string
    readonly unit: string
    readonly before: string
    readonly after: string
  }[]
  readonly result: {
    readonly borrow_rate: string
    readonly charged_value: string
    readonly borrow_cost: string
    readonly markup: string
    readonly transaction_fee: string
    readonly total_fee: string
    readonly cost_per_day: string
  }
  readonly quote_type: 'indicative'
  readonly valid_from: string
  readonly expires_at: string
}
