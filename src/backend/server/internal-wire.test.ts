// The wire between services at the socket: a real server and a real client on loopback.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import type { Rate } from '../pricing/units.ts'
import { ownContext } from './call-context.ts'
import { type InternalClient, internalClient } from './internal-client.ts'
import { type InternalServer, internalServer, type Served, serve } from './internal-server.ts'
import { lineOf, type Operation } from './internal-wire.ts'
import { createLog } from './log.ts'
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
): Promise<{ server: InternalServer; client: InternalClient }> {
  const server = await internalServer({ host: '127.0.0.1', port, tls: null, operations, log })
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
