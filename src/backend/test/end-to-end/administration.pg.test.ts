// An administrator's changes: checked, guarded against each other, in force at once, on the record.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { listPlain } from './market.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await listPlain(database, 'ZFL', '0.01')
    },
  })
})

type KeyName = keyof Deployment['keys']
const read = (path: string, name: KeyName = 'admin') =>
  ask(deployed, { path: `/api/v1${path}`, key: deployed.keys[name] })
const rateFor = (key: string) => ask(deployed, { path: '/api/v1/rates/ZZA', key })
const put = (path: string, body: object, headers: Record<string, string> = {}) =>
  ask(deployed, { method: 'PUT', path: `/api/v1${path}`, key: deployed.keys.admin, body, headers })
const post = (path: string, body: object, key = deployed.keys.admin) =>
  ask(deployed, { path: `/api/v1${path}`, key, body })
const quote = (clientId: string, fields: object = {}): Promise<Answer> =>
  ask(deployed, {
    path: '/api/v1/calculate-locate',
    key: deployed.keys.desk,
    body: { ticker: 'ZZA', position_value: 100_000, loan_days: 30, client_id: clientId, ...fields },
  })
/** A change is in force everywhere within this. */
const AT_ONCE = { timeout: 1000, interval: 20 }

const TERMS = {
  markup_percentage: 5,
  transaction_fee_type: 'FLAT',
  transaction_amount: '25.00',
  day_count: 'ACT/365',
  convention_pack: 'notional',
  pricing_model: 'standard-v1',
  tier: 'premium',
  active: true,
}

describe('a broker', () => {
  test('is made, priced for, changed and priced for otherwise within a second; all of it is on the record', async () => {
    expectFailure(await quote('acme'), 'CLIENT_NOT_FOUND')
    const made = await put('/brokers/acme', { ...TERMS, name: 'Acme' })
    expect([made.status, made.headers.etag]).toEqual([201, '"1"'])
    expect(made.json).toMatchObject({
      status: 'success',
      client_id: 'acme',
      name: 'Acme',
      markup_percentage: '5',
      transaction_amount: '25',
      billing: 'term',
      markup_tiers: null,
      requests_per_minute: null,
      version: '1',
    })
    // That it is not there was known, and is believed for some seconds elsewhere unless it is told.
    await expect.poll(async () => (await quote('acme')).json.total_fee, AT_ONCE).toBe('456.51')

    const changed = await put('/brokers/acme', { ...TERMS, markup_percentage: 10 }, { 'if-match': '"1"' })
    expect([changed.status, changed.headers.etag, changed.json.name]).toEqual([200, '"2"', null])
    await expect.poll(async () => (await quote('acme')).json.breakdown.markup, AT_ONCE).toBe('41.10')
    expect((await read('/brokers/acme')).json).toMatchObject({ markup_percentage: '10', version: '2' })

    const found = await read('/audit?client_id=acme&page_size=100', 'auditor')
    const changes = found.json.items.filter((item: { record_type: string }) => item.record_type === 'broker_changed')
    expect(changes).toHaveLength(2)
    const record = (await read(`/audit/${changes[0].audit_id}`, 'auditor')).json.record
    expect(record).toMatchObject({ actor: { actor_type: 'admin' }, subject: { kind: 'broker', id: 'acme' } })
    expect(record.changed).toContainEqual({ field: 'markup_percentage', before: '5', after: '10' })
  })

  test('has another tier and limit within a second, with the keys that it has', async () => {
    await put('/brokers/growing', { ...TERMS, tier: 'standard', requests_per_minute: 7 })
    const key = await deployed.newKey('growing', 'broker')
    const limit = async () => (await rateFor(key)).headers['x-ratelimit-limit']
    expect(await limit()).toBe('7')
    await put('/brokers/growing', { ...TERMS, tier: 'standard', requests_per_minute: 123_456 }, { 'if-match': '*' })
    await expect.poll(limit, AT_ONCE).toBe('123456')
  })

  test('is not changed by whoever has not read it, or read an older version', async () => {
    await put('/brokers/guarded', TERMS, { 'if-none-match': '*' })
    expectFailure(await put('/brokers/guarded', TERMS), 'PRECONDITION_REQUIRED')
    expectFailure(
      await put('/brokers/guarded', { ...TERMS, tier: 'internal' }, { 'if-match': '"4"' }),
      'PRECONDITION_FAILED',
    )
    expectFailure(await put('/brokers/guarded', TERMS, { 'if-none-match': '*' }), 'PRECONDITION_FAILED')
    expectFailure(await put('/brokers/nobody-yet', TERMS, { 'if-match': '*' }), 'PRECONDITION_FAILED')
    expectFailure(await put('/brokers/guarded', TERMS, { 'if-match': 'W/"1"' }), 'INVALID_PARAMETER')
    const unchanged = await put('/brokers/guarded', TERMS, { 'if-match': '*' })
    expect([unchanged.status, unchanged.headers.etag]).toEqual([200, '"1"'])
  })

  test.each<[string, object, string]>([
    ['a markup above 100', { markup_percentage: 100.5 }, 'markup_percentage'],
    ['a FLAT fee of a tenth of a cent', { transaction_amount: 0.001 }, 'transaction_amount'],
    [
      'a PERCENTAGE fee above 100',
      { transaction_fee_type: 'PERCENTAGE', transaction_amount: 101 },
      'transaction_amount',
    ],
    ['a day count against the pack', { convention_pack: 'us-market-value' }, 'day_count'],
    ['no day count', { day_count: undefined }, 'day_count'],
    ['a model that is not there', { pricing_model: 'nothing-v1' }, 'pricing_model'],
    [
      'tiers that do not rise',
      {
        markup_tiers: [
          { up_to: 5, markup_percentage: 1 },
          { up_to: 5, markup_percentage: 1 },
        ],
      },
      'markup_tiers[1].up_to',
    ],
    ['a limit of nothing', { requests_per_minute: 0 }, 'requests_per_minute'],
    ['a key in its name', { name: `Key bre_${'a'.repeat(12)}_${'b'.repeat(48)}` }, 'name'],
  ])('is refused with %s, which is named', async (_title, fields, field) => {
    const answer = await put('/brokers/refused', { ...TERMS, ...fields })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors.map((fault: { field: string }) => fault.field)).toContain(field)
  })

  test('reads its own terms and sees nothing of others', async () => {
    const own = await read('/brokers/demo-classic', 'demo-classic')
    expect([own.status, own.json.client_id]).toEqual([200, 'demo-classic'])
    const others = await read('/brokers/demo-percentage', 'demo-classic')
    const nobodys = await read('/brokers/no-such-one', 'demo-classic')
    expectFailure(others, 'CLIENT_NOT_FOUND')
    expect(others.text.replace('demo-percentage', 'X')).toBe(nobodys.text.replace('no-such-one', 'X'))
  })

  test.each(['desk', 'auditor'] as const)('is read by the %s, in the list and alone, and not changed', async (role) => {
    const alone = await read('/brokers/demo-classic', role)
    expect([alone.status, alone.json.day_count]).toEqual([200, 'ACT/365'])
    const { items } = (await read('/brokers', role)).json
    expect(items.map(({ client_id }: { client_id: string }) => client_id)).toContain('demo-percentage')
    expectFailure(await read('/brokers/no-such-one', role), 'CLIENT_NOT_FOUND')
    const path = '/api/v1/brokers/demo-classic'
    const headers = { 'if-match': '*' }
    const put = { method: 'PUT', path, key: deployed.keys[role], body: TERMS, headers }
    expectFailure(await ask(deployed, put), 'FORBIDDEN')
  })

  test('is not listed to another broker', async () => {
    expectFailure(await read('/brokers', 'demo-classic'), 'FORBIDDEN')
  })

  test('that is made inactive is priced for no more', async () => {
    await put('/brokers/leaving', TERMS)
    await expect.poll(async () => (await quote('leaving')).status, AT_ONCE).toBe(200)
    await put('/brokers/leaving', { ...TERMS, active: false }, { 'if-match': '*' })
    await expect.poll(async () => (await quote('leaving')).status, AT_ONCE).toBe(404)
  })

  test('is in the list, by client_id', async () => {
    const { json } = await read('/brokers?limit=2&skip=1')
    expect(json.items).toHaveLength(2)
    expect(json.pagination).toMatchObject({ skip: '1', limit: '2', has_more: true })
    expectFailure(await read('/brokers?limit=101'), 'INVALID_PARAMETER')
  })
})

describe('a stock', () => {
  test('gets a floor that counts within a second, with a record', async () => {
    await quote('demo-classic', { ticker: 'ZFL' })
    const made = await put('/stocks/ZFL', { borrow_status: 'HARD', floor_rate: '0.25', name: 'Floor Inc' })
    expect([made.status, made.headers.etag]).toEqual([201, '"1"'])
    await expect
      .poll(async () => (await quote('demo-classic', { ticker: 'ZFL' })).json.borrow_rate_used, AT_ONCE)
      .toBe('0.25')
    expect((await read('/stocks/ZFL', 'demo-classic')).json).toMatchObject({
      floor_rate: '0.25',
      borrow_status: 'HARD',
    })
    await put('/stocks/ZFL', { borrow_status: null, floor_rate: null }, { 'if-match': '"1"' })
    await expect
      .poll(async () => (await quote('demo-classic', { ticker: 'ZFL' })).json.borrow_rate_used, AT_ONCE)
      .toBe('0.01')
    const found = await read('/audit?ticker=ZFL&page_size=100', 'auditor')
    expect(
      found.json.items.filter((item: { record_type: string }) => item.record_type === 'stock_changed'),
    ).toHaveLength(2)
  })

  test('that nobody keeps is not found, and a bad one is refused field by field', async () => {
    expectFailure(await read('/stocks/ZNO'), 'TICKER_NOT_FOUND')
    const answer = await put('/stocks/ZNO', { borrow_status: 'SOMETIMES', floor_rate: -1 })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toHaveLength(2)
  })
})

describe('a pricing model', () => {
  const MODEL = {
    model: 'steep-v1',
    volatility_weight: 0,
    volatility_threshold: 0,
    event_weight: 0,
    max_multiplier: 1,
    volatility_source: 'index',
  }

  test('is added, never edited, and prices the brokers whose terms name it', async () => {
    const added = await post('/pricing-models', MODEL)
    expect([added.status, added.json.model]).toEqual([201, 'steep-v1'])
    expectFailure(await post('/pricing-models', { ...MODEL, max_multiplier: 2 }), 'CONFLICT')
    expect((await read('/pricing-models')).json.items.map(({ model }: { model: string }) => model)).toContain(
      'steep-v1',
    )
    await put('/brokers/steep', { ...TERMS, pricing_model: 'steep-v1' })
    await expect.poll(async () => (await quote('steep')).json.terms?.pricing_model, AT_ONCE).toBe('steep-v1')
  })

  test('outside the bounds is refused', async () => {
    const answer = await post('/pricing-models', { ...MODEL, model: 'x', max_multiplier: 0.5 })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toHaveLength(2)
  })
})

describe('where two people are required', () => {
  test('a change of the markup waits for the second one', async () => {
    const guarded = await startDeployment({ environment: { REQUIRE_APPROVAL: 'true' } })
    const change = (body: object, headers: Record<string, string> = {}) =>
      ask(guarded, { method: 'PUT', path: '/api/v1/brokers/demo-classic', key: guarded.keys.admin, body, headers })
    const asked = await change({ ...TERMS, markup_percentage: 7.5 }, { 'if-match': '"1"' })
    expect([asked.status, asked.json.status, asked.json.current.markup_percentage]).toEqual([202, 'pending', '5'])
    const decide = (key: string, decision: string) =>
      ask(guarded, {
        path: `/api/v1/approvals/${asked.json.approval_id}`,
        key,
        body: { decision, reason: 'As agreed' },
      })
    expectFailure(await decide(guarded.keys.admin, 'approve'), 'FORBIDDEN')
    const pending = await ask(guarded, { path: '/api/v1/approvals?state=pending', key: guarded.keys.admin })
    expect(pending.json.items).toMatchObject([{ subject: 'demo-classic', proposed: { markup_percentage: '7.5' } }])

    const second = await guarded.newKey('house', 'admin')
    expect((await decide(second, 'approve')).json).toMatchObject({ state: 'approved', reason: 'As agreed' })
    expectFailure(await decide(second, 'refuse'), 'CONFLICT')
    await expect
      .poll(
        async () =>
          (
            await ask(guarded, {
              path: '/api/v1/calculate-locate',
              key: guarded.keys.desk,
              body: { ticker: 'GME', position_value: 1000, loan_days: 1, client_id: 'demo-classic' },
            })
          ).json.terms.markup_percentage,
        AT_ONCE,
      )
      .toBe('7.5')
  })
})
