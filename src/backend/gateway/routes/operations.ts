// For operators: how all services are, and how much their logs say.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { CallContext } from '../../server/call-context.ts'
import type { DashboardLink } from '../../server/dashboard-links.ts'
import type { Health } from '../../server/health.ts'
import { LOG_LEVELS } from '../../server/log.ts'
import { LOG_LEVEL_MINUTES_MAX } from '../../server/log-levels.ts'
import type { RecentDurations } from '../../server/recent-durations.ts'
import { enumField, integerField, parseShape, shape } from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import {
  type AskedService,
  auditFigures,
  type ChangeLogLevel,
  cacheFigures,
  gatherServices,
  hurried,
  SERVICES,
} from '../operations.ts'

const orNull = (type: string, rest: object = {}) => Type.Unsafe({ type: [type, 'null'], ...rest })

const milliseconds = (description: string) => Type.Number({ description: `${description} Unit: milliseconds.` })
const count = (description: string, unit: string) =>
  Type.Integer({ minimum: 0, description: `${description} Unit: ${unit}.` })

const LATENCY = Type.Object({
  p50_ms: milliseconds('Half of them took no longer.'),
  p99_ms: milliseconds('Of a hundred one took longer.'),
  requests_per_second: Type.Number({ description: 'Unit: requests a second.' }),
})

const FEED_LINE = Type.Object(
  {
    provider: orNull('string'),
    state: Type.Unsafe({ type: 'string', enum: ['up', 'down'], description: 'up while prices can be made from it.' }),
    breaker: Type.Union([Type.Object({ state: Type.String() }, { additionalProperties: true }), Type.Null()], {
      description: 'null: it is no service that is asked.',
    }),
    last_success: orNull('string', { format: 'date-time' }),
    age_seconds: orNull('integer', { description: 'Of its data. Unit: seconds.' }),
  },
  { additionalProperties: true },
)

const CACHE = Type.Object({
  hit_rate: Type.Number({ minimum: 0, maximum: 1, description: 'Hits of all. Unit: share of 1.' }),
  hits: count('Found.', 'names'),
  misses: count('Read elsewhere.', 'names'),
})

const AUDIT = Type.Object({
  queue_length: count('Records that wait for their commit, in the process that keeps them.', 'records'),
  unsealed: count('Records that are kept and not in the chain yet, counted to 10 000.', 'records'),
  seal_lag_seconds: count('For how long the oldest of them may have waited.', 'seconds'),
})

const QUOTE_MINUTE = Type.Object({
  at: Type.String({ format: 'date-time', description: 'When the minute began.' }),
  count: count('Single quotes that were priced.', 'quotes'),
  p50_ms: orNull('number', { description: 'Half of them took no longer; null: there was none. Unit: milliseconds.' }),
  p99_ms: orNull('number', { description: 'Of a hundred one took longer; null: there was none. Unit: milliseconds.' }),
})

const SERVICE_LINE = Type.Object({
  service: Type.String({ examples: ['calculation-service'] }),
  state: Type.Unsafe({
    type: 'string',
    enum: ['ok', 'degraded', 'draining', 'away', 'unknown'],
    description:
      'degraded: a component of it does not answer. away: the service did not. unknown: the settings do not say where it is.',
  }),
  answered_ms: orNull('number', { description: 'How long it took to answer. Unit: milliseconds.' }),
  version: orNull('string'),
  uptime_seconds: orNull('integer', { description: 'Of the replica that answered. Unit: seconds.' }),
  log_level: orNull('string'),
  log_level_until: orNull('string', {
    format: 'date-time',
    description: 'When it goes back to the one of the settings; null: it is that.',
  }),
  latency: Type.Union([LATENCY, Type.Null()], {
    description:
      'Of the last five minutes, in the replica that answered: of requests at the gateway, of calls at the other services. null: it is not known, or there was none.',
  }),
  components: Type.Object(
    {},
    {
      additionalProperties: Type.Object(
        {
          state: Type.Unsafe({ type: 'string', enum: ['up', 'down'] }),
          latency_ms: Type.Number({ description: 'Unit: milliseconds.' }),
        },
        { additionalProperties: true },
      ),
      description: 'What it stands on, each with facts of its own.',
    },
  ),
})

const OPERATIONS_ANSWER = Type.Object({
  status: Type.Literal('success'),
  at: Type.String({ format: 'date-time' }),
  services: Type.Array(SERVICE_LINE, { description: 'One process that is all of them is one line.' }),
  feeds: Type.Union([Type.Object({}, { additionalProperties: FEED_LINE }), Type.Null()], {
    description: 'As `/health/external` has them; null: they are not known now.',
  }),
  cache: Type.Union([CACHE, Type.Null()], {
    description:
      'Names that were looked for in the last five minutes, among the copies that processes share; without Redis among those of the process that prices. null: it is not known, or there was none.',
  }),
  audit: Type.Union([AUDIT, Type.Null()], { description: 'The record; null: it is not known now.' }),
  quotes: Type.Object({
    per_minute: Type.Array(QUOTE_MINUTE, {
      description: 'The last 60 minutes of the gateway that answers, the oldest first; the last one is going on.',
    }),
  }),
  links: Type.Array(
    Type.Object({
      title: Type.String({ examples: ['Latency'] }),
      url: Type.String({ examples: ['https://grafana.example.com/d/desk'] }),
    }),
    { description: 'Pages of the operators, as DASHBOARD_LINKS has them.' },
  ),
})

const LOG_LEVEL_BODY = shape(
  {
    service: enumField(['all', ...SERVICES], {
      description: 'All replicas of this service. One process that is all services changes with each of them.',
      example: 'calculation-service',
    }),
    level: enumField(LOG_LEVELS, { description: 'The least important lines that are written.', example: 'debug' }),
    minutes: integerField({
      description: 'After that the level is the one of the settings again. Unit: minutes.',
      minimum: 1,
      maximum: LOG_LEVEL_MINUTES_MAX,
      example: 15,
    }),
  },
  {
    description: 'What to write, and for how long.',
    examples: [{ service: 'calculation-service', level: 'debug', minutes: 15 }],
  },
)

const LOG_LEVEL_ANSWER = Type.Object({
  status: Type.Literal('success'),
  service: Type.String(),
  level: Type.String(),
  minutes: Type.Integer({ description: 'Unit: minutes.' }),
  until: Type.String({ format: 'date-time' }),
})

const CODES = ['UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'] as const

export function operationRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly health: Health
    readonly services: readonly AskedService[]
    readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
    readonly changeLogLevel: ChangeLogLevel
    readonly quoteMinutes: RecentDurations
    readonly dashboardLinks: readonly DashboardLink[]
    readonly clock: () => Date
  },
): void {
  const { credentials, health, services, feedsHealth, changeLogLevel, quoteMinutes, dashboardLinks, clock } = options
  const tags = ['operations']

  app.get(
    '/api/v1/operations',
    {
      onRequest: credentials.authenticated('read_operations'),
      schema: {
        ...forRoles(
          'read_operations',
          'The details of every service, gathered: one replica of each answers, within three seconds or as one that is away.',
        ),
        tags,
        operationId: 'operations',
        summary: 'How the services and feeds are',
        response: { 200: OPERATIONS_ANSWER, ...failures(...CODES) },
      },
    },
    async (request, reply) => {
      const context = hurried(contextOf(request))
      const [lines, feeds] = await Promise.all([
        gatherServices(async () => (await health.details()).body, services, context),
        // Half of the answer is better than none.
        feedsHealth(context).catch(() => null),
      ])
      reply.header('cache-control', 'no-store')
      return {
        status: 'success',
        at: clock(),
        services: lines,
        feeds: feeds && Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, feedLine(feed)])),
        cache: cacheFigures(lines),
        audit: auditFigures(lines),
        quotes: { per_minute: quoteMinutes.slots() },
        links: dashboardLinks,
      }
    },
  )

  app.put(
    '/api/v1/log-level',
    {
      onRequest: credentials.authenticated('change_log_level'),
      schema: {
        ...forRoles(
          'change_log_level',
          'For a while: it goes back by itself. All replicas are told, also one that starts meanwhile, and it is on the record. Lines never hold secrets, whatever the level.',
        ),
        tags,
        operationId: 'putLogLevel',
        summary: 'What a service writes into its log',
        body: LOG_LEVEL_BODY,
        response: {
          200: LOG_LEVEL_ANSWER,
          ...failures('INVALID_PARAMETER', 'CONFLICT', ...CODES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request) => {
      const { service, level, minutes } = parseShape(LOG_LEVEL_BODY, request.body, 'body')
      const asked = service === 'all' ? SERVICES : [service]
      const { until } = await changeLogLevel({ services: asked, level, minutes }, actorOf(request))
      return { status: 'success', service, level, minutes, until }
    },
  )
}

/** What every feed has; a file has no breaker. */
function feedLine(feed: unknown): object {
  return { provider: null, breaker: null, last_success: null, age_seconds: null, ...(feed as object) }
}
