// The pricing models: named, versioned sets of the borrow-rate formula's parameters. A row is never changed, only added.
import type { Queryable } from '../database/connect.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { decimal, trim } from '../pricing/decimal.ts'
import { asIndexPoints } from '../pricing/units.ts'

interface ModelRow {
  model: string
  volatility_weight: string
  volatility_threshold: string
  event_weight: string
  max_multiplier: string
  volatility_source: PricingModel['volatilitySource']
}

const COLUMNS = 'model, volatility_weight, volatility_threshold, event_weight, max_multiplier, volatility_source'

/** @returns the model of that name, or null. */
export async function readPricingModel(database: Queryable, model: string): Promise<PricingModel | null> {
  const { rows } = await database.query<ModelRow>(`select ${COLUMNS} from pricing_models where model = $1`, [model])
  return rows[0] === undefined ? null : modelOf(rows[0])
}

/** All models by name. They are few: a desk adds one when it calibrates. */
export async function listPricingModels(database: Queryable): Promise<PricingModel[]> {
  const { rows } = await database.query<ModelRow>(`select ${COLUMNS} from pricing_models order by model collate "C"`)
  return rows.map(modelOf)
}

// The database pads to the column's scale; a model reads as it was written.
function modelOf(row: ModelRow): PricingModel {
  return {
    model: row.model,
    volatilityWeight: trim(decimal(row.volatility_weight)),
    volatilityThreshold: asIndexPoints(trim(decimal(row.volatility_threshold))),
    eventWeight: trim(decimal(row.event_weight)),
    maxMultiplier: trim(decimal(row.max_multiplier)),
    volatilitySource: row.volatility_source,
  }
}
