// How long quotes took in the last hour, minute by minute. Minutes without a quote are holes.
import { useMemo, useState } from 'react'
import type { QuoteMinuteAnswer } from '../../../client/index.ts'
import { useWidth } from '../../app/hooks.ts'
import { grouped, timeText } from '../../ui/formats.ts'
import { TimeChart, TimeChartNotice, type TimePane } from '../../ui/time-chart.tsx'
import { msText } from './facts.ts'
import classes from './page.module.css'

export function QuoteLatency({ minutes }: { readonly minutes: readonly QuoteMinuteAnswer[] | null }) {
  const [at, setAt] = useState<number | null>(null)
  const height = useWidth() === 'phone' ? 180 : 240
  const times = useMemo(() => (minutes ?? []).map((minute) => Date.parse(minute.at) / 1000), [minutes])
  const panes = useMemo(() => panesOf(minutes ?? []), [minutes])
  if (minutes === null) return <p className="quiet">not measured</p>
  const last = minutes.length - 1
  const place = Math.min(at ?? last, last)
  const looked = minutes[place]
  if (looked === undefined || minutes.every(({ count }) => count === 0)) {
    return <p className="quiet">No quote in the last hour.</p>
  }
  return (
    <div className={classes.latency}>
      <div>
        <p className={classes.legend}>
          <span className="strong">{timeText(looked.at)} UTC</span>
          <span>
            {grouped(String(looked.count))} quote{looked.count === 1 ? '' : 's'}
          </span>
          <span>p50 {looked.p50_ms === null ? 'none' : msText(looked.p50_ms)}</span>
          <span>p99 {looked.p99_ms === null ? 'none' : msText(looked.p99_ms)}</span>
        </p>
        <TimeChart
          times={times}
          panes={panes}
          lastAt={last}
          at={at === null ? null : place}
          onAt={setAt}
          label="Latency of quotes in the last hour; the arrow keys move through it"
          says={(minute) => spoken(minutes[minute])}
          height={height}
        />
        <TimeChartNotice />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section className={classes.minutes} tabIndex={0} aria-label="Table of the minutes">
        <table className="table">
          <caption className="only-read">Quotes and their latency by the minute, newest first</caption>
          <thead>
            <tr>
              <th scope="col">UTC</th>
              <th scope="col" className="right">
                Quotes
              </th>
              <th scope="col" className="right">
                p50, ms
              </th>
              <th scope="col" className="right">
                p99, ms
              </th>
            </tr>
          </thead>
          <tbody>
            {[...minutes].reverse().map((minute) => (
              <tr key={minute.at} data-active={minute === looked && at !== null ? true : undefined}>
                <td>{timeText(minute.at)}</td>
                <td className="right">{grouped(String(minute.count))}</td>
                <td className="right">{minute.p50_ms === null ? 'none' : figure(minute.p50_ms)}</td>
                <td className="right">{minute.p99_ms === null ? 'none' : figure(minute.p99_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  )
}

function figure(exact: string): string {
  return msText(exact).replace(' ms', '')
}

function spoken(minute: QuoteMinuteAnswer | undefined): string {
  if (minute === undefined) return 'nothing'
  const { at, count, p50_ms, p99_ms } = minute
  if (p50_ms === null || p99_ms === null) return `${timeText(at)} UTC: no quote`
  return `${timeText(at)} UTC: ${count} quotes, p50 ${msText(p50_ms)}, p99 ${msText(p99_ms)}`
}

function panesOf(minutes: readonly QuoteMinuteAnswer[]): readonly TimePane[] {
  const lineOf = (name: 'p50' | 'p99') => ({
    name,
    values: minutes.map((minute) => {
      const ms = name === 'p50' ? minute.p50_ms : minute.p99_ms
      return ms === null ? null : Number(ms)
    }),
    stepped: false,
    endLabel: name,
    guesses: [],
  })
  return [
    {
      title: 'Milliseconds',
      share: 1,
      lines: [
        { ...lineOf('p99'), colour: 'accent', dash: 'solid' },
        { ...lineOf('p50'), colour: 'ink2', dash: 'dashed' },
      ],
      axisText: (value) => value.toFixed(1),
      min: 0,
      max: null,
      marks: [],
    },
  ]
}
