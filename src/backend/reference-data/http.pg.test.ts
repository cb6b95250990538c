// One contract, held by the functions of reference data and by the wire to them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedReferenceData } from '../database/seed.ts'
import { ownContext } from '../server/call-context.ts'
import { type Wire, wireTo } from '../test/both-ends.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { type ReferenceData, referenceDataClient, serveReferenceData } from './http.ts'
import { listPricingModels, readPricingModel } from './pricing-models.ts'
import { readTermsInForce } from './terms-in-force.ts'

const CONTEXT = ownContext('request-1')
let database: TestDatabase
let local: ReferenceData
let wire: Wire
beforeAll(async () => {
  database = await testDatabase()
  await seedReferenceData(database.pool)
  await database.pool.query(
    `insert into brokers (client_id, markup_percentage, markup_tiers, transaction_fee_type, transaction_amount, day_count, convention_pack,
                          billing, pricing_model, tier, requests_per_minute)
     values ('tiered', 7.3333, '[{"up_to":"100000","markup_percentage":"5"},{"up_to":null,"markup_percentage":"2.5"}]', 'PERCENTAGE', 0.125,
             'ACT/360', 'us-market-value', 'daily', 'desk-v1', 'premium', 12)`,
  )
  local = {
    termsInForce: (clientId) => readTermsInForce(database.pool, clientId),
    pricingModel: (model) => readPricingModel(database.pool, model),
    pricingModels: () => listPricingModels(database.pool),
  }
  wire = await wireTo(serveReferenceData(local))
})
afterAll(async () => {
  await wire.close()
  await database.drop()
})

describe.each<[string, () => ReferenceData]>([
  ['the functions', () => local],
  ['the wire to them', () => referenceDataClient(wire.client)],
])('%s', (_title, of) => {
  test.each(['house', 'tiered', 'nobody'])('give the terms of %s with their model, whole', async (clientId) => {
    const terms = await of().termsInForce(clientId, CONTEXT)
    expect(terms).toEqual(await local.termsInForce(clientId, CONTEXT))
    expect(terms === null).toBe(clientId === 'nobody')
  })

  test('give tiers and amounts as exact decimals', async () => {
    const terms = await of().termsInForce('tiered', CONTEXT)
    expect(terms?.broker.terms.markupTiers?.map((tier) => [String(tier.upTo), String(tier.markupPercentage)])).toEqual([
      ['100000', '5'],
      ['null', '2.5'],
    ])
    expect(String(terms?.broker.terms.transactionAmount)).toBe('0.125')
    expect(terms?.model.model).toBe('desk-v1')
  })

  test('give a model by its name, all of them, and null for one that is not there', async () => {
    expect(await of().pricingModel('standard-v1', CONTEXT)).toEqual(await local.pricingModel('standard-v1', CONTEXT))
    expect(await of().pricingModel('standard-v9', CONTEXT)).toBeNull()
    expect((await of().pricingModels(CONTEXT)).map((model) => model.model)).toEqual(['desk-v1', 'standard-v1'])
  })
})
