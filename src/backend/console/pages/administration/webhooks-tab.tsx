// Webhooks: addresses that are told of events, how their deliveries go, and what was given up.
import { Button, Checkbox, UnstyledButton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { WebhookAnswer, WebhookEventType, WebhookWithSecret } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { FormDrawer, faultOf, PanelDrawer } from '../../ui/form-drawer.tsx'
import { grouped, momentText } from '../../ui/formats.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { NumberField, TextField } from './fields.tsx'
import { Secret } from './keys-tab.tsx'
import classes from './list-frame.module.css'
import { ListFrame, PAGE_SIZE, pageOf } from './list-frame.tsx'
import type { TabProps } from './page.tsx'
import { count } from './terms-fields.ts'

const EVENTS: readonly { readonly value: WebhookEventType; readonly label: string }[] = [
  { value: 'rate_changed', label: 'A rate moved' },
  { value: 'feed_changed', label: 'A feed came or went' },
  { value: 'batch_done', label: 'A basket is done' },
]
const DELIVERIES = 20

export function WebhooksTab({ address, go }: TabProps) {
  const page = {
    ...(address.q !== undefined && { clientId: address.q }),
    skip: (pageOf(address.page) - 1) * PAGE_SIZE,
    limit: PAGE_SIZE,
  }
  const webhooks = useQuery({
    queryKey: ['administration', 'webhooks', page],
    queryFn: ({ signal }) => api.webhooks.list(page, { signal }),
    placeholderData: (before) => before,
  })
  const [issued, setIssued] = useState<WebhookWithSecret | null>(null)
  const open = webhooks.data?.items.find(({ webhook_id }) => webhook_id === address.edit)
  const close = () => go({ edit: undefined, make: undefined })
  return (
    <>
      <ListFrame
        query={webhooks}
        total={webhooks.data?.pagination.total ?? null}
        address={address}
        go={go}
        search="Broker, whole client_id"
        make={{ title: 'New webhook', onClick: () => go({ make: '1', edit: undefined }) }}
        empty="Nobody is told of events by webhook."
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Address</th>
              <th scope="col">Broker</th>
              <th scope="col" className={classes.phoneless}>
                Events
              </th>
              <th scope="col" className={classes.phoneless}>
                Last delivered
              </th>
              <th scope="col" className={`right ${classes.phoneless}`}>
                Waiting
              </th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {webhooks.data?.items.map((webhook) => (
              <tr
                key={webhook.webhook_id}
                onClick={() => go({ edit: webhook.webhook_id })}
                data-open={webhook.webhook_id === address.edit || undefined}
              >
                <td className={classes.name}>
                  <UnstyledButton className={classes.open}>{webhook.url}</UnstyledButton>
                </td>
                <td>{webhook.client_id}</td>
                <td className={classes.phoneless}>{webhook.events.map(eventWords).join(', ')}</td>
                <td className={classes.phoneless}>
                  {webhook.last_delivered_at === null ? 'never' : momentText(webhook.last_delivered_at)}
                </td>
                <td className={`right ${classes.phoneless}`}>{grouped(String(webhook.pending))}</td>
                <td>
                  <State webhook={webhook} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListFrame>
      {issued !== null ? (
        <Secret
          title="The secret of the webhook"
          secret={issued.secret}
          about={`It signs what is sent to ${issued.url}.`}
          onStored={() => {
            setIssued(null)
            close()
          }}
        />
      ) : address.make === '1' ? (
        <NewWebhook onIssued={setIssued} onClose={close} />
      ) : address.edit !== undefined ? (
        <PanelDrawer key={address.edit} title="Webhook" onClose={close}>
          {open !== undefined ? (
            <Webhook webhook={open} onIssued={setIssued} onGone={close} />
          ) : webhooks.isPending ? (
            <Loading />
          ) : (
            <p className={classes.stack}>This webhook is not on this page of the list.</p>
          )}
        </PanelDrawer>
      ) : null}
    </>
  )
}

function eventWords(event: WebhookEventType): string {
  return EVENTS.find(({ value }) => value === event)?.label ?? event
}

function State({ webhook }: { readonly webhook: WebhookAnswer }) {
  if (webhook.paused_until !== null) return <WordBadge tone="warn">left alone</WordBadge>
  return webhook.failures > 0 ? <WordBadge tone="warn">failing</WordBadge> : <span>works</span>
}

function useWebhookChange<Ask, Done>(change: (ask: Ask) => Promise<Done>, onDone: (done: Done) => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (done) => {
      onDone(done)
      return queries.invalidateQueries({ queryKey: ['administration', 'webhooks'] })
    },
  })
}

function NewWebhook({
  onIssued,
  onClose,
}: {
  readonly onIssued: (webhook: WebhookWithSecret) => void
  readonly onClose: () => void
}) {
  const [url, setUrl] = useState('https://')
  const [events, setEvents] = useState<readonly string[]>(['rate_changed'])
  const [tickers, setTickers] = useState('')
  const [threshold, setThreshold] = useState('1')
  const add = useWebhookChange(
    () => {
      const names = tickers
        .toUpperCase()
        .split(/[\s,;]+/)
        .filter((name) => name !== '')
      return api.webhooks.add({
        url: url.trim(),
        events: events as readonly WebhookEventType[],
        ...(names.length > 0 && { tickers: names }),
        thresholdBp: (count(threshold) ?? undefined) as number,
      })
    },
    (issued) => {
      announce('The webhook is added.')
      onIssued(issued)
    },
  )
  const fault = (field: string) => faultOf(add.error, field)
  return (
    <FormDrawer
      title="New webhook"
      submit="Add it"
      onSubmit={() => add.mutate(undefined)}
      onClose={onClose}
      busy={add.isPending}
      error={add.error}
      fields={['url', 'events', 'tickers', 'threshold_bp']}
    >
      <p className="quiet">It belongs to the house, whose key you are signed in with.</p>
      <TextField label="Address" value={url} onChange={setUrl} error={fault('url')} />
      <Checkbox.Group label="Events" value={[...events]} onChange={setEvents} error={fault('events')}>
        {EVENTS.map(({ value, label }) => (
          <Checkbox key={value} value={value} label={label} mt={8} />
        ))}
      </Checkbox.Group>
      <TextField
        label="Rates of these stocks alone"
        description="Empty: of all."
        value={tickers}
        onChange={setTickers}
        error={fault('tickers')}
      />
      <NumberField
        label="Rates that moved by at least"
        unit="bp"
        value={threshold}
        onChange={setThreshold}
        error={fault('threshold_bp')}
      />
    </FormDrawer>
  )
}

function Webhook({
  webhook,
  onIssued,
  onGone,
}: {
  readonly webhook: WebhookAnswer
  readonly onIssued: (webhook: WebhookWithSecret) => void
  readonly onGone: () => void
}) {
  const [asksRemoval, setAsksRemoval] = useState(false)
  const remove = useWebhookChange(
    () => api.webhooks.remove(webhook.webhook_id),
    () => {
      announce('The webhook is removed.')
      onGone()
    },
  )
  const rotate = useWebhookChange(() => api.webhooks.rotateSecret(webhook.webhook_id), onIssued)
  const replay = useWebhookChange(
    () => api.webhooks.replay(webhook.webhook_id, { since: webhook.created_at }),
    ({ replayed }) => announce(`${replayed} deliveries are queued again.`),
  )
  const error = remove.error ?? rotate.error ?? replay.error
  const facts: [string, string][] = [
    ['Address', webhook.url],
    ['Broker', webhook.client_id],
    ['Events', webhook.events.map(eventWords).join(', ')],
    ['Stocks', webhook.tickers === null ? 'all' : webhook.tickers.join(', ')],
    ['Moves of at least', `${webhook.threshold_bp} bp`],
    ['Made', `${momentText(webhook.created_at)} by key ${webhook.created_by}`],
    ['Last delivered', webhook.last_delivered_at === null ? 'never' : momentText(webhook.last_delivered_at)],
    ['Failed in a row', grouped(String(webhook.failures))],
    ['Last failure', webhook.last_error ?? 'none'],
    ['Left alone until', webhook.paused_until === null ? 'not' : momentText(webhook.paused_until)],
    ['Waiting', grouped(String(webhook.pending))],
    ['Dropped', grouped(String(webhook.dropped))],
  ]
  return (
    <div className={classes.stack}>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <WebhookFact key={name} name={name} value={value} />
        ))}
      </dl>
      {error !== null && <Failure error={error} compact />}
      {asksRemoval ? (
        <div className={classes.notice}>
          <p>Nothing is delivered there any more, what waits included.</p>
          <div className={classes.buttons}>
            <Button variant="filled" disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
              Remove it
            </Button>
            <Button onClick={() => setAsksRemoval(false)}>Keep it</Button>
          </div>
        </div>
      ) : (
        <div className={classes.buttons}>
          <Button disabled={rotate.isPending} onClick={() => rotate.mutate(undefined)}>
            New secret
          </Button>
          <Button disabled={replay.isPending} onClick={() => replay.mutate(undefined)}>
            Deliver again what was given up
          </Button>
          <Button onClick={() => setAsksRemoval(true)}>Remove</Button>
        </div>
      )}
      <p className="label">For a day after a new secret the old one signs too.</p>
      <Deliveries webhookId={webhook.webhook_id} />
    </div>
  )
}

function WebhookFact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

function Deliveries({ webhookId }: { readonly webhookId: string }) {
  const deliveries = useQuery({
    queryKey: ['administration', 'webhooks', 'deliveries', webhookId],
    queryFn: ({ signal }) => api.webhooks.deliveries(webhookId, { limit: DELIVERIES }, { signal }),
  })
  return (
    <section aria-label="Deliveries">
      <h3 className="label">The last deliveries</h3>
      {deliveries.error !== null ? (
        <Failure error={deliveries.error} compact onRetry={() => void deliveries.refetch()} />
      ) : deliveries.data === undefined ? (
        <Loading rows={3} />
      ) : deliveries.data.items.length === 0 ? (
        <p className="quiet">None yet.</p>
      ) : (
        <ul className={classes.list}>
          {deliveries.data.items.map((delivery) => (
            <li key={delivery.delivery_id}>
              {eventWords(delivery.event)}, {delivery.state}, {delivery.attempts} tries
              {delivery.last_error !== null && `, ${delivery.last_error}`}
              <span className="label"> {momentText(delivery.created_at)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
