// Bytes at the socket: requests that no client would write, alone and several on one connection. Chosen by fast-check, so that what
// breaks something is found again by its seed and made as small as it can be.
import { connect } from 'node:net'
import fc from 'fast-check'
import { MARK } from './fuzzed-requests.ts'
import type { RawAnswer } from './http.ts'

/** Pieces that are written one after the other. */
export type Pieces = readonly Buffer[]

export interface Heard {
  readonly answers: readonly RawAnswer[]
  /** What stands behind the last whole answer: of an answer that was cut off. */
  readonly rest: Buffer
  readonly ms: number
}

/** Nothing of the engine's own is longer in coming than this, when the other side has said all that it will say. */
export const CLOSED_WITHIN_MS = 5_000

/** Writes the pieces, says that no more comes, and listens until the server ends the connection. Rejects when it does not. */
export function tell(deployed: { readonly url: string }, pieces: Pieces): Promise<Heard> {
  const { hostname, port } = new URL(deployed.url)
  const started = performance.now()
  return new Promise((done, fail) => {
    const parts: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const late = setTimeout(() => {
      socket.destroy()
      fail(
        new Error(
          `the connection was still open after ${CLOSED_WITHIN_MS} ms; it had said ${Buffer.concat(parts).toString('latin1').slice(0, 500)}`,
        ),
      )
    }, CLOSED_WITHIN_MS)
    socket.on('data', (part) => parts.push(part))
    // A connection that the server cuts while it is written to.
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(late)
      done({ ...readAll(Buffer.concat(parts)), ms: performance.now() - started })
    })
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece)
      socket.end()
    })
  })
}

/** Answers with a length or in chunks, one after the other. */
export function readAll(bytes: Buffer): { answers: RawAnswer[]; rest: Buffer } {
  const answers: RawAnswer[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return { answers, rest }
    const head = rest.subarray(0, end).toString('latin1')
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? Number.NaN)
    const body = bodyOf(head, status, rest.subarray(end + 4))
    if (body === null) return { answers, rest }
    answers.push({ status, head, body: body.text })
    rest = rest.subarray(end + 4 + body.bytes)
  }
}

/** Null: it is not whole. */
function bodyOf(head: string, status: number, bytes: Buffer): { text: string; bytes: number } | null {
  // The last of these: the answer to HEAD has a length, and no body.
  const none = status === 100 || status === 204 || status === 304 || bytes.subarray(0, 7).toString() === 'HTTP/1.'
  if (none) return { text: '', bytes: 0 }
  if (!/^transfer-encoding: chunked$/im.test(head)) {
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    return bytes.length < length ? null : { text: bytes.subarray(0, length).toString('utf8'), bytes: length }
  }
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return null
    const length = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    const next = end + 2 + length + 2
    if (!(next <= bytes.length)) return null
    parts.push(bytes.subarray(end + 2, end + 2 + length))
    at = next
    if (length === 0) return { text: Buffer.concat(parts).toString('utf8'), bytes: at }
  }
}

// ---- what is written

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'PRI',
  'get',
  'GETT',
  MARK,
  '',
  ' ',
  '\u0000',
  'G\tT',
]
const TARGETS = [
  ...[
    '/health',
    '/api/v1/config',
    '/api/v1/rates/GME',
    `/${MARK}`,
    '*',
    '/',
    '',
    'health',
    '//health',
    '/%00',
    '/%',
    '/\u00ff',
    '/a b',
    '/\t',
  ],
  ...[
    'http://engine/health',
    'https://evil.example/',
    'evil.example:443',
    '?',
    '/health?a=b#c',
    '/api/v1/rates/../config',
    '/.',
    `/${'a'.repeat(9000)}`,
  ],
]
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/11',
  'http/1.1',
  'HTTP/1.1 ',
  '',
  MARK,
]
const ENDS = ['\r\n', '\n', '\r', '\r\n\r\n', ' \r\n', '\n\r']
const LINES = [
  ...[
    'Host: engine',
    'Host:',
    'Host: a\r\nHost: b',
    'Host: evil.example',
    'Host: a b',
    `Host: ${MARK}`,
    'Connection: close',
    'Connection: keep-alive',
  ],
  ...[
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
    'Expect: 100-continue',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Type:',
    'Content-Type: text/csv',
    'Accept-Encoding: gzip',
    `X-Request-ID: ${MARK}`,
    `Cookie: ${MARK}`,
  ],
  ...[
    'X-API-Key:',
    `X-API-Key : ${MARK}`,
    ` X-Folded: ${MARK}`,
    '\tX-Folded: 1',
    'No colon',
    ': no name',
    'X-Nul: a\u0000b',
    'X-Lf: a\nb',
    'X-Cr: a\rb',
    'X-\u00ff: 1',
  ],
  ...[
    'X-High: \u00ff\u00fe',
    'Trailer: X-T',
    'TE: trailers',
    'Range: bytes=0-1',
    `Authorization: Basic ${MARK}`,
    'Max-Forwards: 0',
    'X-Long: '.padEnd(9000, 'x'),
  ],
]
/** Ways to say how long a body is; more than one of them, or one that is odd, can be understood in two ways. */
const FRAMINGS = [
  ...[
    'Content-Length: 0',
    'Content-Length: 2',
    'Content-Length: 44',
    'Content-Length: +2',
    'Content-Length: -1',
    'Content-Length: 0x2',
    'Content-Length: 2, 2',
  ],
  ...[
    'Content-Length: 99999999999999999999',
    'Content-Length:',
    'Content-Length: 2\r\nContent-Length: 3',
    'Content-Length : 2',
    'Content_Length: 2',
  ],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: Chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: xchunked',
  ],
  ...[
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding:\u000bchunked',
    'Transfer-Encoding : chunked',
  ],
  ...[
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 5',
    'Transfer_Encoding: chunked',
  ],
]
const BODIES = [
  ...[
    '',
    '{}',
    '{',
    '0\r\n\r\n',
    '2\r\n{}\r\n0\r\n\r\n',
    '2;a=b\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
    'zz\r\n{}\r\n',
    '-1\r\n',
    'ffffffffffffffff\r\n',
    '2\r\n{}',
    '2\n{}\n0\n\n',
  ],
  ...[
    `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    `GET /${MARK} HTTP/1.1\r\nHost: engine\r\n\r\n`,
    `0\r\n\r\nGET /${MARK} HTTP/1.1\r\nHost: engine\r\n\r\n`,
    '\u0000\u0000',
    'x'.repeat(70_000),
  ],
]

const pick = (from: readonly string[]) => fc.constantFrom(...from)
/** Nearly always the first. */
const mostly = (from: readonly string[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(from[0] as string) }, { weight: 1, arbitrary: pick(from) })

const request = fc
  .record({
    method: fc.oneof(fc.constantFrom('GET', 'POST'), pick(METHODS)),
    target: pick(TARGETS),
    version: mostly(VERSIONS),
    host: mostly(['Host: engine', '']),
    lines: fc.array(pick(LINES), { maxLength: 4 }),
    flood: fc.option(fc.nat(3000), { freq: 20 }),
    framing: fc.array(pick(FRAMINGS), { maxLength: 2 }),
    end: mostly(ENDS),
    body: pick(BODIES),
  })
  .map(({ method, target, version, host, lines, flood, framing, end, body }) => {
    const many = flood === null ? [] : Array.from({ length: flood }, (_, index) => `X${index}: 1`)
    const head = [`${method} ${target} ${version}`, ...(host === '' ? [] : [host]), ...lines, ...many, ...framing].join(
      end,
    )
    return Buffer.from(`${head}${end}${end}${body}`, 'latin1')
  })

const SOUND = Buffer.from('GET /health HTTP/1.1\r\nHost: engine\r\n\r\n', 'latin1')
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      '',
      '\r\n',
      '\r\n'.repeat(2000),
      '\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'EHLO x\r\n',
      '\u0016\u0003\u0001\u0002\u0000',
    )
    .map((text) => Buffer.from(text, 'latin1')),
)

/** What is written on one connection: requests one behind the other, some bytes changed, cut somewhere, in any number of writes. */
export const fuzzedBytes: fc.Arbitrary<Pieces> = fc
  .record({
    parts: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: request },
        { weight: 2, arbitrary: fc.constant(SOUND) },
        { weight: 1, arbitrary: noise },
      ),
      { minLength: 1, maxLength: 4 },
    ),
    flips: fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { maxLength: 2 }),
    cut: fc.option(fc.nat(2000), { freq: 6 }),
    splits: fc.array(fc.nat(500), { maxLength: 3 }),
  })
  .map(({ parts, flips, cut, splits }) => {
    const bytes = Buffer.concat(parts)
    for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value
    return piecesOf(cut === null ? bytes : bytes.subarray(0, Math.max(0, bytes.length - cut)), splits)
  })

function piecesOf(bytes: Buffer, splits: readonly number[]): Pieces {
  const at = [...new Set([0, ...splits.filter((split) => split < bytes.length), bytes.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

/** A request that two readers could take for two different ones, with another behind it that only one of them would see. */
export const smuggled: fc.Arbitrary<Pieces> = fc
  .record({
    framing: fc.constantFrom(
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 4'],
      ['Content-Length: 4', 'Content-Length: 60'],
      ['Content-Length: 4, 60'],
      ['Transfer-Encoding: chunked, identity'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: x'],
      ['Transfer-Encoding: "chunked"'],
      ['Content-Length: 4', 'Transfer-Encoding: Chunked'],
      ['Content-Length: 4', 'Transfer-Encoding: chunked, chunked'],
      ['Content-Length: 4', 'Transfer-Encoding:chunked'],
      ['Content-Length: 0x4'],
      ['Content-Length: +4'],
    ),
    body: fc.constantFrom('0\r\n\r\n', '3c\r\n', '4\r\nabcd\r\n0\r\n\r\n', '{}  '),
    method: fc.constantFrom('POST', 'GET', 'PUT', 'DELETE'),
    splits: fc.array(fc.nat(150), { maxLength: 3 }),
  })
  .map(({ framing, body, method, splits }) => {
    const lines = [
      `${method} /api/v1/calculate-locate HTTP/1.1`,
      'Host: engine',
      'Content-Type: application/json',
      ...framing,
    ]
    const hidden = `GET /${MARK} HTTP/1.1\r\nHost: engine\r\n\r\n`
    return piecesOf(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}${hidden}`, 'latin1'), splits)
  })
