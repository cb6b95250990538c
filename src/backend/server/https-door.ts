// The public door once more, encrypted: for a load balancer that speaks TLS to what is behind it. It takes TLS off a connection and
// hands what is inside to the one HTTP server, so that limits, timeouts and answers are the same through either door. Health checks
// and scrapes go on at the plain one.
import type { Server } from 'node:http'
import { createServer, type Server as TlsServer } from 'node:tls'
import { readTlsMaterial, type TlsFiles, watchTlsMaterial } from './internal-tls.ts'
import type { Log } from './log.ts'

export interface HttpsDoor {
  readonly url: string
  /** Takes no new connections; those that are open end with the HTTP server's. */
  shut(): void
}

export interface HttpsDoorOptions {
  /** The server that answers. */
  readonly server: Server
  readonly host: string
  readonly port: number
  readonly tls: TlsFiles
  readonly log: Log
}

/** A connection that has not said what it is by then is cut. */
const HANDSHAKE_MS = 10_000
const VERSION_MIN = 'TLSv1.2'

/** Listens. @throws Error with the system's code when the port cannot be had or a certificate cannot be read */
export async function openHttpsDoor({ server, host, port, tls, log }: HttpsDoorOptions): Promise<HttpsDoor> {
  const { cert, key } = readTlsMaterial(tls)
  const door: TlsServer = createServer({
    cert,
    key,
    minVersion: VERSION_MIN,
    handshakeTimeout: HANDSHAKE_MS,
    ALPNProtocols: ['http/1.1'],
  })
  door.on('secureConnection', (socket) => server.emit('connection', socket))
  // Whoever knocks without knowing how: a scanner, a balancer's bare connect. Nothing to act on.
  door.on('tlsClientError', (error) =>
    log.debug({ code: (error as NodeJS.ErrnoException).code }, 'a TLS handshake failed'),
  )
  const stopWatching = watchTlsMaterial(
    tls,
    (material) => {
      door.setSecureContext({ cert: material.cert, key: material.key, minVersion: VERSION_MIN })
      log.info('the certificate of the HTTPS door was renewed')
    },
    (error) => log.warn({ err: error }, 'the renewed certificate of the HTTPS door cannot be used yet'),
  )
  await new Promise<void>((listening, failed) => {
    door.once('error', failed)
    door.listen(port, host, () => {
      door.off('error', failed)
      listening()
    })
  })
  const address = door.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    shut() {
      stopWatching()
      door.close()
    },
  }
}
