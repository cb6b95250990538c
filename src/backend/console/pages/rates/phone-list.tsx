// The rates on a phone: four columns, and of 17 000 rows those that are on the screen.
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { RateRowAnswer } from '../../../client/index.ts'
import type { Feeds } from '../../app/feed-health.ts'
import { useNow, useRowsVersion } from '../../app/hooks.ts'
import { SOURCE_GLYPHS, TierBadge } from '../../ui/badges.tsx'
import { gridAge, gridRate, spokenAge } from '../../ui/formats.ts'
import { lenderAge } from './ages.ts'
import { lenderIsGuess } from './orders.ts'
import classes from './phone-list.module.css'

const ROW_PX = 44
/** Above and below the screen. */
const BESIDE = 8

export interface PhoneListProps {
  /** As they are shown, in their order. */
  readonly tickers: readonly string[]
  readonly rowOf: (ticker: string) => RateRowAnswer | undefined
  readonly feeds: Feeds | undefined
  readonly isPast: boolean
  readonly onOpen: (ticker: string) => void
}

export function PhoneList({ tickers, rowOf, feeds, isPast, onOpen }: PhoneListProps) {
  useRowsVersion()
  const now = useNow()
  const place = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState({ top: 0, height: 600 })
  useLayoutEffect(() => {
    const element = place.current
    if (element === null) return
    const look = () => setSeen({ top: element.scrollTop, height: element.clientHeight })
    look()
    const watcher = new ResizeObserver(look)
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list begins at its top
  useEffect(() => void place.current?.scrollTo({ top: 0 }), [tickers])
  const first = Math.max(0, Math.floor(seen.top / ROW_PX) - BESIDE)
  const last = Math.min(tickers.length, Math.ceil((seen.top + seen.height) / ROW_PX) + BESIDE)
  return (
    <div
      ref={place}
      className={classes.list}
      data-past={isPast || undefined}
      onScroll={({ currentTarget: { scrollTop, clientHeight } }) => setSeen({ top: scrollTop, height: clientHeight })}
    >
      <table className={classes.table} aria-label="Rates" aria-rowcount={tickers.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">Ticker</th>
            <th scope="col">Tier</th>
            <th scope="col" className="right">
              Rate %
            </th>
            <th scope="col">Lender</th>
          </tr>
        </thead>
        <tbody>
          <Room rows={first} />
          {tickers.slice(first, last).map((ticker, at) => {
            const row = rowOf(ticker)
            if (row === undefined) return null
            const age = lenderAge(row, feeds, now)
            return (
              <tr key={ticker} aria-rowindex={first + at + 2}>
                <td>
                  <button type="button" className={classes.open} onClick={() => onOpen(ticker)}>
                    {ticker}
                  </button>
                </td>
                <td>
                  <TierBadge tier={row.borrow_status} />
                </td>
                <td className={`right ${classes.rate} ${lenderIsGuess(row) ? 'guess' : ''}`}>
                  {gridRate(row.current_rate)}
                </td>
                <td className={classes.age} data-fault={age.isOwnFault || undefined}>
                  <span aria-hidden="true">
                    {SOURCE_GLYPHS[age.source]} {age.seconds === null ? age.word : gridAge(age.seconds)}
                  </span>
                  <span className="only-read">
                    {age.seconds === null ? age.word : `${age.source}, ${spokenAge(age.seconds)}`}
                  </span>
                </td>
              </tr>
            )
          })}
          <Room rows={tickers.length - last} />
        </tbody>
      </table>
    </div>
  )
}

/** In place of rows that are not on the screen. */
function Room({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null
  return (
    <tr>
      <td colSpan={4} style={{ height: `${rows * ROW_PX}px`, padding: 0, border: 0 }} />
    </tr>
  )
}
