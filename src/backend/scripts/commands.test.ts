// Each command against a socket that answers like the engine, with the keys and the address an engine leaves in its folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PROJECT_ROOT } from '../test/tidy/tree.ts'
import { commandLine, failureText } from './commands.ts'
import { NO_PROGRESS } from './progress.ts'

const REFUSAL = `{"status":"error","error":"Invalid parameter: ticker must be capitals; loan_days must be at most 365",
  "error_code":"INVALID_PARAMETER","validation_errors":[
    {"field":"ticker","location":"body","message":"ticker must be capitals"},
    {"field":"loan_days","location":"body","message":"loan_days must be at most 365"}]}`
const RATE = `{"status":"success","ticker":"GME","current_rate":0.17575950,"borrow_status":"HARD","volatility_index":20.5,
  "event_risk_factor":null,"last_updated":"2026-11-23T14:31:07Z","lender_rate":0.141,
  "availability":{"shares":612000,"at_least":false},"rebate_rate":-0.1375,"floor_rate":0.0001,"pricing_model":"standard-v1",
  "data_sources":{"base_rate":{"value":0.141,"source":"cached","provider":"ibkr","as_of":"2026-11-23T11:20:07Z","age_seconds":11460},
    "event_risk":{"value":0,"source":"fallback","provider":"default","as_of":null,"age_seconds":null,"fallback_reason":"no calendar within 7 days"}},
  "degraded":["event_risk_fallback"]}`

let server: Server
let address: string
let dataDir: string
let asked: { url: string; key: string; body: string }[] = []

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ url: `${request.method} ${request.url}`, key: String(request.headers['x-api-key']), body })
    const path = request.url ?? ''
    if (path.includes('/rates/status/')) response.end(`[${RATE}]`)
    else if (path.includes('/rates/')) response.end(RATE)
    else response.writeHead(400, { 'x-request-id': 'r-9' }).end(REFUSAL)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  dataDir = mkdtempSync(join(tmpdir(), 'commands-'))
  writeFileSync(join(dataDir, 'engine.json'), JSON.stringify({ address }))
  const keys = [
    { name: 'desk', role: 'desk', clientId: 'house', apiKey: 'desk-key' },
    { name: 'demo-classic', role: 'broker', clientId: 'demo-classic', apiKey: 'classic-key' },
    { name: 'demo-percentage', role: 'broker', clientId: 'demo-percentage', apiKey: 'percentage-key' },
    { name: 'auditor', role: 'auditor', clientId: 'house', apiKey: 'auditor-key' },
  ]
  writeFileSync(join(dataDir, 'demo-keys.json'), JSON.stringify({ keys }))
})

afterAll(() => {
  server.close()
  rmSync(dataDir, { recursive: true })
})

beforeEach(() => {
  asked = []
})

/** Runs a command; what it printed, or the sentence it failed with. */
async function run(words: string, environment: Record<string, string> = {}, folder = dataDir): Promise<string> {
  const printed: string[] = []
  const program = commandLine({
    environment,
    dataDir: folder,
    print: (text) => printed.push(text),
    note: (text) => printed.push(`(${text})`),
    progress: () => NO_PROGRESS,
    setExitStatus: () => {},
    importFile: async (path) => void printed.push(`import ${path}`),
  })
  try {
    await program.parseAsync(words.split(' '), { from: 'user' })
    return printed.join('\n')
  } catch (error) {
    return failureText(error)
  }
}

describe('whom a command asks, and as whom', () => {
  test.each([
    [
      'quote GME --value 50,000.00 --days 30',
      'classic-key',
      '"client_id":"demo-classic","position_value":"50000.00","loan_days":30',
    ],
    ['quote GME --value 50000 --days 30 --broker demo-percentage', 'percentage-key', '"client_id":"demo-percentage"'],
    ['quote GME --value 50000 --days 30 --broker other', 'desk-key', '"client_id":"other"'],
    [
      'quote GME --shares 100 --price 13.5 --start 2026-11-02 --end 2026-11-09',
      'classic-key',
      '"quantity":100,"price":"13.5","start_date":"2026-11-02"',
    ],
    ['quote GME --value 1 --days 1 --key mine --broker me', 'mine', '"client_id":"me"'],
  ])('%s', async (words, key, body) => {
    await run(words)
    expect(asked).toEqual([{ url: 'POST /api/v1/calculate-locate', key, body: expect.stringContaining(body) }])
  })

  test('a record is asked for with an auditor key', async () => {
    await run('explain 0192')
    expect(asked).toMatchObject([{ url: 'GET /api/v1/audit/0192', key: 'auditor-key' }])
  })

  test('the environment stands in for the options', async () => {
    await run('rate GME', { BORROW_RATE_URL: address, BORROW_RATE_API_KEY: 'env-key' }, '/nonexistent')
    expect(asked).toMatchObject([{ url: 'GET /api/v1/rates/GME', key: 'env-key' }])
  })
})

test('one rate is exact, in percent, and its guess gives the reason', async () => {
  expect(await run('rate GME')).toBe(`GME HARD: 17.57595 % a year under standard-v1
Floor 0.01 %; rebate −13.75 %; shares to lend: 612,000

Inputs
Lender rate       14.1 %  cached, ibkr  3 h 11 min old
Event risk of 10       0  a guess       no calendar within 7 days`)
})

test('a list has rates with three decimals and marks a guess', async () => {
  expect(await run('rates --status HARD --limit 1')).toBe(`Ticker  Status  % a year  Available  Rebate %  Lender rate is
GME     HARD      17.576    612,000   −13.750  3 h 11 min old  ◇ guess`)
  expect(asked[0]?.url).toBe('GET /api/v1/rates/status/HARD?skip=0&limit=1')
})

test('JSON keeps every digit as text', async () => {
  expect(JSON.parse(await run('rate GME --json'))).toMatchObject({ current_rate: '0.17575950', lender_rate: '0.141' })
})

describe('a failure', () => {
  test("is the engine's sentence, its fields and the id to report", async () => {
    expect(
      await run('quote gme --value 1 --days 400'),
    ).toBe(`Invalid parameter: ticker must be capitals; loan_days must be at most 365
  ticker: ticker must be capitals
  loan_days: loan_days must be at most 365
(INVALID_PARAMETER, request r-9)`)
  })

  test('to reach an engine says how to start one', async () => {
    const words = 'quote GME --value 1 --days 1 --key k --broker me --url http://127.0.0.1:9'
    expect(await run(words)).toBe('No engine answers at http://127.0.0.1:9.\nStart it with: npm start')
  })

  test.each([
    ['quote GME --days 30', 'Say either --value <usd> or --shares <count>.'],
    ['quote GME --value 1', 'Say either --days <count> or both --start <date> and --end <date>.'],
    ['quote GME --value 1 --days 1 --key unknown', 'Say whose terms price it: --broker <client_id>.'],
    ['rate GME --url nowhere', 'The address must be a URL, as http://127.0.0.1:8000.'],
  ])('%s: %s', async (words, sentence) => {
    expect(await run(words)).toBe(sentence)
    expect(asked).toEqual([])
  })

  test('for want of a key says where keys come from', async () => {
    expect(await run('rate GME', {}, '/nonexistent')).toContain('npm start')
  })
})

test('docs/commands.md names every command there is, and no other', () => {
  const document = readFileSync(`${PROJECT_ROOT}docs/commands.md`, 'utf8')
  const program = commandLine({
    environment: {},
    dataDir: '',
    print: () => {},
    note: () => {},
    progress: () => NO_PROGRESS,
    setExitStatus: () => {},
    importFile: async () => {},
  })
  const real = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command.name()] : command.commands.map((one) => `${command.name()} ${one.name()}`),
  )
  const groups = new Set(
    program.commands.filter((command) => command.commands.length > 0).map((command) => command.name()),
  )
  const documented = [...document.matchAll(/`npm run cli -- ([a-z-]+)(?: ([a-z-]+))?/g)].map(
    ([, first = '', second = '']) => (groups.has(first) ? `${first} ${second}` : first),
  )
  expect([...new Set(documented)].sort()).toEqual(real.sort())
})
