// A Docker engine of a test's own: Debian's, on a socket and folders of its own, without a bridge and without firewall rules. What it
// leaves is ended, unmounted and removed, also what the engine of a test that was killed has left.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKeeper } from '../../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../../debian-package.ts'
import { clearFolder } from './own-processes.ts'

export const HOW_TO_GET_DOCKER = howToInstall('docker.io docker-registry debootstrap')

export interface Said {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface DockerEngine {
  /** `docker` with these words; never throws. */
  say(words: readonly string[], input?: string): Promise<Said>
  /** The same, for what has to succeed. @returns what it printed, without the last line's end @throws Error with what it said */
  ask(words: readonly string[], input?: string): Promise<string>
  /** Ends it with every container of its. */
  stop(): Promise<void>
}

const PREFIX = 'borrow-rate-engine-docker-'
const READY_WAIT_MS = 30_000
const STOP_WAIT_MS = 20_000
const OUTPUT_BYTES_MAX = 64_000_000

/** Starts one. @returns null with a reason printed where there can be none */
export async function startDockerEngine(): Promise<DockerEngine | null> {
  if (process.getuid?.() !== 0) return unavailable('a Docker engine runs as root')
  const found = () => onPath('dockerd') !== null && dockerClient() !== null
  if (!foundOrInstalled('docker.io', found)) return unavailable(`there is no Docker engine here: ${HOW_TO_GET_DOCKER}`)
  if (!foundOrInstalled('debootstrap', () => onPath('debootstrap') !== null)) {
    return unavailable(`there is nothing to begin an image with: ${HOW_TO_GET_DOCKER}`)
  }
  await clearAbandoned()
  const folder = mkdtempSync(join(tmpdir(), PREFIX))
  writeFileSync(join(folder, 'owner'), String(process.pid))
  const engine = await startIn(folder)
  if (engine !== null) return engine
  const log = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').slice(-5).join('\n')
  await clearFolder(folder)
  return unavailable(`Docker's engine does not start on this machine. It said:\n${log}`)
}

async function startIn(folder: string): Promise<DockerEngine | null> {
  const socket = join(folder, 'socket')
  // BuildKit builds; the client's settings are the test's own, and so is what it logs in with.
  const home = join(folder, 'client')
  mkdirSync(home, { mode: 0o700 })
  chmodSync(folder, 0o711)
  const environment = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: home }
  const log = openSync(join(folder, 'log'), 'a')
  const daemon = spawn(
    onPath('dockerd') as string,
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'run'), '--pidfile', join(folder, 'pid')],
      ...['--host', `unix://${socket}`, '--bridge=none', '--iptables=false', '--ip6tables=false'],
    ],
    { stdio: ['ignore', log, log], detached: true },
  )
  startKeeper().mind(daemon)
  const say = (words: readonly string[], input?: string) => talk(words, environment, input)
  const deadline = performance.now() + READY_WAIT_MS
  while ((await say(['version'])).status !== 0) {
    if (hasEnded(daemon) || performance.now() > deadline) {
      await end(daemon)
      return null
    }
    await sleep(100)
  }
  return {
    say,
    async ask(words, input) {
      const said = await say(words, input)
      if (said.status !== 0) {
        throw new Error(
          `docker ${words.join(' ')} ended with ${said.status}:\n${`${said.stdout}${said.stderr}`.slice(-4000)}`,
        )
      }
      return said.stdout.replace(/\n$/, '')
    },
    async stop() {
      const running = (await say(['ps', '--quiet'])).stdout.split('\n').filter((id) => id !== '')
      if (running.length > 0) await say(['kill', ...running])
      await end(daemon)
      await clearFolder(folder)
    },
  }
}

function talk(words: readonly string[], environment: NodeJS.ProcessEnv, input?: string): Promise<Said> {
  return new Promise((done) => {
    const child = execFile(
      dockerClient() as string,
      words,
      { env: environment, encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        done({ status, stdout, stderr })
      },
    )
    child.stdin?.on('error', () => {}) // it ended without reading
    child.stdin?.end(input ?? '')
  })
}

/** The client that came with the engine, before any other of that name. */
function dockerClient(): string | null {
  return ['/usr/bin/docker', onPath('docker')].find((path) => path !== null && existsSync(path)) ?? null
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS)
  await gone
  clearTimeout(late)
}

/** Of test runs that were killed. */
async function clearAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    const owner = existsSync(join(folder, 'owner')) ? readFileSync(join(folder, 'owner'), 'utf8') : ''
    if (owner !== '' && existsSync(`/proc/${owner}`)) continue
    await clearFolder(folder)
  }
}

function unavailable(reason: string): null {
  console.warn(`\n${reason}\n`)
  return null
}
