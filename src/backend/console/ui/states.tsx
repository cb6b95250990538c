// What a part of a screen shows when it has nothing to show: empty, not yet, refused.
import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { wordsOf } from '../api.ts'
import classes from './states.module.css'

/** One sentence and one action. */
export function Empty({ children, action }: { readonly children: ReactNode; readonly action?: ReactNode }) {
  return (
    <div className={classes.state}>
      <p>{children}</p>
      {action}
    </div>
  )
}

/** Grey bars in final geometry, after 200 ms: what is there at once shows no bars before. */
export function Loading({ rows = 6, label = 'Loading' }: { readonly rows?: number; readonly label?: string }) {
  const late = useAfter(200)
  return (
    <div className={classes.loading} role="status" aria-label={label}>
      {late &&
        Array.from({ length: rows }, (_, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars are all alike
          <span key={row} className="bar-of-nothing" style={{ width: `${60 + ((row * 37) % 40)}%` }} />
        ))}
    </div>
  )
}

/** The server's sentence and code, the request's id, Retry; a wait that the server asked for is counted down. */
export function Failure({
  error,
  onRetry,
  compact = false,
}: {
  readonly error: unknown
  readonly onRetry?: (() => void) | undefined
  readonly compact?: boolean
}) {
  const { sentence, code, requestId, retryAfterSeconds } = wordsOf(error)
  const wait = useCountdown(retryAfterSeconds, error)
  return (
    <div className={classes.failure} role="alert" data-compact={compact || undefined}>
      <p>{sentence}</p>
      <p className={classes.facts}>
        {code}
        {requestId !== null && (
          <>
            {' · request '}
            <span className="mono">{requestId}</span>
          </>
        )}
      </p>
      {onRetry && (
        <Button onClick={onRetry} disabled={wait > 0}>
          {wait > 0 ? `Retry in ${wait} s` : 'Retry'}
        </Button>
      )}
    </div>
  )
}

function useAfter(ms: number): boolean {
  const [passed, setPassed] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setPassed(true), ms)
    return () => clearTimeout(timer)
  }, [ms])
  return passed
}

/** Whole seconds until the wait is over, counted anew for each `of`. */
export function useCountdown(seconds: number | null, of: unknown): number {
  const [left, setLeft] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another failure counts anew
  useEffect(() => {
    const endsAt = Date.now() + (seconds ?? 0) * 1000
    const show = () => setLeft(Math.max(0, Math.ceil((endsAt - Date.now()) / 1000)))
    show()
    const timer = setInterval(show, 250)
    return () => clearInterval(timer)
  }, [seconds, of])
  return left
}
