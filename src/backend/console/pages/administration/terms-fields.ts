// A broker's terms between what a person types and what the contract says. Percent points stay percent points, amounts are exact text;
// what is no number goes as it was typed, and the server says what is wrong with it.
import type { BrokerAnswer, BrokerFields, MarkupTier, Tier } from '../../../client/index.ts'
import { parseDecimal, trim } from '../../../pricing/decimal.ts'
import { grouped, typedDecimal } from '../../ui/formats.ts'
import type { FormLine } from './form-lines.ts'
import type { Draft } from './search.ts'

export interface TierForm {
  /** USD; empty: open. */
  readonly upTo: string
  /** Percent points. */
  readonly markup: string
}

export interface TermsForm {
  readonly clientId: string
  readonly name: string
  /** Percent points. */
  readonly markup: string
  /** Empty: none. */
  readonly tiers: readonly TierForm[]
  readonly feeType: 'FLAT' | 'PERCENTAGE'
  /** USD of FLAT, percent points of PERCENTAGE. */
  readonly feeAmount: string
  readonly dayCount: string
  readonly pack: string
  readonly billing: 'term' | 'daily'
  readonly model: string
  readonly tier: Tier
  /** Empty: that of the tier. */
  readonly requestsPerMinute: string
  readonly active: boolean
}

/** What a new broker begins with; markup and fee are said by nobody but a person. */
export function newTerms(model: string): TermsForm {
  return {
    clientId: '',
    name: '',
    markup: '',
    tiers: [],
    feeType: 'FLAT',
    feeAmount: '',
    dayCount: 'ACT/360',
    pack: 'notional',
    billing: 'term',
    model,
    tier: 'standard',
    requestsPerMinute: '',
    active: true,
  }
}

export function termsForm(broker: BrokerAnswer): TermsForm {
  return {
    clientId: broker.client_id,
    name: broker.name ?? '',
    markup: broker.markup_percentage,
    tiers: tiersForm(broker.markup_tiers),
    feeType: broker.transaction_fee_type,
    feeAmount: broker.transaction_amount,
    dayCount: broker.day_count,
    pack: broker.convention_pack,
    billing: broker.billing,
    model: broker.pricing_model,
    tier: broker.tier,
    requestsPerMinute: broker.requests_per_minute === null ? '' : String(broker.requests_per_minute),
    active: broker.active,
  }
}

function tiersForm(tiers: readonly MarkupTier[] | null): TierForm[] {
  return (tiers ?? []).map(({ up_to, markup_percentage }) => ({ upTo: up_to ?? '', markup: markup_percentage }))
}

/** A draft over terms as they are. A markup without tiers takes the place of tiers, as the contract has it. */
export function withDraft(form: TermsForm, draft: Draft): TermsForm {
  const tiers = draft.markup_tiers === undefined ? undefined : readTiers(draft.markup_tiers)
  return {
    ...form,
    ...(draft.markup_percentage !== undefined && { markup: draft.markup_percentage, tiers: [] }),
    ...(tiers !== undefined && { tiers }),
    ...((draft.transaction_fee_type === 'FLAT' || draft.transaction_fee_type === 'PERCENTAGE') && {
      feeType: draft.transaction_fee_type,
    }),
    ...(draft.transaction_amount !== undefined && { feeAmount: draft.transaction_amount }),
    ...(draft.day_count !== undefined && { dayCount: draft.day_count }),
    ...(draft.convention_pack !== undefined && { pack: draft.convention_pack }),
    ...((draft.billing === 'term' || draft.billing === 'daily') && { billing: draft.billing }),
    ...(draft.pricing_model !== undefined && { model: draft.pricing_model }),
  }
}

/** @returns undefined when it is no list of tiers */
function readTiers(json: string): TierForm[] | undefined {
  try {
    const tiers = JSON.parse(json) as unknown
    if (tiers === null) return []
    if (!Array.isArray(tiers)) return undefined
    return tiers.map(({ up_to, markup_percentage }: Record<string, unknown>) => ({
      upTo: up_to === null || up_to === undefined ? '' : String(up_to),
      markup: String(markup_percentage ?? ''),
    }))
  } catch {
    return undefined
  }
}

/** As it goes to the server. */
export function termsFields(form: TermsForm): BrokerFields {
  const fields = {
    name: form.name.trim() === '' ? null : form.name.trim(),
    markup_percentage: typed(form.markup),
    markup_tiers:
      form.tiers.length === 0
        ? null
        : form.tiers.map(({ upTo, markup }) => ({
            up_to: upTo.trim() === '' ? null : typed(upTo),
            markup_percentage: typed(markup),
          })),
    transaction_fee_type: form.feeType,
    transaction_amount: typed(form.feeAmount),
    day_count: form.dayCount,
    convention_pack: form.pack,
    billing: form.billing,
    pricing_model: form.model,
    tier: form.tier,
    requests_per_minute: count(form.requestsPerMinute),
    active: form.active,
  }
  return fields as unknown as BrokerFields
}

/** Exact text without its groups; what is no decimal as it was typed. */
export function typed(text: string): string {
  return typedDecimal(text) ?? text.trim()
}

/** A whole number; null when nothing was typed; what is none as it was typed. */
export function count(text: string): number | string | null {
  const plain = typed(text)
  if (plain === '') return null
  return /^[0-9]{1,15}$/.test(plain) ? Number(plain) : plain
}

/** `5 %` of `5.0`, `1,000,000.5 USD`; what is no number as it was typed. */
export function withUnit(text: string, unit: string): string {
  const exact = typedDecimal(text)
  if (exact === null) return text.trim() === '' ? 'none' : text.trim()
  const number = parseDecimal(exact)
  return `${grouped(number === null ? exact : trim(number).toString())} ${unit}`
}

export const BILLING_WORDS = { term: 'once a stay', daily: 'day by day' } as const

export function termsLines(form: TermsForm): FormLine[] {
  return [
    { field: 'name', title: 'Name', text: form.name.trim() === '' ? 'none' : form.name.trim() },
    { field: 'markup_percentage', title: 'Markup', text: withUnit(form.markup, '%') },
    { field: 'markup_tiers', title: 'Markup by value', text: tiersText(form.tiers) },
    {
      field: 'transaction_fee',
      title: 'Transaction fee',
      text:
        form.feeType === 'FLAT'
          ? `${withUnit(form.feeAmount, 'USD')} a request`
          : `${withUnit(form.feeAmount, '%')} of the charged value`,
    },
    { field: 'day_count', title: 'Day count', text: form.dayCount },
    { field: 'convention_pack', title: 'Convention pack', text: form.pack },
    { field: 'billing', title: 'Billing', text: BILLING_WORDS[form.billing] },
    { field: 'pricing_model', title: 'Pricing model', text: form.model },
    { field: 'tier', title: 'Tier', text: form.tier },
    {
      field: 'requests_per_minute',
      title: 'Requests a minute',
      text: form.requestsPerMinute.trim() === '' ? 'that of the tier' : grouped(typed(form.requestsPerMinute)),
    },
    { field: 'active', title: 'Active', text: form.active ? 'yes' : 'no' },
  ]
}

function tiersText(tiers: readonly TierForm[]): string {
  if (tiers.length === 0) return 'none'
  return tiers
    .map(({ upTo, markup }) =>
      upTo.trim() === '' ? `above: ${withUnit(markup, '%')}` : `to ${withUnit(upTo, 'USD')}: ${withUnit(markup, '%')}`,
    )
    .join('; ')
}
