// The failures of an operation, as its documentation lists them: made from the one table, by status.
import { type TSchema, Type } from 'typebox'
import { ERROR_SCHEMA } from '../server/openapi.ts'
import { type ErrorCode, FAILURES } from '../server/problem.ts'

/**
 * Answer schemas by status for the codes an operation can fail with; codes of one status share its schema.
 * @returns `{ 400: schema, 401: schema, … }`
 */
export function failures(...codes: ErrorCode[]): Record<number, TSchema> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const { status } = FAILURES[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries([...byStatus].map(([status, sameStatus]) => [status, failureSchema(sameStatus)]))
}

function failureSchema(codes: readonly ErrorCode[]): TSchema {
  return Type.Unsafe({
    description: codes.map((code) => `${code}: ${FAILURES[code].meaning}`).join(' '),
    allOf: [ERROR_SCHEMA, { type: 'object', properties: { error_code: { type: 'string', enum: codes } } }],
  })
}
