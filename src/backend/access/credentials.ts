// The door: turns a request's credential into a principal, takes one request from its broker's limit, and lets it pass to
// what its role may do. Every answer to an authenticated request counts, whatever its status but 429.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { type ApiKeys, type Principal, parseApiKey, type Tier } from './api-keys.ts'
import type { BadTries } from './bad-tries.ts'
import type { RateLimiter, Taken } from './rate-limit.ts'
import type { Refusal } from './refusals.ts'
import { mayPerform, type Operation } from './roles.ts'
import { senderAddress } from './sender.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticated`; absent on routes without it. */
    principal?: Principal
    /** What the request has taken of its broker's limit. */
    taken?: Taken
    /** The id of a key that was shown and is not valid. */
    refusedKeyId?: string
  }
}

export interface CredentialsOptions {
  readonly apiKeys: ApiKeys
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
   * Answers 401 without a valid key, 429 beyond the limit, 403 when the role may not perform the operation, 503 when keys
   * cannot be checked.
   */
  authenticated(operation: Operation): (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /**
   * For a request that turns out to cost more than the one that was taken at the door: takes the rest, or gives back the one and
   * answers 429. What costs more than `request.taken.limit` will never fit: say so with a 400 instead of asking here.
   * @param cost of the whole request, at least 1
   */
  charge(request: FastifyRequest, reply: FastifyReply, cost: number): Promise<void>
}

/** The failures that are refusals, by their status. */
const REFUSALS: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  429: 'RATE_LIMIT_EXCEEDED',
}

/** The refusal in an answer, for the record; null: it was none. */
export function refusalOf(request: FastifyRequest, status: number): Refusal | null {
  const errorCode = REFUSALS[status]
  if (errorCode === undefined) return null
  return {
    address: senderAddress(request),
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
  const { apiKeys, rateLimiter, badTries, requestsPerMinute, metrics } = options
  const slowDownMs = options.slowDownMs ?? SLOW_DOWN_MS
  let heldBack = 0

  async function refuse(request: FastifyRequest, shown: unknown): Promise<never> {
    const claimed = typeof shown === 'string' ? parseApiKey(shown) : null
    if (claimed !== null) request.refusedKeyId = claimed.keyId
    const address = senderAddress(request)
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
    throw new Problem('UNAUTHORIZED', 'The API key is not valid')
  }

  async function take(request: FastifyRequest, reply: FastifyReply, cost: number): Promise<void> {
    const { clientId, requestsPerMinute: own, tier } = request.principal as Principal
    const limit = own ?? requestsPerMinute[tier]
    const taken = await rateLimiter.take(clientId, limit, cost, request.taken)
    request.taken = taken
    reply.headers({
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(taken.remaining),
      'x-ratelimit-reset': String(taken.resetSeconds),
    })
    if (taken.allowed) return
    metrics.rateLimited.inc({ tier })
    throw new Problem('RATE_LIMIT_EXCEEDED', sentenceOf(limit, taken.remaining, cost), {
      retryAfterSeconds: taken.resetSeconds,
    })
  }

  return {
    charge: take,
    authenticated: (operation) => async (request, reply) => {
      const header = request.headers['x-api-key']
      if (header === undefined) throw new Problem('UNAUTHORIZED', 'An API key is required in the X-API-Key header')
      const principal = typeof header === 'string' ? await apiKeys.authenticate(header) : null
      if (principal === null) return refuse(request, header)
      request.principal = principal
      request.clientId = principal.clientId
      request.keyId = principal.keyId

      await take(request, reply, 1)
      if (!mayPerform(principal.role, operation)) {
        throw new Problem('FORBIDDEN', 'The role of this key does not allow this')
      }
    },
  }
}

function sentenceOf(limit: number, remaining: number, cost: number): string {
  if (cost === 1) return `The limit of ${limit} requests in 60 seconds is used up`
  return `This counts as ${cost} requests, and ${remaining} of ${limit} in 60 seconds are left`
}
