// The two images of a release, really built and really run. Debian's Docker engine builds them by the guide's own lines; what is in them is
// looked at; the five services run from one of them over PgBouncer from the other, held as tightly as pods are, on a real PostgreSQL and
// Redis, and answer a quote; migrations, seeds and looks from inside are the guide's words. Where no engine starts, buildah builds and
// looks, and nothing runs.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MIGRATOR_ROLE, type UserRole } from '../../database/service-users.ts'
import { decimal, plus } from '../../pricing/decimal.ts'
import { SERVICE_NAMES, type ServiceName } from '../../tools/local-cluster.ts'
import { type Authority, certificateAuthority } from '../certificates.ts'
import { asOwner, type RealPostgres, startPostgres } from '../postgres.ts'
import { howToGetPostgres, testBinaries } from '../postgres-found.ts'
import { startRedis, type TestRedis } from '../redis.ts'
import { HOW_TO_GET_REDIS, redisFoundOrInstalled } from '../redis-found.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import {
  buildArguments,
  copyOfTree,
  DEBIAN_IMAGE,
  engineLine,
  IMAGE,
  NODE_IMAGE,
  POOLER_IMAGE,
  poolerLine,
  VERSION,
} from './image/build-line.ts'
import { startDockerEngine } from './image/docker-engine.ts'
import {
  containerOf,
  DATABASE_USERS,
  type Doors,
  type FiveContainersOptions,
  HARDENED,
  memoryOf,
  startFive,
  startPooler,
  writePoolerSecrets,
} from './image/five-containers.ts'
import { buildahTool, dockerTool, type ImageTool } from './image/image-tool.ts'
import { freePorts, isFree } from './image/ports.ts'
import { registryFoundOrInstalled, startRegistry } from './image/registry.ts'
import { debianArchive, extraAuthorities, nodeContext } from './image/stand-in-base.ts'

const MEGABYTE = 1e6
const SIZE_MAX = 250 * MEGABYTE
const REVISION = '4f2a91c0d3b85e7712aa90f6c1e2d3b4a5968778'
/** Where other things run as well; by itself it takes a fraction. */
const MINUTES_10 = 600_000

const docker = await startDockerEngine()
const tool = docker === null ? await buildahTool() : dockerTool(docker)
const canRun = docker !== null && testBinaries() !== null && redisFoundOrInstalled()
if (tool === null) console.warn('\nThe images are not built: there is neither Docker nor buildah.\n')
else if (docker === null) console.warn('\nThe images are built by buildah, and no service runs from them.\n')
if (docker !== null && !canRun)
  console.warn(`\nNo service runs from the image: ${howToGetPostgres()}; ${HOW_TO_GET_REDIS}\n`)
afterAll(() => tool?.stop(), 180_000)

const packageFile = (name: string) => JSON.parse(readFileSync(join(PROJECT_ROOT, BACKEND, name), 'utf8'))
const packageJson: { devDependencies: object; optionalDependencies: object } = packageFile('package.json')
const lockFile: { packages: Record<string, { dev?: boolean; optional?: boolean }> } = packageFile('package-lock.json')

describe.runIf(tool !== null)('the images', () => {
  const { name, build, configOf, sizeOf, shell, importArchive } = tool as ImageTool
  const seconds: string[] = []

  async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
    const startedAt = performance.now()
    const result = await work()
    seconds.push(`${what} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    return result
  }

  beforeAll(async () => {
    const archive = await timed('Debian', debianArchive)
    await importArchive(archive, DEBIAN_IMAGE)
    const context = nodeContext(DEBIAN_IMAGE)
    await timed('node', () => build(['-t', NODE_IMAGE, context])).finally(() => rmSync(context, { recursive: true }))
    await timed('engine', () => build([...buildArguments(REVISION), ...engineLine(PROJECT_ROOT)]))
    await timed('PgBouncer', () => build([...buildArguments(REVISION), ...poolerLine(PROJECT_ROOT)]))
    const sizes = await Promise.all([IMAGE, POOLER_IMAGE, DEBIAN_IMAGE].map(sizeOf))
    const [engine, pooler, debian] = sizes.map((bytes) => (bytes / MEGABYTE).toFixed(0))
    const node = Number((await shell(IMAGE, 'stat -c %s "$(command -v node)"')).stdout)
    console.info(
      `\nbuilt by ${name}: ${seconds.join(', ')}\n` +
        `${IMAGE} ${engine} MB, ${POOLER_IMAGE} ${pooler} MB; of each ${debian} MB are Debian, ` +
        `of the first ${(node / MEGABYTE).toFixed(0)} MB node\n`,
    )
  }, MINUTES_10)

  test('the engine’s is below 250 MB', async () => {
    expect(await sizeOf(IMAGE)).toBeLessThan(SIZE_MAX)
  })

  test.each([IMAGE, POOLER_IMAGE])('%s says what it is, and who runs it: a number, and not root', async (image) => {
    const { User, Entrypoint, Healthcheck, StopSignal, Labels, Env = [] } = await configOf(image)
    expect(User).toBe('1000:1000')
    expect(Entrypoint?.slice(0, 2)).toEqual(['tini', '--'])
    expect(Healthcheck?.Test.length).toBeGreaterThan(1)
    expect(StopSignal).toBe('SIGTERM')
    expect(Labels).toMatchObject({
      'org.opencontainers.image.version': VERSION,
      'org.opencontainers.image.revision': REVISION,
      'org.opencontainers.image.created': '2026-11-29T18:00:00Z',
      'org.opencontainers.image.source': 'https://example.com/borrow-rate-engine',
    })
    expect(Env.filter((entry) => /KEY|SECRET|PASSWORD|TOKEN|CA_CERTS/.test(entry))).toEqual([])
  })

  test.each([IMAGE, POOLER_IMAGE])('%s is not root, and writes nowhere but where everybody may', async (image) => {
    const writable = 'find / -xdev -not -type l -writable -not -path "/proc/*" -not -path "/dev/*" -not -path "/sys/*"'
    const { stdout } = await shell(image, `id -u; id -g; ${writable} 2>/dev/null | sort`)
    const [uid, gid, ...paths] = stdout.trim().split('\n')
    expect([uid, gid]).toEqual(['1000', '1000'])
    expect(paths.filter((path) => !/^\/(tmp|var\/tmp|run\/lock|dev|proc|sys)$/.test(path))).toEqual([])
  })

  test.each([IMAGE, POOLER_IMAGE])('%s has no program that changes who runs it', async (image) => {
    expect((await shell(image, 'find / -xdev -type f -perm /6000')).stdout).toBe('')
  })

  test('no package that only development needs, no compiler, no package manager for JavaScript, no test', async () => {
    const isForDevelopment = (name: string) => {
      const { dev, optional } = lockFile.packages[`node_modules/${name}`] ?? {}
      return dev === true || optional === true
    }
    const names = Object.keys({ ...packageJson.devDependencies, ...packageJson.optionalDependencies }).filter(
      isForDevelopment,
    )
    expect(names).toContain('typescript')
    expect(names.length).toBeGreaterThan(10)
    const looks = names.map((each) => `[ ! -e "node_modules/${each}" ] || echo "${each}"`)
    const programs = ['npm', 'npx', 'yarn', 'corepack', 'tsc', 'gcc', 'cc', 'make', 'git'].map(
      (each) => `! command -v ${each}`,
    )
    const files = `find /app -name '*.test.*' -o -name '*.d.ts' -o -name '.npmrc' -o -name '.env' -o -path '/app/dist/test' -o -path '/app/test'`
    const { stdout } = await shell(IMAGE, [...looks, ...programs, files].join('\n'))
    expect(stdout).toBe('')
    const { name: called, type, devDependencies } = JSON.parse((await shell(IMAGE, 'cat package.json')).stdout)
    expect({ called, type, devDependencies }).toEqual({ called: 'borrow-rate-engine', type: 'module' })
  })

  test('no secret: no key, and nothing of the machine that built it', async () => {
    const { stdout } = await shell(
      IMAGE,
      `grep -rlE -e '-----BEGIN [A-Z ]*PRIVATE KEY-----' /app/dist /app/package.json /etc /home /root /usr/local/bin 2>/dev/null
       ls -A /home /root /app/.* -d 2>/dev/null | grep -vE '^/(home|root|app/\\.|app/\\.\\.)$'`,
    )
    // The program itself names the form of a key: what it must not hold is one.
    const files = stdout
      .trim()
      .split('\n')
      .filter((path) => path !== '' && !path.startsWith('/app/dist/'))
    expect(files).toEqual([])
    const authorities = extraAuthorities()
    if (authorities !== null) {
      const own = await shell(IMAGE, `find /etc/ssl /usr/local -type f -exec sha256sum {} +`)
      const hash = createHash('sha256').update(readFileSync(authorities)).digest('hex')
      expect(own.stdout).not.toContain(hash)
    }
  })

  test('every look from inside has its program', async () => {
    const { stdout } = await shell(IMAGE, 'for each in node tini curl openssl python; do command -v $each; done')
    expect(stdout.trim().split('\n')).toHaveLength(5)
  })

  test.each([
    ['-c', 'import psycopg2'],
    ['-m', 'scripts.run_migrations'],
    ['-m', 'scripts.generate_api_key'],
    ['--version'],
  ])('python %s %s is refused with one sentence', async (...words) => {
    const said = await shell(IMAGE, `python ${words.map((word) => `'${word}'`).join(' ')}`)
    expect(said.status).toBe(2)
    expect(said.stderr.trim().split('\n')).toEqual([expect.stringMatching(/^python: there is no Python here; /)])
  })

  test('built again, no layer is made again; with other sources, packages are not installed again', async () => {
    const again = await build([...buildArguments(REVISION), ...engineLine(PROJECT_ROOT)])
    expect(madeAgain(again)).toEqual([])
    const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-context-'))
    try {
      copyOfTree(PROJECT_ROOT, folder)
      const changed = join(folder, BACKEND, 'services/welcome.ts')
      writeFileSync(changed, `${readFileSync(changed, 'utf8')}\n// changed\n`)
      const stage = ['--target', 'production', '-t', 'production-packages', '-f', `${folder}/${BACKEND}Dockerfile`]
      const other = await build([...stage, ...buildArguments(REVISION), `${folder}/${BACKEND}`])
      expect(madeAgain(other)).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)
})

describe.runIf(canRun)('the five services, from the image', () => {
  const engine = docker!
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-rehearsal-'))
  const passwords: Partial<Record<UserRole, string>> = {}
  let postgres: RealPostgres
  let redis: TestRedis
  let authority: Authority
  let options: FiveContainersOptions
  let apiKey: string

  /** A container that does one thing, as the guide's `kubectl run … -- python -m …` starts one: words after the image. */
  const once = (words: readonly string[], { url = postgres.url, input = '' } = {}) =>
    engine.say(
      [
        'run',
        '--rm',
        '--interactive',
        '--network',
        'host',
        ...HARDENED,
        '--env',
        `DATABASE_URL=${url}`,
        IMAGE,
        ...words,
      ],
      input,
    )
  const inside = (service: ServiceName, ...words: string[]) => engine.say(['exec', containerOf(service), ...words])
  const urlOf = (service: ServiceName) => `http://localhost:${options.ports[service].open}`

  beforeAll(async () => {
    postgres = await startPostgres({ durable: false, migrated: false })
    redis = await startRedis()
    authority = certificateAuthority()
  }, 60_000)
  afterAll(async () => {
    for (const name of [...SERVICE_NAMES, 'pgbouncer'] as const) await engine.say(['rm', '--force', containerOf(name)])
    await redis?.stop()
    await postgres?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  test('a database is made by the guide’s words: migrations, then seeds, twice the same', async () => {
    const migrated = await once(['python', '-m', 'scripts.run_migrations', '--command', 'upgrade'])
    expect(migrated.stderr).toBe('')
    expect(migrated.stdout).toMatch(/^applied 0001_/)
    expect(migrated.status).toBe(0)
    for (const role of [...Object.values(DATABASE_USERS), MIGRATOR_ROLE] as UserRole[]) {
      passwords[role] = randomBytes(18).toString('base64url')
      const words = ['node', 'dist/scripts/create_service_users.js', '--user', `${role}_user`, '--role', role]
      const made = await once(words, { input: passwords[role] })
      expect(made.stdout).toMatch(/^made /)
    }
    for (const _time of [1, 2]) {
      const seeded = await once(['python', '-m', 'scripts.seed_data'])
      expect(seeded).toMatchObject({ status: 0, stdout: 'reference data is there\n' })
    }
    expect((await once(['python', '-m', 'scripts.seed_data', '--demo'])).status).toBe(0)
    const key = await once(['node', 'dist/scripts/generate_api_key.js', '--role', 'broker', '--broker', 'demo-classic'])
    apiKey = key.stdout.trim()
    expect(apiKey).not.toBe('')
  }, 120_000)

  test('all five turn healthy over PgBouncer, with certificates, in an eighth of a pod’s memory', async () => {
    const ports = await freePorts(SERVICE_NAMES.length * 2 + 1)
    // The guide asks the data service at its own port.
    const own = (await isFree(8000)) ? 8000 : ports.pop()
    const doors = SERVICE_NAMES.map((service): [ServiceName, Doors] => [
      service,
      { open: service === 'data-service' ? own! : ports.pop()!, internal: ports.pop()! },
    ])
    options = {
      docker: engine,
      folder,
      authority,
      databasePort: postgres.port,
      database: new URL(postgres.url).pathname.slice(1),
      redisUrl: redis.url,
      ports: Object.fromEntries(doors) as unknown as Record<ServiceName, Doors>,
      poolerPort: ports.pop() ?? (await freePorts(1))[0]!,
      passwords,
    }
    const startedAt = performance.now()
    await startPooler(options)
    await startFive(options)
    console.info(
      `\nfive services and PgBouncer healthy after ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`,
    )
  }, 180_000)

  test('a quote is answered, and its parts add up to the fee', async () => {
    const answer = await fetch(`${urlOf('api-gateway')}/api/v1/calculate-locate`, quoteRequest())
    const text = await answer.text()
    expect(answer.status, text).toBe(200)
    // The text of the numbers: a double would round.
    const amount = (name: string) => decimal(new RegExp(`"${name}":(\\d+\\.\\d\\d)`).exec(text)?.[1] ?? '')
    const sum = plus(plus(amount('borrow_cost'), amount('markup')), amount('transaction_fees'))
    expect(sum.toString()).toBe(amount('total_fee').toString())
    const { breakdown, ...quote } = JSON.parse(text)
    expect(breakdown.transaction_fees).toBeGreaterThan(0)
    const { rows } = await asOwner(postgres.url, (client) =>
      client.query('select count(*)::int as kept from audit_records where audit_id = $1', [quote.audit_id]),
    )
    expect(rows).toEqual([{ kept: 1 }])
  })

  test.each(SERVICE_NAMES)(
    '%s is held: not root, no capability, nothing written, within its memory',
    async (service) => {
      const { stdout } = await inside(
        service,
        'sh',
        '-c',
        'id -u; grep -E "^(CapEff|NoNewPrivs):" /proc/1/status; touch /app/x',
      )
      expect(stdout.trim().split('\n')).toEqual(['1000', 'CapEff:\t0000000000000000', 'NoNewPrivs:\t1'])
      expect((await inside(service, 'touch', '/app/x')).stderr).toMatch(/Read-only file system/)
      // tini is the first process, and the heap follows from the limit.
      const { stdout: processes } = await inside(
        service,
        'sh',
        '-c',
        'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done',
      )
      expect(processes).toMatch(/^tini -- entrypoint /m)
      const heap = Math.floor((memoryOf(service) / 1024 ** 2) * 0.6)
      expect(processes).toContain(`node --enable-source-maps --max-old-space-size=${heap} /app/dist/services/`)
      const state = await engine.ask([
        'inspect',
        '--format',
        '{{.State.OOMKilled}} {{.RestartCount}}',
        containerOf(service),
      ])
      expect(state).toBe('false 0')
    },
  )

  test('the guide’s looks from inside: health, feeds, migrations, connections and pools', async () => {
    const health = await inside('api-gateway', 'curl', '-s', `${urlOf('api-gateway')}/health`)
    expect(JSON.parse(health.stdout)).toMatchObject({ status: expect.stringMatching(/^(ok|healthy|up)$/i) })
    const feeds = await inside('data-service', 'curl', '-s', `${urlOf('data-service')}/health/external`)
    expect(feeds.status).toBe(0)
    expect(JSON.stringify(JSON.parse(feeds.stdout))).toMatch(/lender/i)
    const migrations = await inside('api-gateway', 'python', '-m', 'scripts.run_migrations', '--command', 'status')
    expect(migrations.stdout).toMatch(/^0001_\S+ +applied/m)
    expect(migrations.status).toBe(0)
    const connections = await inside('api-gateway', 'node', 'dist/scripts/db_connections.js')
    expect(connections.stdout).toMatch(/^calculation_service_user +\S+/m)
    expect(connections.stdout).toMatch(/^pools of PgBouncer at 127\.0\.0\.1:\d+$/m)
    expect(connections.stdout).toMatch(/^\w+ +api_gateway_user +transaction +\d/m)
    expect(connections.status).toBe(0)
  })

  test('the operators’ programs work from it: the database is looked at and maintained, and the command line is there', async () => {
    const url = new URL(postgres.url)
    url.username = `${MIGRATOR_ROLE}_user`
    url.password = passwords[MIGRATOR_ROLE] as string
    const asMigrator = (...words: string[]) => once(['node', ...words], { url: url.href })
    const check = await asMigrator('dist/scripts/check_database.js')
    expect(check.stdout, check.stderr).toMatch(/^whole \(looked at in [\d.]+ s\)\nmigrations: \d+, the newest \d{4}_/)
    expect(check.status).toBe(0)
    const report = await asMigrator(
      'dist/scripts/db_maintenance.js',
      '--environment',
      'prod',
      '--report-only',
      '--json',
    )
    expect(JSON.parse(report.stdout).tables.map(({ table }: { table: string }) => table)).toContain('brokers')
    const maintained = await asMigrator(
      ...['dist/scripts/db_maintenance.js', '--environment', 'prod', '--now', '--only', 'brokers', '--json'],
    )
    expect(maintained.status, maintained.stderr).toBe(0)
    const { steps } = JSON.parse(maintained.stdout) as { steps: { outcome: string }[] }
    expect(steps.length).toBeGreaterThan(1)
    expect(steps.map(({ outcome }) => outcome)).not.toContain('left out')
    const help = await once(['node', 'dist/scripts/borrow-rate-engine.js', '--help'])
    expect(help.stdout).toContain('verify')
  }, 120_000)

  test('a user list that changes is taken over by PgBouncer, and nobody is cut off', async () => {
    const role: UserRole = 'data_service'
    const changed = { ...passwords, [role]: randomBytes(18).toString('base64url') }
    await asOwner(postgres.url, (client) => client.query(`alter role ${role}_user password '${changed[role]}'`))
    writePoolerSecrets(options, changed)
    const logIn = (password: string) =>
      asOwner(
        `postgresql://${role}_user:${password}@127.0.0.1:${options.poolerPort}/${options.database}?sslmode=no-verify`,
        (client) => client.query('select 1'),
      )
    await expect.poll(() => logIn(changed[role]!).then(() => 'in', String), { timeout: 20_000 }).toBe('in')
    await expect(logIn(passwords[role]!)).rejects.toThrow()
    const answer = await fetch(`${urlOf('api-gateway')}/api/v1/calculate-locate`, quoteRequest())
    expect(answer.status).toBe(200)
  })

  test('SIGTERM: what is under way is answered, and each ends with status 0', async () => {
    const half = await halfRequest(options.ports['api-gateway'].open)
    await engine.ask(['kill', '--signal', 'TERM', containerOf('api-gateway')])
    await expect
      .poll(async () => (await fetch(`${urlOf('api-gateway')}/health`).catch(() => null))?.status ?? 0)
      .not.toBe(200)
    expect(await half.finish()).toMatch(/^HTTP\/1\.1 200 /)
    const order: ServiceName[] = [
      'api-gateway',
      'cache-service',
      'calculation-service',
      'audit-service',
      'data-service',
    ]
    for (const service of order) {
      if (service !== 'api-gateway') await engine.ask(['stop', '--time', '40', containerOf(service)])
      expect(await engine.ask(['wait', containerOf(service)]), service).toBe('0')
    }
    await engine.ask(['stop', '--time', '40', containerOf('pgbouncer')])
    expect(await engine.ask(['wait', containerOf('pgbouncer')])).toBe('0')
  }, 180_000)

  /** A quote of which the last byte is not sent yet. */
  async function halfRequest(port: number): Promise<{ finish(): Promise<string> }> {
    const { body, headers } = quoteRequest()
    const socket = connect(port, '127.0.0.1')
    await new Promise((done, fail) => socket.once('connect', done).once('error', fail))
    let said = ''
    socket.on('data', (chunk) => {
      said += chunk
    })
    const ended = new Promise((done) => socket.once('close', done))
    const lines = Object.entries({ Host: 'localhost', Connection: 'close', 'Content-Length': body.length, ...headers })
    socket.write(
      `POST /api/v1/calculate-locate HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
    )
    socket.write(body.slice(0, -1))
    await new Promise((done) => setTimeout(done, 200))
    return {
      async finish() {
        socket.write(body.slice(-1))
        await ended
        return said
      },
    }
  }

  function quoteRequest() {
    const quote = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
    const headers = { 'X-API-Key': apiKey, 'Content-Type': 'application/json' }
    return { method: 'POST', headers, body: JSON.stringify(quote) }
  }
})

describe.runIf(docker !== null && registryFoundOrInstalled())('a release is pushed by the guide’s lines', () => {
  test('after a login; under its version and its commit, which are the same image', async () => {
    const engine = docker!
    const registry = await startRegistry((await freePorts(1))[0]!)
    try {
      const repository = `${registry.address}/borrow-rate-engine`
      const tags = [VERSION, REVISION]
      for (const tag of tags) await engine.ask(['tag', IMAGE, `${repository}:${tag}`])
      expect((await engine.say(['push', `${repository}:${VERSION}`])).stderr).toMatch(
        /no basic auth credentials|unauthorized/,
      )
      const login = ['login', '--username', registry.user, '--password-stdin', registry.address]
      expect(await engine.ask(login, registry.password)).toContain('Login Succeeded')
      for (const tag of tags) await engine.ask(['push', `${repository}:${tag}`])
      const [byVersion, byCommit] = await Promise.all(tags.map((tag) => registry.digestOf('borrow-rate-engine', tag)))
      expect(byVersion).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(byCommit).toBe(byVersion)
      expect(await registry.digestOf('borrow-rate-engine', '9.9.9')).toBeNull()
      const digests = await engine.ask(['inspect', '--format', '{{json .RepoDigests}}', IMAGE])
      expect(digests).toContain(`${repository}@${byVersion}`)
    } finally {
      await registry.stop()
    }
  }, 120_000)
})

/** Steps of a build that were made and not taken from before: of BuildKit's report, or of buildah's. */
function madeAgain(report: string): string[] {
  const lines = report.split('\n')
  const step = /^#(\d+) (\[\S+ \d+\/\d+\] (?:RUN|COPY|WORKDIR) .*)$/
  const steps = new Map(
    lines.flatMap((line) => (step.exec(line) ? [[step.exec(line)![1]!, step.exec(line)![2]!]] : [])),
  )
  if (steps.size === 0) {
    const parts = report.split(/^(?=(?:\[\d+\/\d+\] )?STEP \d+\/\d+: )/m)
    const made = parts.filter((part) => /STEP \d+\/\d+: (RUN|COPY) /.test(part) && !part.includes('Using cache'))
    return made.map((part) => part.split('\n')[0] ?? '')
  }
  return [...steps].filter(([number]) => !lines.includes(`#${number} CACHED`)).map(([, text]) => text)
}
