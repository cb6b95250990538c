// Many shorts in one request: JSON or CSV in; JSON, NDJSON or CSV out, sent as the lines are priced.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { QUOTE_ANSWER_SCHEMA } from '../../quotes/answer-schema.ts'
import { BATCH_CSV_COLUMNS, type BatchSummary, batchCsv, batchJson, tellingSummary } from '../../quotes/batch-answer.ts'
import { BATCH_LINES_MAX, BATCH_SHAPE, readBatchBody, readBatchCsv } from '../../quotes/batch-lines.ts'
import type { PriceDesk } from '../../quotes/price-desk.ts'
import { NDJSON } from '../../server/internal-wire.ts'
import { ERROR_SCHEMA } from '../../server/openapi.ts'
import { invalidParameters } from '../../server/problem.ts'
import { enumField, optional, parseShape, shape } from '../../server/shape.ts'
import { acceptedFormat, CONTENT_TYPES, CSV } from '../accepted-format.ts'
import { actorOf, IDEMPOTENCY_HEADER, idempotencyKeyOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'
import { longAnswers } from '../streams.ts'

/** Bytes of a body: the largest batch, with room for names and spaces. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024
/** A batch counts one request for each so many lines begun. */
const LINES_PER_REQUEST = 100
const CSV_EXAMPLE = 'ticker,position_value,loan_days,client_id\nGME,50000,30,demo-classic\n'

const FORMATS = {
  json: { contentType: CONTENT_TYPES.json, write: batchJson },
  ndjson: { contentType: CONTENT_TYPES.ndjson, write: (ndjson: AsyncIterable<string>) => ndjson },
  csv: { contentType: CONTENT_TYPES.csv, write: batchCsv },
} as const

const QUERY = shape({
  format: optional(
    enumField(['json', 'ndjson', 'csv'], {
      description: 'Form of the answer. Left out, the Accept header says it; json when that says nothing.',
      example: 'json',
    }),
  ),
})

const failedLine = Type.Object({
  line: Type.Integer({ minimum: 1 }),
  status: Type.Literal('error'),
  error: Type.String(),
  error_code: Type.String(),
  validation_errors: Type.Optional(Type.Unsafe(ERROR_SCHEMA.properties.validation_errors)),
  valid_params: Type.Optional(Type.Array(Type.String())),
  ticker: Type.Optional(Type.String({ description: 'When the line had one that is sound.' })),
  client_id: Type.Optional(Type.String({ description: 'When the line had one that is sound.' })),
})

const pricedLine = Type.Object({
  line: Type.Integer({ minimum: 1, description: 'Place in the request, from 1.' }),
  ...QUOTE_ANSWER_SCHEMA.properties,
  position_value: Type.Number({ description: 'The value that is charged, USD.' }),
  loan_days: Type.Integer({ minimum: 0 }),
})

const SUMMARY = Type.Object({
  status: Type.Literal('success'),
  batch_id: Type.String({ description: 'On the record of each line.' }),
  snapshot_at: Type.String({ format: 'date-time', description: 'The moment of all inputs.' }),
  summary: Type.Object({
    lines: Type.Integer(),
    priced: Type.Integer(),
    failed: Type.Integer(),
    total_fee: Type.Number({ description: 'Of the priced lines, USD.' }),
  }),
})

const ANSWER = Type.Object(
  { lines: Type.Array(Type.Union([pricedLine, failedLine])), ...SUMMARY.properties },
  { description: 'The lines come first, as they are priced; the summary follows.' },
)

export function batchRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly desk: PriceDesk
    readonly newId: () => string
    /** Told of a batch whose answer was sent to its end. */
    readonly onBatchDone: (clientId: string, summary: BatchSummary) => void
  },
): void {
  const { credentials, desk, newId, onBatchDone } = options
  const long = longAnswers(app)
  // A scope of its own: nothing else takes CSV.
  app.register(async (scope) => {
    scope.addContentTypeParser(CSV, { parseAs: 'string' }, (_request, body, done) => done(null, body))
    scope.post(
      '/api/v1/calculate-locate/batch',
      {
        onRequest: credentials.authenticated('quote'),
        bodyLimit: BATCH_BYTES_MAX,
        schema: {
          ...forRoles(
            'quote',
            `Up to ${BATCH_LINES_MAX} shorts against one snapshot of the market, as JSON or as CSV (\`Content-Type: text/csv\`, a header row with the same names). ` +
              'Each line is priced and recorded like a single quote; a line that cannot be priced fails alone, with its own error. ' +
              'The answer is sent while lines are priced: as one JSON object, as NDJSON (`Accept: application/x-ndjson`; the summary is the last line), or as CSV (`Accept: text/csv`) with the columns ' +
              `${BATCH_CSV_COLUMNS.join(', ')}. An answer that breaks off has no summary. A batch counts as one request for each ${LINES_PER_REQUEST} lines begun.`,
          ),
          tags: ['quotes'],
          operationId: 'calculateLocateBatch',
          summary: 'Price many shorts',
          headers: IDEMPOTENCY_HEADER,
          querystring: QUERY,
          body: {
            content: {
              'application/json': { schema: BATCH_SHAPE },
              [CSV]: { schema: Type.String({ examples: [CSV_EXAMPLE] }) },
            },
          },
          response: {
            200: {
              description: 'The lines in their order, and the summary.',
              content: {
                'application/json': { schema: ANSWER },
                [NDJSON]: { schema: Type.Union([pricedLine, failedLine, SUMMARY]) },
                [CSV]: { schema: Type.String() },
              },
            },
            ...failures(
              'INVALID_PARAMETER',
              'UNAUTHORIZED',
              'FORBIDDEN',
              'PAYLOAD_TOO_LARGE',
              'UNSUPPORTED_MEDIA_TYPE',
              'IDEMPOTENCY_CONFLICT',
              'RATE_LIMIT_EXCEEDED',
              'INTERNAL_ERROR',
              'AUDIT_UNAVAILABLE',
              'SERVICE_UNAVAILABLE',
            ),
          },
        },
      },
      async (request, reply) => {
        const { format = acceptedFormat(request) } = parseShape(QUERY, request.query, 'query')
        const idempotencyKey = idempotencyKeyOf(request)
        const { role, clientId } = request.principal as Principal
        const reading = {
          ownClientId: clientId,
          mayPriceFor: (asked: string) => role !== 'broker' || asked === clientId,
        }
        const lines =
          typeof request.body === 'string' ? readBatchCsv(request.body, reading) : readBatchBody(request.body, reading)

        const cost = Math.ceil(lines.length / LINES_PER_REQUEST)
        const limit = request.taken?.limit ?? cost
        if (cost > limit) {
          const message = `lines count as ${cost} requests, and the limit is ${limit} in 60 seconds: send at most ${limit * LINES_PER_REQUEST}`
          throw invalidParameters([{ field: 'lines', location: 'body', message }])
        }
        if (cost > 1) await credentials.charge(request, reply, cost)

        const batchId = newId()
        request.quoteId = batchId
        const { contentType, write } = FORMATS[format]
        const asked = { batchId, lines, actor: actorOf(request, idempotencyKey) }
        return long.text(request, reply, { 'content-type': contentType }, ({ context, signal }) =>
          write(tellingSummary(desk.batch(asked, context, signal), (summary) => onBatchDone(clientId, summary))),
        )
      },
    )
  })
}
