// Servers that a benchmark starts and takes down again, whatever happens in between.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
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
  const log = openSync(server.logFile, 'w')
  const child = spawn(process.execPath, server.command, {
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...server.environment },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  try {
    await ready(server, child)
    return await work(child.pid as number)
  } finally {
    await stop(child)
  }
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
  const children = readOrNull(`/proc/${pid}/task/${pid}/children`) ?? ''
  const processes = [
    pid,
    ...children
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  ]
  return new Map(
    processes.flatMap((process): [number, number][] => {
      const ms = cpuMs(process)
      return ms === null ? [] : [[process, ms]]
    }),
  )
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
