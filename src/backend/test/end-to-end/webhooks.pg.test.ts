// Webhooks from registration to a receiver with a certificate of its own: what is told, how it is signed, what becomes of what fails, and
// where nothing is ever sent.
import { Compile } from 'typebox/schema'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BorrowRateClient } from '../../client/borrow-rate-client.ts'
import { verifyWebhook, type WebhookHeaders } from '../../client/webhook-signature.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { type FakeReceiver, type Received, startFakeReceiver } from '../fakes/fake-receiver.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { listPlain } from './market.ts'
import type { Media } from './openapi-document.ts'

/** The part of the published contract that says what receivers are sent. */
interface Published {
  readonly webhooks: Readonly<
    Record<string, { readonly post: { readonly requestBody: { readonly content: Readonly<Record<string, Media>> } } }>
  >
}

describe.runIf(hasOpenssl)('webhooks', () => {
  let deployed: Deployment
  let authority: Authority
  let receiver: FakeReceiver
  const secrets: string[] = []

  beforeAll(async () => {
    authority = certificateAuthority()
    const files = authority.sign('receiver')
    receiver = await startFakeReceiver(files)
    deployed = await startDeployment({
      prepare: async (database) => {
        for (const ticker of ['ZZA', 'ZZB']) await listPlain(database, ticker, '0.05')
      },
      environment: { WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1', WEBHOOK_CA_FILE: files.caFile },
    })
  })
  afterAll(async () => {
    await receiver.stop()
    authority.remove()
  })
  beforeEach(() => receiver.forget())

  const WEBHOOKS = '/api/v1/webhooks'
  type KeyName = keyof Deployment['keys']
  const as = (name: KeyName, method: string, path: string, body?: object): Promise<Answer> =>
    ask(deployed, { method, path, key: deployed.keys[name], ...(body !== undefined && { body }) })
  const soon = { timeout: 10_000, interval: 50 }

  async function add(name: KeyName, path: string, fields: object): Promise<{ id: string; secret: string }> {
    const url = `https://127.0.0.1:${receiver.port}/${path}`
    const { status, json, headers } = await as(name, 'POST', WEBHOOKS, { url, ...fields })
    expect([status, headers['cache-control']]).toEqual([201, 'no-store'])
    secrets.push(json.secret)
    return { id: json.webhook_id, secret: json.secret }
  }

  const sent = (path: string) => receiver.received.filter((each) => each.path === `/${path}`)
  const read = ({ headers, body }: Received, secret: string) =>
    verifyWebhook({ headers: headers as WebhookHeaders, body, secrets: [secret] })

  async function batch(name: KeyName, accept = 'application/json'): Promise<Answer> {
    return ask(deployed, {
      path: '/api/v1/calculate-locate/batch',
      key: deployed.keys[name],
      headers: { accept },
      body: {
        client_id: 'demo-classic',
        lines: [
          { ticker: 'ZZA', position_value: 100_000, loan_days: 30 },
          { ticker: 'ZZZZZ', position_value: 100_000, loan_days: 30 },
        ],
      },
    })
  }

  describe('that are told of batches', () => {
    test('hear of each of their own once, signed, with the sums of the answer, whatever form that had', async () => {
      const { secret } = await add('demo-classic', 'batches', { events: ['batch_done'] })
      const { secret: deskSecret } = await add('desk', 'desk', { events: ['batch_done'] })
      const answer = await batch('demo-classic')
      await expect.poll(() => sent('batches').length, soon).toBe(1)
      const event = await read(sent('batches')[0]!, secret)
      expect(event).toEqual({
        id: `batch_done:${answer.json.batch_id}`,
        type: 'batch_done',
        created_at: expect.stringMatching(/Z$/),
        data: {
          batch_id: answer.json.batch_id,
          snapshot_at: answer.json.snapshot_at,
          lines: 2,
          priced: 1,
          failed: 1,
          total_fee: answer.json.summary.total_fee,
        },
      })
      await batch('demo-classic', 'text/csv')
      await batch('desk', 'application/x-ndjson')
      await expect.poll(() => [sent('batches').length, sent('desk').length], soon).toEqual([2, 1])
      expect((await read(sent('desk')[0]!, deskSecret)).type).toBe('batch_done')
      await expect(read(sent('desk')[0]!, secret)).rejects.toThrow('No signature')
    })

    test('hear once of a batch that is answered again', async () => {
      const { id } = await add('demo-percentage', 'again', { events: ['batch_done'] })
      const asked = {
        path: '/api/v1/calculate-locate/batch',
        key: deployed.keys['demo-percentage'],
        headers: { 'idempotency-key': 'webhooks-1' },
        body: { lines: [{ ticker: 'ZZA', position_value: 1000, loan_days: 1, client_id: 'demo-percentage' }] },
      }
      const [first, second] = [await ask(deployed, asked), await ask(deployed, asked)]
      expect(first.json.batch_id).toBe(second.json.batch_id)
      await expect.poll(() => sent('again').length, soon).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(sent('again')).toHaveLength(1)
      expect((await as('demo-percentage', 'GET', `${WEBHOOKS}/${id}/deliveries`)).json.pagination.total).toBe('1')
    })
  })

  describe('that are told of rates', () => {
    async function floor(ticker: string, rate: string): Promise<void> {
      const body = { borrow_status: 'HARD', floor_rate: rate }
      const ask_ = (headers: Record<string, string>) =>
        ask(deployed, { method: 'PUT', path: `/api/v1/stocks/${ticker}`, key: deployed.keys.admin, body, headers })
      const changed = await ask_({ 'if-match': '*' })
      if (changed.status !== 200) expect((await ask_({ 'if-none-match': '*' })).status).toBe(201)
    }

    const watched = (names: number) =>
      expect
        .poll(async () => {
          const { json } = await ask(deployed, { path: '/health/details' })
          const { watching, ready, names: count } = json.components.webhooks
          return watching && ready && Number(count) >= names
        }, soon)
        .toBe(true)

    test('hear of their names, from their threshold on, within seconds', async () => {
      const { secret } = await add('demo-classic', 'rates', {
        events: ['rate_changed'],
        tickers: ['ZZA'],
        threshold_bp: 25,
      })
      await watched(1)
      await floor('ZZA', '0.051')
      await floor('ZZB', '0.31')
      await floor('ZZA', '0.3')
      await expect.poll(() => sent('rates').length, soon).toBeGreaterThan(0)
      const event = await read(sent('rates')[0]!, secret)
      expect(event).toMatchObject({
        type: 'rate_changed',
        data: {
          changes: [
            {
              ticker: 'ZZA',
              borrow_rate: '0.3',
              previous_borrow_rate: '0.05',
              change_bp: '2500',
            },
          ],
        },
      })
      await floor('ZZA', '0.302')
      await floor('ZZA', '0.304')
      await expect.poll(() => sent('rates').length, soon).toBe(2)
      expect((await read(sent('rates')[1]!, secret)).data).toMatchObject({
        changes: [{ borrow_rate: '0.304', previous_borrow_rate: '0.3', change_bp: '40' }],
      })
    })
  })

  describe('whose receiver fails', () => {
    test('say why, try again later, and at once when they are replayed', async () => {
      const { id, secret } = await add('demo-collateral', 'failing', { events: ['batch_done'] })
      receiver.answer((response, { path }) => response.writeHead(path === '/failing' ? 503 : 204).end())
      const asked = {
        path: '/api/v1/calculate-locate/batch',
        key: deployed.keys['demo-collateral'],
        body: { lines: [{ ticker: 'ZZA', position_value: 1000, loan_days: 1, client_id: 'demo-collateral' }] },
      }
      await ask(deployed, asked)
      await expect.poll(() => sent('failing').length, soon).toBe(1)
      const deliveries = async () => (await as('demo-collateral', 'GET', `${WEBHOOKS}/${id}/deliveries`)).json.items
      await expect.poll(async () => (await deliveries())[0].last_error, soon).toBe('answered 503')
      const [waiting] = await deliveries()
      expect(waiting).toMatchObject({ state: 'pending', attempts: '1', last_status: '503', event: 'batch_done' })
      expect(Date.parse(waiting.next_attempt_at)).toBeGreaterThan(Date.now())

      receiver.answer(204)
      const replay = { delivery_id: waiting.delivery_id }
      expect((await as('demo-collateral', 'POST', `${WEBHOOKS}/${id}/replay`, replay)).json.replayed).toBe('1')
      await expect.poll(() => sent('failing').length, soon).toBe(2)
      const [first, second] = await Promise.all(sent('failing').map((each) => read(each, secret)))
      expect(second).toEqual(first)
      await expect.poll(async () => (await deliveries())[0].state, soon).toBe('delivered')
      const since = { since: '2026-01-01' }
      expect((await as('demo-collateral', 'POST', `${WEBHOOKS}/${id}/replay`, since)).json.replayed).toBe('0')
    })

    test('are not led elsewhere by it', async () => {
      const inside = await startFakeReceiver(null)
      const { id } = await add('demo-collateral', 'redirecting', { events: ['batch_done'] })
      receiver.answer((response) => response.writeHead(307, { location: `http://127.0.0.1:${inside.port}/` }).end())
      await ask(deployed, {
        path: '/api/v1/calculate-locate/batch',
        key: deployed.keys['demo-collateral'],
        body: { lines: [{ ticker: 'ZZA', position_value: 1000, loan_days: 1, client_id: 'demo-collateral' }] },
      })
      await expect
        .poll(async () => {
          const { json } = await as('demo-collateral', 'GET', `${WEBHOOKS}/${id}/deliveries`)
          return json.items[0]?.last_error
        }, soon)
        .toBe('answered 307; redirects are not followed')
      expect(inside.connections()).toBe(0)
      await inside.stop()
      await as('demo-collateral', 'DELETE', `${WEBHOOKS}/${id}`)
    })
  })

  test('send what the published contract says that they send', async () => {
    const { webhooks } = JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Published
    expect(Object.keys(webhooks).sort()).toEqual(['batch_done', 'feed_changed', 'rate_changed'])
    const { rows } = await deployed.database.query<{ event_type: string; body: string }>(
      'select event_type, body from webhook_deliveries',
    )
    for (const [event, { post }] of Object.entries(webhooks)) {
      const { schema, example } = post.requestBody.content['application/json']!
      const compiled = Compile(schema)
      const bodies = rows.filter(({ event_type }) => event_type === event).map(({ body }) => JSON.parse(body))
      if (event !== 'feed_changed') expect(bodies.length).toBeGreaterThan(0)
      for (const body of [example, ...bodies]) expect(compiled.Errors(body)[1], event).toEqual([])
    }
  })

  test('that are removed hear nothing more', async () => {
    const { id } = await add('demo-collateral', 'removed', { events: ['batch_done'] })
    expect((await as('demo-collateral', 'DELETE', `${WEBHOOKS}/${id}`)).json).toMatchObject({ webhook_id: id })
    expectFailure(await as('demo-collateral', 'DELETE', `${WEBHOOKS}/${id}`), 'NOT_FOUND')
    expectFailure(await as('demo-collateral', 'GET', `${WEBHOOKS}/${id}/deliveries`), 'NOT_FOUND')
  })

  test('get a new secret, which signs beside the old one', async () => {
    const { id, secret: old } = await add('desk', 'rotating', { events: ['batch_done'] })
    const rotated = await as('desk', 'POST', `${WEBHOOKS}/${id}/rotate`)
    expect([rotated.status, rotated.headers['cache-control']]).toEqual([200, 'no-store'])
    secrets.push(rotated.json.secret)
    await batch('desk')
    await expect.poll(() => sent('rotating').length, soon).toBe(1)
    const [received] = sent('rotating')
    expect((await read(received!, old)).id).toBe((await read(received!, rotated.json.secret)).id)
  })

  test('are in the typed client, which also believes what arrives', async () => {
    const client = new BorrowRateClient({ baseUrl: deployed.url, apiKey: deployed.keys['demo-classic'] })
    const url = `https://127.0.0.1:${receiver.port}/typed`
    const added = await client.webhooks.add({ url, events: ['batch_done'], thresholdBp: 5 })
    const rotated = await client.webhooks.rotateSecret(added.webhook_id)
    secrets.push(added.secret, rotated.secret)
    const { items } = await client.webhooks.list()
    expect(items.find(({ webhook_id }) => webhook_id === added.webhook_id)).toMatchObject({
      url,
      threshold_bp: 5,
      pending: 0,
    })
    await batch('demo-classic')
    await expect.poll(() => sent('typed').length, soon).toBe(1)
    const event = await read(sent('typed')[0]!, rotated.secret)
    const kept: string[] = []
    for await (const { event_id } of client.webhooks.allDeliveries(added.webhook_id)) kept.push(event_id)
    expect(kept).toEqual([event.id])
    expect((await client.webhooks.replay(added.webhook_id, { since: '2026-01-01' })).replayed).toBe(0)
    expect((await client.webhooks.remove(added.webhook_id)).webhook_id).toBe(added.webhook_id)
  })

  test('are seen by their broker and by an administrator; to others they look like none', async () => {
    const { id } = await add('demo-classic', 'own', { events: ['feed_changed'] })
    const ids = async (name: KeyName, query = '?limit=100') =>
      (await as(name, 'GET', `${WEBHOOKS}${query}`)).json.items.map(
        ({ webhook_id }: { webhook_id: string }) => webhook_id,
      )
    expect(await ids('demo-classic')).toContain(id)
    expect(await ids('admin')).toContain(id)
    expect(await ids('admin', '?client_id=demo-classic&limit=100')).toContain(id)
    expect(await ids('admin', '?client_id=demo-percentage&limit=100')).not.toContain(id)
    expect(await ids('demo-percentage')).not.toContain(id)
    expectFailure(await as('demo-percentage', 'GET', `${WEBHOOKS}?client_id=demo-classic`), 'FORBIDDEN')
    const nobodys = '01900000-0000-7000-8000-000000000000'
    for (const path of [id, nobodys]) {
      expectFailure(await as('demo-percentage', 'DELETE', `${WEBHOOKS}/${path}`), 'NOT_FOUND')
      expectFailure(await as('demo-percentage', 'POST', `${WEBHOOKS}/${path}/rotate`), 'NOT_FOUND')
      expectFailure(await as('demo-percentage', 'GET', `${WEBHOOKS}/${path}/deliveries`), 'NOT_FOUND')
      const replay = { since: '2026-01-01' }
      expectFailure(await as('demo-percentage', 'POST', `${WEBHOOKS}/${path}/replay`, replay), 'NOT_FOUND')
    }
    expectFailure(await as('auditor', 'GET', WEBHOOKS), 'FORBIDDEN')
    expect((await as('admin', 'DELETE', `${WEBHOOKS}/${id}`)).status).toBe(200)
  })

  test.each([
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://127.0.0.2/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00:ec2::254]/',
    'https://167772161/',
    'https://012.0.0.1/',
    'https://0xa.0.0.1/',
    'https://224.0.0.1/',
    'https://user:password@127.0.0.1/',
    'https://127.0.0.1/#fragment',
    'ftp://127.0.0.1/',
    'nothing at all',
  ])('never lead to %s', async (url) => {
    const answer = await as('demo-classic', 'POST', WEBHOOKS, { url, events: ['batch_done'] })
    expectFailure(answer, 'INVALID_PARAMETER', [url])
    expect(answer.json.validation_errors.map(({ field }: { field: string }) => field)).toEqual(['url'])
  })

  test('are refused with every fault at once', async () => {
    const answer = await as('demo-classic', 'POST', WEBHOOKS, {
      url: 'https://127.0.0.1/',
      events: ['feed_changed', 'feed_changed', 'everything'],
      tickers: ['GME', 'gme', 5],
      threshold_bp: 0,
    })
    expectFailure(answer, 'INVALID_PARAMETER', ['everything'])
    expect(answer.json.validation_errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'events[1]',
      'events[2]',
      'threshold_bp',
      'tickers',
      'tickers[1]',
      'tickers[2]',
    ])
    for (const body of [{}, { delivery_id: '01900000-0000-7000-8000-000000000000', since: '2026-01-01' }]) {
      const path = `${WEBHOOKS}/01900000-0000-7000-8000-000000000000/replay`
      expectFailure(await as('demo-classic', 'POST', path, body), 'INVALID_PARAMETER')
    }
  })

  test('are on the record, and their secrets nowhere: not in answers, not in records, not in the log, not in the database', async () => {
    expect(secrets.length).toBeGreaterThan(5)
    const listed = await as('admin', 'GET', `${WEBHOOKS}?limit=100`)
    const found = await as('auditor', 'GET', '/api/v1/audit?client_id=demo-classic&page_size=100')
    const kinds = new Set<string>()
    const texts = [listed.text, deployed.logLines().join('\n')]
    for (const item of found.json.items) {
      if (!item.record_type.startsWith('webhook_')) continue
      kinds.add(item.record_type)
      texts.push((await as('auditor', 'GET', `/api/v1/audit/${item.audit_id}`)).text)
    }
    expect(kinds).toContain('webhook_added')
    expect(kinds).toContain('webhook_removed')
    const { rows } = await deployed.database.query<{ text: string; secret: Buffer }>(
      'select w::text as text, w.secret from webhooks w',
    )
    for (const row of rows) texts.push(row.text, row.secret.toString('latin1'))
    for (const secret of secrets) {
      const [text, bytes] = [secret.slice(6), Buffer.from(secret.slice(6), 'base64').toString('latin1')]
      for (const place of texts) expect(place.includes(text) || place.includes(bytes)).toBe(false)
    }
  })
})
