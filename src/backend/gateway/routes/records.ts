// A record of the audit log by its id, for who may read the log.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { StoredAuditRow } from '../../audit/read-record.ts'
import type { CallContext } from '../../server/call-context.ts'
import { Problem } from '../../server/problem.ts'
import { parseShape, patternField, shape } from '../../server/shape.ts'
import { UUID_V7_PATTERN } from '../../server/uuidv7.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'

const RECORD_PATH = shape({
  audit_id: patternField(UUID_V7_PATTERN, 'must be the audit_id of a quote', {
    description: 'As a quote names it.',
    example: '0193577d-1c00-7000-8000-000000000001',
  }),
})

export function recordRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly readRecord: (auditId: string, context: CallContext) => Promise<StoredAuditRow | null>
  },
): void {
  const { credentials, readRecord } = options
  app.get(
    '/api/v1/audit/:audit_id',
    {
      onRequest: credentials.authenticated('read_record'),
      schema: {
        tags: ['audit'],
        security: [{ apiKey: [] }],
        operationId: 'auditRecord',
        summary: 'A record by its id',
        description:
          'Everything that was known when the price left: who asked, every input with its source, terms, model, waterfall, result. Amounts and rates are decimal text.',
        params: RECORD_PATH,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            recorded_at: Type.String({ format: 'date-time' }),
            record: Type.Object({}, { additionalProperties: true, description: 'The record as it was kept.' }),
          }),
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'FORBIDDEN',
            'NOT_FOUND',
            'RATE_LIMIT_EXCEEDED',
            'INTERNAL_ERROR',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const { audit_id } = parseShape(RECORD_PATH, request.params, 'path')
      const kept = await readRecord(audit_id, contextOf(request))
      if (kept === null) throw new Problem('NOT_FOUND', 'There is no record of this id')
      // The kept text is JSON already, and its bytes are what was recorded: it is passed on, not read and written again.
      const text = `{"status":"success","recorded_at":"${kept.recorded_at}","record":${kept.record}}`
      return sendJsonText(reply, text)
    },
  )
}
