// A closed loop of clients on keep-alive connections: wrk where it is installed, else a small one of our own. Each connection sends
// its next request when the answer to the last one is there.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'

/** What is sent, over and over. */
export interface Shot {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
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
  const installed = spawnSync('wrk', ['--version']).error === undefined
  return installed ? { name: 'wrk', run: (...load) => wrk(folder, ...load) } : { name: 'own client', run: ownClient }
}

/**
 * All connections are there before the first request leaves. A server that is busy takes up one new connection in each turn of its
 * event loop, and wrk, which makes up for what it could not send meanwhile, would count the wait of the last ones many times over.
 */
const CONNECT_MS = 100

async function wrk(folder: string, shot: Shot, connections: number, seconds: number): Promise<LoadResult> {
  const script = join(folder, 'shot.lua')
  const delay = [
    'local begun = 0',
    'function delay()',
    '  begun = begun + 1',
    `  return begun > ${connections} and 0 or ${CONNECT_MS}`,
    'end',
  ]
  const headers = Object.entries(shot.headers).map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`)
  writeFileSync(script, ['wrk.method = "POST"', `wrk.body = ${quoted(shot.body)}`, ...headers, ...delay, ''].join('\n'))
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '--latency', '-s', script]
  const output = await textOf('wrk', [...options, shot.url])
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`not every request was answered:\n${output}`)
  const requests = Number(part(output, /([0-9]+) requests in/))
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
  const latencies: number[] = []
  const start = performance.now()
  const end = start + seconds * 1_000
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const sentAt = performance.now()
        await post(shot, agent)
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

/** Sends the shot once. @returns the answer's body. @throws Error when its status is not 200. */
export function post(shot: Shot, agent?: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { ...shot.headers, 'content-length': Buffer.byteLength(shot.body) }
    const request = http.request(shot.url, { method: 'POST', headers, ...(agent && { agent }) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${response.statusCode}: ${text}`))
      })
    })
    request.on('error', reject)
    request.end(shot.body)
  })
}
