// The record of a quote: what a dispute or an examiner asks for, years later. Pure: it turns what is known at the moment of
// the answer into one row. recorded-quote.ts reads it back. Fields follow docs/glossary.md, "Record of a quote".

//
// The text is written at once, and not as an object that is then taken apart: quote-record.test.ts holds it to that object.
import type { ObservationSource } from '../market-data/observation.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Decimal } from '../pricing/decimal.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import { type PriceInputsText, writeAccrual, writeModel, writeTerms } from '../pricing/price-inputs.ts'
import type { PricedQuote, PriceInputs } from '../pricing/quote.ts'
import type { Ticker } from '../pricing/units.ts'
import type { WaterfallStep } from '../pricing/waterfall.ts'
import { isoText } from '../server/iso-time.ts'
import { escaped, jsonString } from '../server/json-writer.ts'

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
}

/** The batch that a quote was a line of, and which line, from 1. */
export interface PlaceInBatch {
  readonly batchId: string
  readonly line: number
}

/** What the values of inputs count, by their names. */
const INPUT_UNITS = {
  lender_rate: 'fraction',
  stock_volatility: 'index points',
  volatility_index: 'index points',
  event_risk: 'factor 0-10',
  availability: 'shares',
  last_close: 'USD',
} as const

/** One input as it was observed. `fallbackReason` is null unless the value is a stand-in. */
export interface RecordedInput {
  readonly name: keyof typeof INPUT_UNITS
  readonly value: string | null
  readonly source: ObservationSource
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
  /** Null: it was asked alone. */
  readonly batch: PlaceInBatch | null
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
  const occurredAt = isoText(record.occurredAt)
  const chargedValue = priced.chargedValue.toString()
  const borrowRate = priced.borrowRate.rate.toString()
  const { fee } = priced
  const totalFee = fee.totalFee.toString()
  const { observations } = record
  let inputs = ''
  for (let i = 0; i < observations.length; i += 1) {
    inputs += i === 0 ? inputText(observations[i]!) : `,${inputText(observations[i]!)}`
  }
  const text =
    `{"audit_id":"${record.auditId}","record_type":"quote","schema_version":${QUOTE_RECORD_SCHEMA_VERSION},"occurred_at":"${occurredAt}",` +
    `"actor":${actorText(actor)}${batchText(record.batch)},"request":${JSON.stringify(record.request)},"inputs":[${inputs}],` +
    `"degraded":[${record.degraded.map(jsonString).join()}],"price_inputs":${priceInputsText(priceInputs)},` +
    `"pricing_model":"${escaped(priceInputs.model.model)}","terms_version":${record.termsVersion},` +
    `"convention_pack":"${priceInputs.terms.conventionPack}","engine_build":"${escaped(record.engineBuild)}",` +
    `"waterfall":[${waterfallText(priced.waterfall)}],"result":{"borrow_rate":"${borrowRate}","charged_value":"${chargedValue}",` +
    `"borrow_cost":"${fee.borrowCost.toString()}","markup":"${fee.markup.toString()}",` +
    `"transaction_fee":"${fee.transactionFee.toString()}","total_fee":"${totalFee}","cost_per_day":"${fee.costPerDay.toString()}"},` +
    `"quote_type":"indicative","valid_from":"${occurredAt}","expires_at":"${isoText(record.expiresAt)}"}`
  return {
    audit_id: record.auditId,
    record_type: 'quote',
    schema_version: QUOTE_RECORD_SCHEMA_VERSION,
    occurred_at: occurredAt,
    client_id: record.clientId,
    ticker: record.ticker,
    position_value: chargedValue,
    borrow_rate: borrowRate,
    total_fee: totalFee,
    request_id: actor.requestId,
    actor_id: actor.keyId,
    record: text,
  }
}

/** The lines of a batch have one actor, whose text is made once. */
let writtenActor: Actor | null = null
let writtenActorText = ''

function actorText(actor: Actor): string {
  if (actor === writtenActor) return writtenActorText
  writtenActor = actor
  writtenActorText =
    `{"actor_type":"${escaped(actor.actorType)}","actor_id":"${escaped(actor.actorId)}","key_id":"${escaped(actor.keyId)}",` +
    `"source_ip":"${escaped(actor.sourceIp)}","user_agent":${textOrNull(actor.userAgent)},"request_id":"${escaped(actor.requestId)}",` +
    `"idempotency_key":${textOrNull(actor.idempotencyKey)}}`
  return writtenActorText
}

function batchText(place: PlaceInBatch | null): string {
  return place === null ? '' : `,"batch":{"batch_id":${jsonString(place.batchId)},"line":${place.line}}`
}

/** Names, units and sources are words of the program, which need no escape. */
function inputText(input: RecordedInput): string {
  return (
    `{"name":"${input.name}","value":${textOrNull(input.value)},"unit":"${INPUT_UNITS[input.name]}",` +
    `"source":"${input.source}","provider":"${escaped(input.provider)}","as_of":${momentText(input.asOf)},` +
    `"received_at":${momentText(input.receivedAt)},"fallback_reason":${textOrNull(input.fallbackReason)}}`
  )
}

/** What {@link writePriceInputs} makes, as text. */
function priceInputsText(inputs: PriceInputs): string {
  const { position, stay, stockVolatility } = inputs
  const positionText =
    position.kind === 'value'
      ? `{"position_value":"${position.positionValue.toString()}"}`
      : `{"quantity":${position.quantity},"price":"${position.price.toString()}"}`
  const accrualText = stay.accrual === null ? 'null' : JSON.stringify(writeAccrual(stay.accrual))
  return (
    `{"position":${positionText},"loan_days":${stay.loanDays},"accrual":${accrualText},"lender_rate":"${inputs.lenderRate.toString()}",` +
    `"stock_volatility":${stockVolatility === null ? 'null' : `"${stockVolatility.toString()}"`},` +
    `"volatility_index":"${inputs.volatilityIndex.toString()}",` +
    `"event_risk_factor":${inputs.eventRiskFactor},"floor_rate":"${inputs.floorRate.toString()}","model":${modelText(inputs.model)},` +
    `"terms":${termsText(inputs.terms)}}`
  )
}

// A model and a broker's terms are in force for thousands of quotes.
const modelText = writtenOnce((model: PricingModel) => JSON.stringify(writeModel(model)))
const termsText = writtenOnce((terms: Terms) => JSON.stringify(writeTerms(terms)))

/** The text of an object that does not change: the second time it comes from memory, for as long as the object is there. */
function writtenOnce<T extends object>(write: (value: T) => string): (value: T) => string {
  const texts = new WeakMap<T, string>()
  return (value) => {
    let text = texts.get(value)
    if (text === undefined) {
      text = write(value)
      texts.set(value, text)
    }
    return text
  }
}

/** In each block a step begins where the one before it ended. */
function waterfallText(steps: readonly WaterfallStep[]): string {
  let text = ''
  let ended: Decimal | null = null
  let endedText = ''
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i]!
    const before: string = step.before === ended ? endedText : step.before.toString()
    ended = step.after
    endedText = step.after === step.before ? before : step.after.toString()
    text +=
      `${i === 0 ? '{"step":"' : ',{"step":"'}${step.step}","description":"${escaped(step.description)}","unit":"${step.unit}",` +
      `"before":"${before}","after":"${endedText}"}`
  }
  return text
}

function textOrNull(text: string | null): string {
  return text === null ? 'null' : jsonString(text)
}

function momentText(moment: Date | null): string {
  return moment === null ? 'null' : `"${isoText(moment)}"`
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
