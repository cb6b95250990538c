// Servers that a benchmark starts and takes down again, whatever happens in between.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const STOP_WAIT_MS = 20_000
const READY_WAIT_MS = 90_000
const POLL_MS = 100
const LOG_CHARACTERS_SHOWN = 2_000

export interface ServerProcess {
  readonly url: string
  readonly command: readonly string[]
  /** Its path that answers 200 when it may be used. */
  readonly readyPath: string
  readonly environment: Record<string, string>
  /** Where what it says goes. */
  readonly logFile: string
}

/** Runs a Node program as a server while the work lasts; the work is told its process id. */
export async function withServer<T>(server: ServerProcess, work: (pid: number) => Promise<T>): Promise<T> {
  const child = started(server)
  try {
    await ready(server, child)
    return await work(child.pid as number)
  } finally {
    await stop(child)
  }
}

/** Starts it and ends it again. @returns milliseconds from the start of its process to the first 200 of its `readyPath` */
export async function msToReady(server: ServerProcess): Promise<number> {
  const startMs = performance.now()
  const child = started(server)
  try {
    await untilAnswers(`${server.url}${server.readyPath}`, () => child.exitCode === null)
    return performance.now() - startMs
  } catch (error) {
    throw notReady(server, String(error))
  } finally {
    await stop(child)
  }
}

const ASK_EVERY_MS = 4
const ANSWER_WAIT_MS = 1_000

/** Asks again and again, on a connection of its own each time. @throws Error when it does not answer 200 in time, or is gone */
export async function untilAnswers(address: string, isAlive: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + READY_WAIT_MS
  while (isAlive() && performance.now() < giveUpAt) {
    if (await answers(address)) return
    await sleep(ASK_EVERY_MS)
  }
  throw new Error(`was not ready at ${address}`)
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(address, { agent: false, timeout: ANSWER_WAIT_MS }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode === 200))
      response.on('error', () => resolve(false))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

function started(server: ServerProcess): ChildProcess {
  const log = openSync(server.logFile, 'w')
  const child = spawn(process.execPath, server.command, {
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...server.environment },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

/** Several at once, ended in reverse; the work is told their process ids in the same order. */
export async function withServers<T>(
  servers: readonly ServerProcess[],
  work: (pids: readonly number[]) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = servers
  if (first === undefined) return work([])
  return withServer(first, (pid) => withServers(rest, (pids) => work([pid, ...pids])))
}

/** Builds what is to be measured. @throws Error when that fails */
export function buildEngine(): void {
  const program = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
  const built = spawnSync(process.execPath, [program], { stdio: 'inherit' })
  if (built.status !== 0) throw new Error('there is no build to measure')
}

/** Linux counts a process's time in hundredths of a second (USER_HZ). */
const CPU_TICK_MS = 10

/** Processor time that a process has used so far, in milliseconds; null where the platform does not tell. */
export function cpuMs(pid: number): number | null {
  // The name stands in parentheses and may hold spaces; user and system time are the 14th and 15th field.
  const fields = readOrNull(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')
  return fields === undefined ? null : (Number(fields[11]) + Number(fields[12])) * CPU_TICK_MS
}

/** The same of a process and each of its children, by process id; empty where the platform does not tell. */
export function cpuTimes(pid: number): ReadonlyMap<number, number> {
  return new Map(
    [pid, ...childrenOf(pid)].flatMap((process): [number, number][] => {
      const ms = cpuMs(process)
      return ms === null ? [] : [[process, ms]]
    }),
  )
}

/** Process ids of its children; none where the platform does not tell. */
export function childrenOf(pid: number): number[] {
  const children = readOrNull(`/proc/${pid}/task/${pid}/children`) ?? ''
  return children
    .split(' ')
    .filter((child) => child !== '')
    .map(Number)
}

/** What was used between two readings, milliseconds; NaN where the platform does not tell. What has ended meanwhile is left out. */
export function cpuMsBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  if (after.size === 0) return Number.NaN
  return [...after].reduce((sum, [process, ms]) => sum + ms - (before.get(process) ?? 0), 0)
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function ready(server: ServerProcess, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_WAIT_MS
  while (Date.now() < until) {
    if (child.exitCode !== null) throw notReady(server, 'left at once')
    const answer = await fetch(`${server.url}${server.readyPath}`).catch(() => null)
    if (answer !== null) await answer.arrayBuffer()
    if (answer?.ok === true) return
    await sleep(POLL_MS)
  }
  throw notReady(server, `was not ready within ${READY_WAIT_MS} ms`)
}

/** With the end of what the server said, since its log is about to be removed. */
function notReady(server: ServerProcess, what: string): Error {
  return new Error(
    `${server.command.join(' ')} ${what}:\n${readFileSync(server.logFile, 'utf8').slice(-LOG_CHARACTERS_SHOWN)}`,
  )
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const left = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS)
  await left
  clearTimeout(late)
}
