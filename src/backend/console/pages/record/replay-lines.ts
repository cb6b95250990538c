// A replay side by side: what was recorded, what the same inputs give today, line by line.
import type { DifferenceAnswer, QuoteRecordAnswer } from '../../../client/index.ts'
import type { Exact, Fraction } from '../../../client/units.ts'
import { parseDecimal } from '../../../pricing/decimal.ts'
import { rateText, usdText } from '../../ui/formats.ts'

export interface ReplayLine {
  readonly title: string
  readonly recorded: string
  readonly replayed: string
  readonly same: boolean
  /** The sum of the others. */
  readonly isTotal?: true
}

interface Named {
  readonly title: string
  /** As differences name it; the first is what the line shows. */
  readonly fields: readonly string[]
  readonly value: string | undefined
  readonly isTotal?: true
}

const STEP_TITLES: Readonly<Record<string, string>> = {
  lender_rate: 'Lender rate',
  volatility: 'With volatility',
  events: 'With events',
  cap: 'Under the cap',
  floor: 'Above the floor',
}

/** Every line of the price; of what differs otherwise, a line by its own name. */
export function replayLines(record: QuoteRecordAnswer, differences: readonly DifferenceAnswer[]): ReplayLine[] {
  const left = new Map(differences.map((difference) => [difference.field, difference]))
  const lines = namedLines(record).map(({ title, fields, value, isTotal }): ReplayLine => {
    const found = fields.map((field) => left.get(field)).find((difference) => difference !== undefined)
    for (const field of fields) left.delete(field)
    const as = isRate(fields[0] as string) ? asRate : asAmount
    return {
      title,
      recorded: as(found?.recorded ?? value ?? null),
      replayed: as(found === undefined ? (value ?? null) : found.replayed),
      same: found === undefined,
      ...(isTotal && { isTotal }),
    }
  })
  const others = [...left.values()].map(
    ({ field, recorded, replayed }): ReplayLine => ({
      title: field,
      recorded: recorded ?? 'none',
      replayed: replayed ?? 'none',
      same: false,
    }),
  )
  return [...lines, ...others]
}

function namedLines({ waterfall, result }: QuoteRecordAnswer): Named[] {
  const lines = result as unknown as Readonly<Record<string, string | undefined>>
  const steps = waterfall
    .filter(({ unit }) => unit === 'fraction')
    .map(({ step, after }) => ({
      title: STEP_TITLES[step] ?? step.replaceAll('_', ' '),
      fields: [`waterfall.${step}.after`, `waterfall.${step}.before`],
      value: after,
    }))
  return [
    ...steps,
    { title: 'Borrow rate', fields: ['borrow_rate_used', 'columns.borrow_rate'], value: lines.borrow_rate },
    { title: 'Charged value', fields: ['charged_value', 'columns.position_value'], value: lines.charged_value },
    {
      title: 'Borrow cost',
      fields: ['breakdown.borrow_cost', 'waterfall.borrow_cost.after', 'waterfall.borrow_cost.before'],
      value: lines.borrow_cost,
    },
    {
      title: 'Markup',
      fields: ['breakdown.markup', 'waterfall.markup.after', 'waterfall.markup.before'],
      value: lines.markup,
    },
    {
      title: 'Transaction fee',
      fields: ['breakdown.transaction_fees', 'waterfall.transaction_fee.after', 'waterfall.transaction_fee.before'],
      value: lines.transaction_fee,
    },
    { title: 'Cost of a day', fields: ['cost_per_day'], value: lines.cost_per_day },
    {
      title: 'Total',
      fields: ['total_fee', 'columns.total_fee', 'waterfall.total.after', 'waterfall.total.before'],
      value: lines.total_fee,
      isTotal: true,
    },
  ]
}

function isRate(field: string): boolean {
  return field === 'borrow_rate_used' || field.startsWith('waterfall.')
}

const asRate = (text: Exact | null) => words(text, (exact) => rateText(exact as Fraction))
const asAmount = (text: Exact | null) => words(text, usdText)

/** What is damaged is shown as it stands. */
function words(text: string | null, format: (exact: Exact) => string): string {
  if (text === null) return 'none'
  return parseDecimal(text) === null ? text : format(text)
}
