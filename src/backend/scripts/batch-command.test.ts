// The command that prices a file, against a socket that answers like the engine.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer } from '../test/fakes/fake-engine.ts'
import { runCommand } from '../test/run-command.ts'

const PRICED =
  `{"line":1,"status":"success","ticker":"GME","client_id":"acme","total_fee":1105.89,"position_value":500000.00,"loan_days":30,
"breakdown":{"borrow_cost":1027.04,"markup":53.85,"transaction_fees":25.00},"borrow_rate_used":0.01874548,"degraded":["volatility_fallback"],
"terms":{"day_count":"ACT/365"},"audit_id":"a-1"}`.replaceAll('\n', '')
const FAILED =
  '{"line":2,"status":"error","error":"Ticker not found: NOPE","error_code":"TICKER_NOT_FOUND","ticker":"NOPE","client_id":"acme"}'
const SUMMARY =
  '{"status":"success","batch_id":"b-1","snapshot_at":"2026-11-23T14:31:07.000Z","summary":{"lines":2,"priced":1,"failed":1,"total_fee":1105.89}}'
const BOTH = answer(200, `${PRICED}\n${FAILED}\n${SUMMARY}\n`)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batch-'))
  writeFileSync(join(folder, 'shorts.csv'), 'ticker,position_value,loan_days\nGME,500000,30\nNOPE,1,1\n')
  writeFileSync(
    join(folder, 'shorts.json'),
    '[{"ticker":"GME","position_value":500000.10,"loan_days":30},{"ticker":"NOPE","quantity":100,"price":1.5,"start_date":"2026-11-02","end_date":"2026-11-09"}]',
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(words: string, ...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  const ran = await runCommand(baseUrl, ...words.replaceAll('@', `${folder}/`).split(' '))
  return { ...ran, asked }
}

test('a file is priced into a table that adds up, and a line that failed says why', async () => {
  const { text, status, shown, asked } = await run('batch @shorts.csv', BOTH)
  expect(text).toBe(`Line  Ticker  Client   Value USD  Days      A year  Borrow cost  Markup    Fee  Total USD
   1  GME     acme    500,000.00    30  1.874548 %     1,027.04   53.85  25.00   1,105.89  ◇ guess
   2  NOPE    acme                                                                         ✗ Ticker not found: NOPE

1 of 2 lines priced, 1 failed: 1,105.89 USD together, as of 23 Nov 2026 14:31:07 UTC, batch b-1.`)
  expect(status).toBe(0)
  expect(shown).toEqual([
    [1, 2],
    [2, 2],
  ])
  expect(asked[0]).toMatchObject({
    url: '/api/v1/calculate-locate/batch',
    headers: { 'content-type': 'text/csv' },
    body: 'ticker,position_value,loan_days\nGME,500000,30\nNOPE,1,1\n',
  })
})

test('scripts can have a status that tells of a line that failed', async () => {
  expect((await run('batch @shorts.csv --strict', BOTH)).status).toBe(1)
})

test('JSON goes as it is written, digit by digit', async () => {
  const { asked } = await run('batch @shorts.json --broker acme --idempotency-key basket-1', BOTH)
  expect(asked[0]?.headers['idempotency-key']).toBe('basket-1')
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    client_id: 'acme',
    lines: [
      { ticker: 'GME', position_value: '500000.10', loan_days: 30 },
      { ticker: 'NOPE', quantity: 100, price: '1.5', start_date: '2026-11-02', end_date: '2026-11-09' },
    ],
  })
})

test('a table without a column of clients gets one when a broker is named', async () => {
  const { asked } = await run('batch @shorts.csv --broker acme', BOTH)
  expect(asked[0]?.body.split(/\r?\n/)[1]).toBe('GME,500000,30,acme')
})

describe('forms of the answer', () => {
  test('CSV to a file, by its name; the summary is printed', async () => {
    const { text, asked } = await run('batch @shorts.csv --out @priced.csv', BOTH)
    expect(asked[0]?.headers.accept).toBe('application/x-ndjson')
    const rows = readFileSync(join(folder, 'priced.csv'), 'utf8').split('\r\n')
    expect(rows[0]).toBe(
      'line,status,ticker,client_id,position_value,loan_days,borrow_rate_used,borrow_cost,markup,transaction_fees,total_fee,day_count,degraded,error_code,error,audit_id',
    )
    expect(rows[1]).toBe(
      '1,success,GME,acme,500000.00,30,0.01874548,1027.04,53.85,25.00,1105.89,ACT/365,volatility_fallback,,,a-1',
    )
    expect(text).toMatch(/^1 of 2 lines priced.* They are in .*priced\.csv\.$/)
    expect((await run('batch @shorts.csv --out @priced.csv')).text).toContain('is there already')
  })

  test.each([
    ['--json', (text: string) => JSON.parse(text)],
    ['--format ndjson', (text: string) => ({ lines: text.split('\n').map((line) => JSON.parse(line)) })],
  ])('%s to the output alone, the summary beside it', async (words, read) => {
    const { text, notes } = await run(`batch @shorts.csv ${words}`, BOTH)
    expect(read(text).lines[0]).toMatchObject({ line: 1, total_fee: 1105.89 })
    expect(text).toContain('500000.00')
    expect(notes).toContain('1 of 2 lines priced')
  })
})

describe('what goes wrong', () => {
  test('half an answer leaves no file', async () => {
    const { text } = await run('batch @shorts.csv --out @half.csv', answer(200, `${PRICED}\n`))
    expect(text).toBe('The answer broke off before its end: it has no summary.')
    expect(existsSync(join(folder, 'half.csv'))).toBe(false)
    expect(existsSync(join(folder, 'half.csv.part'))).toBe(false)
  })

  test.each([
    ['batch @nothing.csv', /^There is no file /],
    ['batch @shorts.csv --format xml', /It must be table, csv, json or ndjson\./],
  ])('%s: %s', async (words, sentence) => {
    const { text, asked } = await run(words)
    expect(text).toMatch(sentence)
    expect(asked).toEqual([])
  })

  test('a file that is neither says so', async () => {
    writeFileSync(join(folder, 'broken.json'), '[{"ticker"')
    expect((await run('batch @broken.json')).text).toBe('broken.json is not JSON.')
    writeFileSync(join(folder, 'other.json'), '{"ticker":"GME"}')
    expect((await run('batch @other.json')).text).toBe('other.json must hold a list of lines, or an object with lines.')
  })
})
