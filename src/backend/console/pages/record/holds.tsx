// Legal holds: which records are kept beyond their years, since when and why; placed and released here.
import { Button, SegmentedControl, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { LegalHoldAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { FormDrawer, faultOf, PanelDrawer } from '../../ui/form-drawer.tsx'
import { momentText } from '../../ui/formats.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import classes from './panel.module.css'
import { RangeFields, useRange } from './range-fields.tsx'
import type { RecordsSearch } from './search.ts'

const PAGE = 50

export default function Holds({ address, onClose }: { readonly address: RecordsSearch; readonly onClose: () => void }) {
  const [doing, setDoing] = useState<'list' | 'place' | LegalHoldAnswer>('list')
  if (doing === 'place') return <PlaceHold address={address} onClose={() => setDoing('list')} />
  if (doing !== 'list') return <ReleaseHold hold={doing} onClose={() => setDoing('list')} />
  return <HoldList onPlace={() => setDoing('place')} onRelease={setDoing} onClose={onClose} />
}

function HoldList({
  onPlace,
  onRelease,
  onClose,
}: {
  readonly onPlace: () => void
  readonly onRelease: (hold: LegalHoldAnswer) => void
  readonly onClose: () => void
}) {
  const [which, setWhich] = useState<'in-force' | 'all'>('in-force')
  const [skip, setSkip] = useState(0)
  const page = { ...(which === 'in-force' && { inForce: true }), skip, limit: PAGE }
  const list = useQuery({
    queryKey: ['record', 'holds', page],
    queryFn: ({ signal }) => api.legalHolds.list(page, { signal }),
    placeholderData: (before) => before,
  })
  return (
    <PanelDrawer title="Legal holds" onClose={onClose}>
      <div className={classes.panel}>
        <div className={classes.buttons}>
          <Button variant="filled" onClick={onPlace}>
            Place a hold
          </Button>
          <SegmentedControl
            aria-label="Which holds"
            value={which}
            onChange={(value) => {
              setWhich(value as typeof which)
              setSkip(0)
            }}
            data={[
              { value: 'in-force', label: 'In force' },
              { value: 'all', label: 'All' },
            ]}
          />
        </div>
        {list.error !== null ? (
          <Failure error={list.error} compact onRetry={() => void list.refetch()} />
        ) : list.data === undefined ? (
          <Loading rows={4} label="Loading the holds" />
        ) : list.data.items.length === 0 ? (
          <Empty>
            {which === 'in-force' ? 'No hold is in force.' : 'No hold was ever placed.'} A hold keeps the records that
            fit it beyond their years, those to come included.
          </Empty>
        ) : (
          <ul className={classes.holds}>
            {list.data.items.map((hold) => (
              <Hold key={hold.hold_id} hold={hold} onRelease={() => onRelease(hold)} />
            ))}
          </ul>
        )}
        {list.data !== undefined && list.data.pagination.total > PAGE && (
          <div className={classes.buttons}>
            <Button disabled={skip === 0} onClick={() => setSkip(Math.max(0, skip - PAGE))}>
              Newer
            </Button>
            <Button disabled={!list.data.pagination.has_more} onClick={() => setSkip(skip + PAGE)}>
              Older
            </Button>
          </div>
        )}
      </div>
    </PanelDrawer>
  )
}

function Hold({ hold, onRelease }: { readonly hold: LegalHoldAnswer; readonly onRelease: () => void }) {
  const { client_id, ticker, from, to, reason, placed_by, placed_at, release } = hold
  const covers = [
    client_id ?? 'every broker',
    ticker ?? 'every stock',
    ...(from === null ? [] : [`from ${momentText(from)}`]),
    ...(to === null ? [] : [`before ${momentText(to)}`]),
  ]
  return (
    <li className={classes.hold}>
      <p className="strong">{covers.join(', ')}</p>
      <p>{reason}</p>
      <p className="label">
        Placed by key {placed_by}, {momentText(placed_at)}
      </p>
      {release === null ? (
        <Button onClick={onRelease}>Release</Button>
      ) : (
        <>
          <WordBadge>released</WordBadge>
          <p>{release.reason}</p>
          <p className="label">
            Released by key {release.released_by}, {momentText(release.released_at)}
          </p>
        </>
      )}
    </li>
  )
}

/** After a change of holds records say otherwise whether they are held. */
function useHoldChange<Ask>(change: (ask: Ask) => Promise<unknown>, said: string, onDone: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      announce(said)
      void queries.invalidateQueries({ queryKey: ['record', 'holds'] })
      void queries.invalidateQueries({ queryKey: ['record', 'one'] })
      onDone()
    },
  })
}

function PlaceHold({ address, onClose }: { readonly address: RecordsSearch; readonly onClose: () => void }) {
  const [client, setClient] = useState(address.client ?? '')
  const [ticker, setTicker] = useState(address.ticker ?? '')
  const [reason, setReason] = useState('')
  const range = useRange(address)
  const place = useHoldChange(
    () =>
      api.legalHolds.place({
        ...range.value,
        ...(client.trim() !== '' && { clientId: client.trim() }),
        ...(ticker.trim() !== '' && { ticker: ticker.trim().toUpperCase() }),
        reason: reason.trim(),
      }),
    'The hold is placed.',
    onClose,
  )
  const fault = (field: string) => faultOf(place.error, field)
  return (
    <FormDrawer
      title="Place a legal hold"
      submit="Place the hold"
      onSubmit={() => place.mutate(undefined)}
      onClose={onClose}
      busy={place.isPending}
      error={place.error}
      fields={['client_id', 'ticker', 'from', 'to', 'reason']}
    >
      <p className="quiet">
        It covers every record that fits all that is said here, those to come included, until somebody releases it. Who
        placed it and why is a record of its own.
      </p>
      <TextInput
        label="Broker"
        value={client}
        error={fault('client_id')}
        onChange={(event) => setClient(event.currentTarget.value)}
      />
      <TextInput
        label="Ticker"
        value={ticker}
        error={fault('ticker')}
        onChange={(event) => setTicker(event.currentTarget.value)}
      />
      <RangeFields range={range} note="Empty: whatever time." fault={fault} />
      <Textarea
        label="Reason"
        description="For whoever reads the record."
        value={reason}
        error={fault('reason')}
        onChange={(event) => setReason(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={6}
      />
    </FormDrawer>
  )
}

function ReleaseHold({ hold, onClose }: { readonly hold: LegalHoldAnswer; readonly onClose: () => void }) {
  const [reason, setReason] = useState('')
  const release = useHoldChange(
    () => api.legalHolds.release(hold.hold_id, reason.trim()),
    'The hold is released.',
    onClose,
  )
  return (
    <FormDrawer
      title="Release the hold"
      submit="Release it"
      onSubmit={() => release.mutate(undefined)}
      onClose={onClose}
      busy={release.isPending}
      error={release.error}
      fields={['reason']}
    >
      <p>{hold.reason}</p>
      <p className="quiet">
        What it alone covers is kept for its years and no longer. It is on the record who released it and why.
      </p>
      <Textarea
        label="Reason"
        value={reason}
        error={faultOf(release.error, 'reason')}
        onChange={(event) => setReason(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={6}
      />
    </FormDrawer>
  )
}
