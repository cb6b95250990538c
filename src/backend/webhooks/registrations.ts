// The webhooks of brokers: listed, added, removed, given new secrets; and what became of their deliveries. A change and its record are
// one transaction. A secret leaves in the answer that makes it; in the database it lies encrypted.
import type pg from 'pg'
import { type Change, changeRecordRow, insertRecord } from '../audit/change-record.ts'
import type { Actor } from '../audit/quote-record.ts'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import { invalidParameters, Problem } from '../server/problem.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { EventType } from './events.ts'
import type { SecretBox } from './secret-box.ts'
import { newWebhookSecret } from './signature.ts'
import { HOST_RULE, type Targets } from './target.ts'
import {
  type Delivery,
  type DeliveryState,
  type Page,
  REPLAYED_MAX,
  SECRET_OVERLAP_HOURS,
  WEBHOOKS_MAX,
  type Webhook,
  type WebhookOf,
  type Webhooks,
} from './webhook.ts'

export function webhooks(options: {
  readonly database: pg.Pool
  readonly targets: Targets
  readonly box: SecretBox
  readonly clock: Clock
  /** Makes UUIDv7s. */
  readonly newId: () => string
  /** Told that there may be something to deliver, or somebody new to tell. */
  readonly onChange: () => void
}): Webhooks {
  const { database, targets, box, clock, newId, onChange } = options

  async function record(
    client: Queryable,
    change: Change & `webhook_${string}`,
    states: { readonly before: Webhook | null; readonly after: Webhook | null },
    actor: Actor,
  ): Promise<void> {
    const { webhookId, clientId } = (states.after ?? states.before) as Webhook
    await insertRecord(
      client,
      changeRecordRow({
        auditId: newId(),
        occurredAt: clock(),
        actor,
        change,
        subject: { kind: 'webhook', id: webhookId },
        clientId,
        before: states.before && recordedState(states.before),
        after: states.after && recordedState(states.after),
      }),
    )
  }

  return {
    list: (ask) => listWebhooks(database, ask),

    async add(wanted, actor) {
      const fault = targets.faultOf(wanted.url) ?? ((await targets.resolve(wanted.url)) === null ? HOST_RULE : null)
      if (fault !== null) throw invalidParameters([{ field: 'url', location: 'body', message: `url ${fault}` }])
      const secret = newWebhookSecret()
      const webhookId = newId()
      const webhook = await inTransaction(database, async (client) => {
        // One at a time for each broker, so that two at once do not pass the limit.
        await client.query(`select pg_advisory_xact_lock(hashtextextended('webhooks of ' || $1, 0))`, [wanted.clientId])
        const { rows } = await client.query<{ kept: string }>(
          'select count(*) as kept from webhooks where client_id = $1 and removed_at is null',
          [wanted.clientId],
        )
        if (Number(rows[0]?.kept) >= WEBHOOKS_MAX) {
          throw new Problem('CONFLICT', `A broker has at most ${WEBHOOKS_MAX} webhooks: remove one first`)
        }
        await client.query(
          `insert into webhooks (webhook_id, client_id, url, events, tickers, threshold_bp, secret, created_by, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [
            webhookId,
            wanted.clientId,
            wanted.url,
            wanted.events,
            wanted.tickers,
            wanted.thresholdBp,
            box.seal(secret, webhookId),
            actor.keyId,
            clock(),
          ],
        )
        const added = await readWebhook(client, { webhookId, clientId: null })
        await record(client, 'webhook_added', { before: null, after: added }, actor)
        return added
      })
      onChange()
      return { webhook, secret }
    },

    async remove(which, actor) {
      const webhook = await inTransaction(database, async (client) => {
        const before = await readWebhook(client, which, 'for update')
        await client.query('update webhooks set removed_at = $2 where webhook_id = $1', [before.webhookId, clock()])
        await record(client, 'webhook_removed', { before, after: null }, actor)
        return before
      })
      onChange()
      return webhook
    },

    rotateSecret(which, actor) {
      const secret = newWebhookSecret()
      const previousSecretUntil = new Date(clock().getTime() + SECRET_OVERLAP_HOURS * 3_600_000)
      return inTransaction(database, async (client) => {
        const before = await readWebhook(client, which, 'for update')
        await client.query(
          'update webhooks set previous_secret = secret, previous_until = $3, secret = $2 where webhook_id = $1',
          [before.webhookId, box.seal(secret, before.webhookId), previousSecretUntil],
        )
        const webhook = { ...before, previousSecretUntil }
        await record(client, 'webhook_rotated', { before, after: webhook }, actor)
        return { webhook, secret }
      })
    },

    async deliveries(which, ask) {
      const { webhookId } = await readWebhook(database, which)
      return await listDeliveries(database, webhookId, ask)
    },

    async replay(which, what) {
      const { webhookId } = await readWebhook(database, which)
      const replayed = await queueAgain(database, webhookId, what, clock())
      if (replayed === 0 && 'deliveryId' in what) throw new Problem('NOT_FOUND', 'There is no such delivery')
      if (replayed > 0) {
        await database.query('update webhooks set failures = 0, paused_until = null where webhook_id = $1', [webhookId])
        onChange()
      }
      return { replayed }
    },
  }
}

/** The query of a URL may be a credential of the receiver's: it is on no record. */
function recordedState(webhook: Webhook) {
  return {
    webhook_id: webhook.webhookId,
    client_id: webhook.clientId,
    url: webhook.url.replace(/\?.*$/, ''),
    events: webhook.events,
    tickers: webhook.tickers,
    threshold_bp: webhook.thresholdBp,
    previous_signs_until: webhook.previousSecretUntil,
  }
}

interface WebhookRow {
  webhook_id: string
  client_id: string
  url: string
  events: EventType[]
  tickers: string[] | null
  threshold_bp: number
  created_by: string
  created_at: Date
  previous_until: Date | null
  failures: number
  paused_until: Date | null
  last_delivered_at: Date | null
  last_failed_at: Date | null
  last_error: string | null
  pending: string
  dropped: string
}

const SELECT_WEBHOOKS = `
select w.webhook_id, w.client_id, w.url, w.events, w.tickers, w.threshold_bp, w.created_by, w.created_at, w.previous_until, w.failures,
       w.paused_until, w.last_delivered_at, w.last_failed_at, w.last_error, w.dropped,
       (select count(*) from webhook_deliveries d where d.webhook_id = w.webhook_id and d.state = 'pending') as pending
  from webhooks w
 where w.removed_at is null and ($1::text is null or w.client_id = $1)`

function webhookOf(row: WebhookRow): Webhook {
  return {
    webhookId: row.webhook_id,
    clientId: row.client_id,
    url: row.url,
    events: row.events,
    tickers: row.tickers,
    thresholdBp: row.threshold_bp,
    createdBy: row.created_by,
    createdAt: row.created_at,
    previousSecretUntil: row.previous_until,
    failures: row.failures,
    pausedUntil: row.paused_until,
    lastDeliveredAt: row.last_delivered_at,
    lastFailedAt: row.last_failed_at,
    lastError: row.last_error,
    pending: Number(row.pending),
    dropped: Number(row.dropped),
  }
}

async function listWebhooks(database: Queryable, { clientId, skip, limit }: { clientId: string | null } & Page) {
  const { rows } = await database.query<WebhookRow>(
    `${SELECT_WEBHOOKS} order by w.created_at, w.webhook_id offset $2 limit $3`,
    [clientId, skip, limit],
  )
  const count = await database.query<{ total: string }>(
    'select count(*) as total from webhooks where removed_at is null and ($1::text is null or client_id = $1)',
    [clientId],
  )
  return { items: rows.map(webhookOf), total: Number(count.rows[0]?.total) }
}

/** @throws Problem NOT_FOUND */
async function readWebhook(database: Queryable, { webhookId, clientId }: WebhookOf, lock = ''): Promise<Webhook> {
  const { rows } = await database.query<WebhookRow>(
    `${SELECT_WEBHOOKS} and w.webhook_id = $2 ${lock === '' ? '' : `${lock} of w`}`,
    [clientId, webhookId],
  )
  if (rows[0] === undefined) throw new Problem('NOT_FOUND', 'There is no such webhook')
  return webhookOf(rows[0])
}

async function listDeliveries(
  database: Queryable,
  webhookId: string,
  { state, skip, limit }: { state: DeliveryState | null } & Page,
) {
  const which = 'webhook_id = $1 and ($2::text is null or state = $2)'
  const { rows } = await database.query<{
    delivery_id: string
    event_id: string
    event_type: EventType
    state: DeliveryState
    attempts: number
    created_at: Date
    next_attempt_at: Date
    last_attempt_at: Date | null
    last_status: number | null
    last_error: string | null
    ended_at: Date | null
  }>(
    `select delivery_id, event_id, event_type, state, attempts, created_at, next_attempt_at, last_attempt_at, last_status, last_error,
            ended_at
       from webhook_deliveries where ${which} order by delivery_id desc offset $3 limit $4`,
    [webhookId, state, skip, limit],
  )
  const count = await database.query<{ total: string }>(
    `select count(*) as total from webhook_deliveries where ${which}`,
    [webhookId, state],
  )
  const items = rows.map(
    (row): Delivery => ({
      deliveryId: row.delivery_id,
      eventId: row.event_id,
      eventType: row.event_type,
      state: row.state,
      attempts: row.attempts,
      createdAt: row.created_at,
      nextAttemptAt: row.state === 'pending' ? row.next_attempt_at : null,
      lastAttemptAt: row.last_attempt_at,
      lastStatus: row.last_status,
      lastError: row.last_error,
      endedAt: row.ended_at,
    }),
  )
  return { items, total: Number(count.rows[0]?.total) }
}

async function queueAgain(
  database: Queryable,
  webhookId: string,
  what: Parameters<Webhooks['replay']>[1],
  now: Date,
): Promise<number> {
  const [which, value] =
    'deliveryId' in what
      ? ['delivery_id = $3::uuid', what.deliveryId]
      : ["state = 'dead' and ended_at >= $3::timestamptz", what.deadSince]
  const { rowCount } = await database.query(
    `update webhook_deliveries
        set state = 'pending', attempts = 0, queued_at = $2, next_attempt_at = $2, ended_at = null
      where webhook_id = $1 and delivery_id in
        (select delivery_id from webhook_deliveries where webhook_id = $1 and ${which} order by delivery_id limit ${REPLAYED_MAX})`,
    [webhookId, now, value],
  )
  return rowCount ?? 0
}
