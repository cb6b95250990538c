// The locate fee: borrow cost for the stay + the broker's markup + a transaction fee, each rounded half-up to the cent once.
// The total is the sum of the rounded lines, so that the bill adds up on paper. docs/pricing.md, "Locate fee".
import type { ConventionPackName } from './convention-packs.ts'
import { type DayCount, daysInYear } from './day-count.ts'
import { compare, Decimal, decimal, isZero, minus, ONE, plus, round, times, timesOver, ZERO } from './decimal.ts'
import { asUsd, type PercentPoints, type Rate, type Usd } from './units.ts'

/** One marginal step of a markup: `markupPercentage` holds for the part of the charged value up to `upTo` USD; null is "and all above". */
export interface MarkupTier {
  readonly upTo: Usd | null
  readonly markupPercentage: PercentPoints
}

/** What a broker agreed to. */
export interface Terms {
  /** Percent points of the borrow cost: 5 is 5 %. */
  readonly markupPercentage: PercentPoints
  /** Marginal steps by charged value that replace the one percentage; null when there are none. Ascending, the last one open. */
  readonly markupTiers: readonly MarkupTier[] | null
  readonly transactionFeeType: 'FLAT' | 'PERCENTAGE'
  /** USD when FLAT; percent points of the charged value when PERCENTAGE. */
  readonly transactionAmount: Decimal
  readonly dayCount: DayCount
  readonly conventionPack: ConventionPackName
  /** `term` rounds the stay's borrow cost once; `daily` rounds each day's and sums, as a statement does. */
  readonly billing: 'term' | 'daily'
}

/** The lines of the bill, USD, exactly two decimals each. */
export interface LocateFee {
  readonly borrowCost: Usd
  readonly markup: Usd
  readonly transactionFee: Usd
  /** The sum of the three lines above. */
  readonly totalFee: Usd
  /** Borrow cost of one day, without markup; also given for a stay of 0 days. */
  readonly costPerDay: Usd
}

const toCent = { scale: 2, rounding: 'half-up' } as const
const HUNDRED = decimal(100)
/** What percent points of a year's cost are divided by. */
const PERCENT_OF_YEAR: Readonly<Record<DayCount, Decimal>> = {
  'ACT/365': times(daysInYear('ACT/365'), HUNDRED),
  'ACT/360': times(daysInYear('ACT/360'), HUNDRED),
}

/**
 * Interest on a value for some days, rounded half-up to the cent, once.
 * @param value USD, exact
 * @param rate fraction a year
 * @param days calendar days, an integer >= 0
 */
export function accrue(value: Usd, rate: Rate, days: number, dayCount: DayCount): Usd {
  return asUsd(timesOver(times(value, new Decimal(days, 0)), rate, daysInYear(dayCount), toCent))
}

/**
 * The three lines and their total.
 * @param chargedValue USD, exact, as the convention pack gives it
 * @param borrowRate fraction a year, after all adjustments
 * @param loanDays calendar days of the stay, an integer from 0
 */
export function locateFee(chargedValue: Usd, borrowRate: Rate, loanDays: number, terms: Terms): LocateFee {
  const year = daysInYear(terms.dayCount)
  const costPerDay = asUsd(timesOver(chargedValue, borrowRate, year, toCent))
  const days = new Decimal(loanDays, 0)

  // What the stay costs, exactly, is amount x factor / divisor; kept apart so that every line below divides only once.
  const daily = terms.billing === 'daily'
  const amount = times(daily ? costPerDay : chargedValue, days)
  const factor = daily ? ONE : borrowRate
  const divisor = daily ? ONE : year

  const borrowCost = asUsd(timesOver(amount, factor, divisor, toCent))
  const markup =
    terms.markupTiers === null
      ? asUsd(
          timesOver(
            amount,
            times(factor, terms.markupPercentage),
            daily ? HUNDRED : PERCENT_OF_YEAR[terms.dayCount],
            toCent,
          ),
        )
      : tieredMarkup(chargedValue, times(amount, factor), divisor, terms.markupTiers)
  const transactionFee =
    terms.transactionFeeType === 'FLAT'
      ? asUsd(round(terms.transactionAmount, toCent))
      : asUsd(timesOver(chargedValue, terms.transactionAmount, HUNDRED, toCent))
  return {
    borrowCost,
    markup,
    transactionFee,
    totalFee: asUsd(plus(plus(borrowCost, markup), transactionFee)),
    costPerDay,
  }
}

/**
 * The parts of a value that fall into each marginal step: 600 000 over steps to 100 000 and to 1 000 000 is 100 000 and 500 000.
 * @param upTo the steps' upper ends in USD, ascending; null is open
 * @returns as many parts as steps, USD; they sum to the value when the last step is open
 */
export function marginalParts(value: Usd, upTo: readonly (Usd | null)[]): Usd[] {
  let below: Decimal = ZERO
  return upTo.map((end) => {
    const top = end !== null && compare(end, value) < 0 ? end : value
    const part = compare(top, below) > 0 ? minus(top, below) : ZERO
    if (compare(top, below) > 0) below = top
    return asUsd(part)
  })
}

/** Each tier's markup on its share of the cost, rounded by itself, then added. */
function tieredMarkup(chargedValue: Usd, dividend: Decimal, divisor: Decimal, tiers: readonly MarkupTier[]): Usd {
  if (isZero(chargedValue)) return asUsd(round(ZERO, toCent))
  const parts = marginalParts(
    chargedValue,
    tiers.map((tier) => tier.upTo),
  )
  const bottom = times(times(divisor, HUNDRED), chargedValue)
  let total: Decimal = round(ZERO, toCent)
  tiers.forEach((tier, index) => {
    const part = parts[index] as Usd
    total = plus(total, timesOver(times(dividend, part), tier.markupPercentage, bottom, toCent))
  })
  return asUsd(total)
}
