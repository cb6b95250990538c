// Who may have a price: credentials, roles, brokers, limits.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './answers.ts'
import { type Deployment, sleep, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker } from './market.ts'

const QUOTE = '/api/v1/calculate-locate'
let deployed: Deployment
const made: Record<string, string> = {}

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await broker(database, 'asleep', { active: false })
      await broker(database, 'three-a-minute', { requests_per_minute: 3 })
      await broker(database, 'five-at-once', { requests_per_minute: 5 })
      await broker(database, 'one-a-minute', { requests_per_minute: 1 })
    },
  })
  for (const clientId of ['asleep', 'three-a-minute', 'five-at-once', 'one-a-minute']) {
    made[clientId] = await deployed.newKey(clientId, 'broker')
  }
  made.other = await deployed.newKey('three-a-minute', 'broker')
  made.expired = await deployed.newKey('demo-classic', 'broker')
  made.revoked = await deployed.newKey('demo-classic', 'broker')
  const keyId = (key: string | undefined) => key?.split('_')[1]
  await deployed.database.query(
    `update api_keys set created_at = now() - interval '91 days', expires_at = now() - interval '1 second' where key_id = $1`,
    [keyId(made.expired)],
  )
  await deployed.database.query(`update api_keys set revoked_at = now() - interval '1 second' where key_id = $1`, [
    keyId(made.revoked),
  ])
})

function quote(key: string | undefined, fields: Record<string, unknown> = {}, from?: string): Promise<Answer> {
  const body = { ticker: 'AAPL', position_value: 1000, loan_days: 1, client_id: 'demo-classic', ...fields }
  return ask(deployed, { path: QUOTE, body, ...(key !== undefined && { key }), ...(from !== undefined && { from }) })
}

describe('credentials', () => {
  test('without a key there is no price, and no word of what was asked', async () => {
    const answer = await quote(undefined, { ticker: '<b>' })
    expectFailure(answer, 'UNAUTHORIZED', ['<b>'])
    expect(answer.headers).not.toHaveProperty('x-ratelimit-limit')
  })

  test.each([
    ['an unknown key', () => `bre_${'A'.repeat(12)}_${'B'.repeat(48)}`],
    ["a known key's id with another secret", () => `${deployed.keys.desk.slice(0, 17)}${'x'.repeat(48)}`],
    ['half a key', () => deployed.keys.desk.slice(0, 40)],
    ['an expired key', () => made.expired as string],
    ['a revoked key', () => made.revoked as string],
    ['a key twice in one header', () => `${deployed.keys.desk}, ${deployed.keys.desk}`],
  ])('%s is 401 and is not repeated', async (what, key) => {
    // From an address of its own, so that no answer is held back.
    const answer = await quote(key(), {}, `127.0.1.${1 + what.length}`)
    expectFailure(answer, 'UNAUTHORIZED', [key().slice(4, 16)])
    expect(answer.headers).not.toHaveProperty('x-ratelimit-limit')
  })

  test('a key counts in its header alone: not in the query, the body or as a bearer token', async () => {
    const key = deployed.keys.desk
    const path = `${QUOTE}?ticker=AAPL&position_value=1000&loan_days=1&client_id=demo-classic`
    expectFailure(await ask(deployed, { path: `${path}&api_key=${key}&x-api-key=${key}` }), 'UNAUTHORIZED', [key])
    expectFailure(await quote(undefined, { api_key: key, 'X-API-Key': key }), 'UNAUTHORIZED', [key])
    expectFailure(await ask(deployed, { path, headers: { authorization: `Bearer ${key}` } }), 'UNAUTHORIZED', [key])
  })

  test('the sixth bad try of an address is slowed; a good key from the same address is not', async () => {
    const from = '127.0.2.1'
    const bad = `bre_${'A'.repeat(12)}_${'B'.repeat(48)}`
    const timed = async (key: string) => {
      const start = performance.now()
      const { status } = await quote(key, {}, from)
      return { status, ms: performance.now() - start }
    }
    for (let i = 0; i < 5; i += 1) expect((await timed(bad)).ms).toBeLessThan(900)
    const [slowed, good] = await Promise.all([timed(bad), timed(deployed.keys.desk)])
    expect(slowed.status).toBe(401)
    expect(slowed.ms).toBeGreaterThan(900)
    expect(good.status).toBe(200)
    expect(good.ms).toBeLessThan(900)
  })
})

describe('roles and brokers', () => {
  test('a broker prices for itself', async () => {
    expect((await quote(deployed.keys['demo-classic'])).status).toBe(200)
  })

  test.each(['demo-percentage', 'asleep', 'nobody-at-all'])(
    'a broker that prices for %s is 403, whether there is such a broker or not',
    async (client_id) => {
      expectFailure(await quote(deployed.keys['demo-classic'], { client_id }), 'FORBIDDEN', [client_id])
    },
  )

  test.each(['demo-classic', 'demo-percentage', 'demo-collateral', 'house'])(
    'a desk prices for %s',
    async (client_id) => {
      const { status, json } = await quote(deployed.keys.desk, { client_id })
      expect(status).toBe(200)
      expect(json.client_id).toBe(client_id)
    },
  )

  test.each(['auditor', 'admin'] as const)('the %s may look at rates and may not quote', async (role) => {
    expectFailure(await quote(deployed.keys[role]), 'FORBIDDEN')
    expect((await ask(deployed, { path: '/api/v1/rates/AAPL', key: deployed.keys[role] })).status).toBe(200)
  })

  test.each(['nobody-at-all', 'asleep'])(
    'a desk that prices for %s is told that there is no such client',
    async (client_id) => {
      const answer = await quote(deployed.keys.desk, { client_id })
      expectFailure(answer, 'CLIENT_NOT_FOUND')
      expect(answer.json.error).toBe(`Client not found: ${client_id}`)
    },
  )

  test('an inactive broker is not found, also by itself', async () => {
    expectFailure(await quote(made.asleep, { client_id: 'asleep' }), 'CLIENT_NOT_FOUND')
  })

  test('an omitted client_id is 400, whoever asks', async () => {
    for (const key of [deployed.keys.desk, deployed.keys['demo-classic']]) {
      const answer = await quote(key, { client_id: undefined })
      expectFailure(answer, 'INVALID_PARAMETER')
      expect(answer.json.validation_errors).toMatchObject([{ field: 'client_id', location: 'body' }])
    }
  })

  test('nothing is priced or recorded for whoever may not', async () => {
    const records = async () =>
      (await deployed.database.query<{ n: string }>('select count(*) as n from audit_records')).rows[0]?.n
    const before = await records()
    await quote(deployed.keys.auditor)
    await quote(deployed.keys['demo-classic'], { client_id: 'demo-percentage' })
    await quote(deployed.keys.desk, { client_id: 'asleep' })
    await quote(deployed.keys.desk, { loan_days: 0 })
    expect(await records()).toBe(before)
  })
})

describe('limits', () => {
  const limits = ({ headers }: Answer) => ({
    limit: Number(headers['x-ratelimit-limit']),
    remaining: Number(headers['x-ratelimit-remaining']),
  })

  test("a broker's keys and endpoints share its number; every status counts but 429, and 429 consumes nothing", async () => {
    const first = await quote(made['three-a-minute'], { client_id: 'three-a-minute' })
    expect(first.status).toBe(200)
    expect(limits(first)).toEqual({ limit: 3, remaining: 2 })
    const bad = await quote(made.other, { client_id: 'three-a-minute', loan_days: 0 })
    expect(bad.status).toBe(400)
    expect(limits(bad)).toEqual({ limit: 3, remaining: 1 })
    const rate = await ask(deployed, { path: '/api/v1/rates/ZZZZZ', key: made.other as string })
    expect(rate.status).toBe(404)
    expect(limits(rate)).toEqual({ limit: 3, remaining: 0 })

    const refused = await quote(made['three-a-minute'], { client_id: 'three-a-minute' })
    expectFailure(refused, 'RATE_LIMIT_EXCEEDED')
    expect(limits(refused)).toEqual({ limit: 3, remaining: 0 })
    const reset = Number(refused.headers['x-ratelimit-reset'])
    expect(Number(refused.headers['retry-after'])).toBe(reset)
    expect(reset).toBeGreaterThan(0)
    expect(reset).toBeLessThanOrEqual(60)

    // Knocking does not put the end of the window off.
    await sleep(1100)
    const again = await quote(made.other, { client_id: 'three-a-minute' })
    expect(again.status).toBe(429)
    expect(Number(again.headers['retry-after'])).toBeLessThan(reset)
  })

  test('of twenty requests at once as many pass as the limit says', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => quote(made['five-at-once'], { client_id: 'five-at-once' })),
    )
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([...Array(5).fill(200), ...Array(15).fill(429)])
  })

  test('the limit of one broker is not the limit of another', async () => {
    await quote(made['one-a-minute'], { client_id: 'one-a-minute' })
    expect((await quote(made['one-a-minute'], { client_id: 'one-a-minute' })).status).toBe(429)
    expect((await quote(deployed.keys['demo-classic'])).status).toBe(200)
  })

  test('health, metrics and the documentation ask for no key and count nothing', async () => {
    for (const path of ['/health', '/health/details', '/health/external', '/metrics', '/openapi.json', '/docs/']) {
      const { status, headers } = await ask(deployed, { path })
      expect(status, path).toBe(200)
      expect(headers, path).not.toHaveProperty('x-ratelimit-limit')
    }
  })
})
