// The waterfall: every step from the lender's rate to the total, so that a person can follow the number without a calculator.
// Rates are cumulative, fractions rounded to 8 decimals; amounts are cumulative USD. In each block a step starts where the one
// before it ended. docs/pricing.md, "Waterfall".
import { type BorrowRate, EVENT_RISK_MAX, type PricingModel, publishedProduct, publishedRate } from './borrow-rate.ts'
import { type ChargedValue, CONVENTION_PACKS, type Position } from './convention-packs.ts'
import { daysInYear } from './day-count.ts'
import { Decimal, isZero, minus, movePoint, plus, round, times, trim, ZERO } from './decimal.ts'
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

const NOTHING_USD = new Decimal(0, 2)

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
  const steps = [chargedValueStep(position, charged, terms)]
  addRateSteps(steps, rate, model)
  // Amounts have two decimals each, so a line is exactly what its step adds, and what the last one leads to is the total.
  const { borrowCost, markup, transactionFee, totalFee } = fee
  const words = wordsOfTerms(terms)
  steps.push(
    usdStep('borrow_cost', borrowCostWords(charged, rate, loanDays, words), NOTHING_USD, borrowCost, borrowCost),
    usdStep('markup', words.markup, borrowCost, afterMarkup, markup),
    usdStep('transaction_fee', words.transactionFee, afterMarkup, totalFee, transactionFee),
    usdStep('total', 'borrow cost + markup + transaction fee', totalFee, totalFee, NOTHING_USD),
  )
  return steps
}

/** The steps of a borrow rate alone, from the lender's rate to the floor. */
export function rateWaterfall(rate: BorrowRate, model: PricingModel): WaterfallStep[] {
  const steps: WaterfallStep[] = []
  addRateSteps(steps, rate, model)
  return steps
}

function addRateSteps(steps: WaterfallStep[], rate: BorrowRate, model: PricingModel): void {
  const lender = trim(publishedRate(rate.lenderRate))
  const afterVolatility = trim(publishedProduct(rate.lenderRate, rate.withVolatility))
  // The rate is what the last step that was in force led to, without trailing zeros.
  const afterCap = rate.floorApplied ? trim(rate.afterCap) : rate.rate
  const afterEvents = rate.capApplied ? trim(publishedProduct(rate.lenderRate, rate.withEvents)) : afterCap
  const words = wordsOfModel(model)
  steps.push(
    rateStep('lender_rate', `lender's annual rate ${percent(rate.lenderRate)} %`, ZERO, lender),
    rateStep('volatility', volatilityWords(rate, words), lender, afterVolatility),
    rateStep('events', `event risk ${rate.eventRiskFactor}${words.ofEvents}`, afterVolatility, afterEvents),
    rateStep('cap', rate.capApplied ? words.capApplied : words.capNotInForce, afterEvents, afterCap),
    rateStep('floor', floorWords(rate), afterCap, rate.rate),
  )
}

/** A step between two rates without trailing zeros. */
function rateStep(step: StepName, description: string, before: Decimal, after: Decimal): WaterfallStep {
  const delta = before === after ? ZERO : before === ZERO ? after : trim(minus(after, before))
  const deltaBp = delta === ZERO ? ZERO : movePoint(delta, 4)
  return { step, description, unit: 'fraction', before, after, delta, deltaBp }
}

function usdStep(step: StepName, description: string, before: Decimal, after: Decimal, delta: Decimal): WaterfallStep {
  return { step, description, unit: 'USD', before, after, delta, deltaBp: null }
}

function chargedValueStep(position: Position, charged: ChargedValue, terms: Terms): WaterfallStep {
  const pack = CONVENTION_PACKS[terms.conventionPack]
  if (position.kind === 'value') {
    const value = cents(position.positionValue)
    return usdStep('charged_value', 'position value as given', value, value, NOTHING_USD)
  }
  const asked = cents(times(position.price, new Decimal(position.quantity, 0)))
  const mark =
    pack.collateralShare === null ? '' : `, ${percent(pack.collateralShare)} % of the price rounded up to a dollar`
  const lots = pack.lotShares === 1 ? '' : `, in whole lots of ${pack.lotShares}`
  const words = `${charged.chargedShares} shares x ${amount(charged.mark as Usd)}${mark}${lots}`
  const value = cents(charged.value)
  return usdStep('charged_value', words, asked, value, minus(value, asked))
}

/** What the words say of a model, made once for each. */
interface ModelWords {
  readonly overThreshold: string
  readonly ofEvents: string
  readonly capApplied: string
  readonly capNotInForce: string
}

const wordsOfModel = madeOnce((model: PricingModel): ModelWords => {
  const threshold = model.volatilityThreshold
  const cap = `${trim(model.maxMultiplier)} x the lender's rate`
  return {
    overThreshold: `${isZero(threshold) ? '' : ` over ${trim(threshold)}`}, ${percent(model.volatilityWeight)} % of the rate per point`,
    ofEvents: ` of ${EVENT_RISK_MAX}, ${percent(model.eventWeight)} % of the rate at ${EVENT_RISK_MAX}`,
    capApplied: `held at ${cap}`,
    capNotInForce: `not in force: below ${cap}`,
  }
})

/** What the words say of a broker's terms, made once for each. */
interface TermsWords {
  readonly overYear: string
  readonly markup: string
  readonly transactionFee: string
}

const wordsOfTerms = madeOnce((terms: Terms): TermsWords => {
  const how = terms.billing === 'daily' ? ', each day rounded to the cent' : ''
  return {
    overYear: ` / ${daysInYear(terms.dayCount)}${how}`,
    markup:
      terms.markupTiers === null
        ? `${trim(terms.markupPercentage)} % of the borrow cost before rounding`
        : 'marginal markup by charged value, each tier rounded',
    transactionFee:
      terms.transactionFeeType === 'FLAT'
        ? 'flat, a request'
        : `${trim(terms.transactionAmount)} % of the charged value`,
  }
})

/** A function of objects that never change; what it makes of one lives as long as that one. */
function madeOnce<From extends object, Made>(make: (from: From) => Made): (from: From) => Made {
  const made = new WeakMap<From, Made>()
  return (from) => {
    const before = made.get(from)
    if (before !== undefined) return before
    const now = make(from)
    made.set(from, now)
    return now
  }
}

function volatilityWords(rate: BorrowRate, words: ModelWords): string {
  const whose = rate.volatilityOf === 'stock' ? "the stock's own volatility" : 'volatility index'
  return `${whose} ${trim(rate.volatility)}${words.overThreshold}`
}

function floorWords(rate: BorrowRate): string {
  const floor = `floor rate ${percent(rate.floorRate)} %`
  return rate.floorApplied ? `raised to the ${floor}` : `not in force: above the ${floor}`
}

function borrowCostWords(charged: ChargedValue, rate: BorrowRate, loanDays: number, words: TermsWords): string {
  const days = loanDays === 1 ? '1 day' : `${loanDays} days`
  return `${amount(charged.value)} x ${percent(rate.rate)} % x ${days}${words.overYear}`
}

/** A fraction in percent points, exactly, as text. */
function percent(fraction: Decimal): string {
  return movePoint(trim(fraction), 2).toString()
}

function cents(value: Decimal): Decimal {
  return round(value, { scale: 2, rounding: 'half-up' })
}

/** USD with at least two decimals, and all that are really there. */
function amount(value: Decimal): string {
  const exact = trim(value)
  return (exact.scale < 2 ? cents(exact) : exact).toString()
}
