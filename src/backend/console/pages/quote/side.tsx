// Beside a price: its bill, what it stands on, what others would charge, and when it accrues.

import { useQuery } from '@tanstack/react-query'
import type {
  BrokerAnswer,
  ComparisonAnswer,
  ObservationAnswer,
  ObservationSource,
  QuoteAnswer,
} from '../../../client/index.ts'
import { decimal, minus } from '../../../pricing/decimal.ts'
import { api } from '../../api.ts'
import { useNow } from '../../app/hooks.ts'
import { isGuess, SourceBadge, WordBadge } from '../../ui/badges.tsx'
import { dateText, grouped, percentText, rateText, sharesText, signedUsd, timeText, usdText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { requestOf } from './form-text.ts'
import type { PricedQuote } from './last-quotes.ts'
import { hasTieredMarkup } from './notes.ts'
import classes from './side.module.css'
import { daysText } from './stays-table.tsx'

export function Side({ quote, broker }: { readonly quote: PricedQuote; readonly broker: BrokerAnswer | null }) {
  return (
    <div className={classes.side}>
      <Bill answer={quote.answer} broker={broker} />
      <Inputs quote={quote} />
      {quote.answer.accrual !== undefined && <Accrual accrual={quote.answer.accrual} />}
      <Packs quote={quote} />
    </div>
  )
}

function Bill({ answer, broker }: { readonly answer: QuoteAnswer; readonly broker: BrokerAnswer | null }) {
  const { breakdown, terms } = answer
  const fee =
    broker === null
      ? 'Transaction fee'
      : broker.transaction_fee_type === 'FLAT'
        ? 'Transaction fee, flat'
        : `Transaction fee, ${percentText(broker.transaction_amount)}`
  const rows = [
    ['Borrow cost', usdText(breakdown.borrow_cost)],
    [
      hasTieredMarkup(answer) ? 'Markup, by value' : `Markup, ${percentText(terms.markup_percentage)}`,
      usdText(breakdown.markup),
    ],
    [fee, usdText(breakdown.transaction_fees)],
  ] as const
  const ofShares = [
    ...(answer.charged_value === undefined ? [] : [['Charged value', usdText(answer.charged_value)] as const]),
    ...(answer.fee_per_share == null ? [] : [['Fee a share', grouped(answer.fee_per_share)] as const]),
  ]
  return (
    <section aria-label="The bill">
      <h2>The bill</h2>
      <table className={classes.bill}>
        <tbody>
          {rows.map(([name, amount]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="right">{amount}</td>
            </tr>
          ))}
          <tr data-total>
            <th scope="row">Total, USD</th>
            <td className="right">{usdText(answer.total_fee)}</td>
          </tr>
          {ofShares.map(([name, amount]) => (
            <tr key={name} data-aside>
              <th scope="row">{name}</th>
              <td className="right">{amount}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

interface InputRow {
  readonly name: string
  readonly from: string
  readonly value: string
  /** Null: it is not told. */
  readonly source: ObservationSource | null
  readonly ageSeconds: number | null
  readonly badge?: { readonly words: string; readonly tone: 'quiet' | 'warn' } | undefined
  readonly isNone?: boolean
}

function Inputs({ quote: { answer, receivedMs } }: { readonly quote: PricedQuote }) {
  const now = useNow()
  const since = Math.max(0, (now - receivedMs) / 1000)
  return (
    <section>
      <h2>What the price stands on</h2>
      <table className={classes.inputs}>
        <thead className="only-read">
          <tr>
            <th scope="col">Input</th>
            <th scope="col">Value</th>
            <th scope="col">Source and age</th>
          </tr>
        </thead>
        <tbody>
          {inputRows(answer).map((row) => (
            <tr key={row.name}>
              <th scope="row">
                {row.name}
                <span className={classes.from}>{row.from}</span>
              </th>
              <td className={`right ${row.source !== null && isGuess(row.source) ? 'guess' : ''}`}>
                <span className={row.isNone ? 'strong' : undefined}>{row.value}</span>
                {row.badge !== undefined && (
                  <span className={classes.badge}>
                    <WordBadge tone={row.badge.tone}>{row.badge.words}</WordBadge>
                  </span>
                )}
              </td>
              <td className="right">
                {row.source === null ? (
                  <span className="label">age not told</span>
                ) : (
                  <SourceBadge
                    source={row.source}
                    ageSeconds={row.ageSeconds === null ? null : row.ageSeconds + since}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const SUFFICIENT = { true: 'enough', false: 'not enough', null: 'unknown if enough' } as const

function inputRows(answer: QuoteAnswer): InputRow[] {
  const { base_rate, volatility, event_risk, price } = answer.data_sources
  const { availability, sufficient, quoted_at } = answer
  const about = (observation: ObservationAnswer) => ({
    source: observation.source,
    ageSeconds: observation.age_seconds,
  })
  const from = (observation: ObservationAnswer) =>
    [observation.provider, ...(observation.as_of === null ? [] : [when(observation.as_of, quoted_at)])].join(', ')
  const event = event_risk.events?.find(({ risk_factor }) => String(risk_factor) === String(event_risk.value))
  const words = sufficient === undefined ? undefined : SUFFICIENT[String(sufficient) as keyof typeof SUFFICIENT]
  return [
    {
      name: 'Lender rate',
      from: from(base_rate),
      value: base_rate.value === null ? 'unknown' : rateText(base_rate.value),
      ...about(base_rate),
    },
    { name: 'Volatility', from: from(volatility), value: volatility.value ?? 'unknown', ...about(volatility) },
    {
      name: 'Event risk',
      from: event === undefined ? from(event_risk) : `${event.type.replaceAll('_', ' ')} ${dateText(event.date)}`,
      value: String(event_risk.value ?? 'unknown'),
      ...about(event_risk),
    },
    ...(price === undefined
      ? []
      : [
          {
            name: 'Last close',
            from: from(price),
            value: price.value === null ? 'unknown' : grouped(price.value),
            ...about(price),
          },
        ]),
    {
      name: 'Available',
      from: base_rate.as_of === null ? 'shares' : `shares, ${when(base_rate.as_of, quoted_at)}`,
      value: availability === null ? 'unknown' : sharesText(availability),
      isNone: availability?.shares === 0,
      // It comes with the lender's rate; of a stand-in's, nothing says how old it is.
      source: base_rate.source === 'fallback' ? null : base_rate.source,
      ageSeconds: base_rate.age_seconds,
      badge: words === undefined ? undefined : { words, tone: sufficient === true ? 'quiet' : 'warn' },
    },
  ]
}

/** The time when it was today, else the day. */
function when(asOf: string, quotedAt: string): string {
  return asOf.slice(0, 10) === quotedAt.slice(0, 10) ? timeText(asOf) : dateText(asOf)
}

function Packs({ quote }: { readonly quote: PricedQuote }) {
  const { answer, form } = quote
  const packs = useQuery({
    queryKey: ['quote', 'packs', answer.quote_id],
    queryFn: ({ signal }) => api.quotes.compare(requestOf(form), { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <section aria-label="Under every pack">
      <h2>Under every pack: {comparedText(quote, packs.data)}</h2>
      {packs.isPending ? (
        <Loading rows={4} label="Comparing packs" />
      ) : packs.isError ? (
        <Failure compact error={packs.error} onRetry={() => void packs.refetch()} />
      ) : (
        <>
          <table className={`table ${classes.packs}`}>
            <thead>
              <tr>
                <th scope="col">Pack</th>
                <th scope="col" className="right">
                  Total, USD
                </th>
                <th scope="col" className="right">
                  Differs
                </th>
              </tr>
            </thead>
            <tbody>
              {packs.data.packs.map((pack) => (
                <tr key={pack.convention_pack} data-in-force={pack.in_force || undefined}>
                  <th scope="row">
                    {pack.convention_pack}
                    {pack.in_force && <span className="only-read">, in force</span>}
                    <span className={classes.from}>
                      {usdText(pack.charged_value)} charged, {pack.day_count}
                    </span>
                  </th>
                  <td className="right">{usdText(pack.total_fee)}</td>
                  <td className="right">
                    {signedUsd(minus(decimal(pack.total_fee), decimal(answer.total_fee)).toString())}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className={classes.note}>{packsNote(quote, packs.data)}</p>
        </>
      )}
    </section>
  )
}

function comparedText({ answer, form }: PricedQuote, compared: ComparisonAnswer | undefined): string {
  if (form.size === 'value') return `${form.value} USD`
  const close = compared?.data_sources.price ?? answer.data_sources.price
  const closed = close?.value == null ? null : grouped(close.value)
  const price = form.price === '' ? closed : form.price
  const of = form.price === '' && close?.as_of != null ? `, close of ${dateText(close.as_of)}` : ''
  return `${form.shares} shares${price === null ? '' : ` at ${price}`}${of}`
}

function packsNote({ answer, form }: PricedQuote, compared: ComparisonAnswer): string {
  const rate =
    compared.borrow_rate_used === answer.borrow_rate_used
      ? 'Same rate and terms.'
      : `The rate has moved since, to ${rateText(compared.borrow_rate_used)}.`
  const value = form.size === 'value' ? ' A value is charged as it is given; shares are marked by the pack.' : ''
  return `${rate}${value} Indicative, not recorded.`
}

function Accrual({ accrual }: { readonly accrual: NonNullable<QuoteAnswer['accrual']> }) {
  return (
    <section>
      <h2>Accrual, {daysText(accrual.days)}</h2>
      <p className={classes.note}>
        The short settles {dateText(accrual.short_settles)}, the cover {dateText(accrual.cover_settles)}.
      </p>
      {accrual.schedule.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is reached by its keys
        <section className={classes.schedule} tabIndex={0} aria-label="Accrual by settlement day">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col" className="right">
                  Days
                </th>
                <th scope="col" className="right">
                  Amount, USD
                </th>
              </tr>
            </thead>
            <tbody>
              {accrual.schedule.map(({ value_date, days, amount }) => (
                <tr key={value_date}>
                  <td>{dateText(value_date)}</td>
                  <td className="right">{days}</td>
                  <td className="right">{usdText(amount)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  )
}
