// Clients that leave, over real sockets: a request that was begun ends once, whoever ended it and however many are on its connection.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { createLog } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { Problem } from './problem.ts'
import { whenGone } from './request-end.ts'
import { createServer } from './server.ts'

const AT_ONCE_MAX = 50
let app: FastifyInstance
let metrics: Metrics
let lines: { message: string; route: string; status: number; aborted?: boolean }[]
let gone: string[]
const note = (line: (typeof lines)[number]) => line.message === 'request' && lines.push(line)
let release: () => void

beforeEach(async () => {
  metrics = createMetrics({ service: 'test', processMetrics: false })
  lines = []
  gone = []
  const released = new Promise<void>((done) => {
    release = done
  })
  app = await createServer({
    log: createLog({
      service: 'test',
      level: 'info',
      destination: { write: (text) => note(JSON.parse(text)) },
    }),
    metrics,
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
    overload: { eventLoopDelayMsMax: 3_600_000, requestsInFlightMax: AT_ONCE_MAX },
  })
  const wait = async (request: FastifyRequest, reply: FastifyReply) => {
    whenGone(request, reply, () => gone.push(request.routeOptions.url as string))
    await released
    return { status: 'success' }
  }
  app.get('/wait', wait)
  app.post('/wait', wait)
  app.get('/refused', async () => {
    await released
    throw new Problem('UNAUTHORIZED', 'A credential is required')
  })
  app.get('/quick', async () => ({ status: 'success' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(() => app.close())

async function inFlight(): Promise<number> {
  return Number(/^http_requests_in_flight\S* (\d+)$/m.exec(await metrics.registry.metrics())?.[1])
}

/** Writes, waits until so many requests are under way, and then for the given end. */
async function writeAndLeave(text: string, begun: number, leave: 'at once' | 'when the server ends it'): Promise<void> {
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(text)
  if (leave === 'at once') {
    await expect.poll(inFlight).toBe(begun)
    socket.resetAndDestroy()
  } else await new Promise((done) => socket.once('close', done))
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`
const GARBAGE = 'GARBAGE\r\n\r\n'
const HALF = 'POST /wait HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'

describe('a request whose client leaves', () => {
  test.each<[string, string, number, 'at once' | 'when the server ends it', string[]]>([
    ['while it is answered', request('/wait'), 1, 'at once', ['/wait']],
    ['in the middle of its body', HALF, 1, 'at once', ['/wait']],
    ['with others behind it', request('/wait').repeat(3), 3, 'at once', ['/wait', '/wait', '/wait']],
    [
      'with others behind it that are answered',
      `${request('/wait')}${request('/refused')}`,
      2,
      'at once',
      ['/wait', '/refused'],
    ],
    ['with garbage behind it', `${request('/wait')}${GARBAGE}`, 1, 'when the server ends it', ['/wait']],
    [
      'with others and garbage behind it',
      `${request('/wait').repeat(2)}${GARBAGE}`,
      2,
      'when the server ends it',
      ['/wait', '/wait'],
    ],
  ])('%s ends once: it counts no more, and has its line', async (_, text, begun, leave, routes) => {
    await writeAndLeave(text, begun, leave)
    await expect.poll(inFlight).toBe(0)
    const ended = () => lines.map(({ route, status, aborted }) => ({ route, status, aborted }))
    expect(ended()).toEqual(routes.map((route) => ({ route, status: 499, aborted: true })))
    expect(await metrics.registry.metrics()).toContain('status="499"')
    // What was being done for it comes to its end later, and is no second end.
    release()
    await sleep(50)
    expect(ended()).toHaveLength(routes.length)
    expect(await inFlight()).toBe(0)
    // Before its body was there nobody had begun to do anything for it.
    expect(gone).toHaveLength(text === HALF ? 0 : routes.filter((route) => route === '/wait').length)
  })

  test('takes no room from those who stay, however often', async () => {
    for (let i = 0; i < AT_ONCE_MAX + 10; i += 1)
      await writeAndLeave(`${request('/wait')}${GARBAGE}`, 1, 'when the server ends it')
    const { port } = app.server.address() as { port: number }
    expect((await fetch(`http://127.0.0.1:${port}/quick`)).status).toBe(200)
  })

  test('is not taken for one that was answered', async () => {
    const { port } = app.server.address() as { port: number }
    for (let i = 0; i < 3; i += 1) expect((await fetch(`http://127.0.0.1:${port}/quick`)).status).toBe(200)
    await expect
      .poll(() => lines.map(({ status, aborted }) => [status, aborted]))
      .toEqual(Array(3).fill([200, undefined]))
    expect(await inFlight()).toBe(0)
  })
})
