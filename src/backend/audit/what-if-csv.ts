// The table of a what-if as CSV: a line for each client that is named, one for all the others together, and the total. The sums
// are what the quotes charge if every one had been taken; amounts are USD with two decimals.
import { csvRow } from '../server/csv-writer.ts'
import type { Effect, Revenue, WhatIfResult } from './what-if.ts'

const SUMS = [
  ['total_fees', 'totalFees'],
  ['borrow_cost', 'borrowCost'],
  ['markup', 'markup'],
  ['transaction_fees', 'transactionFees'],
  ['margin', 'margin'],
] as const satisfies readonly (readonly [string, keyof Revenue])[]

/** Three columns for each sum: as it was, as it would be, and the difference. */
export const WHAT_IF_COLUMNS: readonly string[] = [
  'client_id',
  'quotes',
  'quotes_changed',
  ...SUMS.flatMap(([name]) => [`${name}_before`, `${name}_after`, `${name}_delta`]),
]

/** Names that no client_id can have. */
const OTHERS = '(others)'
const TOTAL = '(total)'

/** The whole table with its header, lines ended by CRLF. */
export function whatIfCsv(result: WhatIfResult): string {
  const { mostAffected, others } = result
  return [
    csvRow(WHAT_IF_COLUMNS),
    ...mostAffected.map((client) => line(client.clientId, client)),
    ...(others === null ? [] : [line(OTHERS, others)]),
    line(TOTAL, result),
  ].join('')
}

function line(name: string, { quotes, changed, before, after, delta }: Effect): string {
  const sums = SUMS.flatMap(([, sum]) => [before[sum], after[sum], delta[sum]])
  return csvRow([name, String(quotes), String(changed), ...sums.map(String)])
}
