// Borrow rates over time: of one name with its inputs, for a chart; of many, for lines as small as a cell.
import type { FastifyInstance } from 'fastify'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { RATE_HISTORIES_SCHEMA, RATE_HISTORY_SCHEMA } from '../../quotes/answer-schema.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import {
  countPoints,
  fittingInterval,
  HISTORIES_POINTS_MAX,
  HISTORIES_TICKERS_MAX,
  INTERVAL_SECONDS,
  INTERVALS,
  type Interval,
  POINTS_MAX,
} from '../../quotes/rate-points.ts'
import { invalidParameters } from '../../server/problem.ts'
import { enumField, optional, parseShape, shape, tickerField, timeField, withDefault } from '../../server/shape.ts'
import type { Clock } from '../../server/uuidv7.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'
import { tickerListField, tickersIn } from '../ticker-list.ts'

const PATH = shape({ ticker: tickerField({ example: 'GME' }) })

/** A chart that names no beginning looks back this far: as many points as there may be, by the minute. */
const DAYS_DEFAULT = 7
const DAY_MS = 86_400_000

const RANGE = {
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
} as const

const intervalField = (pointsMax: string) =>
  withDefault(
    enumField(INTERVALS, {
      description: `Time between two points, which stand at whole multiples of it, UTC. At most ${pointsMax}.`,
      example: '1h',
    }),
    '1h',
  )

const QUERY = shape({ ...RANGE, interval: intervalField(`${POINTS_MAX} points`) })

const MANY_QUERY = shape({
  tickers: tickerListField(HISTORIES_TICKERS_MAX, `Names, ${HISTORIES_TICKERS_MAX} at most.`),
  ...RANGE,
  interval: intervalField(`${HISTORIES_POINTS_MAX} points of all names together`),
})

export function rateHistoryRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly desk: Pick<PriceDesk, 'rateHistory' | 'rateHistories'>
    readonly clock: Clock
  },
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
      const range = rangeOf(asked, clock(), 1, Object.keys(QUERY.properties))
      const { clientId } = request.principal as Principal
      const answer = await desk.rateHistory({ ticker, clientId, ...range }, contextOf(request))
      return sendJsonText(reply.header('cache-control', 'private, no-cache'), answer)
    },
  )

  app.get(
    '/api/v1/rates/history',
    {
      onRequest: credentials.authenticated('rates'),
      schema: {
        ...forRoles(
          'rates',
          "The borrow rates of many names over time in one answer, as the history of each has them: for lines as small as a cell. Under the pricing model that the credential's broker has now. A name without history has no points; one that has no rate stands in `unknown`.",
        ),
        tags: ['rates'],
        operationId: 'rateHistories',
        summary: 'Borrow rates of many names over time',
        querystring: MANY_QUERY,
        response: {
          200: RATE_HISTORIES_SCHEMA,
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'CLIENT_NOT_FOUND',
            'RATE_LIMIT_EXCEEDED',
            'INTERNAL_ERROR',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const asked = parseShape(MANY_QUERY, request.query, 'query')
      const tickers = tickersIn(asked.tickers)
      const range = rangeOf(asked, clock(), tickers.length, Object.keys(MANY_QUERY.properties))
      const { clientId } = request.principal as Principal
      const answer = await desk.rateHistories({ tickers, clientId, ...range }, contextOf(request))
      return sendJsonText(reply.header('cache-control', 'private, no-cache'), answer)
    },
  )
}

interface Asked {
  readonly from?: Date
  readonly to?: Date
  readonly interval: string
}

/**
 * @param names that the answer is about
 * @throws Problem INVALID_PARAMETER that says which interval fits, when the one asked for does not
 */
function rangeOf(
  asked: Asked,
  now: Date,
  names: number,
  params: readonly string[],
): { from: Date; to: Date; interval: Interval } {
  const to = asked.to === undefined || asked.to > now ? now : asked.to
  const from = asked.from ?? new Date(to.getTime() - DAYS_DEFAULT * DAY_MS)
  const interval = asked.interval as Interval
  const refusal = (field: string, message: string) => invalidParameters([{ field, location: 'query', message }], params)
  if (from >= to) throw refusal('from', 'from must be earlier than to, and than now')
  const pointsMax = Math.min(POINTS_MAX, Math.floor(HISTORIES_POINTS_MAX / names))
  const points = countPoints({ from, to, intervalSeconds: INTERVAL_SECONDS[interval] })
  if (points <= pointsMax) return { from, to, interval }
  const fitting = fittingInterval({ from, to }, pointsMax)
  const ofEach = names > 1 ? ` for each of ${names} names` : ''
  if (fitting === null) throw refusal('from', `from and to must be at most ${pointsMax} days apart${ofEach}`)
  throw refusal(
    'interval',
    `interval must be ${fitting} or longer for this range: ${interval} makes ${points} points${ofEach}, and an answer has ${pointsMax} at the most${ofEach}`,
  )
}
