// The commands of an administrator against a socket that answers like the engine: what they ask, and what a person reads.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer, refusal } from '../test/fakes/fake-engine.ts'
import { runCommand } from '../test/run-command.ts'

const BROKER = {
  status: 'success',
  client_id: 'acme',
  name: 'Acme Securities',
  markup_percentage: 5,
  markup_tiers: null,
  transaction_fee_type: 'FLAT',
  transaction_amount: 25,
  day_count: 'ACT/365',
  convention_pack: 'notional',
  billing: 'term',
  pricing_model: 'standard-v1',
  tier: 'premium',
  requests_per_minute: null,
  active: true,
  version: 3,
}
const broker = (fields = {}) => {
  const body = { ...BROKER, ...fields }
  return answer(200, body, { etag: `"${body.version}"` })
}
const STOCK = {
  ticker: 'GME',
  name: 'GAMESTOP CORP',
  borrow_status: 'HARD',
  floor_rate: 0.03,
  lender_id: null,
  active: true,
  version: 2,
}
const stock = (fields = {}) => answer(200, { status: 'success', ...STOCK, ...fields }, { etag: '"2"' })
const list = (...items: object[]) =>
  answer(200, { status: 'success', items, pagination: { total: items.length, skip: 0, limit: 20, has_more: false } })

async function run(words: string, ...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  const ran = await runCommand(baseUrl, ...words.split(' '))
  return { ...ran, asked, body: () => JSON.parse(asked.at(-1)?.body ?? '') as Record<string, unknown> }
}

describe('brokers', () => {
  test('are a table: markups in percent, fees with their unit', async () => {
    const tiers = [
      { up_to: 100000, markup_percentage: 5 },
      { up_to: null, markup_percentage: 3.5 },
    ]
    const { text, asked } = await run(
      'brokers list --limit 2',
      list(BROKER, {
        ...BROKER,
        client_id: 'percent',
        name: null,
        markup_tiers: tiers,
        transaction_fee_type: 'PERCENTAGE',
        transaction_amount: 0.1,
        requests_per_minute: 1200,
        active: false,
      }),
    )
    expect(asked[0]?.url).toBe('/api/v1/brokers?limit=2')
    expect(
      text,
    ).toBe(`Client     Markup        Fee  Day count  Pack      Model        Tier     Requests a minute  Active  Name
acme          5 %  25.00 USD  ACT/365    notional  standard-v1  premium        of its tier  yes     Acme Securities
percent  by value      0.1 %  ACT/365    notional  standard-v1  premium              1,200  no`)
  })

  test('one is its fields', async () => {
    const tiers = [
      { up_to: 100000, markup_percentage: 5 },
      { up_to: null, markup_percentage: 3.5 },
    ]
    const { text } = await run('brokers show acme', broker({ markup_tiers: tiers }))
    expect(text).toBe(`acme, version 3

Name               Acme Securities
Markup             5 % up to 100,000.00 USD, 3.5 % of the rest
Transaction fee    25.00 USD
Day count          ACT/365
Convention pack    notional
Billing            term, rounded once
Pricing model      standard-v1
Tier               premium
Requests a minute  those of its tier
Active             yes`)
  })

  test('a change says only what is different, and is made on the version that was read', async () => {
    const { text, asked, body } = await run(
      'brokers set acme --markup 7.5% --percentage-fee 0.1 --requests 120',
      broker(),
      broker({
        markup_percentage: 7.5,
        transaction_fee_type: 'PERCENTAGE',
        transaction_amount: 0.1,
        requests_per_minute: 120,
        version: 4,
      }),
    )
    expect(text).toBe(`acme is version 4 now.
Markup             5 %                →  7.5 %
Transaction fee    25.00 USD          →  0.1 %
Requests a minute  those of its tier  →  120`)
    expect(asked[1]?.headers['if-match']).toBe('"3"')
    expect(body()).toMatchObject({
      name: 'Acme Securities',
      markup_percentage: '7.5',
      transaction_fee_type: 'PERCENTAGE',
      transaction_amount: '0.1',
      requests_per_minute: 120,
      tier: 'premium',
    })
  })

  test('steps of markups are said by value, the last of the rest', async () => {
    const { body } = await run('brokers set acme --tiers 100000:5%,rest:3%', broker(), broker({ version: 4 }))
    expect(body().markup_tiers).toEqual([
      { up_to: '100000', markup_percentage: '5' },
      { up_to: null, markup_percentage: '3' },
    ])
  })

  test('what is as it was says so', async () => {
    expect((await run('brokers set acme --active', broker(), broker())).text).toBe(
      'Nothing is different: acme stays version 3.',
    )
  })

  test('what waits for a second person says how it goes on', async () => {
    const pending = answer(202, { status: 'pending', approval_id: 'a-1', current: BROKER })
    expect((await run('brokers set acme --markup 9', broker(), pending)).text).toBe(
      'The change of acme waits for a second person: `approvals approve a-1`. Until then version 3 holds.',
    )
  })

  test('a new one needs its terms, and is made only where there is none', async () => {
    expect((await run('brokers set new-one --new --markup 5')).text).toBe(
      'A new broker needs --flat-fee <usd> or --percentage-fee <percent>, --day-count <name>, --pack <name>, --model <name>, --tier <tier>.',
    )
    const words =
      'brokers set acme --new --markup 5% --flat-fee 25 --day-count ACT/365 --pack notional --model standard-v1 --tier standard'
    const { text, asked } = await run(words, refusal(412, 'PRECONDITION_FAILED'))
    expect(text).toBe('It is there already: to change it, leave out --new.')
    expect(asked[0]?.headers['if-none-match']).toBe('*')
  })

  test('one that is not there can be made', async () => {
    const { text } = await run('brokers set nobody --markup 5', refusal(404, 'CLIENT_NOT_FOUND'))
    expect(text).toBe('A sentence for CLIENT_NOT_FOUND.\nTo make it, say --new.')
  })
})

describe('stocks', () => {
  test('are a table with floors in percent a year', async () => {
    expect(
      (await run('stocks list', list(STOCK, { ...STOCK, ticker: 'AMC', floor_rate: null, name: null }))).text,
    ).toBe(
      `Ticker  Status  Floor a year  Active  Lender's id  Name
GME     HARD             3 %  yes                  GAMESTOP CORP
AMC     HARD         default  yes`,
    )
  })

  test('a floor is said in percent, with the sign', async () => {
    const { text, body } = await run(
      'stocks set GME --floor 4.25% --status none',
      stock(),
      stock({ floor_rate: 0.0425, borrow_status: null, version: 3 }),
    )
    expect(text).toBe(`GME is version 3 now.
Status        HARD  →  none
Floor a year  3 %   →  4.25 %`)
    expect(body()).toMatchObject({ floor_rate: '0.0425', borrow_status: null, name: 'GAMESTOP CORP' })
    const refused = await run('stocks set GME --floor 3')
    expect(refused.text).toContain('Say it in percent a year, with the sign, as 3%.')
    expect(refused.asked).toEqual([])
  })

  test('begin with --new', async () => {
    const { text, asked } = await run('stocks set AMC --new --status EASY', stock({ ticker: 'AMC', floor_rate: null }))
    expect(asked[0]?.headers['if-none-match']).toBe('*')
    expect(text).toContain('Made.\nAMC, version 2')
  })
})

describe('models', () => {
  const MODEL = {
    model: 'desk-v1',
    volatility_weight: 0.01,
    volatility_threshold: 20,
    event_weight: 0.75,
    max_multiplier: 5,
    volatility_source: 'index',
  }

  test('are a table of what they add', async () => {
    expect(
      (await run('models list', answer(200, { status: 'success', items: [MODEL] }))).text,
    ).toBe(`Model    A point of volatility      above  Event risk 10  At the most  Volatility of
desk-v1                   +1 %  20 points          +75 %          5 x  the index`)
  })

  test('a new one is as another, but for what is said', async () => {
    const { text, body } = await run(
      'models add desk-v2 --from desk-v1 --event-weight 50%',
      answer(200, { status: 'success', items: [MODEL] }),
      answer(201, { status: 'success', ...MODEL, model: 'desk-v2', event_weight: 0.5 }),
    )
    expect(body()).toEqual({
      model: 'desk-v2',
      volatility_weight: '0.01',
      volatility_threshold: '20',
      event_weight: '0.5',
      max_multiplier: '5',
      volatility_source: 'index',
    })
    expect(text).toContain('desk-v2 is added.')
  })

  test('or as a draft says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'models-'))
    const draft = join(folder, 'draft.json')
    writeFileSync(draft, JSON.stringify({ ...MODEL, model: undefined }))
    const { body } = await run(`models add desk-v3 --file ${draft}`, answer(201, { status: 'success', ...MODEL }))
    expect(body()).toMatchObject({ model: 'desk-v3', event_weight: '0.75' })
    rmSync(folder, { recursive: true })
  })

  test('one that lacks a parameter is not sent', async () => {
    const { text, asked } = await run('models add desk-v2 --event-weight 0.5 --volatility-source index')
    expect(text).toBe(
      'A model needs --volatility-weight, --volatility-threshold, --max-multiplier; or say --from <model>.',
    )
    expect(asked).toEqual([])
  })
})

describe('approvals', () => {
  const PENDING = {
    approval_id: '0193577d-1c00-7000-8000-000000000003',
    kind: 'broker',
    subject: 'acme',
    state: 'pending',
    asked_by: 'k-1',
    asked_at: '2026-11-23T14:31:07.000Z',
    decided_by: null,
    decided_at: null,
    reason: null,
    proposed: { ...BROKER, markup_percentage: 7.5 },
  }

  test('that wait show what they would change', async () => {
    const { text, asked } = await run('approvals list', list(PENDING), broker())
    expect(asked.map(({ url }) => url)).toEqual(['/api/v1/approvals?state=pending', '/api/v1/brokers/acme'])
    expect(text).toBe(`0193577d-1c00-7000-8000-000000000003  broker acme, asked for by key k-1 23 Nov 2026 14:31:07 UTC
  Markup  5 %  →  7.5 %`)
  })

  test('are approved and refused', async () => {
    const decided = answer(200, { status: 'success', ...PENDING, state: 'approved' })
    const approved = await run('approvals approve a-1 --reason Agreed', decided)
    expect(approved.text).toBe('Approved: broker acme is changed.')
    expect(approved.body()).toEqual({ decision: 'approve', reason: 'Agreed' })
    const refused = await run('approvals refuse a-1', decided)
    expect(refused.text).toBe('Refused: broker acme stays as it is.')
    expect(refused.body()).toEqual({ decision: 'refuse' })
  })

  test('that nobody asked for are none', async () => {
    expect((await run('approvals list --all', list())).text).toBe('Nothing waits for a second person.')
  })
})

test.each([
  ['brokers set acme --markup five', 'It must be a percentage, as 5% or 4.5.'],
  ['brokers set acme --tier gold', 'It must be standard, premium or internal.'],
  ['brokers set acme --requests 0', 'It must be a whole number above 0.'],
  ['brokers set acme --tiers 100000', 'It must be steps, as 100000:5%,1000000:4%,rest:3%.'],
  ['brokers set acme --flat-fee 1 --percentage-fee 1', 'Say either --flat-fee <usd> or --percentage-fee <percent>.'],
])('%s: %s', async (words, sentence) => {
  const { text, asked } = await run(words, broker())
  expect(text).toContain(sentence)
  expect(asked.filter(({ method }) => method !== 'GET')).toEqual([])
})

test('JSON keeps every digit as text', async () => {
  expect(JSON.parse((await run('stocks show GME --json', stock())).text)).toMatchObject({
    floor_rate: '0.03',
    version: 2,
  })
})
