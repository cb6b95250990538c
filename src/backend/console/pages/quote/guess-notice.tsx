// Which inputs were guesses, why, how old, and what it is worth: the first thing below the price.
import { useQuery } from '@tanstack/react-query'
import { type BrokerAnswer, type Exact, type Fraction, inPercent, type PricingModel } from '../../../client/index.ts'
import { api } from '../../api.ts'
import type { FeedName } from '../../app/feed-health.ts'
import { useFeeds } from '../../app/feeds.ts'
import { useNow } from '../../app/hooks.ts'
import { SourceGlyph } from '../../ui/badges.tsx'
import { ageText, grouped, usdText } from '../../ui/formats.ts'
import classes from './answer.module.css'
import { type Guess, guessesOf, type InputName } from './guesses.ts'
import type { PricedQuote } from './last-quotes.ts'
import { type FeeBasis, feeBasis, othersOf, totalIf } from './reprice.ts'

const FEEDS: Readonly<Record<InputName, FeedName | null>> = {
  lender_rate: 'lender',
  volatility: 'volatility',
  event_risk: 'events',
  price: null,
}

export function GuessNotice({
  quote,
  broker,
  model,
}: {
  readonly quote: PricedQuote
  readonly broker: BrokerAnswer | null
  readonly model: PricingModel | null
}) {
  const guesses = guessesOf(quote.answer)
  if (guesses.length === 0) return null
  return <Notice quote={quote} guesses={guesses} basis={feeBasis(quote.answer, quote.form, broker)} model={model} />
}

function Notice({
  quote,
  guesses,
  basis,
  model,
}: {
  readonly quote: PricedQuote
  readonly guesses: readonly Guess[]
  readonly basis: FeeBasis | null
  readonly model: PricingModel | null
}) {
  const { answer } = quote
  const now = useNow()
  const feeds = useFeeds()
  // The floor of the stock counts once the rate is another.
  const rate = useQuery({
    queryKey: ['quote', 'floor', answer.ticker],
    queryFn: ({ signal }) => api.rates.current(answer.ticker, { signal }),
    staleTime: 300_000,
  })
  const floor = rate.data?.floor_rate
  const worth = (input: InputName, value: Exact | null): string | null => {
    if (basis === null || model === null || floor === undefined || value === null) return null
    const [low, high] = othersOf(input, value)
    const ifLow = totalIf(basis, answer, model, floor, { input, value: low })
    const ifHigh = totalIf(basis, answer, model, floor, { input, value: high })
    if (ifLow === null || ifHigh === null) return null
    return `If the true value is ${shown(input, low)} the total is ${usdText(ifLow)}, if ${shown(input, high)} it is ${usdText(ifHigh)}.`
  }
  const told = guesses.map((guess) => {
    const feed = FEEDS[guess.input]
    const isOpen = feed !== null && feeds.data?.feeds[feed]?.breaker?.state === 'open'
    const since = (now - quote.receivedMs) / 1000
    return {
      guess,
      why: whyText(guess, since) + (isOpen ? '; its breaker is open.' : '.'),
      worth: worth(guess.input, guess.observation.value),
    }
  })
  return (
    <section className={classes.notice} data-tone="warn" aria-label="Guesses">
      <SourceGlyph source={guesses[0]?.observation.source === 'stale' ? 'stale' : 'fallback'} />
      <div>
        <p>
          <strong>{guesses.length === 1 ? 'One input is a guess.' : `${guesses.length} inputs are guesses.`}</strong>
          {told.map(({ guess, why, worth }) => (
            <span key={guess.input}>
              {' '}
              {why}
              {worth !== null && ` ${worth}`}
            </span>
          ))}
        </p>
        {told.some(({ worth }) => worth !== null) && (
          <p className={classes.aside}>The other totals are computed here, and are on no record.</p>
        )}
      </div>
    </section>
  )
}

function whyText({ words, observation, isAssumed }: Guess, sinceSeconds: number): string {
  const { source, provider, age_seconds, fallback_reason } = observation
  const age = age_seconds === null ? null : ageText(age_seconds + sinceSeconds)
  if (source === 'fallback') {
    return `${words} is a stand-in: ${fallback_reason ?? 'nothing better is known'}`
  }
  if (source === 'stale') return `${words} is the last answer of ${provider}, ${age ?? 'of unknown age'} old`
  return isAssumed ? `${words} is assumed: nobody rated an event of this type` : words
}

function shown(input: InputName, value: Exact): string {
  return input === 'lender_rate' ? `${grouped(inPercent(value as Fraction))} %` : grouped(value)
}
