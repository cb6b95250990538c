// What the engine answers about its records: search, the chain, replay, legal holds, what-if. Names as on the wire.
import type { TransactionFee } from './answers.ts'
import type { Fraction, IndexPoints, PercentPoints, TimesLenderRate, Usd } from './units.ts'

/** Which records. A time is ISO 8601 with its zone; a day, `2026-03-05`, is all of it in UTC. */
export interface RecordRange {
  readonly from?: string
  /** Until this moment, which is not in it. */
  readonly to?: string
}

export interface RecordSearch extends RecordRange {
  readonly clientId?: string
  readonly ticker?: string
  readonly recordType?: string
  readonly minPositionValue?: Usd
  readonly maxPositionValue?: Usd
  readonly minBorrowRate?: Fraction
  readonly maxBorrowRate?: Fraction
  readonly page?: number
  readonly pageSize?: number
  /** `next_cursor` of the page before: goes on where pages end. */
  readonly cursor?: string
}

/** A record in a list: its columns. */
export interface RecordSummaryAnswer {
  readonly audit_id: string
  readonly record_type: string
  readonly schema_version: number
  readonly occurred_at: string
  readonly recorded_at: string
  readonly client_id: string
  readonly ticker: string | null
  readonly position_value: Usd | null
  readonly borrow_rate: Fraction | null
  readonly total_fee: Usd | null
  readonly request_id: string | null
  /** Key id of the caller. */
  readonly actor_id: string | null
  /** Its place in the chain; null until it is sealed. */
  readonly sequence: number | null
}

/** The newest first. */
export interface RecordPageAnswer {
  readonly status: 'success'
  readonly items: readonly RecordSummaryAnswer[]
  readonly total: number
  /** False: there are more than `total`. */
  readonly total_is_exact: boolean
  readonly page: number
  readonly page_size: number
  readonly pages: number
  readonly next_cursor: string | null
}

/** A line of a price that came out otherwise. */
export interface DifferenceAnswer {
  readonly field: string
  readonly recorded: string | null
  readonly replayed: string | null
}

export interface ReplayAnswer {
  readonly status: 'success'
  readonly audit_id: string
  readonly identical: boolean
  readonly differences: readonly DifferenceAnswer[]
  /** Why there is no price to compare; null when there is. */
  readonly not_replayable: { readonly reason: string; readonly sentence: string } | null
}

export interface ProgressAnswer {
  readonly type: 'progress'
  readonly checked: number
  /** In all; null while nobody knows. */
  readonly of: number | null
}

export interface ReplayRange extends RecordRange {
  readonly clientId?: string
  readonly ticker?: string
}

export type ReplayStepAnswer =
  | (ProgressAnswer & { readonly at: string })
  | { readonly type: 'difference'; readonly audit_id: string; readonly differences: readonly DifferenceAnswer[] }
  | {
      readonly type: 'not_replayable'
      readonly audit_id: string
      readonly reason: string
      readonly sentence: string
    }
  | ReplayRangeAnswer

export interface ReplayRangeAnswer {
  readonly type: 'result'
  readonly status: 'success'
  readonly replayed: number
  readonly identical: number
  readonly different: number
  readonly not_replayable: number
  /** Records that hold no price. */
  readonly other_records: number
  /** Of the different and not replayable ones: counted, and too many to be named. */
  readonly unnamed: number
}

export interface HeadAnswer {
  readonly sequence: number
  readonly hash: string
  readonly signed_at: string
  readonly key_id: string
}

export interface VerifyAnswer {
  readonly type: 'result'
  readonly status: 'success'
  readonly valid: boolean
  readonly checked: number
  /** Records that are not in the chain yet: those of the last seconds. */
  readonly unsealed: number
  readonly first_bad: {
    readonly audit_id: string | null
    readonly sequence: number | null
    readonly reason: string
    readonly sentence: string
  } | null
  readonly head: HeadAnswer | null
}

export type VerifyStepAnswer = ProgressAnswer | VerifyAnswer

export interface NewLegalHold extends RecordRange {
  readonly clientId?: string
  readonly ticker?: string
  readonly reason: string
}

export interface LegalHoldAnswer {
  readonly hold_id: string
  readonly client_id: string | null
  readonly ticker: string | null
  readonly from: string | null
  readonly to: string | null
  readonly reason: string
  /** Key id. */
  readonly placed_by: string
  readonly placed_at: string
  readonly release: { readonly reason: string; readonly released_by: string; readonly released_at: string } | null
}

export interface LegalHoldsAnswer {
  readonly status: 'success'
  /** The newest first. */
  readonly items: readonly LegalHoldAnswer[]
  readonly pagination: {
    readonly total: number
    readonly skip: number
    readonly limit: number
    readonly has_more: boolean
  }
}

/** Parameters of the rate formula, as `GET /config` lists them. */
export interface DraftModel {
  readonly model?: string
  /** What an index point above the threshold adds. */
  readonly volatility_weight: TimesLenderRate
  /** Index points that add nothing. */
  readonly volatility_threshold: IndexPoints
  /** What an event risk of 10 adds. */
  readonly event_weight: TimesLenderRate
  readonly max_multiplier: TimesLenderRate
  readonly volatility_source: 'stock-or-index' | 'index'
}

/** Markups by charged value, ascending; `up_to` null is open. */
export interface MarkupTier {
  readonly up_to: Usd | null
  readonly markup_percentage: PercentPoints
}

/** Terms to price with; what is left out stays as it was for each quote. */
export type DraftTerms = (
  | TransactionFee
  | { readonly transaction_fee_type?: never; readonly transaction_amount?: never }
) & {
  readonly markup_percentage?: PercentPoints
  readonly markup_tiers?: readonly MarkupTier[] | null
  readonly day_count?: string
  readonly convention_pack?: string
  readonly billing?: 'term' | 'daily'
}

export interface WhatIfRequest extends RecordRange {
  readonly clientId?: string
  /** The name of a model that exists, or a draft. */
  readonly model?: string | DraftModel
  readonly terms?: DraftTerms
  /** Clients to name at most. */
  readonly clientsMax?: number
}

/** What quotes charge together, USD. */
export interface RevenueAnswer {
  readonly total_fees: Usd
  /** What goes on to the lender. */
  readonly borrow_cost: Usd
  readonly markup: Usd
  readonly transaction_fees: Usd
  /** Markup and transaction fees: what stays. */
  readonly margin: Usd
}

/** The same quotes as they were and as they would be. */
export interface EffectAnswer {
  readonly quotes: number
  /** Of them, those whose total is another. */
  readonly changed: number
  readonly before: RevenueAnswer
  readonly after: RevenueAnswer
  readonly delta: RevenueAnswer
}

export interface WhatIfAnswer extends EffectAnswer {
  readonly type: 'result'
  readonly status: 'success'
  /** What the sums are, and are not. */
  readonly note: string
  readonly quotes_found: number
  readonly not_priced: readonly { readonly reason: string; readonly sentence: string; readonly quotes: number }[]
  readonly clients: number
  /** By the change of their total fees, the largest first. */
  readonly most_affected: readonly (EffectAnswer & { readonly client_id: string })[]
  /** All the other clients together; null when all are named. */
  readonly others: (EffectAnswer & { readonly clients: number }) | null
}

export type WhatIfStepAnswer =
  | { readonly type: 'progress'; readonly quotes: number; readonly at: string }
  | WhatIfAnswer
