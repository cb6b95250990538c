// The server's verification of the chain: asked for, followed while it goes, and told.
import { Progress } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { RecordRange, VerifyAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { grouped, momentText } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import classes from './chain-progress.module.css'

export type CheckState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly checked: number; readonly of: number | null }
  | { readonly kind: 'done'; readonly answer: VerifyAnswer }
  | { readonly kind: 'failed'; readonly error: unknown }

export function useChainCheck() {
  const [state, setState] = useState<CheckState>({ kind: 'idle' })
  const stopping = useRef<AbortController | null>(null)
  useEffect(() => () => stopping.current?.abort(), [])
  const start = async (range: RecordRange) => {
    stopping.current?.abort()
    const mine = new AbortController()
    stopping.current = mine
    setState({ kind: 'running', checked: 0, of: null })
    try {
      for await (const step of api.records.verify(range, { signal: mine.signal })) {
        if (step.type === 'progress') setState({ kind: 'running', checked: step.checked, of: step.of })
        else {
          setState({ kind: 'done', answer: step })
          announce(step.valid ? 'The chain is whole.' : 'The chain is broken.')
        }
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

export function ChainProgress({ state }: { readonly state: CheckState }) {
  if (state.kind === 'idle') return null
  if (state.kind === 'failed') return <Failure error={state.error} compact />
  if (state.kind === 'running') {
    const { checked, of } = state
    return (
      <div className={classes.running}>
        <Progress
          value={of === null || of === 0 ? 0 : (checked / of) * 100}
          aria-label="Records checked"
          transitionDuration={0}
        />
        <p className="quiet">
          {grouped(String(checked))}
          {of === null ? ' records' : ` of ${grouped(String(of))} records`}
        </p>
      </div>
    )
  }
  const { valid, checked, unsealed, first_bad: bad, head } = state.answer
  return (
    <div className={classes.done} role="status">
      <p>
        <WordBadge tone={valid ? 'good' : 'bad'}>{valid ? '✓ The chain is whole' : '✕ The chain is broken'}</WordBadge>
      </p>
      <p>
        {grouped(String(checked))} record{checked === 1 ? '' : 's'} proved
        {head !== null &&
          `, up to the head at place ${grouped(String(head.sequence))}, signed ${momentText(head.signed_at)}`}
        .
      </p>
      {unsealed > 0 && <p className="quiet">{grouped(String(unsealed))} not in the chain yet.</p>}
      {bad !== null && (
        <div className={classes.bad}>
          <p>
            First bad record{bad.sequence === null ? '' : `: place ${grouped(String(bad.sequence))}`},{' '}
            {bad.reason.replaceAll('_', ' ')}
          </p>
          <p>{bad.sentence}</p>
          {bad.audit_id !== null && (
            <p>
              <Link to="/record" search={{ id: bad.audit_id }} className="mono">
                {bad.audit_id}
              </Link>
            </p>
          )}
        </div>
      )}
    </div>
  )
}
