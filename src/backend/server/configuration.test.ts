import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigurationError, readConfiguration, SETTINGS } from './configuration.ts'

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfiguration(environment)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as ConfigurationError).faults
  }
}

describe('an empty environment', () => {
  test('is a configuration: the defaults', () => {
    const configuration = readConfiguration({})
    expect(configuration).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      portChosen: false,
      logLevel: 'info',
      dataDir: null,
      databaseUrl: null,
      databasePrepared: true,
      localCopySeconds: 60,
      rateHistoryDays: 400,
      auditLanes: 2,
      requestsPerMinute: { standard: 60, premium: 300, internal: 1000 },
      corsOrigins: [],
      trustedProxies: [],
      dashboardLinks: [],
      hints: [],
    })
    expect(configuration.inputLimits).toMatchObject({
      lender: { freshSeconds: 300, staleSeconds: 86_400 },
      volatility: { freshSeconds: 900, staleSeconds: 432_000 },
      events: { freshSeconds: 3600, staleSeconds: 604_800 },
      availability: { freshSeconds: 300, staleSeconds: 86_400 },
    })
    expect(String(configuration.inputLimits.standInRates.HARD)).toBe('0.20')
  })

  test('gives what nobody can change afterwards', () => {
    const configuration = readConfiguration({}) as { port: number; inputLimits: { lender: { freshSeconds: number } } }
    expect(() => {
      configuration.port = 1
    }).toThrow(TypeError)
    expect(() => {
      configuration.inputLimits.lender.freshSeconds = 1
    }).toThrow(TypeError)
  })

  test('is what a variable set to nothing is', () => {
    expect(readConfiguration({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({
      port: 8000,
      portChosen: false,
      databaseUrl: null,
    })
  })
})

test('what is set is taken', () => {
  expect(
    readConfiguration({
      PORT: '9000',
      DATABASE_URL: 'postgresql://u:p@db:5432/x',
      TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      CORS_ORIGINS: 'https://desk.example.com,http://localhost:5173',
      RATE_LIMIT_STANDARD: '5',
      DASHBOARD_LINKS: 'Latency = https://grafana.example.com/d/a?from=now-1h, Logs=http://loki:3100',
      JWT_SECRET: ` ${'new'.repeat(11)}\n${'old'.repeat(11)} `,
    }),
  ).toMatchObject({
    port: 9000,
    portChosen: true,
    databaseUrl: 'postgresql://u:p@db:5432/x',
    databaseDirectUrl: 'postgresql://u:p@db:5432/x',
    databasePrepared: false,
    trustedProxies: ['10.0.0.0/8', '::1'],
    corsOrigins: ['https://desk.example.com', 'http://localhost:5173'],
    dashboardLinks: [
      { title: 'Latency', url: 'https://grafana.example.com/d/a?from=now-1h' },
      { title: 'Logs', url: 'http://loki:3100' },
    ],
    requestsPerMinute: { standard: 5 },
    tokens: { secrets: ['new'.repeat(11), 'old'.repeat(11)], keyFile: null },
  })
})

test('links may be a list in JSON, whose addresses hold what they like', () => {
  const links = [{ title: 'Desk, all of it', url: 'https://grafana.example.com/d/desk?var=a,b' }]
  expect(readConfiguration({ DASHBOARD_LINKS: JSON.stringify(links) }).dashboardLinks).toEqual(links)
})

describe('faults', () => {
  test('are all named at once, with what the value must be', () => {
    const faults = faultsOf({ PORT: '80a', LOG_LEVEL: 'loud', AUDIT_LANES: '0', LENDER_FRESH_SECONDS: '90000' })
    expect(faults).toEqual([
      'PORT must be an integer from 0 to 65535 and is "80a"',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace and is "loud"',
      'AUDIT_LANES must be an integer from 1 to 16 and is "0"',
      'LENDER_STALE_SECONDS must be at least LENDER_FRESH_SECONDS',
    ])
  })

  test('a replica and a password file are of a database that is named', () => {
    expect(
      faultsOf({ DATABASE_REPLICA_URL: 'postgresql://r/x', DATABASE_PASSWORD_FILE: '/run/secrets/password' }),
    ).toEqual([
      'DATABASE_REPLICA_URL needs DATABASE_URL beside it',
      'DATABASE_PASSWORD_FILE needs DATABASE_URL beside it',
    ])
  })

  describe('the address of the database in mounted files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-configuration-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const own = file('own', 'postgresql://own:HIDDEN@pooler:6432/x\n')
    const shared = file('shared', 'postgresql://shared:HIDDEN@db/x')
    const broken = file('broken', 'mysql://HIDDEN')
    const missing = join(folder, 'missing')

    test('the first that is there is taken, and stays the place of its password', () => {
      expect(readConfiguration({ DATABASE_URL_FILE: `${own} ${shared}` })).toMatchObject({
        databaseUrl: 'postgresql://own:HIDDEN@pooler:6432/x',
        databasePasswordFile: own,
        databaseDirectPasswordFile: own,
        databasePrepared: false,
      })
      expect(readConfiguration({ DATABASE_URL_FILE: `${missing} ${shared}` }).databasePasswordFile).toBe(shared)
      expect(readConfiguration({ DATABASE_URL_FILE: own, DATABASE_DIRECT_URL_FILE: shared })).toMatchObject({
        databaseDirectUrl: 'postgresql://shared:HIDDEN@db/x',
        databaseDirectPasswordFile: shared,
      })
    })

    test('none that is there, or one with something else, is a fault that repeats no secret', () => {
      expect(faultsOf({ DATABASE_URL_FILE: missing, DATABASE_REPLICA_URL: 'postgresql://r/x' })).toEqual([
        `DATABASE_URL_FILE must be a file with the address of a database: none of these files is there: ${missing}`,
      ])
      const [fault] = faultsOf({ DATABASE_URL_FILE: broken })
      expect(fault).toMatch(/broken does not hold a URL as postgresql/)
      expect(fault).not.toContain('HIDDEN')
    })

    test('an address is given once', () => {
      expect(faultsOf({ DATABASE_URL: 'postgresql://u@db/x', DATABASE_URL_FILE: own })).toEqual([
        'DATABASE_URL and DATABASE_URL_FILE must not be set together',
      ])
    })
  })

  test('the commit of a build is hexadecimal, or unknown', () => {
    expect(readConfiguration({ BUILD_COMMIT: '4f2a91c0ffee' }).buildCommit).toBe('4f2a91c0ffee')
    expect(readConfiguration({ BUILD_COMMIT: 'unknown' }).buildCommit).toBeNull()
    expect(faultsOf({ BUILD_COMMIT: 'main' })).toEqual([
      'BUILD_COMMIT must be the hexadecimal id of a commit, or unknown and is "main"',
    ])
  })

  test('never repeat a secret', () => {
    const faults = faultsOf({ DATABASE_URL: 'mysql://u:HIDDEN@db/x' })
    expect(faults).toHaveLength(1)
    expect(faults.join()).not.toContain('HIDDEN')
    const short = faultsOf({ JWT_SECRET: `HIDDEN ${'long'.repeat(8)}` })
    expect(short).toHaveLength(1)
    expect(short.join()).not.toMatch(/HIDDEN|longlong/)
  })

  test.each([
    [{ PORT: '65536' }],
    [{ PORT: '-1' }],
    [{ PORT: '8e3' }],
    [{ DATABASE_PREPARED: 'yes' }],
    [{ DATABASE_DIRECT_URL: 'postgres://db/x' }],
    [{ REDIS_URL: 'redis://:secret@cache,other' }],
    [{ REDIS_URL: 'redis://cache', REDIS_CA_FILE: 'ca.pem' }],
    [{ STAND_IN_RATE_EASY: '-0.01' }],
    [{ STAND_IN_RATE_EASY: '0.25%' }],
    [{ STAND_IN_RATE_EASY: '0.123456789' }],
    [{ JWT_SECRET: 'x'.repeat(32), JWT_KEY_FILE: 'keys.pem' }],
    [{ JWT_SECRET: Array.from({ length: 11 }, () => 'x'.repeat(32)).join(' ') }],
    [{ CORS_ORIGINS: '*' }],
    [{ CORS_ORIGINS: 'https://desk.example.com/' }],
    [{ DASHBOARD_LINKS: 'https://grafana.example.com' }],
    [{ DASHBOARD_LINKS: 'Shell=javascript:alert(1)' }],
    [{ DASHBOARD_LINKS: 'Latency=https://user:word@grafana.example.com' }],
    [{ DASHBOARD_LINKS: 'Latency=/d/desk' }],
    [{ DASHBOARD_LINKS: `${'x'.repeat(61)}=https://grafana.example.com` }],
    [{ DASHBOARD_LINKS: '[{"title":"Latency"}]' }],
    [{ DASHBOARD_LINKS: '["https://grafana.example.com"]' }],
    [{ DASHBOARD_LINKS: '[null]' }],
    [{ DASHBOARD_LINKS: '[{"title":' }],
    [{ DASHBOARD_LINKS: Array.from({ length: 21 }, () => 'A=https://a.example').join() }],
    [{ TRUSTED_PROXIES: 'proxy' }],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }],
    [{ TRUSTED_PROXIES: '10.0.0.0/' }],
    [{ LENDER_STALE_SECONDS: '1.5' }],
  ])('%j is one', (environment) => {
    expect(faultsOf(environment as unknown as Record<string, string>)).toHaveLength(1)
  })
})

test('a slip of the pen is noticed, and foreign names are left alone', () => {
  const { hints } = readConfiguration({
    DATABSE_URL: 'x',
    LOCAL_COPY_SECOND: '1',
    AUDIT_SERVICE_PORT: 'tcp://',
    PATH: '/bin',
  })
  expect(hints).toEqual([
    'DATABSE_URL is not a setting; DATABASE_URL is',
    'LOCAL_COPY_SECOND is not a setting; LOCAL_COPY_SECONDS is',
  ])
})

test('every row of the table says what it means and what stands in', () => {
  for (const setting of SETTINGS) {
    expect(setting.meaning).toMatch(/\.$/)
    expect([setting.name, setting.defaultText ?? setting.defaultMeaning]).not.toContain(undefined)
    if (setting.name.endsWith('_SECONDS')) expect(setting.unit).toBe('seconds')
  }
})

describe('feeds', () => {
  test('come in an order of preference, with the limits of each input', () => {
    const { feeds } = readConfiguration({
      LENDER_FEED_URL: 'https://one.example.com  ftp://shortstock@ftp.example.com/usa.txt#provider=two',
      LENDER_FEED_KEY: 'HIDDEN',
      EVENT_BREAKER_OPEN_SECONDS: '5',
    })
    expect(feeds.lender).toEqual({
      sources: [
        { url: 'https://one.example.com/', form: 'service', provider: null },
        { url: 'ftp://shortstock@ftp.example.com/usa.txt', form: 'file', provider: 'two' },
      ],
      key: 'HIDDEN',
      timeoutMs: 2000,
      breaker: { failures: 5, windowSeconds: 30, openSeconds: 60, successes: 3 },
      callsAtOnceMax: 16,
      callsPerMinuteMax: 6000,
    })
    expect(feeds.events.breaker).toEqual({ failures: 3, windowSeconds: 30, openSeconds: 5, successes: 2 })
    expect(feeds.closes.sources).toEqual([])
  })

  test.each([
    { LENDER_FEED_URL: 'https://HIDDEN@one.example.com' },
    { EVENT_FEED_URL: 'https://one.example.com, HIDDEN' },
    { FEED_FETCH_SCHEDULE: 'at noon' },
    { VOLATILITY_BREAKER_FAILURES: '0' },
  ])('with a fault in %j are refused, and no address is repeated', (environment) => {
    const faults = faultsOf(environment as unknown as Record<string, string>)
    expect(faults).toHaveLength(1)
    expect(faults.join()).not.toContain('HIDDEN')
  })
})
