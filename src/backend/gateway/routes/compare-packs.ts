// One short under every convention pack, with who charges so: for whoever wants to know why two brokers ask two prices.
import type { FastifyInstance } from 'fastify'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { mayPerform } from '../../access/roles.ts'
import { COMPARISON_ANSWER_SCHEMA } from '../../quotes/answer-schema.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import { COMPARISON_SHAPE, readComparison } from '../../quotes/wire.ts'
import { Problem } from '../../server/problem.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'

export function comparePacksRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly desk: Pick<PriceDesk, 'comparePacks'> },
): void {
  const { credentials, desk } = options
  app.post(
    '/api/v1/convention-packs/compare',
    {
      onRequest: credentials.authenticated('compare_packs'),
      schema: {
        ...forRoles(
          'compare_packs',
          'What the same short costs under each convention pack: each is a way in which brokers turn shares into the value that is charged, and days into a share of a year. Markup, fee and rate are the same in all of them, those of your own terms. Who may price for other brokers may name one. Indicative: nothing is recorded.',
        ),
        tags: ['quotes'],
        operationId: 'comparePacks',
        summary: 'One short under every convention pack',
        body: COMPARISON_SHAPE,
        response: {
          200: COMPARISON_ANSWER_SCHEMA,
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'FORBIDDEN',
            'TICKER_NOT_FOUND',
            'CLIENT_NOT_FOUND',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'RATE_LIMIT_EXCEEDED',
            'CALCULATION_ERROR',
            'INTERNAL_ERROR',
            'EXTERNAL_API_UNAVAILABLE',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const { role, clientId } = request.principal as Principal
      const asked = readComparison(request.body, clientId)
      const mayNameOthers = role !== 'broker' && mayPerform(role, 'quote')
      if (asked.clientId !== clientId && !mayNameOthers) {
        throw new Problem('FORBIDDEN', 'This key may only compare under the terms of its own client_id')
      }
      return sendJsonText(reply, await desk.comparePacks({ request: asked }, contextOf(request)))
    },
  )
}
