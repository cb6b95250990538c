// How tests speak HTTP: whole requests that come back with their raw text, and bare bytes for what no client would send.
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { parseExactJson } from '../../client/exact-json.ts'

export interface Ask {
  readonly method?: string
  readonly path: string
  /** Sent as X-API-Key. */
  readonly key?: string
  /** An object is sent as JSON, text and bytes as they are; both as application/json unless the headers say otherwise. */
  readonly body?: object | string | Buffer
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** The address on loopback that the request comes from. */
  readonly from?: string
  /** An answer without an end is left once this stands in it. */
  readonly leftAfter?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  /** The body with every number as its exact text: `{"total_fee":456.50}` is `{ total_fee: '456.50' }`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers
  readonly json: any
}

const ANSWER_WAIT_MS = 15_000
/** A stream of events has no end: what comes within this is its text. */
const EVENTS_WAIT_MS = 250
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Asks and reads the whole answer, of a stream of events its beginning. Rejects when the connection breaks. */
export function ask(deployed: { readonly url: string }, what: Ask): Promise<Answer> {
  const { method = what.body === undefined ? 'GET' : 'POST', path, key, body, headers = {}, leftAfter } = what
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const sent = {
    ...(key !== undefined && { 'x-api-key': key }),
    ...(payload !== undefined && {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(payload)),
    }),
    ...headers,
  }
  const { hostname, port } = new URL(deployed.url)
  return new Promise((done, fail) => {
    const request = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        headers: sent,
        agent: what.from === undefined ? agent : false,
        timeout: ANSWER_WAIT_MS,
        ...(what.from !== undefined && { localAddress: what.from }),
      },
      (answer) => {
        const parts: Buffer[] = []
        const over = () => done(answerOf(answer.statusCode ?? 0, answer.headers, Buffer.concat(parts)))
        answer.on('data', (part: Buffer) => {
          parts.push(part)
          if (leftAfter === undefined || !Buffer.concat(parts).includes(leftAfter)) return
          over()
          request.destroy()
        })
        answer.on('error', fail)
        answer.on('end', over)
        // A stream of events has no end.
        if (leftAfter !== undefined || answer.headers['content-type']?.startsWith('text/event-stream') !== true) return
        setTimeout(() => {
          over()
          request.destroy()
        }, EVENTS_WAIT_MS)
      },
    )
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${path}`)))
    request.on('error', fail)
    request.end(payload)
  })
}

function answerOf(status: number, headers: IncomingHttpHeaders, bytes: Buffer): Answer {
  const text = bytes.toString('utf8')
  return {
    status,
    headers,
    bytes,
    text,
    get json() {
      return parseExactJson(text)
    },
  }
}

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/**
 * Writes bytes to a socket and reads what comes back.
 * @param parts one write each
 * @param answers how many answers to wait for; the connection is closed after them
 * @returns the answers that came before the connection ended or nothing more came
 */
export async function exchange(
  deployed: { readonly url: string },
  parts: readonly (string | Buffer)[],
  { answers = 1, waitMs = 3_000 } = {},
): Promise<RawAnswer[]> {
  const socket = await openSocket(deployed)
  let received = Buffer.alloc(0)
  try {
    await new Promise<void>((done) => {
      const late = setTimeout(done, waitMs)
      const over = () => {
        clearTimeout(late)
        done()
      }
      socket.on('data', (part: Buffer) => {
        received = Buffer.concat([received, part])
        if (readAnswers(received).length >= answers) over()
      })
      socket.on('error', over)
      socket.on('close', over)
      for (const part of parts) socket.write(part)
    })
    return readAnswers(received)
  } finally {
    socket.destroy()
  }
}

/** A raw answer as one that was read by a client. */
export function wholeAnswer({ status, head, body }: RawAnswer): Answer {
  const lines = head.split('\r\n').slice(1)
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2),
  ])
  return answerOf(status, Object.fromEntries(headers), Buffer.from(body))
}

export function openSocket(deployed: { readonly url: string }): Promise<Socket> {
  const { hostname, port } = new URL(deployed.url)
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname, () => done(socket))
    socket.once('error', fail)
  })
}

/** Answers with a Content-Length, one after the other. One that is not whole yet is left out. */
function readAnswers(bytes: Buffer): RawAnswer[] {
  const found: RawAnswer[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return found
    const head = rest.subarray(0, end).toString('latin1')
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? Number.NaN)
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    if (rest.length < end + 4 + length) return found
    found.push({ status, head, body: rest.subarray(end + 4, end + 4 + length).toString('utf8') })
    rest = rest.subarray(end + 4 + length)
  }
}

/** A request as bytes, with the lines that every sound one has. */
export function rawRequest(
  method: string,
  path: string,
  lines: readonly string[] = [],
  body: string | Buffer = '',
): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: engine', ...lines].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}
