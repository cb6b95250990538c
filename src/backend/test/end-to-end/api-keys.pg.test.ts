// An administrator's keys: made, used, listed, rotated, revoked, and on the record; nothing of a secret comes back but once.
import { beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker } from './market.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment({
    prepare: (database) => broker(database, 'asleep', { active: false }),
  })
})

const KEYS = '/api/v1/api-keys'
const as = (key: string, method: string, path: string, body?: object): Promise<Answer> =>
  ask(deployed, { method, path, key, ...(body !== undefined && { body }) })
const admin = (method: string, path: string, body?: object) => as(deployed.keys.admin, method, path, body)
const create = (fields: object = {}) =>
  admin('POST', KEYS, { client_id: 'demo-classic', role: 'broker', label: 'Order system', ...fields })
const works = async (key: string) => (await as(key, 'GET', '/api/v1/config')).status
/** Every secret that an answer has held. */
const secrets: string[] = []

async function created(fields: object = {}): Promise<{ key: string; keyId: string }> {
  const { status, json, headers } = await create(fields)
  expect([status, headers['cache-control']]).toEqual([201, 'no-store'])
  secrets.push(json.api_key.split('_')[2])
  return { key: json.api_key, keyId: json.key_id }
}

async function recordTypes(keyId: string): Promise<string[]> {
  const found = await as(deployed.keys.auditor, 'GET', '/api/v1/audit?page_size=100')
  const types: string[] = []
  for (const item of found.json.items.toReversed()) {
    if (!item.record_type.startsWith('api_key_')) continue
    const { json, text } = await as(deployed.keys.auditor, 'GET', `/api/v1/audit/${item.audit_id}`)
    for (const secret of secrets) expect(text).not.toContain(secret)
    if (json.record.subject.id === keyId) types.push(item.record_type)
  }
  return types
}

test('a key is made for 90 days, works, is seen to be used, and stands in the list without its secret', async () => {
  const { status, json } = await create()
  expect(status).toBe(201)
  expect(json).toMatchObject({
    status: 'success',
    client_id: 'demo-classic',
    role: 'broker',
    label: 'Order system',
    active: true,
    last_used_at: null,
    revoked_at: null,
    replaced_by: null,
  })
  expect(json.api_key).toMatch(new RegExp(`^bre_${json.key_id}_[0-9A-Za-z]{48}$`))
  secrets.push(json.api_key.split('_')[2])
  const days = (Date.parse(json.expires_at) - Date.parse(json.created_at)) / 86_400_000
  expect(days).toBe(90)
  expect(await works(json.api_key)).toBe(200)
  const own = () =>
    admin('GET', `${KEYS}?client_id=demo-classic&active=true&limit=100`).then(({ json: list }) =>
      list.items.find(({ key_id }: { key_id: string }) => key_id === json.key_id),
    )
  await expect.poll(async () => (await own()).last_used_at).not.toBeNull()
  const listed = await admin('GET', `${KEYS}?limit=100`)
  for (const secret of secrets) expect(listed.text).not.toContain(secret)
  expect(listed.text).not.toMatch(/hash/)
  expect(await recordTypes(json.key_id)).toEqual(['api_key_created'])
})

test('a revoked key is refused at once, with the session that was opened with it; again is no change', async () => {
  const { key, keyId } = await created()
  const session = await as(key, 'POST', '/api/v1/session')
  const token = { authorization: `Bearer ${session.json.access_token}` }
  const withToken = () => ask(deployed, { path: '/api/v1/config', headers: token })
  expect([await works(key), (await withToken()).status]).toEqual([200, 200])
  const revoked = await admin('DELETE', `${KEYS}/${keyId}`)
  expect(revoked.json).toMatchObject({ status: 'success', key_id: keyId, active: false })
  expect([await works(key), (await withToken()).status]).toEqual([401, 401])
  const again = await admin('DELETE', `${KEYS}/${keyId}`)
  expect(again.json.revoked_at).toBe(revoked.json.revoked_at)
  expect(await recordTypes(keyId)).toEqual(['api_key_created', 'api_key_revoked'])
  expectFailure(await admin('DELETE', `${KEYS}/nosuchkey123`), 'NOT_FOUND')
})

test('nobody revokes the key that they ask with by mistake, nor the one of their session', async () => {
  const { key, keyId } = await created({ client_id: 'house', role: 'admin' })
  expectFailure(await as(key, 'DELETE', `${KEYS}/${keyId}`), 'CONFLICT')
  const session = await as(key, 'POST', '/api/v1/session')
  const headers = { authorization: `Bearer ${session.json.access_token}` }
  expectFailure(await ask(deployed, { method: 'DELETE', path: `${KEYS}/${keyId}`, headers }), 'CONFLICT')
  expect(await works(key)).toBe(200)
  expect((await as(key, 'DELETE', `${KEYS}/${keyId}?own=true`)).status).toBe(200)
  expect(await works(key)).toBe(401)
})

describe('a rotated key', () => {
  test('goes on for 14 days beside the one that takes its place', async () => {
    const { key, keyId } = await created()
    const rotated = await admin('POST', `${KEYS}/${keyId}/rotate`)
    expect(rotated.status).toBe(201)
    secrets.push(rotated.json.api_key.split('_')[2])
    expect(rotated.json).toMatchObject({
      client_id: 'demo-classic',
      role: 'broker',
      label: 'Order system',
      active: true,
    })
    const { replaced } = rotated.json
    expect(replaced).toMatchObject({ key_id: keyId, replaced_by: rotated.json.key_id, active: true })
    const days = (Date.parse(replaced.revoked_at) - Date.parse(rotated.json.created_at)) / 86_400_000
    expect(days).toBe(14)
    expect([await works(key), await works(rotated.json.api_key)]).toEqual([200, 200])
    expectFailure(await admin('POST', `${KEYS}/${keyId}/rotate`, {}), 'CONFLICT')
    expect(await recordTypes(keyId)).toEqual(['api_key_created', 'api_key_rotated'])
  })

  test('ends at once when it is said so', async () => {
    const { key, keyId } = await created()
    const rotated = await admin('POST', `${KEYS}/${keyId}/rotate`, { overlap_days: 0, expires_in_days: 1 })
    secrets.push(rotated.json.api_key.split('_')[2])
    expect([await works(key), await works(rotated.json.api_key)]).toEqual([401, 200])
  })
})

test('the typed client does all of it', async () => {
  const client = new BorrowRateClient({ baseUrl: deployed.url, apiKey: deployed.keys.admin })
  const made = await client.apiKeys.create({ clientId: 'demo-percentage', role: 'broker', expiresInDays: 5 })
  const rotated = await client.apiKeys.rotate(made.key_id, { overlapDays: 1 })
  secrets.push(...[made, rotated].map(({ api_key }) => api_key.split('_')[2] as string))
  const listed: string[] = []
  for await (const key of client.apiKeys.all({ clientId: 'demo-percentage', active: true })) listed.push(key.key_id)
  expect(listed.slice(0, 2).sort()).toEqual([made.key_id, rotated.key_id].sort())
  expect((await client.apiKeys.revoke(made.key_id)).active).toBe(false)
  const { items } = await client.apiKeys.list({ clientId: 'demo-percentage', active: false })
  expect(items.map(({ key_id }) => key_id)).toEqual([made.key_id])
})

test('what cannot be is refused, field by field', async () => {
  expectFailure(await create({ client_id: 'nobody' }), 'CLIENT_NOT_FOUND')
  expectFailure(await create({ client_id: 'asleep' }), 'CLIENT_NOT_FOUND')
  for (const [fields, field] of [
    [{ role: 'desk' }, 'client_id'],
    [{ role: 'owner' }, 'role'],
    [{ expires_in_days: 0 }, 'expires_in_days'],
    [{ expires_in_days: 3651 }, 'expires_in_days'],
    [{ expires_in_days: '90' }, 'expires_in_days'],
    [{ label: '' }, 'label'],
    [{ label: `the key is ${deployed.keys.desk}` }, 'label'],
    [{ client_id: undefined }, 'client_id'],
  ] as const) {
    const answer = await create(fields)
    expectFailure(answer, 'INVALID_PARAMETER', [deployed.keys.desk])
    expect(answer.json.validation_errors.map((fault: { field: string }) => fault.field)).toEqual([field])
  }
  expectFailure(await admin('POST', `${KEYS}/nosuchkey123/rotate`, {}), 'NOT_FOUND')
  expectFailure(await admin('POST', `${KEYS}/a/rotate`, {}), 'INVALID_PARAMETER')
  expectFailure(await admin('POST', `${KEYS}/nosuchkey123/rotate`, { overlap_days: 91 }), 'INVALID_PARAMETER')
  expectFailure(
    await ask(deployed, { path: `${KEYS}/nosuchkey123/rotate`, key: deployed.keys.admin, body: 'null' }),
    'INVALID_PARAMETER',
  )
})

test('nobody but an administrator has anything to do with keys', async () => {
  for (const name of ['desk', 'auditor', 'demo-classic'] as const) {
    const key = deployed.keys[name]
    expectFailure(await as(key, 'GET', KEYS), 'FORBIDDEN')
    expectFailure(await as(key, 'POST', KEYS, { client_id: 'demo-classic', role: 'broker' }), 'FORBIDDEN')
    expectFailure(await as(key, 'DELETE', `${KEYS}/nosuchkey123`), 'FORBIDDEN')
    expectFailure(await as(key, 'POST', `${KEYS}/nosuchkey123/rotate`, {}), 'FORBIDDEN')
  }
})

test('no secret of a key is in the log', () => {
  const log = deployed.logLines().join('\n')
  expect(secrets.length).toBeGreaterThan(5)
  for (const secret of secrets) expect(log).not.toContain(secret)
})
