// What `npm run cluster` promises whoever types it: one command starts everything and says what to try, Ctrl-C leaves nothing
// behind, and what was recorded is there at the next start.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandLine } from '../database/process-identity.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound } from '../test/pgbouncer-found.ts'
import { until } from '../test/until.ts'

const START_MS_MAX = 90_000
const STOP_MS_MAX = 30_000
const BACKEND = fileURLToPath(new URL('..', import.meta.url))

const found = pgbouncerFound() !== null
if (!found) console.warn(`\nThe test of the cluster is skipped. To have it: ${HOW_TO_GET_PGBOUNCER}\n`)

let folder: string
let running: ChildProcess | undefined

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-cluster-test-'))
  chmodSync(folder, 0o755) // as root the database runs as another user, who must get in
})

afterAll(async () => {
  running?.kill('SIGKILL')
  await until('everything has ended', STOP_MS_MAX, () => processesOn(folder).length === 0)
  rmSync(folder, { recursive: true, force: true })
})

/** Until it has said what to try, or has ended. @returns what it printed */
async function start(): Promise<string> {
  const child = spawn('npm', ['run', 'cluster'], {
    cwd: BACKEND,
    env: { ...process.env, DATA_DIR: folder, PORT: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, as in a terminal
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  running = child
  await until(
    'the cluster has said what to try',
    START_MS_MAX,
    () => output.includes('Ctrl-C') || child.exitCode !== null,
  )
  if (child.exitCode !== null) throw new Error(`the cluster did not start:\n${output}`)
  return output
}

/** Ctrl-C, which npm hears as well. @returns how npm ended */
async function stop(): Promise<number | null> {
  const child = running!
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  process.kill(-child.pid!, 'SIGINT')
  const code = await ended
  running = undefined
  return code
}

/** Processes whose command names the folder: the database and the pooler. */
function processesOn(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(Number(pid)))
    .filter((command) => command.includes(path))
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}

const portsIn = (output: string) => [...output.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]))

async function firstQuote(output: string) {
  const address = /Address\s+(\S+)/.exec(output)?.[1]
  const key = /Key\s+(\S+)/.exec(output)?.[1] ?? ''
  const answer = await fetch(`${address}/api/v1/calculate-locate`, {
    method: 'POST',
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: /-d '([^']+)'/.exec(output)?.[1] ?? '',
  })
  return { status: answer.status, key, json: (await answer.json()) as { audit_id: string; total_fee: number } }
}

describe.runIf(found && process.platform === 'linux')('npm run cluster', () => {
  test('starts, prices what it says to try, and is all gone after Ctrl-C; a second start has the same keys', async () => {
    const first = await start()
    const quote = await firstQuote(first)
    expect(quote).toMatchObject({ status: 200, json: { total_fee: 105.89 } })
    for (const [address] of first.matchAll(/http:\S+\/health\/details/g)) {
      expect(await (await fetch(address)).json()).toMatchObject({ status: 'ok' })
    }
    const ports = portsIn(first)
    expect(new Set(ports).size).toBe(8)
    expect(await stop()).toBe(0)
    expect(await Promise.all(ports.map(isOpen))).toEqual(ports.map(() => false))
    expect(processesOn(folder)).toEqual([])

    const second = await start()
    expect(await firstQuote(second)).toMatchObject({ status: 200, key: quote.key })

    // A killed one takes everything with it.
    process.kill(-running!.pid!, 'SIGKILL')
    running = undefined
    await until('nothing is left', STOP_MS_MAX, async () => {
      const open = await Promise.all(portsIn(second).map(isOpen))
      return !open.includes(true) && processesOn(folder).length === 0
    })
  }, 180_000)
})
