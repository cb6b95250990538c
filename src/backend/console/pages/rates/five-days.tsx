// The borrow rate of five trading days: a stepped line with its axis, and its table for who does not see it.
import { useEffect, useState } from 'react'
import type { RateRowAnswer } from '../../../client/index.ts'
import { inPercent } from '../../../client/index.ts'
import { dateText, rateText } from '../../ui/formats.ts'
import classes from './five-days.module.css'
import { sparklines } from './sparklines.ts'
import { axisTicks, type Point, steppedPath } from './stepped-line.ts'
import { placeOnAxis } from './trading-days.ts'

const BOX = { width: 226, height: 84, inset: 0 }

export function FiveDays({ row }: { readonly row: RateRowAnswer }) {
  const { ticker, current_rate } = row
  const [, setArrived] = useState(0)
  useEffect(() => sparklines.watch(ticker, () => setArrived((before) => before + 1)), [ticker])
  const days = sparklines.of(ticker)
  return (
    <section className={classes.part} aria-label="Five trading days">
      <h3 className="label">Five trading days</h3>
      <div className={classes.chart}>
        {days === undefined ? null : days.points === null ? (
          <p className="quiet">The history cannot be read now.</p>
        ) : days.points.length === 0 ? (
          <p className="quiet">No history: the lender gave no rate in these days.</p>
        ) : (
          <Chart
            points={[...days.points, { timeMs: Date.now(), rate: current_rate }]}
            dayStartsMs={days.dayStartsMs}
            ticker={ticker}
          />
        )}
      </div>
    </section>
  )
}

interface ChartProps {
  readonly points: readonly Point[]
  readonly dayStartsMs: readonly number[]
  readonly ticker: string
}

function Chart({ points, dayStartsMs, ticker }: ChartProps) {
  const percents = points.map(({ rate }) => Number(inPercent(rate)))
  const ticks = axisTicks(Math.min(...percents), Math.max(...percents))
  const [low, high] = [ticks[0]?.at ?? 0, ticks.at(-1)?.at ?? 1]
  const path = steppedPath(points, dayStartsMs, { ...BOX, range: { from: low / 100, to: high / 100 } })
  const y = (percent: number) => (1 - (percent - low) / (high - low)) * BOX.height
  return (
    <>
      <svg
        className={classes.lines}
        viewBox={`0 0 ${BOX.width} ${BOX.height}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {ticks.map(({ at }) => (
          <line key={at} x1="0" x2={BOX.width} y1={y(at)} y2={y(at)} className={classes.rule} />
        ))}
        {path !== null && <path d={path} className={classes.line} />}
      </svg>
      <div aria-hidden="true">
        {ticks.map(({ at, label }) => (
          <span key={at} className={classes.tick} style={{ top: `${y(at)}px` }}>
            {label} %
          </span>
        ))}
        {[0, 2, 4].map((day) => {
          const startMs = dayStartsMs[day] ?? 0
          return (
            <span
              key={day}
              className={classes.day}
              style={{ left: `${((placeOnAxis(startMs, dayStartsMs) ?? 0) * BOX.width).toFixed(0)}px` }}
            >
              {shortDate(startMs)}
            </span>
          )
        })}
      </div>
      <table className="only-read">
        <caption>Borrow rate of {ticker} at the end of five trading days</caption>
        <tbody>
          {dayStartsMs.map((startMs, day) => (
            <tr key={startMs}>
              <th scope="row">{dateText(new Date(startMs))}</th>
              <td>{rateAt(points, dayStartsMs[day + 1] ?? Number.POSITIVE_INFINITY)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function shortDate(ms: number): string {
  return dateText(new Date(ms)).replace(/ [0-9]{4}$/, '')
}

function rateAt(points: readonly Point[], beforeMs: number): string {
  const last = points.findLast(({ timeMs }) => timeMs < beforeMs)
  return last === undefined ? 'unknown' : rateText(last.rate)
}
