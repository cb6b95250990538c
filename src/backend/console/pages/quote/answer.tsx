// A price: the total first, then how it came about, then what else it could have been.
import { useMemo } from 'react'
import type { BorrowStatus, BrokerAnswer, PricingModel, QuoteAnswer } from '../../../client/index.ts'
import { useMedia } from '../../app/hooks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { TierBadge, WordBadge } from '../../ui/badges.tsx'
import { dateText, rateText, sharesText, usdText } from '../../ui/formats.ts'
import { Waterfall, type WaterfallSize } from '../../ui/waterfall.tsx'
import classes from './answer.module.css'
import { CopyButtons } from './copy-buttons.tsx'
import { Expiry } from './expiry.tsx'
import type { FormText } from './form-text.ts'
import { GuessNotice } from './guess-notice.tsx'
import { stepSources } from './guesses.ts'
import type { PricedQuote } from './last-quotes.ts'
import { stepNotes } from './notes.ts'
import { feeBasis, otherStays } from './reprice.ts'
import { daysText, StaysTable } from './stays-table.tsx'

const SIZES: Readonly<Record<'phone' | 'laptop' | 'desk', WaterfallSize>> = {
  phone: 'small',
  laptop: 'notes-as-tooltips',
  desk: 'whole',
}

export interface AnswerProps {
  readonly quote: PricedQuote
  readonly broker: BrokerAnswer | null
  readonly model: PricingModel | null
  readonly expired: boolean
  /** A newer price is on its way. */
  readonly aged: boolean
  readonly width: 'phone' | 'laptop' | 'desk'
}

export function Answer({ quote, broker, model, expired, aged, width }: AnswerProps) {
  const { answer, form } = quote
  const basis = useMemo(() => feeBasis(answer, form, broker), [answer, form, broker])
  const stays = useMemo(() => (basis === null ? null : otherStays(basis)), [basis])
  const notes = useMemo(() => stepNotes(answer, model, basis), [answer, model, basis])
  const sources = useMemo(() => stepSources(answer), [answer])
  const isPhone = width === 'phone'
  const isNarrow = useMedia('(max-width: 1099px)')
  const about = { quote, expired, tier: liveRates.rows.get(answer.ticker)?.borrow_status }
  return (
    <article className={classes.answer} data-aged={aged || undefined} data-width={width} aria-busy={aged}>
      {isPhone ? <PhoneHead {...about} /> : <Head {...about} />}
      <GuessNotice quote={quote} broker={broker} model={model} />
      <Shortage quote={quote} />
      <Waterfall steps={answer.waterfall} notes={notes} sources={sources} size={SIZES[width]} />
      <StaysTable stays={stays} isTall={isNarrow} />
      <CopyButtons quote={quote} />
    </article>
  )
}

interface HeadProps {
  readonly quote: PricedQuote
  readonly expired: boolean
  readonly tier: BorrowStatus | undefined
}

function Head({ quote, expired, tier }: HeadProps) {
  const { answer } = quote
  return (
    <>
      <header className={classes.head}>
        <Asked quote={quote} />
        {tier !== undefined && <TierBadge tier={tier} />}
        <span className={classes.gap} />
        <WordBadge>{answer.quote_type === 'firm' ? 'Firm' : 'Indicative'}</WordBadge>
      </header>
      <div className={classes.figures}>
        <dl>
          <Total answer={answer} />
          <div>
            <dt>Borrow rate</dt>
            <dd className="figure">{rateText(answer.borrow_rate_used)}</dd>
          </div>
          <div>
            <dt>Per day, before markup</dt>
            <dd className="figure">{usdText(answer.cost_per_day)}</dd>
          </div>
        </dl>
        <Expiry quote={quote} expired={expired} />
      </div>
    </>
  )
}

/** What is asked stands in the folded form above. */
function PhoneHead({ quote, expired, tier }: HeadProps) {
  const { answer } = quote
  return (
    <>
      <header className="only-read">
        <Asked quote={quote} />
      </header>
      <div className={classes.figures}>
        <dl>
          <Total answer={answer} />
        </dl>
        <div className={classes.states}>
          {tier !== undefined && <TierBadge tier={tier} />}
          <span className="quiet">{answer.quote_type}</span>
          <Expiry quote={quote} expired={expired} />
        </div>
      </div>
      <dl className={classes.line}>
        <div>
          <dt className="only-read">Borrow rate</dt>
          <dd>
            <b>{rateText(answer.borrow_rate_used)}</b> a year
          </dd>
        </div>
        <div>
          <dt className="only-read">Per day, before markup</dt>
          <dd>
            <b>{usdText(answer.cost_per_day)}</b> a day before markup
          </dd>
        </div>
      </dl>
    </>
  )
}

function Asked({ quote: { answer, form } }: { readonly quote: PricedQuote }) {
  return (
    <h2 tabIndex={-1} id="quote-answer">
      <b>{answer.ticker}</b>{' '}
      <span>
        {askedText(form, answer.accrual?.days)}, {answer.client_id}
      </span>
    </h2>
  )
}

function Total({ answer }: { readonly answer: QuoteAnswer }) {
  return (
    <div>
      <dt>Total locate fee</dt>
      <dd className="answer">
        {usdText(answer.total_fee)}
        <span className={classes.unit}>USD</span>
      </dd>
    </div>
  )
}

/** The lender has fewer shares than were asked for. */
function Shortage({ quote: { answer, form } }: { readonly quote: PricedQuote }) {
  if (answer.sufficient !== false || answer.availability === null) return null
  return (
    <section className={classes.notice} data-tone="warn" aria-label="Availability">
      <span aria-hidden="true">◇</span>
      <p>
        <strong>The lender has fewer.</strong> {sharesText(answer.availability)} of the {form.shares} shares that were
        asked for are available.
      </p>
    </section>
  )
}

/** `50,000.00 USD for 30 days`, `2,000 shares at 25.00, 30 Nov 2026 to 14 Dec 2026` */
export function askedText(form: FormText, days?: number): string {
  const size =
    form.size === 'value' ? `${form.value} USD` : `${form.shares} shares${form.price === '' ? '' : ` at ${form.price}`}`
  if (form.stay === 'days') return `${size} for ${daysText(Number(form.days))}`
  return `${size}, ${dateText(form.start)} to ${dateText(form.end)}${days === undefined ? '' : `, ${daysText(days)}`}`
}
