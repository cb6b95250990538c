// What webhooks are told of, and the body of a delivery.
import type { Decimal } from '../pricing/decimal.ts'
import type { Rate } from '../pricing/units.ts'
import type { BatchSummary } from '../quotes/batch-answer.ts'
import { writeJson } from '../server/json-writer.ts'

/** `rate_changed`: borrow rates moved. `feed_changed`: a feed is ill or well again. `batch_done`: a batch of one's own is priced. */
export const EVENT_TYPES = ['rate_changed', 'feed_changed', 'batch_done'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** A basis point, as a fraction: 0.0001. */
export const BASIS_POINTS_IN_ONE = 10_000

/** A borrow rate as it is seen, under one pricing model. Whether it is another than what was told is for the queue to say. */
export interface RateSeen {
  readonly ticker: string
  readonly rate: Rate
  /** What it was when it was looked at last; null: it was not. */
  readonly previousRate: Rate | null
  /** When it was looked at. */
  readonly at: Date
}

/** A feed as it is seen. */
export interface FeedSeen {
  readonly feed: string
  readonly now: FeedState
  /** null: it was not looked at before. */
  readonly before: FeedState | null
  readonly at: Date
}

export interface FeedState {
  /** `up` while prices can be made from it. */
  readonly state: string
  /** By the age of its files; null: it has none. */
  readonly data: string | null
}

/** A batch that is done. */
export interface BatchEvent {
  /** The same in every process that learns of it. */
  readonly eventId: string
  readonly type: 'batch_done'
  readonly at: Date
  /** Of the credential that the batch was asked with: nobody else is told. */
  readonly clientId: string
  readonly data: {
    readonly batch_id: string
    readonly snapshot_at: string
    readonly lines: number
    readonly priced: number
    readonly failed: number
    /** USD. */
    readonly total_fee: Decimal
  }
}

/** A batch that was answered to its end, or answered again: the same event. */
export function batchEvent(clientId: string, summary: BatchSummary, at: Date): BatchEvent {
  const { batchId, snapshotAt, lines, priced, failed, totalFee } = summary
  const data = { batch_id: batchId, snapshot_at: snapshotAt, lines, priced, failed, total_fee: totalFee }
  return { eventId: `batch_done:${batchId}`, type: 'batch_done', at, clientId, data }
}

/** The text that is signed and sent, the same at every try. */
export function eventBody(event: {
  readonly eventId: string
  readonly type: EventType
  readonly at: Date
  readonly data: object
}): string {
  return writeJson({ id: event.eventId, type: event.type, created_at: event.at, data: event.data })
}
