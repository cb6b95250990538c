// Webhooks: who wants to be told of events names an address here, and sees what became of the deliveries. Each broker sees its own;
// an administrator sees all.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { TICKER_PATTERN } from '../../pricing/units.ts'
import { invalidParameters, Problem, type ValidationError } from '../../server/problem.ts'
import {
  clientIdField,
  collectShape,
  enumField,
  type Field,
  integerField,
  listField,
  nullable,
  optional,
  parseShape,
  patternField,
  shape,
  textField,
  timeField,
  withDefault,
} from '../../server/shape.ts'
import { UUID_V7_PATTERN } from '../../server/uuidv7.ts'
import { EVENT_TYPES, type EventType } from '../../webhooks/events.ts'
import {
  DELIVERY_STATES,
  type Delivery,
  SECRET_OVERLAP_HOURS,
  THRESHOLD_BP_MAX,
  TICKERS_MAX,
  URL_LENGTH_MAX,
  WEBHOOKS_MAX,
  type Webhook,
  type WebhookOf,
  type Webhooks,
} from '../../webhooks/webhook.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'

const WEBHOOK_BODY = shape(
  {
    url: textField({
      description:
        'Where to POST. HTTPS, a host whose every address is on the public internet, no user, password or fragment.',
      example: 'https://desk.example.com/hooks/borrow-rates',
      minLength: 8,
      maxLength: URL_LENGTH_MAX,
    }),
    events: listField({
      description: 'What to be told of; each at most once.',
      minItems: 1,
      maxItems: EVENT_TYPES.length,
      items: Type.Enum(EVENT_TYPES as unknown as string[]),
    }),
    tickers: optional(
      nullable(
        listField({
          description: 'rate_changed of these stocks alone; null or left out: of all.',
          minItems: 1,
          maxItems: TICKERS_MAX,
          items: Type.String({ pattern: TICKER_PATTERN }),
        }),
      ),
    ),
    threshold_bp: withDefault(
      integerField({
        description: 'rate_changed from so many basis points on (1 is 0.0001 a year), counted from the rate told last.',
        minimum: 1,
        maximum: THRESHOLD_BP_MAX,
        example: 25,
      }),
      1,
    ),
  },
  {
    description: 'The new webhook.',
    examples: [
      {
        url: 'https://desk.example.com/hooks/borrow-rates',
        events: ['rate_changed', 'feed_changed'],
        tickers: ['GME', 'AMC'],
        threshold_bp: 25,
      },
    ],
  },
)

const REPLAY_BODY = shape(
  {
    delivery_id: optional(
      idField('must be the delivery_id of a delivery', { description: 'This one, whatever became of it.' }),
    ),
    since: optional(
      timeField({
        description: 'All that were given up at this time or later.',
        example: '2026-11-24T06:00:00Z',
        day: 'start',
      }),
    ),
  },
  { description: 'One of the two.', examples: [{ since: '2026-11-24T06:00:00Z' }] },
)

const LIST_QUERY = shape({
  client_id: optional(clientIdField({ description: 'Of this broker; an administrator alone may name another.' })),
  ...PAGE_FIELDS,
})

const DELIVERIES_QUERY = shape({
  state: optional(enumField(DELIVERY_STATES, { description: 'Deliveries in this state alone.', example: 'dead' })),
  ...PAGE_FIELDS,
})

const WEBHOOK_PATH = shape({
  webhook_id: idField('must be the webhook_id of a webhook', { description: 'As the list names it.' }),
})

function idField(rule: string, { description }: { readonly description: string }): Field<string> {
  return patternField(UUID_V7_PATTERN, rule, { description, example: '0193577d-1c00-7000-8000-000000000003' })
}

const TIME = Type.String({ format: 'date-time' })
const orNull = (schema: TSchema, description: string) => Type.Union([schema, Type.Null()], { description })

const WEBHOOK = {
  webhook_id: Type.String(),
  client_id: Type.String({ description: 'The broker that it belongs to.' }),
  url: Type.String(),
  events: Type.Array(Type.Enum(EVENT_TYPES as unknown as string[])),
  tickers: orNull(Type.Array(Type.String()), 'null: all stocks.'),
  threshold_bp: Type.Integer({ description: 'Basis points.' }),
  created_by: Type.String({ description: 'Key id.' }),
  created_at: TIME,
  previous_secret_until: orNull(TIME, 'Until then the secret before this one signs too; null: there was none.'),
  failures: Type.Integer({ description: 'Deliveries in a row that failed.' }),
  paused_until: orNull(TIME, 'The endpoint is left alone until then; null: it is called.'),
  last_delivered_at: orNull(TIME, 'null: never.'),
  last_failed_at: orNull(TIME, 'null: never.'),
  last_error: orNull(Type.String(), 'Of the last delivery that failed.'),
  pending: Type.Integer({ description: 'Deliveries that wait.' }),
  dropped: Type.Integer({ description: 'Events that were not queued, for the queue was full.' }),
}
const ONE_WEBHOOK = Type.Object({ status: Type.Literal('success'), ...WEBHOOK })
const WITH_SECRET = Type.Object({
  status: Type.Literal('success'),
  secret: Type.String({ description: 'What deliveries are signed with. It is shown this once.' }),
  ...WEBHOOK,
})

const DELIVERY = Type.Object({
  delivery_id: Type.String(),
  event_id: Type.String({ description: 'The webhook-id header: the same at every try.' }),
  event: Type.Enum(EVENT_TYPES as unknown as string[]),
  state: Type.Enum(DELIVERY_STATES as unknown as string[], {
    description: 'pending: to be delivered, or tried again. dead: given up after its tries, until it is replayed.',
  }),
  attempts: Type.Integer({ description: 'Tries since it was queued or replayed.' }),
  created_at: TIME,
  next_attempt_at: orNull(TIME, 'Not before; null: it has ended.'),
  last_attempt_at: orNull(TIME, 'null: it was not tried yet.'),
  last_status: orNull(Type.Integer(), 'What the endpoint answered to the last try; null: nothing.'),
  last_error: orNull(Type.String(), 'Why the last try failed; null: it did not.'),
  ended_at: orNull(TIME, 'When it was delivered or given up.'),
})

const FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'NOT_FOUND',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const
const WRITING_FAILURES = [...FAILURES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const

const NO_WEBHOOKS = 'This deployment has no webhooks: WEBHOOK_SECRET_KEY is not set'

/** @param options.webhooks null: the deployment has nothing to keep their secrets with */
export function webhookRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly webhooks: Webhooks | null },
): void {
  const { credentials } = options
  const tags = ['webhooks']
  const url = '/api/v1/webhooks'
  const there = (): Webhooks => {
    if (options.webhooks === null) throw new Problem('NOT_FOUND', NO_WEBHOOKS)
    return options.webhooks
  }

  app.get(
    url,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles(
          'use_webhooks',
          "The oldest first: those of the credential's broker; for an administrator those of all brokers.",
        ),
        tags,
        operationId: 'webhooks',
        summary: 'Webhooks',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(WEBHOOK)),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const { client_id: asked, ...page } = parseShape(LIST_QUERY, request.query, 'query')
      const visible = visibleTo(request)
      if (asked !== undefined && visible !== null && asked !== visible) {
        throw new Problem('FORBIDDEN', 'This credential sees the webhooks of its own broker only')
      }
      return listAnswer(await there().list({ clientId: asked ?? visible, ...page }), page, webhookAnswer)
    },
  )

  app.post(
    url,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles(
          'use_webhooks',
          `Tells the address of events from now on, for the credential's broker, which has at most ${WEBHOOKS_MAX}. The answer holds the secret that deliveries are signed with, this once. ` +
            'The addresses of the host are checked now and again at every delivery.',
        ),
        tags,
        operationId: 'addWebhook',
        summary: 'Add a webhook',
        body: WEBHOOK_BODY,
        response: { 201: WITH_SECRET, ...failures(...WRITING_FAILURES, 'CONFLICT') },
      },
    },
    async (request, reply) => {
      const all = there()
      const { clientId } = request.principal as Principal
      const { webhook, secret } = await all.add({ clientId, ...readWebhookBody(request.body) }, actorOf(request))
      return withSecret(reply, 201, webhook, secret)
    },
  )

  app.delete(
    `${url}/:webhook_id`,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles('use_webhooks', 'Nothing is delivered any more, what waits included.'),
        tags,
        operationId: 'removeWebhook',
        summary: 'Remove a webhook',
        params: WEBHOOK_PATH,
        response: { 200: ONE_WEBHOOK, ...failures(...FAILURES) },
      },
    },
    async (request) => {
      const removed = await there().remove(webhookOf(request), actorOf(request))
      return { status: 'success', ...webhookAnswer(removed) }
    },
  )

  app.post(
    `${url}/:webhook_id/rotate`,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles(
          'use_webhooks',
          `A new secret, shown this once. For ${SECRET_OVERLAP_HOURS} hours deliveries carry a signature by each of the two, so that a receiver can change over.`,
        ),
        tags,
        operationId: 'rotateWebhookSecret',
        summary: 'Replace the secret of a webhook',
        params: WEBHOOK_PATH,
        response: { 200: WITH_SECRET, ...failures(...FAILURES) },
      },
    },
    async (request, reply) => {
      const { webhook, secret } = await there().rotateSecret(webhookOf(request), actorOf(request))
      return withSecret(reply, 200, webhook, secret)
    },
  )

  app.get(
    `${url}/:webhook_id/deliveries`,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles(
          'use_webhooks',
          'The newest first. Delivered ones are kept for seven days, those given up for thirty.',
        ),
        tags,
        operationId: 'webhookDeliveries',
        summary: 'Deliveries of a webhook',
        params: WEBHOOK_PATH,
        querystring: DELIVERIES_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(DELIVERY),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const { state = null, ...page } = parseShape(DELIVERIES_QUERY, request.query, 'query')
      return listAnswer(await there().deliveries(webhookOf(request), { state, ...page }), page, deliveryAnswer)
    },
  )

  app.post(
    `${url}/:webhook_id/replay`,
    {
      onRequest: credentials.authenticated('use_webhooks'),
      schema: {
        ...forRoles(
          'use_webhooks',
          'Queues one delivery again, or all that were given up since a time, with new tries; an endpoint that was left alone is called at once. The ids of events stay the same.',
        ),
        tags,
        operationId: 'replayWebhook',
        summary: 'Deliver again',
        params: WEBHOOK_PATH,
        body: REPLAY_BODY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            replayed: Type.Integer({ description: 'Deliveries that were queued again.' }),
          }),
          ...failures(...WRITING_FAILURES),
        },
      },
    },
    async (request) => {
      const which = webhookOf(request)
      const { delivery_id: deliveryId, since: deadSince } = parseShape(REPLAY_BODY, request.body, 'body')
      if ((deliveryId === undefined) === (deadSince === undefined)) {
        const message = 'delivery_id or since must be given, and not both'
        throw invalidParameters([{ field: 'delivery_id', location: 'body', message }], ['delivery_id', 'since'])
      }
      const what = deliveryId === undefined ? { deadSince: deadSince as Date } : { deliveryId }
      return { status: 'success', ...(await there().replay(which, what)) }
    },
  )
}

/** The broker whose webhooks the credential sees; null: those of all. */
function visibleTo(request: FastifyRequest): string | null {
  const { role, clientId } = request.principal as Principal
  return role === 'admin' ? null : clientId
}

function webhookOf(request: FastifyRequest): WebhookOf {
  const { webhook_id: webhookId } = parseShape(WEBHOOK_PATH, request.params, 'path')
  return { webhookId, clientId: visibleTo(request) }
}

const TICKER = new RegExp(TICKER_PATTERN)
const RATES_ONLY = 'has a meaning for rate_changed only, which is not among the events'

/** @throws Problem INVALID_PARAMETER that names every fault, those of items and between fields included */
function readWebhookBody(body: unknown) {
  const faults: ValidationError[] = []
  const fault = (field: string, rule: string) => faults.push({ field, location: 'body', message: `${field} ${rule}` })
  const given = collectShape(WEBHOOK_BODY, body, 'body', faults)
  const events = (given.events ?? []) as EventType[]
  const tickers = (given.tickers ?? null) as string[] | null
  for (const [at, event] of events.entries()) {
    if (!EVENT_TYPES.includes(event)) fault(`events[${at}]`, `must be one of ${EVENT_TYPES.join(', ')}`)
    else if (events.indexOf(event) !== at) fault(`events[${at}]`, 'must not stand there twice')
  }
  for (const [at, ticker] of tickers?.entries() ?? []) {
    if (typeof ticker !== 'string' || !TICKER.test(ticker)) fault(`tickers[${at}]`, 'must be a ticker as GME or BRK.B')
  }
  if (tickers !== null && events.length > 0 && !events.includes('rate_changed')) fault('tickers', RATES_ONLY)
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(WEBHOOK_BODY.properties))
  return {
    url: given.url,
    events,
    tickers: tickers && [...new Set(tickers)],
    thresholdBp: given.threshold_bp,
  }
}

/** What holds a secret is kept by nobody on the way. */
function withSecret(reply: FastifyReply, status: number, webhook: Webhook, secret: string): FastifyReply {
  const answer = { status: 'success', secret, ...webhookAnswer(webhook) }
  return reply.code(status).header('cache-control', 'no-store').send(answer)
}

function webhookAnswer(webhook: Webhook): object {
  return {
    webhook_id: webhook.webhookId,
    client_id: webhook.clientId,
    url: webhook.url,
    events: webhook.events,
    tickers: webhook.tickers,
    threshold_bp: webhook.thresholdBp,
    created_by: webhook.createdBy,
    created_at: webhook.createdAt,
    previous_secret_until: webhook.previousSecretUntil,
    failures: webhook.failures,
    paused_until: webhook.pausedUntil,
    last_delivered_at: webhook.lastDeliveredAt,
    last_failed_at: webhook.lastFailedAt,
    last_error: webhook.lastError,
    pending: webhook.pending,
    dropped: webhook.dropped,
  }
}

function deliveryAnswer(delivery: Delivery): object {
  return {
    delivery_id: delivery.deliveryId,
    event_id: delivery.eventId,
    event: delivery.eventType,
    state: delivery.state,
    attempts: delivery.attempts,
    created_at: delivery.createdAt,
    next_attempt_at: delivery.nextAttemptAt,
    last_attempt_at: delivery.lastAttemptAt,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    ended_at: delivery.endedAt,
  }
}
