// Beside each step of the waterfall, its arithmetic in a few words. Steps without any keep the engine's own.
import type { PricingModel, QuoteAnswer } from '../../../client/index.ts'
import { compare, decimal, minus, plus, times, trim } from '../../../pricing/decimal.ts'
import { isGuess } from '../../ui/badges.tsx'
import { grouped, usdText } from '../../ui/formats.ts'
import type { FeeBasis } from './reprice.ts'

/** @param model null: not known, and its steps keep the engine's words */
export function stepNotes(
  answer: QuoteAnswer,
  model: PricingModel | null,
  basis: Pick<FeeBasis, 'value' | 'days'> | null,
): Record<string, string> {
  const { base_rate } = answer.data_sources
  return {
    lender_rate: isGuess(base_rate.source) ? 'a stand-in, or an old one' : 'as the lender quotes it',
    ...(model !== null && modelNotes(answer, model)),
    ...(basis !== null && {
      borrow_cost: `${usdText(basis.value.toString())} × rate × ${basis.days} / ${answer.terms.day_count.slice(-3)}`,
    }),
    ...markupNote(answer),
    total: 'USD',
  }
}

function modelNotes(answer: QuoteAnswer, model: PricingModel): Record<string, string> {
  const { volatility, event_risk } = answer.data_sources
  if (volatility.value === null || event_risk.value === null) return {}
  const over = minus(decimal(volatility.value), decimal(model.volatility_threshold))
  const excess = compare(over, decimal(0)) > 0 ? over : decimal(0)
  const hasThreshold = compare(decimal(model.volatility_threshold), decimal(0)) > 0
  const multiplier = plus(
    plus(decimal(1), times(decimal(model.volatility_weight), excess)),
    times(decimal(model.event_weight), times(decimal(String(event_risk.value)), decimal('0.1'))),
  )
  const whose = isOfStock(answer) ? 'own' : 'index'
  const isHeld = compare(multiplier, decimal(model.max_multiplier)) > 0
  return {
    volatility: hasThreshold
      ? `${whose} ${volatility.value} over ${model.volatility_threshold}, × ${model.volatility_weight}`
      : `${whose} ${volatility.value} × ${model.volatility_weight}`,
    events: `risk ${event_risk.value} of 10 × ${model.event_weight}`,
    cap: isHeld
      ? `held at × ${model.max_multiplier}, not ${grouped(trim(multiplier).toString())}`
      : `× ${model.max_multiplier}, multiplier is ${grouped(trim(multiplier).toString())}`,
  }
}

/** `5 % of the borrow cost` */
function markupNote(answer: QuoteAnswer): { readonly markup?: string } {
  if (hasTieredMarkup(answer)) return { markup: 'by charged value' }
  const words = answer.waterfall.find(({ step }) => step === 'markup')?.description
  return words?.endsWith(' before rounding') ? { markup: words.slice(0, -' before rounding'.length) } : {}
}

/** Only the step's own words say so: the percentage of the answer is then not what counts. */
export function hasTieredMarkup({ waterfall }: QuoteAnswer): boolean {
  return waterfall.some(({ step, description }) => step === 'markup' && description?.startsWith('marginal'))
}

/** Only the step's own words say whose volatility it is. */
function isOfStock({ waterfall }: QuoteAnswer): boolean {
  return waterfall.some(({ step, description }) => step === 'volatility' && description?.startsWith("the stock's own"))
}
