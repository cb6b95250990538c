// The stream of rates through the client, against a socket that streams like the engine, breaks off, and refuses.
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer, refusal } from '../test/fakes/fake-engine.ts'
import { BorrowRateClient } from './borrow-rate-client.ts'
import type { RateStreamAsk, RateStreamEvent } from './rate-events.ts'

const RESET = 'event: reset\ndata: {"reason":"start","pricing_model":"standard-v1","load":null,"unknown":[]}\n\n'
const rate = (id: number, current: string) =>
  `id: life.${id}.m\nevent: rate\ndata: {"ticker":"GME","current_rate":${current},"previous_rate":null,"availability":{"shares":250000,"at_least":false}}\n\n`

/** Sends the text, in pieces of so many bytes, and then breaks off, ends, or says nothing more. */
function streams(text: string, then: 'break' | 'end' | 'stay', pieceBytes = 10_000): GiveAnswer {
  return async (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const bytes = Buffer.from(`retry: 10\n: open\n\n${text}`)
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      response.write(bytes.subarray(at, at + pieceBytes))
      await new Promise((sent) => setImmediate(sent))
    }
    if (then === 'break') response.destroy()
    if (then === 'end') response.end()
  }
}

async function engine(...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  return { asked, client: new BorrowRateClient({ baseUrl, apiKey: 'key-1' }) }
}

/** So many events, in a word each. */
async function read(client: BorrowRateClient, count: number, asked: RateStreamAsk = {}, timeoutMs?: number) {
  const events: RateStreamEvent[] = []
  const stream = client.rates.watch(asked, { timeoutMs })
  for await (const event of stream) {
    events.push(event)
    if (events.length === count) break
  }
  return { events, stream, words: events.map(wordOf) }
}

function wordOf(event: RateStreamEvent): string {
  if (event.type === 'rate') return `${event.ticker} ${event.current_rate}`
  return event.type === 'connection' ? event.state : event.type
}

test('events come exact, whatever pieces they come in; what is of no known name is left out', async () => {
  const more =
    'event: later\ndata: {}\n\n: a comment\n\nevent: status\r\ndata: {"state":"late",\r\ndata: "because":["é"],"late_seconds_max":120}\r\n\r\n'
  for (const pieceBytes of [1, 7, 10_000]) {
    const { asked, client } = await engine(streams(RESET + more + rate(1, '0.10'), 'stay', pieceBytes))
    const { events } = await read(client, 4, { tickers: ['GME', 'BRK.B'] })
    expect(events).toEqual([
      { type: 'connection', state: 'open', retry_ms: null },
      { type: 'reset', reason: 'start', pricing_model: 'standard-v1', load: null, unknown: [] },
      { type: 'status', state: 'late', because: ['é'], late_seconds_max: 120 },
      {
        type: 'rate',
        ticker: 'GME',
        current_rate: '0.10',
        previous_rate: null,
        availability: { shares: 250_000, at_least: false },
      },
    ])
    expect(asked[0]).toMatchObject({
      url: '/api/v1/rates/stream?tickers=GME%2CBRK.B',
      headers: { accept: 'text/event-stream', 'x-api-key': 'key-1' },
    })
    expect(asked[0]?.headers).not.toHaveProperty('last-event-id')
  }
})

test.each(['break', 'end'] as const)('a stream that is over (%s) is opened again where it was', async (how) => {
  const { asked, client } = await engine(
    streams(`${RESET}${rate(1, '1')}${rate(2, '2')}id: life.9.m\nevent: rate\ndata: {"tick`, how),
    streams(': \nid: life.7.m\n\n', how),
    streams(rate(8, '3'), 'stay'),
  )
  const { words, stream } = await read(client, 9)
  expect(words).toEqual(['open', 'reset', 'GME 1', 'GME 2', 'lost', 'open', 'lost', 'open', 'GME 3'])
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'life.2.m', 'life.7.m'])
  expect(stream.lastEventId).toBe('life.8.m')
})

test('an earlier stream is gone on with', async () => {
  const { asked, client } = await engine(streams(rate(5, '1'), 'stay'))
  await read(client, 2, { lastEventId: 'life.4.m' })
  expect(asked[0]?.headers['last-event-id']).toBe('life.4.m')
})

test('an engine that is busy, or away, is asked again', async () => {
  const { asked, client } = await engine(
    streams(RESET, 'break'),
    refusal(503, 'SERVICE_UNAVAILABLE', { 'retry-after': '0' }),
    answer(502, 'Bad gateway', { 'content-type': 'text/html' }),
    (response) => void response.destroy(),
    streams(RESET, 'stay'),
  )
  const { words } = await read(client, 8)
  expect(words).toEqual(['open', 'reset', 'lost', 'lost', 'lost', 'lost', 'open', 'reset'])
  expect(asked).toHaveLength(5)
})

test('an engine that gives no sign of life is given up and asked again', async () => {
  const { words } = await read(
    (await engine(streams(RESET, 'stay'), streams(rate(1, '1'), 'stay'))).client,
    5,
    {},
    1_000,
  )
  expect(words).toEqual(['open', 'reset', 'lost', 'open', 'GME 1'])
})

test('a refusal that stands is thrown', async () => {
  const { client } = await engine(streams(RESET, 'break'), refusal(401, 'UNAUTHORIZED'))
  await expect(read(client, 9)).rejects.toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
})

test('ends when the caller has enough, also while it waits', async () => {
  const enough = new AbortController()
  const { client, asked } = await engine(streams(`retry: 30000\n\n${RESET}`, 'break'))
  const reading = (async () => {
    for await (const event of client.rates.watch({}, { signal: enough.signal })) {
      if (event.type === 'connection' && event.state === 'lost') enough.abort(new Error('enough'))
    }
  })()
  await expect(reading).rejects.toThrow('enough')
  expect(asked).toHaveLength(1)
})

test('operators read how the services are, and turn a log up', async () => {
  const { asked, client } = await engine(
    answer(
      200,
      '{"status":"success","services":[{"service":"all-in-one","state":"ok","uptime_seconds":7}],"feeds":null}',
    ),
    answer(200, '{"status":"success","service":"all","level":"debug","minutes":15}'),
  )
  expect((await client.operations.read()).services[0]).toMatchObject({ state: 'ok', uptime_seconds: 7 })
  expect(await client.operations.setLogLevel('all', 'debug', 15)).toMatchObject({ minutes: 15 })
  expect(asked[1]).toMatchObject({
    method: 'PUT',
    url: '/api/v1/log-level',
    body: '{"service":"all","level":"debug","minutes":15}',
  })
})
