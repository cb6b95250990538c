// A price from whole inputs: nothing is fetched, nothing is awaited, and the same inputs give the same quote, byte for byte,
// for ever. What price() takes is what the audit record keeps.
import { type BorrowRate, borrowRate, type PricingModel } from './borrow-rate.ts'
import { chargedValue, type Position } from './convention-packs.ts'
import { daysInYear } from './day-count.ts'
import { Decimal, divide, minus, times, timesOver } from './decimal.ts'
import { type LocateFee, locateFee, type Terms } from './locate-fee.ts'
import type { Accrual } from './settlement-calendar.ts'
import { asUsd, type IndexPoints, type IsoDate, type Rate, type Usd } from './units.ts'
import { type WaterfallStep, waterfall } from './waterfall.ts'

/** How long the shares are borrowed. With trade dates, the settlement days stand beside the count; they are resolved before pricing, so that a later calendar changes no recorded price. */
export interface Stay {
  /** Calendar days, 0 to 365. */
  readonly loanDays: number
  /** Present when the stay was asked for by trade dates; its `days` equals `loanDays`. */
  readonly accrual: Accrual | null
}

/** Everything a price is made of. */
export interface PriceInputs {
  readonly position: Position
  readonly stay: Stay
  /** Fraction a year. */
  readonly lenderRate: Rate
  readonly stockVolatility: IndexPoints | null
  readonly volatilityIndex: IndexPoints
  /** Integer 0 to 10. */
  readonly eventRiskFactor: number
  /** Fraction a year. */
  readonly floorRate: Rate
  readonly model: PricingModel
  readonly terms: Terms
}

/** One settlement day of the stay and what it costs, USD; the amounts foot to the borrow cost. */
export interface AccruedAmount {
  readonly valueDate: IsoDate
  readonly days: number
  readonly amount: Usd
}

export interface PricedQuote {
  readonly fee: LocateFee
  readonly borrowRate: BorrowRate
  readonly loanDays: number
  /** USD, exact. */
  readonly chargedValue: Usd
  /** USD a share that is charged, and shares charged; null when the position came as a value. */
  readonly mark: Usd | null
  readonly chargedShares: number | null
  /** Total fee per share asked for, USD, 6 decimals; null when the position came as a value. Comparable with a per-share locate price. */
  readonly feePerShare: Usd | null
  readonly waterfall: readonly WaterfallStep[]
  readonly accrual: readonly AccruedAmount[] | null
}

/**
 * Prices a short sale. Pure: see {@link PriceInputs} for shapes and units.
 * @throws RangeError when an input is outside its range (the edge refuses such requests; a record that says so is damaged).
 */
export function price(inputs: PriceInputs): PricedQuote {
  const { position, stay, terms, model } = inputs
  const charged = chargedValue(terms.conventionPack, position)
  const rate = borrowRate(inputs.lenderRate, inputs, inputs.floorRate, model)
  const fee = locateFee(charged.value, rate.rate, stay.loanDays, terms)
  return {
    fee,
    borrowRate: rate,
    loanDays: stay.loanDays,
    chargedValue: charged.value,
    mark: charged.mark,
    chargedShares: charged.chargedShares,
    feePerShare: position.kind === 'shares' ? perShare(fee.totalFee, position.quantity) : null,
    waterfall: waterfall(position, charged, rate, model, stay.loanDays, fee, terms),
    accrual: stay.accrual === null ? null : accruedAmounts(charged.value, rate.rate, stay.accrual, fee, terms),
  }
}

function perShare(totalFee: Usd, quantity: number): Usd {
  return asUsd(divide(totalFee, new Decimal(quantity, 0), { scale: 6, rounding: 'half-up' }))
}

/** Amounts are differences of the cumulative cost, each cumulative rounded half-up: they always foot to the borrow cost. */
function accruedAmounts(value: Usd, rate: Rate, accrual: Accrual, fee: LocateFee, terms: Terms): AccruedAmount[] {
  const year = daysInYear(terms.dayCount)
  let days = 0
  let before: Decimal = new Decimal(0, 2)
  return accrual.schedule.map((period) => {
    days += period.days
    const elapsed = new Decimal(days, 0)
    const cumulative =
      terms.billing === 'daily'
        ? times(fee.costPerDay, elapsed)
        : timesOver(times(value, elapsed), rate, year, { scale: 2, rounding: 'half-up' })
    const amount = asUsd(minus(cumulative, before))
    before = cumulative
    return { valueDate: period.valueDate, days: period.days, amount }
  })
}
