// API keys, webhooks and deliveries as text for a person. Pure: answers in, lines out.
import type { ApiKeyAnswer } from '../client/api-keys.ts'
import type { ListAnswer } from '../client/lists.ts'
import type { DeliveryAnswer, WebhookAnswer } from '../client/webhooks.ts'
import { listText } from './administration-text.ts'
import { type Column, moment } from './formats.ts'

const left = (heading: string): Column => ({ heading, align: 'left' })
const right = (heading: string): Column => ({ heading, align: 'right' })

export function keysText(list: ListAnswer<ApiKeyAnswer>): string {
  const rows = list.items.map((key) => [
    key.key_id,
    key.client_id,
    key.role,
    endOf(key),
    key.last_used_at === null ? 'never' : moment(key.last_used_at),
    key.label ?? '',
  ])
  const heads = [left('Key'), left('Client'), left('Role'), left('Good until'), left('Last used'), left('Label')]
  return listText(heads, rows, list, 'key')
}

/** One key and its end, in a line. */
export function keyText(key: ApiKeyAnswer): string {
  const replaced = key.replaced_by === null ? '' : `; ${key.replaced_by} takes its place`
  return `Key ${key.key_id}: role ${key.role}, broker ${key.client_id}, ${key.active ? 'until ' : ''}${endOf(key)}${replaced}.`
}

export function issuedText(key: ApiKeyAnswer): string {
  return `${keyText(key)} It is shown this once; only its hash is kept:`
}

function endOf({ active, expires_at, revoked_at }: ApiKeyAnswer): string {
  if (active) return moment(revoked_at ?? expires_at)
  return revoked_at === null ? `expired ${moment(expires_at)}` : `revoked ${moment(revoked_at)}`
}

export function webhooksText(list: ListAnswer<WebhookAnswer>): string {
  const rows = list.items.map((webhook) => [
    webhook.webhook_id,
    webhook.client_id,
    webhook.events.join(', '),
    namesOf(webhook),
    stateOf(webhook),
    String(webhook.pending),
    webhook.url,
  ])
  const heads = [
    left('Webhook'),
    left('Client'),
    left('Events'),
    left('Rates of'),
    left('State'),
    right('Waiting'),
    left('Address'),
  ]
  return listText(heads, rows, list, 'webhook')
}

/** One webhook, in a line. */
export function webhookText(webhook: WebhookAnswer): string {
  const names = namesOf(webhook)
  return `Webhook ${webhook.webhook_id}: ${webhook.events.join(', ')}${names === '' ? '' : ` (${names})`} to ${webhook.url}.`
}

function namesOf({ events, tickers, threshold_bp: threshold }: WebhookAnswer): string {
  if (!events.includes('rate_changed')) return ''
  const names = tickers === null ? 'all' : tickers.length > 3 ? `${tickers.length} stocks` : tickers.join(', ')
  return `${names} from ${threshold} bp`
}

function stateOf({ paused_until, failures, last_error, last_delivered_at }: WebhookAnswer): string {
  if (paused_until !== null) return `left alone until ${moment(paused_until)}: ${last_error}`
  if (failures > 0) return `fails: ${last_error}`
  return last_delivered_at === null ? 'nothing delivered yet' : `delivered ${moment(last_delivered_at)}`
}

export function deliveriesText(list: ListAnswer<DeliveryAnswer>): string {
  const rows = list.items.map((delivery) => [
    moment(delivery.created_at),
    delivery.event,
    delivery.state,
    String(delivery.attempts),
    delivery.next_attempt_at === null ? '' : moment(delivery.next_attempt_at),
    delivery.last_error ?? '',
    delivery.delivery_id,
  ])
  const heads = [
    left('Time'),
    left('Event'),
    left('State'),
    right('Tries'),
    left('Next'),
    left('Last error'),
    left('Delivery id'),
  ]
  return listText(heads, rows, list, 'delivery')
}
