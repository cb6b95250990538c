// A try of a delivery over real sockets: where it connects to, what it believes, what it does not follow, when it gives up.
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { rootCertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../test/certificates.ts'
import { type FakeDns, startFakeDns } from '../test/fakes/fake-dns.ts'
import { type FakeReceiver, startFakeReceiver } from '../test/fakes/fake-receiver.ts'
import { type Posted, type PostOptions, post } from './post.ts'
import { dnsResolver, type Target, targets } from './target.ts'

describe.runIf(hasOpenssl)('a delivery', () => {
  let authority: Authority
  let receiver: FakeReceiver
  let inside: FakeReceiver
  let dns: FakeDns
  let authorities: readonly string[]
  beforeAll(async () => {
    authority = certificateAuthority()
    const files = authority.sign('receiver')
    authorities = [...rootCertificates, readFileSync(files.caFile, 'utf8')]
    receiver = await startFakeReceiver(files)
    inside = await startFakeReceiver(null)
    dns = await startFakeDns()
  })
  afterAll(async () => {
    await Promise.all([receiver.stop(), inside.stop(), dns.stop()])
    authority.remove()
  })
  afterEach(() => {
    receiver.forget()
    inside.forget()
  })

  const at = (url: string, addresses = ['127.0.0.1']): Target => ({
    url: new URL(url),
    addresses: addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  })
  const send = (target: Target, options: Partial<PostOptions> = {}): Promise<Posted> =>
    post({
      target,
      headers: { 'webhook-id': 'event-1' },
      body: '{"id":"event-1","of":"ü"}',
      authorities,
      timeoutMs: 2_000,
      signal: new AbortController().signal,
      ...options,
    })
  const receiverUrl = (host: string) => `https://${host}:${receiver.port}/hook?a=1`

  test('arrives whole, with its headers, under the name of the URL', async () => {
    expect(await send(at(receiverUrl('localhost')))).toEqual({ delivered: true, status: 204 })
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]).toMatchObject({
      path: '/hook?a=1',
      body: '{"id":"event-1","of":"ü"}',
      headers: {
        host: `localhost:${receiver.port}`,
        'content-type': 'application/json; charset=utf-8',
        'webhook-id': 'event-1',
        'user-agent': 'borrow-rate-engine webhooks',
      },
    })
  })

  test('connects to the addresses that were checked, whatever the name leads to by then', async () => {
    // The name leads inside at every question but the first: whoever asked again would be led there.
    dns.names.set('localhost', (question) => (question === 0 ? ['127.0.0.1'] : ['127.0.0.2']))
    const resolveHost = dnsResolver([dns.address])
    const where = targets({ allowedNetworks: ['127.0.0.1'], resolveHost })
    const target = await where.resolve(receiverUrl('localhost'))
    expect(await send(target as Target)).toEqual({ delivered: true, status: 204 })
    expect(await where.resolve(receiverUrl('localhost'))).toBeNull()
    // A name that nobody can resolve is no hindrance: it is not resolved again.
    expect(await send(at(`http://no-such-host.invalid:${inside.port}/`))).toEqual({ delivered: true, status: 204 })
    expect(inside.received[0]?.headers.host).toBe(`no-such-host.invalid:${inside.port}`)
  })

  test.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    receiver.answer((response) =>
      response.writeHead(status, { location: `http://127.0.0.1:${inside.port}/latest/meta-data/` }).end(),
    )
    expect(await send(at(receiverUrl('127.0.0.1')))).toEqual({
      delivered: false,
      status,
      error: `answered ${status}; redirects are not followed`,
    })
    expect(inside.connections()).toBe(0)
    expect(receiver.received).toHaveLength(1)
  })

  test.each([200, 201, 202, 204, 299])('is made when the answer is %i', async (status) => {
    receiver.answer(status)
    expect(await send(at(receiverUrl('127.0.0.1')))).toEqual({ delivered: true, status })
  })

  test.each([400, 404, 410, 429, 500, 503])('is not made when the answer is %i', async (status) => {
    receiver.answer(status)
    expect(await send(at(receiverUrl('127.0.0.1')))).toEqual({
      delivered: false,
      status,
      error: `answered ${status}`,
    })
  })

  test('reads nothing but the status: a body without end changes nothing', async () => {
    receiver.answer((response) => {
      response.writeHead(200)
      const more = setInterval(() => response.write('x'.repeat(10_000)), 1)
      response.on('close', () => clearInterval(more))
    })
    expect(await send(at(receiverUrl('127.0.0.1')))).toEqual({ delivered: true, status: 200 })
  })

  test('believes only certificates of authorities that are believed, for the name of the URL', async () => {
    const error = 'the certificate is not one that is believed for this host'
    expect(await send(at(receiverUrl('127.0.0.1')), { authorities: null })).toMatchObject({ delivered: false, error })
    expect(await send(at(receiverUrl('other.example.com')))).toMatchObject({ delivered: false, error })
    expect(receiver.received).toEqual([])
  })

  test('gives up on whoever says nothing, in the middle of an answer too', async () => {
    const late = { delivered: false, status: null, error: 'no answer within 0.2 s' }
    receiver.answer(() => {})
    expect(await send(at(receiverUrl('127.0.0.1')), { timeoutMs: 200 })).toEqual(late)
    const sockets: Socket[] = []
    const dripping = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write('HTTP/1.1 200 OK\r\n')
      setInterval(() => socket.write('x: y\r\n'), 50).unref()
    })
    await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve))
    const { port } = dripping.address() as { port: number }
    expect(await send(at(`http://127.0.0.1:${port}/`), { timeoutMs: 200 })).toEqual(late)
    for (const socket of sockets) socket.destroy()
    dripping.close()
  })

  test('says what was in the way, and nothing of the network', async () => {
    const broken = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-OpenSSH_9.2\r\n'),
    )
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    const { port } = broken.address() as { port: number }
    expect(await send(at(`http://127.0.0.1:${port}/`))).toMatchObject({ error: 'what answered is not HTTP' })
    expect(await send(at(`https://127.0.0.1:${port}/`))).toMatchObject({ error: 'no secure connection could be made' })
    await new Promise((resolve) => broken.close(resolve))
    expect(await send(at(`https://127.0.0.1:${port}/`))).toMatchObject({ error: 'the connection was refused' })
    receiver.answer((response) => response.destroy())
    expect(await send(at(receiverUrl('127.0.0.1')))).toMatchObject({
      error: 'the connection was closed before an answer',
    })
  })

  test('asks no proxy of the environment', async () => {
    const before = process.env.HTTP_PROXY
    process.env.HTTP_PROXY = `http://127.0.0.1:${inside.port}`
    try {
      const other = await startFakeReceiver(null)
      expect(await send(at(`http://127.0.0.1:${other.port}/`))).toEqual({ delivered: true, status: 204 })
      expect(inside.connections()).toBe(0)
      await other.stop()
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY
      else process.env.HTTP_PROXY = before
    }
  })

  test('ends when it is told to', async () => {
    const stop = new AbortController()
    receiver.answer(() => stop.abort())
    expect(await send(at(receiverUrl('127.0.0.1')), { signal: stop.signal })).toMatchObject({ delivered: false })
  })
})
