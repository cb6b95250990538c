// What the pods are told, read by the engine's own reader: ConfigMaps, variables and mounted files together, with Secrets as the External
// Secrets Operator will write them. A service that starts with it is configured as it should be, or does not start.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Configuration, readConfiguration, SETTINGS } from '../../server/configuration.ts'
import { readRedisUrl } from '../../server/redis-url.ts'
import { SERVICE_NAMES, type ServiceName } from '../../tools/local-cluster.ts'
import { secretFaults, unreadSettings } from './configuration-rules.ts'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  built,
  type Deployment,
  deployments,
  ENVIRONMENTS,
  type Environment,
  fileObjects,
  type ManifestObject,
  one,
  overlay,
  withoutKubectl,
} from './manifests.ts'
import { rendered, secretsFrom } from './secret-templates.ts'
import { edited } from './tree-copy.ts'

const KNOWN = SETTINGS.map(({ name }) => name)
const USERS = [
  'api_gateway_user',
  'calculation_service_user',
  'data_service_user',
  'audit_service_user',
  'migrator_user',
]
/** Variables that are Node's or the database driver's own. */
const PLATFORM = ['PGSSLMODE', 'NODE_EXTRA_CA_CERTS']

const folder = mkdtempSync(join(tmpdir(), 'pod-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What AWS Secrets Manager holds; passwords as it makes them, and one of characters that mean something in an address. */
function stored(environment: Environment, more: Readonly<Record<string, string>> = {}) {
  const of = (name: string) => `borrow-rate-engine/${environment}/${name}`
  return {
    [of('database-credentials')]: {
      username: 'admin',
      password: 'p@ss/w:rd%',
      host: 'db.example.com',
      port: '5432',
      database: 'borrow_rate_engine',
      ...more,
    },
    [of('database-users')]: Object.fromEntries(USERS.map((user) => [user, `Password0Of0${user}`])),
    [of('redis-credentials')]: { auth_token: 'a/b+c@d', host: 'redis.example.com', port: '6379' },
    [of('engine-keys')]: Object.fromEntries(
      ['session-keys', 'webhook-keys', 'audit-signing-key.pem', 'audit-trusted-keys.pem'].map((key) => [
        key,
        `the ${key}`,
      ]),
    ),
    [of('feed-credentials')]: {
      LENDER_FEED_URL: 'https://lender.example.com',
      LENDER_FEED_KEY: 'key',
      VOLATILITY_FEED_URL: 'https://volatility.example.com',
      VOLATILITY_FEED_KEY: 'key',
      EVENT_FEED_URL: 'https://events.example.com',
      EVENT_FEED_KEY: 'key',
      CLOSES_FEED_URL: '',
      CLOSES_FEED_KEY: '',
    },
  }
}

/** The environment of a service's container, with its files below a folder of this machine. */
function environmentOf(objects: readonly ManifestObject[], name: ServiceName, secrets: ReturnType<typeof secretsFrom>) {
  const { spec } = (one(objects, 'Deployment', name) as unknown as Deployment).spec.template
  const [container] = spec.containers
  const root = join(folder, Math.random().toString(36).slice(2))
  for (const { name: mounted, mountPath } of container!.volumeMounts!) {
    const { secret, configMap } = spec.volumes!.find((volume) => volume.name === mounted)!
    const files = secret
      ? (secrets[secret.secretName] ?? {})
      : configMap
        ? one(objects, 'ConfigMap', configMap.name).data
        : {}
    for (const { key, path } of secret?.items ?? Object.keys(files!).map((key) => ({ key, path: key }))) {
      if (files![key] === undefined) continue
      const file = join(root, mountPath, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, files![key])
    }
  }
  const given: Record<string, string> = {}
  for (const { configMapRef, secretRef } of container!.envFrom ?? []) {
    Object.assign(
      given,
      configMapRef && one(objects, 'ConfigMap', configMapRef.name).data,
      secretRef && secrets[secretRef.name],
    )
  }
  for (const { name: variable, value, valueFrom } of container!.env ?? []) {
    const { name: secret = '', key = '' } = valueFrom?.secretKeyRef ?? {}
    given[variable] = value ?? secrets[secret]![key]!
  }
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, value.replaceAll('/etc/', `${root}/etc/`)]),
  )
}

describe.skipIf(withoutKubectl())('what the pods are told', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  describe.each(ENVIRONMENTS)('in %s', (environment) => {
    const configurationOf = (name: ServiceName): Configuration => {
      const objects = overlay(environment)
      return readConfiguration(environmentOf(objects, name, secretsFrom(objects, stored(environment))))
    }

    test.each(SERVICE_NAMES)('%s: settings of its own, and nothing misspelt', (name) => {
      const objects = overlay(environment)
      const given = environmentOf(objects, name, secretsFrom(objects, stored(environment)))
      const names = Object.keys(given).filter((variable) => !PLATFORM.includes(variable))
      expect(unreadSettings(name, names, KNOWN)).toEqual([])
      expect(readConfiguration(given).hints).toEqual([])
    })

    test.each(SERVICE_NAMES)('%s: its doors, its certificates, its Redis', (name) => {
      const { host, port, internalHost, internalPort, tls, redis, tracing } = configurationOf(name)
      expect({ host, port, internalHost, internalPort, endpoint: tracing.otlpEndpoint }).toEqual({
        host: '0.0.0.0',
        port: 8000,
        internalHost: '0.0.0.0',
        internalPort: 8443,
        endpoint: 'http://tempo.monitoring.svc.cluster.local:4318',
      })
      expect(tls).not.toBeNull()
      expect(readRedisUrl(redis.url ?? '')).toMatchObject({
        cluster: environment === 'prod',
        tls: true,
        password: 'a/b+c@d',
        nodes: [{ host: 'redis.example.com', port: 6379 }],
      })
    })

    test.each(SERVICE_NAMES.filter((name) => name !== 'cache-service'))(
      '%s: its own database user, through the pooler',
      (name) => {
        const { databaseUrl, databasePasswordFile, databasePrepared, databaseReplicaUrl } = configurationOf(name)
        const user = `${name.replaceAll('-', '_')}_user`
        const url = new URL(databaseUrl ?? '')
        expect([url.hostname, url.port, url.username, url.pathname]).toEqual([
          'pgbouncer',
          '6432',
          user,
          '/borrow_rate_engine',
        ])
        expect(url.password).toBe(`Password0Of0${user}`)
        expect(url.searchParams.get('sslmode')).toBe('verify-full')
        expect(databasePasswordFile).toMatch(new RegExp(`/${name}-url$`))
        expect(databasePrepared).toBe(false)
        const hasReplica = environment !== 'dev' && (name === 'data-service' || name === 'audit-service')
        const replica = databaseReplicaUrl === null ? null : new URL(databaseReplicaUrl)
        expect(replica && [replica.hostname, replica.username, replica.password, replica.pathname]).toEqual(
          hasReplica ? ['pgbouncer', user, '', '/borrow_rate_engine_replica'] : null,
        )
      },
    )

    test('the cache service has no database', () => {
      expect(configurationOf('cache-service').databaseUrl).toBeNull()
    })

    test('with a Secret made by hand, which has `url` alone, the same pods reach the database itself', () => {
      const objects = overlay(environment)
      const url = 'postgresql://admin:password@db.example.com:5432/borrow_rate_engine'
      const secrets = { ...secretsFrom(objects, stored(environment)), 'database-credentials': { url } }
      const given = environmentOf(objects, 'data-service', secrets)
      expect(readConfiguration(given).databaseUrl).toBe(url)
      // It says nothing of encryption, and is encrypted and verified all the same.
      expect(given.PGSSLMODE).toBe('verify-full')
    })

    test('callers find each other by the names in the certificates', () => {
      const { calculationUrl, dataUrl, auditUrl, cacheUrl } = configurationOf('api-gateway')
      for (const address of [calculationUrl, dataUrl, auditUrl, cacheUrl]) {
        const { protocol, hostname, port } = new URL(address ?? '')
        expect([protocol, port]).toEqual(['https:', '8443'])
        const { spec } = one(overlay(environment), 'Certificate', `${hostname}-internal-tls`)
        expect(spec).toMatchObject({
          dnsNames: [hostname, `${hostname}.borrow-rate-engine-${environment}.svc.cluster.local`],
        })
      }
    })

    test('records go to the locked bucket of the environment', () => {
      expect(configurationOf('audit-service').auditStorage).toMatchObject({
        kind: 's3',
        bucket: expect.stringMatching(new RegExp(`^borrow-rate-engine-${environment}-audit-\\d{12}$`)),
        region: 'us-east-1',
        endpoint: null,
      })
      expect(configurationOf('audit-service').auditSigningKeyFile).toMatch(/audit-signing-key\.pem$/)
    })

    test('whose address counts: the load balancer’s subnets are trusted, and nobody else', () => {
      const from = one(overlay(environment), 'NetworkPolicy', 'load-balancer-to-api-gateway').spec as {
        ingress: { from: { ipBlock: { cidr: string } }[] }[]
      }
      expect(configurationOf('api-gateway').trustedProxies).toEqual(
        from.ingress[0]!.from.map(({ ipBlock }) => ipBlock.cidr),
      )
    })

    test('ConfigMaps hold no secret', () => {
      const maps = overlay(environment).filter(({ kind }) => kind === 'ConfigMap')
      expect(maps.length).toBeGreaterThanOrEqual(8)
      for (const { metadata, data = {} } of maps) expect(secretFaults(data), metadata.name).toEqual([])
    })

    test('configmap-patch.yaml alone is what the overlay applies, object for object', () => {
      const alone = fileObjects(`overlays/${environment}/configmap-patch.yaml`)
      expect(alone.map(({ metadata }) => metadata.name).sort()).toEqual(
        SERVICE_NAMES.map((name) => `${name}-config`).sort(),
      )
      for (const object of alone) expect(one(overlay(environment), 'ConfigMap', object.metadata.name)).toEqual(object)
      // And nothing of the base is missing in it.
      for (const object of fileObjects('base/configmap.yaml')) {
        const own = alone.find(({ metadata }) => metadata.name === object.metadata.name)
        expect(Object.keys(own?.data ?? {})).toEqual(expect.arrayContaining(Object.keys(object.data ?? {})))
      }
    })
  })

  test(
    'another configuration means other pods: the five, and no others',
    () => {
      const copy = edited(join(folder, 'another'), 'overlays/dev/configmap-patch.yaml', (text) =>
        text.replace('LOG_LEVEL: debug', 'LOG_LEVEL: warn'),
      )
      const [before, after] = [overlay('dev'), built(join(copy, 'overlays/dev'))].map((objects) =>
        Object.fromEntries(
          deployments(objects).map(({ metadata, spec }) => [
            metadata.name,
            spec.template.metadata.annotations?.['borrow-rate-engine/configuration'],
          ]),
        ),
      )
      const changed = Object.keys(before!).filter((name) => before![name] !== after![name])
      expect(changed.sort()).toEqual([...SERVICE_NAMES].sort())
      expect(new Set(changed.map((name) => after![name])).size).toBe(1)
    },
    BUILD_TIMEOUT_MS,
  )

  test('the pooler is told where the database is, and its replica where there is one', () => {
    const objects = overlay('prod')
    const ini = (more: Readonly<Record<string, string>>) =>
      secretsFrom(objects, stored('prod', more))['database-credentials']!['databases.ini']
    expect(ini({})).toBe('[databases]\nborrow_rate_engine = host=db.example.com port=5432 dbname=borrow_rate_engine\n')
    expect(ini({ replica_host: 'one.example.com,two.example.com' })).toBe(
      `[databases]
borrow_rate_engine = host=db.example.com port=5432 dbname=borrow_rate_engine
borrow_rate_engine_replica = host=one.example.com,two.example.com port=5432 dbname=borrow_rate_engine
`,
    )
  })

  test('the pooler knows the users, and nobody holds the owner’s address but the jobs that set up', () => {
    const secrets = secretsFrom(overlay('prod'), stored('prod'))
    expect(secrets['database-credentials']!['userlist.txt']).toBe(
      USERS.map((user) => `"${user}" "Password0Of0${user}"\n`).join(''),
    )
    const owner = new URL(secrets['database-setup']!['owner-url']!)
    expect([owner.username, decodeURIComponent(owner.password)]).toEqual(['admin', 'p@ss/w:rd%'])
    const holders = deployments(overlay('prod')).filter(({ spec }) => JSON.stringify(spec).includes('database-setup'))
    expect(holders).toEqual([])
    expect(JSON.stringify(secrets['database-credentials'])).not.toContain('admin')
  })

  test('production’s gateway cannot change the schema; elsewhere it can, for migrations by hand', () => {
    const holds = (environment: Environment) =>
      JSON.stringify(one(overlay(environment), 'Deployment', 'api-gateway').spec).includes('direct-url')
    expect(ENVIRONMENTS.map(holds)).toEqual([true, true, false])
  })
})

describe('the rules can fail', () => {
  test.each([
    ['api-gateway', 'LOG_LEVLE'],
    ['api-gateway', 'AUDIT_LANES'],
    ['calculation-service', 'TRUSTED_PROXIES'],
    ['data-service', 'DATA_URL'],
    ['cache-service', 'DATABASE_URL'],
    ['audit-service', 'AUDIT_QUEUE_MAX'],
  ] as const)('%s reads no %s', (service, name) => {
    expect(unreadSettings(service, [name, 'LOG_LEVEL'], KNOWN)).toEqual([name])
  })

  test.each([
    ['a password in an address', { A: 'postgresql://user:password@host/database' }],
    ['the name of one', { SESSION_SECRET: 'x' }],
    ['a private key', { A: `-----BEGIN ${'PRIVATE'} KEY-----` }],
    ['a key of AWS', { A: `key ${'AKIA'}IOSFODNN7EXAMPLE` }],
    ['a setting of a file', { 'a.ini': 'user=x password=y' }],
    ['what is random', { A: 'q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6' }],
  ])('a secret in a ConfigMap: %s', (_, data) => {
    expect(secretFaults(data)).toHaveLength(1)
  })

  test.each([
    ['a value that is not there', '{{ .password }}', 'map has no entry for key "password"'],
    ['a function nobody knows', '{{ .host | b64enc }}', '{{ .host | b64enc }} is more than is known here'],
  ])('a template with %s', (_, template, message) => {
    expect(() => rendered(template, { host: 'a' })).toThrow(message)
  })
})
