// Records: whatever price left can be read again, by whoever may, and its inputs give the same price.
import { beforeAll, describe, expect, test } from 'vitest'
import type { QuoteRecordBody } from '../../audit/quote-record.ts'
import { readPriceInputs } from '../../pricing/price-inputs.ts'
import { price } from '../../pricing/quote.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'

let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment()
})

const quote = (fields: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(deployed, {
    path: '/api/v1/calculate-locate',
    key: deployed.keys.desk,
    body: { ticker: 'GME', client_id: 'demo-collateral', ...fields },
    headers,
  })
const record = (id: string, name: keyof Deployment['keys'] = 'auditor'): Promise<Answer> =>
  ask(deployed, { path: `/api/v1/audit/${id}`, key: deployed.keys[name] })

describe('the record of a quote', () => {
  test('can be read as soon as its price is, and says who asked what, from what, and what came out', async () => {
    const answer = await quote({ position_value: '100000.10', loan_days: 30 }, { 'user-agent': 'test/1.0' })
    const kept = await record(answer.json.audit_id)
    expect(kept.status).toBe(200)
    expect(kept.json.status).toBe('success')
    expect(Date.parse(kept.json.recorded_at)).toBeGreaterThanOrEqual(Date.parse(answer.json.quoted_at) - 1000)
    expect(kept.json.record).toMatchObject({
      audit_id: answer.json.audit_id,
      record_type: 'quote',
      actor: { actor_type: 'desk', actor_id: 'house', source_ip: '127.0.0.1', user_agent: 'test/1.0' },
      request: { client_id: 'demo-collateral', ticker: 'GME', position_value: '100000.10', loan_days: '30' },
      pricing_model: 'desk-v1',
      convention_pack: 'us-collateral-mark',
      result: { total_fee: answer.json.total_fee, borrow_rate: answer.json.borrow_rate_used },
      degraded: answer.json.degraded,
      expires_at: answer.json.expires_at,
    })
    expect(kept.json.record.inputs.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['lender_rate', 'volatility_index', 'event_risk', 'availability']),
    )
  })

  test.each([
    ['by value', { position_value: '1234567.89', loan_days: 45 }],
    ['by shares', { quantity: 777, price: '23.456789', loan_days: 12 }],
    ['by dates', { position_value: '50000', start_date: '2026-06-04', end_date: '2026-08-20' }],
    ['of no day', { position_value: '50000', start_date: '2026-06-04', end_date: '2026-06-04' }],
  ])('asked %s holds all that pricing took: it prices to the same cents', async (_, fields) => {
    const answer = await quote(fields)
    const { text } = await record(answer.json.audit_id)
    const body = (JSON.parse(text) as { record: QuoteRecordBody }).record
    const again = price(readPriceInputs(body.price_inputs))
    expect(String(again.fee.totalFee)).toBe(answer.json.total_fee)
    expect(String(again.fee.borrowCost)).toBe(answer.json.breakdown.borrow_cost)
    expect(String(again.borrowRate.rate)).toBe(answer.json.borrow_rate_used)
  })

  test('holds no secret', async () => {
    const answer = await quote({ position_value: 1, loan_days: 1 })
    const { text } = await record(answer.json.audit_id)
    for (const key of Object.values(deployed.keys)) expect(text).not.toContain(key.split('_')[2])
  })

  test('has a header cleaned and cut before it is kept', async () => {
    const answer = await quote({ position_value: 1, loan_days: 1 }, { 'user-agent': `a\tb${'x'.repeat(5000)}` })
    const { json } = await record(answer.json.audit_id)
    expect(json.record.actor.user_agent).toMatch(/^abx{1,198}$/)
  })

  test('is for auditors and admins', async () => {
    const { audit_id } = (await quote({ position_value: 1, loan_days: 1 })).json
    expect((await record(audit_id, 'admin')).status).toBe(200)
    expectFailure(await record(audit_id, 'desk'), 'FORBIDDEN', [audit_id])
    expectFailure(await record(audit_id, 'demo-collateral'), 'FORBIDDEN', [audit_id])
    expectFailure(await ask(deployed, { path: `/api/v1/audit/${audit_id}` }), 'UNAUTHORIZED', [audit_id])
  })

  test('of an id that is nobody’s is 404', async () => {
    expectFailure(await record('01900000-0000-7000-8000-000000000000'), 'NOT_FOUND', ['01900000'])
  })

  test.each([
    '1',
    "x' or '1'='1",
    '01900000-0000-4000-8000-000000000000',
    'zz900000-0000-7000-8000-000000000000',
    '..%2f..%2fetc',
  ])('%s is no id', async (id) => {
    expectFailure(await record(encodeURI(id)), 'INVALID_PARAMETER', [id])
  })
})
