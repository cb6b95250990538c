// The brokers and their terms: read by whom they concern, changed by an administrator, on the record.
import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import type { Terms } from '../../pricing/locate-fee.ts'
import type { BrokerFields } from '../../reference-data/broker-changes.ts'
import type { Broker } from '../../reference-data/broker-terms.ts'
import type { Administration } from '../../reference-data/http.ts'
import { modelName, TERMS_FIELDS, termsOf } from '../../reference-data/rate-card.ts'
import { invalidParameters, Problem, type ValidationError } from '../../server/problem.ts'
import {
  booleanField,
  clientIdField,
  collectShape,
  enumField,
  integerField,
  nullable,
  optional,
  parseShape,
  shape,
  textField,
  withDefault,
} from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { CONDITIONAL_HEADERS, etagOfVersion, expectedOf } from '../conditional.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { refuseKeysIn } from '../kept-text.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'

const BROKER_PATH = shape({ client_id: clientIdField({ description: 'The broker.' }) })
const LIST_QUERY = shape(PAGE_FIELDS)

const BROKER_BODY = shape(
  {
    name: optional(
      nullable(textField({ description: 'For people.', example: 'Acme Securities', minLength: 1, maxLength: 200 })),
    ),
    markup_percentage: TERMS_FIELDS.markup_percentage,
    markup_tiers: optional(TERMS_FIELDS.markup_tiers),
    transaction_fee_type: TERMS_FIELDS.transaction_fee_type,
    transaction_amount: TERMS_FIELDS.transaction_amount,
    day_count: TERMS_FIELDS.day_count,
    convention_pack: TERMS_FIELDS.convention_pack,
    billing: withDefault(TERMS_FIELDS.billing, 'term'),
    pricing_model: modelName,
    tier: enumField(['standard', 'premium', 'internal'], {
      description: 'Whose limit of requests holds.',
      example: 'standard',
    }),
    requests_per_minute: optional(
      nullable(
        integerField({
          description: "The broker's own limit in 60 s; null or left out: that of its tier.",
          minimum: 1,
          maximum: 1_000_000,
          example: 120,
        }),
      ),
    ),
    active: booleanField({ description: 'false: nothing is priced for it, and its keys open nothing.', example: true }),
  },
  {
    description: 'A broker, whole: what is left out is none.',
    examples: [
      {
        name: 'Acme Securities',
        markup_percentage: 5,
        transaction_fee_type: 'FLAT',
        transaction_amount: 25,
        day_count: 'ACT/360',
        convention_pack: 'us-collateral-mark',
        pricing_model: 'standard-v1',
        tier: 'standard',
        active: true,
      },
    ],
  },
)

const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])

const BROKER = {
  client_id: Type.String(),
  name: orNull(Type.String()),
  markup_percentage: Type.Number({ description: 'Percent points: 5 is 5 %.' }),
  markup_tiers: orNull(
    Type.Array(
      Type.Object({
        up_to: orNull(Type.Number({ description: 'USD.' })),
        markup_percentage: Type.Number({ description: 'Percent points.' }),
      }),
    ),
  ),
  transaction_fee_type: Type.String(),
  transaction_amount: Type.Number({ description: 'USD for FLAT, percent points for PERCENTAGE.' }),
  day_count: Type.String(),
  convention_pack: Type.String(),
  billing: Type.String(),
  pricing_model: Type.String(),
  tier: Type.String(),
  requests_per_minute: orNull(Type.Integer()),
  active: Type.Boolean(),
  version: Type.Integer({ description: 'Counts up with every change; the ETag.' }),
}
const ONE_BROKER = Type.Object(
  { status: Type.Literal('success'), ...BROKER },
  { title: 'Broker', description: 'A broker with its terms.' },
)

/** What every one of them can fail with. */
const FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const

export function brokerRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly administration: Administration },
): void {
  const { credentials, administration } = options
  const tags = ['configuration']

  app.get(
    '/api/v1/brokers',
    {
      onRequest: credentials.authenticated('list_brokers'),
      schema: {
        ...forRoles('list_brokers', 'By client_id, active or not.'),
        tags,
        operationId: 'brokers',
        summary: 'All brokers',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(BROKER)),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const page = parseShape(LIST_QUERY, request.query, 'query')
      return listAnswer(await administration.brokers(page, contextOf(request)), page, brokerAnswer)
    },
  )

  app.get(
    '/api/v1/brokers/:client_id',
    {
      onRequest: credentials.authenticated('read_broker'),
      schema: {
        ...forRoles('read_broker', 'A broker reads its own terms; the house reads any.'),
        tags,
        operationId: 'broker',
        summary: 'A broker and its terms',
        params: BROKER_PATH,
        response: { 200: ONE_BROKER, ...failures(...FAILURES, 'CLIENT_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { client_id: clientId } = parseShape(BROKER_PATH, request.params, 'path')
      const { role, clientId: own } = request.principal as Principal
      // Another's terms and no terms look the same.
      const broker =
        role === 'broker' && clientId !== own ? null : await administration.broker(clientId, contextOf(request))
      if (broker === null) throw new Problem('CLIENT_NOT_FOUND', `Client not found: ${clientId}`)
      etagOfVersion(reply, broker.version)
      return { status: 'success', ...brokerAnswer(broker) }
    },
  )

  app.put(
    '/api/v1/brokers/:client_id',
    {
      onRequest: credentials.authenticated('change_broker'),
      schema: {
        ...forRoles(
          'change_broker',
          'Makes a broker, or takes the place of all that was said of it. It holds within a second everywhere, and is on the record with who, when, old and new. ' +
            'Where two people are required (REQUIRE_APPROVAL) a change of what the broker is charged waits for the second one: 202.',
        ),
        tags,
        operationId: 'putBroker',
        summary: 'Make or change a broker',
        headers: CONDITIONAL_HEADERS,
        params: BROKER_PATH,
        body: BROKER_BODY,
        response: {
          200: ONE_BROKER,
          201: ONE_BROKER,
          202: Type.Object({
            status: Type.Literal('pending'),
            approval_id: Type.String({ description: 'What POST /approvals/{approval_id} decides.' }),
            current: orNull(Type.Object(BROKER, { description: 'What holds until then; null: there is none yet.' })),
          }),
          ...failures(
            ...FAILURES,
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'CONFLICT',
            'PRECONDITION_FAILED',
            'PRECONDITION_REQUIRED',
          ),
        },
      },
    },
    async (request, reply) => {
      const { client_id: clientId } = parseShape(BROKER_PATH, request.params, 'path')
      const expected = expectedOf(request)
      const fields = readBrokerBody(request.body)
      const change = await administration.putBroker(
        { clientId, fields, expected, actor: actorOf(request) },
        contextOf(request),
      )
      if (change.kind === 'pending') {
        const { approvalId, broker } = change
        return reply
          .code(202)
          .send({ status: 'pending', approval_id: approvalId, current: broker && brokerAnswer(broker) })
      }
      etagOfVersion(reply, change.broker.version)
      return reply
        .code(change.kind === 'created' ? 201 : 200)
        .send({ status: 'success', ...brokerAnswer(change.broker) })
    },
  )
}

/** @throws Problem INVALID_PARAMETER that names every fault, those between fields included */
function readBrokerBody(body: unknown): BrokerFields {
  const faults: ValidationError[] = []
  const given = collectShape(BROKER_BODY, body, 'body', faults)
  const terms = termsOf(given, (field, rule) => {
    // What is missing was said already.
    if (!faults.some((fault) => fault.field === field)) {
      faults.push({ field, location: 'body', message: `${field} ${rule}` })
    }
  })
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(BROKER_BODY.properties))
  refuseKeysIn({ name: given.name })
  return {
    name: given.name ?? null,
    terms: terms as Terms,
    pricingModel: given.pricing_model,
    tier: given.tier,
    requestsPerMinute: given.requests_per_minute ?? null,
    active: given.active,
  }
}

/** A broker as the contract answers it. */
export function brokerAnswer({ terms, ...broker }: Broker): object {
  return {
    client_id: broker.clientId,
    name: broker.name,
    markup_percentage: terms.markupPercentage,
    markup_tiers:
      terms.markupTiers?.map(({ upTo, markupPercentage }) => ({ up_to: upTo, markup_percentage: markupPercentage })) ??
      null,
    transaction_fee_type: terms.transactionFeeType,
    transaction_amount: terms.transactionAmount,
    day_count: terms.dayCount,
    convention_pack: terms.conventionPack,
    billing: terms.billing,
    pricing_model: broker.pricingModel,
    tier: broker.tier,
    requests_per_minute: broker.requestsPerMinute,
    active: broker.active,
    version: broker.version,
  }
}
