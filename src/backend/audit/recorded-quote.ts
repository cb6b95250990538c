// A recorded quote as it is read back, whatever version of the record it was kept in: what the price was made of, and what came
// out. Every version that was ever written has its reader here for ever, and records of it in audit/fixtures/ that a test reads.
//
// A record may be damaged. Then this says so, as data: among millions of records one that cannot be read stops nobody.
import { CONVENTION_PACKS } from '../pricing/convention-packs.ts'
import { DAY_COUNTS } from '../pricing/day-count.ts'
import { type PriceInputsText, readPriceInputs } from '../pricing/price-inputs.ts'
import type { PriceInputs } from '../pricing/quote.ts'
import type { AuditRow, QuoteRecordBody } from './quote-record.ts'

export interface RecordedQuote {
  /** What price() took. */
  readonly inputs: PriceInputs
  /** What it gave, under the names of the API's answer. As it was kept: a damaged record may hold anything here. */
  readonly lines: Readonly<Record<LineName, unknown>>
  readonly steps: readonly RecordedStep[]
  /** What the record says of itself in other places than its inputs. */
  readonly said: {
    readonly schemaVersion: unknown
    readonly auditId: unknown
    readonly clientId: unknown
    readonly ticker: unknown
    readonly pricingModel: unknown
    readonly conventionPack: unknown
  }
}

/** The lines of a bill, as the API's answer names them. */
export const LINE_NAMES = [
  'total_fee',
  'breakdown.borrow_cost',
  'breakdown.markup',
  'breakdown.transaction_fees',
  'borrow_rate_used',
  'charged_value',
  'cost_per_day',
] as const
export type LineName = (typeof LINE_NAMES)[number]

export interface RecordedStep {
  readonly step?: unknown
  readonly unit?: unknown
  readonly before?: unknown
  readonly after?: unknown
}

/** Why a record gives no price. */
export interface Unreadable {
  readonly reason: 'other_record' | 'unknown_version' | 'damaged'
  readonly sentence: string
}

export type ReadQuote =
  | { readonly quote: RecordedQuote; readonly unreadable: null }
  | { readonly quote: null; readonly unreadable: Unreadable }

/** The versions that quote records were ever written in. A new one is added; none is ever taken away. */
type Version = 1
const READERS: Readonly<Record<Version, (body: QuoteRecordBody) => RecordedQuote>> = { 1: readVersion1 }

/** Versions that can be read, ascending. */
export const READABLE_VERSIONS: readonly number[] = Object.keys(READERS).map(Number)

/**
 * Reads the record of a row.
 * @returns the quote, or why there is none; never throws for what stands in a record
 */
export function readRecordedQuote(row: Pick<AuditRow, 'record_type' | 'schema_version' | 'record'>): ReadQuote {
  if (row.record_type !== 'quote') return unreadable('other_record', 'only quotes hold a price, and this is no quote')
  const read = READERS[row.schema_version as Version]
  if (read === undefined) {
    return unreadable('unknown_version', `quotes of record version ${row.schema_version} are not known to this program`)
  }
  try {
    return { quote: read(JSON.parse(row.record) as QuoteRecordBody), unreadable: null }
  } catch (error) {
    return unreadable('damaged', damage(error))
  }
}

/** What is wrong with a record, in words that are ours. */
export function damage(error: unknown): string {
  const why = error instanceof RangeError ? `: ${error.message}` : ''
  return `the record is not of the form that its version has${why}`
}

function unreadable(reason: Unreadable['reason'], sentence: string): ReadQuote {
  return { quote: null, unreadable: { reason, sentence } }
}

function readVersion1(body: QuoteRecordBody): RecordedQuote {
  const { price_inputs: inputs, result, request } = body
  checkWords(inputs)
  checkDays(inputs)
  return {
    inputs: readPriceInputs(inputs),
    lines: {
      total_fee: result?.total_fee,
      'breakdown.borrow_cost': result?.borrow_cost,
      'breakdown.markup': result?.markup,
      'breakdown.transaction_fees': result?.transaction_fee,
      borrow_rate_used: result?.borrow_rate,
      charged_value: result?.charged_value,
      cost_per_day: result?.cost_per_day,
    },
    steps: Array.isArray(body.waterfall) ? body.waterfall : [],
    said: {
      schemaVersion: body.schema_version,
      auditId: body.audit_id,
      clientId: request?.client_id,
      ticker: request?.ticker,
      pricingModel: body.pricing_model,
      conventionPack: body.convention_pack,
    },
  }
}

/** A word that the formulas do not know would be priced as if it were another. */
function checkWords({ model, terms }: PriceInputsText): void {
  const oneOf = (name: string, word: unknown, words: readonly string[]) => {
    if (typeof word !== 'string' || !words.includes(word))
      throw new RangeError(`${name} is none of ${words.join(', ')}`)
  }
  oneOf('volatility_source', model.volatility_source, ['stock-or-index', 'index'])
  oneOf('transaction_fee_type', terms.transaction_fee_type, ['FLAT', 'PERCENTAGE'])
  oneOf('day_count', terms.day_count, DAY_COUNTS)
  oneOf('convention_pack', terms.convention_pack, Object.keys(CONVENTION_PACKS))
  oneOf('billing', terms.billing, ['term', 'daily'])
}

/** The days of a stay are what is priced, and with dates they stand in three places. */
function checkDays({ loan_days, accrual }: PriceInputsText): void {
  if (!Number.isInteger(loan_days) || loan_days < 0) throw new RangeError('loan_days is no count of days')
  if (accrual === null) return
  const inSchedule = accrual.schedule.reduce((days, period) => days + period.days, 0)
  if (accrual.days !== loan_days || inSchedule !== loan_days) {
    throw new RangeError('loan_days, accrual.days and the days of the schedule are not the same')
  }
}
