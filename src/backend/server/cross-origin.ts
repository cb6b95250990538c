// Which pages of other origins may call the API from a browser: those in the configured list, and no others. Never `*`,
// since answers depend on credentials.
import type { FastifyReply, FastifyRequest } from 'fastify'

const METHODS = 'GET, HEAD, POST, PUT, DELETE'
const REQUEST_HEADERS = [
  ...['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'If-Modified-Since', 'If-None-Match'],
  ...['Last-Event-ID', 'X-API-Key', 'X-Request-ID'],
].join(', ')
const ANSWER_HEADERS = [
  ...['Allow', 'Content-Disposition', 'ETag', 'Idempotency-Replayed', 'Link', 'Retry-After'],
  ...['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'X-Request-ID', 'X-Total-Count'],
].join(', ')
const PREFLIGHT_AGE_SECONDS = '600'

/**
 * What an answer tells the browser of a page: whether the page may read it.
 * @param origins exact origins, `https://desk.example.com`
 */
export function originHeaders(origins: readonly string[]): (request: FastifyRequest, reply: FastifyReply) => void {
  if (origins.length === 0) return () => {}
  const allowed = new Set(origins)
  return ({ headers: { origin } }, reply) => {
    reply.header('vary', 'Origin')
    if (origin === undefined || !allowed.has(origin)) return
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': ANSWER_HEADERS,
      // The server's own policy would keep the answer from the page that may read it.
      'cross-origin-resource-policy': 'cross-origin',
    })
  }
}

/**
 * Answers what a browser asks before the request of a page; to pages that may not call it is a method like any other.
 * @returns whether it was such a question
 */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply): boolean {
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  if (!reply.hasHeader('access-control-allow-origin')) return false
  reply
    .headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': PREFLIGHT_AGE_SECONDS,
    })
    .code(204)
    .send()
  return true
}
