// The whole chain, or a range of it, checked by the server; and every price of it made again.
import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { RecordRange, ReplayRangeAnswer, ReplayStepAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { PanelDrawer } from '../../ui/form-drawer.tsx'
import { grouped } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import { ChainProgress, useChainCheck } from './chain-progress.tsx'
import classes from './panel.module.css'
import { RangeFields, useRange } from './range-fields.tsx'
import type { RecordsSearch } from './search.ts'

/** Named on the screen; more are counted. */
const NAMED_MAX = 100

type ReplayState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly checked: number; readonly named: readonly Named[] }
  | { readonly kind: 'done'; readonly answer: ReplayRangeAnswer; readonly named: readonly Named[] }
  | { readonly kind: 'failed'; readonly error: unknown }

interface Named {
  readonly auditId: string
  readonly why: string
}

export default function ChainCheck({
  address,
  onClose,
}: {
  readonly address: RecordsSearch
  readonly onClose: () => void
}) {
  const range = useRange(address)
  const check = useChainCheck()
  const replay = useReplayRange()
  const isBusy = check.state.kind === 'running' || replay.state.kind === 'running'
  return (
    <PanelDrawer title="Check the chain" onClose={onClose}>
      <div className={classes.panel}>
        <p className="quiet">
          The server hashes every record again and follows the chain from signed head to signed head. A chain shows
          alteration; it does not prevent it.
        </p>
        <RangeFields range={range} note="Empty: everything that is in the database." />
        <div className={classes.buttons}>
          <Button variant="filled" onClick={() => check.start(range.value)} disabled={isBusy}>
            Verify all
          </Button>
          <Button onClick={() => replay.start(range.value)} disabled={isBusy || range.value.from === undefined}>
            Replay all
          </Button>
          {isBusy && (
            <Button
              onClick={() => {
                check.stop()
                replay.stop()
              }}
            >
              Stop
            </Button>
          )}
        </div>
        {range.value.from === undefined && <p className="label">A replay of all needs its first day.</p>}
        <ChainProgress state={check.state} />
        <ReplayResult state={replay.state} />
      </div>
    </PanelDrawer>
  )
}

function useReplayRange() {
  const [state, setState] = useState<ReplayState>({ kind: 'idle' })
  const stopping = useRef<AbortController | null>(null)
  useEffect(() => () => stopping.current?.abort(), [])
  const start = async (range: RecordRange) => {
    if (range.from === undefined) return
    const mine = new AbortController()
    stopping.current = mine
    const named: Named[] = []
    setState({ kind: 'running', checked: 0, named })
    try {
      const asked = { from: range.from, ...(range.to !== undefined && { to: range.to }) }
      for await (const step of api.records.replayRange(asked, { signal: mine.signal })) {
        if (step.type === 'progress') setState({ kind: 'running', checked: step.checked, named: [...named] })
        else if (step.type === 'result') {
          setState({ kind: 'done', answer: step, named })
          announce(`${step.identical} of ${step.replayed} replays are identical.`)
        } else if (named.length < NAMED_MAX) named.push(namedOf(step))
      }
    } catch (error) {
      if (!mine.signal.aborted) setState({ kind: 'failed', error })
    }
  }
  const stop = () => {
    stopping.current?.abort()
    setState({ kind: 'idle' })
  }
  return { state, start: (range: RecordRange) => void start(range), stop }
}

function namedOf(step: Extract<ReplayStepAnswer, { readonly audit_id: string }>): Named {
  return {
    auditId: step.audit_id,
    why: step.type === 'difference' ? step.differences.map(({ field }) => field).join(', ') : step.sentence,
  }
}

function ReplayResult({ state }: { readonly state: ReplayState }) {
  if (state.kind === 'idle') return null
  if (state.kind === 'failed') return <Failure error={state.error} compact />
  if (state.kind === 'running') return <p className="quiet">{grouped(String(state.checked))} records looked at</p>
  const { answer, named } = state
  const count = (number: number, what: string) => `${grouped(String(number))} ${what}`
  const good = answer.different === 0 && answer.not_replayable === 0
  return (
    <div className={classes.result} role="status">
      <p>
        <WordBadge tone={good ? 'good' : 'bad'}>{good ? '✓ All identical' : '✕ Some differ'}</WordBadge>
      </p>
      <p>
        {[
          count(answer.identical, 'identical'),
          count(answer.different, 'different'),
          count(answer.not_replayable, 'not to be priced'),
          count(answer.other_records, 'hold no price'),
        ].join(', ')}
        .
      </p>
      {named.length > 0 && (
        <ul className={classes.named}>
          {named.map(({ auditId, why }) => (
            <li key={auditId}>
              <Link to="/record" search={{ id: auditId }} className="mono">
                {auditId}
              </Link>
              <span className="quiet"> {why}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
