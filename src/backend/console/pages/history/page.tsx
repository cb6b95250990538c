// A rate over time, alone or beside two others.
import { Button } from '@mantine/core'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { wordsOf } from '../../api.ts'
import { useNow, usePerson, useStreamState, useWidth } from '../../app/hooks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { TierBadge } from '../../ui/badges.tsx'
import { download } from '../../ui/download.ts'
import { dateText, momentText, rateText } from '../../ui/formats.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import { TimeChart, TimeChartNotice } from '../../ui/time-chart.tsx'
import { eventWords, type MarketEvents, momentOfEvent, panesOf } from './chart-panes.ts'
import { csvName, historyCsv } from './csv.ts'
import { Legend } from './legend.tsx'
import classes from './page.module.css'
import { PointsTable } from './points-table.tsx'
import { type AskedRange, askedRange, datesOf, INTERVAL_WORDS, NOW_STEP_MS } from './range.ts'
import { OwnDates, RangeChoices } from './range-fields.tsx'
import { rememberStock } from './recent.ts'
import { type HistorySearch, OTHERS_MAX, tickersOf } from './search.ts'
import { TickerField } from './ticker-field.tsx'
import { type Timeline, timeline } from './timeline.ts'
import { useEvents, useHistories } from './use-histories.ts'

export function HistoryPage() {
  const search = useSearch({ from: '/history' })
  const navigate = useNavigate({ from: '/history' })
  const field = useRef<HTMLInputElement>(null)
  const step = useStep()
  const range = useMemo(() => askedRange(search, step * NOW_STEP_MS), [search, step])
  const { ticker } = search
  const tickers = tickersOf(search)
  const histories = useHistories(tickers, range)
  const go = (next: HistorySearch) => void navigate({ search: next })
  const goWith = (change: Partial<HistorySearch>) => {
    const { page: _, ...rest } = search
    go({ ...rest, ...change })
  }
  useShortcuts({ f: () => field.current?.focus() })
  useEffect(() => {
    if (ticker !== undefined && histories.told[0]?.ticker === ticker) rememberStock(ticker)
  }, [ticker, histories.told])

  const events = useEvents(histories.told[0]?.ticker, range.toMs)
  const known: MarketEvents = events.data?.events ?? NO_EVENTS
  const line = useMemo(() => timeline(histories.told, range, known.map(momentOfEvent)), [histories.told, range, known])
  const { error } = histories
  const refusals = useMemo(() => (error === null ? NO_REFUSALS : wordsOf(error).fields), [error])
  const isAtField = search.from !== undefined && (refusals.has('from') || refusals.has('to'))
  const others = tickers.slice(1)

  return (
    <div className={classes.page}>
      <div className={classes.tools}>
        <h1>History</h1>
        <TickerField
          label="Ticker"
          placeholder="Ticker"
          value={ticker ?? ''}
          onChoose={(chosen) => goWith({ ticker: chosen, with: others.filter((other) => other !== chosen).join() })}
          fieldRef={field}
          fieldKey="F"
        />
        {ticker !== undefined && (
          <>
            <RangeChoices
              search={search}
              range={range}
              onChoose={(choice) => go({ ticker, ...(search.with !== undefined && { with: search.with }), ...choice })}
            />
            {others.length < OTHERS_MAX && (
              <TickerField
                key={search.with ?? ''}
                label="Compare with"
                placeholder="Compare with"
                value=""
                onChoose={(chosen) => {
                  if (!tickers.includes(chosen)) goWith({ with: [...others, chosen].join() })
                }}
              />
            )}
            <span className={classes.gap} />
            {histories.told.length > 0 && (
              <Button onClick={() => download(csvName(line.series, datesOf(range)), historyCsv(line.series))}>
                Download CSV
              </Button>
            )}
          </>
        )}
      </div>
      {ticker !== undefined && search.from !== undefined && (
        <OwnDates
          key={`${search.from} ${search.to}`}
          from={search.from}
          to={search.to}
          refusals={refusals}
          onChoose={(choice) => go({ ticker, ...(search.with !== undefined && { with: search.with }), ...choice })}
        />
      )}
      {ticker === undefined ? (
        <Empty action={<Button onClick={() => field.current?.focus()}>Choose a ticker</Button>}>
          Choose a stock to see its borrow rate over time, beside up to two others.
        </Empty>
      ) : error !== null && histories.told[0]?.ticker !== ticker ? (
        !isAtField && <Failure error={error} onRetry={histories.again} />
      ) : histories.isLoading ? (
        <Loading rows={12} label={`Loading the history of ${ticker}`} />
      ) : (
        <Shown
          search={search}
          ticker={ticker}
          timeline={line}
          range={range}
          refused={histories.refused}
          onAgain={histories.again}
          events={known}
          hasCalendar={events.data === undefined || events.data.source !== 'fallback'}
          onRemove={(other) => goWith({ with: others.filter((one) => one !== other).join() })}
          onPage={(page) => go({ ...search, page: String(page) })}
        />
      )}
    </div>
  )
}

/** Counts the steps of time that a range ends at; while the engine is away what was there stays. */
function useStep(): number {
  const now = Math.floor(useNow(10_000) / NOW_STEP_MS)
  const stream = useStreamState()
  const step = useRef(now)
  if (stream.kind !== 'lost' && stream.kind !== 'failed') step.current = now
  return step.current
}

const NO_EVENTS: MarketEvents = []
const NO_REFUSALS: ReadonlyMap<string, string> = new Map()

function Shown({
  search,
  ticker,
  timeline: line,
  range,
  refused,
  onAgain,
  events,
  hasCalendar,
  onRemove,
  onPage,
}: {
  readonly search: HistorySearch
  readonly ticker: string
  readonly timeline: Timeline
  readonly range: AskedRange
  readonly refused: readonly { readonly ticker: string; readonly error: unknown }[]
  readonly onAgain: () => void
  readonly events: MarketEvents
  readonly hasCalendar: boolean
  readonly onRemove: (ticker: string) => void
  readonly onPage: (page: number) => void
}) {
  const [at, setAt] = useState<number | null>(null)
  const stream = useStreamState()
  const panes = useMemo(() => panesOf(line, events), [line, events])
  const height = { phone: 380, laptop: 400, desk: 470 }[useWidth()]
  const first = line.series[0]
  const firstPlace = first?.points.findIndex((point) => point !== null) ?? -1
  const looked = at === null ? null : Math.min(at, line.lastAt)

  if (first === undefined || firstPlace === -1) {
    return (
      <Empty
        action={
          <Link from="/history" to="/history" search={{ ticker, range: '1y' }}>
            Show the year
          </Link>
        }
      >
        {range.endsNow ? 'The lender has given no rate' : 'There is no rate'} of {ticker} from{' '}
        {momentText(new Date(range.fromMs).toISOString())} to {momentText(new Date(range.toMs).toISOString())}.
      </Empty>
    )
  }
  const isLost = stream.kind === 'lost' || stream.kind === 'failed'
  return (
    <>
      <Who ticker={ticker} />
      {refused.map(({ ticker: other, error }) => (
        <div key={other} className={classes.refused}>
          <Failure error={error} compact />
          <Button variant="subtle" onClick={() => onRemove(other)}>
            Leave {other} out
          </Button>
          <Button variant="subtle" onClick={onAgain}>
            Again
          </Button>
        </div>
      ))}
      <div className={classes.scroll} data-old={(isLost && range.endsNow) || undefined}>
        <Legend timeline={line} at={looked} isLive={range.endsNow && stream.kind === 'live'} onRemove={onRemove} />
      </div>
      <TimeChart
        times={line.times}
        panes={panes}
        lastAt={line.lastAt}
        at={looked}
        onAt={setAt}
        label={`Borrow rate of ${line.series.map(({ ticker: name }) => name).join(', ')} over time; the arrow keys move through it`}
        says={(place) => spoken(line, place)}
        height={height}
      />
      <div className={classes.notes}>
        <p>
          {capital(INTERVAL_WORDS[range.interval])}, UTC, under {liveRates.pricingModel ?? 'the model of the key'}.
          {firstPlace > 0 && ` No rate before ${momentText(timeOf(line, firstPlace))}.`}
          {isLost && range.endsNow && ' The stream is lost: the last point does not move.'}
        </p>
        <p>
          {events.length > 0
            ? `Ahead of ${ticker}: ${events.map((event) => `${eventWords(event)} on ${dateText(event.date)}`).join(', ')}.`
            : hasCalendar
              ? `No event ahead of ${ticker}.`
              : 'No calendar is known: the event risk is a guess.'}{' '}
          A hatch marks what rests on a guess.
        </p>
        <TimeChartNotice />
      </div>
      <PointsTable timeline={line} page={Number(search.page ?? '1')} at={looked} onPage={onPage} />
    </>
  )
}

function Who({ ticker }: { readonly ticker: string }) {
  const { role } = usePerson()
  const row = liveRates.rows.get(ticker)
  return (
    <p className={classes.who}>
      <span className={classes.ticker}>{ticker}</span>
      {row?.name && <span className="quiet">{row.name}</span>}
      {row !== undefined && <TierBadge tier={row.borrow_status} />}
      {(role === 'broker' || role === 'desk') && (
        <Link to="/quote" search={{ ticker }}>
          Quote
        </Link>
      )}
    </p>
  )
}

function spoken({ times, series }: Timeline, place: number): string {
  const at = momentText(new Date((times[place] ?? 0) * 1000).toISOString())
  const rates = series.map(({ ticker, points }) => {
    const point = points[place] ?? null
    return `${ticker} ${point === null ? 'no rate yet' : rateText(point.borrow_rate)}${point?.lender_rate === null ? ', a guess' : ''}`
  })
  return `${at}: ${rates.join('; ')}`
}

function timeOf({ times }: Timeline, place: number): string {
  return new Date((times[place] ?? 0) * 1000).toISOString()
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
