// Changes that wait for a second person. For an administrator's credential.
import type { BrokerAnswer } from './brokers.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import type { ListAnswer, Page } from './lists.ts'

export type ApprovalState = 'pending' | 'approved' | 'refused'

export interface ApprovalAnswer {
  readonly approval_id: string
  /** What would be changed: `broker`. */
  readonly kind: string
  /** Its id: the client_id. */
  readonly subject: string
  readonly state: ApprovalState
  /** Key id. */
  readonly asked_by: string
  readonly asked_at: string
  /** Key id. */
  readonly decided_by: string | null
  readonly decided_at: string | null
  readonly reason: string | null
  /** As it would be. */
  readonly proposed: BrokerAnswer
}

type OneApproval = { readonly status: 'success' } & ApprovalAnswer

export class Approvals {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The newest first; without `state` those that were decided too. */
  list(
    { state, skip, limit }: Page & { readonly state?: ApprovalState } = {},
    options: CallOptions = {},
  ): Promise<ListAnswer<ApprovalAnswer>> {
    return this.#connection.call({ method: 'GET', path: pathOf`/approvals`, query: { state, skip, limit } }, options)
  }

  /** Makes the change. Not for who asked for it. Rejects with CONFLICT when it was decided, or what it changes is another by now. */
  approve(approvalId: string, reason?: string, options: CallOptions = {}): Promise<OneApproval> {
    return this.#decide(approvalId, 'approve', reason, options)
  }

  /** The change is not made. Who asked for it may take it back so. */
  refuse(approvalId: string, reason?: string, options: CallOptions = {}): Promise<OneApproval> {
    return this.#decide(approvalId, 'refuse', reason, options)
  }

  #decide(
    approvalId: string,
    decision: string,
    reason: string | undefined,
    options: CallOptions,
  ): Promise<OneApproval> {
    const body = { decision, reason }
    return this.#connection.call({ method: 'POST', path: pathOf`/approvals/${approvalId}`, body }, options)
  }
}
