// Pricing models are added and never edited: a rate that was quoted under a name can be computed under that name for ever. An addition
// and its record are one transaction.
import type pg from 'pg'
import { changeRecordRow, insertRecord } from '../audit/change-record.ts'
import { inTransaction } from '../database/transaction.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { Problem } from '../server/problem.ts'
import type { ChangedBy } from './changing.ts'

export interface ModelAdditions {
  /** Rejects with CONFLICT when there is a model of that name. */
  add(ask: { readonly model: PricingModel; readonly by: ChangedBy }): Promise<PricingModel>
}

export function modelAdditions(options: {
  readonly database: pg.Pool
  readonly newId: () => string
  /** Told after the commit. */
  readonly onChange: (model: string) => void
}): ModelAdditions {
  const { database, newId, onChange } = options
  return {
    async add({ model, by }) {
      await inTransaction(database, async (client) => {
        const parameters = {
          model: model.model,
          volatility_weight: model.volatilityWeight.toString(),
          volatility_threshold: model.volatilityThreshold.toString(),
          event_weight: model.eventWeight.toString(),
          max_multiplier: model.maxMultiplier.toString(),
          volatility_source: model.volatilitySource,
        }
        const { rowCount } = await client.query(
          `insert into pricing_models
             (model, volatility_weight, volatility_threshold, event_weight, max_multiplier, volatility_source, created_at, created_by)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict do nothing`,
          [...Object.values(parameters), by.at, 'keyId' in by.actor ? by.actor.keyId : by.actor.actorId],
        )
        if (rowCount !== 1) {
          throw new Problem('CONFLICT', `There is a pricing model ${model.model}: add a new version under a new name`)
        }
        await insertRecord(
          client,
          changeRecordRow({
            auditId: newId(),
            occurredAt: by.at,
            actor: by.actor,
            change: 'pricing_model_added',
            subject: { kind: 'pricing_model', id: model.model },
            clientId: null,
            before: null,
            after: parameters,
          }),
        )
      })
      onChange(model.model)
      return model
    },
  }
}
