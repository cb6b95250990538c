// Changes that wait for a second person. What is proposed is kept whole, with the version it was made from; deciding is on the record
// like everything else, and the person who asked cannot be the one who approves.
import { changeRecordRow, insertRecord } from '../audit/change-record.ts'
import type { Queryable } from '../database/connect.ts'
import { Problem } from '../server/problem.ts'
import { BROKER } from './broker-codec.ts'
import { type Broker, brokerState } from './broker-terms.ts'
import type { ChangedBy } from './changing.ts'

export type ApprovalState = 'pending' | 'approved' | 'refused'

export interface Approval {
  readonly approvalId: string
  /** What would be changed. */
  readonly kind: 'broker'
  /** Its id: the client_id. */
  readonly subject: string
  readonly state: ApprovalState
  /** Key id of whoever asked. */
  readonly askedBy: string
  readonly askedAt: Date
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly reason: string | null
  /** As it would be. */
  readonly proposed: Broker
}

export interface Decision {
  readonly approvalId: string
  readonly approve: boolean
  readonly reason: string | null
}

interface ApprovalRow {
  approval_id: string
  kind: 'broker'
  subject: string
  proposed: string
  asked_by: string
  asked_at: Date
  state: ApprovalState
  decided_by: string | null
  decided_at: Date | null
  reason: string | null
}

const COLUMNS = 'approval_id, kind, subject, proposed, asked_by, asked_at, state, decided_by, decided_at, reason'

/** A page of the approvals, the newest first, with the number there are in all; of one state, or of any when it is null. */
export async function readApprovals(
  database: Queryable,
  page: { readonly state: ApprovalState | null; readonly skip: number; readonly limit: number },
): Promise<{ total: number; items: Approval[] }> {
  const { rows } = await database.query<{ total: number } & { [K in keyof ApprovalRow]: ApprovalRow[K] | null }>(
    `select counted.total, page.*
       from (select count(*)::int as total from approvals where $1::text is null or state = $1) as counted
       left join (select ${COLUMNS} from approvals where $1::text is null or state = $1
                   order by approval_id desc offset $2 limit $3) as page on true
      order by page.approval_id desc`,
    [page.state, page.skip, page.limit],
  )
  const items = rows.filter((row) => row.approval_id !== null).map((row) => approvalOf(row as ApprovalRow))
  return { total: rows[0]?.total ?? 0, items }
}

/** Puts a change before a second person, in the caller's transaction. */
export async function askApproval(
  client: Queryable,
  ask: {
    readonly approvalId: string
    readonly proposed: Broker
    /** As it is now; null: it would be new. */
    readonly before: Broker | null
    readonly by: ChangedBy
    readonly newId: () => string
  },
): Promise<void> {
  const { approvalId, proposed, before, by, newId } = ask
  await client.query(
    `insert into approvals (approval_id, kind, subject, proposed, asked_by, asked_at) values ($1, 'broker', $2, $3, $4, $5)`,
    [approvalId, proposed.clientId, JSON.stringify(BROKER.write(proposed)), personOf(by), by.at],
  )
  await insertRecord(
    client,
    changeRecordRow({
      auditId: newId(),
      occurredAt: by.at,
      actor: by.actor,
      change: 'approval_asked',
      subject: { kind: 'approval', id: approvalId },
      clientId: proposed.clientId,
      before: before === null ? null : brokerState(before),
      after: brokerState(proposed),
    }),
  )
}

/**
 * Decides, in the caller's transaction; making the change is the caller's.
 * @throws Problem NOT_FOUND, CONFLICT when it was decided before, FORBIDDEN when the person who asked would approve
 */
export async function decideApproval(
  client: Queryable,
  decision: Decision & { readonly by: ChangedBy; readonly newId: () => string },
): Promise<Approval> {
  const { approvalId, approve, reason, by, newId } = decision
  const { rows } = await client.query<ApprovalRow>(
    `select ${COLUMNS} from approvals where approval_id = $1 for update`,
    [approvalId],
  )
  const row = rows[0]
  if (row === undefined) throw new Problem('NOT_FOUND', 'There is no approval of this id')
  if (row.state !== 'pending') throw new Problem('CONFLICT', `It was ${row.state} before`)
  const person = personOf(by)
  if (approve && person === row.asked_by) {
    throw new Problem('FORBIDDEN', 'Whoever asked for a change cannot approve it: a second person must')
  }
  const state = approve ? 'approved' : 'refused'
  await client.query(
    'update approvals set state = $2, decided_by = $3, decided_at = $4, reason = $5 where approval_id = $1',
    [approvalId, state, person, by.at, reason],
  )
  await insertRecord(
    client,
    changeRecordRow({
      auditId: newId(),
      occurredAt: by.at,
      actor: by.actor,
      change: 'approval_decided',
      subject: { kind: 'approval', id: approvalId },
      clientId: row.subject,
      before: { state: 'pending', asked_by: row.asked_by },
      after: { state, asked_by: row.asked_by, reason },
    }),
  )
  return { ...approvalOf(row), state, decidedBy: person, decidedAt: by.at, reason }
}

/** A key stands for a person. */
function personOf({ actor }: ChangedBy): string {
  return 'keyId' in actor ? actor.keyId : actor.actorId
}

function approvalOf(row: ApprovalRow): Approval {
  return {
    approvalId: row.approval_id,
    kind: row.kind,
    subject: row.subject,
    state: row.state,
    askedBy: row.asked_by,
    askedAt: row.asked_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    reason: row.reason,
    proposed: BROKER.read(JSON.parse(row.proposed), 'proposed'),
  }
}
