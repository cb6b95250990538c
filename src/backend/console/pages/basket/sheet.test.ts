import { describe, expect, test } from 'vitest'
import {
  batchCsv,
  fieldsOf,
  linesOfSheet,
  missingColumns,
  readOtherwise,
  readSheet,
  type Sheet,
  withCell,
  withField,
} from './sheet.ts'

const sheetOf = (text: string): Sheet => {
  const sheet = readSheet('Pasted lines', text)
  if (sheet === null) throw new Error('there is no sheet')
  return sheet
}
const csvOf = (text: string, client: string | null = null) => {
  const sheet = sheetOf(text)
  return batchCsv(sheet, linesOfSheet(sheet), client)
}

describe('columns', () => {
  test('are known by the contract’s names and by those that people have', () => {
    const fieldsIn = (header: string) => sheetOf(`${header}\nGME,1,1,1,1,1,1,1`).fields
    expect(fieldsIn('ticker,position_value,quantity,price,loan_days,start_date,end_date,client_id')).toEqual([
      'ticker',
      'position_value',
      'quantity',
      'price',
      'loan_days',
      'start_date',
      'end_date',
      'client_id',
    ])
    expect(fieldsIn('Symbol,Notional (USD),Term,Account')).toEqual([
      'ticker',
      'position_value',
      'loan_days',
      'client_id',
    ])
    expect(fieldsIn('SYM,Qty,Px,Loan Days')).toEqual(['ticker', 'quantity', 'price', 'loan_days'])
    expect(fieldsIn('stock,Mkt Value,holding-period,Broker')).toEqual([
      'ticker',
      'position_value',
      'loan_days',
      'client_id',
    ])
  })

  test('of a name that nobody knows are left out; of two of one field the first counts', () => {
    expect(sheetOf('Symbol,Trader,Desk note,Value,Days\nGME,mo,x,5,3').fields).toEqual([
      'ticker',
      null,
      null,
      'position_value',
      'loan_days',
    ])
    expect(sheetOf('ticker,symbol,value,days\nGME,GME,5,3').fields).toEqual([
      'ticker',
      null,
      'position_value',
      'loan_days',
    ])
  })

  test('without a header row are in the contract’s order', () => {
    const sheet = sheetOf('GME\t50,000\t30\nAMC\t100\t7')
    expect(sheet.header).toBeNull()
    expect(sheet.fields).toEqual(['ticker', 'position_value', 'loan_days'])
    expect(sheet.rows).toHaveLength(2)
    expect(sheetOf('GME,5,3,demo-classic,note').fields).toEqual([
      'ticker',
      'position_value',
      'loan_days',
      'client_id',
      null,
    ])
  })

  test('can be given another meaning, which only one of them has', () => {
    const sheet = withField(sheetOf('symbol,amount,days\nGME,5,3'), 1, 'quantity')
    expect(sheet.fields).toEqual(['ticker', 'quantity', 'loan_days'])
    expect(withField(sheet, 0, 'loan_days').fields).toEqual(['loan_days', 'quantity', null])
    expect(withField(sheet, 2, null).fields).toEqual(['ticker', 'quantity', null])
  })

  test('that a price needs are missed by name', () => {
    expect(missingColumns(sheetOf('ticker,value,days\nGME,1,1'))).toEqual([])
    expect(missingColumns(sheetOf('symbol,shares,start,end\nGME,1,1,1'))).toEqual([])
    expect(missingColumns(sheetOf('symbol,note,start\nGME,1,1'))).toEqual([
      'a value or shares',
      'days, or a start and an end',
    ])
  })
})

describe('lines', () => {
  test('are sent under the contract’s names, in its forms, without the columns that are left out', () => {
    expect(csvOf('Symbol,Trader,Notional,Days\ngme,"Okafor, M.","$50,000.00",30 days\nBRK/B,mo,1 250.5,7')).toBe(
      'ticker,position_value,loan_days\r\nGME,50000.00,30\r\nBRK.B,1250.5,7\r\n',
    )
  })

  test('that name no broker get the chosen one, in a column of their own or in theirs', () => {
    expect(csvOf('ticker,value,days\nGME,5,3', 'demo-classic')).toBe(
      'ticker,position_value,loan_days,client_id\r\nGME,5,3,demo-classic\r\n',
    )
    expect(csvOf('client,ticker,value,days\nacme,GME,5,3\n,AMC,6,4', 'demo-classic')).toBe(
      'ticker,position_value,loan_days,client_id\r\nGME,5,3,acme\r\nAMC,6,4,demo-classic\r\n',
    )
  })

  test('that are not understood are sent as they stand, for the engine to refuse', () => {
    expect(csvOf('ticker,value,days\n"no, ticker",50%,soon\n"a ""b""",-5,1w')).toBe(
      'ticker,position_value,loan_days\r\n"NO, TICKER",50%,soon\r\n"A ""B""",-5,1w\r\n',
    )
  })

  test('with too many cells stay too long: 50,000 without quotes is not 50', () => {
    const sheet = sheetOf('ticker,value,days\nGME,50,000,30\nAMC,5,3,,')
    expect(linesOfSheet(sheet).map(({ surplus }) => surplus)).toEqual([1, 0])
    expect(batchCsv(sheet, linesOfSheet(sheet), null)).toBe(
      'ticker,position_value,loan_days\r\nGME,50,0,\r\nAMC,5,3\r\n',
    )
    const corrected = withCell(withCell(sheet, 1, 'position_value', '50000'), 1, 'loan_days', '30')
    expect(batchCsv(corrected, linesOfSheet(corrected), null)).toContain('GME,50000,30\r\n')
  })

  test('keep their place, empty ones passed over', () => {
    const sheet = sheetOf('ticker,value,days\r\n\r\nGME,5,3\r\n,,\r\nAMC,6,4\r\n')
    expect(linesOfSheet(sheet)).toEqual([
      { line: 1, cells: { ticker: 'GME', position_value: '5', loan_days: '3' }, surplus: 0 },
      { line: 2, cells: { ticker: 'AMC', position_value: '6', loan_days: '4' }, surplus: 0 },
    ])
    expect(sheet.emptyLines).toBe(2)
  })

  test('are corrected one cell at a time; the others are the same', () => {
    const sheet = sheetOf('ticker,value,days\nGMEE,5,3\nAMC,6,4')
    const corrected = withCell(sheet, 1, 'ticker', 'gme')
    expect(linesOfSheet(corrected).map(({ cells }) => cells.ticker)).toEqual(['GME', 'AMC'])
    expect(corrected.rows[1]).toBe(sheet.rows[1])
    expect(withCell(sheet, 1, 'quantity', '5')).toBe(sheet)
    expect(withCell(sheet, 3, 'ticker', 'GME')).toBe(sheet)
  })

  test('that are read otherwise than written are counted, with the first of them', () => {
    expect(readOtherwise(sheetOf('ticker,value,days\ngme,"5,000",3\nAMC,$6,4\nPLUG,7,5'))).toEqual([
      { field: 'ticker', count: 1, from: 'gme', to: 'GME' },
      { field: 'position_value', count: 2, from: '5,000', to: '5000' },
    ])
  })

  test('are none in a text of a header alone, or of nothing', () => {
    expect(readSheet('x', 'ticker,value,days\n')).toBeNull()
    expect(readSheet('x', ' \n\n')).toBeNull()
  })

  test('of the largest basket are all there, and one more is not cut off', () => {
    const rows = Array.from({ length: 10_001 }, (_, at) => `GME,"${(at % 900) + 100},000.00",${(at % 365) + 1}`)
    const sheet = sheetOf(`symbol,notional,days\r\n${rows.join('\r\n')}\r\n`)
    const lines = linesOfSheet(sheet)
    expect(lines).toHaveLength(10_001)
    expect(lines.at(-1)?.cells.position_value).toBe('200000.00')
    expect(batchCsv(sheet, lines, 'demo-classic').split('\r\n')).toHaveLength(10_003)
    expect(fieldsOf(sheet)).toEqual(['ticker', 'position_value', 'loan_days'])
  })
})
