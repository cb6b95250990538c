// The typed client against the engine itself: that what its types promise is what comes, and that what it repeats is done once.
import { beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient, type BorrowRateClientOptions } from '../../client/borrow-rate-client.ts'
import { indexPoints, percentPoints, timesLenderRate, usd } from '../../client/units.ts'
import { decimal, plus } from '../../pricing/decimal.ts'
import { type Deployment, type KeyName, startDeployment } from './deployment.ts'
import { listPlain } from './market.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      for (const ticker of ['ZZA', 'ZZB', 'ZZC']) await listPlain(database, ticker, '0.05')
    },
  })
})

const as = (name: KeyName, options: Partial<BorrowRateClientOptions> = {}) =>
  new BorrowRateClient({ baseUrl: deployed.url, apiKey: deployed.keys[name], ...options })
const ask = { ticker: 'ZZA', clientId: 'demo-classic', positionValue: usd(100_000), loanDays: 30 }

/** The platform's fetch over a connection that loses the first answer. */
function losingTheFirst(): typeof fetch {
  let lost = false
  return async (...sent) => {
    const response = await fetch(...sent)
    if (lost) return response
    lost = true
    await response.text()
    throw new TypeError('the connection broke')
  }
}

describe('a price', () => {
  test('is exact text, and counts are numbers', async () => {
    const quote = await as('demo-classic').quotes.price(ask)
    expect(quote).toMatchObject({ total_fee: '456.51', borrow_rate_used: '0.05', availability: { shares: 250_000 } })
    const { borrow_cost, markup, transaction_fees } = quote.breakdown
    expect(String(plus(plus(decimal(borrow_cost), decimal(markup)), decimal(transaction_fees)))).toBe(quote.total_fee)
  })

  test('whose answer was lost is one price with one record, although it was asked for twice', async () => {
    const quote = await as('demo-classic', { fetch: losingTheFirst() }).quotes.price({ ...ask, ticker: 'ZZB' })
    const found = await as('auditor').records.search({ ticker: 'ZZB' })
    expect(found.items.map(({ audit_id }) => audit_id)).toEqual([quote.audit_id])
  })

  test('of a batch whose answer was lost is one, too', async () => {
    const lines = [{ ...ask, ticker: 'ZZC' }]
    const { lines: priced } = await as('desk', { fetch: losingTheFirst() }).batches.priceAll(lines)
    const found = await as('auditor').records.search({ ticker: 'ZZC' })
    expect(found.items.map(({ audit_id }) => audit_id)).toEqual(
      priced.map((line) => 'audit_id' in line && line.audit_id),
    )
  })
})

describe('a batch', () => {
  const lines = Array.from({ length: 1500 }, (_, at) => ({ ...ask, positionValue: usd(1000 + at) }))

  test('comes line by line, and its summary adds them up', async () => {
    let total = decimal('0.00')
    let next = 1
    for await (const step of as('desk').batches.price([...lines, { ...ask, ticker: 'ZNONE' }])) {
      if (step.type === 'summary') {
        expect(step.summary).toEqual({ lines: 1501, priced: 1500, failed: 1, total_fee: String(total) })
        continue
      }
      expect(step.line).toBe(next++)
      if (step.type === 'priced') total = plus(total, decimal(step.total_fee))
      else expect(step).toMatchObject({ line: 1501, error_code: 'TICKER_NOT_FOUND', ticker: 'ZNONE' })
    }
    expect(next).toBe(1502)
  })

  test('takes a table and gives one', async () => {
    const table = 'ticker,position_value,loan_days,client_id\nZZA,100000,30,demo-classic\n'
    let text = ''
    for await (const piece of as('desk').batches.text(table, 'csv')) text += piece
    expect(text).toMatch(/^line,status,ticker.*\r?\n1,success,ZZA,demo-classic,100000/)
  })

  test('ends when nobody reads on', async () => {
    for await (const step of as('desk').batches.price(lines)) {
      expect(step.type).toBe('priced')
      break
    }
    expect((await as('desk').config()).api_version).toBe('v1')
  })
})

describe('what an administrator keeps', () => {
  test('is changed by several at once, and no change is lost', async () => {
    const engine = as('admin')
    await engine.brokers.create('busy', {
      markup_percentage: percentPoints(1),
      transaction_fee_type: 'FLAT',
      transaction_amount: usd(25),
      day_count: 'ACT/365',
      convention_pack: 'notional',
      pricing_model: 'standard-v1',
      tier: 'standard',
      active: true,
    })
    const addOne = () =>
      engine.brokers.update('busy', (broker) => ({
        ...broker,
        markup_percentage: percentPoints(Number(broker.markup_percentage) + 1),
      }))
    await Promise.all([addOne(), addOne(), addOne(), addOne()])
    expect(await engine.brokers.read('busy')).toMatchObject({ markup_percentage: '5', version: 5, etag: '"5"' })
    await expect(engine.brokers.replace('busy', await engine.brokers.read('busy'), '"1"')).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    })
    const listed: string[] = []
    for await (const { client_id } of engine.brokers.all()) listed.push(client_id)
    expect(listed).toContain('busy')
  })

  test('a stock, and a model that is never edited', async () => {
    const engine = as('admin')
    const made = await engine.stocks.create('ZST', { borrow_status: 'HARD', floor_rate: null })
    expect(made).toMatchObject({ ticker: 'ZST', version: 1, etag: '"1"' })
    expect(await engine.stocks.update('ZST', (stock) => ({ ...stock, active: false }))).toMatchObject({ active: false })
    const model = {
      model: 'calm-v1',
      volatility_weight: timesLenderRate('0.005'),
      volatility_threshold: indexPoints(25),
      event_weight: timesLenderRate('0.1'),
      max_multiplier: timesLenderRate(3),
      volatility_source: 'index',
    } as const
    await engine.pricingModels.add(model)
    await expect(engine.pricingModels.add(model)).rejects.toMatchObject({ code: 'CONFLICT', status: 409 })
    expect(await engine.pricingModels.list()).toContainEqual(model)
    expect((await engine.config()).pricing_models).toContainEqual(model)
    expect(await engine.rates.custom('ZZA', { model: 'calm-v1' })).toMatchObject({ pricing_model: 'calm-v1' })
  })

  test('waits for nobody here', async () => {
    expect(await as('admin').approvals.list({ state: 'pending' })).toMatchObject({
      items: [],
      pagination: { total: 0 },
    })
    await expect(as('admin').approvals.refuse('01900000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

test('a session goes on with its tokens, and ends', async () => {
  const engine = new BorrowRateClient({ baseUrl: deployed.url })
  await expect(engine.config()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  const first = await engine.session.signIn(deployed.keys.desk)
  expect(first).toMatchObject({ client_id: 'house', role: 'desk', expires_in: 900 })
  // Each cookie is good once, so the second time shows that the client goes on with the new one.
  for (const _ of [1, 2]) expect(await engine.session.refresh()).toMatchObject({ role: 'desk' })
  expect((await engine.config()).rate_limits.standard).toEqual(expect.any(Number))
  const who = await engine.session.whoAmI()
  expect(who).toMatchObject({ status: 'success', client_id: 'house', role: 'desk', label: first.label })
  expect(Date.parse(who.expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000)
  expect(await as('desk').session.whoAmI()).toMatchObject({ label: who.label })
  await engine.session.signOut()
  await expect(engine.config()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
})
