// What tests of webhooks have in common: brokers, a clock that the test moves, webhooks in a database, and gateways that share it.
import type { Actor } from '../audit/quote-record.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { type DeliveryOptions, type WebhookDelivery, webhookDelivery } from '../webhooks/delivery.ts'
import { type EventQueue, eventQueue } from '../webhooks/event-queue.ts'
import { webhooks } from '../webhooks/registrations.ts'
import { secretBox } from '../webhooks/secret-box.ts'
import { targets } from '../webhooks/target.ts'
import type { NewWebhook } from '../webhooks/webhook.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export const WEBHOOK_ACTOR: Actor = {
  actorType: 'broker',
  actorId: 'classic',
  keyId: 'brokerkey001',
  sourceIp: '127.0.0.1',
  userAgent: null,
  requestId: 'request-1',
  idempotencyKey: null,
}

export interface WebhookStage {
  readonly database: TestDatabase
  /** Milliseconds since 1970; the test moves it. */
  readonly time: { now: number }
  readonly clock: () => Date
  readonly registered: ReturnType<typeof webhooks>
  /** Adds a webhook of `classic` unless said otherwise. */
  add(wanted: Partial<NewWebhook>): Promise<{ readonly webhookId: string; readonly secret: string }>
  queue(): EventQueue
  /** A gateway that delivers when it is woken, or by itself with `everyMs`. */
  delivers(options?: Partial<DeliveryOptions>): WebhookDelivery & { readonly failures: unknown[] }
  deliveries(webhookId: string): Promise<readonly Record<string, unknown>[]>
  /** Nothing of any webhook is left, and it is noon again. */
  clear(): Promise<void>
  end(): Promise<void>
}

const NEVER_MS = 1_000_000_000
const START = Date.UTC(2026, 10, 24, 12)

/** @param authorities that deliveries believe */
export async function webhookStage(authorities: () => readonly string[] | null = () => null): Promise<WebhookStage> {
  const database = await testDatabase()
  for (const [clientId, active] of [
    ['house', true],
    ['classic', true],
    ['other', true],
    ['asleep', false],
  ]) {
    await database.pool.query(
      `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack,
                            pricing_model, tier, active)
       values ($1, 5, 'FLAT', 25, 'ACT/365', 'notional', 'standard-v1', 'standard', $2)`,
      [clientId, active],
    )
  }
  const time = { now: START }
  const clock = () => new Date(time.now)
  const newId = uuidv7Maker(systemClock)
  const where = targets({ allowedNetworks: ['127.0.0.1'], resolveHost: async () => [] })
  const box = secretBox(['a secret of this test, which is long enough'])
  const registered = webhooks({ database: database.pool, targets: where, box, clock, newId, onChange: () => {} })
  const running: { close(): Promise<void> }[] = []
  return {
    database,
    time,
    clock,
    registered,
    async add(wanted) {
      const { webhook, secret } = await registered.add(
        {
          clientId: 'classic',
          url: 'https://127.0.0.1/hook',
          events: ['batch_done'],
          tickers: null,
          thresholdBp: 1,
          ...wanted,
        },
        WEBHOOK_ACTOR,
      )
      return { webhookId: webhook.webhookId, secret }
    },
    queue() {
      const failures: unknown[] = []
      const queue = eventQueue({
        database: database.pool,
        clock,
        newId,
        onQueued: () => {},
        onFailure: (error) => failures.push(error),
        everyMs: NEVER_MS,
      })
      running.push(queue)
      return queue
    },
    delivers(options = {}) {
      const failures: unknown[] = []
      const delivery = webhookDelivery({
        database: database.pool,
        targets: where,
        box,
        authorities: authorities(),
        clock,
        newId,
        random: () => 0,
        onDead: () => {},
        onFailure: (error) => failures.push(error),
        everyMs: NEVER_MS,
        timeoutMs: 2_000,
        ...options,
      })
      running.push(delivery)
      return { ...delivery, failures }
    },
    async deliveries(webhookId) {
      const { rows } = await database.pool.query(
        'select * from webhook_deliveries where webhook_id = $1 order by delivery_id',
        [webhookId],
      )
      return rows
    },
    async clear() {
      await Promise.all(running.splice(0).map((each) => each.close()))
      await database.pool.query('truncate webhooks, webhook_deliveries, webhook_rates, webhook_feeds, webhook_watch')
      time.now = START
    },
    async end() {
      await Promise.all(running.splice(0).map((each) => each.close()))
      await database.drop()
    },
  }
}
