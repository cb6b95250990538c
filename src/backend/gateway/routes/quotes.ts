// The price of a short: POST with a body or GET with a query, the same request either way.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { QUOTE_ANSWER_SCHEMA } from '../../quotes/answer-schema.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import { QUOTE_REQUEST_SHAPE, readQuoteRequest } from '../../quotes/wire.ts'
import { Problem } from '../../server/problem.ts'
import type { RecentDurations } from '../../server/recent-durations.ts'
import { actorOf, IDEMPOTENCY_HEADER, idempotencyKeyOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'

const CODES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'TICKER_NOT_FOUND',
  'CLIENT_NOT_FOUND',
  'RATE_LIMIT_EXCEEDED',
  'CALCULATION_ERROR',
  'INTERNAL_ERROR',
  'EXTERNAL_API_UNAVAILABLE',
  'AUDIT_UNAVAILABLE',
  'SERVICE_UNAVAILABLE',
] as const

const DOCUMENTATION = {
  ...forRoles(
    'quote',
    'The locate fee of a short position: borrow cost for the stay, markup and transaction fee, with every step of the ' +
      'number and the source of every input. The price is on the record, durably, before the answer leaves.',
  ),
  tags: ['quotes'],
  summary: 'Price a short',
}

export function quoteRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly desk: PriceDesk; readonly quoteMinutes: RecentDurations },
): void {
  const { credentials, desk, quoteMinutes } = options
  const url = '/api/v1/calculate-locate'
  const onRequest = credentials.authenticated('quote')

  async function answer(request: FastifyRequest, reply: FastifyReply, source: unknown, location: 'body' | 'query') {
    const idempotencyKey = location === 'body' ? idempotencyKeyOf(request) : null
    const asked = readQuoteRequest(source, location)
    const principal = request.principal as Principal
    if (principal.role === 'broker' && asked.clientId !== principal.clientId) {
      throw new Problem('FORBIDDEN', 'This key may only price for its own client_id')
    }
    const quote = await desk.quote({ request: asked, actor: actorOf(request, idempotencyKey) }, contextOf(request))
    request.quoteId = quote.auditId
    quoteMinutes.note(reply.elapsedTime)
    if (quote.replayed) reply.header('idempotency-replayed', 'true')
    return sendJsonText(reply, quote.answer)
  }

  app.post(
    url,
    {
      onRequest,
      schema: {
        ...DOCUMENTATION,
        operationId: 'calculateLocate',
        headers: IDEMPOTENCY_HEADER,
        body: QUOTE_REQUEST_SHAPE,
        response: {
          200: QUOTE_ANSWER_SCHEMA,
          ...failures(...CODES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'IDEMPOTENCY_CONFLICT'),
        },
      },
    },
    (request, reply) => answer(request, reply, request.body, 'body'),
  )
  app.get(
    url,
    {
      onRequest,
      schema: {
        ...DOCUMENTATION,
        operationId: 'calculateLocateByQuery',
        querystring: QUOTE_REQUEST_SHAPE,
        response: { 200: QUOTE_ANSWER_SCHEMA, ...failures(...CODES) },
      },
    },
    (request, reply) => answer(request, reply, request.query, 'query'),
  )
}
