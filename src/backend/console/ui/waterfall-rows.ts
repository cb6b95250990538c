// A waterfall's steps as rows of two blocks, the rate and the fee: what each row says, and what its bar is.
import { type Exact, type Fraction, inPercent } from '../../client/index.ts'
import { compare, decimal, minus } from '../../pricing/decimal.ts'
import { basisPointsBetween, basisPointsText, grouped, signedUsd, usdText } from './formats.ts'

/** A step as quotes, rates and records have it. */
export interface WaterfallStep {
  readonly step: string
  readonly description?: string | undefined
  readonly unit: string
  readonly before: Exact | null
  readonly after: Exact
}

export interface WaterfallRow {
  readonly step: string
  readonly title: string
  /** The arithmetic in words. */
  readonly note: string
  /** As it is written; null: the first row and the last have none. */
  readonly change: string | null
  readonly after: string
  /** `first` and `total` start at zero; `text` has no bar and stands before the first; `rest` is a rule that was not in force. */
  readonly kind: 'first' | 'up' | 'down' | 'none' | 'rest' | 'total' | 'text'
  readonly bar: { readonly from: Exact; readonly to: Exact } | null
}

export interface WaterfallBlock {
  readonly block: 'rate' | 'fee'
  readonly rows: readonly WaterfallRow[]
}

const TITLES: Readonly<Record<string, string>> = {
  charged_value: 'Charged value',
  lender_rate: 'Lender rate',
  volatility: 'Volatility',
  events: 'Events',
  cap: 'Cap',
  floor: 'Floor',
  borrow_cost: 'Borrow cost',
  markup: 'Markup',
  transaction_fee: 'Transaction fee',
  total: 'Total',
}
const AT_REST: Readonly<Record<string, string>> = { cap: 'not reached', floor: 'not needed' }
/** The charged value of a position that was asked for by value: it says nothing new, and its bar would dwarf the fee. */
const VALUE_AS_GIVEN = 'position value as given'
const FIRST = new Set(['lender_rate', 'borrow_cost'])

/** @param notes in place of the steps' own words, by step */
export function waterfallBlocks(
  steps: readonly WaterfallStep[],
  notes: Readonly<Record<string, string>> = {},
): WaterfallBlock[] {
  const rates = steps.filter(({ unit }) => unit === 'fraction')
  const amounts = steps.filter(({ unit }) => unit !== 'fraction')
  const blocks: WaterfallBlock[] = []
  const last = rates.at(-1)
  if (last !== undefined) {
    const total = { step: 'borrow_rate', description: 'a year', unit: 'fraction', before: null, after: last.after }
    blocks.push({
      block: 'rate',
      rows: [...rates.map((step) => row(step, notes)), { ...row(total, notes), kind: 'total', title: 'Borrow rate' }],
    })
  }
  if (amounts.length > 0) {
    const told = amounts.filter(({ description }) => description !== VALUE_AS_GIVEN)
    blocks.push({ block: 'fee', rows: told.map((step) => row(step, notes)) })
  }
  return blocks
}

/** The largest `after` of the block: where its axis ends. Zero is never cut. */
export function blockEnd(block: WaterfallBlock): Exact {
  return block.rows.reduce<Exact>((end, { bar }) => (bar !== null && isAbove(bar.to, end) ? bar.to : end), '0')
}

function row(step: WaterfallStep, notes: Readonly<Record<string, string>>): WaterfallRow {
  const isRate = step.unit === 'fraction'
  const before = step.before ?? '0'
  const after = isRate ? `${grouped(inPercent(step.after as Fraction))} %` : usdText(step.after)
  const about = {
    step: step.step,
    title: TITLES[step.step] ?? step.step.replaceAll('_', ' '),
    note: notes[step.step] ?? (step.description ?? '').replace(/^not in force: /, ''),
    after,
  }
  if (step.step === 'charged_value') return { ...about, kind: 'text', change: null, bar: null }
  if (FIRST.has(step.step)) return { ...about, kind: 'first', change: null, bar: { from: '0', to: step.after } }
  if (step.step === 'total' || step.step === 'borrow_rate') {
    return { ...about, kind: 'total', change: null, bar: { from: '0', to: step.after } }
  }
  const direction = compare(decimal(step.after), decimal(before))
  const atRest = direction === 0 ? AT_REST[step.step] : undefined
  if (atRest !== undefined) return { ...about, kind: 'rest', change: atRest, bar: null }
  const change = isRate
    ? basisPointsText(basisPointsBetween(before as Fraction, step.after as Fraction))
    : signedUsd(minus(decimal(step.after), decimal(before)).toString())
  if (direction === 0) return { ...about, kind: 'none', change, bar: null }
  return direction > 0
    ? { ...about, kind: 'up', change, bar: { from: before, to: step.after } }
    : { ...about, kind: 'down', change, bar: { from: step.after, to: before } }
}

function isAbove(a: Exact, b: Exact): boolean {
  return compare(decimal(a), decimal(b)) > 0
}
