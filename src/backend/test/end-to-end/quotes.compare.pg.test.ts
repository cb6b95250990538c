// One short under every convention pack: indicative, and on no record.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, close, listPlain } from './market.ts'

let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await close(database, 'ZZA', '11.00', '2026-11-23')
      await broker(database, 'plain', {
        markup_percentage: '10',
        transaction_amount: '7',
        day_count: 'ACT/360',
        convention_pack: 'us-market-value',
      })
    },
  })
})

const compare = (body: object | string, key = deployed.keys.desk): Promise<Answer> =>
  ask(deployed, { path: '/api/v1/convention-packs/compare', key, body })
const SHORT = { ticker: 'ZZA', quantity: 150, price: '11.00', loan_days: 30 }

describe('a short', () => {
  test('is priced under every pack by the own terms, and says who charges so', async () => {
    const { status, json } = await compare({ ...SHORT, client_id: 'plain' })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      status: 'success',
      quote_type: 'indicative',
      ticker: 'ZZA',
      client_id: 'plain',
      borrow_rate_used: '0.05',
      loan_days: '30',
    })
    expect(
      json.packs.map((pack: Record<string, unknown>) =>
        [
          pack.convention_pack,
          pack.charged_by,
          pack.day_count,
          pack.charged_value,
          pack.charged_shares,
          pack.total_fee,
          pack.in_force,
        ].join('; '),
      ),
    ).toEqual([
      'notional; the classic form of this engine; ACT/360; 1650.00; 150; 14.57; false',
      'us-collateral-mark; Interactive Brokers, Webull, Ally; ACT/360; 1800.00; 150; 15.25; false',
      'us-market-value; Alpaca; ACT/360; 2200.00; 200; 17.09; true',
      'ca-market-value; Questrade; ACT/365; 1650.00; 150; 14.46; false',
    ])
  })

  test('under the pack in force costs what its quote says, and nothing of it is recorded', async () => {
    const count = async () =>
      (await deployed.database.query('select count(*)::int as records from audit_records')).rows[0].records
    const before = await count()
    const { json } = await compare({ ...SHORT, client_id: 'plain' })
    expect(await count()).toBe(before)
    const body = { ...SHORT, client_id: 'plain' }
    const quote = await ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys.desk, body })
    const inForce = json.packs.find((pack: { in_force: boolean }) => pack.in_force)
    for (const name of ['total_fee', 'breakdown', 'charged_value', 'mark', 'charged_shares', 'cost_per_day']) {
      expect(inForce[name], name).toEqual(quote.json[name])
    }
  })

  test('without a client is under the terms of the key, without a price at the last close', async () => {
    const { json } = await compare(
      { ticker: 'ZZA', quantity: 100, loan_days: 1 },
      await deployed.newKey('plain', 'broker'),
    )
    expect(json.client_id).toBe('plain')
    expect(json.data_sources.price).toMatchObject({ value: '11.00', provider: 'test closes' })
    const staff = await compare(
      { ticker: 'ZZA', position_value: 1000, start_date: '2026-10-08', end_date: '2026-10-09' },
      deployed.keys.auditor,
    )
    expect(staff.json).toMatchObject({ client_id: 'house', loan_days: '4' })
    expect(staff.json.packs[0]).toMatchObject({ mark: null, charged_shares: null, charged_value: '1000.00' })
  })
})

describe('what is refused', () => {
  test("another broker's terms, to brokers and to who may not quote", async () => {
    for (const name of ['demo-classic', 'auditor', 'admin'] as const) {
      expectFailure(await compare({ ...SHORT, client_id: 'plain' }, deployed.keys[name]), 'FORBIDDEN')
    }
    expect((await compare({ ...SHORT, client_id: 'demo-classic' }, deployed.keys['demo-classic'])).status).toBe(200)
  })

  test.each<[object | string, string]>([
    [{}, 'ticker'],
    [{ ...SHORT, position_value: 1 }, 'position_value'],
    [{ ...SHORT, price: undefined, quantity: undefined }, 'position_value'],
    [{ ...SHORT, loan_days: 366 }, 'loan_days'],
    [{ ...SHORT, client_id: 'a b' }, 'client_id'],
    [{ ...SHORT, client_id: null }, 'client_id'],
    [{ ...SHORT, quantity: 100_000_000, price: 11 }, 'quantity'],
    ['[]', 'body'],
    ['7', 'body'],
  ])('%o is 400 that names the field', async (body, field) => {
    const answer = await compare(body)
    expectFailure(answer, 'INVALID_PARAMETER', ['a b'])
    expect(answer.json.validation_errors.map((fault: { field: string }) => fault.field)).toContain(field)
  })

  test('a name and a client that nobody knows', async () => {
    expectFailure(await compare({ ...SHORT, ticker: 'ZZZZZ' }), 'TICKER_NOT_FOUND')
    expectFailure(await compare({ ...SHORT, client_id: 'nobody' }), 'CLIENT_NOT_FOUND')
    expectFailure(await compare(SHORT, 'none'), 'UNAUTHORIZED')
  })
})
