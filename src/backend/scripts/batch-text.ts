// A batch as text for a person: the lines as a table, and what they come to. Pure: answers in, lines out.
import type { BatchStepAnswer, BatchSummaryAnswer } from '../client/batches.ts'
import { decimal } from '../pricing/decimal.ts'
import { type Column, columns, counted, grouped, moment, oneScale, percentPoints, usdText } from './formats.ts'

const left = (heading: string): Column => ({ heading, align: 'left' })
const right = (heading: string): Column => ({ heading, align: 'right' })

/** Amounts in USD, rates in percent a year; a line that could not be priced says why. */
export function batchTable(steps: readonly BatchStepAnswer[]): string {
  const priced = steps.filter((step) => step.type === 'priced')
  // One count of decimals, so that the column aligns at the point.
  const rates = oneScale(
    priced.map((step) => percentPoints(decimal(step.borrow_rate_used))),
    2,
  )
  const rateOf = new Map(priced.map((step, index) => [step.line, rates[index]]))
  const rows = steps.map((step) => {
    if (step.type === 'summary') return []
    const named = [String(step.line), step.ticker ?? '', step.client_id ?? '']
    if (step.type === 'failed') return [...named, '', '', '', '', '', '', '', `✗ ${step.error}`]
    return [
      ...named,
      usdText(step.position_value),
      String(step.loan_days),
      `${rateOf.get(step.line)} %`,
      usdText(step.breakdown.borrow_cost),
      usdText(step.breakdown.markup),
      usdText(step.breakdown.transaction_fees),
      usdText(step.total_fee),
      step.degraded.some((name) => name.endsWith('_fallback')) ? '◇ guess' : '',
    ]
  })
  const heads = [
    right('Line'),
    left('Ticker'),
    left('Client'),
    right('Value USD'),
    right('Days'),
    right('A year'),
    right('Borrow cost'),
    right('Markup'),
    right('Fee'),
    right('Total USD'),
    left(''),
  ]
  return columns(heads, rows).join('\n')
}

/** `1,500 of 1,501 lines priced, 1 failed; 684,765.00 USD together. …` */
export function batchSummaryText({ summary, batch_id, snapshot_at }: BatchSummaryAnswer): string {
  const { lines, priced, failed, total_fee } = summary
  const done =
    failed === 0
      ? `${lines === 1 ? 'The line is' : `All ${counted(lines, 'line')} are`} priced`
      : `${grouped(decimal(priced))} of ${counted(lines, 'line')} priced, ${grouped(decimal(failed))} failed`
  return `${done}: ${usdText(total_fee)} USD together, as of ${moment(snapshot_at)}, batch ${batch_id}.`
}
