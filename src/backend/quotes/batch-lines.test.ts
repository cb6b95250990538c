import { describe, expect, test } from 'vitest'
import { readJson } from '../server/json-reader.ts'
import { Problem } from '../server/problem.ts'
import type { BatchLine } from './batch.ts'
import { BATCH_LINES_MAX, type ReadOptions, readBatchBody, readBatchCsv } from './batch-lines.ts'

const DESK: ReadOptions = { ownClientId: 'house', mayPriceFor: () => true }
const BROKER: ReadOptions = {
  ownClientId: 'demo-classic',
  mayPriceFor: (clientId: string) => clientId === 'demo-classic',
}

const json = (text: string, options = DESK) => readBatchBody(readJson(text), options)
const csv = (text: string, options = DESK) => readBatchCsv(text, options)

/** A line in short: what is asked, or the code and the faults. */
function told(line: BatchLine): unknown {
  if (line.kind === 'request') {
    const { ticker, clientId, position, stay } = line.request
    const value = position.kind === 'value' ? position.positionValue.toString() : `${position.quantity} shares`
    return `${line.line} ${ticker} ${value} ${stay.kind === 'days' ? stay.loanDays : stay.startDate} ${clientId}`
  }
  const faults = line.problem.validationErrors?.map((fault) => `${fault.location} ${fault.message}`) ?? []
  return [line.line, line.problem.code, ...faults, line.ticker, line.clientId]
}

function refusalOf(read: () => unknown): unknown {
  try {
    read()
  } catch (error) {
    if (error instanceof Problem) return [error.code, error.message]
    throw error
  }
  return 'read'
}

describe('a JSON batch', () => {
  test('is its lines by number; client_id of the batch stands for lines that name none, else the credential', () => {
    const text = `{"client_id":"demo-classic","lines":[
      {"ticker":"GME","position_value":50000,"loan_days":30},
      {"ticker":"BRK.B","quantity":5,"price":"1.5","start_date":"2026-10-08","end_date":"2026-10-09","client_id":"other"}]}`
    expect(json(text).map(told)).toEqual(['1 GME 50000 30 demo-classic', '2 BRK.B 5 shares 2026-10-08 other'])
    expect(json('{"lines":[{"ticker":"GME","position_value":1,"loan_days":1}]}').map(told)).toEqual(['1 GME 1 1 house'])
  })

  test('fails line by line, with the same words as a single quote, and says what of a bad line is sound', () => {
    const text = `{"lines":[
      {"ticker":"gme","position_value":0,"loan_days":30},
      {"ticker":"GME","position_value":1.001,"loan_days":366},
      7, null, [],
      {"ticker":"GME","position_value":1,"loan_days":1}]}`
    expect(json(text).map(told)).toEqual([
      [
        1,
        'INVALID_PARAMETER',
        'body ticker must be one to five capital letters, with an optional share class as in BRK.B',
        'body position_value must be at least 0.01',
        null,
        'house',
      ],
      [
        2,
        'INVALID_PARAMETER',
        'body position_value must have at most 2 decimals',
        'body loan_days must be an integer from 1 to 365',
        'GME',
        'house',
      ],
      ...[3, 4, 5].map((line) => [line, 'INVALID_PARAMETER', 'body line must be a JSON object', null, null]),
      '6 GME 1 1 house',
    ])
  })

  test('may only hold the own client_id of a broker', () => {
    const text =
      '{"lines":[{"ticker":"GME","position_value":1,"loan_days":1,"client_id":"other"},{"ticker":"GME","position_value":1,"loan_days":1}]}'
    expect(json(text, BROKER).map(told)).toEqual([[1, 'FORBIDDEN', 'GME', 'other'], '2 GME 1 1 demo-classic'])
  })

  test.each([
    ['{}', 'Invalid parameter: lines is required'],
    ['{"lines":[]}', /^Invalid parameter: lines must be a list of 1/],
    ['{"lines":{}}', /^Invalid parameter: lines must be a list/],
    ['[]', 'Invalid parameter: body must be a JSON object'],
    ['{"lines":[{}],"client_id":"a b"}', /^Invalid parameter: client_id must be/],
  ])('is refused whole when it is none: %s', (text, sentence) => {
    expect(refusalOf(() => json(text))).toEqual([
      'INVALID_PARAMETER',
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    ])
  })

  test('has at most 10 000 lines', () => {
    const lines = (count: number) => `{"lines":[${Array(count).fill('{"ticker":"GME"}').join(',')}]}`
    expect(json(lines(BATCH_LINES_MAX))).toHaveLength(10_000)
    expect(refusalOf(() => json(lines(BATCH_LINES_MAX + 1)))).toEqual([
      'PAYLOAD_TOO_LARGE',
      'A batch has at most 10000 lines',
    ])
  })
})

/** Processor time of some work, which others on the machine do not make longer. */
function processorMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe('a CSV batch', () => {
  test('has a header row in any order, takes quotes, spaces, a byte order mark and either line end, and ignores other columns', () => {
    const text =
      '\ufeffloan_days,ticker,note,position_value,client_id\r\n30, GME ,"a, ""b""",50000.00,\r\n\r\n7,BRK.B,,"100",demo-classic\n'
    expect(csv(text).map(told)).toEqual(['1 GME 50000.00 30 house', '2 BRK.B 100 7 demo-classic'])
  })

  test('takes each number as exactly as JSON does, and fails line by line', () => {
    const text = 'ticker,quantity,price,loan_days\nGME,1e2,2.50,30\nGME,"1,000",2.5,30\nGME,5,2.5\nGME,5,=2.5,1\n'
    expect(csv(text).map(told)).toEqual([
      '1 GME 100 shares 30 house',
      [2, 'INVALID_PARAMETER', 'body quantity must be an integer from 1 to 100000000', 'GME', 'house'],
      [3, 'INVALID_PARAMETER', 'body line has 3 cells where the header row has 4', null, null],
      [4, 'INVALID_PARAMETER', 'body price must be a number or a decimal string', 'GME', 'house'],
    ])
  })

  test.each([
    ['', 'Invalid parameter: body must be CSV with a header row'],
    ['position_value,loan_days\n1,1\n', 'Invalid parameter: body must have a header row that names the column ticker'],
    ['ticker,ticker\nGME,GME\n', 'Invalid parameter: body must name each column once'],
    ['ticker,loan_days\n', 'Invalid parameter: body must have a line below its header row'],
    ['ticker\n"GME\n', /^Invalid parameter: body must be CSV with commas and closed quotes/],
    ['ticker\nG"M"E\n', /^Invalid parameter: body must be CSV with commas and closed quotes/],
  ])('is refused whole when it is no such table: %j', (text, sentence) => {
    expect(refusalOf(() => csv(text))).toEqual([
      'INVALID_PARAMETER',
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    ])
  })

  test('has at most 10 000 lines below its header row', () => {
    const lines = (count: number) => `ticker\n${'GME\n'.repeat(count)}`
    expect(csv(lines(BATCH_LINES_MAX))).toHaveLength(10_000)
    expect(refusalOf(() => csv(lines(BATCH_LINES_MAX + 1)))).toEqual([
      'PAYLOAD_TOO_LARGE',
      'A batch has at most 10000 lines',
    ])
  })

  test.each<[string, (bytes: number) => string]>([
    ['one row of commas', (bytes) => `ticker${','.repeat(bytes)}\nGME`],
    ['a row of commas below its header row', (bytes) => `ticker\n${','.repeat(bytes)}`],
    ['rows of commas', (bytes) => `ticker\n${`${','.repeat(999)}\n`.repeat(bytes / 1000)}`],
    ['commas between quoted line ends', (bytes) => `ticker\n${`"\n"${','.repeat(996)}`.repeat(bytes / 1000)}`],
  ])('of %s has too many cells, which is seen at once', (_, text) => {
    const columns = ['ticker', ...Array.from({ length: 29 }, (_, column) => `note_${column}`)].join()
    const largest = `${columns}\n${`GME${','.repeat(29)}\n`.repeat(9_998)}`
    const readMs = processorMs(() => expect(csv(largest)).toHaveLength(9_998))
    const tooMany = text(8_000_000)
    const refusedMs = processorMs(() =>
      expect(refusalOf(() => csv(tooMany))).toEqual(['PAYLOAD_TOO_LARGE', 'A batch has at most 300000 cells']),
    )
    // Reading them all would take as much for each 300 000 as the largest table does, and nobody else would be answered meanwhile.
    expect(refusedMs).toBeLessThan(8 * readMs)
  })

  test('a column named __proto__ is a column like any other', () => {
    expect(csv('ticker,__proto__,position_value,loan_days\nGME,x,1,1\n').map(told)).toEqual(['1 GME 1 1 house'])
  })
})
