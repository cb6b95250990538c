// For operators: how all services are, and how much their logs say.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { CallContext } from '../../server/call-context.ts'
import type { Health } from '../../server/health.ts'
import { LOG_LEVELS } from '../../server/log.ts'
import { LOG_LEVEL_MINUTES_MAX } from '../../server/log-levels.ts'
import { enumField, integerField, parseShape, shape } from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { type AskedService, type ChangeLogLevel, gatherServices, hurried, SERVICES } from '../operations.ts'

const orNull = (type: string, rest: object = {}) => Type.Unsafe({ type: [type, 'null'], ...rest })

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
  feeds: Type.Union(
    [Type.Object({}, { additionalProperties: Type.Object({}, { additionalProperties: true }) }), Type.Null()],
    {
      description: 'As `/health/external` has them; null: they are not known now.',
    },
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
    readonly clock: () => Date
  },
): void {
  const { credentials, health, services, feedsHealth, changeLogLevel, clock } = options
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
      return { status: 'success', at: clock(), services: lines, feeds }
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
