import { afterAll, beforeAll, expect, test } from 'vitest'
import { DESK_V1, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { compare, type Decimal } from '../pricing/decimal.ts'
import type { Ticker } from '../pricing/units.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { readBroker } from './broker-terms.ts'
import { listPricingModels, readPricingModel } from './pricing-models.ts'
import { readStock, readStocks } from './stocks.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await database.pool.query(`
    insert into brokers (client_id, name, markup_percentage, markup_tiers, transaction_fee_type, transaction_amount,
                         day_count, convention_pack, billing, pricing_model, tier, requests_per_minute)
    values ('classic', 'Classic', 5, null, 'FLAT', 25, 'ACT/365', 'notional', 'term', 'standard-v1', 'standard', null),
           ('tiered', null, 2.5, '[{"up_to": 100000.10, "markup_percentage": 5},
                                   {"up_to": null, "markup_percentage": "2.5"}]',
            'PERCENTAGE', 0.5, 'ACT/360', 'us-market-value', 'daily', 'desk-v1', 'premium', 120);
    insert into stocks (ticker, name, borrow_status, floor_rate, lender_id, active)
    values ('GME', 'GAMESTOP CORP', 'HARD', 0.015, 'L-1', true), ('BRK.B', null, null, null, null, false)`)
})
afterAll(() => database.drop())

test('a broker’s terms are exact decimals under their own names', async () => {
  const broker = await readBroker(database.pool, 'classic')
  expect(JSON.parse(JSON.stringify(broker))).toEqual({
    clientId: 'classic',
    name: 'Classic',
    terms: {
      markupPercentage: '5',
      markupTiers: null,
      transactionFeeType: 'FLAT',
      transactionAmount: '25',
      dayCount: 'ACT/365',
      conventionPack: 'notional',
      billing: 'term',
    },
    pricingModel: 'standard-v1',
    tier: 'standard',
    requestsPerMinute: null,
    active: true,
    version: 1,
  })
})

test('markup tiers keep their digits, as numbers or as texts', async () => {
  const broker = await readBroker(database.pool, 'tiered')
  expect(JSON.parse(JSON.stringify(broker?.terms.markupTiers))).toEqual([
    { upTo: '100000.10', markupPercentage: '5' },
    { upTo: null, markupPercentage: '2.5' },
  ])
  expect(broker?.requestsPerMinute).toBe(120)
})

test('the models of the database are the models of the code', async () => {
  for (const model of [STANDARD_V1, DESK_V1]) {
    const read = await readPricingModel(database.pool, model.model)
    expect(read?.volatilitySource).toBe(model.volatilitySource)
    for (const part of ['volatilityWeight', 'volatilityThreshold', 'eventWeight', 'maxMultiplier'] as const) {
      expect(compare(read?.[part] as Decimal, model[part])).toBe(0)
    }
  }
  expect((await listPricingModels(database.pool)).map((each) => each.model)).toEqual(['desk-v1', 'standard-v1'])
})

test('a stock has the desk’s floor and tier, or none', async () => {
  expect(JSON.parse(JSON.stringify(await readStock(database.pool, 'GME' as Ticker)))).toEqual({
    ticker: 'GME',
    name: 'GAMESTOP CORP',
    borrowStatus: 'HARD',
    floorRate: '0.015',
    lenderId: 'L-1',
    active: true,
    version: 1,
  })
  expect(await readStock(database.pool, 'BRK.B' as Ticker)).toMatchObject({ floorRate: null, active: false })
})

test('stocks come in pages by ticker, with the number in all', async () => {
  expect(await readStocks(database.pool, { skip: 0, limit: 1 })).toMatchObject({
    total: 2,
    items: [{ ticker: 'BRK.B' }],
  })
  expect(await readStocks(database.pool, { skip: 2, limit: 1 })).toEqual({ total: 2, items: [] })
})

test('what is not there is null', async () => {
  expect(await readBroker(database.pool, 'nobody')).toBeNull()
  expect(await readPricingModel(database.pool, 'no-model')).toBeNull()
  expect(await readStock(database.pool, 'ZZZZ' as Ticker)).toBeNull()
})
