// Signing in and out at the console: an API key for an access token, which is renewed by a cookie that no script can read.
import cookies from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { ROLES } from '../../access/roles.ts'
import { type Sessions, type SignedIn, TOKEN_SECONDS } from '../../access/sessions.ts'
import { REFRESH_COOKIE } from '../../server/openapi.ts'
import { Problem } from '../../server/problem.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'

const URL = '/api/v1/session'

const FAILURES = ['UNAUTHORIZED', 'NOT_FOUND', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'] as const

const WHO = {
  client_id: Type.String({ description: "The key's broker." }),
  role: Type.Enum(ROLES as unknown as string[], { description: "The key's role." }),
  label: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'What its maker called the key: as a rule, who holds it.',
    examples: ['M. Okafor, desk'],
  }),
}

const SIGNED_IN = Type.Object({
  status: Type.Literal('success'),
  key_id: Type.String({ description: 'Names the key that the session was opened with; not secret.' }),
  access_token: Type.String({ description: 'Goes into `Authorization: Bearer …`, wherever an API key would do.' }),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds.', examples: [TOKEN_SECONDS] }),
  ...WHO,
})

const WHO_AM_I = Type.Object({
  status: Type.Literal('success'),
  ...WHO,
  expires_at: Type.String({
    format: 'date-time',
    description: 'When the key expires; of an access token, when its session ends unless it is renewed.',
  }),
})

const NO_SESSIONS = 'This deployment has no sessions: JWT_SECRET or JWT_KEY_FILE is not set'

/** @param options.sessions null: the deployment has nothing to sign tokens with */
export function sessionRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly sessions: Sessions | null },
): void {
  // A scope of its own: nobody else's cookies are read.
  app.register(async (scope) => {
    await scope.register(cookies)
    addRoutes(scope, options.credentials, options.sessions)
  })
}

function addRoutes(app: FastifyInstance, credentials: Credentials, sessions: Sessions | null): void {
  const tags = ['session']
  const signedIn = { 200: SIGNED_IN, ...failures(...FAILURES) }
  const withKey = credentials.authenticated(null, 'key')

  app.post(
    URL,
    {
      onRequest: [async () => void there(sessions), withKey],
      config: { keyOnly: true },
      schema: {
        tags,
        security: [{ apiKey: [] }],
        operationId: 'signIn',
        summary: 'Sign in',
        description:
          'Opens a session for who shows an API key: an access token for 15 minutes, and a cookie (HttpOnly, SameSite=Strict, 24 hours) to renew it with. Role and limits stay those of the key; when the key ends, so does the session.',
        response: signedIn,
      },
    },
    async (request, reply) => answer(request, reply, await there(sessions).open(request.principal!)),
  )

  app.get(
    URL,
    {
      onRequest: credentials.authenticated('who_am_i'),
      schema: {
        ...forRoles('who_am_i', 'Whose the key or the access token of the request is, and what role it has.'),
        tags,
        operationId: 'whoAmI',
        summary: 'Who am I',
        response: {
          200: WHO_AM_I,
          ...failures('UNAUTHORIZED', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'),
        },
      },
    },
    async (request, reply) => {
      const principal = request.principal!
      reply.header('cache-control', 'no-store')
      return { status: 'success', ...who(principal), expires_at: request.sessionEndsAt ?? principal.expiresAt }
    },
  )

  app.post(
    `${URL}/refresh`,
    {
      schema: {
        tags,
        security: [{ refreshCookie: [] }],
        operationId: 'refreshSession',
        summary: 'Renew the access token',
        description:
          'A new access token and a new cookie for the cookie. Each cookie is good once: when an old one comes back, two hold it, and the session ends for both. So several windows must not renew at the same time. A session ends seven days after it was opened.',
        response: signedIn,
      },
    },
    async (request, reply) => {
      const open = there(sessions)
      const cookie = cookieOf(request)
      const renewed = await open.renew(cookie, (principal) => credentials.admit(request, reply, principal))
      if (renewed !== null) return answer(request, reply, renewed)
      forget(request, reply)
      return credentials.refuse(request, 'The session has ended')
    },
  )

  app.delete(
    URL,
    {
      schema: {
        tags,
        security: [{ refreshCookie: [] }, { accessToken: [] }],
        operationId: 'signOut',
        summary: 'Sign out',
        description:
          'Ends the session of the access token, else that of the cookie. Its tokens are refused everywhere within ten seconds.',
        response: {
          200: Type.Object({ status: Type.Literal('success') }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request, reply) => {
      const open = there(sessions)
      forget(request, reply)
      const cookie = request.cookies[REFRESH_COOKIE]
      const holder = cookie === undefined ? null : await open.holderOf(cookie)
      if (holder !== null) {
        await credentials.admit(request, reply, holder.principal)
        request.sessionId = holder.sessionId
      } else if (cookie === undefined || request.headers.authorization !== undefined) {
        await credentials.authenticate(request, reply)
      } else {
        return credentials.refuse(request, 'The session has ended')
      }
      if (request.sessionId === undefined) throw new Problem('UNAUTHORIZED', 'This credential has no session')
      await open.end(request.sessionId, 'signed_out')
      return { status: 'success' }
    },
  )
}

function there(sessions: Sessions | null): Sessions {
  if (sessions === null) throw new Problem('NOT_FOUND', NO_SESSIONS)
  return sessions
}

function answer(request: FastifyRequest, reply: FastifyReply, signedIn: SignedIn): object {
  const { principal, accessToken, cookie, expiresAt } = signedIn
  reply.header('cache-control', 'no-store')
  reply.setCookie(REFRESH_COOKIE, cookie, { ...attributesOf(request), expires: expiresAt })
  return {
    status: 'success',
    key_id: principal.keyId,
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    ...who(principal),
  }
}

function who({ clientId, role, label }: Principal): object {
  return { client_id: clientId, role, label }
}

function forget(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('cache-control', 'no-store')
  reply.clearCookie(REFRESH_COOKIE, attributesOf(request))
}

/** Sent back to these routes alone, and over TLS alone where the request came over TLS, as far as trusted proxies say so. */
function attributesOf(request: FastifyRequest) {
  return { path: URL, httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' } as const
}

function cookieOf(request: FastifyRequest): string {
  const cookie = request.cookies[REFRESH_COOKIE]
  if (cookie === undefined) throw new Problem('UNAUTHORIZED', 'The cookie of a session is required')
  return cookie
}
