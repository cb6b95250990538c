// The three feeds and a file server at the socket, in one process: real HTTP and FTP, with every way of being ill that a feed
// has. Tests start them and turn their modes by function calls; a person does the same by hand over the admin port.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { goodAnswer, MAGIC_TICKERS } from './fake-answers.ts'
import { startFakeFtp } from './fake-ftp.ts'

export type FakeFeed = 'lender' | 'volatility' | 'events' | 'files'

/** How a feed answers. `intermittent` fails with 500 the first `failing` of every `of` requests. */
export type Mode =
  | {
      readonly kind:
        | 'ok'
        | '500'
        | '404'
        | '401'
        | '429'
        | 'redirect'
        | 'garbage'
        | 'quota'
        | 'truncated'
        | 'oversize'
        | 'hang'
        | 'hang-body'
    }
  | { readonly kind: 'slow'; readonly milliseconds: number }
  | { readonly kind: 'intermittent'; readonly failing: number; readonly of: number }

const PLAIN_MODES = [
  'ok',
  '500',
  '404',
  '401',
  '429',
  'redirect',
  'garbage',
  'quota',
  'truncated',
  'oversize',
  'hang',
  'hang-body',
] as const
const FEEDS: readonly FakeFeed[] = ['lender', 'volatility', 'events', 'files']
const OVERSIZE_BYTES = 4_000_000

/** What a caller must send. The file server wants none. */
export const FAKE_KEYS = {
  lender: 'fake-lender-key',
  volatility: 'fake-volatility-key',
  events: 'fake-event-key',
} as const

export interface FakeFeeds {
  /** The address of each, without a path: `http://127.0.0.1:…`. */
  readonly urls: Readonly<Record<FakeFeed | 'admin', string>>
  /** `ftp://shortstock@127.0.0.1:…`, the same files. */
  readonly ftpUrl: string
  setMode(feed: FakeFeed, mode: Mode | Mode['kind']): void
  /** The text that a feed answers about a ticker (`null`: 404; for the volatility index the ticker is `VIX`). Undefined takes it back. */
  setAnswer(feed: FakeFeed, ticker: string, text: string | null | undefined): void
  /** A file of the file server; `null` removes it. `.md5` and `.gz` beside it are made unless they are put themselves. */
  putFile(name: string, content: string | Buffer | null): void
  /** Requests since the start or the last reset. */
  requests(feed: FakeFeed): number
  /** The most requests that were under way at once. */
  atOnceMax(feed: FakeFeed): number
  /** Every mode ok, counters 0, own answers and files gone. */
  reset(): void
  close(): Promise<void>
}

interface FeedState {
  mode: Mode
  requests: number
  underWay: number
  atOnceMax: number
  readonly answers: Map<string, string | null>
}

export interface FakePorts {
  readonly lender: number
  readonly volatility: number
  readonly events: number
  readonly files: number
  readonly ftp: number
  readonly admin: number
}

const ANY_PORT: FakePorts = { lender: 0, volatility: 0, events: 0, files: 0, ftp: 0, admin: 0 }

/** Starts all of them on 127.0.0.1, on free ports unless told otherwise. */
export async function startFakeFeeds({
  ports = ANY_PORT,
  clock = () => new Date(),
}: {
  ports?: FakePorts
  clock?: () => Date
} = {}): Promise<FakeFeeds> {
  const files = new Map<string, Buffer>()
  const states = Object.fromEntries(
    FEEDS.map((feed) => [feed, { mode: { kind: 'ok' }, requests: 0, underWay: 0, atOnceMax: 0, answers: new Map() }]),
  ) as unknown as Record<FakeFeed, FeedState>

  const servers = await Promise.all(
    FEEDS.map((feed) =>
      listen(
        createServer((request, response) => {
          const state = states[feed]
          state.requests += 1
          state.underWay += 1
          state.atOnceMax = Math.max(state.atOnceMax, state.underWay)
          response.on('close', () => {
            state.underWay -= 1
          })
          void answer(feed, state, files, request, response, clock)
        }),
        ports[feed],
      ),
    ),
  )
  const ftp = await startFakeFtp({
    port: ports.ftp,
    file: (name) => fileOf(files, name),
    mode: () => states.files.mode.kind,
  })

  const setMode: FakeFeeds['setMode'] = (feed, mode) => {
    states[feed].mode = typeof mode === 'string' ? plainMode(mode) : mode
  }
  const setAnswer: FakeFeeds['setAnswer'] = (feed, ticker, text) => {
    if (text === undefined) states[feed].answers.delete(ticker)
    else states[feed].answers.set(ticker, text)
  }
  const putFile: FakeFeeds['putFile'] = (name, content) => {
    if (content === null) files.delete(name)
    else files.set(name, Buffer.from(content))
  }
  const reset = () => {
    files.clear()
    for (const state of Object.values(states)) {
      state.mode = { kind: 'ok' }
      state.requests = 0
      state.atOnceMax = state.underWay
      state.answers.clear()
    }
  }
  const admin = await listen(
    createServer(
      (request, response) => void administer({ request, response, states, setMode, setAnswer, putFile, reset }),
    ),
    ports.admin,
  )
  const all = [...servers, admin]

  return {
    urls: Object.fromEntries(
      [...FEEDS, 'admin'].map((name, i) => [name, addressOf(all[i] as Server)]),
    ) as FakeFeeds['urls'],
    ftpUrl: `ftp://shortstock@127.0.0.1:${ftp.port}`,
    setMode,
    setAnswer,
    putFile,
    requests: (feed) => states[feed].requests,
    atOnceMax: (feed) => states[feed].atOnceMax,
    reset,
    async close() {
      await ftp.close()
      await Promise.all(
        all.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve())
              server.closeAllConnections()
            }),
        ),
      )
    },
  }
}

// ---- answers ----

async function answer(
  feed: FakeFeed,
  state: FeedState,
  files: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
  clock: () => Date,
): Promise<void> {
  request.resume()
  const url = new URL(request.url ?? '/', 'http://fake')
  const ticker = url.searchParams.get('ticker') ?? /\/(?:borrows|volatility)\/([^/]+)$/.exec(url.pathname)?.[1] ?? null
  const magic = ticker === null ? undefined : MAGIC_TICKERS.get(ticker)
  const mode = state.mode.kind === 'ok' && magic !== undefined ? magic : state.mode
  const number = state.requests

  if (feed !== 'files' && !isAuthorized(feed, request)) return send(response, 401, '{"error":"wrong key"}')
  switch (mode.kind) {
    case 'hang':
      return
    case 'hang-body':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"rate":')
      return
    case '500':
      return send(response, 500, '{"error":"an internal error"}')
    case '404':
      return send(response, 404, '{"error":"no such name"}')
    case '401':
      return send(response, 401, '{"error":"wrong key"}')
    case '429':
      return send(response, 429, '{"error":"too many requests"}', { 'retry-after': '2' })
    case 'redirect':
      return send(response, 302, '', { location: '/elsewhere' })
    case 'garbage':
      return send(response, 200, '<!doctype html><html><body>We will be back soon.</body></html>', {
        'content-type': 'text/html',
      })
    case 'quota':
      return send(response, 200, '{"Note":"Thank you for using our API! Our standard limit is 25 requests a day."}')
    case 'truncated':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"rate":0.0', () => response.destroy())
      return
    case 'oversize':
      return send(response, 200, `{"rate":0.15,"status":"HARD","note":"${'x'.repeat(OVERSIZE_BYTES)}"}`)
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, mode.milliseconds))
      break
    case 'intermittent':
      if ((number - 1) % mode.of < mode.failing) return send(response, 500, '{"error":"now and then"}')
  }
  if (feed === 'files') return sendFile(response, request, fileOf(files, url.pathname.slice(1)))
  const text = ownAnswer(state, url.pathname, ticker) ?? goodAnswer(feed, url.pathname, ticker, clock())
  if (text === null || text === '') return send(response, 404, '{"error":"no such name"}')
  send(response, 200, text)
}

/** '' for a name that is to be unknown, null when nothing was set. */
function ownAnswer(state: FeedState, path: string, ticker: string | null): string | null {
  const name = path === '/api/market/vix' ? 'VIX' : (ticker ?? '')
  return state.answers.has(name) ? (state.answers.get(name) ?? '') : null
}

function isAuthorized(feed: Exclude<FakeFeed, 'files'>, request: IncomingMessage): boolean {
  return feed === 'volatility'
    ? request.headers.authorization === `Bearer ${FAKE_KEYS.volatility}`
    : request.headers['x-api-key'] === FAKE_KEYS[feed]
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(body)
}

function sendFile(response: ServerResponse, request: IncomingMessage, content: Buffer | null): void {
  const etag = content === null ? '' : `"${createHash('md5').update(content).digest('hex')}"`
  if (content === null) send(response, 404, 'no such file', { 'content-type': 'text/plain' })
  else if (request.headers['if-none-match'] === etag) send(response, 304, '', { etag })
  else {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': content.length, etag })
    response.end(content)
  }
}

/** A file, or what is made of the file beside it: `usa.txt.md5` and `usa.txt.gz` of `usa.txt`. */
function fileOf(files: Map<string, Buffer>, name: string): Buffer | null {
  const own = files.get(name)
  if (own !== undefined) return own
  const [, of = '', suffix = ''] = /^(.+)\.(md5|gz)$/.exec(name) ?? []
  const content = files.get(of)
  if (content === undefined) return null
  return suffix === 'gz'
    ? gzipSync(content)
    : Buffer.from(`${createHash('md5').update(content).digest('hex')}  ${of}\n`)
}

// ---- the admin port ----

async function administer(of: {
  request: IncomingMessage
  response: ServerResponse
  states: Readonly<Record<FakeFeed, FeedState>>
  setMode: FakeFeeds['setMode']
  setAnswer: FakeFeeds['setAnswer']
  putFile: FakeFeeds['putFile']
  reset: () => void
}): Promise<void> {
  const { request, response, states } = of
  const body = await textOf(request)
  const [first = '', second = '', ...rest] = new URL(request.url ?? '/', 'http://fake').pathname
    .split('/')
    .filter((part) => part !== '')
  const feed = FEEDS.find((name) => name === first)
  try {
    if (request.method === 'POST' && first === 'reset') of.reset()
    else if (request.method === 'POST' && feed !== undefined) of.setMode(feed, readMode(second, rest))
    else if (request.method === 'PUT' && feed === 'files' && second !== '') of.putFile(second, body)
    else if (request.method === 'DELETE' && feed === 'files' && second !== '') of.putFile(second, null)
    else if (request.method === 'PUT' && feed !== undefined && second !== '')
      of.setAnswer(feed, second, body === '' ? null : body)
    else if (request.method === 'DELETE' && feed !== undefined && second !== '') of.setAnswer(feed, second, undefined)
    else if (request.method !== 'GET') throw new Error('see README.md for what can be asked')
  } catch (error) {
    return send(response, 400, `${JSON.stringify({ error: (error as Error).message })}\n`)
  }
  const shown = Object.entries(states).map(([name, { mode, requests, atOnceMax, answers }]) => [
    name,
    { mode, requests, at_once_max: atOnceMax, own_answers: [...answers.keys()] },
  ])
  send(response, 200, `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`)
}

function readMode(kind: string, numbers: readonly string[]): Mode {
  const [first, second] = numbers.map(Number)
  if (kind === 'slow') return { kind, milliseconds: first ?? 800 }
  if (kind === 'intermittent') return { kind, failing: first ?? 1, of: second ?? 2 }
  return plainMode(kind)
}

function plainMode(kind: string): Mode {
  const plain = PLAIN_MODES.find((known) => known === kind)
  if (plain === undefined)
    throw new Error(`a mode is one of ${PLAIN_MODES.join(', ')}, slow/<milliseconds> or intermittent/<failing>/<of>`)
  return { kind: plain }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
