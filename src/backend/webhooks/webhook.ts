// A webhook as its owner sees it, and what can be asked of webhooks. Pure: the gateway's routes and whoever keeps webhooks meet here.
import type { Actor } from '../audit/quote-record.ts'
import type { EventType } from './events.ts'

/** Characters of a URL. */
export const URL_LENGTH_MAX = 2000
/** Stocks that one webhook names. */
export const TICKERS_MAX = 500
/** Basis points. */
export const THRESHOLD_BP_MAX = 10_000
/** Of one broker. */
export const WEBHOOKS_MAX = 20
/** After a rotation the old secret signs too for so long. */
export const SECRET_OVERLAP_HOURS = 24
/** Deliveries that are replayed at once. */
export const REPLAYED_MAX = 10_000

export interface NewWebhook {
  readonly clientId: string
  readonly url: string
  readonly events: readonly EventType[]
  /** Null: all. */
  readonly tickers: readonly string[] | null
  /** Basis points. */
  readonly thresholdBp: number
}

export interface Webhook extends NewWebhook {
  readonly webhookId: string
  /** Key id. */
  readonly createdBy: string
  readonly createdAt: Date
  /** Until then the old secret signs too; null: there is none. */
  readonly previousSecretUntil: Date | null
  /** Deliveries in a row that failed. */
  readonly failures: number
  /** Nobody calls before; null: it is called. */
  readonly pausedUntil: Date | null
  readonly lastDeliveredAt: Date | null
  readonly lastFailedAt: Date | null
  readonly lastError: string | null
  /** Deliveries that wait. */
  readonly pending: number
  /** Events that did not fit into the queue, ever. */
  readonly dropped: number
}

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface Delivery {
  readonly deliveryId: string
  readonly eventId: string
  readonly eventType: EventType
  readonly state: DeliveryState
  readonly attempts: number
  readonly createdAt: Date
  /** Null: it has ended. */
  readonly nextAttemptAt: Date | null
  readonly lastAttemptAt: Date | null
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly endedAt: Date | null
}

/** A webhook as somebody may see it: `clientId` null sees those of all brokers. Another's looks like none. */
export interface WebhookOf {
  readonly webhookId: string
  readonly clientId: string | null
}

export interface Page {
  readonly skip: number
  readonly limit: number
}

export interface Webhooks {
  /** The oldest first. `clientId` null: of all brokers. */
  list(
    ask: { readonly clientId: string | null } & Page,
  ): Promise<{ readonly items: readonly Webhook[]; readonly total: number }>
  /** Rejects with INVALID_PARAMETER for a URL that may not be called, with CONFLICT beyond {@link WEBHOOKS_MAX}. */
  add(wanted: NewWebhook, actor: Actor): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** Rejects with NOT_FOUND, as all below. */
  remove(which: WebhookOf, actor: Actor): Promise<Webhook>
  rotateSecret(which: WebhookOf, actor: Actor): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** The newest first. */
  deliveries(
    which: WebhookOf,
    ask: { readonly state: DeliveryState | null } & Page,
  ): Promise<{ readonly items: readonly Delivery[]; readonly total: number }>
  /** Queues one delivery again, or the dead ones since a time, and calls a paused endpoint at once. @returns how many */
  replay(
    which: WebhookOf,
    what: { readonly deliveryId: string } | { readonly deadSince: Date },
  ): Promise<{ readonly replayed: number }>
}
