import { describe, expect, test } from 'vitest'
import type { EffectAnswer, WhatIfAnswer } from '../../../client/index.ts'
import { usd } from '../../../client/units.ts'
import { binText, changeBins, changePercent, whatIfCsv } from './effects.ts'

describe('changes', () => {
  test('are percents to a tenth, half up; of nothing they are none', () => {
    expect(changePercent('200.00', '8.40')).toBe('4.2')
    expect(changePercent('800.00', '-0.40')).toBe('-0.1')
    expect(changePercent('0.00', '5.00')).toBeNull()
    // No binary float in between.
    expect(changePercent('90071992547409.93', '0.90071992547409')).toBe('0.0')
  })
})

describe('bins of changes', () => {
  const bins = (changes: readonly string[]) => changeBins(changes).map((bin) => [binText(bin), bin.clients])

  test('are of one round width around no change, a bound belonging to the bin nearer to it', () => {
    expect(bins(['-20.00', '-12.58', '0.00', '3.00', '10.00', '10.01', '49.99'])).toEqual([
      ['−20 to −10', 2],
      ['−10 to 0', 0],
      ['no change', 1],
      ['0 to +10', 2],
      ['+10 to +20', 1],
      ['+20 to +30', 0],
      ['+30 to +40', 0],
      ['+40 to +50', 1],
    ])
  })

  test('hold every client once, one that changes a thousand times more than all others in an open bin', () => {
    const changes = ['1000000.00', ...Array.from({ length: 19 }, (_, at) => `${at + 1}.00`), '-500000.00']
    const made = changeBins(changes)
    expect(made.reduce((sum, { clients }) => sum + clients, 0)).toBe(changes.length)
    expect(binText(made.at(-1) ?? { from: '0', to: '0', clients: 0 })).toBe('more than +25')
    expect(binText(made[0] ?? { from: '0', to: '0', clients: 0 })).toBe('−25 or less')
  })

  test('are as small as a cent, and none of no client', () => {
    expect(bins(['0.01', '-0.01'])).toEqual([
      ['−0.01 to 0', 1],
      ['no change', 0],
      ['0 to +0.01', 1],
    ])
    expect(bins(['0.00', '0.00'])).toEqual([['no change', 2]])
    expect(bins([])).toEqual([])
  })
})

function effect(fees: string): EffectAnswer {
  const revenue = (amount: string) => ({
    total_fees: usd(amount),
    borrow_cost: usd('1.00'),
    markup: usd('2.00'),
    transaction_fees: usd('3.00'),
    margin: usd('5.00'),
  })
  return { quotes: 3, changed: 2, before: revenue('10.00'), after: revenue(fees), delta: revenue('-4.00') }
}

test('the table is the engine’s own: a line for each client, the others, the total', () => {
  const answer = {
    type: 'result',
    status: 'success',
    note: '',
    quotes_found: 3,
    not_priced: [],
    clients: 2,
    ...effect('6.00'),
    most_affected: [{ client_id: '-minus', ...effect('6.00') }],
    others: { clients: 1, ...effect('7.00') },
  } satisfies WhatIfAnswer
  const [header, ...lines] = whatIfCsv(answer).trimEnd().split('\r\n')
  expect(header).toMatch(/^client_id,quotes,quotes_changed,total_fees_before,total_fees_after,total_fees_delta,/)
  expect(lines.map((line) => line.split(',').slice(0, 6))).toEqual([
    ["'-minus", '3', '2', '10.00', '6.00', '-4.00'],
    ['(others)', '3', '2', '10.00', '7.00', '-4.00'],
    ['(total)', '3', '2', '10.00', '6.00', '-4.00'],
  ])
})
