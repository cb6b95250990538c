// What a what-if says, in the forms that the screen shows: changes in percent, and how many clients change by how much. Exact, except
// where a bin begins and ends, which is a round number.
import type { EffectAnswer, WhatIfAnswer } from '../../../client/index.ts'
import type { Exact, Usd } from '../../../client/units.ts'
import { compare, type Decimal, decimal, divide, isZero, minus, powerOfTen, times } from '../../../pricing/decimal.ts'
import { csvRow } from '../../../server/csv-writer.ts'
import { grouped, signedUsd } from '../../ui/formats.ts'

/** Of what it was, to a tenth, with its sign: `+4.2`; null when it was nothing. */
export function changePercent(before: Exact, delta: Exact): Exact | null {
  const from = decimal(before)
  if (isZero(from)) return null
  return divide(times(decimal(delta), decimal(100)), from, { scale: 1, rounding: 'half-up' }).toString()
}

export interface Bin {
  /** USD; the first bin is open below, the last one above. */
  readonly from: Exact | null
  readonly to: Exact | null
  readonly clients: number
}

/** Bins on each side of none. */
const SIDE_BINS = 5

/**
 * Clients by the change of their fees. The bins are as wide as each other, with round bounds around 0; clients without a change have
 * one of their own. The outermost are open, so that one client alone does not press all others into one bin.
 */
export function changeBins(changes: readonly Exact[]): readonly Bin[] {
  const values = changes.map((change) => decimal(change))
  const sizes = values
    .map(absolute)
    .filter((size) => !isZero(size))
    .sort(compare)
  if (sizes.length === 0) return changes.length === 0 ? [] : [{ from: '0', to: '0', clients: changes.length }]
  // Nine in ten clients change by less than the outermost bound.
  const most = sizes[Math.min(sizes.length - 1, Math.ceil(sizes.length * 0.9) - 1)] as Decimal
  const width = roundWidth(divide(most, decimal(SIDE_BINS), { scale: 2, rounding: 'up' }))
  const counts = new Map<number, number>()
  for (const value of values) {
    const at = binOf(value, width)
    counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  const [lowest, highest] = [Math.min(0, ...counts.keys()), Math.max(0, ...counts.keys())]
  return Array.from({ length: highest - lowest + 1 }, (_, index) => {
    const at = lowest + index
    return { ...boundsOf(at, width), clients: counts.get(at) ?? 0 }
  })
}

/** 0: no change; 1: above 0 up to one width; -1 the same below. */
function binOf(value: Decimal, width: Decimal): number {
  if (isZero(value)) return 0
  const steps = Number(divide(absolute(value), width, { scale: 0, rounding: 'up' }).toString())
  const at = Math.min(steps, SIDE_BINS + 1)
  return value.units < 0n ? -at : at
}

function boundsOf(at: number, width: Decimal): { readonly from: Exact | null; readonly to: Exact | null } {
  const bound = (steps: number) => times(width, decimal(steps)).toString()
  if (at === 0) return { from: '0', to: '0' }
  if (at > 0) return { from: bound(at - 1), to: at > SIDE_BINS ? null : bound(at) }
  return { from: at < -SIDE_BINS ? null : bound(at), to: bound(at + 1) }
}

/** The next of 1, 2, 5, 10, 20, 50, … at or above, never below a cent. */
function roundWidth(least: Decimal): Decimal {
  for (let exponent = 0; ; exponent += 1) {
    for (const digit of [1n, 2n, 5n]) {
      const width = times(decimal(digit * powerOfTen(exponent)), decimal('0.01'))
      if (compare(width, least) >= 0) return width
    }
  }
}

function absolute(value: Decimal): Decimal {
  return value.units < 0n ? minus(decimal(0), value) : value
}

/** `−20 to −10`, `no change`, `more than +50`. */
export function binText({ from, to }: Bin): string {
  if (from === '0' && to === '0') return 'no change'
  if (from === null) return `${boundText(to ?? '0')} or less`
  if (to === null) return `more than ${boundText(from)}`
  return `${boundText(from)} to ${boundText(to)}`
}

/** With its sign; cents where there are any. */
export function boundText(bound: Exact): string {
  return signedUsd(bound).replace(/\.00$/, '')
}

/** The columns of the engine's own table. */
const SUMS = ['total_fees', 'borrow_cost', 'markup', 'transaction_fees', 'margin'] as const

/** The table as the engine writes it: a line for each client, one for the others together, and the total. */
export function whatIfCsv(result: WhatIfAnswer): string {
  const header = [
    'client_id',
    'quotes',
    'quotes_changed',
    ...SUMS.flatMap((sum) => [`${sum}_before`, `${sum}_after`, `${sum}_delta`]),
  ]
  const line = (name: string, { quotes, changed, before, after, delta }: EffectAnswer) =>
    csvRow([
      name,
      String(quotes),
      String(changed),
      ...SUMS.flatMap((sum): Usd[] => [before[sum], after[sum], delta[sum]]),
    ])
  return [
    csvRow(header),
    ...result.most_affected.map((client) => line(client.client_id, client)),
    ...(result.others === null ? [] : [line('(others)', result.others)]),
    line('(total)', result),
  ].join('')
}

export function countText(count: number): string {
  return grouped(String(count))
}
