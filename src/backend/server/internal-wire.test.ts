// The wire between services at the socket: a real server and a real client on loopback.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import type { Rate } from '../pricing/units.ts'
import { ownContext } from './call-context.ts'
import { type InternalClient, internalClient } from './internal-client.ts'
import { type InternalServer, internalServer, type Served, serve, serveStream } from './internal-server.ts'
import { lineOf, type Operation, type StreamOperation } from './internal-wire.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { Problem } from './problem.ts'
import { decimalOf, integer, structure, text } from './wire-codec.ts'

const log = createLog({ service: 'test', level: 'fatal' })
const ASK = structure({ ticker: text(), waitMs: integer })
const ANSWER = structure({ ticker: text(), rate: decimalOf<Rate>() })
const LOOK_UP = {
  name: 'look-up',
  ask: lineOf(ASK, 'ask'),
  answer: lineOf(ANSWER, 'answer'),
  repeatable: true,
} satisfies Operation<{ ticker: string; waitMs: number }, { ticker: string; rate: Rate }>

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function wire(
  operations: readonly Served[],
  port = 0,
  metrics = createMetrics({ service: 'test', processMetrics: false }),
): Promise<{ server: InternalServer; client: InternalClient }> {
  const server = await internalServer({ host: '127.0.0.1', port, tls: null, operations, log, metrics })
  const client = internalClient({ url: server.url, service: 'test', tls: null, log })
  open.push(server, client)
  return { server, client }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const context = (waitMs = 5000) => ownContext('request-1', waitMs)

describe('a call between services', () => {
  test('comes back with the exact decimals of the function behind it', async () => {
    const { client } = await wire([
      serve(LOOK_UP, async ({ ticker }) => ({ ticker, rate: decimal('10.165848000') as Rate })),
    ])
    const answer = await client.call(LOOK_UP)({ ticker: 'BKKLY', waitMs: 0 }, context())
    expect(answer.ticker).toBe('BKKLY')
    expect(answer.rate.toString()).toBe('10.165848000')
  })

  test('is counted with how it ended, at the side that answers', async () => {
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    const answers = serve(LOOK_UP, async ({ ticker }) => {
      if (ticker === 'NONE') throw new Problem('TICKER_NOT_FOUND', 'There is no such ticker')
      if (ticker === 'BUG') throw new Error('a bug')
      return { ticker, rate: decimal('1') as Rate }
    })
    const { client } = await wire([answers], 0, metrics)
    const call = client.call(LOOK_UP)
    for (const ticker of ['GME', 'AMC', 'NONE', 'BUG']) await call({ ticker, waitMs: 0 }, context()).catch(() => {})
    const text = await metrics.registry.metrics()
    expect(
      [...text.matchAll(/^internal_calls_total\{.*outcome="(\w+)".*\} (\d+)$/gm)].map(([, ...found]) => found),
    ).toEqual([
      ['ok', '2'],
      ['TICKER_NOT_FOUND', '1'],
      ['INTERNAL_ERROR', '1'],
    ])
  })

  test('carries request id, trace and what is left of the deadline', async () => {
    const seen: unknown[] = []
    const { client } = await wire([
      serve(LOOK_UP, async ({ ticker }, call) => {
        seen.push({ id: call.requestId, trace: call.traceparent, left: call.deadlineMs - Date.now() > 4000 })
        return { ticker, rate: decimal('1') as Rate }
      }),
    ])
    const mine = context()
    await client.call(LOOK_UP)({ ticker: 'GME', waitMs: 0 }, mine)
    expect(seen).toEqual([{ id: 'request-1', trace: mine.traceparent, left: true }])
  })

  test('shares a request with the calls made at the same time, and a slow one delays none of them', async () => {
    let requests = 0
    const count = () => {
      requests += 1
    }
    subscribe('undici:request:create', count)
    const { client } = await wire([
      serve(LOOK_UP, async ({ ticker, waitMs }) => {
        await sleep(waitMs)
        return { ticker, rate: decimal('1') as Rate }
      }),
    ])
    const lookUp = client.call(LOOK_UP)
    const order: string[] = []
    const calls = ['slow', ...Array.from({ length: 99 }, (_, n) => `T${n}`)].map((ticker) =>
      lookUp({ ticker, waitMs: ticker === 'slow' ? 300 : 0 }, context()).then((answer) => order.push(answer.ticker)),
    )
    await sleep(100)
    const late = lookUp({ ticker: 'late', waitMs: 0 }, context()).then((answer) => order.push(answer.ticker))
    await Promise.all([...calls, late])
    expect(order).toHaveLength(101)
    expect(order.at(-1)).toBe('slow')
    unsubscribe('undici:request:create', count)
    expect(requests).toBe(2)
  })

  test('brings a failure of the other side back as the same Problem, and hides a bug', async () => {
    const { client } = await wire([
      serve(LOOK_UP, async ({ ticker }) => {
        if (ticker === 'BUG') throw new Error('select secret from somewhere')
        throw new Problem('TICKER_NOT_FOUND', `Ticker not found: ${ticker}`, { retryAfterSeconds: 7 })
      }),
    ])
    const lookUp = client.call(LOOK_UP)
    await expect(lookUp({ ticker: 'ZZZ', waitMs: 0 }, context())).rejects.toMatchObject({
      code: 'TICKER_NOT_FOUND',
      status: 404,
      message: 'Ticker not found: ZZZ',
      retryAfterSeconds: 7,
    })
    await expect(lookUp({ ticker: 'BUG', waitMs: 0 }, context())).rejects.toMatchObject({
      code: 'INTERNAL_ERROR',
      message: 'Internal error',
    })
  })

  test('is given up at its deadline, alone', async () => {
    const { client } = await wire([
      serve(LOOK_UP, async ({ ticker, waitMs }) => {
        await sleep(waitMs)
        return { ticker, rate: decimal('1') as Rate }
      }),
    ])
    const lookUp = client.call(LOOK_UP)
    const [hanging, quick] = await Promise.allSettled([
      lookUp({ ticker: 'HANG', waitMs: 400 }, context(50)),
      lookUp({ ticker: 'GME', waitMs: 0 }, context()),
    ])
    expect(hanging).toMatchObject({ status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } })
    expect(quick).toMatchObject({ status: 'fulfilled' })
  })

  test('to a service that is away is SERVICE_UNAVAILABLE, and works again when it is back', async () => {
    const served = [serve(LOOK_UP, async ({ ticker }) => ({ ticker, rate: decimal('1') as Rate }))]
    const { client, server } = await wire(served)
    const lookUp = client.call(LOOK_UP)
    await lookUp({ ticker: 'GME', waitMs: 0 }, context())
    await server.close()
    await expect(lookUp({ ticker: 'GME', waitMs: 0 }, context())).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    open.push(
      await internalServer({
        host: '127.0.0.1',
        port: Number(new URL(server.url).port),
        tls: null,
        operations: served,
        log,
      }),
    )
    expect((await lookUp({ ticker: 'GME', waitMs: 0 }, context())).ticker).toBe('GME')
  })

  test('in flight when the service stops is still answered', async () => {
    const { client, server } = await wire([
      serve(LOOK_UP, async ({ ticker, waitMs }) => {
        await sleep(waitMs)
        return { ticker, rate: decimal('1') as Rate }
      }),
    ])
    const answer = client.call(LOOK_UP)({ ticker: 'GME', waitMs: 200 }, context())
    await sleep(50)
    await server.close()
    expect((await answer).ticker).toBe('GME')
  })

  test('goes over new connections after a while, and no call notices', async () => {
    let connections = 0
    const count = () => {
      connections += 1
    }
    const { server } = await wire([serve(LOOK_UP, async ({ ticker }) => ({ ticker, rate: decimal('1') as Rate }))])
    const client = internalClient({ url: server.url, service: 'test', tls: null, log, connectionsLifeMs: 20 })
    open.push(client)
    subscribe('undici:client:connected', count)
    const lookUp = client.call({ ...LOOK_UP, repeatable: false })
    while (connections < 3) expect((await lookUp({ ticker: 'GME', waitMs: 0 }, context())).ticker).toBe('GME')
    unsubscribe('undici:client:connected', count)
  })

  test('refuses an answer that is not of its shape', async () => {
    const wrong: Operation<{ ticker: string; waitMs: number }, { ticker: string }> = {
      ...LOOK_UP,
      answer: lineOf(structure({ ticker: text() }), 'answer'),
    }
    const { client } = await wire([serve(wrong, async ({ ticker }) => ({ ticker }))])
    await expect(client.call(LOOK_UP)({ ticker: 'GME', waitMs: 0 }, context())).rejects.toThrow(
      'answer.rate is not a decimal text',
    )
  })
})

describe('the private door', () => {
  test('answers nothing but its operations', async () => {
    const { server } = await wire([serve(LOOK_UP, async ({ ticker }) => ({ ticker, rate: decimal('1') as Rate }))])
    const post = (path: string, body: string) => fetch(`${server.url}${path}`, { method: 'POST', body })
    expect((await post('/internal/nothing', '')).status).toBe(404)
    expect((await fetch(`${server.url}/internal/look-up`)).status).toBe(404)
    expect((await post('/internal/look-up', '')).status).toBe(400)
    expect((await post('/internal/look-up', 'not a call')).status).toBe(400)
    expect((await post('/internal/look-up', '{"i":0,"id":"x","trace":"00","left_ms":1,"ask":nonsense}')).status).toBe(
      200,
    )
  })
})

describe('a stream between services', () => {
  const COUNT = { name: 'count', ask: lineOf(integer, 'to') } satisfies StreamOperation<number>
  const never = new AbortController().signal

  async function all(stream: AsyncIterable<string>): Promise<string> {
    let text = ''
    for await (const piece of stream) {
      expect(piece.endsWith('\n')).toBe(true)
      text += piece
    }
    return text
  }

  test('comes over in whole lines, however it is cut on the way', async () => {
    const { client } = await wire([
      serveStream(COUNT, async function* (to) {
        for (let line = 0; line < to; line += 1) yield `${line} ${'x'.repeat(line % 700)}\n`
      }),
    ])
    const text = await all(client.stream(COUNT)(3000, context(), never))
    expect(text.split('\n')).toHaveLength(3001)
    expect(text.startsWith('0 \n1 x\n2 xx\n')).toBe(true)
  })

  test('may be empty, and may take longer than a call may', async () => {
    const { client } = await wire([
      serveStream(COUNT, async function* (to) {
        await sleep(60)
        for (let line = 0; line < to; line += 1) yield `${line}\n`
      }),
    ])
    expect(await all(client.stream(COUNT)(0, context(1), never))).toBe('')
  })

  test('ends with the refusal of the function behind it, after what came before', async () => {
    const { client } = await wire([
      serveStream(COUNT, async function* () {
        yield 'one\n'
        throw new Problem('NOT_FOUND', 'There is no two')
      }),
    ])
    const seen: string[] = []
    const reading = (async () => {
      for await (const piece of client.stream(COUNT)(2, context(), never)) seen.push(piece)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no two' })
    expect(seen).toEqual(['one\n'])
  })

  test('is no faster than it is read, and its work ends when the reader goes away', async () => {
    let made = 0
    let ended = false
    const { client } = await wire([
      serveStream(COUNT, async function* (_to, _context, signal) {
        try {
          while (!signal.aborted) {
            made += 1
            yield `${'x'.repeat(100_000)}\n`
          }
        } finally {
          ended = true
        }
      }),
    ])
    for await (const _piece of client.stream(COUNT)(0, context(), never)) {
      await sleep(100)
      break
    }
    // What fits into the buffers of two sockets, and not a gigabyte.
    expect(made).toBeLessThan(500)
    while (!ended) await sleep(5)
  })

  test('ends when the caller says so, and with 503 when the other side stops or breaks', async () => {
    const { server, client } = await wire([
      serveStream(COUNT, async function* (_to, _context, signal) {
        while (!signal.aborted) {
          yield 'tick\n'
          await sleep(5)
        }
      }),
    ])
    const mine = new AbortController()
    const given = all(client.stream(COUNT)(0, context(), mine.signal))
    setTimeout(() => mine.abort(), 30)
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })

    const stopped = all(client.stream(COUNT)(0, context(), never))
    setTimeout(() => void server.close(), 30)
    await expect(stopped).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })

    const away = all(client.stream(COUNT)(0, context(), never))
    await expect(away).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })
})
