// Shedding: a process that cannot keep up says so at once, with 503 and Retry-After, instead of letting everybody wait. Health checks
// and metrics are always answered, so that an overloaded process is seen for what it is and not taken for a dead one.
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from './metrics.ts'
import { Problem } from './problem.ts'

export interface OverloadLimits {
  /** Mean delay of the event loop above which requests are refused. */
  readonly eventLoopDelayMsMax: number
  /** Requests that may be in the process at once. */
  readonly requestsInFlightMax: number
}

const SAMPLE_MS = 250
/** A start keeps the event loop busy. What it was late by then says nothing about the load. */
const UNJUDGED_AFTER_START_MS = 1_000
const RETRY_AFTER_SECONDS = 1

declare module 'fastify' {
  interface FastifyRequest {
    /** The count of requests in the process that it is part of. Null: it does not count, or no more. */
    countedIn: { inFlight: number } | null
  }
}

/** From here on the request is no work: it has ended, or its answer goes on and waits for something to happen. */
export function countNoMore(request: FastifyRequest): void {
  if (request.countedIn === null) return
  request.countedIn.inFlight -= 1
  request.countedIn = null
}

/**
 * Looks at how late the event loop is, and refuses what it cannot keep up with.
 * @param exempt true for requests that are answered whatever the load
 * @returns what counts a request, or says why there are too many: to be called when one begins
 */
export async function shedOverload(
  app: FastifyInstance,
  limits: OverloadLimits,
  metrics: Metrics,
  exempt: (request: FastifyRequest) => boolean,
): Promise<(request: FastifyRequest) => Problem | null> {
  const count = { inFlight: 0 }
  let judgedFromMs = Number.POSITIVE_INFINITY
  const shed = (reason: 'event_loop' | 'in_flight') => {
    metrics.shedRequests.inc({ reason })
    return new Problem('SERVICE_UNAVAILABLE', 'The service is overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS })
  }
  metrics.gauge('http_requests_in_flight', 'Requests that are being answered now', () => count.inFlight)

  app.addHook('onListen', (done) => {
    judgedFromMs = performance.now() + UNJUDGED_AFTER_START_MS
    done()
  })
  await app.register(underPressure, {
    maxEventLoopDelay: limits.eventLoopDelayMsMax,
    sampleInterval: SAMPLE_MS,
    pressureHandler: (request, _reply, _type, delayMs) => {
      if (exempt(request) || performance.now() < judgedFromMs) return
      // The library takes a sample in which nothing was measured for an endless delay. What it says is that the loop was late by about
      // a sample: too much or not, that is for the limit to say.
      if (delayMs === Number.POSITIVE_INFINITY && limits.eventLoopDelayMsMax > SAMPLE_MS) return
      throw shed('event_loop')
    },
  })
  return (request) => {
    if (exempt(request)) return null
    if (count.inFlight >= limits.requestsInFlightMax) return shed('in_flight')
    count.inFlight += 1
    request.countedIn = count
    return null
  }
}
