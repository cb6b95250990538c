// A closed loop of clients on keep-alive connections: wrk where it is installed, else a small one of our own. Each connection sends
// its next request when the answer to the last one is there. Requests are taken in turn from those of the shot.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'

/** What is sent, in turn, over and over. */
export interface Shot {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodies: readonly string[]
  /** API keys by body, in turn, where not all requests are of one sender. */
  readonly keys?: readonly string[]
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requests: number
}

/** How to drive load; `name` goes into the report. */
export interface LoadDriver {
  readonly name: string
  /** @throws Error when an answer was not a 200. */
  run(shot: Shot, connections: number, seconds: number): Promise<LoadResult>
}

/** @param folder where a driver may leave its files */
export function loadDriver(folder: string): LoadDriver {
  return wrkVersion() === null
    ? { name: 'own client', run: ownClient }
    : { name: 'wrk', run: (...load) => wrk(folder, ...load) }
}

/** `wrk 4.1.0`; null where it is not installed. */
export function wrkVersion(): string | null {
  // It says so and leaves with 1.
  const { error, stdout } = spawnSync('wrk', ['--version'], { encoding: 'utf8' })
  if (error !== undefined) return null
  return `wrk ${/[0-9]+\.[0-9.]+/.exec(stdout)?.[0] ?? ''}`.trim()
}

/** The requests of a shot as they leave: body and headers, each body at least once. */
export function requestsOf(shot: Shot): { body: string; headers: Readonly<Record<string, string>> }[] {
  const { bodies, keys = [], headers } = shot
  return Array.from({ length: Math.max(bodies.length, keys.length) }, (_, index) => {
    const key = keys[index % keys.length]
    return {
      body: bodies[index % bodies.length] as string,
      headers: key === undefined ? headers : { ...headers, 'X-API-Key': key },
    }
  })
}

/**
 * All connections are there before the first request leaves. A server that is busy takes up one new connection in each turn of its
 * event loop, and wrk, which makes up for what it could not send meanwhile, would count the wait of the last ones many times over.
 */
const CONNECT_MS = 100

/** A request costs wrk a look into a table of texts: they are made before the first leaves. */
const REQUESTS_IN_TURN = `
local requests, count, at = {}, 0, 0
function init(arguments)
  for line in io.lines(FILE) do
    local key, body = line:match("^([^\\t]*)\\t(.*)$")
    if key ~= "" then wrk.headers["X-API-Key"] = key end
    count = count + 1
    requests[count] = wrk.format(nil, nil, nil, body)
  end
end
function request()
  at = at + 1
  if at > count then at = 1 end
  return requests[at]
end
local begun = 0
function delay()
  begun = begun + 1
  return begun > CONNECTIONS and 0 or CONNECT_MS
end
`

async function wrk(folder: string, shot: Shot, connections: number, seconds: number): Promise<LoadResult> {
  const [script, requestsFile] = [join(folder, 'shot.lua'), join(folder, 'shot.txt')]
  writeFileSync(
    requestsFile,
    requestsOf(shot)
      .map(({ headers, body }) => `${headers['X-API-Key'] ?? ''}\t${body}\n`)
      .join(''),
  )
  const headers = Object.entries(shot.headers).map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`)
  const known = [`local FILE = ${quoted(requestsFile)}`, `local CONNECTIONS = ${connections}`]
  const settings = [...known, `local CONNECT_MS = ${CONNECT_MS}`, 'wrk.method = "POST"', ...headers]
  writeFileSync(script, settings.join('\n') + REQUESTS_IN_TURN)
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '--latency', '-s', script]
  const output = await textOf('wrk', [...options, shot.url])
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`not every request was answered:\n${output}`)
  const requests = Number(part(output, /([0-9]+) requests in/))
  if (requests === 0) throw new Error('nothing was answered: the machine has other things to do')
  return {
    requestsPerSecond: requests / (seconds - CONNECT_MS / 1_000),
    p50Ms: milliseconds(part(output, /^ +50% +(\S+)/m)),
    p99Ms: milliseconds(part(output, /^ +99% +(\S+)/m)),
    requests,
  }
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

function part(output: string, pattern: RegExp): string {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`wrk said something unknown:\n${output}`)
  return found
}

/** Of the latency distribution: `830.00us`, `2.91ms` or `1.20s` in milliseconds. */
function milliseconds(text: string): number {
  const value = Number.parseFloat(text)
  if (text.endsWith('us')) return value / 1_000
  return text.endsWith('ms') ? value : value * 1_000
}

function textOf(command: string, parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${command} left with ${code}`))))
  })
}

async function ownClient(shot: Shot, connections: number, seconds: number): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const requests = requestsOf(shot)
  const latencies: number[] = []
  let sent = 0
  const start = performance.now()
  const end = start + seconds * 1_000
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const { body, headers } = requests[sent % requests.length]!
        sent += 1
        const sentAt = performance.now()
        await post({ url: shot.url, headers, bodies: [body] }, agent)
        latencies.push(performance.now() - sentAt)
      }
    }),
  )
  const elapsed = performance.now() - start
  agent.destroy()
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!
  return {
    requestsPerSecond: (latencies.length * 1_000) / elapsed,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    requests: latencies.length,
  }
}

/** Sends each request of a shot once. @returns the answer of the middle length. @throws Error when a status is not 200. */
export async function postEach(shot: Shot): Promise<string> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const answers: string[] = []
  try {
    for (const { headers, body } of requestsOf(shot)) {
      answers.push(await post({ url: shot.url, headers, bodies: [body] }, agent))
    }
  } finally {
    agent.destroy()
  }
  return answers.sort((a, b) => a.length - b.length)[Math.floor(answers.length / 2)] as string
}

/** Sends the shot's first request. @returns the answer's body. @throws Error when its status is not 200. */
export function post(shot: Shot, agent?: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const { body, headers: own } = requestsOf({ ...shot, bodies: shot.bodies.slice(0, 1) })[0]!
    const headers = { ...own, 'content-length': Buffer.byteLength(body) }
    const request = http.request(shot.url, { method: 'POST', headers, ...(agent && { agent }) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${response.statusCode} to ${body}: ${text}`))
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}
