// The answer of a basket, largest on the screen: what it costs, how much of it was priced, and how far the pricing is.
import { Button } from '@mantine/core'
import { grouped, timeText, usdText } from '../../ui/formats.ts'
import type { Basket } from './basket.ts'
import classes from './page.module.css'

export function TotalsBar({
  basket: { totals, pricing },
  lines,
  isPhone,
  isOffline,
  onCancel,
}: {
  readonly basket: Basket
  readonly lines: number
  readonly isPhone: boolean
  readonly isOffline: boolean
  readonly onCancel: () => void
}) {
  const isOld = pricing.kind === 'running' && totals !== null && totals.priced + totals.refused !== pricing.done
  return (
    <div className={classes.totals} data-old={isOld || isOffline || undefined}>
      <dl className={classes.figures}>
        <Figure title="Total locate fee" value={totals && usdText(totals.total)} unit="USD" />
        {!isPhone && <Figure title="Borrow cost" value={totals && usdText(totals.borrowCost)} />}
        {!isPhone && <Figure title="Markup" value={totals && usdText(totals.markup)} />}
        {!isPhone && <Figure title="Transaction fees" value={totals && usdText(totals.fees)} />}
        <Figure title="Priced" value={totals && count(totals.priced)} unit={`of ${count(lines)} lines`} />
        <Figure title="Refused" value={totals && count(totals.refused)} tone={totals?.refused ? 'bad' : undefined} />
        <Figure title="Guesses" value={totals && count(totals.guesses)} tone={totals?.guesses ? 'warn' : undefined} />
      </dl>
      <Progress pricing={pricing} onCancel={onCancel} />
    </div>
  )
}

function Figure({
  title,
  value,
  unit,
  tone,
}: {
  readonly title: string
  readonly value: string | null
  readonly unit?: string
  readonly tone?: 'bad' | 'warn' | undefined
}) {
  return (
    <div className={classes.figure}>
      <dt className="label">{title}</dt>
      <dd className="figure" data-tone={tone}>
        {value ?? <span className={classes.none}>not priced</span>}
        {value !== null && unit !== undefined && <span className={classes.unit}> {unit}</span>}
      </dd>
    </div>
  )
}

function Progress({ pricing, onCancel }: { readonly pricing: Basket['pricing']; readonly onCancel: () => void }) {
  if (pricing.kind === 'none' || pricing.kind === 'refused') return <div className={classes.progress} />
  if (pricing.kind === 'done') {
    return (
      <div className={classes.progress}>
        <span>
          One snapshot, {timeText(pricing.snapshotAt)} UTC · {(pricing.tookMs / 1000).toFixed(1)} s
        </span>
        <Bar done={1} of={1} />
      </div>
    )
  }
  const { done, of } = pricing
  const counted = `${count(done)} of ${count(of)} lines`
  return (
    <div className={classes.progress}>
      <span>
        {pricing.kind === 'running' ? counted : `${pricing.kind === 'cut' ? 'Broke off' : 'Cancelled'} at ${counted}`}
        {pricing.kind === 'running' && (
          <Button size="compact-xs" variant="subtle" onClick={onCancel}>
            Cancel
          </Button>
        )}
      </span>
      <Bar done={done} of={of} />
    </div>
  )
}

function Bar({ done, of }: { readonly done: number; readonly of: number }) {
  return (
    <div
      className={classes.bar}
      role="progressbar"
      aria-label="Lines that came"
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={done}
    >
      <div style={{ width: `${(done / of) * 100}%` }} />
    </div>
  )
}

export function count(number: number): string {
  return grouped(String(number))
}
