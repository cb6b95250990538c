// Webhooks: addresses that are told of events. What arrives there is checked and read by `verifyWebhook`.
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import { everyItem, type ListAnswer, type Page } from './lists.ts'
import type { BasisPoints, Fraction, Usd } from './units.ts'

export type WebhookEventType = 'rate_changed' | 'feed_changed' | 'batch_done'

export interface NewWebhook {
  /** HTTPS, on the public internet. */
  readonly url: string
  readonly events: readonly WebhookEventType[]
  /** rate_changed of these stocks alone; left out: of all. */
  readonly tickers?: readonly string[]
  /** Basis points; 1 when it is left out. */
  readonly thresholdBp?: number
}

export interface WebhookAnswer {
  readonly webhook_id: string
  readonly client_id: string
  readonly url: string
  readonly events: readonly WebhookEventType[]
  /** null: all. */
  readonly tickers: readonly string[] | null
  readonly threshold_bp: number
  /** Key id. */
  readonly created_by: string
  readonly created_at: string
  /** Until then the secret before this one signs too. */
  readonly previous_secret_until: string | null
  /** Deliveries in a row that failed. */
  readonly failures: number
  /** The endpoint is left alone until then. */
  readonly paused_until: string | null
  readonly last_delivered_at: string | null
  readonly last_failed_at: string | null
  readonly last_error: string | null
  /** Deliveries that wait. */
  readonly pending: number
  /** Events that did not fit into the queue. */
  readonly dropped: number
}

/** The secret stands in this answer and in no other. */
export type WebhookWithSecret = { readonly status: 'success'; readonly secret: string } & WebhookAnswer

export type DeliveryState = 'pending' | 'delivered' | 'dead'

export interface DeliveryAnswer {
  readonly delivery_id: string
  readonly event_id: string
  readonly event: WebhookEventType
  /** dead: given up after its tries, until it is replayed. */
  readonly state: DeliveryState
  readonly attempts: number
  readonly created_at: string
  readonly next_attempt_at: string | null
  readonly last_attempt_at: string | null
  readonly last_status: number | null
  readonly last_error: string | null
  readonly ended_at: string | null
}

/** What a receiver is told. `id` is the same at every try. */
export type WebhookEvent = {
  readonly id: string
  readonly created_at: string
} & (
  | { readonly type: 'rate_changed'; readonly data: { readonly changes: readonly RateChange[] } }
  | { readonly type: 'feed_changed'; readonly data: FeedChange }
  | { readonly type: 'batch_done'; readonly data: BatchDone }
)

export interface RateChange {
  readonly ticker: string
  readonly borrow_rate: Fraction
  /** What this webhook was told last. */
  readonly previous_borrow_rate: Fraction
  readonly change_bp: BasisPoints
  readonly changed_at: string
}

export interface FeedChange {
  readonly feed: string
  readonly state: string
  /** null: unknown. */
  readonly previous_state: string | null
}

export interface BatchDone {
  readonly batch_id: string
  readonly snapshot_at: string
  readonly lines: number
  readonly priced: number
  readonly failed: number
  /** Of the priced lines. */
  readonly total_fee: Usd
}

export class Webhooks {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A page, the oldest first: one's own; for an administrator those of all brokers, or of one. */
  list(
    page: Page & { readonly clientId?: string } = {},
    options: CallOptions = {},
  ): Promise<ListAnswer<WebhookAnswer>> {
    const query = { client_id: page.clientId, skip: page.skip, limit: page.limit }
    return this.#connection.call({ method: 'GET', path: pathOf`/webhooks`, query }, options)
  }

  add(webhook: NewWebhook, options: CallOptions = {}): Promise<WebhookWithSecret> {
    const { url, events, tickers, thresholdBp } = webhook
    const body = { url, events, tickers, threshold_bp: thresholdBp }
    return this.#connection.call({ method: 'POST', path: pathOf`/webhooks`, body }, options)
  }

  /** Nothing is delivered any more, what waits included. */
  remove(webhookId: string, options: CallOptions = {}): Promise<{ readonly status: 'success' } & WebhookAnswer> {
    return this.#connection.call({ method: 'DELETE', path: pathOf`/webhooks/${webhookId}` }, options)
  }

  /** A new secret; for a day the old one signs too. */
  rotateSecret(webhookId: string, options: CallOptions = {}): Promise<WebhookWithSecret> {
    return this.#connection.call({ method: 'POST', path: pathOf`/webhooks/${webhookId}/rotate` }, options)
  }

  /** A page, the newest first. */
  deliveries(
    webhookId: string,
    page: Page & { readonly state?: DeliveryState } = {},
    options: CallOptions = {},
  ): Promise<ListAnswer<DeliveryAnswer>> {
    return this.#connection.call(
      { method: 'GET', path: pathOf`/webhooks/${webhookId}/deliveries`, query: { ...page } },
      options,
    )
  }

  /** All of them, page by page while they are read. */
  allDeliveries(
    webhookId: string,
    which: { readonly state?: DeliveryState } = {},
    options: CallOptions = {},
  ): AsyncIterable<DeliveryAnswer> {
    return everyItem((page) => this.deliveries(webhookId, { ...which, ...page }, options))
  }

  /** Queues one delivery again, or all that were given up since a time (ISO 8601 with its zone, or a day in UTC). */
  replay(
    webhookId: string,
    what: { readonly deliveryId: string } | { readonly since: string },
    options: CallOptions = {},
  ): Promise<{ readonly status: 'success'; readonly replayed: number }> {
    const body = 'deliveryId' in what ? { delivery_id: what.deliveryId } : { since: what.since }
    return this.#connection.call({ method: 'POST', path: pathOf`/webhooks/${webhookId}/replay`, body }, options)
  }
}
