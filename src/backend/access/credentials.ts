// The door: turns a request's credential into a principal, takes one request from its broker's limit, and lets it pass to
// what its role may do. Every answer to an authenticated request counts, whatever its status but 429.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { type ApiKeys, type Principal, parseApiKey, type Tier } from './api-keys.ts'
import type { BadTries } from './bad-tries.ts'
import type { RateLimiter, Taken } from './rate-limit.ts'
import type { Refusal } from './refusals.ts'
import { mayPerform, type Operation } from './roles.ts'
import { senderAddress } from './sender.ts'
import type { Sessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticated`; absent on routes without it. */
    principal?: Principal
    /** The session of an access token. */
    sessionId?: string
    /** When it ends unless it is renewed. */
    sessionEndsAt?: Date
    /** What the request has taken of its broker's limit. */
    taken?: Taken
    /** The id of a key that was shown and is not valid. */
    refusedKeyId?: string
    /** Where a bad credential came from: when its answer is held back, who sent it may have gone by then. */
    refusedAddress?: string
  }
}

export interface CredentialsOptions {
  readonly apiKeys: ApiKeys
  /** Null: there are none here, and no access token is good. */
  readonly sessions: Pick<Sessions, 'authenticate'> | null
  readonly rateLimiter: RateLimiter
  readonly badTries: BadTries
  /** Requests in 60 s by tier, for brokers without a number of their own. */
  readonly requestsPerMinute: Readonly<Record<Tier, number>>
  readonly metrics: Metrics
  /** How long an answer to one bad try too many is held back. */
  readonly slowDownMs?: number
}

export interface Credentials {
  /**
   * An onRequest hook for routes. After it `request.principal` is set.
   * Answers 401 without a valid key or access token, 429 beyond the limit, 403 when the role may not perform the operation,
   * 503 when credentials cannot be checked.
   * @param operation null: any role may
   * @param accepts `key`: an access token will not do
   */
  authenticated(
    operation: Operation | null,
    accepts?: 'key' | 'any',
  ): (request: FastifyRequest, reply: FastifyReply, done: (problem?: Error) => void) => void
  /** The same for a request of any role whose route learns late that it needs a credential. */
  authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** For a credential that a route has checked itself: the request is the principal's, and one is taken from the broker's limit. */
  admit(request: FastifyRequest, reply: FastifyReply, principal: Principal): Promise<void>
  /** For a credential that a route has found bad: answers 401, later when too many come from this address. */
  refuse(request: FastifyRequest, sentence: string): Promise<never>
  /**
   * For a request that turns out to cost more than the one that was taken at the door: takes the rest, or gives back the one and
   * answers 429. What costs more than `request.taken.limit` will never fit: say so with a 400 instead of asking here.
   * @param cost of the whole request, at least 1
   */
  charge(request: FastifyRequest, reply: FastifyReply, cost: number): Promise<void>
  /** For a request that a route answers with 429 for a reason of its own: what was taken at the door is given back. */
  giveBack(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** For an answer that goes on: whether the credential of its request is still good, whenever that is asked. */
  watched(request: FastifyRequest): WatchedCredential
}

/** A credential that has to stay good as long as an answer goes on. */
export interface WatchedCredential {
  /** The same for the same credential. Secret, as the credential is. */
  readonly id: string
  /** Throws Problem SERVICE_UNAVAILABLE when that cannot be checked. */
  isGood(): Promise<boolean>
}

/** The failures that are refusals, by their status. */
const REFUSALS: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  429: 'RATE_LIMIT_EXCEEDED',
}

/**
 * Tells of everybody who is turned away: when it is decided, and not when it was heard, since whoever hangs up before the answer is
 * turned away as well.
 */
export function onRefusals(app: FastifyInstance, note: (refusal: Refusal) => void): void {
  app.addHook('onError', (request, _reply, error, done) => {
    const refusal = error instanceof Problem ? refusalOf(request, error.status) : null
    if (refusal !== null) note(refusal)
    done()
  })
}

/** Null: it is none. */
function refusalOf(request: FastifyRequest, status: number): Refusal | null {
  const errorCode = REFUSALS[status]
  if (errorCode === undefined) return null
  return {
    address: request.refusedAddress ?? senderAddress(request),
    keyId: request.principal?.keyId ?? request.refusedKeyId ?? null,
    clientId: request.principal?.clientId ?? null,
    errorCode,
    route: request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown'),
  }
}

const SLOW_DOWN_MS = 1000
/** Answers held back at once. Beyond that they are refused unread with 429. */
const HELD_BACK_MAX = 50

export function credentials(options: CredentialsOptions): Credentials {
  const { apiKeys, sessions, rateLimiter, badTries, requestsPerMinute, metrics } = options
  const slowDownMs = options.slowDownMs ?? SLOW_DOWN_MS
  let heldBack = 0

  async function refuse(request: FastifyRequest, sentence: string): Promise<never> {
    const address = senderAddress(request)
    request.refusedAddress = address
    const { held, first } = await badTries.note(address)
    if (first) request.log.warn({ address }, 'bad credentials keep coming from this address, and are slowed')
    if (held) {
      if (heldBack >= HELD_BACK_MAX) {
        metrics.badCredentials.inc({ outcome: 'refused' })
        throw new Problem('RATE_LIMIT_EXCEEDED', 'Too many bad credentials came from this address')
      }
      metrics.badCredentials.inc({ outcome: 'slowed' })
      heldBack += 1
      try {
        await sleep(slowDownMs)
      } finally {
        heldBack -= 1
      }
    } else {
      metrics.badCredentials.inc({ outcome: 'unauthorized' })
    }
    throw new Problem('UNAUTHORIZED', sentence)
  }

  /** Takes a cost in place of what the request has taken before, or gives that back when it does not fit. */
  function count(request: FastifyRequest, principal: Principal, cost: number): Taken | Promise<Taken> {
    return rateLimiter.take(principal.clientId, limitOf(principal), cost, request.taken)
  }

  const limitOf = ({ requestsPerMinute: own, tier }: Principal): number => own ?? requestsPerMinute[tier]

  function note(request: FastifyRequest, reply: FastifyReply, taken: Taken): void {
    request.taken = taken
    reply.header('x-ratelimit-limit', String(taken.limit))
    reply.header('x-ratelimit-remaining', String(taken.remaining))
    reply.header('x-ratelimit-reset', String(taken.resetSeconds))
  }

  /** @returns why it does not fit; null when it does */
  function noteTaken(request: FastifyRequest, reply: FastifyReply, taken: Taken, cost: number): Problem | null {
    note(request, reply, taken)
    if (taken.allowed) return null
    metrics.rateLimited.inc({ tier: (request.principal as Principal).tier })
    return new Problem('RATE_LIMIT_EXCEEDED', sentenceOf(taken.limit, taken.remaining, cost), {
      retryAfterSeconds: taken.resetSeconds,
    })
  }

  async function take(request: FastifyRequest, reply: FastifyReply, cost: number): Promise<void> {
    const taken = await count(request, request.principal as Principal, cost)
    const problem = noteTaken(request, reply, taken, cost)
    if (problem !== null) throw problem
  }

  function holds(request: FastifyRequest, principal: Principal): void {
    request.principal = principal
    request.clientId = principal.clientId
    request.keyId = principal.keyId
  }

  async function admit(request: FastifyRequest, reply: FastifyReply, principal: Principal): Promise<void> {
    holds(request, principal)
    await take(request, reply, 1)
  }

  /** Whoever shows a credential; without one a Problem. */
  async function holderOfAny(request: FastifyRequest, accepts: 'key' | 'any'): Promise<Principal> {
    const { 'x-api-key': key, authorization } = request.headers
    if (key !== undefined) return holderOfKey(request, key)
    if (authorization !== undefined && accepts === 'any') return holderOfToken(request, authorization)
    throw new Problem('UNAUTHORIZED', WHAT_IS_REQUIRED[accepts])
  }

  const mayNot = (principal: Principal, operation: Operation | null): Problem | null =>
    operation === null || mayPerform(principal.role, operation)
      ? null
      : new Problem('FORBIDDEN', 'The role of this key does not allow this')

  async function holderOfKey(request: FastifyRequest, shown: string | string[]): Promise<Principal> {
    const principal = typeof shown === 'string' ? await apiKeys.authenticate(shown) : null
    if (principal !== null) return principal
    const claimed = typeof shown === 'string' ? parseApiKey(shown) : null
    if (claimed !== null) request.refusedKeyId = claimed.keyId
    return refuse(request, 'The API key is not valid')
  }

  async function holderOfToken(request: FastifyRequest, header: string): Promise<Principal> {
    const [, token] = BEARER.exec(header) ?? []
    const holder = token === undefined || sessions === null ? null : await sessions.authenticate(token)
    if (holder === null) return refuse(request, 'The access token is not valid')
    // One of ours: nobody is guessing.
    if (holder === 'ended') throw new Problem('UNAUTHORIZED', 'The access token has expired or its session has ended')
    request.sessionId = holder.sessionId
    request.sessionEndsAt = holder.endsAt
    return holder.principal
  }

  return {
    authenticate: async (request, reply) => admit(request, reply, await holderOfAny(request, 'any')),
    admit,
    refuse,
    charge: take,
    async giveBack(request, reply) {
      const principal = request.principal as Principal
      // More than ever fits.
      note(request, reply, await count(request, principal, limitOf(principal) + 1))
    },
    watched: (request) => watchedCredential(request, apiKeys, sessions),
    authenticated:
      (operation, accepts = 'any') =>
      (request, reply, done) => {
        const { 'x-api-key': key } = request.headers
        const atHand = typeof key === 'string' ? apiKeys.authenticateAtHand(key) : null
        // Nearly always the key's row is at hand, and without a shared store the count as well: then nothing is waited for.
        if (atHand !== null) {
          holds(request, atHand)
          const taken = count(request, atHand, 1)
          if (!(taken instanceof Promise)) {
            done(noteTaken(request, reply, taken, 1) ?? mayNot(atHand, operation) ?? undefined)
            return
          }
          taken.then(
            (counted) => done(noteTaken(request, reply, counted, 1) ?? mayNot(atHand, operation) ?? undefined),
            done,
          )
          return
        }
        holderOfAny(request, accepts)
          .then(async (principal) => {
            await admit(request, reply, principal)
            return mayNot(principal, operation)
          })
          .then((problem) => done(problem ?? undefined), done)
      },
  }
}

function watchedCredential(
  request: FastifyRequest,
  apiKeys: ApiKeys,
  sessions: CredentialsOptions['sessions'],
): WatchedCredential {
  const { keyId } = request.principal as Principal
  const [, token] = request.sessionId === undefined ? [] : (BEARER.exec(request.headers.authorization ?? '') ?? [])
  if (token === undefined || sessions === null) {
    return { id: `key ${keyId}`, isGood: async () => (await apiKeys.principalOf(keyId)) !== null }
  }
  return {
    id: `token ${token}`,
    async isGood() {
      const holder = await sessions.authenticate(token)
      return holder !== null && holder !== 'ended'
    },
  }
}

/** Scheme and token; the scheme in any letters, as HTTP has it. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i

const WHAT_IS_REQUIRED = {
  key: 'An API key is required in the X-API-Key header',
  any: 'An API key is required in the X-API-Key header, or an access token in the Authorization header',
} as const

function sentenceOf(limit: number, remaining: number, cost: number): string {
  if (cost === 1) return `The limit of ${limit} requests in 60 seconds is used up`
  return `This counts as ${cost} requests, and ${remaining} of ${limit} in 60 seconds are left`
}
