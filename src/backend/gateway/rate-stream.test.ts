// The stream over real connections: what is written to whom, and to whom not any more.
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import type { RateNews, WatchedRate } from '../quotes/rate-news.ts'
import { ownContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { closeReaders, listen as openStream } from '../test/end-to-end/event-stream.ts'
import { until } from '../test/until.ts'
import { type RateStream, type RateStreamOptions, rateStream } from './rate-stream.ts'

let market: Map<string, string>
let away: boolean
let good: boolean
let stream: RateStream
let server: Server
/** Filled into every fact, to make events large. */
let padding: string

const news: RateNews = {
  async rates({ tickers }) {
    if (away) throw new Problem('SERVICE_UNAVAILABLE', 'away')
    return tickers.flatMap((ticker): WatchedRate[] => {
      const rate = market.get(ticker)
      return rate === undefined
        ? []
        : [{ ticker, rate, facts: `"degraded":["${padding}"]`, lenderAsOf: null, lastUpdated: null }]
    })
  },
  async modelOf() {
    if (away) throw new Problem('SERVICE_UNAVAILABLE', 'away')
    return 'standard-v1'
  },
  async tickersAfter(after) {
    if (away) throw new Problem('SERVICE_UNAVAILABLE', 'away')
    return [...market.keys()].sort().filter((name) => after === null || name > after) as Ticker[]
  },
}

async function start(options: Partial<RateStreamOptions> = {}): Promise<void> {
  stream = rateStream({
    news,
    feeds: async () => ({}),
    clock: () => new Date(),
    context: () => ownContext('test-context'),
    listenersMax: 100,
    listenersPerKeyMax: 100,
    onFailure: () => {},
    ...options,
  })
  stream.heard.all()
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = new URL(request.url as string, 'http://x').searchParams
  const tickers = query.get('tickers')
  try {
    const begin = await stream.enter(
      {
        clientId: 'acme',
        keyId: query.get('key') ?? 'k',
        tickers: tickers === null ? null : (tickers.split(',') as Ticker[]),
        lastEventId: (request.headers['last-event-id'] as string | undefined) ?? null,
        credential: { id: query.get('key') ?? 'k', isGood: async () => good },
      },
      ownContext('test-context'),
    )
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    begin(response)
  } catch (error) {
    response.writeHead((error as Problem).status).end()
  }
}

beforeEach(async () => {
  market = new Map([
    ['A', '1'],
    ['B', '2'],
  ])
  away = false
  good = true
  padding = ''
  server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  closeReaders()
  await stream.close()
  server.closeAllConnections()
  server.close()
})

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const listen = (query = '', headers: Record<string, string> = {}) =>
  openStream({ url: url() }, { path: `/${query}`, headers })

function move(ticker: string, rate: string): void {
  market.set(ticker, rate)
  stream.heard.tickers([ticker])
}

describe('events', () => {
  test('reach those who want them, in order, and nobody else', async () => {
    await start()
    const [a, b, all] = [await listen('?tickers=A'), await listen('?tickers=B'), await listen()]
    for (const reader of [a, b, all]) await reader.next('reset')
    for (let rate = 10; rate < 20; rate += 1) {
      move('A', String(rate))
      await a.next('rate', ({ current_rate }) => current_rate === String(rate))
    }
    move('B', '3')
    await b.next('rate', ({ current_rate }) => current_rate === '3')
    await all.next('rate', ({ current_rate }) => current_rate === '3')
    const rates = (reader: typeof a) => reader.events().flatMap(({ data }) => data.current_rate ?? [])
    expect(rates(a)).toEqual(['1', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19'])
    expect(rates(b)).toEqual(['2', '3'])
    expect(rates(all)).toEqual([...rates(a).slice(1), '3'])
    expect(stream.stats()).toMatchObject({ listeners: 3, channels: 3, watchedNames: 2, events: 11, resets: 3 })
  })

  test('of a moment ago are told again to who begins with a list from elsewhere', async () => {
    await start()
    const first = await listen()
    await first.next('reset')
    move('A', '5')
    await first.next('rate')
    const second = await listen()
    await second.next('reset')
    expect((await second.next('rate')).data).toMatchObject({ ticker: 'A', current_rate: '5' })
  })

  test('that nobody reads are not kept: the reader is cut, and others go on', async () => {
    padding = 'x'.repeat(100_000)
    await start({ limits: { pendingBytesMax: 500_000 } })
    const reader = await listen('?tickers=A')
    await reader.next('reset')
    const slow = httpRequest(`${url()}/?tickers=A`).end()
    const [held] = (await once(slow, 'response')) as [IncomingMessage]
    held.pause()
    held.on('error', () => {})
    let rate = 10
    // What the kernel takes in for a reader is a few megabytes.
    for (; stream.stats().cut === 0 && rate < 300; rate += 1) {
      move('A', String(rate))
      await reader.next('rate', ({ current_rate }) => current_rate === String(rate))
    }
    expect(stream.stats()).toMatchObject({ cut: 1, listeners: 1 })
    move('A', '1000')
    await reader.next('rate', ({ current_rate }) => current_rate === '1000')
    slow.destroy()
  })
})

describe('who comes back', () => {
  test('after more events than are held begins anew; a sign of life says how far a quiet listener has come', async () => {
    await start({ limits: { heldEventsMax: 3, heartbeatSeconds: 1 } })
    const [a, b] = [await listen('?tickers=A'), await listen('?tickers=B')]
    const old = (await b.next('rate')).id as string
    await a.next('rate')
    for (let rate = 10; rate < 16; rate += 1) {
      move('A', String(rate))
      await a.next('rate', ({ current_rate }) => current_rate === String(rate))
    }
    await until('a sign of life came', 5_000, () => b.lastEventId() !== old)
    expect(b.text()).toContain(`: \nid: ${b.lastEventId()}\n\n`)
    const tooOld = await listen('?tickers=B', { 'last-event-id': old })
    expect((await tooOld.next('reset')).data.reason).toBe('too_old')
    const upToDate = await listen('?tickers=B', { 'last-event-id': b.lastEventId() as string })
    move('B', '7')
    await upToDate.next('rate')
    expect(upToDate.events().map(({ event }) => event)).toEqual(['rate'])
  })

  test('soon finds that its names were watched meanwhile; after longer they were not, and it begins anew', async () => {
    let now = Date.now()
    await start({ clock: () => new Date(now), limits: { channelKeptSeconds: 60 } })
    const comeBack = async (id: string) => {
      closeReaders()
      await until('nobody listens', 5_000, () => stream.stats().listeners === 0)
      now += 30_000
      move('A', String(Number(market.get('A')) + 1))
      await sleep(50)
      return listen('?tickers=A', { 'last-event-id': id })
    }
    const first = await listen('?tickers=A')
    const { id } = await first.next('rate')
    const soon = await comeBack(id as string)
    expect((await soon.next('rate')).data).toMatchObject({ current_rate: '2', previous_rate: '1' })
    expect(soon.events()[0]?.event).toBe('rate')
    const last = soon.lastEventId() as string
    closeReaders()
    await until('nobody listens', 5_000, () => stream.stats().listeners === 0)
    now += 61_000
    await until('its names are forgotten', 5_000, () => stream.stats().watchedNames === 0)
    const late = await listen('?tickers=A', { 'last-event-id': last })
    expect((await late.next('reset')).data.reason).toBe('too_old')
  })
})

describe('what is late', () => {
  test('is said, and when it is over who loaded something meanwhile begins anew', async () => {
    await start()
    const before = await listen('?tickers=A')
    await before.next('rate')
    stream.heard.lost()
    const status = await before.next('status')
    expect(status.data).toEqual({ state: 'late', because: ['news_away'], late_seconds_max: '120' })
    const meanwhile = await listen('?tickers=A')
    expect((await meanwhile.next('status')).data.state).toBe('late')
    await meanwhile.next('rate')
    stream.heard.all()
    for (const reader of [before, meanwhile]) {
      expect((await reader.next('status')).data).toEqual({ state: 'live', because: [], late_seconds_max: '0' })
    }
    expect((await meanwhile.next('reset')).data.reason).toBe('was_late')
    expect(before.events().filter(({ event }) => event === 'reset')).toHaveLength(1)
  })

  test('are rates that cannot be looked at: streams stay open, and say what moved when they can be', async () => {
    await start()
    const reader = await listen('?tickers=A')
    await reader.next('rate')
    away = true
    move('A', '9')
    expect((await reader.next('status')).data).toMatchObject({ because: ['rates_away'], late_seconds_max: null })
    // Its broker's model is known, so it gets in, and waits.
    const waiting = await listen('?tickers=B')
    expect((await waiting.next('status')).data.state).toBe('late')
    away = false
    expect((await reader.next('rate')).data).toMatchObject({ current_rate: '9', previous_rate: '1' })
    expect((await waiting.next('reset')).data.reason).toBe('start')
    expect((await waiting.next('rate')).data.ticker).toBe('B')
  })
})

describe('places', () => {
  test('are for so many in all and so many of a key, and are free again when a stream ends', async () => {
    await start({ listenersMax: 3, listenersPerKeyMax: 2 })
    const one = await listen('?tickers=A&key=one')
    expect((await listen('?tickers=A&key=one')).status).toBe(200)
    expect((await listen('?tickers=A&key=one')).status).toBe(429)
    expect((await listen('?tickers=A&key=two')).status).toBe(200)
    expect((await listen('?tickers=A&key=two')).status).toBe(503)
    one.close()
    await until('it is noticed', 5_000, () => stream.stats().listeners === 2)
    expect((await listen('?tickers=A&key=two')).status).toBe(200)
  })

  test('are given back by who could not be let in, or was gone before', async () => {
    await start({ listenersMax: 1 })
    away = true
    expect((await listen()).status).toBe(503)
    away = false
    expect((await listen()).status).toBe(200)
  })

  test('of a credential that is no longer good are free within seconds', async () => {
    await start({ limits: { credentialSeconds: 1 } })
    const reader = await listen()
    await reader.next('reset')
    good = false
    expect((await reader.next('end')).data).toEqual({ reason: 'credential_ended', reconnect: false })
    await reader.ended
    await until('it has gone', 2_000, () => stream.stats().listeners === 0)
  })
})
