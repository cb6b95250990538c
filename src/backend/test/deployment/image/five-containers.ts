// The five services and PgBouncer as containers of one engine, held as tightly as the cluster holds its pods: nothing written, no
// capability, no new right, and an eighth of the memory that a pod may have.
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { createSigningKey } from '../../../audit/signing-key.ts'
import type { UserRole } from '../../../database/service-users.ts'
import { SERVICE_NAMES, type ServiceName } from '../../../tools/local-cluster.ts'
import type { Authority } from '../../certificates.ts'
import { PROJECT_ROOT } from '../../tidy/tree.ts'
import { IMAGE, POOLER_IMAGE } from './build-line.ts'
import type { DockerEngine } from './docker-engine.ts'

/** The image's user, who has to read what is mounted. */
const IMAGE_USER = 1000
const GI = 1024 ** 3
/** What a pod may use: processors and memory. */
const POD_LIMITS: Readonly<Record<ServiceName, { readonly processors: number; readonly memory: number }>> = {
  'api-gateway': { processors: 2, memory: 4 * GI },
  'calculation-service': { processors: 4, memory: 8 * GI },
  'data-service': { processors: 2, memory: 6 * GI },
  'cache-service': { processors: 4, memory: 16 * GI },
  'audit-service': { processors: 1, memory: 2 * GI },
}
/** A machine that tests has no 36 GiB, and an engine that is idle needs none. */
const SHARE_OF_MEMORY = 1 / 8
export const memoryOf = (service: ServiceName) => POD_LIMITS[service].memory * SHARE_OF_MEMORY

export const HARDENED = [
  '--read-only',
  '--cap-drop',
  'ALL',
  '--security-opt',
  'no-new-privileges',
  '--pids-limit',
  '200',
]
const HEALTHY_WAIT_MS = 120_000
const POOLER = 'pgbouncer'

export const DATABASE_USERS: Readonly<Partial<Record<ServiceName, UserRole>>> = {
  'api-gateway': 'api_gateway',
  'calculation-service': 'calculation_service',
  'data-service': 'data_service',
  'audit-service': 'audit_service',
}

export interface Doors {
  readonly open: number
  readonly internal: number
}

export interface FiveContainersOptions {
  readonly docker: DockerEngine
  readonly folder: string
  readonly authority: Authority
  readonly databasePort: number
  readonly database: string
  readonly redisUrl: string
  readonly ports: Readonly<Record<ServiceName, Doors>>
  readonly poolerPort: number
  readonly passwords: Readonly<Partial<Record<UserRole, string>>>
}

/** The name of the container of a service. */
export const containerOf = (service: ServiceName | typeof POOLER) => `rehearsal-${service}`

/** Starts PgBouncer with the cluster's own settings: only where it listens and where its database is are the test's. */
export async function startPooler(options: FiveContainersOptions): Promise<void> {
  const folder = poolerFolder(options)
  for (const name of ['config', 'tls', 'rds-ca']) mkdirSync(join(folder, name), { recursive: true })
  for (const [file, text] of Object.entries(poolerSettings())) {
    const own = text
      .replace(/^listen_addr = .*$/m, 'listen_addr = 127.0.0.1')
      .replace(/^listen_port = .*$/m, `listen_port = ${options.poolerPort}`)
      // The database of a test has no certificate; the pooler has one, as in the cluster.
      .replace(/^server_tls_.*$/gm, '')
    writeFileSync(join(folder, 'config', file), own)
  }
  giveCertificates(options.authority, POOLER, join(folder, 'tls'))
  writePoolerSecrets(options, options.passwords)
  chownAll(folder)
  const { docker } = options
  await docker.ask([
    ...['run', '--detach', '--name', containerOf(POOLER), '--network', 'host', ...HARDENED, '--memory', '64m'],
    ...['--env', 'WATCH_SECONDS=1', '--health-interval', '1s', '--volume', `${folder}:/etc/pgbouncer:ro`, POOLER_IMAGE],
  ])
  await healthy(docker, POOLER)
}

/** As kubelet does it: a new folder, and the link swapped in one step. */
export function writePoolerSecrets(
  options: FiveContainersOptions,
  passwords: FiveContainersOptions['passwords'],
): void {
  const secrets = join(poolerFolder(options), 'secrets')
  const version = `..${randomBytes(4).toString('hex')}`
  mkdirSync(join(secrets, version), { recursive: true })
  const users = Object.entries(passwords).map(([role, password]) => `"${role}_user" "${password}"\n`)
  const databases = `[databases]\n* = host=127.0.0.1 port=${options.databasePort}\n`
  writeFileSync(join(secrets, version, 'userlist.txt'), users.join(''), { mode: 0o440 })
  writeFileSync(join(secrets, version, 'databases.ini'), databases, { mode: 0o440 })
  chownAll(secrets)
  symlinkSync(version, join(secrets, '..next'))
  renameSync(join(secrets, '..next'), join(secrets, '..data'))
  for (const name of ['userlist.txt', 'databases.ini']) {
    rmSync(join(secrets, name), { force: true })
    symlinkSync(`..data/${name}`, join(secrets, name))
  }
}

/** Starts one of the five; does not wait for it. */
export async function startService(service: ServiceName, options: FiveContainersOptions): Promise<void> {
  const { docker, ports, authority } = options
  const folder = join(options.folder, service)
  const mounts = ['tls', 'keys', 'database', 'exports'].map((name) => join(folder, name))
  for (const mount of mounts) mkdirSync(mount, { recursive: true })
  giveCertificates(authority, service, join(folder, 'tls'))
  const role = DATABASE_USERS[service]
  if (role !== undefined) writeFileSync(join(folder, 'database/url'), pooledUrl(options, role), { mode: 0o440 })
  writeKeys(service, join(folder, 'keys'))
  chownAll(folder)
  const door = (name: ServiceName) => `https://127.0.0.1:${ports[name].internal}`
  const settings: Record<string, string> = {
    HOST: '127.0.0.1',
    PORT: String(ports[service].open),
    INTERNAL_PORT: String(ports[service].internal),
    TLS_CERT_FILE: '/etc/borrow-rate-engine/tls/tls.crt',
    TLS_KEY_FILE: '/etc/borrow-rate-engine/tls/tls.key',
    TLS_CA_FILE: '/etc/borrow-rate-engine/tls/ca.crt',
    DATA_URL: door('data-service'),
    CALCULATION_URL: door('calculation-service'),
    AUDIT_URL: door('audit-service'),
    CACHE_URL: door('cache-service'),
    REDIS_URL: options.redisUrl,
    ...(role !== undefined && { DATABASE_URL_FILE: '/etc/borrow-rate-engine/database/url' }),
    ...(service === 'api-gateway' && {
      JWT_KEY_FILE: '/etc/borrow-rate-engine/keys/session-keys',
      WEBHOOK_KEY_FILE: '/etc/borrow-rate-engine/keys/webhook-keys',
    }),
    ...(service === 'audit-service' && {
      AUDIT_SIGNING_KEY_FILE: '/etc/borrow-rate-engine/keys/audit-signing-key.pem',
      AUDIT_STORAGE_URL: 'file:///exports',
    }),
  }
  const { processors } = POD_LIMITS[service]
  await docker.ask([
    ...['run', '--detach', '--name', containerOf(service), '--network', 'host', ...HARDENED],
    ...['--memory', String(memoryOf(service)), '--memory-swap', String(memoryOf(service))],
    ...['--cpus', String(Math.min(processors, availableParallelism())), '--health-interval', '1s'],
    ...['tls', 'keys', 'database'].flatMap((name) => [
      '--volume',
      `${join(folder, name)}:/etc/borrow-rate-engine/${name}:ro`,
    ]),
    ...(service === 'audit-service' ? ['--volume', `${join(folder, 'exports')}:/exports`] : []),
    ...Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...[IMAGE, service],
  ])
}

/** @throws Error with what the container said when it does not turn healthy */
export async function healthy(docker: DockerEngine, service: ServiceName | typeof POOLER): Promise<void> {
  const deadline = performance.now() + HEALTHY_WAIT_MS
  for (;;) {
    const state = await docker.ask([
      'inspect',
      '--format',
      '{{.State.Status}} {{.State.Health.Status}}',
      containerOf(service),
    ])
    if (state === 'running healthy') return
    if (!state.startsWith('running') || performance.now() > deadline) {
      const { stdout, stderr } = await docker.say(['logs', '--tail', '30', containerOf(service)])
      throw new Error(`${service} is ${state} and not healthy. It said:\n${stdout}${stderr}`)
    }
    await sleep(200)
  }
}

/** The data service first: whoever asks it as soon as it starts finds it. */
export async function startFive(options: FiveContainersOptions): Promise<void> {
  await startService('data-service', options)
  await healthy(options.docker, 'data-service')
  const others = SERVICE_NAMES.filter((name) => name !== 'data-service')
  for (const name of others) await startService(name, options)
  for (const name of others) await healthy(options.docker, name)
}

function pooledUrl({ database, poolerPort, passwords }: FiveContainersOptions, role: UserRole): string {
  const authority = 'sslmode=verify-full&sslrootcert=/etc/borrow-rate-engine/tls/ca.crt'
  return `postgresql://${role}_user:${passwords[role]}@127.0.0.1:${poolerPort}/${database}?${authority}\n`
}

/** The files of the cluster's ConfigMap, by name. */
function poolerSettings(): Record<string, string> {
  const file = join(PROJECT_ROOT, 'infrastructure/kubernetes/base/pgbouncer.yaml')
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS())
  return documents.find(({ kind }) => kind === 'ConfigMap').data
}

function poolerFolder({ folder }: FiveContainersOptions): string {
  return join(folder, POOLER)
}

function giveCertificates(authority: Authority, name: string, folder: string): void {
  const { certFile, keyFile, caFile } = authority.sign(name)
  for (const [from, to] of [
    [certFile, 'tls.crt'],
    [keyFile, 'tls.key'],
    [caFile, 'ca.crt'],
  ] as const) {
    cpSync(from, join(folder, to))
  }
}

function writeKeys(service: ServiceName, folder: string): void {
  if (service === 'audit-service') createSigningKey(join(folder, 'audit-signing-key.pem'))
  if (service !== 'api-gateway') return
  for (const name of ['session-keys', 'webhook-keys']) {
    writeFileSync(join(folder, name), `${randomBytes(48).toString('hex')}\n`, { mode: 0o440 })
  }
}

function chownAll(path: string): void {
  chmodSync(path, 0o755)
  for (const entry of readFolder(path)) chownSync(entry, IMAGE_USER, IMAGE_USER)
}

function readFolder(path: string): string[] {
  return [
    path,
    ...readdirSync(path).flatMap((name) => {
      const child = join(path, name)
      const found = lstatSync(child)
      return found.isSymbolicLink() ? [] : found.isDirectory() ? readFolder(child) : [child]
    }),
  ]
}
