// Readers that say what they have: If-None-Match and If-Modified-Since. Who has it already is told so, and gets no body.
import type { FastifyReply, FastifyRequest } from 'fastify'

/** What an answer is told apart by. */
export interface Validators {
  /** A weak one, `W/"…"`: the ages in an answer grow, and do not count. */
  readonly etag: string
  /** null: the answer has no moment of its own. */
  readonly lastModified: Date | null
}

/** For the documentation of routes that answer 304. */
export const VALIDATOR_HEADERS = {
  type: 'object',
  properties: {
    'if-none-match': {
      type: 'string',
      description: 'The ETag of the answer you have, or several by commas: while it is that, 304.',
      examples: ['W/"standard-v1.json.4cJ4ZbG0Qm3VqX6wT1yHc0uLr9K"'],
    },
    'if-modified-since': {
      type: 'string',
      description: 'The Last-Modified of the answer you have. Not looked at beside If-None-Match.',
      examples: ['Tue, 24 Nov 2026 15:00:00 GMT'],
    },
  },
} as const

/**
 * Gives the answer its validators, for the one client alone and never used without asking.
 * @returns whether the caller has it already, as RFC 9110 compares them
 */
export function validated(request: FastifyRequest, reply: FastifyReply, { etag, lastModified }: Validators): boolean {
  reply.header('etag', etag).header('cache-control', 'private, no-cache')
  if (lastModified !== null) reply.header('last-modified', lastModified.toUTCString())
  const { 'if-none-match': tags, 'if-modified-since': since } = request.headers
  if (tags !== undefined) {
    const known = tags.split(',').map((tag) => opaque(tag.trim()))
    return known.includes('*') || known.includes(opaque(etag))
  }
  if (since === undefined || lastModified === null) return false
  // A date that cannot be read is none: NaN compares with nothing.
  return Math.floor(lastModified.getTime() / 1000) * 1000 <= Date.parse(since)
}

const opaque = (tag: string) => tag.replace(/^W\//, '')
