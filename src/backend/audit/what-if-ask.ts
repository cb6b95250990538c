// What a desk asks of a past range: its quotes priced again under a draft rate card, which is a pricing model, terms, or both. The
// bounds are those that a model and a broker's terms have in the database, so that what is tried here can be put in force.
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import {
  MODEL_FIELDS,
  modelName,
  pricingModelOf,
  type Refuse,
  TERMS_FIELDS,
  termsOf,
} from '../reference-data/rate-card.ts'
import { invalidParameters, type ValidationError } from '../server/problem.ts'
import {
  clientIdField,
  collectShape,
  integerField,
  nullable,
  objectField,
  optional,
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
const DAY_MS = 86_400_000

const DRAFT_MODEL_SHAPE = shape({ model: withDefault(modelName, 'draft'), ...MODEL_FIELDS })

const DRAFT_TERMS_SHAPE = shape({
  markup_percentage: optional(TERMS_FIELDS.markup_percentage),
  markup_tiers: optional(TERMS_FIELDS.markup_tiers),
  transaction_fee_type: optional(TERMS_FIELDS.transaction_fee_type),
  transaction_amount: optional(TERMS_FIELDS.transaction_amount),
  day_count: optional(TERMS_FIELDS.day_count),
  convention_pack: optional(TERMS_FIELDS.convention_pack),
  billing: optional(TERMS_FIELDS.billing),
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
  const draft = terms === null ? {} : termsOf(terms, (field, rule) => refuse(`terms.${field}`, rule))
  const draftTerms = Object.keys(draft).length === 0 ? null : draft
  if (faults.length === 0 && model === null && draftTerms === null) refuse('model', 'or terms is required')
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(WHAT_IF_SHAPE.properties))
  return {
    from,
    to,
    clientId: client_id,
    model: model === null || typeof model === 'string' ? model : pricingModelOf(model.model, model),
    terms: draftTerms,
    clientsMax: parsed.clients_max,
  }
}

function checkRange(from: Date, to: Date, refuse: Refuse): void {
  const lengthMs = to.getTime() - from.getTime()
  if (lengthMs <= 0) refuse('to', 'must be after from')
  if (lengthMs > WHAT_IF_DAYS_MAX * DAY_MS) refuse('to', `must be at most ${WHAT_IF_DAYS_MAX} days after from`)
}
