// Many prices in one request, as JSON and as a table.
import { decimal, plus } from '../../../pricing/decimal.ts'
import { type Check, expectThat } from './check.ts'
import { expectStatus, LOAN_DAYS, quoteBody } from './smoke-checks.ts'

const PATH = '/api/v1/calculate-locate/batch'
const UNKNOWN = 'ZZZZZ'

interface Line {
  readonly line: number | string
  readonly status: string
  readonly total_fee?: string
  readonly error_code?: string
}

const asJson: Check = {
  group: 'batches',
  name: 'a batch prices what can be priced, and says of each other line why not',
  expected: 'two prices and a line with TICKER_NOT_FOUND, and a summary that adds them up',
  keys: ['quoting'],
  run: async (engine) => {
    const line = quoteBody(engine)
    const body = { lines: [line, { ...line, ticker: UNKNOWN }, { ...line, loan_days: LOAN_DAYS + 1 }] }
    const answer = await engine.ask(PATH, { as: 'quoting', body })
    expectStatus(answer, 200)
    const { summary } = answer.json
    const lines = answer.json.lines as Line[]
    const states = lines.map(({ status, error_code }) => error_code ?? status).join(', ')
    expectThat(states === 'success, TICKER_NOT_FOUND, success', `the lines are ${states}`)
    const sum = lines.reduce((so, { total_fee }) => plus(so, decimal(total_fee ?? '0.00')), decimal('0.00'))
    expectThat(
      Number(summary.priced) === 2 && Number(summary.failed) === 1 && String(sum) === summary.total_fee,
      `a summary of ${JSON.stringify(summary)} for lines of ${sum} USD`,
    )
    return `${summary.total_fee} USD`
  },
}

const asTable: Check = {
  group: 'batches',
  name: 'a table comes back as a table',
  expected: 'a header and a priced line for the line that was sent, as text/csv',
  keys: ['quoting'],
  run: async (engine) => {
    const { ticker, clientId } = engine
    const answer = await engine.ask(PATH, {
      as: 'quoting',
      body: `ticker,position_value,loan_days,client_id\n${ticker},50000,${LOAN_DAYS},${clientId}\n`,
      headers: { 'content-type': 'text/csv', accept: 'text/csv' },
    })
    expectStatus(answer, 200)
    const type = answer.headers.get('content-type') ?? ''
    expectThat(type.startsWith('text/csv'), `it is ${type}`)
    const [header = '', line = '', ...others] = answer.text.trimEnd().split(/\r?\n/)
    expectThat(header.startsWith('line,status,ticker,client_id,'), `the header is ${header.slice(0, 60)}`)
    expectThat(line.startsWith(`1,success,${ticker},${clientId},`), `the line is ${line.slice(0, 80)}`)
    expectThat(others.length === 0, `${others.length} more lines`)
    return undefined
  },
}

export const BATCH_CHECKS: readonly Check[] = [asJson, asTable]
