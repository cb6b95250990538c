// One stock beside the grid: the rate exact, what it is made of, five days, its inputs, and what can be done next.
import { Button, CloseButton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { type EventRiskAnswer, inPercent, type ObservationAnswer, type RateRowAnswer } from '../../../client/index.ts'
import { type Fraction, fraction } from '../../../client/units.ts'
import { decimal, plus, trim } from '../../../pricing/decimal.ts'
import { api } from '../../api.ts'
import { useNow, usePerson } from '../../app/hooks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { isGuess, SourceBadge, TierBadge } from '../../ui/badges.tsx'
import { ageSeconds, fixed, gridChange, grouped, momentText, percentText, sharesText } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import { FiveDays } from './five-days.tsx'
import { changeOf, lenderIsGuess } from './orders.ts'
import classes from './side-panel.module.css'
import { Steps } from './steps.tsx'
import { weekdayName } from './trading-days.ts'
import { watchlist } from './watchlist.ts'

/** Whoever walks through the rows asks nothing until the walk ends. */
const SETTLED_MS = 150

export interface SidePanelProps {
  readonly row: RateRowAnswer
  /** Why nothing can be priced now; null: it can. */
  readonly notNow: string | null
  /** Over the grid, or the whole of a phone. */
  readonly isOverlay: boolean
  readonly onQuote: () => void
  readonly onHistory: () => void
  readonly onClose: () => void
}

export function SidePanel({ row, notNow, isOverlay, onQuote, onHistory, onClose }: SidePanelProps) {
  const { ticker, name, borrow_status, current_rate } = row
  const { role } = usePerson()
  const mayQuote = role === 'broker' || role === 'desk'
  const watched = useSyncExternalStore(watchlist.subscribe, watchlist.get).includes(ticker)
  return (
    <aside className={classes.panel} data-overlay={isOverlay || undefined} aria-label={`${ticker}, side panel`}>
      <header className={classes.head}>
        <h2 className={classes.ticker}>{ticker}</h2>
        <span className={classes.tier}>
          <TierBadge tier={borrow_status} />
          {isOverlay && <CloseButton aria-label="Close the side panel" onClick={onClose} />}
        </span>
        <p className={classes.name}>{name ?? 'No name is known'}</p>
        <Button
          className={classes.watch ?? ''}
          variant="subtle"
          aria-pressed={watched}
          onClick={() => watchlist.toggle(ticker)}
        >
          <span aria-hidden="true">{watched ? '★' : '☆'}</span>&nbsp;Watch&nbsp;<kbd className="key">S</kbd>
        </Button>
      </header>
      <div className={classes.rate}>
        <p className="label">Borrow rate{liveRates.pricingModel !== null && `, ${liveRates.pricingModel}`}</p>
        <p className={lenderIsGuess(row) ? 'guess' : ''}>
          <span className="answer">{grouped(inPercent(current_rate))}</span> <span className={classes.unit}>%</span>
        </p>
        <Change row={row} />
      </div>
      <Made row={row} />
      <FiveDays row={row} />
      <Inputs row={row} />
      <div className={classes.actions}>
        {mayQuote && (
          <Button
            className={classes.quote ?? ''}
            variant="filled"
            onClick={onQuote}
            disabled={notNow !== null}
            title={notNow ?? undefined}
          >
            Quote {ticker}&nbsp;<kbd className={`key ${classes.onAccent}`}>Enter</kbd>
          </Button>
        )}
        <Button onClick={onHistory}>
          History&nbsp;<kbd className="key">H</kbd>
        </Button>
        {mayQuote && notNow !== null && <p className={classes.reason}>{notNow}</p>}
      </div>
    </aside>
  )
}

function Change({ row }: { readonly row: RateRowAnswer }) {
  const change = changeOf(row)
  const since = liveRates.previousCloseAt
  if (change === null || since === null) return <p className="quiet">The rate of the last close is not known</p>
  return (
    <p className="quiet" title={momentText(since)}>
      <span className={classes.change}>{gridChange(change)}</span> bp since {weekdayName(since)}’s close
    </p>
  )
}

/** The same stock for a moment. */
function useSettled(ticker: string): boolean {
  const [settled, setSettled] = useState<string | null>(null)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(ticker), SETTLED_MS)
    return () => clearTimeout(timer)
  }, [ticker])
  return settled === ticker
}

function Made({ row }: { readonly row: RateRowAnswer }) {
  const { ticker, current_rate, degraded } = row
  const enabled = useSettled(ticker)
  const query = useQuery({
    queryKey: ['rates', 'steps', ticker, current_rate],
    queryFn: ({ signal }) => api.rates.custom(ticker, {}, { signal }),
    enabled,
    placeholderData: keepPreviousData,
  })
  const guessed = new Set([
    ...(degraded.includes('lender_rate_fallback') ? ['lender_rate'] : []),
    ...(degraded.includes('volatility_fallback') ? ['volatility'] : []),
    ...(degraded.includes('event_risk_fallback') ? ['events'] : []),
  ])
  const shown = query.data?.ticker === ticker ? query.data : undefined
  return (
    <section className={classes.made} aria-label="What the rate is made of">
      {query.isError && shown === undefined ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} compact />
      ) : (
        shown !== undefined && <Steps waterfall={shown.waterfall} rate={shown.current_rate} guessed={guessed} />
      )}
    </section>
  )
}

function Inputs({ row }: { readonly row: RateRowAnswer }) {
  const { ticker, current_rate, rebate_rate, availability } = row
  const now = useNow()
  const enabled = useSettled(ticker)
  const query = useQuery({
    queryKey: ['rates', 'inputs', ticker, current_rate],
    queryFn: ({ signal }) => api.rates.current(ticker, { signal }),
    enabled,
    placeholderData: keepPreviousData,
  })
  const inputs = query.data?.ticker === ticker ? query.data.data_sources : undefined
  const benchmark = rebate_rate === null ? null : benchmarkText(rebate_rate, current_rate)
  return (
    <section className={classes.inputs} aria-label="Inputs">
      <h3 className="label">Inputs</h3>
      <dl>
        <Input title={`Lender${inputs ? `, ${inputs.base_rate.provider}` : ''}`} of={inputs?.base_rate} now={now} />
        <Input
          title={`Volatility index${inputs?.volatility.value ? ` ${fixed(inputs.volatility.value, 2)}` : ''}`}
          of={inputs?.volatility}
          now={now}
        />
        <Input title={`Event risk${inputs ? eventWords(inputs.event_risk) : ''}`} of={inputs?.event_risk} now={now} />
        <div>
          <dt>Available</dt>
          <dd>
            {sharesText(availability)}
            {availability.shares !== null && ' shares'}
          </dd>
        </div>
        <div>
          <dt>Rebate{benchmark !== null && `, benchmark ${benchmark}`}</dt>
          <dd>{rebate_rate === null ? 'unknown' : percentText(inPercent(rebate_rate))}</dd>
        </div>
      </dl>
    </section>
  )
}

function Input({
  title,
  of,
  now,
}: {
  readonly title: string
  readonly of: ObservationAnswer<string> | undefined
  readonly now: number
}) {
  const reason = of?.fallback_reason ?? null
  return (
    <div
      className={of !== undefined && isGuess(of.source) ? 'guess' : ''}
      title={of?.as_of ? momentText(of.as_of) : undefined}
    >
      <dt>
        {title}
        {reason !== null && <span className={classes.reason}>{sentence(reason)}</span>}
      </dt>
      <dd>
        {of !== undefined && (
          <SourceBadge source={of.source} ageSeconds={of.as_of === null ? null : ageSeconds(of.as_of, now)} short />
        )}
      </dd>
    </div>
  )
}

/** ` 7, earnings`: the event that counts. */
function eventWords({ value, events }: EventRiskAnswer): string {
  if (value === null) return ''
  const counted = events?.find(({ risk_factor }) => String(risk_factor) === value)
  return ` ${value}${counted === undefined ? '' : `, ${counted.type.replaceAll('_', ' ')}`}`
}

/** What both rates stand beside: the borrow rate and the rebate are the benchmark together. */
function benchmarkText(rebate: Fraction, rate: Fraction): string {
  return percentText(inPercent(fraction(trim(plus(decimal(rebate), decimal(rate))).toString())))
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
