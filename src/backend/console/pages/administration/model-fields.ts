// A pricing model between what a person types and what the contract says. The parameters are shares of the lender's rate and index
// points, and are typed as they are sent.
import type { DraftModel, PricingModel } from '../../../client/index.ts'
import type { FormLine } from './form-lines.ts'
import type { Draft } from './search.ts'
import { typed, withUnit } from './terms-fields.ts'

export interface ModelForm {
  readonly model: string
  readonly volatilityWeight: string
  readonly volatilityThreshold: string
  readonly eventWeight: string
  readonly maxMultiplier: string
  readonly volatilitySource: DraftModel['volatility_source']
}

/** A new one begins as another, without its name. */
export function modelForm(like: PricingModel | undefined, draft: Draft): ModelForm {
  const source = draft.volatility_source ?? like?.volatility_source
  return {
    model: '',
    volatilityWeight: draft.volatility_weight ?? like?.volatility_weight ?? '',
    volatilityThreshold: draft.volatility_threshold ?? like?.volatility_threshold ?? '',
    eventWeight: draft.event_weight ?? like?.event_weight ?? '',
    maxMultiplier: draft.max_multiplier ?? like?.max_multiplier ?? '',
    volatilitySource: source === 'index' ? 'index' : 'stock-or-index',
  }
}

export function modelFields(form: ModelForm): PricingModel {
  const fields = {
    model: form.model.trim(),
    volatility_weight: typed(form.volatilityWeight),
    volatility_threshold: typed(form.volatilityThreshold),
    event_weight: typed(form.eventWeight),
    max_multiplier: typed(form.maxMultiplier),
    volatility_source: form.volatilitySource,
  }
  return fields as unknown as PricingModel
}

export const SOURCE_WORDS: Readonly<Record<DraftModel['volatility_source'], string>> = {
  'stock-or-index': 'the stock’s own, else the index',
  index: 'the index',
}

export function modelLines(form: ModelForm): FormLine[] {
  return [
    {
      field: 'volatility_weight',
      title: 'A volatility point adds',
      text: withUnit(form.volatilityWeight, 'x the lender rate'),
    },
    {
      field: 'volatility_threshold',
      title: 'Points that add nothing',
      text: withUnit(form.volatilityThreshold, 'points'),
    },
    { field: 'event_weight', title: 'An event risk of 10 adds', text: withUnit(form.eventWeight, 'x the lender rate') },
    { field: 'max_multiplier', title: 'At the most', text: withUnit(form.maxMultiplier, 'x the lender rate') },
    { field: 'volatility_source', title: 'Volatility', text: SOURCE_WORDS[form.volatilitySource] },
  ]
}
