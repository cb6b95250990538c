// The door: turns a request's credential into a principal, takes one request from its broker's limit, and lets it pass to
// what its role may do. Every answer to an authenticated request counts, whatever its status but 429.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import type { ApiKeys, Principal, Tier } from './api-keys.ts'
import type { BadTries } from './bad-tries.ts'
import type { RateLimiter } from './rate-limit.ts'
import { mayPerform, type Operation } from './roles.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticated`; absent on routes without it. */
    principal?: Principal
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
}

const SLOW_DOWN_MS = 1000
/** Answers held back at once. Beyond that they are refused unread with 429. */
const HELD_BACK_MAX = 50

export function credentials(options: CredentialsOptions): Credentials {
  const { apiKeys, rateLimiter, badTries, requestsPerMinute, metrics } = options
  const slowDownMs = options.slowDownMs ?? SLOW_DOWN_MS
  let heldBack = 0

  async function refuse(request: FastifyRequest): Promise<never> {
    if (badTries.note(request.ip)) {
      if (heldBack >= HELD_BACK_MAX) {
        metrics.badCredentials.inc({ outcome: 'refused' })
        throw new Problem('RATE_LIMIT_EXCEEDED', 'Too many bad credentials came from this address')
      }
      metrics.badCredentials.inc({ outcome: 'slowed' })
      request.log.warn({ address: request.ip }, 'bad credentials keep coming from this address')
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

  return {
    authenticated: (operation) => async (request, reply) => {
      const header = request.headers['x-api-key']
      if (header === undefined) throw new Problem('UNAUTHORIZED', 'An API key is required in the X-API-Key header')
      const principal = typeof header === 'string' ? await apiKeys.authenticate(header) : null
      if (principal === null) return refuse(request)
      request.principal = principal
      request.clientId = principal.clientId
      request.keyId = principal.keyId

      const limit = principal.requestsPerMinute ?? requestsPerMinute[principal.tier]
      const taken = await rateLimiter.take(principal.clientId, limit, 1)
      reply.headers({
        'x-ratelimit-limit': String(taken.limit),
        'x-ratelimit-remaining': String(taken.remaining),
        'x-ratelimit-reset': String(taken.resetSeconds),
      })
      if (!taken.allowed) {
        metrics.rateLimited.inc({ tier: principal.tier })
        throw new Problem('RATE_LIMIT_EXCEEDED', `The limit of ${limit} requests in 60 seconds is used up`, {
          retryAfterSeconds: taken.resetSeconds,
        })
      }
      if (!mayPerform(principal.role, operation)) {
        throw new Problem('FORBIDDEN', 'The role of this key does not allow this')
      }
    },
  }
}
