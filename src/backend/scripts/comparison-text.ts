// One short under every pack as text for a person: what each charges, and who does. Pure: an answer in, lines out.
import type { ComparisonAnswer } from '../client/answers.ts'
import { decimal, minus } from '../pricing/decimal.ts'
import { type Column, change, columns, counted, grouped, percentPoints, usdText } from './formats.ts'

const left = (heading: string): Column => ({ heading, align: 'left' })
const right = (heading: string): Column => ({ heading, align: 'right' })

/** The differences are to the pack of the terms, which comes first. */
export function comparisonText(comparison: ComparisonAnswer): string {
  const { ticker, client_id, loan_days, borrow_rate_used, packs, degraded } = comparison
  const own = packs.find((pack) => pack.in_force)
  const ordered = own === undefined ? packs : [own, ...packs.filter((pack) => pack !== own)]
  const rows = ordered.map((pack) => [
    pack.convention_pack,
    usdText(pack.charged_value),
    pack.charged_shares === null ? '' : grouped(decimal(pack.charged_shares)),
    pack.mark === null ? '' : usdText(pack.mark),
    pack.day_count,
    usdText(pack.cost_per_day),
    usdText(pack.total_fee),
    own === undefined || pack === own ? '' : change(minus(decimal(pack.total_fee), decimal(own.total_fee))),
    pack === own ? `your terms; ${pack.charged_by}` : pack.charged_by,
  ])
  const heads = [
    left('Pack'),
    right('Charged USD'),
    right('Shares'),
    right('Mark'),
    left('Days of'),
    right('A day'),
    right('Total USD'),
    right('More'),
    left('Charged so by'),
  ]
  return [
    `${ticker} for ${client_id}: ${counted(loan_days, 'day')} at ${percentPoints(decimal(borrow_rate_used))} % a year`,
    '',
    ...columns(heads, rows),
    '',
    ...(degraded.some((name) => name.endsWith('_fallback')) ? ['◇ The rate rests on a guess.'] : []),
    'Markup and fee are those of the terms under every pack. Indicative: this is on no record.',
  ].join('\n')
}
