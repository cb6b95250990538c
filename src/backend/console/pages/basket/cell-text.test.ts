import { expect, test } from 'vitest'
import { contractForm, isFigure } from './cell-text.ts'

test('amounts lose their groups, their currency and zeros in front', () => {
  for (const cell of [
    '50,000',
    '50 000',
    "50'000",
    '50\u00A0000',
    '$50,000',
    '$ 50000',
    'USD 50,000',
    '50,000 USD',
    'US$50000',
  ])
    expect(contractForm('position_value', cell)).toBe('50000')
  expect(contractForm('position_value', '1,250,000.50')).toBe('1250000.50')
  expect(contractForm('position_value', '007.50')).toBe('7.50')
  expect(contractForm('position_value', '0.50')).toBe('0.50')
  expect(contractForm('price', '$3.05')).toBe('3.05')
})

test('what can be read in two ways, or in none, stays as it stands', () => {
  for (const cell of [
    '50,00',
    '50.000,00',
    '1,2500',
    '5e4',
    '50k',
    '1.5m',
    '2mm',
    '-50000',
    '(50,000)',
    '50%',
    '5 %',
    'EUR 50',
    'n/a',
    '#REF!',
    '12,34,567',
  ])
    expect(contractForm('position_value', cell)).toBe(cell)
  // One separator of groups, not two.
  expect(contractForm('position_value', '1,250 000')).toBe('1,250 000')
  expect(contractForm('loan_days', '5%')).toBe('5%')
  expect(contractForm('loan_days', '1w')).toBe('1w')
  expect(contractForm('loan_days', '30.5')).toBe('30.5')
  expect(contractForm('start_date', '11/12/2026')).toBe('11/12/2026')
})

test('whole numbers lose what a spreadsheet adds', () => {
  expect(contractForm('loan_days', '30.0')).toBe('30')
  expect(contractForm('loan_days', '30 days')).toBe('30')
  expect(contractForm('loan_days', '1 day')).toBe('1')
  expect(contractForm('loan_days', '30d')).toBe('30')
  expect(contractForm('quantity', '1,000.00')).toBe('1000')
  expect(contractForm('quantity', '12,000')).toBe('12000')
})

test('tickers are capitals; a share class has its dot, a stock of Bloomberg’s no country', () => {
  expect(contractForm('ticker', ' gme ')).toBe('GME')
  expect(contractForm('ticker', '$GME')).toBe('GME')
  for (const cell of ['BRK B', 'BRK/B', 'BRK-B', 'brk.b']) expect(contractForm('ticker', cell)).toBe('BRK.B')
  expect(contractForm('ticker', 'GME US Equity')).toBe('GME')
  expect(contractForm('ticker', 'GME UN')).toBe('GME')
  expect(contractForm('ticker', 'BRK/B US EQUITY')).toBe('BRK.B')
  expect(contractForm('ticker', 'VOD LN Equity')).toBe('VOD LN EQUITY')
})

test('dates with the month in letters have one reading', () => {
  expect(contractForm('start_date', '2026-11-24')).toBe('2026-11-24')
  expect(contractForm('start_date', '4 Nov 2026')).toBe('2026-11-04')
  expect(contractForm('end_date', '24-Nov-2026')).toBe('2026-11-24')
  expect(contractForm('end_date', '24 November 2026')).toBe('2026-11-24')
})

test('clients are as they are written', () => {
  expect(contractForm('client_id', ' northbridge-01 ')).toBe('northbridge-01')
  expect(contractForm('client_id', '')).toBe('')
})

test('a figure is told from a name of a column', () => {
  for (const figure of ['50,000', '$5', '-3', '(12)', '2026-11-24', '30d', '.5'.padStart(3, '0')])
    expect(isFigure(figure)).toBe(true)
  for (const name of ['ticker', 'Value (USD)', '', 'days']) expect(isFigure(name)).toBe(false)
})
