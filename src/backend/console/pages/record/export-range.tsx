// A range of the record as a file: with the chain that proves it, or as a table for the back office.
import { Button, SegmentedControl } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { api, wordsOf } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { download } from '../../ui/download.ts'
import { PanelDrawer } from '../../ui/form-drawer.tsx'
import { grouped } from '../../ui/formats.ts'
import { Failure } from '../../ui/states.tsx'
import { dayOf } from './days.ts'
import classes from './panel.module.css'
import { RangeFields, useRange } from './range-fields.tsx'
import type { RecordsSearch } from './search.ts'

type Format = 'ndjson' | 'csv'
type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly lines: number }
  | { readonly kind: 'done'; readonly name: string; readonly lines: number }
  | { readonly kind: 'failed'; readonly error: unknown }

const DAY_MS = 86_400_000
const SHOWN_EVERY_MS = 100

export default function ExportRange({
  address,
  onClose,
}: {
  readonly address: RecordsSearch
  readonly onClose: () => void
}) {
  const range = useRange({ from: address.from ?? dayOf(Date.now() - 30 * DAY_MS), to: address.to })
  const [format, setFormat] = useState<Format>('ndjson')
  const [state, setState] = useState<State>({ kind: 'idle' })
  const stopping = useRef<AbortController | null>(null)
  useEffect(() => () => stopping.current?.abort(), [])

  const start = async () => {
    const mine = new AbortController()
    stopping.current = mine
    setState({ kind: 'running', lines: 0 })
    const pieces: string[] = []
    let lines = 0
    let shownAt = 0
    try {
      for await (const piece of api.records.export(range.value, format, { signal: mine.signal })) {
        pieces.push(piece)
        lines += piece.split('\n').length - 1
        if (performance.now() - shownAt > SHOWN_EVERY_MS) {
          shownAt = performance.now()
          setState({ kind: 'running', lines })
        }
      }
      const name = `audit-${range.from}-${range.to === '' ? dayOf(Date.now()) : range.to}.${format}`
      download(name, pieces.join(''))
      setState({ kind: 'done', name, lines })
      announce(`Saved ${name}.`)
    } catch (error) {
      if (!mine.signal.aborted) setState({ kind: 'failed', error })
    }
  }
  const fault = state.kind === 'failed' ? (field: string) => wordsOf(state.error).fields.get(field) : undefined
  return (
    <PanelDrawer title="Export a range" onClose={onClose}>
      <div className={classes.panel}>
        <RangeFields range={range} note="It is widened to whole batches of the chain." fault={fault} />
        <SegmentedControl
          aria-label="Form of the file"
          value={format}
          onChange={(value) => setFormat(value as Format)}
          data={[
            { value: 'ndjson', label: 'NDJSON with its chain' },
            { value: 'csv', label: 'CSV of the quotes' },
          ]}
        />
        <p className="quiet">
          {format === 'ndjson'
            ? 'Every record with its place, its hashes and the signed heads: anybody with the public key can check the file years later.'
            : 'A line for each quote, for the back office. It holds no proof.'}
        </p>
        <div className={classes.buttons}>
          <Button
            variant="filled"
            onClick={() => void start()}
            disabled={state.kind === 'running' || range.value.from === undefined}
          >
            {state.kind === 'running' ? 'Exporting' : 'Export'}
          </Button>
          {state.kind === 'running' && (
            <Button
              onClick={() => {
                stopping.current?.abort()
                setState({ kind: 'idle' })
              }}
            >
              Stop
            </Button>
          )}
        </div>
        {range.value.from === undefined && <p className="label">An export needs its first day.</p>}
        {state.kind === 'running' && <p role="status">{grouped(String(state.lines))} lines so far</p>}
        {state.kind === 'done' && (
          <p role="status">
            Saved {state.name}, {grouped(String(state.lines))} lines.
          </p>
        )}
        {state.kind === 'failed' && <Failure error={state.error} compact onRetry={() => void start()} />}
      </div>
    </PanelDrawer>
  )
}
