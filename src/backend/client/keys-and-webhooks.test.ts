// What the client asks for keys and webhooks, against a socket that answers like the engine.
import { expect, test } from 'vitest'
import { answer, fakeEngine } from '../test/fakes/fake-engine.ts'
import { BorrowRateClient } from './borrow-rate-client.ts'

async function engine(body: object) {
  const { asked, baseUrl } = await fakeEngine(answer(200, body))
  const client = new BorrowRateClient({ baseUrl, apiKey: 'key-1' })
  return { client, what: () => asked.map(({ method, url, body: sent }) => `${method} ${url} ${sent}`.trim()) }
}

const LIST = { status: 'success', items: [], pagination: { total: 0, skip: 0, limit: 100, has_more: false } }

test('keys are listed, made, rotated and revoked where the contract says', async () => {
  const { client, what } = await engine(LIST)
  await client.apiKeys.list({ clientId: 'acme', active: false, limit: 5 })
  for await (const _ of client.apiKeys.all({ active: true }));
  await client.apiKeys.create({ clientId: 'acme', role: 'broker', label: 'London', expiresInDays: 30 })
  await client.apiKeys.create({ clientId: 'house', role: 'desk' })
  await client.apiKeys.rotate('a/b', { overlapDays: 0 })
  await client.apiKeys.rotate('k1')
  await client.apiKeys.revoke('k1')
  await client.apiKeys.revoke('k1', { own: true })
  expect(what()).toEqual([
    'GET /api/v1/api-keys?client_id=acme&active=false&limit=5',
    'GET /api/v1/api-keys?active=true&skip=0&limit=100',
    'POST /api/v1/api-keys {"client_id":"acme","role":"broker","label":"London","expires_in_days":30}',
    'POST /api/v1/api-keys {"client_id":"house","role":"desk"}',
    'POST /api/v1/api-keys/a%2Fb/rotate {"overlap_days":0}',
    'POST /api/v1/api-keys/k1/rotate {}',
    'DELETE /api/v1/api-keys/k1',
    'DELETE /api/v1/api-keys/k1?own=true',
  ])
})

test('webhooks are listed, added, replayed and removed where the contract says', async () => {
  const { client, what } = await engine(LIST)
  const url = 'https://desk.example.com/hook'
  await client.webhooks.list({ clientId: 'acme', skip: 20 })
  await client.webhooks.add({ url, events: ['rate_changed'], tickers: ['GME'], thresholdBp: 25 })
  await client.webhooks.add({ url, events: ['batch_done'] })
  await client.webhooks.rotateSecret('w1')
  await client.webhooks.deliveries('w1', { state: 'dead', limit: 5 })
  for await (const _ of client.webhooks.allDeliveries('w1'));
  await client.webhooks.replay('w1', { deliveryId: 'd1' })
  await client.webhooks.replay('w1', { since: '2026-11-24' })
  await client.webhooks.remove('w1')
  expect(what()).toEqual([
    'GET /api/v1/webhooks?client_id=acme&skip=20',
    `POST /api/v1/webhooks {"url":"${url}","events":["rate_changed"],"tickers":["GME"],"threshold_bp":25}`,
    `POST /api/v1/webhooks {"url":"${url}","events":["batch_done"]}`,
    'POST /api/v1/webhooks/w1/rotate',
    'GET /api/v1/webhooks/w1/deliveries?state=dead&limit=5',
    'GET /api/v1/webhooks/w1/deliveries?skip=0&limit=100',
    'POST /api/v1/webhooks/w1/replay {"delivery_id":"d1"}',
    'POST /api/v1/webhooks/w1/replay {"since":"2026-11-24"}',
    'DELETE /api/v1/webhooks/w1',
  ])
})

test('counts come back as numbers, amounts as exact text', async () => {
  const webhook = { status: 'success', webhook_id: 'w1', threshold_bp: 25, pending: 3, failures: 0, dropped: 1 }
  const { client } = await engine({ ...LIST, items: [webhook] })
  expect((await client.webhooks.list()).items[0]).toMatchObject({
    threshold_bp: 25,
    pending: 3,
    failures: 0,
    dropped: 1,
  })
})
