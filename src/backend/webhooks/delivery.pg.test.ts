// Deliveries against a receiver at the socket: signed, in order, tried again, given up, shared by gateways, and cheap when an endpoint is dead.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { verifyWebhook } from '../client/webhook-signature.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../test/certificates.ts'
import { type FakeReceiver, startFakeReceiver } from '../test/fakes/fake-receiver.ts'
import { WEBHOOK_ACTOR, type WebhookStage, webhookStage } from '../test/webhook-stage.ts'
import { FAILURES_MAX, PAUSE_SECONDS_MAX, RETRY_DELAYS_SECONDS, TRIES_MAX, type WebhookDelivery } from './delivery.ts'
import { secretBox } from './secret-box.ts'
import { targets } from './target.ts'

describe.runIf(hasOpenssl)('deliveries', () => {
  let stage: WebhookStage
  let authority: Authority
  let receiver: FakeReceiver
  let url: string
  beforeAll(async () => {
    authority = certificateAuthority()
    const files = authority.sign('receiver')
    receiver = await startFakeReceiver(files)
    url = `https://127.0.0.1:${receiver.port}/hook`
    stage = await webhookStage(() => [readFileSync(files.caFile, 'utf8')])
  })
  afterEach(async () => {
    await stage.clear()
    receiver.forget()
  })
  afterAll(async () => {
    await stage.end()
    await receiver.stop()
    authority.remove()
  })

  const ids = () => receiver.received.map(({ headers }) => headers['webhook-id'])

  /** Puts events into the queue of a webhook. */
  async function put(webhookId: string, ...eventIds: string[]): Promise<void> {
    for (const eventId of eventIds) {
      await stage.database.pool.query(
        `insert into webhook_deliveries (delivery_id, webhook_id, event_id, event_type, body, created_at, queued_at, next_attempt_at)
         values (gen_random_uuid(), $1, $2, 'batch_done', $3, $4, $4, $4)`,
        [webhookId, eventId, `{"id":"${eventId}","type":"batch_done","data":{"total_fee":456.50}}`, stage.clock()],
      )
      stage.time.now += 1
    }
  }

  /** Wakes a gateway, and waits until nothing is under way any more. */
  async function deliver(gateway: WebhookDelivery): Promise<void> {
    gateway.wake()
    await expect
      .poll(
        async () => {
          const { rows } = await stage.database.pool.query(
            `select from webhooks w where (turn_of is not null)
                or ((paused_until is null or paused_until <= $1) and removed_at is null
                    and exists (select from webhook_deliveries d where d.webhook_id = w.webhook_id and state = 'pending' and next_attempt_at <= $1))`,
            [stage.clock()],
          )
          return rows.length
        },
        { timeout: 15_000, interval: 10 },
      )
      .toBe(0)
  }

  async function stateOf(webhookId: string) {
    const { items } = await stage.registered.list({ clientId: null, skip: 0, limit: 100 })
    return items.find((webhook) => webhook.webhookId === webhookId)
  }

  describe('that arrive', () => {
    test('are signed so that the client believes them, and nobody without the secret could have', async () => {
      const { webhookId, secret } = await stage.add({ url })
      await put(webhookId, 'event-1')
      await deliver(stage.delivers())
      const { headers, body } = receiver.received[0]!
      const now = stage.clock()
      expect(await verifyWebhook({ headers, body, secrets: [secret], now })).toEqual({
        id: 'event-1',
        type: 'batch_done',
        data: { total_fee: '456.50' },
      })
      const refused = (change: object) =>
        expect(verifyWebhook({ headers, body, secrets: [secret], now, ...change })).rejects.toThrow('delivery')
      await refused({ body: body.replace('456.50', '456.51') })
      await refused({ headers: { ...headers, 'webhook-id': 'event-2' } })
      await refused({ headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) } })
      await refused({ secrets: ['whsec_b3RoZXI='] })
      await refused({ now: new Date(now.getTime() + 301_000) })
      await refused({ now: new Date(now.getTime() - 301_000) })
      await refused({ headers: {} })
    })

    test('come in order, one at a time, and are noted', async () => {
      const { webhookId } = await stage.add({ url })
      await put(webhookId, ...Array.from({ length: 12 }, (_, i) => `event-${i}`))
      receiver.answer((response) => setTimeout(() => response.writeHead(200).end(), 5))
      const gateway = stage.delivers()
      await deliver(gateway)
      expect(ids()).toEqual(Array.from({ length: 12 }, (_, i) => `event-${i}`))
      expect(receiver.atOnce()).toBe(1)
      expect(gateway.stats()).toEqual({ delivered: 12, failed: 0, dead: 0 })
      expect(await stateOf(webhookId)).toMatchObject({ pending: 0, failures: 0, lastError: null })
      const rows = await stage.deliveries(webhookId)
      expect(new Set(rows.map(({ state, attempts, last_status }) => `${state} ${attempts} ${last_status}`))).toEqual(
        new Set(['delivered 1 200']),
      )
    })

    test('carry two signatures for a day after the secret was replaced, then one', async () => {
      const { webhookId, secret: old } = await stage.add({ url })
      const { secret } = await stage.registered.rotateSecret({ webhookId, clientId: 'classic' }, WEBHOOK_ACTOR)
      expect(secret).not.toBe(old)
      await put(webhookId, 'event-1')
      await deliver(stage.delivers())
      stage.time.now += 25 * 3_600_000
      await put(webhookId, 'event-2')
      await deliver(stage.delivers())
      const [first, second] = receiver.received
      const now = stage.clock()
      const believes = (received: typeof first, with_: string) =>
        verifyWebhook({ ...received!, secrets: [with_], now, toleranceSeconds: 100_000 }).then(
          () => true,
          () => false,
        )
      expect([await believes(first, old), await believes(first, secret)]).toEqual([true, true])
      expect([await believes(second, old), await believes(second, secret)]).toEqual([false, true])
    })
  })

  describe('that fail', () => {
    test('are tried eight times within a day under one id, each time later, then given up', async () => {
      const { webhookId } = await stage.add({ url })
      receiver.answer(500)
      await put(webhookId, 'event-1')
      const gateway = stage.delivers()
      const begunAt = stage.time.now
      const attemptsAt: number[] = []
      for (let minutes = 0; minutes <= 26 * 60 && attemptsAt.length < TRIES_MAX; minutes += 1) {
        const before = receiver.received.length
        await deliver(gateway)
        if (receiver.received.length > before) attemptsAt.push(Math.round((stage.time.now - begunAt) / 60_000))
        const { rows } = await stage.database.pool.query<{ next: Date | null }>(
          `select greatest(d.next_attempt_at, w.paused_until) as next from webhook_deliveries d join webhooks w using (webhook_id) where state = 'pending'`,
        )
        if (rows[0]?.next) stage.time.now = Math.max(stage.time.now, rows[0].next.getTime())
      }
      expect(receiver.received).toHaveLength(TRIES_MAX)
      expect(new Set(ids())).toEqual(new Set(['event-1']))
      expect(attemptsAt.at(-1)).toBeLessThanOrEqual(24 * 60)
      expect(attemptsAt.at(-1)).toBeGreaterThan(20 * 60)
      expect(await stage.deliveries(webhookId)).toMatchObject([
        { state: 'dead', attempts: TRIES_MAX, last_status: 500, last_error: 'answered 500' },
      ])
      expect(gateway.stats()).toEqual({ delivered: 0, failed: TRIES_MAX, dead: 1 })
      expect(await stateOf(webhookId)).toMatchObject({ failures: TRIES_MAX, lastError: 'answered 500' })
    })

    test('come back earlier by as much as chance says, and never later than planned', async () => {
      const { webhookId } = await stage.add({ url })
      receiver.answer(503)
      await put(webhookId, 'event-1')
      await deliver(stage.delivers({ random: () => 0.5 }))
      const [row] = await stage.deliveries(webhookId)
      const delay = (row!.next_attempt_at as Date).getTime() - stage.time.now
      expect(delay).toBe(RETRY_DELAYS_SECONDS[0]! * 1000 * 0.9)
      expect(RETRY_DELAYS_SECONDS.reduce((sum, seconds) => sum + seconds, 0)).toBeLessThan(86_400)
    })

    test('keep nobody else of the same webhook waiting', async () => {
      const { webhookId } = await stage.add({ url })
      receiver.answer((response, { headers }) =>
        response.writeHead(headers['webhook-id'] === 'poison' ? 422 : 204).end(),
      )
      await put(webhookId, 'poison', 'event-1', 'event-2')
      await deliver(stage.delivers())
      expect(ids()).toEqual(['poison', 'event-1', 'event-2'])
      expect(await stateOf(webhookId)).toMatchObject({ pending: 1, failures: 0, pausedUntil: null })
    })
  })

  describe('to an endpoint that is dead', () => {
    test('stop after five in a row; then one tries now and again, until it is well and gets all', async () => {
      const { webhookId } = await stage.add({ url })
      receiver.answer(500)
      await put(webhookId, ...Array.from({ length: 40 }, (_, i) => `event-${i}`))
      const gateway = stage.delivers()
      await deliver(gateway)
      expect(receiver.received).toHaveLength(FAILURES_MAX)
      const pauses: number[] = []
      for (let tried = 0; tried < 9; tried += 1) {
        const { pausedUntil } = (await stateOf(webhookId))!
        pauses.push((pausedUntil!.getTime() - stage.time.now) / 1000)
        stage.time.now = pausedUntil!.getTime()
        await deliver(gateway)
      }
      expect(receiver.received).toHaveLength(FAILURES_MAX + 9)
      expect(pauses).toEqual([60, 120, 240, 480, 960, 1920, ...Array(3).fill(PAUSE_SECONDS_MAX)])
      receiver.answer(204)
      stage.time.now += PAUSE_SECONDS_MAX * 1000
      await deliver(gateway)
      // Those that failed before come back at their own times.
      expect((await stateOf(webhookId))!).toMatchObject({ failures: 0, pausedUntil: null })
      stage.time.now += 20 * 3_600_000
      await deliver(gateway)
      expect(await stateOf(webhookId)).toMatchObject({ pending: 0 })
      expect(gateway.stats().delivered).toBe(40)
    })

    test('cost other endpoints nothing', async () => {
      const { webhookId: dead } = await stage.add({ url: 'https://127.0.0.1:1/' })
      const { webhookId: well } = await stage.add({ url })
      await put(dead, ...Array.from({ length: 20 }, (_, i) => `dead-${i}`))
      await put(well, 'event-1', 'event-2')
      await deliver(stage.delivers())
      expect(ids()).toEqual(['event-1', 'event-2'])
      expect(await stateOf(dead)).toMatchObject({ failures: FAILURES_MAX, lastError: 'the connection was refused' })
    })
  })

  describe('of several gateways', () => {
    test('are made once each, in order for each endpoint, and shared', async () => {
      const hooks: string[] = []
      for (let i = 0; i < 6; i += 1) {
        const { webhookId } = await stage.add({ url: `${url}/${i}` })
        await put(webhookId, ...Array.from({ length: 10 }, (_, n) => `hook${i}-${n}`))
        hooks.push(webhookId)
      }
      const gateways = [stage.delivers(), stage.delivers(), stage.delivers()]
      for (const gateway of gateways) gateway.wake()
      await deliver(gateways[0]!)
      expect(receiver.received).toHaveLength(60)
      expect(new Set(ids()).size).toBe(60)
      for (let i = 0; i < 6; i += 1) {
        expect(
          receiver.received.filter(({ path }) => path.endsWith(`/${i}`)).map(({ headers }) => headers['webhook-id']),
        ).toEqual(Array.from({ length: 10 }, (_, n) => `hook${i}-${n}`))
      }
      const made = gateways.map((gateway) => gateway.stats().delivered)
      expect(made.reduce((sum, each) => sum + each)).toBe(60)
    })

    test('go on after one has died in the middle: its turn ends with its lease, and the id stays', async () => {
      const { webhookId } = await stage.add({ url })
      await put(webhookId, 'event-1')
      // As a process leaves it that was killed while the endpoint was called.
      await stage.database.pool.query(`update webhooks set turn_of = gen_random_uuid(), turn_until = $1`, [
        new Date(stage.time.now + 30_000),
      ])
      await stage.database.pool.query('update webhook_deliveries set attempts = 1')
      const gateway = stage.delivers()
      gateway.wake()
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(receiver.received).toEqual([])
      stage.time.now += 30_000
      await deliver(gateway)
      expect(ids()).toEqual(['event-1'])
      expect(await stage.deliveries(webhookId)).toMatchObject([{ state: 'delivered', attempts: 2 }])
    })

    test('let go of what is under way when one stops, without counting it as a failure', async () => {
      const { webhookId } = await stage.add({ url })
      await put(webhookId, 'event-1')
      receiver.answer(() => {})
      const gateway = stage.delivers({ timeoutMs: 20_000 })
      gateway.wake()
      await expect.poll(() => receiver.received.length).toBe(1)
      const startedAt = performance.now()
      await gateway.close()
      expect(performance.now() - startedAt).toBeLessThan(4_000)
      expect(await stage.deliveries(webhookId)).toMatchObject([{ state: 'pending', attempts: 0, last_error: null }])
      expect(await stateOf(webhookId)).toMatchObject({ failures: 0 })
      receiver.answer(204)
      await deliver(stage.delivers())
      expect(ids()).toEqual(['event-1', 'event-1'])
    })
  })

  test('never lead inside: an address that was public when it was registered is looked at again', async () => {
    const { webhookId } = await stage.add({ url })
    await put(webhookId, 'event-1')
    const strict = targets({ allowedNetworks: [], resolveHost: async () => ['127.0.0.1'] })
    await deliver(stage.delivers({ targets: strict }))
    expect(receiver.connections()).toBe(0)
    expect(await stage.deliveries(webhookId)).toMatchObject([
      { state: 'pending', attempts: 1, last_error: 'the host has no address, or one that may not be called' },
    ])
  })

  test('stop when the webhook is removed or its broker is not active', async () => {
    const { webhookId } = await stage.add({ url })
    const { webhookId: asleep } = await stage.add({ url, clientId: 'asleep' })
    await put(webhookId, 'event-1')
    await put(asleep, 'event-2')
    await stage.registered.remove({ webhookId, clientId: 'classic' }, WEBHOOK_ACTOR)
    const gateway = stage.delivers()
    gateway.wake()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await gateway.close()
    expect(receiver.received).toEqual([])
  })

  test('say that a secret can no longer be read, in place of signing with another', async () => {
    const { webhookId } = await stage.add({ url })
    await put(webhookId, 'event-1')
    const gateway = stage.delivers({ box: secretBox(['another secret than the one of this test']) })
    await deliver(gateway)
    expect(receiver.received).toEqual([])
    expect(await stateOf(webhookId)).toMatchObject({
      lastError: 'the secret of this webhook can no longer be read: give it a new one',
    })
    expect(gateway.failures).toHaveLength(1)
  })
})
