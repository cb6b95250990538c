// What a quote would be under another stay, or if a guess were something else: the engine's own arithmetic, in the browser, from the
// exact figures of the answer. Nothing of it is recorded. Before it says anything it must come to the answer itself, to the cent.
import type { BrokerAnswer, Exact, PricingModel as ModelAnswer, QuoteAnswer, Usd } from '../../../client/index.ts'
import { borrowRate, type PricingModel } from '../../../pricing/borrow-rate.ts'
import { type ConventionPackName, chargedValue } from '../../../pricing/convention-packs.ts'
import type { DayCount } from '../../../pricing/day-count.ts'
import { compare, type Decimal, decimal, divide, times } from '../../../pricing/decimal.ts'
import { type LocateFee, locateFee, type Terms } from '../../../pricing/locate-fee.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type Rate } from '../../../pricing/units.ts'
import { typedDecimal } from '../../ui/formats.ts'
import type { FormText } from './form-text.ts'

export const STAYS: readonly number[] = [1, 7, 14, 30, 60, 90, 180]

export interface Stay {
  readonly days: number
  readonly total: Usd
  /** The total through the days, rounded to the cent. */
  readonly aDay: Usd
  readonly isQuoted: boolean
}

/** The answer's own figures as the fee is made of them. */
export interface FeeBasis {
  readonly value: ReturnType<typeof asUsd>
  readonly rate: Rate
  readonly days: number
  readonly terms: Terms
  /** As they were asked for; null when the position came as a value. */
  readonly quantity: number | null
  /** Known to be; not when it is unknown. */
  readonly feeIsFlat: boolean
}

/**
 * @param broker its terms as they are now; null when they may not be read
 * @returns null when the figures do not come to the answer: the terms have changed since, or are not known well enough
 */
export function feeBasis(answer: QuoteAnswer, form: FormText, broker: BrokerAnswer | null): FeeBasis | null {
  const value = chargedExactly(answer, form)
  const days = answer.accrual?.days ?? Number(typedDecimal(form.days))
  if (value === null || !Number.isSafeInteger(days)) return null
  const basis: FeeBasis = {
    value,
    rate: asRate(decimal(answer.borrow_rate_used)),
    days,
    terms: termsOf(answer, broker),
    quantity: form.size === 'shares' ? Number(typedDecimal(form.shares)) : null,
    feeIsFlat: broker?.transaction_fee_type === 'FLAT',
  }
  const fee = feeOf(basis)
  const isAnswer =
    same(fee.borrowCost, answer.breakdown.borrow_cost) &&
    same(fee.markup, answer.breakdown.markup) &&
    same(fee.totalFee, answer.total_fee) &&
    same(fee.costPerDay, answer.cost_per_day)
  return isAnswer ? basis : null
}

/** The usual stays and the one that was asked for. */
export function otherStays(basis: FeeBasis): Stay[] {
  const days = new Set([...STAYS, ...(basis.days > 0 ? [basis.days] : [])])
  return [...days]
    .sort((a, b) => a - b)
    .map((stay) => {
      const { totalFee } = feeOf({ ...basis, days: stay })
      const aDay = divide(totalFee, decimal(stay), { scale: 2, rounding: 'half-up' })
      return {
        days: stay,
        total: totalFee.toString() as Usd,
        aDay: aDay.toString() as Usd,
        isQuoted: stay === basis.days,
      }
    })
}

/** What an input could have been. */
export interface Other {
  readonly input: 'event_risk' | 'volatility' | 'lender_rate' | 'price'
  readonly value: Exact
}

/**
 * The total if one input were something else.
 * @param floorRate of the stock, a fraction
 * @returns null when the model and the inputs do not come to the answer's rate
 */
export function totalIf(
  basis: FeeBasis,
  answer: QuoteAnswer,
  model: ModelAnswer,
  floorRate: Exact,
  other: Other,
): Usd | null {
  if (other.input === 'price') return totalAtPrice(basis, other.value)
  const { base_rate, volatility, event_risk } = answer.data_sources
  if (base_rate.value === null || volatility.value === null || event_risk.value === null) return null
  const rateOf = (inputs: { lender_rate: Exact; volatility: Exact; event_risk: Exact }) =>
    borrowRate(
      asRate(decimal(inputs.lender_rate)),
      {
        stockVolatility: null,
        // Whose it is does not matter to the rate.
        volatilityIndex: asIndexPoints(decimal(inputs.volatility)),
        eventRiskFactor: Number(inputs.event_risk),
      },
      asRate(decimal(floorRate)),
      modelOf(model),
    ).rate
  const answered = { lender_rate: base_rate.value, volatility: volatility.value, event_risk: String(event_risk.value) }
  if (!same(rateOf(answered), answer.borrow_rate_used)) return null
  const rate = rateOf({ ...answered, [other.input]: other.value })
  return feeOf({ ...basis, rate }).totalFee.toString() as Usd
}

/** Only of a flat fee: a share of the charged value would change with it. */
function totalAtPrice(basis: FeeBasis, price: Exact): Usd | null {
  if (basis.quantity === null || !basis.feeIsFlat) return null
  const position = { kind: 'shares', quantity: basis.quantity, price: asUsd(decimal(price)) } as const
  const { value } = chargedValue(basis.terms.conventionPack, position)
  return feeOf({ ...basis, value }).totalFee.toString() as Usd
}

/** What is said to lie around a guess: the whole range of an event risk, calm and stressed markets, a tenth less and more of the rest. */
export function othersOf(input: Other['input'], value: Exact): readonly [Exact, Exact] {
  if (input === 'event_risk') return ['0', '10']
  if (input === 'volatility') return ['10', '40']
  return [times(decimal(value), decimal('0.9')).toString(), times(decimal(value), decimal('1.1')).toString()]
}

export function modelOf(model: ModelAnswer): PricingModel {
  return {
    model: model.model,
    volatilityWeight: decimal(model.volatility_weight),
    volatilityThreshold: asIndexPoints(decimal(model.volatility_threshold)),
    eventWeight: decimal(model.event_weight),
    maxMultiplier: decimal(model.max_multiplier),
    volatilitySource: model.volatility_source as PricingModel['volatilitySource'],
  }
}

function feeOf({ value, rate, days, terms }: FeeBasis): LocateFee {
  return locateFee(value, rate, days, terms)
}

/** Exact: the answer's `charged_value` is rounded to the cent. */
function chargedExactly(answer: QuoteAnswer, form: FormText): FeeBasis['value'] | null {
  if (answer.charged_shares != null && answer.mark != null) {
    return asUsd(times(decimal(answer.mark), decimal(answer.charged_shares)))
  }
  const asked = typedDecimal(form.value)
  return form.size === 'value' && asked !== null ? asUsd(decimal(asked)) : null
}

function termsOf(answer: QuoteAnswer, broker: BrokerAnswer | null): Terms {
  const tiers = broker?.markup_tiers ?? null
  return {
    markupPercentage: asPercentPoints(decimal(answer.terms.markup_percentage)),
    markupTiers:
      tiers === null
        ? null
        : tiers.map(({ up_to, markup_percentage }) => ({
            upTo: up_to === null ? null : asUsd(decimal(up_to)),
            markupPercentage: asPercentPoints(decimal(markup_percentage)),
          })),
    // Neither form of it depends on the stay or the rate: the amount of the bill is the amount of any.
    transactionFeeType: 'FLAT',
    transactionAmount: decimal(answer.breakdown.transaction_fees),
    dayCount: answer.terms.day_count as DayCount,
    conventionPack: answer.terms.convention_pack as ConventionPackName,
    billing: broker?.billing ?? (isBilledDaily(answer) ? 'daily' : 'term'),
  }
}

/** As the answer itself says it, where the terms may not be read. */
function isBilledDaily({ waterfall }: QuoteAnswer): boolean {
  return waterfall.some(
    ({ step, description }) => step === 'borrow_cost' && description?.endsWith('rounded to the cent'),
  )
}

function same(computed: Decimal, answered: Exact): boolean {
  return compare(computed, decimal(answered)) === 0
}
