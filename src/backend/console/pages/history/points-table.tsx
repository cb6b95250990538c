// The points of the chart as figures, newest first, a page at a time.
import { Button } from '@mantine/core'
import { memo, useMemo } from 'react'
import { inPercent, type RatePointAnswer } from '../../../client/index.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { dateText, fixed, grouped, sharesText, timeText } from '../../ui/formats.ts'
import { Guess } from './legend.tsx'
import classes from './points-table.module.css'
import type { Series, Timeline } from './timeline.ts'

const PAGE_ROWS = 50
/** A rate has eight decimals at the most: in percent six show all of it. */
const RATE_DECIMALS = 6

export function PointsTable({
  timeline,
  page,
  at,
  onPage,
}: {
  readonly timeline: Timeline
  /** From 1; beyond the last it is the last. */
  readonly page: number
  readonly at: number | null
  readonly onPage: (page: number) => void
}) {
  const { times, series } = timeline
  const places = useMemo(
    () =>
      times.map((_, place) => place).filter((place) => series.some(({ points }) => (points[place] ?? null) !== null)),
    [times, series],
  )
  const pages = Math.max(1, Math.ceil(places.length / PAGE_ROWS))
  const shown = Math.min(page, pages)
  const rows = useMemo(() => [...places].reverse().slice((shown - 1) * PAGE_ROWS, shown * PAGE_ROWS), [places, shown])
  const turn = (by: number) => {
    const to = shown + by
    if (to >= 1 && to <= pages) onPage(to)
  }
  useShortcuts({ '[': () => turn(-1), ']': () => turn(1) })
  const from = places.length === 0 ? 0 : (shown - 1) * PAGE_ROWS + 1
  return (
    <section aria-labelledby="points">
      <div className={classes.head}>
        <h2 id="points">Points</h2>
        <span className="label">
          {from} to {from + rows.length - (rows.length === 0 ? 0 : 1)} of {grouped(String(places.length))}, newest first
        </span>
        <span className={classes.gap} />
        <Button
          variant="subtle"
          disabled={shown === 1}
          onClick={() => turn(-1)}
          rightSection={<kbd className="key">[</kbd>}
        >
          Newer
        </Button>
        <Button
          variant="subtle"
          disabled={shown === pages}
          onClick={() => turn(1)}
          rightSection={<kbd className="key">]</kbd>}
        >
          Older
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section className={classes.scroll} tabIndex={0} aria-label="Table of the points">
        <table className={`table ${classes.points}`}>
          <caption className="only-read">
            Borrow rates of {series.map(({ ticker }) => ticker).join(', ')}, newest first
          </caption>
          <Head series={series} />
          <tbody>
            {rows.map((place) => (
              <Row
                key={times[place]}
                seconds={times[place] ?? 0}
                points={series.map(({ points }) => points[place] ?? null)}
                isLookedAt={place === at}
              />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  )
}

function Head({ series }: { readonly series: readonly Series[] }) {
  const of = series.length > 1 ? ` of ${series[0]?.ticker}` : ''
  return (
    <thead>
      <tr>
        <th scope="col">UTC</th>
        {series.map(({ ticker }) => (
          <th key={ticker} scope="col" className="right">
            {series.length > 1 ? `${ticker}, %` : 'Rate, %'}
          </th>
        ))}
        <th scope="col" className="right">
          Lender{of}, %
        </th>
        <th scope="col" className="right">
          Volatility{of}
        </th>
        <th scope="col" className="right">
          Event risk{of}
        </th>
        <th scope="col" className="right">
          Available{of}
        </th>
      </tr>
    </thead>
  )
}

const Row = memo(
  function Row({ seconds, points, isLookedAt }: RowProps) {
    const iso = new Date(seconds * 1000).toISOString()
    const first = points[0] ?? null
    return (
      <tr data-active={isLookedAt || undefined}>
        <td className="nowrap">
          <time dateTime={iso}>
            {dateText(iso)}, {timeText(iso)}
          </time>
        </td>
        {points.map((point, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is a name
          <td key={line} className="right">
            {point === null ? (
              <span className="quiet">none</span>
            ) : point.lender_rate === null ? (
              <Guess>{percent(point.borrow_rate)}</Guess>
            ) : (
              percent(point.borrow_rate)
            )}
          </td>
        ))}
        {first === null ? (
          <td colSpan={4} className="right quiet">
            no rate of the lender yet
          </td>
        ) : (
          <>
            <td className="right">{first.lender_rate === null ? <Guess>none</Guess> : percent(first.lender_rate)}</td>
            <td className="right">
              {first.volatility_index === null ? <Guess>unknown</Guess> : grouped(first.volatility_index)}
            </td>
            <td className="right">
              {first.event_risk_factor === null ? <Guess>unknown</Guess> : first.event_risk_factor}
            </td>
            <td className="right">{sharesText(first.availability)}</td>
          </>
        )}
      </tr>
    )
  },
  (before, now) =>
    before.seconds === now.seconds &&
    before.isLookedAt === now.isLookedAt &&
    before.points.length === now.points.length &&
    before.points.every((point, line) => point === now.points[line]),
)

interface RowProps {
  readonly seconds: number
  readonly points: readonly (RatePointAnswer | null)[]
  readonly isLookedAt: boolean
}

function percent(rate: RatePointAnswer['borrow_rate']): string {
  return fixed(inPercent(rate), RATE_DECIMALS)
}
