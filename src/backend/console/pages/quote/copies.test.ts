import { describe, expect, test } from 'vitest'
import { COUNTS } from '../../../client/answers.ts'
import { parseExactJson, type QuoteAnswer, usd } from '../../../client/index.ts'
import { quoteBody } from '../../../client/quotes.ts'
import { csvText, curlText, exactJsonText } from './copies.ts'
import recordedText from './fixtures/recorded-answers.json?raw'

const [first] = parseExactJson(recordedText, COUNTS) as readonly { readonly answer: QuoteAnswer }[]
const answer = first?.answer as QuoteAnswer
const request = { ticker: 'GME', clientId: 'demo-classic', positionValue: usd('50000.00'), loanDays: 21 }

describe('as curl', () => {
  test('asks the same again, with a variable in place of the key', () => {
    expect(curlText(quoteBody(request), 'http://127.0.0.1:8000')).toBe(
      [
        `curl -sS 'http://127.0.0.1:8000/api/v1/calculate-locate' \\`,
        `  -H "X-API-Key: $KEY" \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -d '{"ticker":"GME","client_id":"demo-classic","position_value":50000.00,"loan_days":21}'`,
      ].join('\n'),
    )
  })

  test('keeps an apostrophe within its quotes', () => {
    expect(curlText({ ticker: "A'; rm" }, 'http://engine')).toContain(`'{"ticker":"A'\\''; rm"}'`)
  })
})

describe('as JSON', () => {
  test('has every figure as the engine wrote it', () => {
    const line = recordedText.split('\n').find((one) => one.includes('"answer": {"status":"success"')) as string
    const original = line.slice(line.indexOf('{"status"'))
    expect(exactJsonText(answer, '')).toBe(original)
    expect(parseExactJson(exactJsonText(answer), COUNTS)).toEqual(answer)
  })

  test('a name that looks like a number stays a text', () => {
    expect(exactJsonText({ client_id: '12345', total_fee: '1.50', degraded: [], mark: null }, '')).toBe(
      '{"client_id":"12345","total_fee":1.50,"degraded":[],"mark":null}',
    )
  })
})

describe('as CSV', () => {
  const cells = (csv: string) => {
    const [header = '', line = '', end] = csv.split('\r\n')
    expect(end).toBe('')
    const values = line.split(',')
    return Object.fromEntries(header.split(',').map((name, at) => [name, values[at]]))
  }

  test('is a header and a line', () => {
    expect(cells(csvText(answer, request))).toMatchObject({
      ticker: 'GME',
      client_id: 'demo-classic',
      position_value: '50000.00',
      quantity: '',
      loan_days: '21',
      total_fee: answer.total_fee,
      borrow_rate_used: answer.borrow_rate_used,
      audit_id: answer.audit_id,
    })
  })

  test('never begins a cell like a formula', () => {
    const csv = csvText({ ...answer, client_id: '=HYPERLINK("x")', degraded: ['-1+1'] }, request)
    expect(csv).toContain(`"'=HYPERLINK(""x"")"`)
    expect(csv).toContain("'-1+1")
  })
})
