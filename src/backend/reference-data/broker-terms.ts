// A broker and the terms it agreed to: markup, transaction fee, day count, convention pack, model, tier.
import type { Queryable } from '../database/connect.ts'
import type { ConventionPackName } from '../pricing/convention-packs.ts'
import type { DayCount } from '../pricing/day-count.ts'
import { type Decimal, decimal, trim } from '../pricing/decimal.ts'
import type { MarkupTier, Terms } from '../pricing/locate-fee.ts'
import { asPercentPoints, asUsd } from '../pricing/units.ts'
import { type JsonObject, type JsonValue, NumberToken, readJson } from '../server/json-reader.ts'

export interface Broker {
  readonly clientId: string
  readonly name: string | null
  readonly terms: Terms
  /** The name of the pricing model the terms are under. */
  readonly pricingModel: string
  readonly tier: 'standard' | 'premium' | 'internal'
  /** Overrides the tier's limit; null when the tier's holds. */
  readonly requestsPerMinute: number | null
  readonly active: boolean
  /** Counts up with every change. */
  readonly version: number
}

interface BrokerRow {
  client_id: string
  name: string | null
  markup_percentage: string
  markup_tiers: string | null
  transaction_fee_type: Terms['transactionFeeType']
  transaction_amount: string
  day_count: DayCount
  convention_pack: ConventionPackName
  billing: Terms['billing']
  pricing_model: string
  tier: Broker['tier']
  requests_per_minute: number | null
  active: boolean
  version: number
}

const COLUMNS = `client_id, name, markup_percentage, markup_tiers::text as markup_tiers, transaction_fee_type, transaction_amount,
  day_count, convention_pack, billing, pricing_model, tier, requests_per_minute, active, version`

/** @returns the broker, active or not; null when there is no such row. */
export async function readBroker(database: Queryable, clientId: string): Promise<Broker | null> {
  const { rows } = await database.query<BrokerRow>(`select ${COLUMNS} from brokers where client_id = $1`, [clientId])
  return rows[0] === undefined ? null : brokerOf(rows[0])
}

/** A page of the brokers by client_id, active or not, with the number there are in all. */
export async function readBrokers(
  database: Queryable,
  page: { readonly skip: number; readonly limit: number },
): Promise<{ total: number; items: Broker[] }> {
  const { rows } = await database.query<{ total: number } & { [K in keyof BrokerRow]: BrokerRow[K] | null }>(
    `select counted.total, page.*
       from (select count(*)::int as total from brokers) as counted
       left join (select ${COLUMNS} from brokers order by client_id collate "C" offset $1 limit $2) as page on true
      order by page.client_id collate "C"`,
    [page.skip, page.limit],
  )
  const items = rows.filter((row) => row.client_id !== null).map((row) => brokerOf(row as BrokerRow))
  return { total: rows[0]?.total ?? 0, items }
}

/** The terms under the names of the API, decimals as text. */
export function termsState(terms: Terms) {
  return {
    markup_percentage: terms.markupPercentage.toString(),
    markup_tiers:
      terms.markupTiers?.map(({ upTo, markupPercentage }) => ({
        up_to: upTo?.toString() ?? null,
        markup_percentage: markupPercentage.toString(),
      })) ?? null,
    transaction_fee_type: terms.transactionFeeType,
    transaction_amount: terms.transactionAmount.toString(),
    day_count: terms.dayCount,
    convention_pack: terms.conventionPack,
    billing: terms.billing,
  }
}

/** A broker as it is recorded: the fields of the API, decimals as text. */
export function brokerState(broker: Broker) {
  return {
    client_id: broker.clientId,
    name: broker.name,
    ...termsState(broker.terms),
    pricing_model: broker.pricingModel,
    tier: broker.tier,
    requests_per_minute: broker.requestsPerMinute,
    active: broker.active,
    version: broker.version,
  }
}

function brokerOf(row: BrokerRow): Broker {
  return {
    clientId: row.client_id,
    name: row.name,
    terms: {
      markupPercentage: asPercentPoints(trim(decimal(row.markup_percentage))),
      markupTiers: row.markup_tiers === null ? null : markupTiers(row.markup_tiers),
      transactionFeeType: row.transaction_fee_type,
      transactionAmount: trim(decimal(row.transaction_amount)),
      dayCount: row.day_count,
      conventionPack: row.convention_pack,
      billing: row.billing,
    },
    pricingModel: row.pricing_model,
    tier: row.tier,
    requestsPerMinute: row.requests_per_minute,
    active: row.active,
    version: row.version,
  }
}

/**
 * `[{"up_to": 100000, "markup_percentage": 5}, {"up_to": null, "markup_percentage": 2.5}]` as tiers, every number exact.
 * @throws TypeError when the document is not of that form: a damaged row.
 */
function markupTiers(document: string): MarkupTier[] {
  const tiers = readJson(document)
  if (!Array.isArray(tiers)) throw new TypeError('brokers.markup_tiers is not a list')
  return tiers.map((tier) => {
    const { up_to: upTo = null, markup_percentage: markupPercentage = null } = tier as JsonObject
    return {
      upTo: upTo === null ? null : asUsd(tierNumber(upTo)),
      markupPercentage: asPercentPoints(tierNumber(markupPercentage)),
    }
  })
}

function tierNumber(value: JsonValue): Decimal {
  if (value instanceof NumberToken) return decimal(value.text)
  if (typeof value === 'string') return decimal(value)
  throw new TypeError('brokers.markup_tiers holds something that is no number')
}
