// A draft rate card as it is typed, and the what-if that is asked of it. Nothing is checked here but that an amount is one: the rules are
// the engine's, and its sentences stand under the fields that they name.
import type { DraftModel, DraftTerms, MarkupTier, WhatIfRequest } from '../../../client/index.ts'
import type { IndexPoints, PercentPoints, TimesLenderRate, Usd } from '../../../client/units.ts'
import { typedDecimal } from '../../ui/formats.ts'

/** Each as it is typed; empty: it stays as it was for each quote. */
export interface Draft {
  readonly from: string
  readonly to: string
  readonly client: string
  readonly markup: string
  /** `100,000: 5; 1,000,000: 4; 3`: up to so much, so many percent points; the last one is open. */
  readonly tiers: string
  readonly fee_type: string
  readonly fee: string
  readonly day_count: string
  readonly pack: string
  readonly billing: string
  /** The name of a model, or {@link DRAFT_MODEL}. */
  readonly model: string
  readonly volatility_weight: string
  readonly volatility_threshold: string
  readonly event_weight: string
  readonly max_multiplier: string
  readonly volatility_source: string
}

/** No model can be called so. */
export const DRAFT_MODEL = '(draft)'

export const MODEL_FIELDS = [
  'volatility_weight',
  'volatility_threshold',
  'event_weight',
  'max_multiplier',
  'volatility_source',
] as const

export const TERMS_FIELDS = ['markup', 'tiers', 'fee_type', 'fee', 'day_count', 'pack', 'billing'] as const

export const DRAFT_FIELDS = ['from', 'to', 'client', ...TERMS_FIELDS, 'model', ...MODEL_FIELDS] as const

/** The engine's names, where they are others. */
export const CONTRACT_NAMES: Readonly<Partial<Record<keyof Draft, string>>> = {
  client: 'client_id',
  markup: 'terms.markup_percentage',
  tiers: 'terms.markup_tiers',
  fee_type: 'terms.transaction_fee_type',
  fee: 'terms.transaction_amount',
  day_count: 'terms.day_count',
  pack: 'terms.convention_pack',
  billing: 'terms.billing',
  volatility_weight: 'model.volatility_weight',
  volatility_threshold: 'model.volatility_threshold',
  event_weight: 'model.event_weight',
  max_multiplier: 'model.max_multiplier',
  volatility_source: 'model.volatility_source',
}

/** The sentence for a field, among the engine's by contract names; those of tiers name the one tier, too. */
export function sentenceFor(name: keyof Draft, sentences: ReadonlyMap<string, string>): string | null {
  const contract = CONTRACT_NAMES[name] ?? name
  for (const [field, sentence] of sentences) {
    if (field === contract || (name === 'tiers' && field.startsWith('terms.markup_tiers['))) return sentence
  }
  return null
}

/** Names of the contract that no field of the form has. */
export function unplacedSentences(sentences: ReadonlyMap<string, string>): string[] {
  const placed = new Set(DRAFT_FIELDS.flatMap((name) => sentenceFor(name, sentences) ?? []))
  return [...sentences.values()].filter((sentence) => !placed.has(sentence))
}

/** What is asked. What is typed and is no amount goes as it stands, and comes back as the engine's refusal. */
export function requestOf(draft: Draft): WhatIfRequest {
  const terms = termsOf(draft)
  const model = modelOf(draft)
  return {
    ...(draft.from !== '' && { from: draft.from }),
    ...(draft.to !== '' && { to: draft.to }),
    ...(draft.client !== '' && { clientId: draft.client }),
    ...(model !== null && { model }),
    ...(terms !== null && { terms }),
    clientsMax: CLIENTS_SHOWN_MAX,
  }
}

/** As many as the engine names. */
export const CLIENTS_SHOWN_MAX = 1_000

function termsOf(draft: Draft): DraftTerms | null {
  const terms = {
    ...(draft.markup !== '' && { markup_percentage: amount<PercentPoints>(draft.markup) }),
    ...(draft.tiers !== '' && { markup_tiers: tiersOf(draft.tiers) }),
    ...(draft.fee_type !== '' && { transaction_fee_type: draft.fee_type }),
    ...(draft.fee !== '' && { transaction_amount: amount<Usd>(draft.fee) }),
    ...(draft.day_count !== '' && { day_count: draft.day_count }),
    ...(draft.pack !== '' && { convention_pack: draft.pack }),
    ...(draft.billing !== '' && { billing: draft.billing }),
  }
  return Object.keys(terms).length === 0 ? null : (terms as DraftTerms)
}

function modelOf(draft: Draft): string | DraftModel | null {
  if (draft.model === '') return null
  if (draft.model !== DRAFT_MODEL) return draft.model
  return {
    volatility_weight: amount<TimesLenderRate>(draft.volatility_weight),
    volatility_threshold: amount<IndexPoints>(draft.volatility_threshold),
    event_weight: amount<TimesLenderRate>(draft.event_weight),
    max_multiplier: amount<TimesLenderRate>(draft.max_multiplier),
    volatility_source: draft.volatility_source as DraftModel['volatility_source'],
  }
}

function amount<Unit extends string>(typed: string): Unit {
  return (typedDecimal(typed.replace(/\s*%$/, '')) ?? typed) as Unit
}

/** @see Draft.tiers */
export function tiersOf(typed: string): MarkupTier[] {
  return typed
    .split(';')
    .map((step) => step.trim())
    .filter((step) => step !== '')
    .map((step) => {
      const at = step.indexOf(':')
      if (at === -1) return { up_to: null, markup_percentage: amount<PercentPoints>(step) }
      return {
        up_to: amount<Usd>(step.slice(0, at).trim()),
        markup_percentage: amount<PercentPoints>(step.slice(at + 1).trim()),
      }
    })
}

export function tiersText(tiers: readonly MarkupTier[]): string {
  return tiers
    .map(({ up_to, markup_percentage }) => (up_to === null ? markup_percentage : `${up_to}: ${markup_percentage}`))
    .join('; ')
}

/** Whether there is anything to try. */
export function isDrafted(draft: Draft): boolean {
  return draft.model !== '' || TERMS_FIELDS.some((name) => draft[name] !== '')
}
