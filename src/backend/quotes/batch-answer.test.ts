// The forms that are made of a batch's NDJSON, however it is cut into pieces of whole lines.
import { describe, expect, test } from 'vitest'
import { type BatchSummary, batchCsv, batchJson, tellingSummary } from './batch-answer.ts'

const LINES = [
  '{"line":1,"status":"success","total_fee":25.00,"ticker":"GME","position_value":100,"loan_days":30,"breakdown":{"borrow_cost":1.10}}',
  '{"line":2,"status":"error","error":"Ticker not found: X, \\n Y","error_code":"TICKER_NOT_FOUND"}',
  '{"line":3,"status":"success","total_fee":26.00,"ticker":"AMC"}',
]
const SUMMARY =
  '{"status":"success","batch_id":"b-1","snapshot_at":"2026-11-24T15:00:00.000Z","summary":{"lines":3,"priced":2,"failed":1,"total_fee":51.00}}'

async function* pieces(...cut: readonly (readonly string[])[]): AsyncGenerator<string> {
  for (const lines of cut) yield lines.map((line) => `${line}\n`).join('')
}

async function whole(text: AsyncIterable<string>): Promise<string> {
  let all = ''
  for await (const piece of text) all += piece
  return all
}

const [first, second, third] = LINES as [string, string, string]
const CUTS = [
  [[first, second, third, SUMMARY]],
  [[first, second, third], [SUMMARY]],
  [[first], [second, third], [SUMMARY]],
  [[first], [second], [third, SUMMARY]],
]

describe('the answer of a batch', () => {
  test.each(CUTS)('is one JSON object, of pieces %#', async (...cut) => {
    const text = await whole(batchJson(pieces(...cut)))
    expect(text).toBe(`{"lines":[${LINES.join(',')}],${SUMMARY.slice(1)}\n`)
    expect(JSON.parse(text).lines).toHaveLength(3)
  })

  test.each(CUTS)('is a table, of pieces %#', async (...cut) => {
    const rows = (await whole(batchCsv(pieces(...cut)))).trimEnd().split('\r\n')
    expect(rows).toHaveLength(4)
    expect(rows[1]).toMatch(/^1,success,GME,,100,30,/)
    expect(rows[3]).toMatch(/^3,success,AMC,/)
  })

  test.each(CUTS)('tells its summary when all of it was taken, of pieces %#', async (...cut) => {
    const told: BatchSummary[] = []
    const text = await whole(tellingSummary(pieces(...cut), (summary) => told.push(summary)))
    expect(text).toBe(`${[...LINES, SUMMARY].join('\n')}\n`)
    expect(told).toMatchObject([{ batchId: 'b-1', lines: 3, priced: 2, failed: 1 }])
    expect(String(told[0]?.totalFee)).toBe('51.00')
  })

  test('has no end when it broke off', async () => {
    const told: BatchSummary[] = []
    const text = await whole(batchJson(tellingSummary(pieces([first], [second]), (summary) => told.push(summary))))
    expect(text).toBe(`{"lines":[${first},${second}`)
    expect(told).toEqual([])
  })
})
