// What is watched for webhooks, by one gateway of several, over a real queue: what moves is told once, and nothing is lost when the one
// that watched is gone.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import type { RateNews, WatchedRate } from '../quotes/rate-news.ts'
import { ownContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { systemClock, uuidv7Maker } from '../server/uuidv7.ts'
import { until } from '../test/until.ts'
import { WEBHOOK_ACTOR, type WebhookStage, webhookStage } from '../test/webhook-stage.ts'
import type { EventQueue } from '../webhooks/event-queue.ts'
import { LEASE_SECONDS, readWatchers, type WatchLease, watchLease } from '../webhooks/watchers.ts'
import { type WebhookWatch, webhookWatch } from './webhook-watch.ts'

let stage: WebhookStage
/** The calculation side: rates by name under the model `standard-v1`; under `desk-v1` they are ten times as high. */
let market: Map<string, string>
let modelsOf: Record<string, string>
let feeds: Record<string, { state: string; data?: string }>
let gateways: { watch: WebhookWatch; queue: EventQueue }[]

beforeAll(async () => {
  stage = await webhookStage()
})
afterAll(() => stage.end())
beforeEach(() => {
  market = new Map([
    ['AMC', '0.02'],
    ['GME', '0.05'],
    ['TSLA', '0.003'],
  ])
  modelsOf = { classic: 'standard-v1', other: 'standard-v1' }
  feeds = { lender: { state: 'up', data: 'fresh' } }
  gateways = []
})
afterEach(async () => {
  await Promise.all(gateways.map(({ watch }) => watch.close()))
  await stage.clear()
})

const news: RateNews = {
  async rates({ model, tickers }) {
    return tickers.flatMap((ticker): WatchedRate[] => {
      const rate = market.get(ticker)
      if (rate === undefined) return []
      return [{ ticker, rate: model === 'desk-v1' ? `${rate}1` : rate, facts: '', lenderAsOf: null, lastUpdated: null }]
    })
  },
  async modelOf(clientId) {
    const model = modelsOf[clientId]
    if (model === undefined) throw new Problem('CLIENT_NOT_FOUND', 'Client not found')
    return model
  },
  tickersAfter: async (after) => [...market.keys()].sort().filter((name) => after === null || name > after) as Ticker[],
}

const newId = uuidv7Maker(systemClock)

function gateway(lease: WatchLease = watchLease(stage.database.pool, stage.clock, newId())) {
  const queue = stage.queue()
  const watch = webhookWatch({
    news,
    feeds: async () => feeds,
    clock: stage.clock,
    context: () => ownContext('test-context'),
    lease,
    readWatchers: () => readWatchers(stage.database.pool),
    queue,
    onFailure: (error) => {
      throw error
    },
    everyMs: 20,
    feedsEveryMs: 50,
  })
  gateways.push({ watch, queue })
  return { watch, queue }
}

/** The names are known of which somebody wants to hear. */
const watches = (watch: WebhookWatch, names: number) =>
  until('the names are watched', 3_000, () => watch.stats().names === names && watch.stats().ready)

/** A name moves, and everybody hears of it. */
function move(ticker: string, rate: string): void {
  stage.time.now += 1_000
  market.set(ticker, rate)
  for (const { watch } of gateways) watch.heard.tickers([ticker])
}

async function changes(webhookId: string): Promise<string[]> {
  for (const { queue } of gateways) await queue.write()
  const bodies = (await stage.deliveries(webhookId)).map(({ body }) => JSON.parse(String(body)))
  return bodies
    .filter(({ type }) => type === 'rate_changed')
    .flatMap(({ data }) => data.changes)
    .map(({ ticker, previous_borrow_rate: was, borrow_rate: is }) => `${ticker} ${was}>${is}`)
}

const soon = { timeout: 3_000, interval: 20 }

test('a rate that moves is told, also by the gateway that does not watch, once', async () => {
  const { webhookId } = await stage.add({ events: ['rate_changed'], tickers: ['GME'] })
  const first = gateway()
  await watches(first.watch, 1)
  const second = gateway()
  move('GME', '0.06')
  move('AMC', '0.03')
  await expect.poll(() => changes(webhookId), soon).toEqual(['GME 0.05>0.06'])
  expect([first.watch.stats().watching, second.watch.stats()]).toEqual([
    true,
    { watching: false, names: 0, ready: false },
  ])
})

test('names are watched that somebody asks for, all when one asks for all, none when nobody does', async () => {
  const { watch } = gateway()
  const one = await stage.add({ events: ['rate_changed'], tickers: ['GME'] })
  watch.refresh()
  await watches(watch, 1)
  const all = await stage.add({ events: ['rate_changed'], clientId: 'other' })
  watch.refresh()
  await watches(watch, 3)
  move('AMC', '0.03')
  await expect.poll(() => changes(all.webhookId), soon).toEqual(['AMC 0.02>0.03'])
  expect(await changes(one.webhookId)).toEqual([])
  await stage.registered.remove({ webhookId: all.webhookId, clientId: null }, WEBHOOK_ACTOR)
  watch.refresh()
  await watches(watch, 1)
  await stage.registered.remove({ webhookId: one.webhookId, clientId: null }, WEBHOOK_ACTOR)
  watch.refresh()
  await until('nothing is watched', 3_000, () => !watch.stats().watching && watch.stats().names === 0)
})

test('each broker is told the rates under its own model, and of what another model makes of them', async () => {
  modelsOf.other = 'desk-v1'
  const { webhookId: classic } = await stage.add({ events: ['rate_changed'], tickers: ['GME'] })
  const { webhookId: other } = await stage.add({ events: ['rate_changed'], tickers: ['GME'], clientId: 'other' })
  const { watch } = gateway()
  await watches(watch, 2)
  move('GME', '0.06')
  await expect.poll(() => changes(classic), soon).toEqual(['GME 0.05>0.06'])
  await expect.poll(() => changes(other), soon).toEqual(['GME 0.051>0.061'])
  stage.time.now += 1_000
  modelsOf.other = 'standard-v1'
  watch.heard.brokers(['other'])
  await expect.poll(() => changes(other), soon).toEqual(['GME 0.051>0.061', 'GME 0.061>0.06'])
})

describe('when the gateway that watched is gone', () => {
  test('another goes on at once when it was closed, and tells what moved in between', async () => {
    const { webhookId } = await stage.add({ events: ['rate_changed'] })
    const first = gateway()
    await watches(first.watch, 3)
    move('GME', '0.06')
    await expect.poll(() => changes(webhookId), soon).toEqual(['GME 0.05>0.06'])
    await first.watch.close()
    gateways.length = 0
    stage.time.now += 1_000
    market.set('GME', '0.07')
    market.set('AMC', '0.09')
    const second = gateway()
    await watches(second.watch, 3)
    // Of a name that nobody was told of yet, telling begins with what it is now.
    await expect.poll(() => changes(webhookId), soon).toEqual(['GME 0.05>0.06', 'GME 0.06>0.07'])
    move('AMC', '0.08')
    await expect.poll(() => changes(webhookId), soon).toEqual(['GME 0.05>0.06', 'GME 0.06>0.07', 'AMC 0.09>0.08'])
  })

  test('another goes on after the lease when it was killed', async () => {
    await stage.add({ events: ['rate_changed'], tickers: ['GME'] })
    const killed = watchLease(stage.database.pool, stage.clock, newId())
    expect(await killed.hold()).toBe(true)
    const { watch } = gateway()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(watch.stats().watching).toBe(false)
    stage.time.now += LEASE_SECONDS * 1000
    await until('it watches', 3_000, () => watch.stats().watching)
    expect(await killed.hold()).toBe(false)
  })

  test('two that both take themselves for the one tell nothing twice', async () => {
    const { webhookId } = await stage.add({ events: ['rate_changed', 'feed_changed'], tickers: ['GME'] })
    const both = { hold: async () => true, release: async () => {} }
    for (const { watch } of [gateway(both), gateway(both)]) await watches(watch, 1)
    move('GME', '0.06')
    move('GME', '0.07')
    await expect.poll(async () => (await changes(webhookId)).at(-1), soon).toMatch(/>0.07$/)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const told = await changes(webhookId)
    expect(told.join(' ')).toMatch(/^(GME 0.05>0.06 GME 0.06>0.07|GME 0.05>0.07)$/)
  })
})

test('a feed that falls ill and is well again is told to who asks for feeds', async () => {
  const { webhookId } = await stage.add({ events: ['feed_changed'] })
  const { watch, queue } = gateway()
  const states = async () => {
    await queue.write()
    return (await stage.deliveries(webhookId)).map(({ body }) => {
      const { data } = JSON.parse(String(body))
      return `${data.feed} ${data.previous_state}>${data.state}`
    })
  }
  await until('it watches', 3_000, () => watch.stats().watching)
  await new Promise((resolve) => setTimeout(resolve, 300))
  stage.time.now += 1_000
  feeds = { lender: { state: 'down', data: 'fresh' } }
  await expect.poll(states, { timeout: 10_000, interval: 100 }).toEqual(['lender up>down'])
  stage.time.now += 1_000
  feeds = { lender: { state: 'up', data: 'fresh' } }
  await expect.poll(states, { timeout: 10_000, interval: 100 }).toEqual(['lender up>down', 'lender down>up'])
})
