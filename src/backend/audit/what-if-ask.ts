// What a desk asks of a past range: its quotes priced again under a draft rate card, which is a pricing model, terms, or both. The
// bounds are those that a model and a broker's terms have in the database, so that what is tried here can be put in force.
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
import { invalidParameters, type ValidationError } from '../server/problem.ts'
import {
  clientIdField,
  collectShape,
  decimalField,
  enumField,
  integerField,
  listField,
  nullable,
  objectField,
  optional,
  patternField,
  shape,
  textOrObject,
  timeField,
  withDefault,
} from '../server/shape.ts'

export interface WhatIfAsk {
  readonly from: Date
  /** The first moment that is not asked for. */
  readonly to: Date
  /** One broker, or null for all. */
  readonly clientId: string | null
  /** Null: each quote under the model of its record. */
  readonly model: PricingModel | null
  /** Replace the recorded terms field by field; null: each quote under its recorded terms. */
  readonly terms: Partial<Terms> | null
  /** How many clients are named, at most. */
  readonly clientsMax: number
}

/** An ask as it was sent: a model may still be a name, which its reader looks up. */
export interface WhatIfRequest extends Omit<WhatIfAsk, 'model'> {
  readonly model: string | PricingModel | null
}

/** Days of a range, at most: a year with its leap day. */
export const WHAT_IF_DAYS_MAX = 366
export const CLIENTS_DEFAULT = 20
/** Clients that are named, at most. */
export const CLIENTS_MAX = 1_000
const TIERS_MAX = 20
const DAY_MS = 86_400_000
/** Of a PERCENTAGE fee, percent points. */
const PERCENT_MAX = decimal(100)
/** Of a FLAT fee, USD. */
const FLAT_DECIMALS = 2

const MODEL_NAME = '^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$'
const DRAFT_MODEL_NAME = 'draft'

const modelName = patternField(MODEL_NAME, 'must be the name of a pricing model: small letters, digits and hyphens', {
  description: 'Name of a pricing model, with its version.',
  example: 'desk-v1',
})

const markupPercentage = decimalField<PercentPoints>({
  description: 'Markup on the borrow cost.',
  unit: 'percent points',
  minimum: '0',
  maximum: '100',
  decimals: 4,
  example: 4.5,
})

const DRAFT_MODEL_SHAPE = shape({
  model: withDefault(modelName, DRAFT_MODEL_NAME),
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
})

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

const DRAFT_TERMS_SHAPE = shape({
  markup_percentage: optional(markupPercentage),
  markup_tiers: optional(
    nullable(
      listField({
        minItems: 1,
        maxItems: TIERS_MAX,
        description:
          'Marginal steps by charged value in place of the one markup, ascending, the last one open. Null: none. A markup_percentage without tiers takes the place of recorded tiers too.',
        items: TIER_SHAPE,
      }),
    ),
  ),
  transaction_fee_type: optional(
    enumField<Terms['transactionFeeType']>(['FLAT', 'PERCENTAGE'], {
      description: 'What transaction_amount is: USD a request, or percent points of the charged value.',
      example: 'FLAT',
    }),
  ),
  transaction_amount: optional(
    decimalField({
      description: 'The transaction fee; given with its type. FLAT: at most 2 decimals. PERCENTAGE: at most 100.',
      unit: 'USD, or percent points',
      minimum: '0',
      maximum: '1000000',
      decimals: 4,
      example: 25,
    }),
  ),
  day_count: optional(enumField(DAY_COUNTS, { description: 'Days in the year.', example: 'ACT/360' })),
  convention_pack: optional(
    enumField(Object.keys(CONVENTION_PACKS) as ConventionPackName[], {
      description: 'How shares become the value that is charged.',
      example: 'notional',
    }),
  ),
  billing: optional(
    enumField<Terms['billing']>(['term', 'daily'], {
      description: "The stay's cost rounded once, or the sum of rounded days.",
      example: 'term',
    }),
  ),
})

/** The body of a what-if, as it is checked and documented. */
export const WHAT_IF_SHAPE = shape(
  {
    from: timeField({ description: 'Quotes from this time or day on.', example: '2026-11-16', day: 'start' }),
    to: optional(
      timeField({
        description: `Quotes before this time, or to the end of this day; left out, until now. At most ${WHAT_IF_DAYS_MAX} days after from.`,
        example: '2026-11-20',
        day: 'end',
      }),
    ),
    client_id: optional(nullable(clientIdField({ description: 'Quotes of this broker alone; left out, of all.' }))),
    model: optional(
      nullable(
        textOrObject(
          modelName,
          objectField(DRAFT_MODEL_SHAPE, 'The parameters of a draft.'),
          'A pricing model by its name, or the parameters of a draft; left out, each quote keeps its own.',
        ),
      ),
    ),
    terms: optional(
      nullable(
        objectField(
          DRAFT_TERMS_SHAPE,
          'Fields that take the place of the recorded terms; the others stay as recorded.',
        ),
      ),
    ),
    clients_max: withDefault(
      integerField({
        description: 'How many of the clients most affected are named.',
        minimum: 1,
        maximum: CLIENTS_MAX,
        example: CLIENTS_DEFAULT,
      }),
      CLIENTS_DEFAULT,
    ),
  },
  {
    description:
      'A draft rate card and the past quotes to price under it. At least one of model and terms has to be given.',
    examples: [{ from: '2026-11-16', to: '2026-11-20', terms: { markup_percentage: 4.5 } }],
  },
)

/**
 * Reads the body of a what-if.
 * @param now the end of a range that names none
 * @throws Problem INVALID_PARAMETER that names every fault by its place: `terms.transaction_amount`
 */
export function readWhatIf(body: unknown, now: Date): WhatIfRequest {
  const faults: ValidationError[] = []
  const refuse: Refuse = (field, rule) => faults.push({ field, location: 'body', message: `${field} ${rule}` })
  const parsed = collectShape(WHAT_IF_SHAPE, body, 'body', faults)
  const { from, to = now, client_id = null, model = null, terms = null } = parsed
  if (from !== undefined) checkRange(from, to, refuse)
  const draftTerms = terms === null ? null : readTerms(terms, refuse)
  if (faults.length === 0 && model === null && draftTerms === null) refuse('model', 'or terms is required')
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(WHAT_IF_SHAPE.properties))
  return {
    from,
    to,
    clientId: client_id,
    model: model === null || typeof model === 'string' ? model : draftModel(model),
    terms: draftTerms,
    clientsMax: parsed.clients_max,
  }
}

type Refuse = (field: string, rule: string) => void

function checkRange(from: Date, to: Date, refuse: Refuse): void {
  const lengthMs = to.getTime() - from.getTime()
  if (lengthMs <= 0) refuse('to', 'must be after from')
  if (lengthMs > WHAT_IF_DAYS_MAX * DAY_MS) refuse('to', `must be at most ${WHAT_IF_DAYS_MAX} days after from`)
}

function draftModel(model: Static<typeof DRAFT_MODEL_SHAPE>): PricingModel {
  return {
    model: model.model,
    volatilityWeight: trim(model.volatility_weight),
    volatilityThreshold: asIndexPoints(trim(model.volatility_threshold)),
    eventWeight: trim(model.event_weight),
    maxMultiplier: trim(model.max_multiplier),
    volatilitySource: model.volatility_source,
  }
}

/** @returns the fields that were given, or null when there were none */
function readTerms(terms: Static<typeof DRAFT_TERMS_SHAPE>, refuse: Refuse): Partial<Terms> | null {
  const { transaction_fee_type: feeType, transaction_amount: amount, day_count, convention_pack } = terms
  // An amount alone would be dollars for one broker and percent points for the next.
  if (amount === undefined && feeType !== undefined) refuse('terms.transaction_amount', 'is required with its type')
  if (feeType === undefined && amount !== undefined) {
    refuse('terms.transaction_fee_type', 'is required with transaction_amount')
  }
  if (amount !== undefined && feeType === 'PERCENTAGE' && compare(amount, PERCENT_MAX) > 0) {
    refuse('terms.transaction_amount', `must be at most ${PERCENT_MAX} for a PERCENTAGE fee`)
  }
  if (amount !== undefined && feeType === 'FLAT' && significantDecimals(amount) > FLAT_DECIMALS) {
    refuse('terms.transaction_amount', `must have at most ${FLAT_DECIMALS} decimals for a FLAT fee`)
  }
  const fixed = convention_pack === undefined ? null : CONVENTION_PACKS[convention_pack].dayCount
  if (fixed !== null && day_count !== undefined && day_count !== fixed) {
    refuse('terms.day_count', `must be ${fixed} for the convention pack ${convention_pack}`)
  }
  const { markup_tiers: tiers } = terms
  const draft: Partial<Terms> = {
    ...(terms.markup_percentage !== undefined && {
      markupPercentage: asPercentPoints(trim(terms.markup_percentage)),
      markupTiers: null,
    }),
    ...(tiers !== undefined && { markupTiers: tiers === null ? null : readTiers(tiers, refuse) }),
    ...(feeType !== undefined && { transactionFeeType: feeType }),
    ...(amount !== undefined && { transactionAmount: trim(amount) }),
    ...(day_count !== undefined && { dayCount: day_count }),
    ...(convention_pack !== undefined && { conventionPack: convention_pack }),
    ...(terms.billing !== undefined && { billing: terms.billing }),
  }
  return Object.keys(draft).length === 0 ? null : draft
}

function readTiers(items: readonly JsonValue[], refuse: Refuse): MarkupTier[] {
  let below: Decimal | null = ZERO
  return items.flatMap((item, index) => {
    const place = `terms.markup_tiers[${index}]`
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
