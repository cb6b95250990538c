// How long a price is good for, and that it no longer is.
import { useEffect, useState } from 'react'
import { announce } from '../../app/announce.tsx'
import { useNow } from '../../app/hooks.ts'
import { WordBadge } from '../../ui/badges.tsx'
import classes from './answer.module.css'
import { expiresMs, type PricedQuote } from './last-quotes.ts'

const TICK_MS = 500

/** True once its minute is over; said aloud when that happens before somebody's eyes. */
export function useExpired(quote: PricedQuote | null): boolean {
  const [expired, setExpired] = useState(() => quote !== null && expiresMs(quote) <= Date.now())
  useEffect(() => {
    if (quote === null) return setExpired(false)
    const isOver = () => expiresMs(quote) <= Date.now()
    setExpired(isOver())
    if (isOver()) return
    const timer = setInterval(() => {
      if (!isOver()) return
      clearInterval(timer)
      setExpired(true)
      announce(`The quote of ${quote.answer.ticker} has expired.`)
    }, TICK_MS)
    return () => clearInterval(timer)
  }, [quote])
  return expired
}

export function Expiry({ quote, expired }: { readonly quote: PricedQuote; readonly expired: boolean }) {
  const now = useNow(TICK_MS)
  if (expired) return <WordBadge tone="warn">expired</WordBadge>
  const wholeMs = expiresMs(quote) - quote.receivedMs
  const leftMs = Math.min(wholeMs, Math.max(0, expiresMs(quote) - now))
  return (
    <div className={classes.expiry}>
      <span>
        expires in <b>{Math.ceil(leftMs / 1000)} s</b>
      </span>
      <span className={classes.track} aria-hidden="true">
        <span style={{ width: `${(100 * leftMs) / wholeMs}%` }} />
      </span>
    </div>
  )
}
