// The keys of the API, for an administrator: listed, made, revoked, rotated. The text of a key leaves once, in the answer that makes it.
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type TSchema, Type } from 'typebox'
import {
  type ApiKey,
  type ApiKeyChanges,
  type IssuedKey,
  OVERLAP_DAYS,
  OVERLAP_DAYS_MAX,
} from '../../access/api-key-changes.ts'
import { EXPIRES_IN_DAYS, EXPIRES_IN_DAYS_MAX, holdsApiKey } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { ROLES } from '../../access/roles.ts'
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
  patternField,
  shape,
  textField,
  withDefault,
} from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'

const LABEL_LENGTH_MAX = 200

const expiresInDays = withDefault(
  integerField({
    description: 'How long the new key is good.',
    minimum: 1,
    maximum: EXPIRES_IN_DAYS_MAX,
    example: EXPIRES_IN_DAYS,
  }),
  EXPIRES_IN_DAYS,
)

const KEY_BODY = shape(
  {
    client_id: clientIdField({ description: 'The broker that the key belongs to; staff belong to house.' }),
    role: enumField(ROLES, { description: 'What the key may do.', example: 'broker' }),
    label: optional(
      nullable(
        textField({
          description: 'For whom or what it is, for people.',
          example: 'Order system, London',
          minLength: 1,
          maxLength: LABEL_LENGTH_MAX,
        }),
      ),
    ),
    expires_in_days: expiresInDays,
  },
  {
    description: 'The new key.',
    examples: [{ client_id: 'demo-classic', role: 'broker', label: 'Order system, London' }],
  },
)

const ROTATE_BODY = shape(
  {
    overlap_days: withDefault(
      integerField({
        description: 'How long the old key goes on, at the most to its own end; 0 ends it at once.',
        minimum: 0,
        maximum: OVERLAP_DAYS_MAX,
        example: OVERLAP_DAYS,
      }),
      OVERLAP_DAYS,
    ),
    expires_in_days: expiresInDays,
  },
  { description: 'May be left out.', examples: [{ overlap_days: 7 }] },
)

const LIST_QUERY = shape({
  client_id: optional(clientIdField({ description: 'Keys of this broker alone.' })),
  active: optional(
    booleanField({
      description: 'true: those that are good now. false: those that have expired or are revoked. Left out: all.',
      example: true,
    }),
  ),
  ...PAGE_FIELDS,
})

const KEY_PATH = shape({
  key_id: patternField('^[0-9A-Za-z_-]{4,64}$', 'must be the key_id of an API key', {
    description: 'As the list names it: the second part of the key.',
    example: 'Yb3kQ0s9TzLm',
  }),
})

const REVOKE_QUERY = shape({
  own: withDefault(
    booleanField({
      description: 'true: also when it is the key that this very request is made with.',
      example: true,
    }),
    false,
  ),
})

const TIME = Type.String({ format: 'date-time' })
const orNull = (schema: TSchema, description: string) => Type.Union([schema, Type.Null()], { description })

const KEY = {
  key_id: Type.String({ description: 'Names the key; not secret.' }),
  client_id: Type.String(),
  role: Type.Enum(ROLES as unknown as string[]),
  label: orNull(Type.String(), 'null: none.'),
  created_at: TIME,
  expires_at: TIME,
  last_used_at: orNull(TIME, 'To the minute; null: never.'),
  revoked_at: orNull(TIME, 'In the future while a key that was rotated goes on; null: not revoked.'),
  replaced_by: orNull(Type.String(), 'The key_id of the key that takes its place; null: none does.'),
  active: Type.Boolean({ description: 'Neither expired nor revoked.' }),
}
const ONE_KEY = Type.Object({ status: Type.Literal('success'), ...KEY })
const API_KEY = Type.String({
  description: 'The whole key, for X-API-Key. It is shown this once; only its hash is kept.',
})
const NEW_KEY = Type.Object({ status: Type.Literal('success'), api_key: API_KEY, ...KEY })
const ROTATED_KEY = Type.Object({
  status: Type.Literal('success'),
  api_key: API_KEY,
  ...KEY,
  replaced: Type.Object(KEY, { description: 'The old key, with its end.' }),
})

const FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const
const WRITING_FAILURES = [...FAILURES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const

export function apiKeyRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly keys: ApiKeyChanges },
): void {
  const { credentials, keys } = options
  const tags = ['keys']
  const url = '/api/v1/api-keys'

  app.get(
    url,
    {
      onRequest: credentials.authenticated('read_api_keys'),
      schema: {
        ...forRoles('read_api_keys', 'The newest first. Neither a key nor its hash is ever among what is answered.'),
        tags,
        operationId: 'apiKeys',
        summary: 'API keys',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(KEY)),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const { client_id: clientId = null, active = null, ...page } = parseShape(LIST_QUERY, request.query, 'query')
      return listAnswer(await keys.list({ clientId, active, ...page }), page, keyAnswer)
    },
  )

  app.post(
    url,
    {
      onRequest: credentials.authenticated('create_api_key'),
      schema: {
        ...forRoles(
          'create_api_key',
          'The answer holds the key, this once. The broker must be there and active; every role but broker is for the house alone. It is on the record who made it, for whom and for how long.',
        ),
        tags,
        operationId: 'createApiKey',
        summary: 'Make an API key',
        body: KEY_BODY,
        response: { 201: NEW_KEY, ...failures(...WRITING_FAILURES, 'CLIENT_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { client_id: clientId, role, label, expires_in_days } = readKeyBody(request.body)
      const wanted = { clientId, role, expiresInDays: expires_in_days, ...(label != null && { label }) }
      const issued = await keys.create(wanted, actorOf(request))
      return shownOnce(reply, 201).send({ status: 'success', ...issuedAnswer(issued) })
    },
  )

  app.delete(
    `${url}/:key_id`,
    {
      onRequest: credentials.authenticated('revoke_api_key'),
      schema: {
        ...forRoles(
          'revoke_api_key',
          'For good, with the sessions that were opened with it: refused at once by who answers this, and within ten seconds everywhere. ' +
            'The key that the request is made with, or whose session it is made in, is revoked only with own=true; else 409. A key that has been revoked stays as it is.',
        ),
        tags,
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        params: KEY_PATH,
        querystring: REVOKE_QUERY,
        response: { 200: ONE_KEY, ...failures(...FAILURES, 'NOT_FOUND', 'CONFLICT') },
      },
    },
    async (request) => {
      const { key_id: keyId } = parseShape(KEY_PATH, request.params, 'path')
      const { own } = parseShape(REVOKE_QUERY, request.query, 'query')
      if (keyId === request.principal?.keyId && !own) {
        throw new Problem('CONFLICT', 'This request is made with that key: say own=true to revoke it all the same')
      }
      return { status: 'success', ...keyAnswer(await keys.revoke(keyId, actorOf(request))) }
    },
  )

  app.post(
    `${url}/:key_id/rotate`,
    {
      onRequest: credentials.authenticated('rotate_api_key'),
      schema: {
        ...forRoles(
          'rotate_api_key',
          `A new key of the same broker, role and label, shown this once. The old one goes on for ${OVERLAP_DAYS} days unless said, at the most to its own end, so that its holder can change over. A key that has ended or was rotated before is 409.`,
        ),
        tags,
        operationId: 'rotateApiKey',
        summary: 'Replace an API key',
        params: KEY_PATH,
        body: ROTATE_BODY,
        response: {
          201: ROTATED_KEY,
          ...failures(...WRITING_FAILURES, 'NOT_FOUND', 'CLIENT_NOT_FOUND', 'CONFLICT'),
        },
      },
    },
    async (request, reply) => {
      const { key_id: keyId } = parseShape(KEY_PATH, request.params, 'path')
      const asked = parseShape(ROTATE_BODY, request.body === undefined ? {} : request.body, 'body')
      const ask = { overlapDays: asked.overlap_days, expiresInDays: asked.expires_in_days }
      const { replaced, ...issued } = await keys.rotate(keyId, ask, actorOf(request))
      const answer = { status: 'success', ...issuedAnswer(issued), replaced: keyAnswer(replaced) }
      return shownOnce(reply, 201).send(answer)
    },
  )
}

/** @throws Problem INVALID_PARAMETER that names every fault */
function readKeyBody(body: unknown) {
  const faults: ValidationError[] = []
  const given = collectShape(KEY_BODY, body, 'body', faults)
  if (typeof given.label === 'string' && holdsApiKey(given.label)) {
    faults.push({ field: 'label', location: 'body', message: 'label must not hold an API key' })
  }
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(KEY_BODY.properties))
  return given
}

/** What holds a secret is kept by nobody on the way. */
function shownOnce(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store')
}

function issuedAnswer({ apiKey, key }: IssuedKey): object {
  return { api_key: apiKey, ...keyAnswer(key) }
}

function keyAnswer(key: ApiKey): object {
  return {
    key_id: key.keyId,
    client_id: key.clientId,
    role: key.role,
    label: key.label,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    revoked_at: key.revokedAt,
    replaced_by: key.replacedBy,
    active: key.active,
  }
}
