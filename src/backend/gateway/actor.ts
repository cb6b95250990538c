// Who asks, as the record keeps it; and what a client says so that the same request is never answered twice.
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../access/api-keys.ts'
import { senderAddress } from '../access/sender.ts'
import type { Actor } from '../audit/quote-record.ts'
import { invalidParameters } from '../server/problem.ts'

/** Characters of a header that are kept on the record. */
const HEADER_LENGTH_MAX = 200
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const NOT_PRINTABLE = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/g

/** Of the last request: most come from programs that send many. */
let lastUserAgent = { sent: '', kept: '' }

function keptUserAgent(sent: string): string {
  if (lastUserAgent.sent !== sent) {
    lastUserAgent = { sent, kept: sent.replace(NOT_PRINTABLE, '').slice(0, HEADER_LENGTH_MAX) }
  }
  return lastUserAgent.kept
}

/** Who asked; header text is cleaned and cut. The request is an authenticated one. */
export function actorOf(request: FastifyRequest, idempotencyKey: string | null = null): Actor {
  const principal = request.principal as Principal
  const userAgent = request.headers['user-agent']
  return {
    actorType: principal.role,
    actorId: principal.clientId,
    keyId: principal.keyId,
    sourceIp: senderAddress(request),
    userAgent: userAgent === undefined ? null : keptUserAgent(userAgent),
    requestId: request.id,
    idempotencyKey,
  }
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** The header, for the documentation of routes that read it. */
export const IDEMPOTENCY_HEADER = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      pattern: IDEMPOTENCY_KEY.source,
      description:
        'Any text of your own, new for each request that is meant to be one. The same request under the same key gets the same answer for 24 hours, with the same audit_id (a single quote says so with `Idempotency-Replayed: true`); another request under it is refused with 422.',
      examples: ['5f0c7e0e-order-4711'],
    },
  },
} as const

/** The request's Idempotency-Key, or null. @throws Problem INVALID_PARAMETER for one that cannot be kept */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header
  const message = 'Idempotency-Key must be 1 to 255 visible ASCII characters'
  throw invalidParameters([{ field: 'Idempotency-Key', location: 'header', message }])
}
