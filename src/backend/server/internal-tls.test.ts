// Mutual TLS on the private door, with real certificates: who has none, or another authority's, is not let in; a renewed one is taken
// over while calls go on.
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, certificateAuthority, hasOpenssl } from '../test/certificates.ts'
import { ownContext } from './call-context.ts'
import { internalClient } from './internal-client.ts'
import { type InternalServer, internalServer, serve } from './internal-server.ts'
import type { TlsFiles } from './internal-tls.ts'
import { lineOf, type Operation } from './internal-wire.ts'
import { createLog } from './log.ts'
import { text } from './wire-codec.ts'

const log = createLog({ service: 'test', level: 'fatal' })
const ECHO: Operation<string, string> = {
  name: 'echo',
  ask: lineOf(text(), 'ask'),
  answer: lineOf(text(), 'answer'),
  repeatable: false,
}

describe.skipIf(!hasOpenssl)('the private door with certificates', () => {
  let ours: Authority
  let others: Authority
  let serverFiles: TlsFiles
  let clientFiles: TlsFiles
  let server: InternalServer
  beforeAll(async () => {
    ours = certificateAuthority()
    others = certificateAuthority()
    serverFiles = ours.sign('server')
    clientFiles = ours.sign('client')
    const operations = [serve(ECHO, async (ask) => ask)]
    server = await internalServer({ host: '127.0.0.1', port: 0, tls: serverFiles, operations, log })
  })
  afterAll(async () => {
    await server.close()
    ours.remove()
    others.remove()
  })

  const askOnce = async (tls: TlsFiles | null, url = server.url) => {
    const client = internalClient({ url, service: 'test', tls, log })
    try {
      return await client.call(ECHO)('hello', ownContext('r', 3000))
    } finally {
      await client.close()
    }
  }

  test('lets a caller in whose certificate the same authority signed', async () => {
    expect(server.url).toMatch(/^https:/)
    expect(await askOnce(clientFiles)).toBe('hello')
  })

  test('refuses a caller without a certificate, with another authority’s, and without TLS', async () => {
    const stranger = { ...others.sign('client'), caFile: clientFiles.caFile }
    await expect(askOnce(stranger)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await expect(askOnce(null)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await expect(askOnce(null, server.url.replace('https:', 'http:'))).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
    })
  })

  test('is refused by a caller when its own certificate is another authority’s', async () => {
    const distrusting = { ...clientFiles, caFile: others.sign('any').caFile }
    await expect(askOnce(distrusting)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })

  test('takes a renewed certificate over, on both sides, without a failed call', async () => {
    const client = internalClient({ url: server.url, service: 'test', tls: clientFiles, log })
    const echo = client.call(ECHO)
    const before = await serialOf(server.url, clientFiles)
    let asking = true
    let answered = 0
    const flow = (async () => {
      while (asking) {
        expect(await echo('hello', ownContext('r', 3000))).toBe('hello')
        answered += 1
      }
    })()
    ours.sign('server')
    ours.sign('client')
    const deadline = Date.now() + 8000
    let after = before
    // On with it until calls have been answered on either side of the change.
    while ((after === before || answered <= 10) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      after = await serialOf(server.url, clientFiles)
    }
    asking = false
    await flow
    await client.close()
    expect(after).not.toBe(before)
    expect(answered).toBeGreaterThan(10)
  }, 15_000)
})

/** The serial number of the certificate that the door shows. */
async function serialOf(url: string, files: TlsFiles): Promise<string> {
  const { readFileSync } = await import('node:fs')
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: hostname,
        port: Number(port),
        cert: readFileSync(files.certFile),
        key: readFileSync(files.keyFile),
        ca: readFileSync(files.caFile),
      },
      () => {
        const { serialNumber } = socket.getPeerCertificate()
        socket.end()
        resolve(serialNumber)
      },
    )
    socket.on('error', reject)
  })
}
