// Who asked, what for, under which terms, and until when the record is kept; and the inputs as they were.
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { AuditRecordAnswer, ObservationSource, QuoteRecordAnswer } from '../../../client/index.ts'
import { parseDecimal } from '../../../pricing/decimal.ts'
import { isGuess, SourceBadge } from '../../ui/badges.tsx'
import { ageSeconds, dateText, grouped, momentText, rateText, sharesText } from '../../ui/formats.ts'
import classes from './facts.module.css'

interface Actor {
  readonly actor_type?: string
  readonly actor_id?: string
  readonly key_id?: string | null
  readonly source?: string
  readonly source_ip?: string | null
  readonly user_agent?: string | null
  readonly request_id?: string | null
  readonly idempotency_key?: string | null
}

export function Facts({ answer }: { readonly answer: AuditRecordAnswer }) {
  const { record, retain_until, legal_hold, hold_ids, recorded_at } = answer
  const { actor = {} } = record as unknown as { readonly actor?: Actor }
  const said = record as unknown as Readonly<Record<string, unknown>>
  const hold = legal_hold ? <HoldsLink count={hold_ids.length} /> : 'none'
  const facts: [string, ReactNode][] = [
    [
      'Asked by',
      [actor.actor_id, actor.actor_type && `role ${actor.actor_type}`, actor.key_id && `key ${actor.key_id}`]
        .filter(Boolean)
        .join(', ') || 'unknown',
    ],
    ['Request id', mono(actor.request_id)],
    ['From address', actor.source === 'command line' ? 'the command line' : (actor.source_ip ?? 'unknown')],
    ['Program', actor.user_agent ?? 'unknown'],
    ...(actor.idempotency_key ? ([['Idempotency key', mono(actor.idempotency_key)]] as [string, ReactNode][]) : []),
    ...(record.record_type === 'quote' ? quoteFacts(record as QuoteRecordAnswer, said) : []),
    ['Recorded', momentText(recorded_at, 'whole')],
    ['Keep until', dateText(retain_until)],
    ['Legal hold', hold],
  ]
  return (
    <section aria-label="Who, what, until when">
      <h3 className={classes.section}>Who, what, until when</h3>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function HoldsLink({ count }: { readonly count: number }) {
  return (
    <Link from="/record" to="/record" search={(before) => ({ ...before, show: 'holds' as const })}>
      {count === 1 ? 'one hold' : `${count} holds`}
    </Link>
  )
}

function quoteFacts(quote: QuoteRecordAnswer, said: Readonly<Record<string, unknown>>): [string, ReactNode][] {
  const { terms } = quote.price_inputs
  return [
    ['Terms', `${quote.request.client_id}, version ${quote.terms_version}`],
    ['Counted', `${terms.day_count}, ${terms.convention_pack}`],
    ['Kind', `${String(said.quote_type ?? 'indicative')}, good until ${momentText(String(said.expires_at))}`],
    ['Engine build', quote.engine_build],
  ]
}

function mono(text: string | null | undefined): ReactNode {
  return text ? <span className="mono">{text}</span> : 'none'
}

const INPUT_TITLES: Readonly<Record<string, string>> = {
  lender_rate: 'Lender rate',
  volatility_index: 'Volatility index',
  stock_volatility: 'Volatility of the stock',
  event_risk: 'Event risk',
  availability: 'Availability',
  price: 'Price',
}

export function Inputs({ quote }: { readonly quote: QuoteRecordAnswer }) {
  const atMs = Date.parse(quote.occurred_at)
  return (
    <section aria-label="Inputs as they were">
      <h3 className={classes.section}>Inputs as they were</h3>
      <dl className={`${classes.facts} ${classes.inputs}`}>
        {quote.inputs.map(({ name, value, unit, source, provider, as_of, fallback_reason }) => {
          const known = source as ObservationSource
          return (
            <div key={name} className={isGuess(known) ? 'guess' : undefined}>
              <dt>
                {INPUT_TITLES[name] ?? name.replaceAll('_', ' ')}
                <span className={fallback_reason === null ? classes.provider : classes.reason}>
                  {fallback_reason ?? provider}
                </span>
              </dt>
              <dd className={classes.input} title={as_of === null ? undefined : `as of ${momentText(as_of)}`}>
                <span className={classes.value}>{inputText(value, unit)}</span>
                <SourceBadge source={known} ageSeconds={as_of === null ? null : ageSeconds(as_of, atMs)} />
              </dd>
            </div>
          )
        })}
      </dl>
      {quote.degraded.length > 0 && (
        <p className={classes.degraded}>
          Degraded: {quote.degraded.map((word) => word.replaceAll('_', ' ')).join(', ')}
        </p>
      )}
    </section>
  )
}

function inputText(value: string | null, unit: string): string {
  if (value === null) return 'unknown'
  if (parseDecimal(value) === null) return value
  if (unit === 'fraction') return rateText(value as never)
  if (unit === 'shares') return sharesText({ shares: Number(value), at_least: false })
  return grouped(value)
}

const STEP_OF_INPUT: Readonly<Record<string, string>> = {
  lender_rate: 'lender_rate',
  volatility_index: 'volatility',
  stock_volatility: 'volatility',
  event_risk: 'events',
  price: 'charged_value',
}

/** Where the inputs of the waterfall's steps came from. */
export function sourcesOfSteps({ inputs }: QuoteRecordAnswer): Readonly<Record<string, ObservationSource>> {
  return Object.fromEntries(
    inputs.flatMap(({ name, source }) => {
      const step = STEP_OF_INPUT[name]
      return step === undefined ? [] : [[step, source as ObservationSource]]
    }),
  )
}
