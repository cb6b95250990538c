// Legal holds: records that are kept beyond their years, for as long as a hold covers them. Placing and releasing one is on the record.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { LegalHolds } from '../../audit/http.ts'
import type { LegalHold } from '../../audit/legal-holds.ts'
import {
  booleanField,
  clientIdField,
  nullable,
  optional,
  parseShape,
  patternField,
  shape,
  textField,
  tickerField,
  timeField,
} from '../../server/shape.ts'
import { UUID_V7_PATTERN } from '../../server/uuidv7.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'
import { RECORD_FAILURES } from '../record-documentation.ts'

const REASON_LENGTH_MAX = 1000

const reason = (description: string) =>
  textField({ description, example: 'Dispute 2026-114 with the client', minLength: 1, maxLength: REASON_LENGTH_MAX })

const HOLD_BODY = shape(
  {
    client_id: optional(nullable(clientIdField({ description: 'Records of this broker.' }))),
    ticker: optional(nullable(tickerField({ description: 'Records of this stock.', example: 'GME' }))),
    from: optional(
      nullable(timeField({ description: 'Records from this time or day on.', example: '2026-03-01', day: 'start' })),
    ),
    to: optional(
      nullable(
        timeField({
          description: 'Records before this time, or to the end of this day; left out, those to come too.',
          example: '2026-03-31',
          day: 'end',
        }),
      ),
    ),
    reason: reason('Why, for whoever reads the record.'),
  },
  {
    description: 'What is to be kept: the records that fit all that is given. At least a broker, a stock or a time.',
    examples: [{ client_id: 'demo-classic', from: '2026-03-01', to: '2026-03-31', reason: 'Dispute 2026-114' }],
  },
)

const LIST_QUERY = shape({
  in_force: optional(
    booleanField({ description: 'true: those in force. false: those released. Left out: all.', example: true }),
  ),
  ...PAGE_FIELDS,
})

const HOLD_PATH = shape({
  hold_id: patternField(UUID_V7_PATTERN, 'must be the hold_id of a legal hold', {
    description: 'As the list names it.',
    example: '0193577d-1c00-7000-8000-000000000002',
  }),
})

const RELEASE_QUERY = shape({ reason: reason('Why it is released, for whoever reads the record.') })

const TIME_OR_NULL = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
const TEXT_OR_NULL = Type.Union([Type.String(), Type.Null()])

const HOLD = {
  hold_id: Type.String(),
  client_id: TEXT_OR_NULL,
  ticker: TEXT_OR_NULL,
  from: TIME_OR_NULL,
  to: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'The first moment not held.' }),
  reason: Type.String(),
  placed_by: Type.String({ description: 'Key id.' }),
  placed_at: Type.String({ format: 'date-time' }),
  release: Type.Union(
    [
      Type.Object({
        reason: Type.String(),
        released_by: Type.String({ description: 'Key id.' }),
        released_at: Type.String({ format: 'date-time' }),
      }),
      Type.Null(),
    ],
    { description: 'null: the hold is in force.' },
  ),
}
const ONE_HOLD = Type.Object(
  { status: Type.Literal('success'), ...HOLD },
  { title: 'LegalHold', description: 'A hold on records.' },
)

export function legalHoldRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly holds: LegalHolds },
): void {
  const { credentials, holds } = options
  const tags = ['audit']
  const url = '/api/v1/legal-holds'

  app.get(
    url,
    {
      onRequest: credentials.authenticated('read_legal_holds'),
      schema: {
        ...forRoles('read_legal_holds', 'The newest first.'),
        tags,
        operationId: 'legalHolds',
        summary: 'Legal holds',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(HOLD)),
            pagination: PAGINATION,
          }),
          ...failures(...RECORD_FAILURES),
        },
      },
    },
    async (request) => {
      const { in_force = null, skip, limit } = parseShape(LIST_QUERY, request.query, 'query')
      return listAnswer(
        await holds.list({ inForce: in_force, skip, limit }, contextOf(request)),
        { skip, limit },
        holdAnswer,
      )
    },
  )

  app.post(
    url,
    {
      onRequest: credentials.authenticated('place_legal_hold'),
      schema: {
        ...forRoles(
          'place_legal_hold',
          'Keeps the records that fit all that is given beyond their years, those to come included, until the hold is released. It is on the record who placed it and why.',
        ),
        tags,
        operationId: 'placeLegalHold',
        summary: 'Place a legal hold',
        body: HOLD_BODY,
        response: { 201: ONE_HOLD, ...failures(...RECORD_FAILURES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE') },
      },
    },
    async (request, reply) => {
      const asked = parseShape(HOLD_BODY, request.body, 'body')
      const hold = {
        clientId: asked.client_id ?? null,
        ticker: asked.ticker ?? null,
        from: asked.from ?? null,
        to: asked.to ?? null,
        reason: asked.reason,
      }
      const placed = await holds.place({ request: hold, actor: actorOf(request) }, contextOf(request))
      return reply.code(201).send({ status: 'success', ...holdAnswer(placed) })
    },
  )

  app.delete(
    `${url}/:hold_id`,
    {
      onRequest: credentials.authenticated('release_legal_hold'),
      schema: {
        ...forRoles(
          'release_legal_hold',
          'For good: the hold stays in the list, and another one has to be placed to hold again. It is on the record who released it and why.',
        ),
        tags,
        operationId: 'releaseLegalHold',
        summary: 'Release a legal hold',
        params: HOLD_PATH,
        querystring: RELEASE_QUERY,
        response: { 200: ONE_HOLD, ...failures(...RECORD_FAILURES, 'NOT_FOUND', 'CONFLICT') },
      },
    },
    async (request) => {
      const { hold_id } = parseShape(HOLD_PATH, request.params, 'path')
      const { reason: why } = parseShape(RELEASE_QUERY, request.query, 'query')
      const ask = { holdId: hold_id, reason: why, actor: actorOf(request) }
      return { status: 'success', ...holdAnswer(await holds.release(ask, contextOf(request))) }
    },
  )
}

function holdAnswer(hold: LegalHold): object {
  return {
    hold_id: hold.holdId,
    client_id: hold.clientId,
    ticker: hold.ticker,
    from: hold.from,
    to: hold.to,
    reason: hold.reason,
    placed_by: hold.placedBy,
    placed_at: hold.placedAt,
    release: hold.release && {
      reason: hold.release.reason,
      released_by: hold.release.releasedBy,
      released_at: hold.release.releasedAt,
    },
  }
}
