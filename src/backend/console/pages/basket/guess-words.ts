// What a price rests on when it is a guess: said of a line in a few words, and of a basket in a sentence.
import type { Fraction } from '../../../client/units.ts'
import { ageText, gridAge, rateText } from '../../ui/formats.ts'
import type { Guess } from './outcomes.ts'

/** In a cell: `lender stand-in, 20 %`, `lender rate 2 h old`. */
export function guessWords({ name, ageSeconds, value }: Guess): string {
  const age = ageSeconds === null ? 'old' : `${gridAge(ageSeconds)} old`
  if (name === 'lender_rate_stale') return `lender rate ${age}`
  if (name === 'lender_rate_fallback') {
    return value === null ? 'lender stand-in' : `lender stand-in, ${rateText(value as Fraction)}`
  }
  if (name === 'last_close_stale') return `last close ${age}`
  if (name === 'event_risk_assumed') return 'event nobody rated'
  return name.replaceAll('_', ' ')
}

/** Of a basket: `31 of 492 prices use a lender rate that is not fresh, up to 2 h old.` */
export function guessSentence(guess: Guess & { readonly lines: number }, priced: number): string {
  const { name, ageSeconds, value, lines } = guess
  const who =
    lines === priced
      ? lines === 1
        ? 'The one price uses'
        : `All ${lines} prices use`
      : `${lines} of ${priced} prices use${lines === 1 ? 's' : ''}`
  const age = ageSeconds === null ? '' : `, up to ${ageText(ageSeconds)} old`
  const what: Readonly<Record<string, string>> = {
    lender_rate_stale: `a lender rate that is not fresh${age}`,
    lender_rate_fallback: 'a stand-in for the lender rate',
    last_close_stale: `a close that is not the last one${age}`,
    event_risk_assumed: 'a factor of 5 for an event of a type that nobody rated',
    event_risk_stale: `event risk that is not fresh${age}`,
    event_risk_fallback: 'event risk 0, because no calendar is known',
    volatility_stale: `a volatility index that is not fresh${age}`,
    volatility_fallback: `a stand-in for the volatility index${value === null ? '' : `, ${value}`}`,
  }
  return `${who} ${what[name] ?? name.replaceAll('_', ' ')}.`
}
