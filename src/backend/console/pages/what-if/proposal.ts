// A draft on its way to approval: the address of the form that puts it in force, which a second person then approves.
import type { AdministrationSearch } from '../administration/search.ts'
import { DRAFT_MODEL, type Draft, MODEL_FIELDS, TERMS_FIELDS, tiersOf } from './draft.ts'

export type Proposal =
  | { readonly kind: 'address'; readonly search: AdministrationSearch }
  /** Why there is none. */
  | { readonly kind: 'none'; readonly because: string }

export function proposalOf(draft: Draft): Proposal {
  const hasTerms = TERMS_FIELDS.some((name) => draft[name] !== '')
  if (draft.model === DRAFT_MODEL) {
    if (hasTerms) return none('A model and terms are proposed one after the other: take one of them out of the draft.')
    const parameters = Object.fromEntries(MODEL_FIELDS.map((name) => [name, draft[name]]))
    return { kind: 'address', search: { tab: 'models', make: '1', ...parameters } }
  }
  if (!hasTerms && draft.model === '') return none('The draft is empty.')
  if (draft.client === '') return none('Terms are proposed broker by broker: choose one client.')
  return {
    kind: 'address',
    search: {
      propose: draft.client,
      ...(draft.markup !== '' && { markup_percentage: draft.markup }),
      ...(draft.tiers !== '' && { markup_tiers: JSON.stringify(tiersOf(draft.tiers)) }),
      ...(draft.fee_type !== '' && { transaction_fee_type: draft.fee_type }),
      ...(draft.fee !== '' && { transaction_amount: draft.fee }),
      ...(draft.day_count !== '' && { day_count: draft.day_count }),
      ...(draft.pack !== '' && { convention_pack: draft.pack }),
      ...(draft.billing !== '' && { billing: draft.billing }),
      ...(draft.model !== '' && { pricing_model: draft.model }),
    },
  }
}

function none(because: string): Proposal {
  return { kind: 'none', because }
}
