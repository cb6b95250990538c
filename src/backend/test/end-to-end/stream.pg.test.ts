// Rates as they move: what begins a stream, what moves, what comes back after a break, and when it ends.
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { expectFailure, expectOrdinaryHeaders } from './answers.ts'
import { type Deployment, sleep, startDeployment } from './deployment.ts'
import { closeReaders, type EventReader, listen } from './event-stream.ts'
import { ask } from './http.ts'
import { broker, listPlain } from './market.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      for (const ticker of ['ZZA', 'ZZB', 'ZZC', 'ZZD']) await listPlain(database, ticker, '0.05')
      await broker(database, 'deskmodel', { pricing_model: 'desk-v1' })
      await broker(database, 'changing')
      await broker(database, 'leaving')
      await broker(database, 'limited', { requests_per_minute: 3 })
      await broker(database, 'asleep', { active: false })
    },
    environment: { STREAMS_PER_KEY_MAX: '4' },
  })
})
afterEach(closeReaders)

const stream = (key: string, query = '', headers: Record<string, string> = {}): Promise<EventReader> =>
  listen(deployed, { path: `/api/v1/rates/stream${query}`, headers: { 'x-api-key': key, ...headers } })

/** Moves a rate up to its floor, by the administrator's door. */
async function floor(ticker: string, rate: string): Promise<void> {
  const body = { borrow_status: 'HARD', floor_rate: rate }
  const path = `/api/v1/stocks/${ticker}`
  const headers = { 'if-match': '*' }
  const changed = await ask(deployed, { method: 'PUT', path, key: deployed.keys.admin, body, headers })
  if (changed.status === 200) return
  const made = await ask(deployed, {
    method: 'PUT',
    path,
    key: deployed.keys.admin,
    body,
    headers: { 'if-none-match': '*' },
  })
  expect(made.status).toBe(201)
}

const BROKER = {
  markup_percentage: 5,
  transaction_fee_type: 'FLAT',
  transaction_amount: '25.00',
  day_count: 'ACT/365',
  convention_pack: 'notional',
  tier: 'internal',
}

const change = (clientId: string, fields: object) =>
  ask(deployed, {
    method: 'PUT',
    path: `/api/v1/brokers/${clientId}`,
    key: deployed.keys.admin,
    headers: { 'if-match': '*' },
    body: { ...BROKER, pricing_model: 'standard-v1', active: true, ...fields },
  })

describe('a stream of named rates', () => {
  test('begins with what is known: the feeds, and the rates of the names as /rates has them', async () => {
    const reader = await stream(deployed.keys.desk, '?tickers=ZZB,ZZA,ZZB,ZZZZZ')
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    expectOrdinaryHeaders(reader.headers)
    expect(reader.headers).toHaveProperty('x-ratelimit-remaining')
    const reset = await reader.next('reset')
    expect(reset.data).toEqual({ reason: 'start', pricing_model: 'standard-v1', load: null, unknown: ['ZZZZZ'] })
    const rate = await reader.next('rate')
    await reader.next('rate', ({ ticker }) => ticker === 'ZZB')
    const { json } = await ask(deployed, { path: '/api/v1/rates', key: deployed.keys.desk })
    const { name, previous_close_rate, ...row } = (
      json.items as { ticker: string; name: null; previous_close_rate: null }[]
    ).find(({ ticker }) => ticker === 'ZZA')!
    expect(rate.data).toEqual({ ...row, previous_rate: null, pricing_model: json.pricing_model })
    // Who loses the stream before it has all of this begins anew: the id stands on the last of it.
    expect(reader.text()).toMatch(/^retry: \d{4}\n: open\n\n/)
    const events = reader.events()
    const rates = events.filter((each) => each.event === 'rate')
    expect(rates.map(({ id }) => id !== null)).toEqual([false, true])
  })

  test('says within a second that a rate moved, with the rate before, and says nothing of other names', async () => {
    const reader = await stream(deployed.keys['demo-classic'], '?tickers=ZZA')
    await reader.next('rate')
    await floor('ZZB', '0.31')
    const before = performance.now()
    await floor('ZZA', '0.3')
    const moved = await reader.next('rate')
    expect(moved.data).toMatchObject({ ticker: 'ZZA', current_rate: '0.3', previous_rate: '0.05' })
    expect(performance.now() - before).toBeLessThan(3_000)
    await floor('ZZA', '0.4')
    expect((await reader.next('rate')).data).toMatchObject({ current_rate: '0.4', previous_rate: '0.3' })
    expect(new Set(reader.events().flatMap(({ data }) => data.ticker ?? []))).toEqual(new Set(['ZZA']))
  })

  test("is under the model of the key's broker, and begins anew when the broker gets another", async () => {
    const theirs = await stream(await deployed.newKey('deskmodel', 'broker'), '?tickers=ZZC')
    const key = await deployed.newKey('changing', 'broker')
    const changing = await stream(key, '?tickers=ZZC')
    expect((await theirs.next('reset')).data.pricing_model).toBe('desk-v1')
    expect((await changing.next('reset')).data.pricing_model).toBe('standard-v1')
    expect((await changing.next('rate')).data.pricing_model).toBe('standard-v1')
    const last = changing.lastEventId()
    expect((await change('changing', { pricing_model: 'desk-v1' })).status).toBe(200)
    expect((await changing.next('reset')).data).toMatchObject({ reason: 'model_changed', pricing_model: 'desk-v1' })
    expect((await changing.next('rate')).data.pricing_model).toBe('desk-v1')
    const again = await stream(key, '?tickers=ZZC', { 'last-event-id': last as string })
    expect((await again.next('reset')).data.reason).toBe('model_changed')
  })
})

describe('a stream of all rates', () => {
  test('names what to load, and says what moves', async () => {
    const reader = await stream(deployed.keys.auditor)
    expect((await reader.next('reset')).data).toEqual({
      reason: 'start',
      pricing_model: 'standard-v1',
      load: '/api/v1/rates',
      unknown: [],
    })
    await floor('ZZD', '0.33')
    const moved = await reader.next('rate', ({ ticker }) => ticker === 'ZZD')
    expect(moved.data).toMatchObject({ current_rate: '0.33', previous_rate: '0.05' })
  })

  test('says that a feed changed its state, once it is sure of it', async () => {
    // Feeds are looked at from the moment that somebody listens.
    await (await stream(deployed.keys.desk)).next('feed')
    await sleep(500)
    const reader = await stream(deployed.keys.desk)
    const known = await reader.next('feed', ({ feed }) => feed === 'lender')
    expect(known.data).toMatchObject({ state: 'up', previous_state: null })
    await deployed.database.query(
      `update feed_states set demo = false, as_of = now() - interval '9 days' where feed = 'lender'`,
    )
    const turned = (state: string) =>
      reader.next('feed', ({ feed, state: now }) => feed === 'lender' && now === state, 15_000)
    const changed = await turned('down')
    expect(changed.data).toMatchObject({ data: 'expired', previous_state: 'up' })
    expect(changed.id).not.toBeNull()
    await deployed.database.query(`update feed_states set demo = true where feed = 'lender'`)
    expect((await turned('up')).data).toMatchObject({ data: 'demo', previous_state: 'down' })
  })
})

describe('who comes back', () => {
  test('with the last id gets what was missed, each once, and nothing else', async () => {
    const key = deployed.keys.desk
    const first = await stream(key, '?tickers=ZZA,ZZB')
    await first.next('rate', ({ ticker }) => ticker === 'ZZB')
    await floor('ZZA', '0.51')
    await first.next('rate', ({ current_rate }) => current_rate === '0.51')
    const id = first.lastEventId() as string
    const { ended } = first
    first.close()
    await ended
    await floor('ZZA', '0.52')
    await floor('ZZC', '0.52')
    await floor('ZZB', '0.53')
    const watcher = await stream(key, '?tickers=ZZB')
    await watcher.next('rate', ({ current_rate }) => current_rate === '0.53')
    await floor('ZZA', '0.54')
    const again = await stream(key, '?tickers=ZZA,ZZB', { 'last-event-id': id })
    await again.next('rate', ({ current_rate }) => current_rate === '0.54')
    expect(
      again
        .events()
        .filter(({ event }) => event !== 'feed')
        .map(({ event, data }) => `${event} ${data.ticker} ${data.current_rate}`),
    ).toEqual(['rate ZZA 0.52', 'rate ZZB 0.53', 'rate ZZA 0.54'])
  })

  test.each([
    ['of another process', 'AAAAAAAA.1.standard-v1', 'other_process'],
    ['that is no id', 'hello', 'other_process'],
    ['of an event that never was', null, 'too_old'],
  ])('with an id %s begins anew', async (_title, given, reason) => {
    const key = deployed.keys.desk
    const first = await stream(key, '?tickers=ZZA')
    const { id } = await first.next('rate')
    const later = (id as string).replace(/\.\d+\./, '.99999999.')
    const reader = await stream(key, '?tickers=ZZA', { 'last-event-id': given ?? later })
    expect((await reader.next('reset')).data.reason).toBe(reason)
    expect((await reader.next('rate')).data.ticker).toBe('ZZA')
  })

  test('with other names than before begins anew', async () => {
    const first = await stream(deployed.keys.desk, '?tickers=ZZA')
    const { id } = await first.next('rate')
    await floor('ZZA', '0.61')
    await first.next('rate')
    const reader = await stream(deployed.keys.desk, '?tickers=ZZA,ZZD', { 'last-event-id': id as string })
    expect((await reader.next('reset')).data.reason).toBe('too_old')
  })
})

test('the typed client hears what moves, exact', async () => {
  const client = new BorrowRateClient({ baseUrl: deployed.url, apiKey: deployed.keys['demo-classic'] })
  const words: string[] = []
  for await (const event of client.rates.watch({ tickers: ['ZZD'] }, { signal: AbortSignal.timeout(15_000) })) {
    if (event.type === 'connection') words.push(event.state)
    if (event.type === 'reset') words.push(event.reason)
    if (event.type !== 'rate') continue
    words.push(`${event.current_rate} after ${event.previous_rate}`)
    if (event.previous_rate === null) void floor('ZZD', '0.71')
    else break
  }
  expect(words.slice(0, 2)).toEqual(['open', 'start'])
  expect(words.at(-1)).toMatch(/^0\.71 after 0\.\d+$/)
})

describe('a stream ends', () => {
  test('within seconds when its key is revoked, with the advice not to come back', async () => {
    const key = await deployed.newKey('demo-classic', 'broker')
    const reader = await stream(key, '?tickers=ZZA')
    await reader.next('rate')
    await deployed.database.query('update api_keys set revoked_at = now() where key_id = $1', [key.split('_')[1]])
    expect((await reader.next('end', undefined, 18_000)).data).toEqual({ reason: 'credential_ended', reconnect: false })
    await reader.ended
  })

  test('at once when its key is revoked by the API', async () => {
    const body = { client_id: 'demo-classic', role: 'broker' }
    const made = await ask(deployed, { path: '/api/v1/api-keys', key: deployed.keys.admin, body })
    const reader = await stream(made.json.api_key, '?tickers=ZZA')
    await reader.next('rate')
    const path = `/api/v1/api-keys/${made.json.key_id}`
    expect((await ask(deployed, { method: 'DELETE', path, key: deployed.keys.admin })).status).toBe(200)
    expect((await reader.next('end', undefined, 2_000)).data.reason).toBe('credential_ended')
    await reader.ended
  })

  test('within seconds when its session does', async () => {
    const signedIn = await ask(deployed, { method: 'POST', path: '/api/v1/session', key: deployed.keys.desk })
    const authorization = `Bearer ${signedIn.json.access_token}`
    const reader = await listen(deployed, { path: '/api/v1/rates/stream?tickers=ZZA', headers: { authorization } })
    await reader.next('rate')
    const cookie = signedIn.headers['set-cookie']?.[0]?.split(';')[0] as string
    const out = await ask(deployed, { method: 'DELETE', path: '/api/v1/session', headers: { authorization, cookie } })
    expect(out.status).toBeLessThan(300)
    expect((await reader.next('end', undefined, 18_000)).data.reason).toBe('credential_ended')
    await reader.ended
  })

  test('when its broker is active no more', async () => {
    const reader = await stream(await deployed.newKey('leaving', 'broker'), '?tickers=ZZA')
    await reader.next('rate')
    await change('leaving', { active: false })
    expect((await reader.next('end')).data.reason).toBe('credential_ended')
  })
})

describe('a stream is refused', () => {
  test.each([
    ['?tickers=', 'tickers'],
    ['?tickers=gme', 'tickers'],
    ['?tickers=GME,', 'tickers'],
    [`?tickers=${Array.from({ length: 501 }, () => 'A').join()}`, 'tickers'],
  ])('for %s, which is named', async (query) => {
    const answer = await ask(deployed, { path: `/api/v1/rates/stream${query}`, key: deployed.keys.desk })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors[0].field).toBe('tickers')
  })

  test('without a valid key, for a broker that is not active, and by another method', async () => {
    const path = '/api/v1/rates/stream'
    expectFailure(await ask(deployed, { path }), 'UNAUTHORIZED')
    expectFailure(await ask(deployed, { path, key: 'bre_x' }), 'UNAUTHORIZED')
    const asleep = await deployed.newKey('asleep', 'broker')
    expectFailure(await ask(deployed, { path, key: asleep }), 'CLIENT_NOT_FOUND')
    expectFailure(await ask(deployed, { path, key: deployed.keys.desk, method: 'POST' }), 'METHOD_NOT_ALLOWED')
    // A HEAD of it is one of a rate, whose ticker this is not.
    expect((await ask(deployed, { path, key: deployed.keys.desk, method: 'HEAD' })).status).toBe(400)
  })

  test('beyond those that a key may have, without counting; each that is open counts one request', async () => {
    const key = await deployed.newKey('limited', 'broker')
    const many = await deployed.newKey('demo-classic', 'broker')
    for (let index = 0; index < 4; index += 1) expect((await stream(many, '?tickers=ZZA')).status).toBe(200)
    const before = await ask(deployed, { path: '/api/v1/config', key: many })
    const fifth = await ask(deployed, { path: '/api/v1/rates/stream', key: many })
    expectFailure(fifth, 'RATE_LIMIT_EXCEEDED')
    expect(Number(fifth.headers['retry-after'])).toBeGreaterThan(0)
    expect(fifth.headers['x-ratelimit-remaining']).toBe(before.headers['x-ratelimit-remaining'])
    closeReaders()
    await expect.poll(async () => (await stream(many, '?tickers=ZZA')).status, { timeout: 5_000 }).toBe(200)

    for (let index = 0; index < 3; index += 1) {
      expect((await stream(key, '?tickers=ZZA')).headers['x-ratelimit-remaining']).toBe(String(2 - index))
    }
    expectFailure(await ask(deployed, { path: '/api/v1/rates/stream', key }), 'RATE_LIMIT_EXCEEDED')
  })
})

test('a stream that ends leaves a line in the log, whoever ended it', async () => {
  const reader = await stream(deployed.keys.desk, '?tickers=ZZA')
  await reader.next('rate')
  const id = reader.headers['x-request-id'] as string
  reader.close()
  await expect
    .poll(() => deployed.logLines().find((line) => line.includes(id) && line.includes('"aborted":true')), {
      timeout: 5_000,
    })
    .toContain('"route":"/api/v1/rates/stream","status":200')
})

test('a process that stops says so, and takes no streams with it', async () => {
  const reader = await stream(deployed.keys.desk)
  await reader.next('reset')
  const stopped = deployed.stop()
  expect((await reader.next('end')).data).toEqual({ reason: 'draining', reconnect: true })
  await reader.ended
  await stopped
})
