// Writers that say what they have read: the ETag of a version, and If-Match. Two people who change the same thing hear of each other.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Expected } from '../reference-data/changing.ts'
import { invalidParameters } from '../server/problem.ts'

/** Of a version, as GET and PUT answer it. */
export function etagOfVersion(reply: FastifyReply, version: number): void {
  reply.header('etag', `"${version}"`)
}

/** The headers, for the documentation of routes that read them. */
export const CONDITIONAL_HEADERS = {
  type: 'object',
  properties: {
    'if-match': {
      type: 'string',
      description:
        'The ETag of the version you have read, or `*` for any. Required when it exists already; without it the answer is 428, and 412 when it was changed since.',
      examples: ['"3"'],
    },
    'if-none-match': {
      type: 'string',
      description: '`*`: only make it, when there is none yet; else 412.',
      examples: ['*'],
    },
  },
} as const

const VERSION = /^"([1-9][0-9]{0,9})"$/

/** What the writer expects to find. @throws Problem INVALID_PARAMETER for headers that say neither */
export function expectedOf(request: FastifyRequest): Expected {
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
  const refuse = (field: string, message: string) => invalidParameters([{ field, location: 'header', message }])
  if (noneMatch !== undefined) {
    if (match !== undefined) throw refuse('If-Match', 'If-Match and If-None-Match cannot both be given')
    if (noneMatch !== '*') throw refuse('If-None-Match', 'If-None-Match can only be *')
    return 'none'
  }
  if (match === undefined) return null
  if (match === '*') return 'any'
  const version = VERSION.exec(match)
  if (version === null) throw refuse('If-Match', 'If-Match must be the ETag of an answer, as "3", or *')
  return Number(version[1])
}
