// The borrow rate of a name over time, for a chart.
import type { FastifyInstance } from 'fastify'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { RATE_HISTORY_SCHEMA } from '../../quotes/answer-schema.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import {
  countPoints,
  fittingInterval,
  INTERVAL_SECONDS,
  INTERVALS,
  type Interval,
  POINTS_MAX,
} from '../../quotes/rate-points.ts'
import { invalidParameters, type Problem } from '../../server/problem.ts'
import { enumField, optional, parseShape, shape, tickerField, timeField, withDefault } from '../../server/shape.ts'
import type { Clock } from '../../server/uuidv7.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'

const PATH = shape({ ticker: tickerField({ example: 'GME' }) })

/** A chart that names no beginning looks back this far: as many points as there may be, by the minute. */
const DAYS_DEFAULT = 7
const DAY_MS = 86_400_000

const QUERY = shape({
  from: optional(
    timeField({
      description: `Points after this time, or from this day on; left out, of the last ${DAYS_DEFAULT} days.`,
      example: '2026-11-16',
      day: 'start',
    }),
  ),
  to: optional(
    timeField({
      description: 'Points up to this time, or to the end of this day; left out, or in the future, to now.',
      example: '2026-11-20',
      day: 'end',
    }),
  ),
  interval: withDefault(
    enumField(INTERVALS, {
      description: `Time between two points, which stand at whole multiples of it, UTC. At most ${POINTS_MAX} points.`,
      example: '1h',
    }),
    '1h',
  ),
})

export function rateHistoryRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly desk: Pick<PriceDesk, 'rateHistory'>; readonly clock: Clock },
): void {
  const { credentials, desk, clock } = options
  app.get(
    '/api/v1/rates/:ticker/history',
    {
      onRequest: credentials.authenticated('rates'),
      schema: {
        ...forRoles(
          'rates',
          "The rate over time under the pricing model that the credential's broker has now: a point at the end of each interval, with the inputs that were in force then. What was observed is kept, and rates are computed when they are read. " +
            'Before the first rate of the lender there are no points. The floor is the one that the stock has now.',
        ),
        tags: ['rates'],
        operationId: 'rateHistory',
        summary: 'Borrow rate of a name over time',
        params: PATH,
        querystring: QUERY,
        response: {
          200: RATE_HISTORY_SCHEMA,
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'TICKER_NOT_FOUND',
            'CLIENT_NOT_FOUND',
            'RATE_LIMIT_EXCEEDED',
            'INTERNAL_ERROR',
            'EXTERNAL_API_UNAVAILABLE',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const { ticker } = parseShape(PATH, request.params, 'path')
      const asked = parseShape(QUERY, request.query, 'query')
      const range = rangeOf(asked, clock())
      const { clientId } = request.principal as Principal
      const answer = await desk.rateHistory({ ticker, clientId, ...range }, contextOf(request))
      return sendJsonText(reply.header('cache-control', 'private, no-cache'), answer)
    },
  )
}

interface Asked {
  readonly from?: Date
  readonly to?: Date
  readonly interval: string
}

/** @throws Problem INVALID_PARAMETER that says which interval fits, when the one asked for does not */
function rangeOf(asked: Asked, now: Date): { from: Date; to: Date; interval: Interval } {
  const to = asked.to === undefined || asked.to > now ? now : asked.to
  const from = asked.from ?? new Date(to.getTime() - DAYS_DEFAULT * DAY_MS)
  const interval = asked.interval as Interval
  if (from >= to) throw refusal('from', 'from must be earlier than to, and than now')
  const points = countPoints({ from, to, intervalSeconds: INTERVAL_SECONDS[interval] })
  if (points <= POINTS_MAX) return { from, to, interval }
  const fitting = fittingInterval({ from, to })
  if (fitting === null) throw refusal('from', `from and to must be at most ${POINTS_MAX} days apart`)
  throw refusal(
    'interval',
    `interval must be ${fitting} or longer for this range: ${interval} makes ${points} points, and an answer has ${POINTS_MAX} at the most`,
  )
}

function refusal(field: string, message: string): Problem {
  return invalidParameters([{ field, location: 'query', message }], Object.keys(QUERY.properties))
}
