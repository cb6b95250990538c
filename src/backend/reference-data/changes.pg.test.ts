// Changes of terms, stocks and models: with a record in the same transaction, never over somebody else's, and by two people where
// two are asked for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Actor } from '../audit/quote-record.ts'
import { decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type Ticker } from '../pricing/units.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { readApprovals } from './approvals.ts'
import { type BrokerFields, brokerChanges } from './broker-changes.ts'
import { readBroker, readBrokers } from './broker-terms.ts'
import type { ChangedBy } from './changing.ts'
import { modelAdditions } from './model-additions.ts'
import { readPricingModel } from './pricing-models.ts'
import { stockChanges } from './stock-changes.ts'
import { readStock } from './stocks.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const newId = uuidv7Maker(systemClock)
const news: string[] = []
const onChange = (id: string) => void news.push(id)

function by(keyId: string): ChangedBy {
  const actor: Actor = {
    actorType: 'admin',
    actorId: 'house',
    keyId,
    sourceIp: '127.0.0.1',
    userAgent: null,
    requestId: 'request-1',
    idempotencyKey: null,
  }
  return { actor, at: new Date() }
}

const FIELDS: BrokerFields = {
  name: 'Acme Securities',
  terms: {
    markupPercentage: asPercentPoints(decimal('5')),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal('25'),
    dayCount: 'ACT/360',
    conventionPack: 'notional',
    billing: 'term',
  },
  pricingModel: 'standard-v1',
  tier: 'standard',
  requestsPerMinute: null,
  active: true,
}
const withMarkup = (text: string): BrokerFields => ({
  ...FIELDS,
  terms: { ...FIELDS.terms, markupPercentage: asPercentPoints(decimal(text)) },
})

async function recordsOf(subject: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.pool.query<{ record: string }>(
    `select record from audit_records where record::json -> 'subject' ->> 'id' = $1 order by audit_id`,
    [subject],
  )
  return rows.map(({ record }) => JSON.parse(record) as Record<string, unknown>)
}

describe('terms', () => {
  const changes = () => brokerChanges({ database: database.pool, requireApproval: false, newId, onChange })

  test('are made and changed with a record of who, when, old and new; the copies elsewhere hear of it', async () => {
    news.length = 0
    const made = await changes().put({ clientId: 'acme', fields: FIELDS, expected: null, by: by('k1') })
    expect(made.kind).toBe('created')
    const changed = await changes().put({ clientId: 'acme', fields: withMarkup('4.5'), expected: 1, by: by('k2') })
    expect(changed).toMatchObject({ kind: 'changed', broker: { version: 2 } })
    expect(await readBroker(database.pool, 'acme')).toEqual({ clientId: 'acme', ...withMarkup('4.5'), version: 2 })
    expect(news).toEqual(['acme', 'acme'])

    const [first, second] = await recordsOf('acme')
    expect(first).toMatchObject({ record_type: 'broker_changed', before: null, after: { markup_percentage: '5' } })
    expect(second).toMatchObject({
      actor: { key_id: 'k2', actor_type: 'admin' },
      client_id: 'acme',
      changed: [
        { field: 'markup_percentage', before: '5', after: '4.5' },
        { field: 'version', before: 1, after: 2 },
      ],
    })
  })

  test('keep tiers exactly, and a change that changes nothing is none', async () => {
    const fields: BrokerFields = {
      ...FIELDS,
      terms: {
        ...FIELDS.terms,
        markupTiers: [
          { upTo: asUsd(decimal('100000.10')), markupPercentage: asPercentPoints(decimal('5.25')) },
          { upTo: null, markupPercentage: asPercentPoints(decimal('2')) },
        ],
      },
    }
    await changes().put({ clientId: 'tiers', fields, expected: 'none', by: by('k1') })
    expect((await readBroker(database.pool, 'tiers'))?.terms.markupTiers).toEqual(fields.terms.markupTiers)
    const again = await changes().put({ clientId: 'tiers', fields, expected: 1, by: by('k1') })
    expect(again).toMatchObject({ kind: 'unchanged', broker: { version: 1 } })
    expect(await recordsOf('tiers')).toHaveLength(1)
  })

  test.each([
    ['without a word about what was read', null, 'PRECONDITION_REQUIRED'],
    ['from a version that is no more', 7, 'PRECONDITION_FAILED'],
    ['as if it were new', 'none', 'PRECONDITION_FAILED'],
  ] as const)('are not overwritten %s', async (_title, expected, code) => {
    await changes()
      .put({ clientId: 'guarded', fields: FIELDS, expected: 'none', by: by('k1') })
      .catch(() => {})
    await expect(
      changes().put({ clientId: 'guarded', fields: withMarkup('1'), expected, by: by('k1') }),
    ).rejects.toMatchObject({ code })
    expect((await readBroker(database.pool, 'guarded'))?.version).toBe(1)
  })

  test('of a broker that is not there are not changed, only made; a model that is not there is named', async () => {
    await expect(
      changes().put({ clientId: 'absent', fields: FIELDS, expected: 1, by: by('k1') }),
    ).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' })
    await expect(
      changes().put({
        clientId: 'absent',
        fields: { ...FIELDS, pricingModel: 'none-v9' },
        expected: null,
        by: by('k1'),
      }),
    ).rejects.toMatchObject({ code: 'INVALID_PARAMETER', validationErrors: [{ field: 'pricing_model' }] })
  })

  test('written by twenty at once from the same version are changed once', async () => {
    await changes().put({ clientId: 'contested', fields: FIELDS, expected: null, by: by('k1') })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        changes().put({ clientId: 'contested', fields: withMarkup(`${index}.5`), expected: 1, by: by(`k${index}`) }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await readBroker(database.pool, 'contested'))?.version).toBe(2)
    expect(await recordsOf('contested')).toHaveLength(2)
  })

  test('are listed by client_id', async () => {
    const { total, items } = await readBrokers(database.pool, { skip: 1, limit: 2 })
    expect(total).toBeGreaterThanOrEqual(4)
    expect(items.map(({ clientId }) => clientId)).toEqual(
      [...items.map(({ clientId }) => clientId)].sort((one, other) => (one < other ? -1 : 1)),
    )
    expect(await readBrokers(database.pool, { skip: 1000, limit: 2 })).toEqual({ total, items: [] })
  })
})

describe('where two people are asked for', () => {
  const changes = () => brokerChanges({ database: database.pool, requireApproval: true, newId, onChange })
  const ask = async (clientId: string, fields: BrokerFields, expected: number | null, keyId: string) => {
    const change = await changes().put({ clientId, fields, expected, by: by(keyId) })
    if (change.kind !== 'pending') throw new Error(`it is ${change.kind}`)
    return change.approvalId
  }
  const decide = (approvalId: string, approve: boolean, keyId: string) =>
    changes().decide({ approvalId, approve, reason: 'as agreed', by: by(keyId) })

  test('a change of the price waits, and is made when somebody else approves; all of it is on the record', async () => {
    news.length = 0
    const approvalId = await ask('four-eyes', FIELDS, null, 'asker')
    expect(await readBroker(database.pool, 'four-eyes')).toBeNull()
    await expect(decide(approvalId, true, 'asker')).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const decided = await decide(approvalId, true, 'second')
    expect(decided).toMatchObject({ approval: { state: 'approved', decidedBy: 'second' }, broker: { version: 1 } })
    expect(await readBroker(database.pool, 'four-eyes')).toEqual({ clientId: 'four-eyes', ...FIELDS, version: 1 })
    expect(news).toEqual(['four-eyes'])
    expect((await recordsOf(approvalId)).map((record) => record.record_type)).toEqual([
      'approval_asked',
      'approval_decided',
    ])
    await expect(decide(approvalId, false, 'third')).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('a refused change is not made; whoever asked may take it back', async () => {
    const approvalId = await ask('refused', FIELDS, null, 'asker')
    expect(await decide(approvalId, false, 'asker')).toMatchObject({ approval: { state: 'refused' }, broker: null })
    expect(await readBroker(database.pool, 'refused')).toBeNull()
  })

  test('a change of the name or the limit does not wait', async () => {
    await decide(await ask('renamed', FIELDS, null, 'asker'), true, 'second')
    const change = await changes().put({
      clientId: 'renamed',
      fields: { ...FIELDS, name: 'Another name', requestsPerMinute: 90 },
      expected: 1,
      by: by('asker'),
    })
    expect(change.kind).toBe('changed')
  })

  test('what was changed meanwhile is not overwritten by an old approval, which stays pending', async () => {
    await decide(await ask('moved', FIELDS, null, 'asker'), true, 'second')
    const approvalId = await ask('moved', withMarkup('9'), 1, 'asker')
    await changes().put({ clientId: 'moved', fields: { ...FIELDS, name: 'New' }, expected: 1, by: by('asker') })
    await expect(decide(approvalId, true, 'second')).rejects.toMatchObject({ code: 'CONFLICT' })
    const { items } = await readApprovals(database.pool, { state: 'pending', skip: 0, limit: 10 })
    expect(items.map((approval) => approval.approvalId)).toContain(approvalId)
    expect((await readBroker(database.pool, 'moved'))?.terms.markupPercentage.toString()).toBe('5')
  })

  test('a decision is never changed, not even by the owner', async () => {
    await expect(database.pool.query(`update approvals set reason = 'other' where state = 'approved'`)).rejects.toThrow(
      /a decision stands/,
    )
    await expect(database.pool.query('delete from approvals')).rejects.toThrow(/a decision stands/)
  })

  test('an approval that is not there is NOT_FOUND', async () => {
    await expect(decide(newId(), true, 'second')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('stocks and models', () => {
  test('a stock is made and changed with its record', async () => {
    news.length = 0
    const stocks = stockChanges({ database: database.pool, newId, onChange })
    const ticker = 'ZZC' as Ticker
    const fields = { name: 'Zed', borrowStatus: null, floorRate: null, lenderId: null, active: true } as const
    expect(await stocks.put({ ticker, fields, expected: null, by: by('k1') })).toMatchObject({ kind: 'created' })
    const floor = { ...fields, borrowStatus: 'HARD', floorRate: asRate(decimal('0.03')) } as const
    expect(await stocks.put({ ticker, fields: floor, expected: 1, by: by('k1') })).toMatchObject({ kind: 'changed' })
    expect(await stocks.put({ ticker, fields: floor, expected: 'any', by: by('k1') })).toMatchObject({
      kind: 'unchanged',
      stock: { version: 2 },
    })
    await expect(stocks.put({ ticker, fields, expected: 1, by: by('k1') })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    })
    expect(await readStock(database.pool, ticker)).toEqual({ ticker, ...floor, version: 2 })
    expect(news).toEqual(['ZZC', 'ZZC'])
    const [, changed] = await recordsOf('ZZC')
    expect(changed).toMatchObject({ record_type: 'stock_changed', after: { floor_rate: '0.03' }, client_id: 'house' })
  })

  test('a model is added once, under a name that never means anything else', async () => {
    const models = modelAdditions({ database: database.pool, newId, onChange })
    const model = {
      model: 'desk-v2',
      volatilityWeight: decimal('0.02'),
      volatilityThreshold: asIndexPoints(decimal('18.5')),
      eventWeight: decimal('0.75'),
      maxMultiplier: decimal('4'),
      volatilitySource: 'index',
    } as const
    await models.add({ model, by: by('k1') })
    expect(await readPricingModel(database.pool, 'desk-v2')).toEqual(model)
    await expect(models.add({ model: { ...model, eventWeight: decimal('1') }, by: by('k1') })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await recordsOf('desk-v2')).toHaveLength(1)
  })
})
