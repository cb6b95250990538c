// What is where one looks: a fixed place for every figure, so that nothing moves but the figures.
import { CloseButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { RatePointAnswer } from '../../../client/index.ts'
import { useWidth } from '../../app/hooks.ts'
import { basisPointsBetween, basisPointsText, grouped, momentText, rateText, sharesText } from '../../ui/formats.ts'
import { LINE_STYLES } from './chart-panes.ts'
import classes from './legend.module.css'
import { guessesOf, type Timeline } from './timeline.ts'

interface LegendProps {
  readonly timeline: Timeline
  readonly at: number | null
  /** The last point is that of the stream. */
  readonly isLive: boolean
  readonly onRemove: (ticker: string) => void
}

export function Legend(props: LegendProps) {
  return useWidth() === 'phone' ? <Lines {...props} /> : <Table {...props} />
}

/** Where there is no room for columns. */
function Lines({ timeline: { times, series, lastAt }, at, isLive, onRemove }: LegendProps) {
  const place = at ?? lastAt
  return (
    <div className={classes.lines}>
      <p className="quiet">
        <Moment seconds={times[place]} isLive={at === null && isLive} />
      </p>
      {series.map(({ ticker, points }, line) => {
        const point = points[place] ?? null
        return (
          <div key={ticker}>
            <p className={classes.line}>
              <Name ticker={ticker} line={line} onRemove={line === 0 ? null : onRemove} />
              {point === null ? (
                <span className="quiet">no rate of the lender yet</span>
              ) : (
                <span className={`${classes.rate} ${point.lender_rate === null ? 'guess' : ''}`}>
                  {rateText(point.borrow_rate)}
                </span>
              )}
            </p>
            {point !== null && (
              <dl className={classes.facts}>
                {factsOf(point).map(([name, value]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                  </div>
                ))}
              </dl>
            )}
          </div>
        )
      })}
    </div>
  )
}

function factsOf(point: RatePointAnswer): readonly (readonly [string, ReactNode])[] {
  const { lender_rate, volatility_index, event_risk_factor, availability } = point
  return [
    ['Lender', lender_rate === null ? <Guess key="lender">none</Guess> : rateText(lender_rate)],
    ['Volatility', volatility_index === null ? <Guess key="volatility">unknown</Guess> : grouped(volatility_index)],
    ['Event risk', event_risk_factor === null ? <Guess key="events">unknown</Guess> : event_risk_factor],
    ['Available', sharesText(availability)],
  ]
}

function Moment({ seconds, isLive }: { readonly seconds: number | undefined; readonly isLive: boolean }) {
  return (
    <>
      {seconds === undefined ? 'Nothing' : momentText(new Date(seconds * 1000).toISOString())}
      {isLive && <span className="label"> live</span>}
    </>
  )
}

function Name({
  ticker,
  line,
  onRemove,
}: {
  readonly ticker: string
  readonly line: number
  readonly onRemove: ((ticker: string) => void) | null
}) {
  return (
    <span className={classes.name}>
      <Swatch line={line} />
      {ticker}
      {onRemove !== null && <CloseButton size="sm" aria-label={`Remove ${ticker}`} onClick={() => onRemove(ticker)} />}
    </span>
  )
}

function Table({ timeline, at, isLive, onRemove }: LegendProps) {
  const { times, series, lastAt } = timeline
  const place = at ?? lastAt
  return (
    <table className={classes.legend}>
      <caption className={classes.moment}>
        <Moment seconds={times[place]} isLive={at === null && isLive} />
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Rate</th>
          <th scope="col">Since the beginning</th>
          <th scope="col">Lender</th>
          <th scope="col">Volatility</th>
          <th scope="col">Event risk</th>
          <th scope="col">Available</th>
          <th scope="col" className={classes.words}>
            <span className="only-read">Guesses</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {series.map(({ ticker, points }, line) => (
          <Line
            key={ticker}
            ticker={ticker}
            line={line}
            point={points[place] ?? null}
            first={points.find((point) => point !== null) ?? null}
            onRemove={line === 0 ? null : onRemove}
          />
        ))}
      </tbody>
    </table>
  )
}

function Line({
  ticker,
  line,
  point,
  first,
  onRemove,
}: {
  readonly ticker: string
  readonly line: number
  readonly point: RatePointAnswer | null
  readonly first: RatePointAnswer | null
  readonly onRemove: ((ticker: string) => void) | null
}) {
  const guesses = point === null ? [] : guessesOf(point)
  return (
    <tr>
      <th scope="row">
        <Name ticker={ticker} line={line} onRemove={onRemove} />
      </th>
      {point === null ? (
        <td colSpan={7} className="quiet">
          no rate of the lender yet
        </td>
      ) : (
        <>
          <td className={classes.rate}>
            <span className={point.lender_rate === null ? 'guess' : undefined}>{rateText(point.borrow_rate)}</span>
          </td>
          <td>{first === null ? 'unknown' : changeText(first, point)}</td>
          {factsOf(point).map(([name, value]) => (
            <td key={name}>{value}</td>
          ))}
          <td className={classes.words}>
            {guesses.length > 0 && (
              <span className={classes.guesses}>
                <span aria-hidden="true">◇ </span>
                {guesses.join('; ')}
              </span>
            )}
          </td>
        </>
      )}
    </tr>
  )
}

function changeText(first: RatePointAnswer, point: RatePointAnswer): string {
  return basisPointsText(basisPointsBetween(first.borrow_rate, point.borrow_rate))
}

/** How the line of a name is drawn. */
function Swatch({ line }: { readonly line: number }) {
  const { colour, dash } = LINE_STYLES[line] ?? LINE_STYLES[0]
  const dashes = { solid: undefined, dashed: '5 3', dotted: '2 3' }[dash]
  const stroke = { accent: 'var(--accent)', ink: 'var(--ink)', ink2: 'var(--ink-2)' }[colour]
  return (
    <svg width="22" height="6" viewBox="0 0 22 6" aria-hidden="true">
      <path d="M0 3H22" stroke={stroke} strokeWidth="2" {...(dashes !== undefined && { strokeDasharray: dashes })} />
    </svg>
  )
}

export function Guess({ children }: { readonly children: string }) {
  return (
    <span className={`${classes.guess} guess`}>
      <span aria-hidden="true">◇ </span>
      {children}
    </span>
  )
}
