// The brokers and their terms.
import { UnstyledButton } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { BrokerAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { PanelDrawer } from '../../ui/form-drawer.tsx'
import { grouped, percentText, usdText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { ChangeDrawer, type Live } from './change-drawer.tsx'
import classes from './list-frame.module.css'
import { everyOne, ListFrame, pageOf, pageSlice } from './list-frame.tsx'
import type { TabProps } from './page.tsx'
import { draftOf } from './search.ts'
import { newTerms, type TermsForm, termsFields, termsForm, termsLines, withDraft } from './terms-fields.ts'
import { TermsFormFields } from './terms-form.tsx'

const FIELDS = [
  'client_id',
  'name',
  'markup_percentage',
  'markup_tiers',
  'transaction_fee_type',
  'transaction_amount',
  'day_count',
  'convention_pack',
  'billing',
  'pricing_model',
  'tier',
  'requests_per_minute',
  'active',
]

export function TermsTab({ address, go }: TabProps) {
  const brokers = useQuery({
    queryKey: ['administration', 'brokers'],
    queryFn: ({ signal }) => everyOne(api.brokers.all({ signal })),
  })
  const [pending, setPending] = useState<string | null>(null)
  const found = brokers.data?.filter((broker) => fits(broker, address.q))
  const open = address.propose ?? address.edit
  const close = () => go(CLOSED)
  return (
    <>
      <ListFrame
        query={brokers}
        total={found?.length ?? null}
        address={address}
        go={go}
        search="Broker or name"
        make={{ title: 'New broker', onClick: () => go({ make: '1', edit: undefined }) }}
        empty="There is no broker yet."
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Broker</th>
              <th scope="col" className={classes.phoneless}>
                Name
              </th>
              <th scope="col" className="right">
                Markup
              </th>
              <th scope="col" className="right">
                Transaction fee
              </th>
              <th scope="col" className={classes.phoneless}>
                Day count
              </th>
              <th scope="col" className={classes.phoneless}>
                Pack
              </th>
              <th scope="col" className={classes.phoneless}>
                Model
              </th>
              <th scope="col" className={classes.phoneless}>
                Tier
              </th>
              <th scope="col" className={`right ${classes.phoneless}`}>
                Requests a minute
              </th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {pageSlice(found ?? [], pageOf(address.page)).map((broker) => (
              <Row
                key={broker.client_id}
                broker={broker}
                isOpen={broker.client_id === open}
                onOpen={() => go({ edit: broker.client_id })}
              />
            ))}
          </tbody>
        </table>
      </ListFrame>
      {pending !== null ? (
        <Pending
          onClose={() => setPending(null)}
          onOpen={() => {
            setPending(null)
            go({ ...CLOSED, tab: 'approvals', edit: pending })
          }}
        />
      ) : address.make === '1' ? (
        <TermsDrawer key="new" clientId={null} draft={draftOf(address)} onPending={setPending} onClose={close} />
      ) : open !== undefined ? (
        <TermsDrawer key={open} clientId={open} draft={draftOf(address)} onPending={setPending} onClose={close} />
      ) : null}
    </>
  )
}

/** Nothing is open at the right edge, and no draft waits. */
const CLOSED = {
  edit: undefined,
  make: undefined,
  propose: undefined,
  markup_percentage: undefined,
  markup_tiers: undefined,
  transaction_fee_type: undefined,
  transaction_amount: undefined,
  day_count: undefined,
  convention_pack: undefined,
  billing: undefined,
  pricing_model: undefined,
} as const

function fits({ client_id, name }: BrokerAnswer, words: string | undefined): boolean {
  if (words === undefined) return true
  const wanted = words.toLowerCase()
  return client_id.toLowerCase().includes(wanted) || (name?.toLowerCase().includes(wanted) ?? false)
}

function Row({
  broker,
  isOpen,
  onOpen,
}: {
  readonly broker: BrokerAnswer
  readonly isOpen: boolean
  readonly onOpen: () => void
}) {
  const { client_id, name, transaction_fee_type, transaction_amount } = broker
  return (
    <tr onClick={onOpen} data-open={isOpen || undefined} data-quiet={!broker.active || undefined}>
      <td>
        <UnstyledButton className={classes.open}>{client_id}</UnstyledButton>
      </td>
      <td className={`${classes.name} ${classes.phoneless}`}>{name ?? 'none'}</td>
      <td className="right">
        {broker.markup_tiers === null ? percentText(broker.markup_percentage) : `${broker.markup_tiers.length} steps`}
      </td>
      <td className="right">
        {transaction_fee_type === 'FLAT' ? `${usdText(transaction_amount)} USD` : percentText(transaction_amount)}
      </td>
      <td className={classes.phoneless}>{broker.day_count}</td>
      <td className={classes.phoneless}>{broker.convention_pack}</td>
      <td className={classes.phoneless}>{broker.pricing_model}</td>
      <td className={classes.phoneless}>{broker.tier}</td>
      <td className={`right ${classes.phoneless}`}>
        {broker.requests_per_minute === null ? 'of the tier' : grouped(String(broker.requests_per_minute))}
      </td>
      <td>{broker.active ? 'active' : <WordBadge tone="warn">not active</WordBadge>}</td>
    </tr>
  )
}

interface DrawerProps {
  /** Null: a new one. */
  readonly clientId: string | null
  readonly draft: ReturnType<typeof draftOf>
  readonly onPending: (approvalId: string) => void
  readonly onClose: () => void
}

function TermsDrawer({ clientId, draft, onPending, onClose }: DrawerProps) {
  const queries = useQueryClient()
  const models = useModels()
  const live = useQuery({
    queryKey: ['administration', 'broker', clientId],
    enabled: clientId !== null,
    queryFn: ({ signal }) => liveTerms(clientId as string, signal),
    // What is changed is read anew.
    staleTime: 0,
    gcTime: 0,
  })
  const title = clientId === null ? 'New broker' : `Terms of ${clientId}`
  if (models.data === undefined || (clientId !== null && live.data === undefined)) {
    const error = models.error ?? live.error
    return (
      <PanelDrawer title={title} onClose={onClose}>
        {error === null ? <Loading rows={8} /> : <Failure error={error} onRetry={() => void live.refetch()} />}
      </PanelDrawer>
    )
  }
  const start = live.data?.form ?? newTerms(models.data[0]?.model ?? '')
  return (
    <ChangeDrawer<TermsForm>
      title={title}
      live={live.data ?? null}
      start={withDraft(start, draft)}
      lines={(form) =>
        clientId === null
          ? [{ field: 'client_id', title: 'Broker', text: form.clientId }, ...termsLines(form)]
          : termsLines(form)
      }
      fields={FIELDS}
      read={(form) => liveTerms(form.clientId)}
      send={async (form, etag) => {
        const fields = termsFields(form)
        const change = await (etag === null
          ? api.brokers.create(form.clientId.trim(), fields)
          : api.brokers.replace(form.clientId, fields, etag))
        await queries.invalidateQueries({ queryKey: ['administration'] })
        if (change.status === 'pending') onPending(change.approval_id)
        announce(change.status === 'pending' ? 'The change waits for a second person.' : 'The terms are in force.')
      }}
      onClose={onClose}
    >
      {(form, change, fault) => (
        <TermsFormFields form={form} isNew={clientId === null} models={models.data} change={change} fault={fault} />
      )}
    </ChangeDrawer>
  )
}

async function liveTerms(clientId: string, signal?: AbortSignal): Promise<Live<TermsForm>> {
  const broker = await api.brokers.read(clientId, { signal })
  return { form: termsForm(broker), etag: broker.etag }
}

export function useModels() {
  return useQuery({
    queryKey: ['administration', 'models'],
    queryFn: ({ signal }) => api.pricingModels.list({ signal }),
  })
}

function Pending({ onClose, onOpen }: { readonly onClose: () => void; readonly onOpen: () => void }) {
  return (
    <PanelDrawer title="It waits for a second person" onClose={onClose}>
      <div className={classes.stack}>
        <p>
          This deployment has two people for every change of what a broker is charged. The change is proposed; what
          holds stays until somebody else approves it.
        </p>
        <div className={classes.buttons}>
          <UnstyledButton className={classes.open} onClick={onOpen}>
            See it among the approvals
          </UnstyledButton>
        </div>
      </div>
    </PanelDrawer>
  )
}
