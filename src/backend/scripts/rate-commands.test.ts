// The commands that look at rates, against a socket that answers like the engine.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer } from '../test/fakes/fake-engine.ts'
import { runCommand } from '../test/run-command.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rates-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(words: string, ...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  const ran = await runCommand(baseUrl, ...words.replaceAll('@', `${folder}/`).split(' '))
  return { ...ran, asked }
}

describe('a table of all rates', () => {
  const CSV = 'ticker,current_rate\r\nAMC,0.05\r\nGME,0.17575950\r\n'
  const table = answer(200, CSV, { 'content-type': 'text/csv' })

  test('is printed as it comes, for a spreadsheet', async () => {
    const { text, asked } = await run('rates --csv', table)
    expect(text).toBe('ticker,current_rate\r\nAMC,0.05\r\nGME,0.17575950')
    expect(asked[0]).toMatchObject({ url: '/api/v1/rates?format=csv', headers: { accept: 'text/csv' } })
  })

  test('goes into a file that is whole or not there', async () => {
    expect((await run('rates --csv --status HARD --out @hard.csv', table)).asked[0]?.url).toBe(
      '/api/v1/rates?status=HARD&format=csv',
    )
    expect(readFileSync(join(folder, 'hard.csv'), 'utf8')).toBe(CSV)
    expect((await run('rates --csv --out @hard.csv', table)).text).toContain('is there already')
    const cut: GiveAnswer = (response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '100' })
      response.write('ticker,current_rate\r\n', () => response.destroy())
    }
    expect((await run('rates --csv --out @cut.csv', cut)).status).toBe(1)
    expect(existsSync(join(folder, 'cut.csv'))).toBe(false)
  })

  test.each([
    ['rates', 'Say --status <status>, or --csv for all of them.'],
    ['rates --csv --limit 5', '--csv has all of them: leave out --limit and --skip.'],
    ['rates --status HARD --out @x.csv', '--out is for --csv.'],
    ['rates --status hard', 'It must be EASY, MEDIUM or HARD.'],
  ])('%s: %s', async (words, sentence) => {
    const { text, asked } = await run(words, table)
    expect(text).toContain(sentence)
    expect(asked).toEqual([])
  })
})

test('a rate may be asked for past everything that is kept', async () => {
  const { asked } = await run('rate GME --fresh', answer(400, '{"status":"error","error":"No.","error_code":"X"}'))
  expect(asked[0]?.url).toBe('/api/v1/rates/GME?use_cache=false')
})

describe('a history', () => {
  const point = (
    hour: number,
    rate: string,
    more: string = '"lender_rate":0.05,"volatility_index":20,"event_risk_factor":0',
  ) =>
    `{"time":"2026-11-2${3 + Math.floor(hour / 24)}T${String(hour % 24).padStart(2, '0')}:00:00.000Z","borrow_rate":${rate},${more},"availability":{"shares":1,"at_least":false}}`
  const history = (...points: string[]) =>
    answer(
      200,
      `{"status":"success","ticker":"GME","interval":"1h","pricing_model":"standard-v1","points":[${points.join(',')}]}`,
    )

  test('is drawn in steps, with its ends and its extremes', async () => {
    const rates = ['0.14', '0.14', '0.14', '0.142', '0.142', '0.175', '0.1757595', '0.175', '0.15', '0.15']
    const { text, asked } = await run(
      'history GME --from 2026-11-23',
      history(...rates.map((rate, hour) => point(hour, rate))),
    )
    expect(text).toBe(`GME, % a year under standard-v1, every hour

17.576 ┤     ┌──┐
       │     │  │
       │     │  │
       │     │  │
       │     │  │
       │     │  └─
       │     │
14.000 ┤─────┘
23 Nov 2026 00:00  23 Nov 2026 09:00 UTC

Last 15 %, 23 Nov 2026 09:00:00 UTC.
Lowest 14 %, 23 Nov 2026 00:00:00 UTC; highest 17.57595 %, 23 Nov 2026 06:00:00 UTC.`)
    expect(asked[0]?.url).toBe('/api/v1/rates/GME/history?from=2026-11-23&interval=1h')
  })

  test('leaves gaps as they are, and dots what something stood in for', async () => {
    const guess = '"lender_rate":null,"volatility_index":20,"event_risk_factor":0'
    const { text } = await run(
      'history GME',
      history(point(0, '0.05'), point(1, '0.05'), point(4, '0.05', guess), point(5, '0.05', guess)),
    )
    expect(text.split('\n')[5]).toBe('5.000 ┤──  ┈┈')
    expect(text).toContain('Dotted: something stood in for an input that was not known (2 of 4).')
    const spread = Array.from({ length: 40 }, (_, hour) => hour).filter((hour) => hour < 10 || hour >= 30)
    const gap = await run('history GME', history(...spread.map((hour) => point(hour, '0.05'))))
    expect(gap.text.split('\n')[5]).toMatch(/^5\.000 ┤─+ {6,}─+$/)
  })

  test('of a long time is as wide as a terminal, of one point a point, and of none a sentence', async () => {
    const many = Array.from({ length: 168 }, (_, hour) => point(hour % 48, hour % 2 === 0 ? '0.05' : '0.06'))
    const { text } = await run('history GME', history(...many.slice(0, 48)))
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(2, 11)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80)
    expect((await run('history GME', history(point(0, '0.05')))).text).toContain('5.000 ┤─')
    expect((await run('history GME', history())).text).toBe('Nothing is known of GME in this time.')
  })

  test('as JSON keeps every digit', async () => {
    const { text } = await run('history GME --interval 1d --json', history(point(0, '0.17575950')))
    expect(JSON.parse(text).points[0].borrow_rate).toBe('0.17575950')
  })
})

describe('a comparison', () => {
  const pack = (
    name: string,
    inForce: boolean,
    charged: string,
    shares: string,
    mark: string,
    days: string,
    total: string,
    by: string,
  ) =>
    `{"convention_pack":"${name}","in_force":${inForce},"charged_value":${charged},"charged_shares":${shares},"mark":${mark},"day_count":"${days}","cost_per_day":0.25,"total_fee":${total},"charged_by":"${by}"}`
  const compared = answer(
    200,
    `{"status":"success","ticker":"GME","client_id":"acme","loan_days":30,"borrow_rate_used":0.0630,"degraded":["volatility_fallback"],"packs":[${[
      pack('notional', false, '1650.00', '150', '11.00', 'ACT/360', '14.57', 'the classic form of this engine'),
      pack(
        'us-collateral-mark',
        true,
        '1800.00',
        '150',
        '12.00',
        'ACT/360',
        '15.25',
        'Interactive Brokers, Webull, Ally',
      ),
      pack('us-market-value', false, '2200.00', '200', '11.00', 'ACT/360', '17.09', 'Alpaca'),
    ].join(',')}]}`,
  )

  test('has the own terms first, what the others make of it, and who charges so', async () => {
    const { text, asked } = await run('compare GME --shares 150 --price 11 --days 30', compared)
    expect(text).toBe(`GME for acme: 30 days at 6.3 % a year

Pack                Charged USD  Shares   Mark  Days of  A day  Total USD   More  Charged so by
us-collateral-mark     1,800.00     150  12.00  ACT/360   0.25      15.25         your terms; Interactive Brokers, Webull, Ally
notional               1,650.00     150  11.00  ACT/360   0.25      14.57  −0.68  the classic form of this engine
us-market-value        2,200.00     200  11.00  ACT/360   0.25      17.09  +1.84  Alpaca

◇ The rate rests on a guess.
Markup and fee are those of the terms under every pack. Indicative: this is on no record.`)
    expect(asked[0]).toMatchObject({
      url: '/api/v1/convention-packs/compare',
      body: '{"ticker":"GME","quantity":150,"price":"11","loan_days":30}',
    })
  })

  test('is of one way of saying how much, and one of saying how long', async () => {
    expect((await run('compare GME --days 30', compared)).text).toBe('Say either --value <usd> or --shares <count>.')
    expect((await run('compare GME --value 100 --days 3 --broker other', compared)).asked[0]?.body).toContain(
      '"client_id":"other"',
    )
  })
})
