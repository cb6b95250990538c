// What a quote says: the price, to the cent, and every step to it.
import { Decimal } from 'decimal.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, close, list, listPlain } from './market.ts'

const QUOTE = '/api/v1/calculate-locate'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await close(database, 'ZZA', '50.25', '2026-11-20')
      await listPlain(database, 'ZNC', '0.05')
      await list(database, { ticker: 'ZCAP', rate: '0.05', available: 1000, atLeast: true })
      await list(database, { ticker: 'ZUNK', rate: '0.05' })
      await broker(database, 'whole-lots', { convention_pack: 'us-market-value', day_count: 'ACT/360' })
      await broker(database, 'canada', { convention_pack: 'ca-market-value' })
      await broker(database, 'by-the-day', { billing: 'daily' })
      await broker(database, 'tiered', {
        markup_tiers: JSON.stringify([
          { up_to: '100000', markup_percentage: '5' },
          { up_to: null, markup_percentage: '2' },
        ]),
      })
    },
  })
})

/** Asks as the desk, for any broker. */
async function quote(fields: Record<string, unknown>): Promise<Answer> {
  const body = { ticker: 'ZZA', client_id: 'demo-classic', ...fields }
  return ask(deployed, { path: QUOTE, key: deployed.keys.desk, body })
}

const CLASSIC = { ticker: 'ZZA', position_value: 100_000, loan_days: 30, client_id: 'demo-classic' }

describe('by value', () => {
  test('the classic contract: 100 000 USD at 5 % for 30 days, 5 % markup and 25 USD, costs 456.51, and these four come first', async () => {
    const { status, headers, text } = await quote(CLASSIC)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(text).toMatch(
      /^\{"status":"success","total_fee":456\.51,"breakdown":\{"borrow_cost":410\.96,"markup":20\.55,"transaction_fees":25\.00\},"borrow_rate_used":0\.05,/,
    )
    expect(text).toContain('"cost_per_day":13.70,')
  })

  test('says whom, what, when and under which terms; it expires 60 s after it was made', async () => {
    const before = Date.now()
    const { json } = await quote(CLASSIC)
    expect(json).toMatchObject({
      ticker: 'ZZA',
      client_id: 'demo-classic',
      quote_type: 'indicative',
      terms: {
        day_count: 'ACT/365',
        convention_pack: 'notional',
        markup_percentage: '5',
        pricing_model: 'standard-v1',
      },
      availability: { shares: '250000', at_least: false },
    })
    expect(json.audit_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(json.quote_id).toBe(json.audit_id)
    const quotedAt = Date.parse(json.quoted_at)
    expect(quotedAt).toBeGreaterThanOrEqual(before)
    expect(quotedAt).toBeLessThanOrEqual(Date.now())
    expect(Date.parse(json.expires_at) - quotedAt).toBe(60_000)
  })

  test('what belongs to shares or to dates is absent', async () => {
    const { json } = await quote(CLASSIC)
    for (const name of ['sufficient', 'fee_per_share', 'charged_value', 'mark', 'charged_shares', 'accrual']) {
      expect(json).not.toHaveProperty(name)
    }
  })

  test('GET prices the same request alike, and each price has a record of its own', async () => {
    const posted = (await quote(CLASSIC)).json
    const query = 'ticker=ZZA&position_value=100000&loan_days=30&client_id=demo-classic'
    const got = await ask(deployed, { path: `${QUOTE}?${query}`, key: deployed.keys.desk })
    expect(got.status).toBe(200)
    expect(got.json.audit_id).not.toBe(posted.audit_id)
    const lasting = ({ total_fee, breakdown, borrow_rate_used, terms, waterfall, degraded }: typeof posted) => ({
      total_fee,
      breakdown,
      borrow_rate_used,
      terms,
      waterfall,
      degraded,
    })
    expect(lasting(got.json)).toEqual(lasting(posted))
  })

  test.each([
    ['100000.10', '"100000.10"'],
    ['100000.1', '100000.1'],
    ['1000001e-1', '1000001e-1'],
    ['1.000001E5', '1.000001E5'],
  ])('%s is one hundred thousand and ten cents, however it is written', async (_, token) => {
    const body = `{"ticker":"ZZA","loan_days":365,"client_id":"demo-classic","position_value":${token}}`
    const { text } = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body })
    // 100 000.10 x 5 % for the whole year is 5000.005: half a cent up.
    expect(text).toContain('"borrow_cost":5000.01,')
    expect(text).toContain('"before":100000.10,"after":100000.10,"delta":0.00')
  })

  test('the largest position loses no cent: 999 999 999.99 for a year at 5 % is 50 000 000.00', async () => {
    const { text } = await quote({ position_value: '999999999.99', loan_days: 365 })
    expect(text).toContain('"borrow_cost":50000000.00,"markup":2500000.00,')
    expect(text).toContain('"after":999999999.99')
  })

  test('the smallest position costs the transaction fee', async () => {
    const { text } = await quote({ position_value: 0.01, loan_days: 1 })
    expect(text).toContain('"total_fee":25.00,"breakdown":{"borrow_cost":0.00,"markup":0.00,"transaction_fees":25.00}')
  })

  test('a percentage fee is of the position, and ACT/360 divides by 360', async () => {
    const { json } = await quote({ ...CLASSIC, client_id: 'demo-percentage' })
    expect(json.breakdown).toEqual({ borrow_cost: '416.67', markup: '14.58', transaction_fees: '500.00' })
    expect(json.terms.day_count).toBe('ACT/360')
  })

  test('a broker billed by the day pays the rounded day times the days', async () => {
    const { json } = await quote({ ...CLASSIC, client_id: 'by-the-day' })
    expect(json.breakdown.borrow_cost).toBe('411.00')
    expect(json.cost_per_day).toBe('13.70')
  })

  test('tiers of markup are marginal: 5 % on the first 100 000, 2 % above', async () => {
    const { json } = await quote({ position_value: 200_000, loan_days: 365, client_id: 'tiered' })
    expect(json.breakdown).toMatchObject({ borrow_cost: '10000.00', markup: '350.00' })
  })
})

describe('by shares', () => {
  test('the notional pack charges price x shares and says so, with the fee a share in six decimals', async () => {
    const { text, json } = await quote({ quantity: 300, price: 22.5, loan_days: 30 })
    expect(json).toMatchObject({ charged_value: '6750.00', mark: '22.50', charged_shares: '300', sufficient: true })
    expect(json.total_fee).toBe('54.13')
    expect(text).toContain('"fee_per_share":0.180433,')
  })

  test.each([
    ['demo-collateral', '49.02', 100, { mark: '51.00', charged_shares: '100', charged_value: '5100.00' }],
    ['demo-collateral', '50', 100, { mark: '51.00', charged_shares: '100', charged_value: '5100.00' }],
    ['demo-collateral', '0.25', 100, { mark: '1.00', charged_shares: '100', charged_value: '100.00' }],
    ['whole-lots', '10.005', 101, { mark: '10.005', charged_shares: '200', charged_value: '2001.00' }],
    ['canada', '10.005', 101, { mark: '10.005', charged_shares: '101', charged_value: '1010.51' }],
  ])('%s marks %s x %s by its own convention', async (client_id, price, quantity, expected) => {
    expect((await quote({ client_id, price, quantity, loan_days: 5 })).json).toMatchObject(expected)
  })

  test('without a price the last close is used, named as a source', async () => {
    const { json } = await quote({ quantity: 10, loan_days: 30 })
    expect(json).toMatchObject({ charged_value: '502.50', mark: '50.25' })
    expect(json.data_sources.price).toMatchObject({ value: '50.25', provider: 'test closes' })
  })

  test('without a price and without a close the price is asked for', async () => {
    const { status, json } = await quote({ ticker: 'ZNC', quantity: 10, loan_days: 30 })
    expect(status).toBe(400)
    expect(json.validation_errors).toMatchObject([{ field: 'price', location: 'body' }])
  })

  test.each([
    ['ZZA', 250_000, true],
    ['ZZA', 250_001, false],
    ['ZCAP', 1000, true],
    ['ZCAP', 1001, null],
    ['ZUNK', 1, null],
  ])('%s has %s shares: %s', async (ticker, quantity, sufficient) => {
    expect((await quote({ ticker, quantity, price: 1, loan_days: 1 })).json.sufficient).toBe(sufficient)
  })

  test('quantity x price may be 1 000 000 000 and not a cent more', async () => {
    expect((await quote({ quantity: 100_000_000, price: 10, loan_days: 1 })).status).toBe(200)
    const { status, json } = await quote({ quantity: 100_000_000, price: '10.000001', loan_days: 1 })
    expect(status).toBe(400)
    expect(json.validation_errors).toMatchObject([{ field: 'quantity' }])
  })
})

describe('by dates', () => {
  test('short Thursday, cover Friday pays for Friday, Saturday and Sunday', async () => {
    const { json } = await quote({ position_value: 100_000, start_date: '2026-06-04', end_date: '2026-06-05' })
    expect(json.accrual).toEqual({
      short_settles: '2026-06-05',
      cover_settles: '2026-06-08',
      days: '3',
      schedule: [{ value_date: '2026-06-05', days: '3', amount: '41.10' }],
    })
    expect(json.breakdown.borrow_cost).toBe('41.10')
  })

  test('the days of the schedule sum to the stay and its amounts to the borrow cost', async () => {
    const { json } = await quote({ position_value: '123456.78', start_date: '2026-03-02', end_date: '2026-09-15' })
    const { schedule, days } = json.accrual as { schedule: { days: string; amount: string }[]; days: string }
    const sum = (texts: string[]) => texts.reduce((total, text) => total.plus(text), new Decimal(0))
    expect(sum(schedule.map((day) => day.days)).toString()).toBe(days)
    expect(sum(schedule.map((day) => day.amount)).toFixed(2)).toBe(json.breakdown.borrow_cost)
  })

  test('covered the day it was sold, it accrues nothing and costs the transaction fee only', async () => {
    const { status, json } = await quote({
      position_value: 100_000,
      start_date: '2026-06-04',
      end_date: '2026-06-04',
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({ total_fee: '25.00', cost_per_day: '13.70' })
    expect(json.accrual).toMatchObject({ days: '0', schedule: [] })
  })

  test.each([
    ['start_date', { start_date: '2026-12-25', end_date: '2026-12-28' }],
    ['end_date', { start_date: '2026-06-04', end_date: '2026-06-06' }],
    ['start_date', { start_date: '2026-06-05', end_date: '2026-06-04' }],
    ['end_date', { start_date: '2026-01-05', end_date: '2027-01-11' }],
    ['start_date', { start_date: '1999-06-04', end_date: '2026-06-05' }],
    ['end_date', { start_date: '2026-02-26', end_date: '2026-02-30' }],
    ['end_date', { start_date: '2026-06-04' }],
    ['start_date', { end_date: '2026-06-04' }],
    ['loan_days', { start_date: '2026-06-04', end_date: '2026-06-05', loan_days: 1 }],
  ])('%s is at fault in %j', async (field, dates) => {
    const { status, json } = await quote({ position_value: 100_000, ...dates })
    expect(status).toBe(400)
    expect(json.validation_errors).toMatchObject([{ field, location: 'body' }])
    expect(json.valid_params).toEqual(expect.arrayContaining(['ticker', 'start_date', 'end_date']))
  })
})

describe('the waterfall', () => {
  const STEPS = [
    'charged_value',
    'lender_rate',
    'volatility',
    'events',
    'cap',
    'floor',
    'borrow_cost',
    'markup',
    'transaction_fee',
    'total',
  ]
  const NAMES = ['AAPL', 'GME', 'DJT', 'AACTF', 'AAEQ', 'TSLA', 'ZZA']
  const ASKED = NAMES.flatMap((ticker) =>
    ['demo-classic', 'demo-percentage', 'demo-collateral', 'by-the-day', 'tiered'].map((client_id) => ({
      ticker,
      client_id,
    })),
  )
  interface Step {
    step: string
    unit: string
    before: string
    after: string
    delta: string
    delta_bp?: string
  }

  test.each(ASKED)('of $ticker for $client_id leads from the lender to the total without a gap', async (asked) => {
    const { json } = await quote({
      ...asked,
      quantity: 1234,
      price: '56.789',
      start_date: '2026-06-04',
      end_date: '2026-07-15',
    })
    const steps = json.waterfall as Step[]
    expect(steps.map(({ step }) => step)).toEqual(STEPS)
    const [charged, ...rest] = steps
    expect(charged?.after).toBe(json.charged_value)
    const rates = rest.filter(({ unit }) => unit === 'fraction')
    const bill = rest.filter(({ unit }) => unit === 'USD')
    for (const block of [rates, bill]) {
      expect(block.map(({ before }) => before).slice(1)).toEqual(block.map(({ after }) => after).slice(0, -1))
    }
    for (const { unit, before, after, delta, delta_bp } of steps) {
      expect(new Decimal(after).minus(before).equals(delta)).toBe(true)
      if (unit === 'USD') for (const text of [before, after, delta]) expect(text).toMatch(/^-?\d+\.\d\d$/)
      else expect(new Decimal(delta).times(10_000).equals(delta_bp ?? '')).toBe(true)
    }
    expect(rates.at(-1)?.after).toBe(json.borrow_rate_used)
    const { borrow_cost, markup, transaction_fees } = json.breakdown
    expect(bill.map(({ delta }) => delta).slice(0, 3)).toEqual([borrow_cost, markup, transaction_fees])
    expect(bill.at(-1)?.after).toBe(json.total_fee)
    expect(new Decimal(borrow_cost).plus(markup).plus(transaction_fees).toFixed(2)).toBe(json.total_fee)
  })

  test('says which observations the rate was made of: their product is the rate, to 8 decimals', async () => {
    for (const ticker of NAMES) {
      const { json } = await quote({ ...CLASSIC, ticker })
      const { base_rate, volatility, event_risk } = json.data_sources
      const multiplier = new Decimal(volatility.value)
        .times('0.01')
        .plus(new Decimal(event_risk.value).times('0.005'))
        .plus(1)
      const rate = Decimal.max(new Decimal(base_rate.value).times(Decimal.min(multiplier, 5)), '0.0001')
      expect(json.borrow_rate_used).toBe(rate.toDecimalPlaces(8, Decimal.ROUND_HALF_UP).toString())
    }
  })
})
