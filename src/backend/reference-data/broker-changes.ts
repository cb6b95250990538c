// Changes of a broker's terms. A change and its record are one transaction. Where two people are required, a change of what the broker
// is charged waits for the second one, who cannot be the first.
import type pg from 'pg'
import { changeRecordRow, insertRecord } from '../audit/change-record.ts'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import { invalidParameters, Problem } from '../server/problem.ts'
import { type Approval, askApproval, type Decision, decideApproval } from './approvals.ts'
import { type Broker, brokerState, readBroker, termsState } from './broker-terms.ts'
import { type ChangedBy, type Expected, requireExpected } from './changing.ts'
import { readPricingModel } from './pricing-models.ts'

/** All that can be said of a broker but its name in the API. */
export type BrokerFields = Omit<Broker, 'clientId' | 'version'>

export type BrokerChange =
  | { readonly kind: 'created' | 'changed' | 'unchanged'; readonly broker: Broker }
  /** It waits for a second person. `broker` is what holds until then; null: there is none yet. */
  | { readonly kind: 'pending'; readonly approvalId: string; readonly broker: Broker | null }

export interface BrokerChanges {
  /**
   * Rejects with INVALID_PARAMETER for a pricing model that is not there, with PRECONDITION_REQUIRED or PRECONDITION_FAILED as
   * {@link requireExpected}, with CONFLICT when somebody makes the same broker at this moment.
   */
  put(ask: {
    readonly clientId: string
    readonly fields: BrokerFields
    readonly expected: Expected
    readonly by: ChangedBy
  }): Promise<BrokerChange>
  /**
   * A second person approves or refuses. Rejects with NOT_FOUND, with FORBIDDEN for the person who asked, with CONFLICT when it was
   * decided before or when the broker was changed since.
   */
  decide(
    ask: Decision & { readonly by: ChangedBy },
  ): Promise<{ readonly approval: Approval; readonly broker: Broker | null }>
}

export function brokerChanges(options: {
  readonly database: pg.Pool
  /** A change of markup, fee or pricing model waits for a second person. */
  readonly requireApproval: boolean
  readonly newId: () => string
  /** Told after the commit. */
  readonly onChange: (clientId: string) => void
}): BrokerChanges {
  const { database, requireApproval, newId, onChange } = options

  /** Writes a version of a broker, and the record of it. */
  async function write(client: Queryable, before: Broker | null, wanted: Broker, by: ChangedBy): Promise<void> {
    const { rowCount } =
      before === null ? await insertBroker(client, wanted, by.at) : await updateBroker(client, wanted, by.at)
    if (rowCount !== 1) throw new Problem('CONFLICT', 'The broker was made by somebody else at this moment')
    await insertRecord(
      client,
      changeRecordRow({
        auditId: newId(),
        occurredAt: by.at,
        actor: by.actor,
        change: 'broker_changed',
        subject: { kind: 'broker', id: wanted.clientId },
        clientId: wanted.clientId,
        before: before === null ? null : brokerState(before),
        after: brokerState(wanted),
      }),
    )
  }

  return {
    async put({ clientId, fields, expected, by }) {
      const change = await inTransaction(database, async (client): Promise<BrokerChange> => {
        const before = await lockBroker(client, clientId)
        requireExpected(before?.version ?? null, expected, 'The broker')
        if ((await readPricingModel(client, fields.pricingModel)) === null) {
          const message = 'pricing_model must be the name of a pricing model that exists'
          throw invalidParameters([{ field: 'pricing_model', location: 'body', message }])
        }
        const wanted: Broker = { clientId, ...fields, version: (before?.version ?? 0) + 1 }
        if (before !== null && sameFields(before, wanted)) return { kind: 'unchanged', broker: before }
        if (requireApproval && chargesOtherwise(before, wanted)) {
          const approvalId = newId()
          await askApproval(client, { approvalId, proposed: wanted, before, by, newId })
          return { kind: 'pending', approvalId, broker: before }
        }
        await write(client, before, wanted, by)
        return { kind: before === null ? 'created' : 'changed', broker: wanted }
      })
      if (change.kind === 'created' || change.kind === 'changed') onChange(clientId)
      return change
    },

    async decide({ approvalId, approve, reason, by }) {
      const decided = await inTransaction(database, async (client) => {
        const approval = await decideApproval(client, { approvalId, approve, reason, by, newId })
        const { proposed } = approval
        if (!approve) return { approval, broker: null }
        const before = await lockBroker(client, proposed.clientId)
        if ((before?.version ?? 0) + 1 !== proposed.version) {
          throw new Problem('CONFLICT', 'The broker was changed since this was asked for; refuse it and ask again')
        }
        await write(client, before, proposed, by)
        return { approval, broker: proposed }
      })
      if (decided.broker !== null) onChange(decided.broker.clientId)
      return decided
    },
  }
}

/** The broker as it is, which nobody changes before this transaction ends. */
async function lockBroker(client: Queryable, clientId: string): Promise<Broker | null> {
  await client.query('select from brokers where client_id = $1 for update', [clientId])
  return readBroker(client, clientId)
}

/** What a broker pays follows from these. */
function chargesOtherwise(before: Broker | null, wanted: Broker): boolean {
  if (before === null) return true
  const charged = ({ terms, pricingModel }: Broker) => JSON.stringify([termsState(terms), pricingModel])
  return charged(before) !== charged(wanted)
}

function sameFields(one: Broker, other: Broker): boolean {
  return JSON.stringify({ ...brokerState(one), version: 0 }) === JSON.stringify({ ...brokerState(other), version: 0 })
}

function columnsOf(broker: Broker, at: Date): unknown[] {
  const { terms } = broker
  const { markup_tiers: tiers } = termsState(terms)
  return [
    broker.clientId,
    broker.name,
    terms.markupPercentage.toString(),
    tiers === null ? null : JSON.stringify(tiers),
    terms.transactionFeeType,
    terms.transactionAmount.toString(),
    terms.dayCount,
    terms.conventionPack,
    terms.billing,
    broker.pricingModel,
    broker.tier,
    broker.requestsPerMinute,
    broker.active,
    broker.version,
    at,
  ]
}

function insertBroker(client: Queryable, broker: Broker, at: Date) {
  return client.query(
    `insert into brokers (client_id, name, markup_percentage, markup_tiers, transaction_fee_type, transaction_amount, day_count,
                          convention_pack, billing, pricing_model, tier, requests_per_minute, active, version, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict do nothing`,
    columnsOf(broker, at),
  )
}

function updateBroker(client: Queryable, broker: Broker, at: Date) {
  return client.query(
    `update brokers
        set name = $2, markup_percentage = $3, markup_tiers = $4, transaction_fee_type = $5, transaction_amount = $6, day_count = $7,
            convention_pack = $8, billing = $9, pricing_model = $10, tier = $11, requests_per_minute = $12, active = $13,
            version = $14, updated_at = $15
      where client_id = $1 and version = $14 - 1`,
    columnsOf(broker, at),
  )
}
