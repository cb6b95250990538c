// A rate card as it is written: the parameters of a pricing model, and a broker's terms. The bounds are those of the database, so that
// what is tried in a what-if can be put in force, and what is put in force was checked by the same rules.
import type { Static } from 'typebox'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { CONVENTION_PACKS, type ConventionPackName } from '../pricing/convention-packs.ts'
import { DAY_COUNTS } from '../pricing/day-count.ts'
import { compare, type Decimal, decimal, significantDecimals, trim, ZERO } from '../pricing/decimal.ts'
import type { MarkupTier, Terms } from '../pricing/locate-fee.ts'
import {
  asIndexPoints,
  asPercentPoints,
  asUsd,
  type IndexPoints,
  type PercentPoints,
  type Usd,
} from '../pricing/units.ts'
import type { JsonValue } from '../server/json-reader.ts'
import type { ValidationError } from '../server/problem.ts'
import { collectShape, decimalField, enumField, listField, nullable, patternField, shape } from '../server/shape.ts'

const TIERS_MAX = 20
/** Of a PERCENTAGE fee, percent points. */
const PERCENT_MAX = decimal(100)
/** Of a FLAT fee, USD. */
const FLAT_DECIMALS = 2

export const modelName = patternField(
  '^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$',
  'must be the name of a pricing model: small letters, digits and hyphens',
  { description: 'Name of a pricing model, with its version.', example: 'desk-v1' },
)

const markupPercentage = decimalField<PercentPoints>({
  description: 'Markup on the borrow cost.',
  unit: 'percent points',
  minimum: '0',
  maximum: '100',
  decimals: 4,
  example: 4.5,
})

/** The parameters of a pricing model, without its name. */
export const MODEL_FIELDS = {
  volatility_weight: decimalField({
    description: 'What an index point above the threshold adds to the multiplier.',
    unit: 'share of the lender rate',
    minimum: '0',
    maximum: '10',
    decimals: 8,
    example: 0.01,
  }),
  volatility_threshold: decimalField<IndexPoints>({
    description: 'Index points that add nothing.',
    unit: 'index points',
    minimum: '0',
    maximum: '500',
    decimals: 4,
    example: 20,
  }),
  event_weight: decimalField({
    description: 'What an event risk factor of 10 adds to the multiplier.',
    unit: 'share of the lender rate',
    minimum: '0',
    maximum: '10',
    decimals: 8,
    example: 0.5,
  }),
  max_multiplier: decimalField({
    description: 'The multiplier never exceeds this.',
    unit: "times the lender's rate",
    minimum: '1',
    maximum: '100',
    decimals: 8,
    example: 5,
  }),
  volatility_source: enumField<PricingModel['volatilitySource']>(['stock-or-index', 'index'], {
    description: "The stock's own volatility where it is known, else the index; or always the index.",
    example: 'index',
  }),
}

const TIER_SHAPE = shape({
  up_to: nullable(
    decimalField<Usd>({
      description: 'Upper end of the step of charged value; null is open.',
      unit: 'USD',
      above: '0',
      maximum: '1000000000',
      decimals: 2,
      example: 100000,
    }),
  ),
  markup_percentage: markupPercentage,
})

/** The fields of a broker's terms. */
export const TERMS_FIELDS = {
  markup_percentage: markupPercentage,
  markup_tiers: nullable(
    listField({
      minItems: 1,
      maxItems: TIERS_MAX,
      description:
        'Marginal steps by charged value in place of the one markup, ascending, the last one open. Null: none. A markup_percentage without tiers takes the place of tiers too.',
      items: TIER_SHAPE,
    }),
  ),
  transaction_fee_type: enumField<Terms['transactionFeeType']>(['FLAT', 'PERCENTAGE'], {
    description: 'What transaction_amount is: USD a request, or percent points of the charged value.',
    example: 'FLAT',
  }),
  transaction_amount: decimalField({
    description: 'The transaction fee; given with its type. FLAT: at most 2 decimals. PERCENTAGE: at most 100.',
    unit: 'USD, or percent points',
    minimum: '0',
    maximum: '1000000',
    decimals: 4,
    example: 25,
  }),
  day_count: enumField(DAY_COUNTS, { description: 'Days in the year.', example: 'ACT/360' }),
  convention_pack: enumField(Object.keys(CONVENTION_PACKS) as ConventionPackName[], {
    description: 'How shares become the value that is charged.',
    example: 'notional',
  }),
  billing: enumField<Terms['billing']>(['term', 'daily'], {
    description: "The stay's cost rounded once, or the sum of rounded days.",
    example: 'term',
  }),
}

/** What a shape read of the parameters. */
export type GivenModel = { readonly [K in keyof typeof MODEL_FIELDS]: Static<(typeof MODEL_FIELDS)[K]> }
/** What a shape read of the terms; what was left out is absent. */
export type GivenTerms = { readonly [K in keyof typeof TERMS_FIELDS]?: Static<(typeof TERMS_FIELDS)[K]> }

/** Told of a field that breaks a rule. */
export type Refuse = (field: string, rule: string) => void

export function pricingModelOf(model: string, given: GivenModel): PricingModel {
  return {
    model,
    volatilityWeight: trim(given.volatility_weight),
    volatilityThreshold: asIndexPoints(trim(given.volatility_threshold)),
    eventWeight: trim(given.event_weight),
    maxMultiplier: trim(given.max_multiplier),
    volatilitySource: given.volatility_source,
  }
}

/** The terms that were given, held to the rules that concern several fields. */
export function termsOf(given: GivenTerms, refuse: Refuse): Partial<Terms> {
  const { transaction_fee_type: feeType, transaction_amount: amount, day_count, convention_pack } = given
  // An amount alone would be dollars for one broker and percent points for the next.
  if (amount === undefined && feeType !== undefined) refuse('transaction_amount', 'is required with its type')
  if (feeType === undefined && amount !== undefined)
    refuse('transaction_fee_type', 'is required with transaction_amount')
  if (amount !== undefined && feeType === 'PERCENTAGE' && compare(amount, PERCENT_MAX) > 0) {
    refuse('transaction_amount', `must be at most ${PERCENT_MAX} for a PERCENTAGE fee`)
  }
  if (amount !== undefined && feeType === 'FLAT' && significantDecimals(amount) > FLAT_DECIMALS) {
    refuse('transaction_amount', `must have at most ${FLAT_DECIMALS} decimals for a FLAT fee`)
  }
  const fixed = convention_pack === undefined ? null : CONVENTION_PACKS[convention_pack].dayCount
  if (fixed !== null && day_count !== undefined && day_count !== fixed) {
    refuse('day_count', `must be ${fixed} for the convention pack ${convention_pack}`)
  }
  const { markup_tiers: tiers } = given
  return {
    ...(given.markup_percentage !== undefined && {
      markupPercentage: asPercentPoints(trim(given.markup_percentage)),
      markupTiers: null,
    }),
    ...(tiers !== undefined && { markupTiers: tiers === null ? null : markupTiers(tiers, refuse) }),
    ...(feeType !== undefined && { transactionFeeType: feeType }),
    ...(amount !== undefined && { transactionAmount: trim(amount) }),
    ...(day_count !== undefined && { dayCount: day_count }),
    ...(convention_pack !== undefined && { conventionPack: convention_pack }),
    ...(given.billing !== undefined && { billing: given.billing }),
  }
}

function markupTiers(items: readonly JsonValue[], refuse: Refuse): MarkupTier[] {
  let below: Decimal | null = ZERO
  return items.flatMap((item, index) => {
    const place = `markup_tiers[${index}]`
    const faults: ValidationError[] = []
    const tier = collectShape(TIER_SHAPE, item, 'body', faults)
    for (const fault of faults) refuse(fault.field === 'body' ? place : `${place}.${fault.field}`, ruleOf(fault))
    if (faults.length > 0) return []
    const { up_to: upTo } = tier
    if (below === null || (upTo !== null && compare(upTo, below) <= 0)) {
      refuse(`${place}.up_to`, 'must be above that of the tier before')
    }
    if (index === items.length - 1 && upTo !== null) refuse(`${place}.up_to`, 'must be null: the last tier is open')
    below = upTo
    return [{ upTo: upTo && asUsd(upTo), markupPercentage: asPercentPoints(trim(tier.markup_percentage)) }]
  })
}

/** A message without the field that it begins with. */
function ruleOf({ field, message }: ValidationError): string {
  return message.slice(field.length + 1)
}
