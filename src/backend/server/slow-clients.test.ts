// Clients that take their time, over real sockets: each is told so, or cut, within a bound, and what was kept for it is let go.
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { type ClientTimeouts, createServer } from './server.ts'

/** As long as those of the engine are, but in tenths of seconds. */
const TIMEOUTS: ClientTimeouts = { headersMs: 300, requestMs: 600, silenceMs: 900, keepAliveMs: 500, checkMs: 50 }
/** What a busy machine may be late with. */
const LATE_MS = 1500

let app: FastifyInstance
let port: number
let sent: number
let closed: string[]

beforeEach(async () => {
  sent = 0
  closed = []
  app = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics: createMetrics({ service: 'test', processMetrics: false }),
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
    clientTimeouts: TIMEOUTS,
  })
  app.post('/echo', (request) => ({ read: request.body }))
  app.get('/endless', (_request, reply) => {
    async function* pieces() {
      try {
        for (;;) {
          sent += 100_000
          yield 'x'.repeat(100_000)
        }
      } finally {
        closed.push('endless')
      }
    }
    return reply.header('content-type', 'text/plain').send(Readable.from(pieces()))
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as { port: number }).port
})
afterEach(() => app.close())

/** Sends a beginning, then something every 20 ms. @returns what came back, and after how long the server ended it */
async function slowly(beginning: string, drip: string | null): Promise<{ text: string; afterMs: number }> {
  const started = performance.now()
  const socket = await open()
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  const ended = new Promise((done) => socket.once('close', done))
  socket.write(beginning)
  const dripping = setInterval(() => drip !== null && socket.writable && socket.write(drip), 20)
  await Promise.race([ended, sleep(10_000)])
  clearInterval(dripping)
  socket.destroy()
  return { text, afterMs: performance.now() - started }
}

function open(): Promise<Socket> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => done(socket))
    socket.on('error', () => {})
  })
}

const HEAD = 'POST /echo HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n'

describe('a request that does not come to its end', () => {
  test.each<[string, string, string | null, number]>([
    ['of which nothing comes', '', null, TIMEOUTS.headersMs],
    ['whose first line drips', 'GET /health', 'x', TIMEOUTS.headersMs],
    ['whose headers drip', HEAD, 'X: 1\r\n', TIMEOUTS.headersMs],
    ['whose body drips', `${HEAD}Content-Length: 1000\r\n\r\n{`, ' ', TIMEOUTS.requestMs],
    ['whose chunks drip', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n', TIMEOUTS.requestMs],
    ['whose body does not begin', `${HEAD}Content-Length: 1000\r\n\r\n`, null, TIMEOUTS.requestMs],
  ])('%s is told so in our shape, and the connection ends', async (_, beginning, drip, withinMs) => {
    const { text, afterMs } = await slowly(beginning, drip)
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(text.toLowerCase()).toContain('\r\nx-content-type-options: nosniff\r\n')
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({
      status: 'error',
      error_code: 'INVALID_PARAMETER',
    })
    expect(afterMs).toBeGreaterThan(withinMs * 0.9)
    expect(afterMs).toBeLessThan(withinMs + TIMEOUTS.checkMs + LATE_MS)
  })

  test('does not hold up others', async () => {
    const slow = Array.from({ length: 200 }, () => slowly(`${HEAD}Content-Length: 1000\r\n\r\n{`, ' '))
    await sleep(100)
    for (let i = 0; i < 20; i += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/health`)
      expect(answer.status).toBe(200)
    }
    for (const { text } of await Promise.all(slow)) expect(text).toMatch(/^HTTP\/1\.1 408 /)
  })
})

test('a connection that stays open between requests ends after a while', async () => {
  const { text, afterMs } = await slowly('GET /health HTTP/1.1\r\nHost: test\r\n\r\n', null)
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  // The platform adds a second, so that a client that holds to it is never met by a closed door.
  expect(afterMs).toBeLessThan(TIMEOUTS.keepAliveMs + 1000 + LATE_MS)
})

test('an answer that is not read is made no further, and the connection ends', async () => {
  const socket = await open()
  socket.pause()
  socket.write('GET /endless HTTP/1.1\r\nHost: test\r\n\r\n')
  await expect.poll(() => sent, { timeout: 5000 }).toBeGreaterThan(0)
  await sleep(200)
  const kept = sent
  // What fits between the two sides, and no more.
  expect(kept).toBeLessThan(30_000_000)
  await expect.poll(() => closed, { timeout: TIMEOUTS.silenceMs * 2 + LATE_MS }).toEqual(['endless'])
  expect(sent).toBeLessThan(30_000_000)
  socket.destroy()
})

test('the bounds of a server that nobody told otherwise are those of the contract', async () => {
  const plain = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics: createMetrics({ service: 'test', processMetrics: false }),
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
  })
  const { headersTimeout, requestTimeout, keepAliveTimeout, timeout } = plain.server
  expect({ headersTimeout, requestTimeout, keepAliveTimeout, timeout }).toEqual({
    headersTimeout: 15_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    timeout: 120_000,
  })
  await plain.close()
})
