// Answers that take their time, over a real socket: as they come, at their end, and when something goes wrong on the way.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { Problem } from '../server/problem.ts'
import { createServer } from '../server/server.ts'
import { longAnswers, type Work, wantsLines } from './streams.ts'

let app: FastifyInstance
let logged: string[]
/** What the next request is answered with. */
let pieces: (work: Work) => AsyncIterable<string>

beforeEach(async () => {
  logged = []
  app = await createServer({
    log: createLog({ service: 'test', level: 'error', destination: { write: (line) => void logged.push(line) } }),
    metrics: createMetrics({ service: 'test', processMetrics: false }),
    health: createHealth({ service: 'test', version: '0' }),
    newRequestId: () => 'request-1',
  })
  const long = longAnswers(app, 40)
  app.get('/file', (request, reply) =>
    long.text(request, reply, { 'content-type': 'text/csv', 'content-disposition': 'attachment' }, (work) =>
      pieces(work),
    ),
  )
  app.get('/steps', (request, reply) =>
    long.lines(
      request,
      reply,
      (work) => pieces(work),
      (step) => ({ type: 'progress', step, lines: wantsLines(request) }),
    ),
  )
  app.get('/whole', (request, reply) =>
    long.whole(request, reply, async (work) => {
      const said: string[] = []
      for await (const piece of pieces(work)) said.push(piece)
      return { said }
    }),
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
})

afterEach(() => app.close())

async function ask(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const { port } = app.server.address() as AddressInfo
  const request = httpRequest({ host: '127.0.0.1', port, path, headers, agent: false }).end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

/** The text, and whether the answer ended as HTTP says that it does. */
async function read(answer: IncomingMessage): Promise<{ text: string; whole: boolean }> {
  let text = ''
  answer.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  await new Promise<void>((resolve) => {
    answer.once('end', resolve)
    answer.once('error', () => resolve())
    answer.once('close', resolve)
  })
  return { text, whole: answer.complete }
}

async function* failing(after: number, error: unknown): AsyncGenerator<string> {
  for (let piece = 0; piece < after; piece += 1) yield `piece ${piece} ${randomBytes(500).toString('hex')}\n`
  throw error
}

const away = () => new Problem('SERVICE_UNAVAILABLE', 'Something is away')

describe('text as it comes', () => {
  test('is sent while the work goes on, with its headers', async () => {
    let second = () => {}
    const waiting = new Promise<void>((resolve) => {
      second = resolve
    })
    pieces = async function* () {
      yield 'one\n'
      await waiting
      yield 'two\n'
    }
    const answer = await ask('/file')
    expect(answer.headers).toMatchObject({ 'content-type': 'text/csv', 'content-disposition': 'attachment' })
    const [first] = (await once(answer, 'data')) as [Buffer]
    expect(first.toString()).toBe('one\n')
    second()
    expect(await read(answer)).toEqual({ text: 'two\n', whole: true })
  })

  test('may be nothing at all', async () => {
    pieces = async function* () {}
    expect(await read(await ask('/file'))).toEqual({ text: '', whole: true })
  })

  test('that fails before the first piece is an ordinary failure, without the headers of a file', async () => {
    pieces = () => failing(0, away())
    const answer = await ask('/file')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers).not.toHaveProperty('content-disposition')
    expect(JSON.parse((await read(answer)).text)).toMatchObject({ error_code: 'SERVICE_UNAVAILABLE' })
  })

  test.each(['identity', 'gzip'])(
    'that fails later (%s) is not ended, so that nobody takes it for whole',
    async (encoding) => {
      pieces = () => failing(300, new Error('a bug'))
      const answer = await ask('/file', { 'accept-encoding': encoding })
      expect(answer.statusCode).toBe(200)
      expect((await read(answer)).whole).toBe(false)
      expect(logged.join()).toContain('a bug')
    },
  )

  test('is made no faster than it is read, and ends when the reader goes away', async () => {
    let made = 0
    let ended = false
    pieces = async function* ({ signal }) {
      try {
        for (; !signal.aborted; made += 1) yield `${'x'.repeat(100_000)}\n`
      } finally {
        ended = true
      }
    }
    const answer = await ask('/file')
    answer.pause()
    await sleep(100)
    expect(made).toBeLessThan(200)
    answer.destroy()
    while (!ended) await sleep(5)
    expect(logged).toEqual([])
  })

  test('ends when the service stops, and is not taken for whole', async () => {
    pieces = async function* ({ signal }) {
      yield 'one\n'
      while (!signal.aborted) await sleep(5)
    }
    const reading = read(await ask('/file'))
    await sleep(20)
    await app.close()
    expect(await reading).toEqual({ text: 'one\n', whole: false })
  })
})

describe('steps as lines', () => {
  test('are each a line of JSON', async () => {
    pieces = async function* () {
      yield 'a'
      yield 'b'
    }
    const answer = await ask('/steps', { accept: 'text/html, Application/X-NDJSON;q=0.9' })
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(await read(answer)).toEqual({
      text: '{"type":"progress","step":"a","lines":true}\n{"type":"progress","step":"b","lines":true}\n',
      whole: true,
    })
  })

  test('that fail on the way end with the failure', async () => {
    pieces = () => failing(1, away())
    const { text, whole } = await read(await ask('/steps'))
    expect(text.split('\n').slice(1)).toEqual([
      '{"type":"error","status":"error","error":"Something is away","error_code":"SERVICE_UNAVAILABLE"}',
      '',
    ])
    expect(whole).toBe(true)
  })

  test('say nothing of the inside when they fail by a bug', async () => {
    pieces = () => failing(1, new Error('select secret'))
    const { text } = await read(await ask('/steps'))
    expect(text).toContain('"error":"Internal error","error_code":"INTERNAL_ERROR"')
    expect(text).not.toContain('secret')
    expect(logged.join()).toContain('select secret')
  })
})

describe('one answer at the end', () => {
  test('is an ordinary one when the work is short', async () => {
    pieces = async function* () {
      yield 'a'
    }
    expect(await read(await ask('/whole'))).toEqual({ text: '{"said":["a"]}', whole: true })
    pieces = () => failing(1, away())
    expect((await ask('/whole')).statusCode).toBe(503)
  })

  test('begins with line ends when the work is long, so that nothing on the way gives the connection up', async () => {
    pieces = async function* () {
      await sleep(150)
      yield 'a'
    }
    const answer = await ask('/whole')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    const { text, whole } = await read(answer)
    expect(text).toMatch(/^\n{2,}\{/)
    expect(JSON.parse(text)).toEqual({ said: ['a'] })
    expect(whole).toBe(true)
  })

  test('that fails after it began is not ended', async () => {
    pieces = async function* () {
      await sleep(100)
      yield* failing(0, away())
    }
    expect(await read(await ask('/whole'))).toMatchObject({ whole: false })
  })

  test('is worked at no longer than somebody waits', async () => {
    let ended = false
    pieces = async function* ({ signal }) {
      while (!signal.aborted) {
        yield 'a'
        await sleep(5)
      }
      ended = true
      throw new Error('told to stop')
    }
    const answer = await ask('/whole')
    answer.destroy()
    while (!ended) await sleep(5)
    await sleep(20)
    expect(logged).toEqual([])
  })
})
