// Changes that wait for a second person.
import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { Approval, ApprovalState } from '../../reference-data/approvals.ts'
import type { Administration } from '../../reference-data/http.ts'
import { enumField, optional, parseShape, patternField, shape, textField } from '../../server/shape.ts'
import { UUID_V7_PATTERN } from '../../server/uuidv7.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { refuseKeysIn } from '../kept-text.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'
import { brokerAnswer } from './brokers.ts'

const LIST_QUERY = shape({
  state: optional(
    enumField<ApprovalState>(['pending', 'approved', 'refused'], {
      description: 'Only those; left out, all.',
      example: 'pending',
    }),
  ),
  ...PAGE_FIELDS,
})

const APPROVAL_PATH = shape({
  approval_id: patternField(UUID_V7_PATTERN, 'must be the approval_id of a pending change', {
    description: 'As the list names it.',
    example: '0193577d-1c00-7000-8000-000000000003',
  }),
})

const DECISION_BODY = shape(
  {
    decision: enumField(['approve', 'refuse'], {
      description: 'Whoever asked may refuse, which takes it back; approving takes another person.',
      example: 'approve',
    }),
    reason: optional(
      textField({ description: 'For whoever reads the record.', example: 'As agreed', minLength: 1, maxLength: 1000 }),
    ),
  },
  { examples: [{ decision: 'approve', reason: 'As agreed with the desk' }] },
)

const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])
const moment = Type.String({ format: 'date-time' })

const APPROVAL = {
  approval_id: Type.String(),
  kind: Type.String({ description: 'What would be changed: broker.' }),
  subject: Type.String({ description: 'Its id: the client_id.' }),
  state: Type.String({ description: 'pending, approved or refused.' }),
  asked_by: Type.String({ description: 'Key id.' }),
  asked_at: moment,
  decided_by: orNull(Type.String()),
  decided_at: orNull(moment),
  reason: orNull(Type.String()),
  proposed: Type.Object({}, { additionalProperties: true, description: 'As it would be.' }),
}

const FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const

export function approvalRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly administration: Administration },
): void {
  const { credentials, administration } = options
  const tags = ['configuration']

  app.get(
    '/api/v1/approvals',
    {
      onRequest: credentials.authenticated('read_approvals'),
      schema: {
        ...forRoles('read_approvals', 'The newest first.'),
        tags,
        operationId: 'approvals',
        summary: 'Changes that wait for a second person, and those decided',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(APPROVAL)),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const { state = null, skip, limit } = parseShape(LIST_QUERY, request.query, 'query')
      const page = { state, skip, limit }
      return listAnswer(await administration.approvals(page, contextOf(request)), page, approvalAnswer)
    },
  )

  app.post(
    '/api/v1/approvals/:approval_id',
    {
      onRequest: credentials.authenticated('decide_approval'),
      schema: {
        ...forRoles(
          'decide_approval',
          'Approving makes the change, when what would be changed is still as it was when it was asked for. The decision is on the record and stands.',
        ),
        tags,
        operationId: 'decideApproval',
        summary: 'Approve or refuse a change',
        params: APPROVAL_PATH,
        body: DECISION_BODY,
        response: {
          200: Type.Object({ status: Type.Literal('success'), ...APPROVAL }),
          ...failures(...FAILURES, 'NOT_FOUND', 'CONFLICT', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request) => {
      const { approval_id: approvalId } = parseShape(APPROVAL_PATH, request.params, 'path')
      const { decision, reason = null } = parseShape(DECISION_BODY, request.body, 'body')
      refuseKeysIn({ reason })
      const ask = { approvalId, approve: decision === 'approve', reason, actor: actorOf(request) }
      const { approval } = await administration.decide(ask, contextOf(request))
      return { status: 'success', ...approvalAnswer(approval) }
    },
  )
}

function approvalAnswer(approval: Approval): object {
  return {
    approval_id: approval.approvalId,
    kind: approval.kind,
    subject: approval.subject,
    state: approval.state,
    asked_by: approval.askedBy,
    asked_at: approval.askedAt,
    decided_by: approval.decidedBy,
    decided_at: approval.decidedAt,
    reason: approval.reason,
    proposed: brokerAnswer(approval.proposed),
  }
}
