// Price inputs as plain JSON text and back, without losing a digit: what the audit record keeps and a replay reads.
import type { PricingModel } from './borrow-rate.ts'
import type { ConventionPackName, Position } from './convention-packs.ts'
import type { DayCount } from './day-count.ts'
import { decimal } from './decimal.ts'
import type { Terms } from './locate-fee.ts'
import type { PriceInputs, Stay } from './quote.ts'
import type { Accrual, AccrualPeriod } from './settlement-calendar.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type IsoDate } from './units.ts'

/** The recorded form: decimals are texts, counts are numbers, names are those of the contract. */
export interface PriceInputsText {
  position: { position_value: string } | { quantity: number; price: string }
  loan_days: number
  accrual: {
    short_settles: string
    cover_settles: string
    days: number
    schedule: { value_date: string; days: number }[]
  } | null
  lender_rate: string
  stock_volatility: string | null
  volatility_index: string
  event_risk_factor: number
  floor_rate: string
  model: {
    model: string
    volatility_weight: string
    volatility_threshold: string
    event_weight: string
    max_multiplier: string
    volatility_source: string
  }
  terms: {
    markup_percentage: string
    markup_tiers: { up_to: string | null; markup_percentage: string }[] | null
    transaction_fee_type: string
    transaction_amount: string
    day_count: string
    convention_pack: string
    billing: string
  }
}

/** The inputs as they go on the record. */
export function writePriceInputs(inputs: PriceInputs): PriceInputsText {
  const { position, stay } = inputs
  return {
    position:
      position.kind === 'value'
        ? { position_value: position.positionValue.toString() }
        : { quantity: position.quantity, price: position.price.toString() },
    loan_days: stay.loanDays,
    accrual: stay.accrual === null ? null : writeAccrual(stay.accrual),
    lender_rate: inputs.lenderRate.toString(),
    stock_volatility: inputs.stockVolatility === null ? null : inputs.stockVolatility.toString(),
    volatility_index: inputs.volatilityIndex.toString(),
    event_risk_factor: inputs.eventRiskFactor,
    floor_rate: inputs.floorRate.toString(),
    model: writeModel(inputs.model),
    terms: writeTerms(inputs.terms),
  }
}

/** The settlement days of a stay as they go on the record. */
export function writeAccrual(accrual: Accrual): NonNullable<PriceInputsText['accrual']> {
  return {
    short_settles: accrual.shortSettles,
    cover_settles: accrual.coverSettles,
    days: accrual.days,
    schedule: accrual.schedule.map((period) => ({ value_date: period.valueDate, days: period.days })),
  }
}

/** A pricing model as it goes on the record. */
export function writeModel(model: PricingModel): PriceInputsText['model'] {
  return {
    model: model.model,
    volatility_weight: model.volatilityWeight.toString(),
    volatility_threshold: model.volatilityThreshold.toString(),
    event_weight: model.eventWeight.toString(),
    max_multiplier: model.maxMultiplier.toString(),
    volatility_source: model.volatilitySource,
  }
}

/** A broker's terms as they go on the record. */
export function writeTerms(terms: Terms): PriceInputsText['terms'] {
  return {
    markup_percentage: terms.markupPercentage.toString(),
    markup_tiers:
      terms.markupTiers === null
        ? null
        : terms.markupTiers.map((tier) => ({
            up_to: tier.upTo === null ? null : tier.upTo.toString(),
            markup_percentage: tier.markupPercentage.toString(),
          })),
    transaction_fee_type: terms.transactionFeeType,
    transaction_amount: terms.transactionAmount.toString(),
    day_count: terms.dayCount,
    convention_pack: terms.conventionPack,
    billing: terms.billing,
  }
}

/**
 * The inputs back from the record.
 * @throws RangeError when a text that should be a decimal is not: the record is damaged.
 */
export function readPriceInputs(text: PriceInputsText): PriceInputs {
  return {
    position: readPosition(text.position),
    stay: readStay(text),
    lenderRate: asRate(decimal(text.lender_rate)),
    stockVolatility: text.stock_volatility === null ? null : asIndexPoints(decimal(text.stock_volatility)),
    volatilityIndex: asIndexPoints(decimal(text.volatility_index)),
    eventRiskFactor: text.event_risk_factor,
    floorRate: asRate(decimal(text.floor_rate)),
    model: readModel(text.model),
    terms: readTerms(text.terms),
  }
}

function readPosition(text: PriceInputsText['position']): Position {
  return 'position_value' in text
    ? { kind: 'value', positionValue: asUsd(decimal(text.position_value)) }
    : { kind: 'shares', quantity: text.quantity, price: asUsd(decimal(text.price)) }
}

function readStay(text: PriceInputsText): Stay {
  const { accrual } = text
  if (accrual === null) return { loanDays: text.loan_days, accrual: null }
  const schedule: AccrualPeriod[] = accrual.schedule.map((period) => ({
    valueDate: period.value_date as IsoDate,
    days: period.days,
  }))
  return {
    loanDays: text.loan_days,
    accrual: {
      shortSettles: accrual.short_settles as IsoDate,
      coverSettles: accrual.cover_settles as IsoDate,
      days: accrual.days,
      schedule,
    },
  }
}

function readModel(text: PriceInputsText['model']): PricingModel {
  return {
    model: text.model,
    volatilityWeight: decimal(text.volatility_weight),
    volatilityThreshold: asIndexPoints(decimal(text.volatility_threshold)),
    eventWeight: decimal(text.event_weight),
    maxMultiplier: decimal(text.max_multiplier),
    volatilitySource: text.volatility_source as PricingModel['volatilitySource'],
  }
}

function readTerms(text: PriceInputsText['terms']): Terms {
  return {
    markupPercentage: asPercentPoints(decimal(text.markup_percentage)),
    markupTiers:
      text.markup_tiers === null
        ? null
        : text.markup_tiers.map((tier) => ({
            upTo: tier.up_to === null ? null : asUsd(decimal(tier.up_to)),
            markupPercentage: asPercentPoints(decimal(tier.markup_percentage)),
          })),
    transactionFeeType: text.transaction_fee_type as Terms['transactionFeeType'],
    transactionAmount: decimal(text.transaction_amount),
    dayCount: text.day_count as DayCount,
    conventionPack: text.convention_pack as ConventionPackName,
    billing: text.billing as Terms['billing'],
  }
}
