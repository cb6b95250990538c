// Which inputs of a price are guesses, why, and what could have been in their place.
import type { Exact, Fraction, ObservationAnswer, ObservationSource, QuoteAnswer } from '../../../client/index.ts'
import { isGuess } from '../../ui/badges.tsx'
import { grouped, rateText } from '../../ui/formats.ts'

export type InputName = 'lender_rate' | 'volatility' | 'event_risk' | 'price'

export interface Guess {
  readonly input: InputName
  /** `Event risk 7`. */
  readonly words: string
  readonly observation: ObservationAnswer
  /** Nobody rated the type of an event; 5 stands in. */
  readonly isAssumed: boolean
}

export function guessesOf({ data_sources }: QuoteAnswer): Guess[] {
  const { base_rate, volatility, event_risk, price } = data_sources
  const isAssumed = event_risk.events?.some(
    ({ assumed, risk_factor }) => assumed && String(risk_factor) === String(event_risk.value),
  )
  const found: (Guess | null)[] = [
    guess('lender_rate', `Lender rate ${base_rate.value === null ? 'unknown' : rateText(base_rate.value)}`, base_rate),
    guess('volatility', `Volatility ${volatility.value ?? 'unknown'}`, volatility),
    guess('event_risk', `Event risk ${event_risk.value ?? 'unknown'}`, event_risk, isAssumed),
    price === undefined
      ? null
      : guess('price', `Price ${price.value === null ? 'unknown' : grouped(price.value)}`, price),
  ]
  return found.filter((one) => one !== null)
}

function guess(
  input: InputName,
  words: string,
  observation: ObservationAnswer<Exact> | ObservationAnswer<Fraction>,
  isAssumed = false,
): Guess | null {
  return isGuess(observation.source) || isAssumed ? { input, words, observation, isAssumed } : null
}

/** The steps of the waterfall by the input that they stand on. */
export function stepSources(answer: QuoteAnswer): Record<string, ObservationSource> {
  const { base_rate, volatility, event_risk, price } = answer.data_sources
  const isAssumed = guessesOf(answer).some((one) => one.isAssumed)
  return {
    lender_rate: base_rate.source,
    volatility: volatility.source,
    events: isAssumed && !isGuess(event_risk.source) ? 'fallback' : event_risk.source,
    ...(price !== undefined && { charged_value: price.source }),
  }
}
