// What the package gives to whoever installs it: the client, its failures, the makers of units, and the shapes of all answers.
export type * from './answers.ts'
export type * from './api-keys.ts'
export type * from './approvals.ts'
export type * from './batches.ts'
export * from './borrow-rate-client.ts'
export * from './borrow-rate-error.ts'
export type * from './brokers.ts'
export type { CallOptions, ConnectionOptions, PricingOptions } from './connection.ts'
export { TIMEOUT_MS_DEFAULT } from './connection.ts'
export { parseExactJson } from './exact-json.ts'
export type * from './legal-holds.ts'
export type * from './lists.ts'
export * from './operations.ts'
export type * from './pricing-models.ts'
export type * from './quotes.ts'
export type {
  ConnectionEvent,
  FeedChangedEvent,
  RateMovedEvent,
  RateStream,
  RateStreamAsk,
  RateStreamEvent,
  ResetEvent,
  StreamEndEvent,
  StreamStatusEvent,
} from './rate-events.ts'
export type * from './rates.ts'
export type * from './record-answers.ts'
export type * from './records.ts'
export { RETRY_WAIT_SECONDS_MAX, TRIES_MAX_DEFAULT } from './retry.ts'
export type * from './session.ts'
export type * from './stocks.ts'
export * from './units.ts'
export type { Versioned } from './versioned.ts'
export * from './webhook-signature.ts'
export type * from './webhooks.ts'
