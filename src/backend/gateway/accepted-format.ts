// In which form a table is wanted: as JSON, as lines of JSON, or as CSV.
import type { FastifyRequest } from 'fastify'
import { NDJSON } from '../server/internal-wire.ts'

export type TableFormat = 'json' | 'ndjson' | 'csv'
export const TABLE_FORMATS: readonly TableFormat[] = ['json', 'ndjson', 'csv']

export const CSV = 'text/csv'

export const CONTENT_TYPES: Readonly<Record<TableFormat, string>> = {
  json: 'application/json; charset=utf-8',
  ndjson: NDJSON,
  csv: `${CSV}; charset=utf-8`,
}

/** The first of the forms that the Accept header names; JSON when it names none. */
export function acceptedFormat(request: FastifyRequest): TableFormat {
  const accept = request.headers.accept?.toLowerCase() ?? ''
  const named = (['csv', 'ndjson', 'json'] as const)
    .map((format) => ({ format, at: accept.indexOf(CONTENT_TYPES[format].split(';')[0] as string) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at)
  return named[0]?.format ?? 'json'
}
