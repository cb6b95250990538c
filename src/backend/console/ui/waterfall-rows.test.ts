import { describe, expect, test } from 'vitest'
import { blockEnd, type WaterfallStep, waterfallBlocks } from './waterfall-rows.ts'

const rate = (step: string, before: string | null, after: string): WaterfallStep => ({
  step,
  description: `words of ${step}`,
  unit: 'fraction',
  before,
  after,
})
const amount = (step: string, before: string, after: string, description?: string): WaterfallStep => ({
  step,
  description,
  unit: 'USD',
  before,
  after,
})

const RATES = [
  rate('lender_rate', '0', '0.1425'),
  rate('volatility', '0.1425', '0.170772'),
  rate('events', '0.170772', '0.1757595'),
  { ...rate('cap', '0.1757595', '0.1757595'), description: "not in force: below 5 x the lender's rate" },
  rate('floor', '0.1757595', '0.1757595'),
]
const AMOUNTS = [
  amount('charged_value', '50000.00', '50000.00', 'position value as given'),
  amount('borrow_cost', '0.00', '722.30'),
  amount('markup', '722.30', '758.41'),
  amount('transaction_fee', '758.41', '783.41'),
  amount('total', '783.41', '783.41'),
]

describe('the blocks of a waterfall', () => {
  test('have a row a step, exact, and a total that starts at zero', () => {
    const [rates, fee] = waterfallBlocks([AMOUNTS[0] as WaterfallStep, ...RATES, ...AMOUNTS.slice(1)])
    expect(rates?.rows.map(({ title, kind, change, after }) => [title, kind, change, after])).toEqual([
      ['Lender rate', 'first', null, '14.25 %'],
      ['Volatility', 'up', '+282.72 bp', '17.0772 %'],
      ['Events', 'up', '+49.875 bp', '17.57595 %'],
      ['Cap', 'rest', 'not reached', '17.57595 %'],
      ['Floor', 'rest', 'not needed', '17.57595 %'],
      ['Borrow rate', 'total', null, '17.57595 %'],
    ])
    expect(fee?.rows.map(({ title, kind, change, after }) => [title, kind, change, after])).toEqual([
      ['Borrow cost', 'first', null, '722.30'],
      ['Markup', 'up', '+36.11', '758.41'],
      ['Transaction fee', 'up', '+25.00', '783.41'],
      ['Total', 'total', null, '783.41'],
    ])
    expect(rates?.rows[5]?.bar).toEqual({ from: '0', to: '0.1757595' })
    expect(rates?.rows[3]?.note).toBe("below 5 x the lender's rate")
  })

  test('a cap that holds goes down from where the events ended, and the axis still reaches there', () => {
    const [block] = waterfallBlocks([
      rate('lender_rate', '0', '0.1'),
      rate('volatility', '0.1', '0.7'),
      rate('cap', '0.7', '0.5'),
    ])
    expect(block?.rows[2]).toMatchObject({ kind: 'down', change: '−2,000 bp', bar: { from: '0.5', to: '0.7' } })
    expect(block && blockEnd(block)).toBe('0.7')
  })

  test('what adds nothing has no bar, and its figure stays', () => {
    const [block] = waterfallBlocks([amount('borrow_cost', '0.00', '10.00'), amount('markup', '10.00', '10.00')])
    expect(block?.rows[1]).toMatchObject({ kind: 'none', change: '0.00', bar: null })
  })

  test('the charged value opens the fee when shares made it, as text', () => {
    const shares = amount('charged_value', '49000.00', '52000.00', '2000 shares x 26.00, 102 % of the price')
    const [block] = waterfallBlocks([shares, ...AMOUNTS.slice(1)])
    expect(block?.rows[0]).toMatchObject({ title: 'Charged value', kind: 'text', bar: null, after: '52,000.00' })
    expect(waterfallBlocks(AMOUNTS)[0]?.rows[0]?.title).toBe('Borrow cost')
    expect(waterfallBlocks([shares], { charged_value: 'as marked' })[0]?.rows[0]?.note).toBe('as marked')
  })
})
