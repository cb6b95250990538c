// Current borrow rates: one name, one name under chosen conditions, all names of a status.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import type { IndexPoints } from '../../pricing/units.ts'
import { CUSTOM_RATE_ANSWER_SCHEMA, RATE_ANSWER_SCHEMA } from '../../quotes/answer-schema.ts'
import type { AnsweredRate, PriceDesk } from '../../quotes/price-desk.ts'
import {
  booleanField,
  decimalField,
  enumField,
  integerField,
  optional,
  parseShape,
  patternField,
  shape,
  tickerField,
  withDefault,
} from '../../server/shape.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'
import { VALIDATOR_HEADERS, validated } from '../validators.ts'

const TICKER_PATH = shape({ ticker: tickerField({ example: 'GME' }) })

const CURRENT_QUERY = shape({
  use_cache: withDefault(
    booleanField({
      description: 'false takes nothing that is kept: the feeds are asked, and waited for.',
      example: true,
    }),
    true,
  ),
  max_age: optional(
    integerField({
      description:
        'Seconds that an input may be old by when it came. One that is older is asked for at its feed, and waited for; where none can be asked, or none answers, what is kept is taken, with its age.',
      minimum: 0,
      maximum: 86_400,
      example: 60,
    }),
  ),
})

const CUSTOM_QUERY = shape({
  volatility_index: optional(
    decimalField<IndexPoints>({
      description: 'Volatility in place of the observed one.',
      unit: 'index points',
      minimum: '0',
      maximum: '100',
      decimals: 4,
      example: 24.5,
    }),
  ),
  event_risk_factor: optional(
    integerField({ description: 'Event risk in place of the observed one.', minimum: 0, maximum: 10, example: 5 }),
  ),
  model: optional(
    patternField('^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$', 'must be the name of a pricing model', {
      description: "Pricing model in place of the broker's.",
      example: 'desk-v1',
    }),
  ),
})

const STATUS_PATH = shape({
  status: enumField(['EASY', 'MEDIUM', 'HARD'], { description: 'How hard the names are to borrow.', example: 'HARD' }),
})

const PAGE_QUERY = shape({
  skip: withDefault(
    integerField({ description: 'Names to leave out before the first.', minimum: 0, maximum: 1_000_000, example: 0 }),
    0,
  ),
  limit: withDefault(integerField({ description: 'Names at the most.', minimum: 1, maximum: 100, example: 20 }), 20),
})

const tags = ['rates']
/** CLIENT_NOT_FOUND: the broker of the key is not active. */
const ORDINARY = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'CLIENT_NOT_FOUND',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const

export function rateRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly desk: PriceDesk
  },
): void {
  const { credentials, desk } = options
  const onRequest = credentials.authenticated('rates')

  for (const url of ['/api/v1/rates/:ticker', '/api/v1/rates/ticker/:ticker']) {
    app.get(
      url,
      {
        onRequest,
        schema: {
          ...forRoles(
            'rates',
            "The rate under the pricing model of the key's broker, with its inputs. The answer has an ETag and a Last-Modified; send one back in If-None-Match or If-Modified-Since for a 304.",
          ),
          tags,
          operationId: url.includes('/ticker/') ? 'rateByTicker' : 'rate',
          summary: 'Current borrow rate of a name',
          headers: VALIDATOR_HEADERS,
          params: TICKER_PATH,
          querystring: CURRENT_QUERY,
          response: {
            200: RATE_ANSWER_SCHEMA,
            304: Type.Null({ description: 'The rate is as it was.' }),
            ...failures(...ORDINARY, 'TICKER_NOT_FOUND', 'EXTERNAL_API_UNAVAILABLE'),
          },
        },
      },
      async (request, reply) => {
        const { ticker } = parseShape(TICKER_PATH, request.params, 'path')
        const { use_cache, max_age } = parseShape(CURRENT_QUERY, request.query, 'query')
        const maxAgeSeconds = use_cache ? (max_age ?? null) : 0
        const { clientId } = principalOf(request)
        return withValidators(request, reply, await desk.rate({ ticker, clientId, maxAgeSeconds }, contextOf(request)))
      },
    )
  }

  app.get(
    '/api/v1/rates/:ticker/calculate',
    {
      onRequest,
      schema: {
        ...forRoles(
          'rates',
          'What the rate would be at another volatility, event risk or pricing model. Indicative, not recorded.',
        ),
        tags,
        operationId: 'customRate',
        summary: 'Borrow rate under chosen conditions',
        params: TICKER_PATH,
        querystring: CUSTOM_QUERY,
        response: {
          200: CUSTOM_RATE_ANSWER_SCHEMA,
          ...failures(...ORDINARY, 'TICKER_NOT_FOUND', 'EXTERNAL_API_UNAVAILABLE'),
        },
      },
    },
    async (request, reply) => {
      const { ticker } = parseShape(TICKER_PATH, request.params, 'path')
      const asked = parseShape(CUSTOM_QUERY, request.query, 'query')
      const conditions = {
        volatilityIndex: asked.volatility_index ?? null,
        eventRiskFactor: asked.event_risk_factor ?? null,
        model: asked.model ?? null,
      }
      const { clientId } = principalOf(request)
      return sendJsonText(reply, await desk.customRate({ ticker, clientId, conditions }, contextOf(request)))
    },
  )

  app.get(
    '/api/v1/rates/status/:status',
    {
      onRequest,
      schema: {
        ...forRoles('rates', 'A page by ticker. X-Total-Count has the number in all, Link the pages beside this one.'),
        tags,
        operationId: 'ratesByStatus',
        summary: 'Names of one borrow status',
        params: STATUS_PATH,
        querystring: PAGE_QUERY,
        response: { 200: Type.Array(RATE_ANSWER_SCHEMA), ...failures(...ORDINARY) },
      },
    },
    async (request, reply) => {
      const { status } = parseShape(STATUS_PATH, request.params, 'path')
      const page = parseShape(PAGE_QUERY, request.query, 'query')
      const { clientId } = principalOf(request)
      const { total, answer } = await desk.ratesByStatus({ status, clientId, ...page }, contextOf(request))
      reply.header('x-total-count', String(total))
      const link = pageLinks(`/api/v1/rates/status/${status}`, page, total)
      if (link !== '') reply.header('link', link)
      return sendJsonText(reply, answer)
    },
  )
}

function principalOf(request: FastifyRequest): Principal {
  return request.principal as Principal
}

/** The answer, or 304 when the caller has it already. */
function withValidators(request: FastifyRequest, reply: FastifyReply, { answer, ...validators }: AnsweredRate) {
  return validated(request, reply, validators) ? reply.code(304).send() : sendJsonText(reply, answer)
}

/** RFC 8288 links to the pages beside this one. */
function pageLinks(path: string, page: { skip: number; limit: number }, total: number): string {
  const to = (skip: number, rel: string) => `<${path}?skip=${skip}&limit=${page.limit}>; rel="${rel}"`
  const links: string[] = []
  if (page.skip > 0) links.push(to(Math.max(0, page.skip - page.limit), 'prev'))
  if (page.skip + page.limit < total) links.push(to(page.skip + page.limit, 'next'))
  return links.join(', ')
}
