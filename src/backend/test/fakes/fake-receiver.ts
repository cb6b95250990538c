// A receiver of webhooks at the socket: keeps what it was sent, and answers as a test wants.
import { readFileSync } from 'node:fs'
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsFiles } from '../../server/internal-tls.ts'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface FakeReceiver {
  readonly port: number
  /** Whole requests, as they came. */
  readonly received: readonly Received[]
  /** Connections that were opened, whatever came of them. */
  connections(): number
  /** How it answers from now on: a status, or a function of its own. */
  answer(how: number | ((response: ServerResponse, request: Received) => void)): void
  /** Most requests that were open at once. */
  atOnce(): number
  forget(): void
  stop(): Promise<void>
}

/** @param tls null: plain HTTP */
export async function startFakeReceiver(tls: TlsFiles | null): Promise<FakeReceiver> {
  let received: Received[] = []
  let connections = 0
  let open = 0
  let most = 0
  let how: Parameters<FakeReceiver['answer']>[0] = 204
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    open += 1
    most = Math.max(most, open)
    response.on('close', () => {
      open -= 1
    })
    let body = ''
    for await (const chunk of request) body += chunk
    const whole = { path: request.url ?? '', headers: request.headers, body }
    received.push(whole)
    if (typeof how === 'number') response.writeHead(how).end()
    else how(response, whole)
  }
  const server =
    tls === null
      ? createHttp(listener)
      : createHttps({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, listener)
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get received() {
      return received
    },
    connections: () => connections,
    answer: (next) => {
      how = next
    },
    atOnce: () => most,
    forget: () => {
      received = []
      connections = 0
      most = 0
      how = 204
    },
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
