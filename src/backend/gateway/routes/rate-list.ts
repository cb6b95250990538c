// The rates of all names in one answer, for a screen or a spreadsheet that loads them once.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { RATE_ROW_SCHEMA } from '../../quotes/answer-schema.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import { RATE_CSV_COLUMNS } from '../../quotes/rate-list.ts'
import { NDJSON } from '../../server/internal-wire.ts'
import { enumField, optional, parseShape, shape } from '../../server/shape.ts'
import { acceptedFormat, CONTENT_TYPES, CSV, TABLE_FORMATS } from '../accepted-format.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'
import type { LongAnswers } from '../streams.ts'
import { VALIDATOR_HEADERS, validated } from '../validators.ts'

const QUERY = shape({
  status: optional(
    enumField(['EASY', 'MEDIUM', 'HARD'], { description: 'Names of this borrow status only.', example: 'HARD' }),
  ),
  format: optional(
    enumField(TABLE_FORMATS, {
      description: 'Form of the answer. Left out, the Accept header says it; json when that says nothing.',
      example: 'csv',
    }),
  ),
})

const ABOUT = {
  status: Type.Literal('success'),
  pricing_model: Type.String({ description: 'That the rates are under.' }),
  snapshot_at: Type.String({
    format: 'date-time',
    description: 'When the list was begun. It does not count for the ETag.',
  }),
  previous_close_at: Type.String({
    format: 'date-time',
    description: "The last close of trading in New York (16:00) before today's session.",
  }),
  total: Type.Integer({ description: 'Names in the list.' }),
}

/** A whole universe is some megabytes of text that repeats itself: it is compressed in every form. */
const COMPRESSED = {
  encodings: ['br', 'gzip'],
  threshold: 1024,
  customTypes: /^(application\/(json|x-ndjson)|text\/csv)/,
}

export function rateListRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly desk: Pick<PriceDesk, 'rateList'>
    readonly long: LongAnswers
  },
): void {
  const { credentials, desk, long } = options
  app.get(
    '/api/v1/rates',
    {
      onRequest: credentials.authenticated('rates'),
      compress: COMPRESSED as never,
      schema: {
        ...forRoles(
          'rates',
          "Every name in trading, by ticker, a compact row each: what is loaded once before changes are listened to. Rates are under the pricing model of the credential's broker. As one JSON object, as NDJSON (the last line has the total), or as CSV; compressed when that is accepted. " +
            'The answer is made at most once a second and serves until something changes; send its ETag back in If-None-Match for a 304. An answer that breaks off has no total.',
        ),
        tags: ['rates'],
        operationId: 'rateList',
        summary: 'Current borrow rates of all names',
        headers: VALIDATOR_HEADERS,
        querystring: QUERY,
        response: {
          200: {
            description: 'The list.',
            content: {
              'application/json': { schema: Type.Object({ ...ABOUT, items: Type.Array(RATE_ROW_SCHEMA) }) },
              [NDJSON]: { schema: Type.Union([RATE_ROW_SCHEMA, Type.Object(ABOUT)]) },
              [CSV]: {
                schema: Type.String({ description: `A header row and a row a name: ${RATE_CSV_COLUMNS.join(', ')}.` }),
              },
            },
          },
          304: Type.Null({ description: 'The rates are as they were.' }),
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
    (request, reply) => {
      const { status = null, format = acceptedFormat(request) } = parseShape(QUERY, request.query, 'query')
      const { clientId } = request.principal as Principal
      const begin = (etag: string) => {
        reply.header('vary', 'accept')
        if (validated(request, reply, { etag, lastModified: null })) {
          reply.code(304)
          return null
        }
        return { 'content-type': CONTENT_TYPES[format] }
      }
      return long.textAfterHead(request, reply, begin, ({ context, signal }) =>
        desk.rateList({ clientId, status, format }, context, signal),
      )
    },
  )
}
