import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../test/certificates.ts'
import { createHealth } from './health.ts'
import { type HttpsDoor, openHttpsDoor } from './https-door.ts'
import type { TlsFiles } from './internal-tls.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createServer } from './server.ts'

const log = createLog({ service: 'test', level: 'fatal' })

describe.skipIf(!hasOpenssl)('the HTTPS door', () => {
  let authority: Authority
  let files: TlsFiles
  let app: FastifyInstance
  let door: HttpsDoor

  beforeEach(async () => {
    authority = certificateAuthority()
    files = authority.sign('gateway')
    app = await createServer({
      log,
      metrics: createMetrics({ service: 'test', processMetrics: false }),
      health: createHealth({ service: 'test', version: '1' }),
      newRequestId: () => 'request-1',
      clientTimeouts: { headersMs: 300, requestMs: 600, silenceMs: 900, keepAliveMs: 500, checkMs: 50 },
    })
    app.get('/who', (request) => ({ from: request.ip }))
    app.post('/echo', (request) => ({ read: request.body }))
    await app.listen({ host: '127.0.0.1', port: 0 })
    door = await openHttpsDoor({ server: app.server, host: '127.0.0.1', port: 0, tls: files, log })
  })
  afterEach(async () => {
    door.shut()
    await app.close()
    authority.remove()
  })

  const ca = () => readFileSync(files.caFile)
  const port = () => Number(new URL(door.url).port)

  function ask(path: string): Promise<{ status: number | undefined; text: string }> {
    return new Promise((done, failed) => {
      request({ host: '127.0.0.1', port: port(), path, ca: ca(), agent: false }, async (answer) => {
        let text = ''
        for await (const part of answer) text += part
        done({ status: answer.statusCode, text })
      })
        .once('error', failed)
        .end()
    })
  }
  const handshake = (options: object = {}): Promise<TLSSocket> =>
    new Promise((done, failed) => {
      const socket = connect({ host: '127.0.0.1', port: port(), ca: ca(), ...options }, () => done(socket))
      socket.once('error', failed)
    })
  async function toTheEnd(socket: TLSSocket, sent: string): Promise<string> {
    let text = ''
    socket.on('data', (part) => {
      text += part
    })
    socket.write(sent)
    await new Promise((done) => socket.once('close', done))
    return text
  }

  test('gives the same answers as the plain one, and knows who asks', async () => {
    expect(await ask('/who')).toEqual({ status: 200, text: '{"from":"127.0.0.1"}' })
    expect((await ask('/nothing')).status).toBe(404)
  })

  test('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake({ minVersion: version, maxVersion: version })
      expect(socket.getProtocol()).toBe(version)
      socket.destroy()
    }
    await expect(
      handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/SSL|TLS|ECONNRESET/) })
  })

  test('answers what is no HTTP in the shape of failures, and cuts who is too slow, as the plain one does', async () => {
    expect(await toTheEnd(await handshake(), 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"error_code":/)
    expect(await toTheEnd(await handshake(), 'GET /who HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('has nothing to say to who does not encrypt', async () => {
    const text = await new Promise<string>((done) => {
      let all = ''
      const socket = connectPlain(port(), '127.0.0.1', () => socket.write('GET /who HTTP/1.1\r\nHost: x\r\n\r\n'))
      socket.on('data', (part) => {
        all += part
      })
      socket.on('error', () => {})
      socket.on('close', () => done(all))
    })
    expect(text).not.toContain('HTTP/1.1')
    expect((await ask('/who')).status).toBe(200)
  })

  test('takes over a renewed certificate while it is open', async () => {
    const serial = async () => {
      const socket = await handshake()
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber
    }
    const before = await serial()
    authority.sign('gateway')
    await vi.waitFor(async () => expect(await serial()).not.toBe(before), { timeout: 10_000, interval: 100 })
    expect((await ask('/who')).status).toBe(200)
  }, 15_000)

  test('takes nobody new once it is shut, and closes with the server', async () => {
    const kept = await handshake()
    door.shut()
    await expect(handshake()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const ended = new Promise((done) => kept.once('close', done))
    kept.write('GET /who HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((done) => kept.once('data', done))
    await app.close()
    await ended
  })
})
