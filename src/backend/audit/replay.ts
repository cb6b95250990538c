// Replay: a recorded quote priced again from its own inputs, under its own model and terms, and compared with what was answered,
// line by line and step by step. Pure. The words of a step may be said better one day; its numbers stay what they were.
import { compare, type Decimal, parseDecimal } from '../pricing/decimal.ts'
import { type PricedQuote, price } from '../pricing/quote.ts'
import type { AuditRow } from './quote-record.ts'
import {
  damage,
  LINE_NAMES,
  type LineName,
  type RecordedQuote,
  readRecordedQuote,
  type Unreadable,
} from './recorded-quote.ts'

/** A row of the log. Of the columns that copy the record, those that come along are compared too. */
export type ReplayableRow = Pick<AuditRow, 'record_type' | 'schema_version' | 'record'> &
  Partial<Pick<AuditRow, 'audit_id' | 'client_id' | 'ticker' | 'position_value' | 'borrow_rate' | 'total_fee'>>

export interface Difference {
  /** As the API's answer names it: `total_fee`, `breakdown.markup`, `waterfall.events.after`; `columns.total_fee` of the row. */
  readonly field: string
  /** Null when the record has no such thing. */
  readonly recorded: string | null
  /** Null when the price has no such thing. */
  readonly replayed: string | null
}

export interface Replay {
  /** Every line and every step is what was recorded, to the last digit. */
  readonly identical: boolean
  readonly differences: readonly Difference[]
  /** Why the record could not be priced again; null when it could. */
  readonly notReplayable: Unreadable | null
}

/** Of what a record holds, characters in a difference. */
const RECORDED_TEXT_MAX = 100

/** Prices a record again. Never throws for what stands in a record. */
export function replayRecord(row: ReplayableRow): Replay {
  const { quote, unreadable } = readRecordedQuote(row)
  if (quote === null) return notReplayable(unreadable)
  let priced: PricedQuote
  try {
    priced = price(quote.inputs)
  } catch (error) {
    return notReplayable({ reason: 'damaged', sentence: damage(error) })
  }
  const differences = [
    ...differentLines(quote, priced),
    ...differentSteps(quote, priced),
    ...differentWords(row, quote),
    ...differentColumns(row, quote, priced),
  ]
  return { identical: differences.length === 0, differences, notReplayable: null }
}

function notReplayable(why: Unreadable): Replay {
  return { identical: false, differences: [], notReplayable: why }
}

function differentLines({ lines }: RecordedQuote, priced: PricedQuote): Difference[] {
  const { fee } = priced
  const replayed: Record<LineName, Decimal> = {
    total_fee: fee.totalFee,
    'breakdown.borrow_cost': fee.borrowCost,
    'breakdown.markup': fee.markup,
    'breakdown.transaction_fees': fee.transactionFee,
    borrow_rate_used: priced.borrowRate.rate,
    charged_value: priced.chargedValue,
    cost_per_day: fee.costPerDay,
  }
  return LINE_NAMES.flatMap((name) => differentNumber(name, lines[name], replayed[name]))
}

function differentSteps({ steps }: RecordedQuote, { waterfall }: PricedQuote): Difference[] {
  const differences: Difference[] = []
  if (steps.length !== waterfall.length) {
    differences.push({ field: 'waterfall', recorded: `${steps.length} steps`, replayed: `${waterfall.length} steps` })
  }
  waterfall.forEach((step, index) => {
    const recorded = steps[index]
    const place = `waterfall.${step.step}`
    differences.push(
      ...differentWord(`${place}.step`, recorded?.step, step.step),
      ...differentWord(`${place}.unit`, recorded?.unit, step.unit),
      ...differentNumber(`${place}.before`, recorded?.before, step.before),
      ...differentNumber(`${place}.after`, recorded?.after, step.after),
    )
  })
  return differences
}

/** What the record says twice, and what it says of itself. */
function differentWords(row: ReplayableRow, { said, inputs }: RecordedQuote): Difference[] {
  return [
    ...differentWord('terms.pricing_model', said.pricingModel, inputs.model.model),
    ...differentWord('terms.convention_pack', said.conventionPack, inputs.terms.conventionPack),
    ...differentWord('schema_version', said.schemaVersion, row.schema_version),
  ]
}

function differentColumns(row: ReplayableRow, { said }: RecordedQuote, priced: PricedQuote): Difference[] {
  const differences: Difference[] = []
  for (const [name, word] of [
    ['audit_id', said.auditId],
    ['client_id', said.clientId],
    ['ticker', said.ticker],
  ] as const) {
    if (row[name] !== undefined) differences.push(...differentWord(`columns.${name}`, row[name], word))
  }
  for (const [name, number] of [
    ['position_value', priced.chargedValue],
    ['borrow_rate', priced.borrowRate.rate],
    ['total_fee', priced.fee.totalFee],
  ] as const) {
    if (row[name] !== undefined) differences.push(...differentNumber(`columns.${name}`, row[name], number))
  }
  return differences
}

const SAME: readonly Difference[] = []

/** By value, not by its zeros: 25.00 and 25.0 are the same amount. */
function differentNumber(field: string, recorded: unknown, replayed: Decimal): readonly Difference[] {
  const text = replayed.toString()
  if (recorded === text) return SAME
  const number = typeof recorded === 'string' ? parseDecimal(recorded) : null
  return number !== null && compare(number, replayed) === 0
    ? SAME
    : [{ field, recorded: textOf(recorded), replayed: text }]
}

function differentWord(field: string, recorded: unknown, replayed: unknown): readonly Difference[] {
  return recorded === replayed ? SAME : [{ field, recorded: textOf(recorded), replayed: textOf(replayed) }]
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, RECORDED_TEXT_MAX)
}
