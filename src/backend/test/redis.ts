// Real Redis servers for tests: each on a free port of this machine, in a folder of its own that is removed with it. They can be
// killed, paused and started again. What a test forgets to stop ends with its process.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Keeper, startKeeper } from '../tools/keep.ts'
import { HOW_TO_GET_REDIS, redisPrograms } from './redis-found.ts'
import { until } from './until.ts'

export { until } from './until.ts'

export interface TestRedis {
  /** For REDIS_URL, with the password. */
  readonly url: string
  readonly port: number
  /** Of the process that runs, or ran last. */
  pid(): number
  /** PEM file of the authority that signed its certificate; null without TLS. */
  readonly caFile: string | null
  /** At once, as a power cut. */
  kill(): Promise<void>
  /** It takes connections and answers nothing, as a machine that hangs. */
  pause(): void
  resume(): void
  /** After kill: again on the same port, empty. */
  start(): Promise<void>
  /** What redis-cli says to a command. */
  say(...command: string[]): Promise<string>
  /** Ends it, paused or not, and removes its folder. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  readonly password?: string
  readonly tls?: boolean
}

const PORT_MIN = 20_000
/** The bus of a cluster has its port 10000 above, and the system gives out ports from 32768 on by chance. */
const PORT_MAX = 29_999
const BUS_ABOVE = 10_000
const START_TRIES = 5
const START_MS_MAX = 10_000

export async function startRedis(options: RedisServerOptions = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-redis-'))
  const tls = options.tls === true ? makeCertificates(folder) : null
  return await startServer(folder, options.password ?? null, tls, [])
}

export interface TestRedisCluster {
  readonly url: string
  /** All of them, primaries and replicas. */
  readonly nodes: readonly TestRedis[]
  /** The node that has a key now. */
  primaryOf(key: string): Promise<TestRedis>
  stop(): Promise<void>
}

/** A node that says nothing for this long is replaced by its replica, some seconds later. */
const NODE_TIMEOUT_MS = 1_000
const SHARDS = 3
const FORM_MS_MAX = 30_000

/** Three primaries with a replica each; formed in about two seconds. */
export async function startRedisCluster(options: { readonly password?: string } = {}): Promise<TestRedisCluster> {
  const password = options.password ?? null
  const nodes = await Promise.all(
    Array.from({ length: SHARDS * 2 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-redis-'))
      const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)]
      return startServer(folder, password, null, [...settings, '--cluster-require-full-coverage', 'no'])
    }),
  )
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    const authority = password === null ? [] : ['-a', password, '--no-auth-warning']
    await cli([...authority, '--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'])
    await until('the cluster is formed', FORM_MS_MAX, async () => {
      const said = await Promise.all(nodes.map((node) => node.say('cluster', 'info')))
      const known = await Promise.all(nodes.map((node) => node.say('cluster', 'slots')))
      // Each slot range names its primary and its replica once all have heard of each other.
      const ports = known.map((slots) => nodes.filter(({ port }) => slots.includes(String(port))).length)
      return said.every((info) => info.includes('cluster_state:ok')) && ports.every((count) => count === nodes.length)
    })
  } catch (error) {
    await stop()
    throw error
  }
  const user = password === null ? '' : `:${encodeURIComponent(password)}@`
  return {
    url: `redis+cluster://${user}${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    primaryOf: async (key) => {
      for (const node of nodes) {
        const there = await node.say('get', key).catch(() => 'MOVED')
        const role = await node.say('role').catch(() => '')
        if (!there.includes('MOVED') && role.startsWith('master')) return node
      }
      throw new Error(`no node has the key ${key} now`)
    },
    stop,
  }
}

// ---- one server ----

interface Certificates {
  readonly caFile: string
  readonly settings: readonly string[]
}

async function startServer(
  folder: string,
  password: string | null,
  tls: Certificates | null,
  moreSettings: readonly string[],
): Promise<TestRedis> {
  let port = await freePort()
  const settings = () => [
    ...(tls === null ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port), ...tls.settings]),
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', '--daemonize', 'no'],
    ...(password === null ? [] : ['--requirepass', password, '--masterauth', password]),
    ...moreSettings,
  ]
  let child = await spawnServer(folder, settings()).catch(() => null)
  // Somebody else may have taken the port in between.
  for (let tries = 1; child === null && tries < START_TRIES; tries += 1) {
    port = await freePort()
    child = await spawnServer(folder, settings()).catch(() => null)
  }
  if (child === null) throw new Error(`redis-server did not start in ${START_TRIES} tries`)
  let running = child

  const kill = () => ended(running)
  return {
    url: `${tls === null ? 'redis' : 'rediss'}://${password === null ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    pid: () => running.pid as number,
    caFile: tls?.caFile ?? null,
    kill,
    pause: () => running.kill('SIGSTOP'),
    resume: () => running.kill('SIGCONT'),
    start: async () => {
      running = await spawnServer(folder, settings())
    },
    say: (...command) =>
      cli([
        ...['-h', '127.0.0.1', '-p', String(port)],
        ...(password === null ? [] : ['-a', password, '--no-auth-warning']),
        ...(tls === null ? [] : ['--tls', '--cacert', tls.caFile]),
        ...command,
      ]),
    stop: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Ends them, and removes their folders, when this process was killed and can do nothing any more. */
let keeper: Keeper | undefined
/** Servers of this process that run. */
const running = new Set<ChildProcess>()
for (const event of ['exit', 'disconnect'] as const) {
  process.on(event, () => {
    for (const child of running) child.kill('SIGKILL')
  })
}

/** Resolves when it takes connections; rejects when it ends instead. */
function spawnServer(folder: string, settings: readonly string[]): Promise<ChildProcess> {
  const programs = redisPrograms()
  if (programs === null) throw new Error(`there is no Redis to test on: ${HOW_TO_GET_REDIS}`)
  return new Promise((resolve, reject) => {
    // In a process group of its own: a Ctrl-C is for whoever started it.
    const child = spawn(programs.server, settings, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    running.add(child)
    keeper ??= startKeeper()
    keeper.mind(child)
    keeper.mindFolder(folder)
    let said = ''
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX)
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (!said.includes('Ready to accept connections')) return
      said = ''
      clearTimeout(late)
      resolve(child)
    })
    child.on('error', reject)
    child.on('exit', () => {
      clearTimeout(late)
      running.delete(child)
      reject(new Error(`redis-server ended at its start: ${said.slice(-500)}`))
    })
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL') // ends a paused one as well
  })
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN))
    if ((await isFree(port)) && (await isFree(port + BUS_ABOVE))) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

const CLI_MS_MAX = 20_000

async function cli(argumentList: readonly string[]): Promise<string> {
  const programs = redisPrograms()
  if (programs === null) throw new Error(`there is no Redis to test on: ${HOW_TO_GET_REDIS}`)
  const { stdout } = await promisify(execFile)(programs.client, argumentList, { timeout: CLI_MS_MAX })
  return stdout.trim()
}

// ---- certificates ----

/** An authority and a certificate of it for this machine, for two days. */
function makeCertificates(folder: string): Certificates {
  const openssl = (...argumentList: string[]) =>
    execFileSync('openssl', argumentList, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  writeFileSync(join(folder, 'names.txt'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr')
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names.txt']
  openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server.pem')
  const caFile = join(folder, 'ca.pem')
  return {
    caFile,
    settings: [
      ...['--tls-cert-file', join(folder, 'server.pem'), '--tls-key-file', join(folder, 'server.key')],
      ...['--tls-ca-cert-file', caFile, '--tls-auth-clients', 'no'],
    ],
  }
}
