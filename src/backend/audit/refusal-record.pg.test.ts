// Refusals in the log itself, written with the gateway's own rights.
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { refusals } from '../access/refusals.ts'
import { connectDatabase } from '../database/connect.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { auditLog } from './audit-log.ts'
import { refusalRecordRow } from './refusal-record.ts'

let postgres: RealPostgres
let gateway: pg.Pool
let owner: pg.Pool
beforeAll(async () => {
  postgres = await startPostgres({ ...inject('postgres').own, durable: true })
  const connect = (url: string) => connectDatabase(url, { applicationName: 'test', connectionsMax: 2 })
  gateway = connect(postgres.urlFor('api_gateway'))
  owner = connect(postgres.url)
})
afterAll(async () => {
  await Promise.all([gateway.end(), owner.end()])
  await postgres.end()
})

const kept = async () =>
  (await owner.query(`select record_type, client_id, actor_id, record from audit_records order by audit_id`)).rows

function book() {
  const newId = uuidv7Maker(systemClock)
  return refusals({
    rowOf: (summary) => refusalRecordRow({ auditId: newId(), ...summary }),
    append: auditLog({ pool: gateway, lanes: 1 }).append,
    clock: systemClock,
  })
}

test('a summary is a record that says who, where, what and how often', async () => {
  const refused = book()
  const common = { address: '203.0.113.7', route: '/api/v1/rates/:ticker' }
  refused.note({ ...common, keyId: 'key1', clientId: 'classic', errorCode: 'RATE_LIMIT_EXCEEDED' })
  refused.note({ ...common, keyId: 'unproven', clientId: null, errorCode: 'UNAUTHORIZED' })
  await refused.close()
  const rows = await kept()
  expect(rows).toMatchObject([
    { record_type: 'refusals', client_id: 'classic', actor_id: 'key1' },
    { record_type: 'refusals', client_id: 'house', actor_id: null },
  ])
  const body = JSON.parse(rows[1].record)
  expect(body).toMatchObject({
    record_type: 'refusals',
    schema_version: 1,
    address: '203.0.113.7',
    key_id: 'unproven',
    client_id: null,
    count: 1,
    refusals: [{ error_code: 'UNAUTHORIZED', route: '/api/v1/rates/:ticker', count: 1 }],
  })
  expect(body.first_at).toBe(body.occurred_at)
})

test('what could not be written while the database was away is written once when it is back', async () => {
  const refused = book()
  const before = (await kept()).length
  await postgres.kill()
  refused.note({ address: '203.0.113.8', keyId: null, clientId: null, errorCode: 'UNAUTHORIZED', route: 'unknown' })
  await refused.write()
  expect(refused.stats()).toEqual({ waiting: 1, written: 0, dropped: 0 })
  await postgres.start()
  for (let tries = 0; tries < 50 && refused.stats().waiting > 0; tries += 1) {
    await refused.write()
    await sleep(50)
  }
  await refused.close()
  expect(refused.stats()).toEqual({ waiting: 0, written: 1, dropped: 0 })
  expect(await kept()).toHaveLength(before + 1)
})
