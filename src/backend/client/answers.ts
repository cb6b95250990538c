// The shapes of the engine's answers, version 1 of the contract, with the names that stand on the wire.
// Quantities are exact decimal text with their unit in the type: nothing here is a binary float.
import type { PricingModel } from './pricing-models.ts'
import type { BasisPoints, Exact, Fraction, IndexPoints, PercentPoints, Usd, UsdPerShare } from './units.ts'

export type BorrowStatus = 'EASY' | 'MEDIUM' | 'HARD'
export type ObservationSource = 'live' | 'cached' | 'stale' | 'fallback'

/** An input with where it came from. `source: 'fallback'` is a guess; `fallback_reason` then says why. */
export interface ObservationAnswer<Value extends string | number = Exact> {
  readonly value: Value | null
  readonly source: ObservationSource
  readonly provider: string
  readonly as_of: string | null
  readonly age_seconds: number | null
  readonly fallback_reason?: string | null
}

export interface AvailabilityAnswer {
  /** Shares to lend; null when unknown. */
  readonly shares: number | null
  /** True when the lender only says "more than". */
  readonly at_least: boolean
}

/** One step from the lender's rate to the total: first annual rates, then amounts. */
export type WaterfallStepAnswer = StepOf<'fraction', Fraction> | StepOf<'USD', Usd>

interface StepOf<Unit extends string, Value extends Exact> {
  readonly step: string
  readonly description?: string
  readonly unit: Unit
  readonly before: Value | null
  readonly after: Value
  readonly delta: Value | null
  readonly delta_bp?: BasisPoints | null
}

/** What a broker is charged for a request: USD, or percent points of the charged value. */
export type TransactionFee =
  | { readonly transaction_fee_type: 'FLAT'; readonly transaction_amount: Usd }
  | { readonly transaction_fee_type: 'PERCENTAGE'; readonly transaction_amount: PercentPoints }

export interface QuoteAnswer {
  readonly status: 'success'
  readonly total_fee: Usd
  readonly breakdown: { readonly borrow_cost: Usd; readonly markup: Usd; readonly transaction_fees: Usd }
  readonly borrow_rate_used: Fraction
  readonly quote_id: string
  readonly audit_id: string
  readonly ticker: string
  readonly client_id: string
  readonly loan_days?: number
  readonly position_value?: Usd
  readonly quoted_at: string
  readonly expires_at: string
  readonly quote_type: 'indicative' | 'firm'
  readonly terms: {
    readonly day_count: string
    readonly convention_pack: string
    readonly markup_percentage: PercentPoints
    readonly pricing_model: string
  }
  readonly data_sources: QuoteSourcesAnswer
  readonly degraded: readonly string[]
  readonly availability: AvailabilityAnswer | null
  readonly cost_per_day: Usd
  readonly waterfall: readonly WaterfallStepAnswer[]
  /** With `quantity` only. */
  readonly charged_value?: Usd
  readonly mark?: UsdPerShare | null
  readonly charged_shares?: number | null
  readonly fee_per_share?: UsdPerShare | null
  readonly sufficient?: boolean | null
  /** With dates only. */
  readonly accrual?: {
    readonly short_settles: string
    readonly cover_settles: string
    readonly days: number
    readonly schedule: readonly { readonly value_date: string; readonly days: number; readonly amount: Usd }[]
  }
}

/** Where the inputs of a rate came from. `base_rate` is the lender rate. */
export interface RateSourcesAnswer {
  readonly base_rate: ObservationAnswer<Fraction>
  readonly volatility: ObservationAnswer<IndexPoints>
  readonly event_risk: EventRiskAnswer
}

/** Those of a quote; `price` when the last close stood in for a price. */
export interface QuoteSourcesAnswer extends RateSourcesAnswer {
  readonly price?: ObservationAnswer<UsdPerShare>
}

export interface EventRiskAnswer extends ObservationAnswer<Exact> {
  /** Those in the window; the highest factor counts. */
  readonly events?: readonly {
    readonly type: string
    readonly date: string
    readonly risk_factor: number
    /** Nobody rated this type of event; 5 stands in. */
    readonly assumed?: boolean
  }[]
}

/** A rate under chosen conditions: indicative, not recorded. */
export interface CustomRateAnswer {
  readonly status: 'success'
  readonly ticker: string
  readonly current_rate: Fraction
  readonly lender_rate: Fraction
  /** What was used. */
  readonly volatility_index: IndexPoints
  readonly event_risk_factor: number
  readonly floor_rate: Fraction
  readonly pricing_model: string
  readonly data_sources: Pick<RateSourcesAnswer, 'base_rate'>
  readonly degraded: readonly string[]
  readonly waterfall: readonly WaterfallStepAnswer[]
}

/** A stock in the list of all of them: its rate and what it was made of, without the sources. */
export interface RateRowAnswer {
  readonly ticker: string
  readonly name: string | null
  readonly current_rate: Fraction
  /** At the close that the list's `previous_close_at` names, under the same model; null: none is known. */
  readonly previous_close_rate: Fraction | null
  readonly borrow_status: BorrowStatus
  readonly lender_rate: Fraction
  /** When the lender's rate was true; null for a stand-in. */
  readonly lender_as_of: string | null
  /** Null: a stand-in was used. */
  readonly volatility_index: IndexPoints | null
  /** 0 to 10; null: a stand-in was used. */
  readonly event_risk_factor: number | null
  readonly availability: AvailabilityAnswer
  readonly rebate_rate: Fraction | null
  readonly last_updated: string | null
  readonly degraded: readonly string[]
}

export interface RateListAnswer {
  readonly status: 'success'
  /** That the rates are under. */
  readonly pricing_model: string
  readonly snapshot_at: string
  /** The last close of trading in New York before today's session: 16:00 there. */
  readonly previous_close_at: string
  readonly items: readonly RateRowAnswer[]
  readonly total: number
}

export type HistoryInterval = '1m' | '5m' | '15m' | '1h' | '1d'

export interface RateHistoryAnswer {
  readonly status: 'success'
  readonly ticker: string
  readonly interval: HistoryInterval
  readonly pricing_model: string
  /** Oldest first; none before the first rate of the lender. */
  readonly points: readonly RatePointAnswer[]
}

/** The borrow rates of many stocks over time: for lines as small as a cell. */
export interface RateHistoriesAnswer {
  readonly status: 'success'
  readonly interval: HistoryInterval
  readonly pricing_model: string
  /** One for each stock that is known, as they were asked for. */
  readonly series: readonly RateSeriesAnswer[]
  /** Those that were asked for and are no stock. */
  readonly unknown: readonly string[]
}

export interface RateSeriesAnswer {
  readonly ticker: string
  /** Oldest first; none before the first rate of the lender. */
  readonly points: readonly { readonly time: string; readonly borrow_rate: Fraction }[]
}

/** What was in force at the end of an interval. */
export interface RatePointAnswer {
  readonly time: string
  readonly borrow_rate: Fraction
  /** Null: the lender gave none, and the borrow rate rests on the last one that it gave. */
  readonly lender_rate: Fraction | null
  /** Null: none was known, and 20 stood in. */
  readonly volatility_index: IndexPoints | null
  /** Null: no calendar was known, and 0 stood in. */
  readonly event_risk_factor: number | null
  readonly availability: AvailabilityAnswer
}

/** One short under every convention pack. Indicative: it is on no record. */
export interface ComparisonAnswer {
  readonly status: 'success'
  readonly quote_type: 'indicative'
  readonly ticker: string
  /** Whose markup, fee and pricing model count. */
  readonly client_id: string
  readonly priced_at: string
  readonly loan_days: number
  readonly borrow_rate_used: Fraction
  readonly pricing_model: string
  readonly packs: readonly ComparedPackAnswer[]
  readonly data_sources: QuoteSourcesAnswer
  readonly degraded: readonly string[]
}

export interface ComparedPackAnswer {
  readonly convention_pack: string
  readonly description: string
  /** Who charges so. */
  readonly charged_by: string
  /** The pack of the terms. */
  readonly in_force: boolean
  readonly day_count: string
  readonly charged_value: Usd
  readonly mark: UsdPerShare | null
  readonly charged_shares: number | null
  readonly breakdown: { readonly borrow_cost: Usd; readonly markup: Usd; readonly transaction_fees: Usd }
  readonly total_fee: Usd
  readonly cost_per_day: Usd
}

export interface RateAnswer {
  readonly status: 'success'
  readonly ticker: string
  readonly current_rate: Fraction
  readonly borrow_status: BorrowStatus
  readonly volatility_index: IndexPoints | null
  readonly event_risk_factor: number | null
  readonly last_updated: string
  readonly lender_rate: Fraction
  readonly availability: AvailabilityAnswer | null
  readonly rebate_rate: Fraction | null
  readonly floor_rate: Fraction
  readonly pricing_model: string
  readonly data_sources: RateSourcesAnswer
  readonly degraded: readonly string[]
}

export interface ConfigAnswer {
  readonly status: 'success'
  readonly api_version: string
  readonly engine_version: string
  readonly supported_features: readonly string[]
  /** Requests in 60 s by tier of the broker. */
  readonly rate_limits: Readonly<Record<'standard' | 'premium' | 'internal', number>>
  readonly pricing_models: readonly PricingModel[]
  readonly convention_packs: readonly ConventionPackAnswer[]
}

/** How shares become the value that is charged. */
export interface ConventionPackAnswer {
  readonly convention_pack: string
  readonly description: string
  /** null: the broker's terms say. */
  readonly day_count: string | null
  readonly lot_shares: number
  readonly source: string
}

/** A kept record, whole. `record_type` and `schema_version` say which members the record has. */
export interface AuditRecordAnswer {
  readonly status: 'success'
  /** When it was kept, by the database's clock. */
  readonly recorded_at: string
  /** Its place in the chain with the hashes that hold it there; null until it is sealed, seconds after it was kept. */
  readonly sequence: number | null
  readonly hash: string | null
  readonly prev_hash: string | null
  readonly sealed_at: string | null
  /** It is kept at least until then. */
  readonly retain_until: string
  /** True: a legal hold keeps it beyond that. */
  readonly legal_hold: boolean
  readonly hold_ids: readonly string[]
  readonly record: QuoteRecordAnswer | { readonly record_type: string; readonly [more: string]: unknown }
}

/** The record of a quote, schema version 1: the members a reader needs. Amounts, rates and index points are exact text. */
export interface QuoteRecordAnswer {
  readonly audit_id: string
  readonly record_type: 'quote'
  readonly occurred_at: string
  readonly actor: { readonly actor_type: string; readonly actor_id: string; readonly key_id: string }
  readonly request: { readonly client_id: string; readonly ticker: string }
  readonly inputs: readonly {
    readonly name: string
    readonly value: Exact | null
    readonly unit: string
    readonly source: string
    readonly provider: string
    readonly as_of: string | null
    readonly fallback_reason: string | null
  }[]
  readonly degraded: readonly string[]
  readonly price_inputs: {
    readonly stock_volatility: IndexPoints | null
    readonly model: { readonly volatility_source: string }
    readonly terms: { readonly day_count: string; readonly convention_pack: string }
  }
  readonly pricing_model: string
  readonly terms_version: Exact
  readonly engine_build: string
  readonly waterfall: readonly {
    readonly step: string
    readonly description: string
    readonly unit: string
    readonly before: Exact
    readonly after: Exact
  }[]
  readonly result: { readonly total_fee: Usd; readonly cost_per_day: Usd }
}

/** Members that count things; everything else that is a number comes back as exact text. */
export const COUNTS: ReadonlySet<string> = new Set([
  'age_seconds',
  'attempts',
  'charged_shares',
  'changed',
  'checked',
  'clients',
  'count',
  'days',
  'different',
  'dropped',
  'expires_in',
  'event_risk_factor',
  'failed',
  'failures',
  'hits',
  'identical',
  'internal',
  'last_status',
  'late_seconds_max',
  'limit',
  'line',
  'lines',
  'loan_days',
  'lot_shares',
  'minutes',
  'misses',
  'not_replayable',
  'of',
  'other_records',
  'page',
  'page_size',
  'pages',
  'pending',
  'premium',
  'priced',
  'quantity',
  'queue_length',
  'quotes',
  'quotes_found',
  'replayed',
  'requests_per_minute',
  'risk_factor',
  'schema_version',
  'seal_lag_seconds',
  'sequence',
  'shares',
  'skip',
  'standard',
  'threshold_bp',
  'total',
  'unnamed',
  'unsealed',
  'uptime_seconds',
  'version',
])
