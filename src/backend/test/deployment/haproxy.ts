// A real HAProxy that stands for the gateway's load balancer: its backends are the services of a route, its weights are given on its
// admin socket while it runs, as a load balancer's controller gives weights to target groups.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../debian-package.ts'
import { until } from '../until.ts'
import { freePorts } from './image/ports.ts'

const PACKAGE = 'haproxy'
const START_MS = 10_000

/** What to type where there is none. */
export const HOW_TO_GET_HAPROXY = howToInstall(PACKAGE)

export function haproxyFoundOrInstalled(): boolean {
  return foundOrInstalled(PACKAGE, () => onPath(PACKAGE) !== null)
}

export interface Haproxy {
  readonly url: string
  /** Of a service, from 0 to 256, from now on. */
  setWeight(service: string, weight: number): Promise<void>
  end(): Promise<void>
}

/** @param ports of the backends, by service; none has any weight at first */
export async function startHaproxy(folder: string, ports: ReadonlyMap<string, number>): Promise<Haproxy> {
  const [port = 0] = await freePorts(1)
  const admin = join(folder, 'admin.sock')
  const settings = join(folder, 'haproxy.cfg')
  const servers = [...ports].map(([service, at]) => `  server ${service} 127.0.0.1:${at} weight 0`)
  writeFileSync(
    settings,
    `global
  stats socket ${admin} level admin
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend gateway
  bind 127.0.0.1:${port}
  default_backend services
backend services
  balance roundrobin
${servers.join('\n')}
`,
  )
  const child = spawn(onPath(PACKAGE) as string, ['-db', '-f', settings], { stdio: ['ignore', 'ignore', 'pipe'] })
  startKeeper().mind(child)
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  await until('HAProxy listens', START_MS, async () => {
    if (child.exitCode !== null) throw new Error(`HAProxy did not start:\n${said}`)
    return existsSync(admin) && (await isOpen(port))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    setWeight: (service, weight) => command(admin, `set server services/${service} weight ${weight}`),
    async end() {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** One command on the admin socket. Silence is consent. */
async function command(socketPath: string, words: string): Promise<void> {
  const socket = connect(socketPath)
  let answer = ''
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString()
  })
  socket.end(`${words}\n`)
  await once(socket, 'close')
  if (answer.trim() !== '') throw new Error(`HAProxy says to "${words}": ${answer.trim()}`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}
