// The picture in the README is drawn from a price that is computed here, not by hand. UPDATE_README=1 draws it anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DEFAULT_FLOOR_RATE, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { type PriceInputs, price } from '../pricing/quote.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd } from '../pricing/units.ts'
import { waterfallSvg } from './waterfall-svg.ts'

const PICTURE = new URL('../../../docs/images/waterfall.svg', import.meta.url)

/** GME in the demonstration's data, under the terms of demo-classic. */
const INPUTS: PriceInputs = {
  position: { kind: 'value', positionValue: asUsd(decimal('50000')) },
  stay: { loanDays: 30, accrual: null },
  lenderRate: asRate(decimal('0.01534')),
  stockVolatility: null,
  volatilityIndex: asIndexPoints(decimal('18.7')),
  eventRiskFactor: 7,
  floorRate: DEFAULT_FLOOR_RATE,
  model: STANDARD_V1,
  terms: {
    markupPercentage: asPercentPoints(decimal('5')),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal('25'),
    dayCount: 'ACT/365',
    conventionPack: 'notional',
    billing: 'term',
  },
}

const drawn = waterfallSvg('GME, 50,000 USD short for 30 days: 105.89 USD', price(INPUTS).waterfall)

describe('the picture of a waterfall', () => {
  test('in the README is the one that the engine’s numbers give', () => {
    if (process.env.UPDATE_README === '1') writeFileSync(PICTURE, drawn)
    expect(readFileSync(PICTURE, 'utf8')).toBe(drawn)
  })

  test('shows every step with its exact change and what it came to', () => {
    for (const text of [
      '+28.6858 bp',
      '+5.369 bp',
      '1.875',
      '77.04',
      '+3.85 USD',
      '+25.00 USD',
      '105.89',
      'not in force',
    ]) {
      expect(drawn).toContain(text)
    }
  })

  test('draws bars on an axis that begins at zero: a bar is as long as its part of the largest', () => {
    const width = (kind: string) =>
      Number(new RegExp(`class="${kind}" x="[0-9.]+" y="[0-9.]+" width="([0-9.]+)"`).exec(drawn)?.[1])
    expect(width('total')).toBe(330)
    expect(width('first') / 330).toBeCloseTo(0.01534 / 0.01874548, 3)
  })

  test('writes text that looks like markup as text', () => {
    expect(waterfallSvg('a <b> & c', [])).toContain('<title>a &lt;b&gt; &amp; c</title>')
  })
})
