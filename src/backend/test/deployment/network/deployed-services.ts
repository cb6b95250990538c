// The five services themselves as hosts of a network, each a process in the namespace of its own, with PgBouncer, Redis, a lender on the
// internet, storage, a collector of traces and the database where a cluster has them. They find each other by name and prove to each other who they are, as in a cluster.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createSigningKey } from '../../../audit/signing-key.ts'
import { connectDatabase } from '../../../database/connect.ts'
import { serverAccount } from '../../../database/postgres-binaries.ts'
import { type DemoKey, seedDemoData, seedDemoKeys, seedReferenceData } from '../../../database/seed.ts'
import { type ServiceRole, USER_ROLES } from '../../../database/service-users.ts'
import { startKeeper } from '../../../tools/keep.ts'
import { certificateAuthority } from '../../certificates.ts'
import { FAKE_S3_CREDENTIALS, type FakeS3, startFakeS3 } from '../../fakes/fake-s3.ts'
import { pgbouncerFound } from '../../pgbouncer-found.ts'
import { type RealPostgres, startPostgres, temporaryFolder } from '../../postgres.ts'
import { redisPrograms } from '../../redis-found.ts'
import type { Network } from './namespaces.ts'

export const SERVICE_ROLES: Readonly<Record<string, ServiceRole | null>> = {
  'data-service': 'data_service',
  'audit-service': 'audit_service',
  'calculation-service': 'calculation_service',
  'cache-service': null,
  'api-gateway': 'api_gateway',
}
/** The name under which the lender is found. */
export const LENDER = 'lender.example.com'
const LENDER_PLACE = 'server on the internet'

const BUILD = fileURLToPath(new URL('../../../scripts/build.mjs', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../../dist/services/borrow-rate-engine.js', import.meta.url))
const beside = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url))
const STOP_WAIT_MS = 20_000

export interface DeployedServices {
  readonly keys: readonly DemoKey[]
  /** PEM file of the authority that signed the gateway's certificate. */
  readonly caFile: string
  /** Where exports go. */
  readonly storage: FakeS3
  /** Services whose traces have come. */
  tracesOf(): ReadonlySet<string>
  /** What a service wrote so far. */
  log(service: string): string
  stop(): Promise<void>
}

/** Starts everything; whether it works is for the caller to see. The firewalls are the caller's, too. */
export async function deployServices(network: Network): Promise<DeployedServices> {
  const built = spawnSync(process.execPath, [BUILD], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`there is no build to run:\n${built.stdout}${built.stderr}`)
  const folder = temporaryFolder('network')
  const keeper = startKeeper()
  keeper.mindFolder(folder)
  const authority = certificateAuthority()
  const ends: (() => Promise<unknown> | unknown)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
    () => authority.remove(),
  ]
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  const logOf = (name: string) => join(folder, `${name}.log`)
  const start = (place: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const [program, ...at] = network.on(place)
    const log = openSync(logOf(place), 'a', 0o600)
    const child = spawn(program, [...at, ...words], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['pipe', log, log],
      detached: true,
    })
    closeSync(log)
    keeper.mind(child)
    ends.push(() => ended(child))
  }
  try {
    const postgres = await startPostgres({ durable: false })
    ends.push(() => postgres.end())
    const keys = await filled(postgres, folder)

    const storage = await startFakeS3()
    ends.push(() => storage.close())
    const traces = await startTraceCollector()
    ends.push(() => traces.close())
    const outside = { database: [5432, postgres.port], storage: [443, portOf(storage.url)], tempo: [4318, traces.port] }
    for (const [place, [there = 0, here = 0]] of Object.entries(outside)) {
      const socket = join(folder, place)
      const handedOn = await handOn(socket, here)
      ends.push(() => handedOn.close())
      start(place, [process.execPath, beside('relay.mjs'), String(there), socket])
    }
    start('pgbouncer', pooler(postgres, join(folder, 'pgbouncer')))
    const redis = ['--port', '6379', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--appendonly', 'no']
    start('redis', [redisPrograms()?.server ?? '', ...redis, '--dir', folder])
    start(LENDER_PLACE, [process.execPath, beside('lender.mjs'), '443'])

    let caFile = ''
    const signingKey = join(folder, 'audit-signing-key.pem')
    createSigningKey(signingKey)
    for (const [service, role] of Object.entries(SERVICE_ROLES)) {
      const files = authority.sign(service)
      caFile = files.caFile
      const database = new URL(postgres.url)
      if (role !== null) {
        database.username = postgres.userOf(role)
        database.password = postgres.passwordOf(role)
        database.host = 'pgbouncer:6432'
      }
      start(service, [process.execPath, '--enable-source-maps', PROGRAM, service], {
        NODE_ENV: 'production',
        HOST: '0.0.0.0',
        PORT: '8000',
        INTERNAL_PORT: '8443',
        DATA_DIR: join(folder, service),
        TLS_CERT_FILE: files.certFile,
        TLS_KEY_FILE: files.keyFile,
        TLS_CA_FILE: files.caFile,
        ...(service === 'api-gateway' && { HTTPS_PORT: '8444' }),
        CALCULATION_URL: 'https://calculation-service:8443',
        DATA_URL: 'https://data-service:8443',
        AUDIT_URL: 'https://audit-service:8443',
        CACHE_URL: 'https://cache-service:8443',
        REDIS_URL: 'redis://redis:6379',
        ...(role !== null && { DATABASE_URL: database.href }),
        ...(service === 'data-service' && { LENDER_FEED_URL: `http://${LENDER}:443` }),
        ...(service === 'audit-service' && {
          AUDIT_SIGNING_KEY_FILE: signingKey,
          AUDIT_HEAD_EXPORT_SECONDS: '1',
          AUDIT_STORAGE_URL: `s3://${storage.bucket}/records?region=us-east-1&endpoint=http://storage:443`,
          AWS_ACCESS_KEY_ID: FAKE_S3_CREDENTIALS.accessKeyId,
          AWS_SECRET_ACCESS_KEY: FAKE_S3_CREDENTIALS.secretAccessKey,
        }),
        OTEL_ENABLED: 'true',
        OTEL_TRACES_SAMPLER_ARG: '1',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318',
        OVERLOAD_EVENT_LOOP_DELAY_MS: '10000',
      })
    }
    return {
      keys,
      caFile,
      storage,
      tracesOf: traces.services,
      log: (service) => readFileSync(logOf(service), 'utf8'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function filled(postgres: RealPostgres, folder: string): Promise<DemoKey[]> {
  const database = connectDatabase(postgres.url, { applicationName: 'network', connectionsMax: 2 })
  try {
    await seedReferenceData(database)
    await seedDemoData(database, { now: new Date() })
    return await seedDemoKeys(database, { dataDir: folder, now: new Date() })
  } finally {
    await database.end()
  }
}

/** Connections to a socket in the file system become connections to a port of this machine. */
async function handOn(socket: string, port: number): Promise<{ close(): Promise<void> }> {
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    clients.add(client)
    const upstream = connect(port, '127.0.0.1')
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((done) => server.listen(socket, done))
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        for (const client of clients) client.destroy()
      }),
  }
}

interface Traces {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
    }
  }[]
}

/** Takes traces over OTLP/HTTP and remembers whose they are. */
async function startTraceCollector() {
  const services = new Set<string>()
  const server = createHttpServer(async (request, response) => {
    const { resourceSpans = [] } = JSON.parse(await text(request)) as Traces
    for (const { resource } of resourceSpans) {
      const name = resource?.attributes?.find(({ key }) => key === 'service.name')?.value.stringValue
      if (name !== undefined) services.add(name)
    }
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as { port: number }).port,
    services: () => services,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** PgBouncer in transaction mode, which does not run as root. @returns the words that start it */
function pooler(postgres: RealPostgres, folder: string): string[] {
  mkdirSync(folder)
  const [settings, users] = [join(folder, 'pgbouncer.ini'), join(folder, 'users.txt')]
  writeFileSync(
    settings,
    `[databases]
* = host=database port=5432
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
unix_socket_dir =
pool_mode = transaction
default_pool_size = 5
auth_type = scram-sha-256
auth_file = ${users}
server_login_retry = 1
query_wait_timeout = 5
`,
  )
  const lines = USER_ROLES.map((role) => `"${postgres.userOf(role)}" "${postgres.passwordOf(role)}"`)
  writeFileSync(users, `${lines.join('\n')}\n`, { mode: 0o600 })
  const account = serverAccount()
  const program = [pgbouncerFound() ?? '', '-q', settings]
  if (account === null) return program
  for (const path of [folder, settings, users]) chownSync(path, account.uid, account.gid)
  return ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', ...program]
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.stdin?.end()
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS)
  await gone
  clearTimeout(late)
}
