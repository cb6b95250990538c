// The waterfall: every step from the lender's rate to the total, so that a person can follow the number without a calculator.
// Rates are cumulative, fractions rounded to 8 decimals; amounts are cumulative USD. In each block a step starts where the one
// before it ended. docs/pricing.md, "Waterfall".
import { type BorrowRate, EVENT_RISK_MAX, type PricingModel, publishedRate } from './borrow-rate.ts'
import { type ChargedValue, CONVENTION_PACKS, type Position } from './convention-packs.ts'
import { daysInYear } from './day-count.ts'
import { Decimal, minus, plus, powerOfTen, round, times, trim, ZERO } from './decimal.ts'
import type { LocateFee, Terms } from './locate-fee.ts'
import type { Usd } from './units.ts'

export type StepName =
  | 'charged_value'
  | 'lender_rate'
  | 'volatility'
  | 'events'
  | 'cap'
  | 'floor'
  | 'borrow_cost'
  | 'markup'
  | 'transaction_fee'
  | 'total'

export interface WaterfallStep {
  readonly step: StepName
  /** The arithmetic in words and numbers. */
  readonly description: string
  readonly unit: 'fraction' | 'USD'
  readonly before: Decimal
  readonly after: Decimal
  /** after - before. */
  readonly delta: Decimal
  /** delta in basis points, on rate steps only: delta x 10 000. */
  readonly deltaBp: Decimal | null
}

const NOTHING_USD = new Decimal(0n, 2)

/**
 * The ordered steps of a price: the charged value, the rate's steps, the bill's lines and their total.
 * @param loanDays calendar days of the stay
 */
export function waterfall(
  position: Position,
  charged: ChargedValue,
  rate: BorrowRate,
  model: PricingModel,
  loanDays: number,
  fee: LocateFee,
  terms: Terms,
): WaterfallStep[] {
  const afterMarkup = plus(fee.borrowCost, fee.markup)
  const afterFee = plus(afterMarkup, fee.transactionFee)
  return [
    chargedValueStep(position, charged, terms),
    ...rateWaterfall(rate, model),
    usdStep('borrow_cost', borrowCostWords(charged, rate, loanDays, terms), NOTHING_USD, fee.borrowCost),
    usdStep('markup', markupWords(terms), fee.borrowCost, afterMarkup),
    usdStep('transaction_fee', transactionWords(terms), afterMarkup, afterFee),
    usdStep('total', 'borrow cost + markup + transaction fee', afterFee, fee.totalFee),
  ]
}

/** The steps of a borrow rate alone, from the lender's rate to the floor. */
export function rateWaterfall(rate: BorrowRate, model: PricingModel): WaterfallStep[] {
  const lender = publishedRate(rate.lenderRate)
  return [
    rateStep('lender_rate', `lender's annual rate ${percent(rate.lenderRate)} %`, publishedRate(ZERO), lender),
    rateStep('volatility', volatilityWords(rate, model), lender, rate.afterVolatility),
    rateStep('events', eventWords(rate, model), rate.afterVolatility, rate.afterEvents),
    rateStep('cap', capWords(rate, model), rate.afterEvents, rate.afterCap),
    rateStep('floor', floorWords(rate), rate.afterCap, publishedRate(rate.rate)),
  ]
}

function rateStep(step: StepName, description: string, before: Decimal, after: Decimal): WaterfallStep {
  const delta = minus(after, before)
  // A fraction of 8 decimals is a count of ten-thousandths of a basis point, so the basis points are the same digits at scale 4.
  const deltaBp = trim(new Decimal(delta.units, delta.scale - 4))
  return { step, description, unit: 'fraction', before: trim(before), after: trim(after), delta: trim(delta), deltaBp }
}

function usdStep(step: StepName, description: string, before: Decimal, after: Decimal): WaterfallStep {
  return { step, description, unit: 'USD', before, after, delta: minus(after, before), deltaBp: null }
}

function chargedValueStep(position: Position, charged: ChargedValue, terms: Terms): WaterfallStep {
  const pack = CONVENTION_PACKS[terms.conventionPack]
  if (position.kind === 'value') {
    const value = cents(position.positionValue)
    return usdStep('charged_value', 'position value as given', value, value)
  }
  const asked = cents(times(position.price, new Decimal(BigInt(position.quantity), 0)))
  const mark =
    pack.collateralShare === null ? '' : `, ${percent(pack.collateralShare)} % of the price rounded up to a dollar`
  const lots = pack.lotShares === 1 ? '' : `, in whole lots of ${pack.lotShares}`
  const words = `${charged.chargedShares} shares x ${amount(charged.mark as Usd)}${mark}${lots}`
  return usdStep('charged_value', words, asked, cents(charged.value))
}

function volatilityWords(rate: BorrowRate, model: PricingModel): string {
  const whose = rate.volatilityOf === 'stock' ? "the stock's own volatility" : 'volatility index'
  const over = model.volatilityThreshold.units === 0n ? '' : ` over ${trim(model.volatilityThreshold)}`
  return `${whose} ${trim(rate.volatility)}${over}, ${percent(model.volatilityWeight)} % of the rate per point`
}

function eventWords(rate: BorrowRate, model: PricingModel): string {
  return `event risk ${rate.eventRiskFactor} of ${EVENT_RISK_MAX}, ${percent(model.eventWeight)} % of the rate at ${EVENT_RISK_MAX}`
}

function capWords(rate: BorrowRate, model: PricingModel): string {
  const cap = `${trim(model.maxMultiplier)} x the lender's rate`
  return rate.capApplied ? `held at ${cap}` : `not in force: below ${cap}`
}

function floorWords(rate: BorrowRate): string {
  const floor = `floor rate ${percent(rate.floorRate)} %`
  return rate.floorApplied ? `raised to the ${floor}` : `not in force: above the ${floor}`
}

function borrowCostWords(charged: ChargedValue, rate: BorrowRate, loanDays: number, terms: Terms): string {
  const days = loanDays === 1 ? '1 day' : `${loanDays} days`
  const how = terms.billing === 'daily' ? ', each day rounded to the cent' : ''
  return `${amount(charged.value)} x ${percent(rate.rate)} % x ${days} / ${daysInYear(terms.dayCount)}${how}`
}

function markupWords(terms: Terms): string {
  if (terms.markupTiers !== null) return 'marginal markup by charged value, each tier rounded'
  return `${trim(terms.markupPercentage)} % of the borrow cost before rounding`
}

function transactionWords(terms: Terms): string {
  return terms.transactionFeeType === 'FLAT'
    ? `flat, a request`
    : `${trim(terms.transactionAmount)} % of the charged value`
}

/** A fraction in percent points, exactly, as text. */
function percent(fraction: Decimal): string {
  const { units, scale } = fraction
  return trim(scale >= 2 ? new Decimal(units, scale - 2) : new Decimal(units * powerOfTen(2 - scale), 0)).toString()
}

function cents(value: Decimal): Decimal {
  return round(value, { scale: 2, rounding: 'half-up' })
}

/** USD with at least two decimals, and all that are really there. */
function amount(value: Decimal): string {
  const exact = trim(value)
  return (exact.scale < 2 ? cents(exact) : exact).toString()
}
