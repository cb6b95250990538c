// The same price by another road: decimal.js, no shared code, written from docs/pricing.md. Property tests hold price() to it at
// precision 60, and the benchmark races it at precision 50.
import { Decimal as DecimalJs } from 'decimal.js'
import type { PriceInputsText } from '../pricing/price-inputs.ts'

type Num = DecimalJs

/** Price inputs as decimal.js numbers. */
export interface DecimalJsInputs {
  readonly value: Num | null
  readonly quantity: number
  readonly sharePrice: Num | null
  readonly days: number
  readonly lenderRate: Num
  readonly volatility: Num
  readonly events: number
  readonly floorRate: Num
  readonly volatilityWeight: Num
  readonly volatilityThreshold: Num
  readonly eventWeight: Num
  readonly maxMultiplier: Num
  readonly markup: Num
  readonly tiers: readonly { upTo: Num | null; markup: Num }[] | null
  readonly feeType: string
  readonly feeAmount: Num
  readonly year: number
  readonly pack: string
  readonly daily: boolean
}

/** The rate and the lines of the bill as printed: the rate without trailing zeros, amounts with two decimals. */
export interface DecimalJsPrice {
  readonly rate: string
  readonly borrowCost: string
  readonly markup: string
  readonly transactionFee: string
  readonly totalFee: string
}

/** A step of the waterfall as numbers: before, after, after - before, and that in basis points for a rate. */
export type DecimalJsStep = readonly [before: string, after: string, delta: string, deltaBp: string | null]

/** Prices with decimal.js at a precision. Reading the inputs and pricing them are two steps, so that each can be timed. */
export function decimalJsPricing(precision: number) {
  const Precise = DecimalJs.clone({ precision, toExpNeg: -100, toExpPos: 100 })
  const num = (text: string): Num => new Precise(text)
  const cents = (value: Num): Num => value.toDecimalPlaces(2, DecimalJs.ROUND_HALF_UP)

  function read(text: PriceInputsText): DecimalJsInputs {
    const { position, model, terms } = text
    const byValue = 'position_value' in position
    const ofStock = model.volatility_source === 'stock-or-index' && text.stock_volatility !== null
    return {
      value: byValue ? num(position.position_value) : null,
      quantity: byValue ? 0 : position.quantity,
      sharePrice: byValue ? null : num(position.price),
      days: text.loan_days,
      lenderRate: num(text.lender_rate),
      volatility: num(ofStock ? (text.stock_volatility as string) : text.volatility_index),
      events: text.event_risk_factor,
      floorRate: num(text.floor_rate),
      volatilityWeight: num(model.volatility_weight),
      volatilityThreshold: num(model.volatility_threshold),
      eventWeight: num(model.event_weight),
      maxMultiplier: num(model.max_multiplier),
      markup: num(terms.markup_percentage),
      tiers:
        terms.markup_tiers === null
          ? null
          : terms.markup_tiers.map((tier) => ({
              upTo: tier.up_to === null ? null : num(tier.up_to),
              markup: num(tier.markup_percentage),
            })),
      feeType: terms.transaction_fee_type,
      feeAmount: num(terms.transaction_amount),
      year: terms.day_count === 'ACT/360' ? 360 : 365,
      pack: terms.convention_pack,
      daily: terms.billing === 'daily',
    }
  }

  function charged(inputs: DecimalJsInputs): Num {
    if (inputs.value !== null) return inputs.value
    const sharePrice = inputs.sharePrice as Num
    if (inputs.pack === 'us-collateral-mark')
      return Precise.max(1, sharePrice.times('1.02').ceil()).times(inputs.quantity)
    const lot = inputs.pack === 'us-market-value' ? 100 : 1
    return sharePrice.times(new Precise(inputs.quantity).div(lot).ceil().times(lot))
  }

  const toRateScale = (value: Num): Num => value.toDecimalPlaces(8, DecimalJs.ROUND_HALF_UP)

  /** The lender's rate after each step, each rounded by itself: volatility, events, cap, floor. */
  function rates(inputs: DecimalJsInputs): Num[] {
    const excess = Precise.max(0, inputs.volatility.minus(inputs.volatilityThreshold))
    const withVolatility = inputs.volatilityWeight.times(excess).plus(1)
    const withEvents = inputs.eventWeight.times(inputs.events).div(10).plus(withVolatility)
    const capped = Precise.min(withEvents, inputs.maxMultiplier)
    const exact = [withVolatility, withEvents, capped].map((multiplier) => inputs.lenderRate.times(multiplier))
    const floored = Precise.max(exact[2] as Num, inputs.floorRate)
    return [inputs.lenderRate, ...exact, floored].map(toRateScale)
  }

  /** The final rate alone, without its steps. */
  function rate(inputs: DecimalJsInputs): Num {
    const excess = Precise.max(0, inputs.volatility.minus(inputs.volatilityThreshold))
    const events = inputs.eventWeight.times(inputs.events).div(10)
    const multiplier = Precise.min(inputs.volatilityWeight.times(excess).plus(1).plus(events), inputs.maxMultiplier)
    return toRateScale(Precise.max(inputs.lenderRate.times(multiplier), inputs.floorRate))
  }

  /** Each tier's percentage of what its own part of the value costs. */
  function tieredMarkup(inputs: DecimalJsInputs, value: Num, cost: (part: Num) => Num): Num {
    let below: Num = new Precise(0)
    let total: Num = new Precise(0)
    for (const tier of inputs.tiers ?? []) {
      const top = tier.upTo === null ? value : Precise.min(tier.upTo, value)
      total = total.plus(
        cents(
          cost(Precise.max(0, top.minus(below)))
            .times(tier.markup)
            .div(100),
        ),
      )
      below = Precise.max(below, top)
    }
    return total
  }

  function price(inputs: DecimalJsInputs): DecimalJsPrice {
    const value = charged(inputs)
    const finalRate = rate(inputs)
    const perDay = cents(value.times(finalRate).div(inputs.year))
    const costOfTerm = (part: Num): Num => part.times(finalRate).times(inputs.days).div(inputs.year)
    const costOfDays = (part: Num): Num => perDay.times(inputs.days).times(part).div(value)
    const exactCost = inputs.daily ? perDay.times(inputs.days) : costOfTerm(value)
    const borrowCost = cents(exactCost)
    const markup =
      inputs.tiers === null
        ? cents(exactCost.times(inputs.markup).div(100))
        : tieredMarkup(inputs, value, inputs.daily ? costOfDays : costOfTerm)
    const transactionFee = inputs.feeType === 'FLAT' ? inputs.feeAmount : cents(value.times(inputs.feeAmount).div(100))
    return {
      rate: finalRate.toString(),
      borrowCost: borrowCost.toFixed(2),
      markup: markup.toFixed(2),
      transactionFee: transactionFee.toFixed(2),
      totalFee: borrowCost.plus(markup).plus(transactionFee).toFixed(2),
    }
  }

  /** The steps of a price in the order of the waterfall: charged value, five rates, four amounts. */
  function waterfall(inputs: DecimalJsInputs, bill: DecimalJsPrice): DecimalJsStep[] {
    const value = cents(charged(inputs))
    const asked = inputs.value ?? (inputs.sharePrice as Num).times(inputs.quantity)
    const afterMarkup = num(bill.borrowCost).plus(bill.markup)
    const afterFee = afterMarkup.plus(bill.transactionFee)
    const amounts = [num(bill.borrowCost), afterMarkup, afterFee, afterFee]
    return [
      amountStep(cents(asked), value),
      ...rates(inputs).map((after, index, all) => rateStep(index === 0 ? num('0') : (all[index - 1] as Num), after)),
      ...amounts.map((after, index) => amountStep(index === 0 ? num('0') : (amounts[index - 1] as Num), after)),
    ]
  }

  function rateStep(before: Num, after: Num): DecimalJsStep {
    const delta = after.minus(before)
    return [before.toString(), after.toString(), delta.toString(), delta.times(10_000).toString()]
  }

  function amountStep(before: Num, after: Num): DecimalJsStep {
    return [before.toFixed(2), after.toFixed(2), after.minus(before).toFixed(2), null]
  }

  return { read, price, waterfall }
}
