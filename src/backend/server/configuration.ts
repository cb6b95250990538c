// The settings, read from the environment once, at the start. Each is a row of one table with its default, unit and
// meaning; docs/configuration.md is compared with the table by a test. What is wrong is said all at once, so that nobody
// starts the process five times to find five mistakes; a secret is never repeated.
import { isIP } from 'node:net'
import { Cron } from 'croner'
import { compare, decimal, parseDecimal, significantDecimals } from '../pricing/decimal.ts'
import { asRate, type Rate } from '../pricing/units.ts'
import { type AddressFile, isDatabaseUrl, readAddressFile } from './address-file.ts'
import type { BreakerLimits } from './breaker.ts'
import { DASHBOARD_LINKS_FORM, type DashboardLink, readDashboardLinks } from './dashboard-links.ts'
import { type FeedSource, readFeedSource } from './feed-source.ts'
import { LOG_LEVELS, type LogLevel } from './log.ts'
import { REDIS_URL_FORM, readRedisUrl } from './redis-url.ts'
import { readStorageUrl, STORAGE_URL_FORM, type StorageAddress } from './storage-url.ts'

export interface Setting<T> {
  readonly name: string
  /** The text that stands in when the variable is unset or empty; null: nothing does. */
  readonly defaultText: string | null
  /** What the default is in words, where it is not a text. */
  readonly defaultMeaning?: string
  readonly unit: string | null
  readonly meaning: string
  readonly secret: boolean
  readonly parse: (text: string) => T | Fault
}

/** What a value must be: the end of a sentence that begins with the setting's name. */
export class Fault {
  readonly rule: string

  constructor(rule: string) {
    this.rule = rule
  }
}

const HOUR = 3600
const DAY = 86_400
const AGE_SECONDS_MAX = 366 * DAY
const FEED_TIMEOUT_MS = 2000
const FEED_TIMEOUT_MS_MAX = 60_000
const TOKEN_SECRET_BYTES_MIN = 32
const TOKEN_SECRETS_MAX = 10

const TABLE = {
  host: text('HOST', '127.0.0.1', 'Address to listen on. An image or a pod sets 0.0.0.0.'),
  port: integer(
    'PORT',
    8000,
    0,
    65_535,
    null,
    'Port to listen on. When unset and taken, the next free one is used; 0 takes any.',
  ),
  httpsPort: optional(
    integer(
      'HTTPS_PORT',
      8444,
      0,
      65_535,
      null,
      'Port of a second public door that speaks TLS, with TLS_CERT_FILE; 0 takes any.',
    ),
    'none',
  ),
  internalPort: integer(
    'INTERNAL_PORT',
    8443,
    0,
    65_535,
    null,
    'Port of the private door, for our own other services; 0 takes any.',
  ),
  internalTls: oneOf(
    'INTERNAL_TLS',
    'auto',
    ['auto', 'off'],
    'auto: without certificates the private door opens on loopback only. off: it opens on HOST, and something else protects it.',
  ),
  tlsCertFile: optionalText('TLS_CERT_FILE', 'no TLS', "This service's certificate for the private door (PEM)."),
  tlsKeyFile: optionalText('TLS_KEY_FILE', 'no TLS', 'The key of that certificate (PEM).'),
  tlsCaFile: optionalText('TLS_CA_FILE', 'no TLS', "The authority that signed the services' certificates (PEM)."),
  calculationUrl: serviceUrl('CALCULATION_URL', 'Private door of the calculation service.'),
  dataUrl: serviceUrl('DATA_URL', 'Private door of the data service.'),
  auditUrl: serviceUrl('AUDIT_URL', 'Private door of the audit service.'),
  cacheUrl: serviceUrl('CACHE_URL', 'Private door of the cache service, to show how it is.'),
  buildCommit: commit(
    'BUILD_COMMIT',
    'The commit that the program was built from; the image sets it, and every record names it.',
  ),
  metricsEnabled: flag(
    'METRICS_ENABLED',
    true,
    'Metrics are counted and shown at /metrics. Alerts, the autoscaler of the calculation service and canaries go by them.',
  ),
  otelEnabled: flag('OTEL_ENABLED', false, 'Traces are sent to a collector.'),
  otlpEndpoint: collectorUrl(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'http://localhost:4318',
    'The collector of traces, over OTLP/HTTP; spans go to /v1/traces below it.',
  ),
  sampledShare: share(
    'OTEL_TRACES_SAMPLER_ARG',
    '0.1',
    'Share of the traces begun here that are sampled. A request that brings its own trace says it itself.',
  ),
  logLevel: oneOf('LOG_LEVEL', 'info', LOG_LEVELS, 'The least important log lines that are written.'),
  dataDir: optionalText(
    'DATA_DIR',
    'the data folder of the account',
    'Folder of the embedded database and the demo keys.',
  ),
  databaseUrl: databaseUrl('DATABASE_URL', 'the embedded database', 'The PostgreSQL database.'),
  databaseDirectUrl: databaseUrl(
    'DATABASE_DIRECT_URL',
    'DATABASE_URL',
    'The same database past any pooler, for migrations.',
  ),
  databaseReplicaUrl: databaseUrl(
    'DATABASE_REPLICA_URL',
    'none: the database itself answers all reads',
    'A replica that answers lists, histories and searches while it keeps up.',
  ),
  databaseReplicaLagMax: integer(
    'DATABASE_REPLICA_LAG_MAX_SECONDS',
    5,
    1,
    HOUR,
    'seconds',
    'Further behind than this, the replica is not asked.',
  ),
  databasePasswordFile: optionalText(
    'DATABASE_PASSWORD_FILE',
    'the password in DATABASE_URL',
    'A mounted file with the password of the database user, read again for each new connection.',
  ),
  databaseUrlFile: addressFile(
    'DATABASE_URL_FILE',
    'DATABASE_URL',
    'Mounted files of which the first that is there holds that address; its password is read again for each new connection.',
  ),
  databaseDirectUrlFile: addressFile('DATABASE_DIRECT_URL_FILE', 'DATABASE_DIRECT_URL', 'The same for that address.'),
  databasePrepared: optional(
    flag('DATABASE_PREPARED', false, 'Prepared statements. Not through a pooler in transaction mode.'),
    'true with the embedded database, otherwise false',
  ),
  databaseConnectionsMax: integer(
    'DATABASE_CONNECTIONS_MAX',
    10,
    1,
    1000,
    'connections',
    'Most connections of one process.',
  ),
  lenderFresh: age('LENDER_FRESH_SECONDS', 300, 'Until then a lender rate counts as cached.'),
  lenderStale: age(
    'LENDER_STALE_SECONDS',
    24 * HOUR,
    'Until then a lender rate is used as stale; after that it is stood in for.',
  ),
  volatilityFresh: age('VOLATILITY_FRESH_SECONDS', 900, 'Until then a volatility counts as cached.'),
  volatilityStale: age(
    'VOLATILITY_STALE_SECONDS',
    5 * DAY,
    'Until then a volatility is used as stale; after that 20.0 stands in.',
  ),
  eventFresh: age('EVENT_FRESH_SECONDS', HOUR, 'Until then an event calendar counts as cached.'),
  eventStale: age(
    'EVENT_STALE_SECONDS',
    7 * DAY,
    'Until then an event calendar is used as stale; after that risk 0 stands in.',
  ),
  availabilityFresh: age(
    'AVAILABILITY_FRESH_SECONDS',
    300,
    'Until then a number of available shares counts as cached.',
  ),
  availabilityStale: age(
    'AVAILABILITY_STALE_SECONDS',
    24 * HOUR,
    'Until then it is used as stale; after that it is unknown.',
  ),
  standInEasy: rate('STAND_IN_RATE_EASY', '0.0025', 'Lender rate of an EASY name when no rate and no floor is known.'),
  standInMedium: rate(
    'STAND_IN_RATE_MEDIUM',
    '0.03',
    'Lender rate of a MEDIUM name when no rate and no floor is known.',
  ),
  standInHard: rate('STAND_IN_RATE_HARD', '0.20', 'Lender rate of a HARD name when no rate and no floor is known.'),
  localCopySeconds: integer(
    'LOCAL_COPY_SECONDS',
    60,
    0,
    HOUR,
    'seconds',
    'How long a process uses inputs in memory without asking; 0 keeps none. While nobody answers: 5 minutes.',
  ),
  rateHistoryDays: integer(
    'RATE_HISTORY_DAYS',
    400,
    1,
    36_600,
    'days',
    'How long rates can be looked back at; what they were made of before then is let go.',
  ),
  redisUrl: redisUrl(
    'REDIS_URL',
    'the memory of the process',
    'The Redis that processes share copies and the limits of clients through.',
  ),
  redisCaFile: optionalText(
    'REDIS_CA_FILE',
    'the authorities that Node believes',
    'PEM file of the authority whose certificate Redis shows, with rediss.',
  ),
  redisKeyPrefix: text(
    'REDIS_KEY_PREFIX',
    'borrow-rate:',
    'Stands before every key and channel, so that installations can share a Redis.',
  ),
  redisCommandTimeoutMs: integer(
    'REDIS_COMMAND_TIMEOUT_MS',
    75,
    5,
    5000,
    'milliseconds',
    'After that a command counts as failed, and a copy as missing.',
  ),
  redisBreakerFailures: integer(
    'REDIS_BREAKER_FAILURES',
    5,
    1,
    1000,
    'failures',
    'After so many within the window a Redis node is left alone.',
  ),
  redisBreakerWindow: integer('REDIS_BREAKER_WINDOW_SECONDS', 10, 1, HOUR, 'seconds', 'How long a failure counts.'),
  redisBreakerOpen: integer(
    'REDIS_BREAKER_OPEN_SECONDS',
    15,
    1,
    HOUR,
    'seconds',
    'How long a Redis node is left alone before one command tries it.',
  ),
  redisBreakerSuccesses: integer(
    'REDIS_BREAKER_SUCCESSES',
    3,
    1,
    1000,
    'successes',
    'After so many in a row a Redis node is trusted again.',
  ),
  auditLanes: integer(
    'AUDIT_LANES',
    2,
    1,
    16,
    'connections',
    'Commits of the audit log that may be under way at once.',
  ),
  auditQueueMax: integer(
    'AUDIT_QUEUE_MAX',
    2000,
    // Batches alone have 512 lines under way (quotes/batch.ts).
    1000,
    1_000_000,
    'records',
    'Records that may wait for a commit before prices are refused.',
  ),
  auditSigningKeyFile: optionalText(
    'AUDIT_SIGNING_KEY_FILE',
    'all in one: one of its own in DATA_DIR, otherwise none',
    'The Ed25519 key that signs the record (PEM, PKCS #8).',
  ),
  auditTrustedKeysFile: optionalText(
    'AUDIT_TRUSTED_KEYS_FILE',
    'the public half of the signing key',
    'Public keys (PEM) that signed the record before, or elsewhere; that of the signing key is always trusted.',
  ),
  auditSealIntervalMs: integer(
    'AUDIT_SEAL_INTERVAL_MS',
    // Sealing comes in bursts, which quotes wait behind: the more often, the shorter (docs/performance.md).
    250,
    10,
    60_000,
    'milliseconds',
    'Pause between two looks for records that have no place in the chain yet.',
  ),
  auditStorage: storageUrl(
    'AUDIT_STORAGE_URL',
    'the folder audit-exports in DATA_DIR',
    'Locked storage of exports and chain heads: a bucket with object lock, or a folder.',
  ),
  auditHeadExportSeconds: integer(
    'AUDIT_HEAD_EXPORT_SECONDS',
    60,
    1,
    HOUR,
    'seconds',
    'How often the newest head of the chain goes to locked storage, when it is new.',
  ),
  auditRetentionYears: integer(
    'AUDIT_RETENTION_YEARS',
    6,
    1,
    100,
    'years',
    'How long records stay in the log at least; a legal hold keeps them longer.',
  ),
  requireApproval: flag('REQUIRE_APPROVAL', false, 'A change of what a broker is charged waits for a second person.'),
  requestsStandard: integer(
    'RATE_LIMIT_STANDARD',
    60,
    1,
    1_000_000,
    'requests in 60 s',
    'Limit of a broker of tier standard.',
  ),
  requestsPremium: integer(
    'RATE_LIMIT_PREMIUM',
    300,
    1,
    1_000_000,
    'requests in 60 s',
    'Limit of a broker of tier premium.',
  ),
  requestsInternal: integer(
    'RATE_LIMIT_INTERNAL',
    1000,
    1,
    1_000_000,
    'requests in 60 s',
    'Limit of a broker of tier internal.',
  ),
  jwtSecret: secrets(
    'JWT_SECRET',
    'all in one: one of its own in DATA_DIR, otherwise none',
    'Secrets that sign the tokens of sessions, of 32 bytes or more each: the first signs, all of them check. Secret.',
  ),
  jwtKeyFile: optionalText(
    'JWT_KEY_FILE',
    'JWT_SECRET',
    'A file of such secrets, one a line, or of PEM keys (Ed25519, P-256, RSA): the first signs, all of them check.',
  ),
  webhookSecretKey: secrets(
    'WEBHOOK_SECRET_KEY',
    'all in one: one of its own in DATA_DIR, otherwise none',
    "Secrets of 32 bytes or more each that webhooks' own secrets are encrypted under: the first encrypts, all of them decrypt. Secret.",
  ),
  webhookKeyFile: optionalText(
    'WEBHOOK_KEY_FILE',
    'WEBHOOK_SECRET_KEY',
    'A file of such secrets, one a line: the first encrypts, all of them decrypt.',
  ),
  webhookAllowedNetworks: list(
    'WEBHOOK_ALLOWED_NETWORKS',
    'addresses or networks, by commas',
    'Networks that webhooks may lead to although they are not public, over plain HTTP too.',
    network,
  ),
  webhookCaFile: optionalText(
    'WEBHOOK_CA_FILE',
    'the authorities that Node believes',
    'PEM file of more authorities that are believed when a webhook is delivered.',
  ),
  overloadDelayMs: integer(
    'OVERLOAD_EVENT_LOOP_DELAY_MS',
    250,
    10,
    60_000,
    'milliseconds',
    'Mean delay of the event loop above which requests are refused with 503.',
  ),
  requestsInFlightMax: integer(
    'REQUESTS_IN_FLIGHT_MAX',
    2000,
    1,
    1_000_000,
    'requests',
    'Requests of one process that may be under way at once; more are refused with 503.',
  ),
  streamsMax: integer('STREAMS_MAX', 10_000, 1, 1_000_000, 'streams', 'Streams of rates that one process keeps open.'),
  streamsPerKeyMax: integer(
    'STREAMS_PER_KEY_MAX',
    100,
    1,
    1_000_000,
    'streams',
    'Streams of rates of one key that one process keeps open.',
  ),
  corsOrigins: list('CORS_ORIGINS', 'origins, by commas', 'Origins whose pages may call from a browser.', origin),
  trustedProxies: list(
    'TRUSTED_PROXIES',
    'addresses or networks, by commas',
    'Proxies whose X-Forwarded-For is believed.',
    network,
  ),
  dashboardLinks: parsed(
    'DASHBOARD_LINKS',
    'links, by commas',
    'Pages of your own that the console leads operators to, as Latency=https://grafana.example.com/d/desk.',
    (value) => readDashboardLinks(value) ?? new Fault(DASHBOARD_LINKS_FORM),
  ),
  ...feedRows('LENDER', 'lender', 5, 60, 3),
  ...feedRows('VOLATILITY', 'volatility', 3, 30, 2),
  ...feedRows('EVENT', 'event', 3, 30, 2),
  CLOSES_FEED_URL: feedSources('CLOSES_FEED_URL', 'Files of closing prices, the preferred first. Secret.'),
  CLOSES_FEED_KEY: secret('CLOSES_FEED_KEY', 'Credential of the closing prices. Secret.'),
  CLOSES_FEED_TIMEOUT_MS: integer(
    'CLOSES_FEED_TIMEOUT_MS',
    FEED_TIMEOUT_MS,
    1,
    FEED_TIMEOUT_MS_MAX,
    'milliseconds',
    'How long a server of closing prices may be silent, when it is more than 10 s.',
  ),
  feedFetchSchedule: schedule(
    'FEED_FETCH_SCHEDULE',
    '*/5 * * * *',
    'When feed files are fetched (cron, New York time); those other than the lender list only once they are no longer fresh.',
  ),
}

/** All rows, in the order of the documentation. */
export const SETTINGS: readonly Setting<unknown>[] = Object.values(TABLE)

export interface Configuration {
  readonly host: string
  readonly port: number
  /** False: PORT was not set, and another port may be taken. */
  readonly portChosen: boolean
  /** Null: there is no such door. */
  readonly httpsPort: number | null
  readonly internalPort: number
  /** Where the private door opens: loopback unless certificates, or the operator, protect it. */
  readonly internalHost: string
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string } | null
  readonly calculationUrl: string | null
  readonly dataUrl: string | null
  readonly auditUrl: string | null
  readonly cacheUrl: string | null
  /** Hexadecimal; null where nobody knows it. */
  readonly buildCommit: string | null
  readonly metricsEnabled: boolean
  readonly logLevel: LogLevel
  readonly tracing: {
    /** Null: nothing is traced. */
    readonly otlpEndpoint: string | null
    /** From 0 to 1. */
    readonly sampledShare: number
  }
  readonly dataDir: string | null
  readonly databaseUrl: string | null
  readonly databaseDirectUrl: string | null
  readonly databaseReplicaUrl: string | null
  readonly databaseReplicaLagMaxSeconds: number
  /** A file with the password, or with a URL that has it. */
  readonly databasePasswordFile: string | null
  /** The same for `databaseDirectUrl`. */
  readonly databaseDirectPasswordFile: string | null
  readonly databasePrepared: boolean
  readonly databaseConnectionsMax: number
  readonly inputLimits: {
    readonly lender: AgeLimit
    readonly volatility: AgeLimit
    readonly events: AgeLimit
    readonly availability: AgeLimit
    readonly standInRates: { readonly EASY: Rate; readonly MEDIUM: Rate; readonly HARD: Rate }
  }
  readonly feeds: FeedsConfiguration
  readonly localCopySeconds: number
  readonly rateHistoryDays: number
  readonly redis: {
    /** Null: there is none, and the process keeps what it would share. */
    readonly url: string | null
    readonly caFile: string | null
    readonly keyPrefix: string
    readonly commandTimeoutMs: number
    readonly breaker: BreakerLimits
  }
  readonly auditLanes: number
  readonly auditQueueMax: number
  readonly auditSigningKeyFile: string | null
  readonly auditTrustedKeysFile: string | null
  readonly auditSealIntervalMs: number
  /** Null: the folder `audit-exports` in the data folder. */
  readonly auditStorage: StorageAddress | null
  readonly auditHeadExportSeconds: number
  readonly auditRetentionYears: number
  readonly requireApproval: boolean
  readonly requestsPerMinute: { readonly standard: number; readonly premium: number; readonly internal: number }
  /** What tokens of sessions are signed with; neither: nothing is. */
  readonly tokens: { readonly secrets: readonly string[]; readonly keyFile: string | null }
  readonly webhooks: {
    /** None: an engine that has its data to itself makes one, others have no webhooks. */
    readonly secretKeys: readonly string[]
    /** A file of such secrets, in their place. */
    readonly keyFile: string | null
    readonly allowedNetworks: readonly string[]
    readonly caFile: string | null
  }
  readonly overload: { readonly eventLoopDelayMsMax: number; readonly requestsInFlightMax: number }
  /** Streams of rates, in all and of one key. */
  readonly streams: { readonly max: number; readonly perKeyMax: number }
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly dashboardLinks: readonly DashboardLink[]
  /** Names in the environment that look like misspelt settings, each as a sentence for the log. */
  readonly hints: readonly string[]
}

/** Where an input comes from, and how far its services may go. Files know only the timeout and the key. */
export interface FeedConfiguration {
  /** The preferred first; none: the input has no feed. */
  readonly sources: readonly FeedSource[]
  readonly key: string | null
  readonly timeoutMs: number
  readonly breaker: BreakerLimits
  readonly callsAtOnceMax: number
  readonly callsPerMinuteMax: number
}

export interface FeedsConfiguration {
  readonly lender: FeedConfiguration
  readonly volatility: FeedConfiguration
  readonly events: FeedConfiguration
  readonly closes: Pick<FeedConfiguration, 'sources' | 'key' | 'timeoutMs'>
  /** Five fields as cron reads them, in New York time. */
  readonly fetchSchedule: string
}

interface AgeLimit {
  readonly freshSeconds: number
  readonly staleSeconds: number
}

/** Every fault of the environment, in one error for a person to read. */
export class ConfigurationError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.faults = faults
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the environment.
 * @throws ConfigurationError that names every fault
 */
export function readConfiguration(environment: Environment): Configuration {
  const faults: string[] = []
  const values = Object.fromEntries(
    Object.entries(TABLE).map(([key, setting]) => [key, readSetting(setting as Setting<unknown>, environment, faults)]),
  ) as { [K in keyof typeof TABLE]: (typeof TABLE)[K] extends Setting<infer T> ? T : never }

  const ageLimit = (fresh: keyof typeof TABLE, stale: keyof typeof TABLE): AgeLimit => {
    const [freshSeconds, staleSeconds] = [values[fresh] as number, values[stale] as number]
    // One that has a fault of its own is null here, and named already.
    if (freshSeconds !== null && staleSeconds !== null && freshSeconds > staleSeconds)
      faults.push(`${TABLE[stale].name} must be at least ${TABLE[fresh].name}`)
    return Object.freeze({ freshSeconds, staleSeconds })
  }
  const inputLimits = {
    lender: ageLimit('lenderFresh', 'lenderStale'),
    volatility: ageLimit('volatilityFresh', 'volatilityStale'),
    events: ageLimit('eventFresh', 'eventStale'),
    availability: ageLimit('availabilityFresh', 'availabilityStale'),
    standInRates: Object.freeze({ EASY: values.standInEasy, MEDIUM: values.standInMedium, HARD: values.standInHard }),
  }
  for (const [name, other] of [
    ['DATABASE_URL', 'DATABASE_URL_FILE'],
    ['DATABASE_PASSWORD_FILE', 'DATABASE_URL_FILE'],
    ['DATABASE_DIRECT_URL', 'DATABASE_DIRECT_URL_FILE'],
  ] as const) {
    if (isSet(environment[name]) && isSet(environment[other]))
      faults.push(`${name} and ${other} must not be set together`)
  }
  const databaseUrl = values.databaseUrl ?? values.databaseUrlFile?.address ?? null
  const databasePasswordFile = values.databasePasswordFile ?? values.databaseUrlFile?.file ?? null
  const databaseDirectUrl = values.databaseDirectUrl ?? values.databaseDirectUrlFile?.address ?? null
  if (databaseUrl === null) {
    const without = [
      'DATABASE_DIRECT_URL',
      'DATABASE_DIRECT_URL_FILE',
      'DATABASE_REPLICA_URL',
      'DATABASE_PASSWORD_FILE',
    ]
    // A database that was named, and has a fault of its own, is not missing.
    const named = isSet(environment.DATABASE_URL) || isSet(environment.DATABASE_URL_FILE)
    for (const name of without) {
      if (!named && isSet(environment[name])) faults.push(`${name} needs DATABASE_URL beside it`)
    }
  }
  if (values.redisCaFile !== null && !values.redisUrl?.startsWith('rediss')) {
    faults.push('REDIS_CA_FILE needs a REDIS_URL that begins with rediss')
  }
  const { tlsCertFile, tlsKeyFile, tlsCaFile } = values
  const tls =
    tlsCertFile !== null && tlsKeyFile !== null && tlsCaFile !== null
      ? Object.freeze({ certFile: tlsCertFile, keyFile: tlsKeyFile, caFile: tlsCaFile })
      : null
  if (tls === null && (tlsCertFile ?? tlsKeyFile ?? tlsCaFile) !== null) {
    faults.push('TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE must be set together')
  }
  if (values.httpsPort !== null && tls === null) {
    faults.push('HTTPS_PORT needs TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE')
  }
  if (values.jwtKeyFile !== null && values.jwtSecret?.length > 0) {
    faults.push('JWT_SECRET and JWT_KEY_FILE must not be set together')
  }
  if (faults.length > 0) throw new ConfigurationError(faults)

  return Object.freeze({
    host: values.host,
    port: values.port,
    portChosen: isSet(environment.PORT),
    httpsPort: values.httpsPort,
    internalPort: values.internalPort,
    internalHost: tls !== null || values.internalTls === 'off' ? values.host : '127.0.0.1',
    tls,
    calculationUrl: values.calculationUrl,
    dataUrl: values.dataUrl,
    auditUrl: values.auditUrl,
    cacheUrl: values.cacheUrl,
    buildCommit: values.buildCommit,
    metricsEnabled: values.metricsEnabled,
    logLevel: values.logLevel,
    tracing: Object.freeze({
      otlpEndpoint: values.otelEnabled ? values.otlpEndpoint : null,
      sampledShare: values.sampledShare,
    }),
    dataDir: values.dataDir,
    databaseUrl,
    databaseDirectUrl: databaseDirectUrl ?? databaseUrl,
    databaseDirectPasswordFile: values.databaseDirectUrlFile?.file ?? databasePasswordFile,
    databaseReplicaUrl: values.databaseReplicaUrl,
    databaseReplicaLagMaxSeconds: values.databaseReplicaLagMax,
    databasePasswordFile,
    databasePrepared: values.databasePrepared ?? databaseUrl === null,
    databaseConnectionsMax: values.databaseConnectionsMax,
    inputLimits: Object.freeze(inputLimits),
    feeds: Object.freeze({
      lender: feedConfiguration('LENDER', values),
      volatility: feedConfiguration('VOLATILITY', values),
      events: feedConfiguration('EVENT', values),
      closes: Object.freeze({
        sources: values.CLOSES_FEED_URL,
        key: values.CLOSES_FEED_KEY,
        timeoutMs: values.CLOSES_FEED_TIMEOUT_MS,
      }),
      fetchSchedule: values.feedFetchSchedule,
    }),
    localCopySeconds: values.localCopySeconds,
    rateHistoryDays: values.rateHistoryDays,
    redis: Object.freeze({
      url: values.redisUrl,
      caFile: values.redisCaFile,
      keyPrefix: values.redisKeyPrefix,
      commandTimeoutMs: values.redisCommandTimeoutMs,
      breaker: Object.freeze({
        failures: values.redisBreakerFailures,
        windowSeconds: values.redisBreakerWindow,
        openSeconds: values.redisBreakerOpen,
        successes: values.redisBreakerSuccesses,
      }),
    }),
    auditLanes: values.auditLanes,
    auditQueueMax: values.auditQueueMax,
    auditSigningKeyFile: values.auditSigningKeyFile,
    auditTrustedKeysFile: values.auditTrustedKeysFile,
    auditSealIntervalMs: values.auditSealIntervalMs,
    auditStorage: values.auditStorage,
    auditHeadExportSeconds: values.auditHeadExportSeconds,
    auditRetentionYears: values.auditRetentionYears,
    requireApproval: values.requireApproval,
    requestsPerMinute: Object.freeze({
      standard: values.requestsStandard,
      premium: values.requestsPremium,
      internal: values.requestsInternal,
    }),
    tokens: Object.freeze({ secrets: values.jwtSecret, keyFile: values.jwtKeyFile }),
    webhooks: Object.freeze({
      secretKeys: values.webhookSecretKey,
      keyFile: values.webhookKeyFile,
      allowedNetworks: Object.freeze(values.webhookAllowedNetworks),
      caFile: values.webhookCaFile,
    }),
    overload: Object.freeze({
      eventLoopDelayMsMax: values.overloadDelayMs,
      requestsInFlightMax: values.requestsInFlightMax,
    }),
    streams: Object.freeze({ max: values.streamsMax, perKeyMax: values.streamsPerKeyMax }),
    corsOrigins: Object.freeze(values.corsOrigins),
    trustedProxies: Object.freeze(values.trustedProxies),
    dashboardLinks: Object.freeze(values.dashboardLinks),
    hints: Object.freeze(misspelt(environment)),
  })
}

/**
 * The settings that this process cannot do without, which others may.
 * @throws ConfigurationError that names each one that is not set
 */
export function requireSettings<K extends keyof Configuration>(
  configuration: Configuration,
  names: Readonly<Record<K, string>>,
): { readonly [N in K]: NonNullable<Configuration[N]> } {
  const missing = (Object.keys(names) as K[]).filter((key) => configuration[key] === null)
  if (missing.length > 0) throw new ConfigurationError(missing.map((key) => `${names[key]} must be set`))
  return configuration as { readonly [N in K]: NonNullable<Configuration[N]> }
}

const isSet = (text: string | undefined): text is string => text !== undefined && text.trim() !== ''

function readSetting(setting: Setting<unknown>, environment: Environment, faults: string[]): unknown {
  const given = environment[setting.name]
  const valueText = isSet(given) ? given.trim() : setting.defaultText
  if (valueText === null) return null
  const value = setting.parse(valueText)
  if (!(value instanceof Fault)) return value
  const shown = setting.secret ? '' : ` and is ${JSON.stringify(valueText.slice(0, 100))}`
  faults.push(`${setting.name} must be ${value.rule}${shown}`)
  return null
}

// ---- kinds of settings ----

function text(name: string, defaultText: string, meaning: string): Setting<string> {
  return { name, defaultText, unit: null, meaning, secret: false, parse: (value) => value }
}

function optional<T>(setting: Setting<T>, defaultMeaning: string): Setting<T | null> {
  return { ...setting, defaultText: null, defaultMeaning }
}

function optionalText(name: string, defaultMeaning: string, meaning: string): Setting<string | null> {
  return optional(text(name, '', meaning), defaultMeaning)
}

function integer(
  name: string,
  defaultValue: number,
  minimum: number,
  maximum: number,
  unit: string | null,
  meaning: string,
): Setting<number> {
  const fault = new Fault(`an integer from ${minimum} to ${maximum}`)
  const parse = (value: string) => {
    const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN
    return number >= minimum && number <= maximum ? number : fault
  }
  return { name, defaultText: String(defaultValue), unit, meaning, secret: false, parse }
}

function age(name: string, defaultSeconds: number, meaning: string): Setting<number> {
  return integer(name, defaultSeconds, 0, AGE_SECONDS_MAX, 'seconds', meaning)
}

function rate(name: string, defaultText: string, meaning: string): Setting<Rate> {
  const parse = (value: string) => {
    const parsed = parseDecimal(value)
    const sound = parsed !== null && parsed.units >= 0n && compare(parsed, decimal(100)) <= 0
    return sound && significantDecimals(parsed) <= 8
      ? asRate(parsed)
      : new Fault('a fraction a year from 0 to 100 with at most 8 decimals')
  }
  return { name, defaultText, unit: 'fraction a year', meaning, secret: false, parse }
}

function flag(name: string, defaultValue: boolean, meaning: string): Setting<boolean> {
  const parse = (value: string) => (value === 'true' ? true : value === 'false' ? false : new Fault('true or false'))
  return { name, defaultText: String(defaultValue), unit: null, meaning, secret: false, parse }
}

function oneOf<const V extends string>(
  name: string,
  defaultText: V,
  values: readonly V[],
  meaning: string,
): Setting<V> {
  const parse = (value: string) => values.find((known) => known === value) ?? new Fault(`one of ${values.join(', ')}`)
  return { name, defaultText, unit: null, meaning, secret: false, parse }
}

function databaseUrl(name: string, defaultMeaning: string, meaning: string): Setting<string | null> {
  const fault = new Fault('a URL as postgresql://user:password@host:5432/database (its value is not shown)')
  const parse = (value: string) => {
    return isDatabaseUrl(value) ? value : fault
  }
  return { name, defaultText: null, defaultMeaning, unit: null, meaning, secret: true, parse }
}

/** Read at the start: a database that is not named where it should be is a fault like any other. */
function addressFile(name: string, defaultMeaning: string, meaning: string): Setting<AddressFile | null> {
  const parse = (value: string) => {
    try {
      return readAddressFile(value)
    } catch (error) {
      return new Fault(`a file with the address of a database: ${(error as Error).message}`)
    }
  }
  return { name, defaultText: null, defaultMeaning, unit: 'paths, by spaces', meaning, secret: true, parse }
}

/** An image that was built without being told says so. */
function commit(name: string, meaning: string): Setting<string | null> {
  const fault = new Fault('the hexadecimal id of a commit, or unknown')
  const parse = (value: string) => (value === 'unknown' ? null : /^[0-9a-f]{7,64}$/.test(value) ? value : fault)
  return { name, defaultText: null, defaultMeaning: 'unknown', unit: null, meaning, secret: false, parse }
}

function collectorUrl(name: string, defaultText: string, meaning: string): Setting<string> {
  const fault = new Fault('the URL of a collector as http://tempo:4318')
  const parse = (value: string) => (/^https?:\/\//.test(value) && URL.canParse(value) ? value : fault)
  return { name, defaultText, unit: null, meaning, secret: false, parse }
}

/** A probability, which is no money and no rate: a plain number. */
function share(name: string, defaultText: string, meaning: string): Setting<number> {
  const fault = new Fault('a number from 0 to 1')
  const parse = (value: string) => (/^(0(\.\d+)?|1(\.0+)?)$/.test(value) ? Number(value) : fault)
  return { name, defaultText, unit: 'share', meaning, secret: false, parse }
}

/** No default: where the other services are is for the deployment to say, and only who calls them needs it. */
function serviceUrl(name: string, meaning: string): Setting<string | null> {
  const fault = new Fault('the URL of a service as https://calculation-service:8443')
  const parse = (value: string) => {
    const sound = /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).pathname === '/'
    return sound ? value : fault
  }
  return { name, defaultText: null, defaultMeaning: 'none', unit: null, meaning, secret: false, parse }
}

function redisUrl(name: string, defaultMeaning: string, meaning: string): Setting<string | null> {
  const fault = new Fault(`a URL as ${REDIS_URL_FORM} (its value is not shown)`)
  const parse = (value: string) => (readRedisUrl(value) === null ? fault : value)
  return { name, defaultText: null, defaultMeaning, unit: null, meaning, secret: true, parse }
}

function storageUrl(name: string, defaultMeaning: string, meaning: string): Setting<StorageAddress | null> {
  const fault = new Fault(`a URL as ${STORAGE_URL_FORM}`)
  const parse = (value: string) => readStorageUrl(value) ?? fault
  return { name, defaultText: null, defaultMeaning, unit: null, meaning, secret: false, parse }
}

function list(
  name: string,
  unit: string,
  meaning: string,
  parseItem: (item: string) => string | Fault,
): Setting<readonly string[]> {
  return parsed(name, unit, meaning, (value) => {
    const items = value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(parseItem)
    const fault = items.find((item) => item instanceof Fault)
    return fault instanceof Fault ? fault : (items as string[])
  })
}

/** Several of a kind; none unless they are set. */
function parsed<T>(
  name: string,
  unit: string,
  meaning: string,
  parse: (value: string) => readonly T[] | Fault,
): Setting<readonly T[]> {
  return {
    name,
    defaultText: '',
    defaultMeaning: 'none',
    unit,
    meaning,
    secret: false,
    parse: (value) => (value === '' ? [] : parse(value)),
  }
}

function origin(item: string): string | Fault {
  const sound = URL.canParse(item) && new URL(item).origin === item
  return sound ? item : new Fault('a list of origins as https://desk.example.com, without a path and never *')
}

function network(item: string): string | Fault {
  const [address = '', prefix, more] = item.split('/')
  const bits = isIP(address) === 4 ? 32 : 128
  const soundPrefix = prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits)
  const sound = isIP(address) !== 0 && soundPrefix && more === undefined
  return sound ? item : new Fault('a list of IP addresses or networks as 10.0.0.0/8')
}

// ---- feeds ----

function secret(name: string, meaning: string): Setting<string | null> {
  return { ...optional(text(name, '', meaning), 'none'), secret: true }
}

function secrets(name: string, defaultMeaning: string, meaning: string): Setting<readonly string[]> {
  const fault = new Fault(
    `secrets of at least ${TOKEN_SECRET_BYTES_MIN} bytes each, ${TOKEN_SECRETS_MAX} at most, by spaces (its value is not shown)`,
  )
  const parse = (value: string) => {
    const items = value.split(/\s+/).filter((item) => item !== '')
    const sound = items.every((item) => Buffer.byteLength(item) >= TOKEN_SECRET_BYTES_MIN)
    return sound && items.length <= TOKEN_SECRETS_MAX ? Object.freeze(items) : fault
  }
  return { name, defaultText: '', defaultMeaning, unit: 'by spaces', meaning, secret: true, parse }
}

/** Addresses may hold credentials, so that they are never shown. */
function feedSources(name: string, meaning: string): Setting<readonly FeedSource[]> {
  const fault = new Fault(
    'addresses of services as https://host or of files as ftp://user@host/usa.txt, by spaces (its value is not shown)',
  )
  const parse = (value: string) => {
    const sources = value
      .split(/\s+/)
      .filter((item) => item !== '')
      .map(readFeedSource)
    return sources.includes(null) ? fault : Object.freeze(sources as FeedSource[])
  }
  return { name, defaultText: '', defaultMeaning: 'none', unit: 'addresses, by spaces', meaning, secret: true, parse }
}

function schedule(name: string, defaultText: string, meaning: string): Setting<string> {
  const parse = (value: string) => {
    try {
      new Cron(value, { paused: true, mode: '5-part' })
      return value
    } catch {
      return new Fault('five fields as cron reads them, as */5 4-20 * * 1-5')
    }
  }
  return { name, defaultText, unit: null, meaning, secret: false, parse }
}

interface FeedRows {
  readonly FEED_URL: Setting<readonly FeedSource[]>
  readonly FEED_KEY: Setting<string | null>
  readonly FEED_TIMEOUT_MS: Setting<number>
  readonly FEED_CALLS_AT_ONCE: Setting<number>
  readonly FEED_CALLS_PER_MINUTE: Setting<number>
  readonly BREAKER_FAILURES: Setting<number>
  readonly BREAKER_WINDOW_SECONDS: Setting<number>
  readonly BREAKER_OPEN_SECONDS: Setting<number>
  readonly BREAKER_SUCCESSES: Setting<number>
}
type FeedName = 'LENDER' | 'VOLATILITY' | 'EVENT'
type NamedRows<F extends string> = { readonly [K in keyof FeedRows as `${F}_${K}`]: FeedRows[K] }

/** The rows of one input; their keys are their names. */
function feedRows<F extends FeedName>(
  feed: F,
  words: string,
  failures: number,
  openSeconds: number,
  successes: number,
): NamedRows<F> {
  const count = (name: string, fallback: number, unit: string | null, meaning: string) =>
    integer(`${feed}_${name}`, fallback, 1, 1_000_000, unit, meaning)
  const rows: FeedRows = {
    FEED_URL: feedSources(`${feed}_FEED_URL`, `Services or files of the ${words} feed, the preferred first. Secret.`),
    FEED_KEY: secret(`${feed}_FEED_KEY`, `Credential of the ${words} feed. Secret.`),
    FEED_TIMEOUT_MS: integer(
      `${feed}_FEED_TIMEOUT_MS`,
      FEED_TIMEOUT_MS,
      1,
      FEED_TIMEOUT_MS_MAX,
      'milliseconds',
      `How long the ${words} feed has for an answer. A server of files may be silent for 10 s, or this long when it is more.`,
    ),
    FEED_CALLS_AT_ONCE: count('FEED_CALLS_AT_ONCE', 16, 'calls', `Calls to the ${words} feed that may be under way.`),
    FEED_CALLS_PER_MINUTE: count('FEED_CALLS_PER_MINUTE', 6000, 'calls', `Calls to the ${words} feed in any 60 s.`),
    BREAKER_FAILURES: count('BREAKER_FAILURES', failures, 'failures', `So many stop calls to the ${words} feed.`),
    BREAKER_WINDOW_SECONDS: count('BREAKER_WINDOW_SECONDS', 30, 'seconds', 'Within which the failures lie.'),
    BREAKER_OPEN_SECONDS: count('BREAKER_OPEN_SECONDS', openSeconds, 'seconds', 'How long nobody calls then.'),
    BREAKER_SUCCESSES: count(
      'BREAKER_SUCCESSES',
      successes,
      'calls',
      'Trial calls in a row that must succeed after that.',
    ),
  }
  return Object.fromEntries(
    Object.entries(rows).map(([key, row]) => [`${feed}_${key}`, row]),
  ) as unknown as NamedRows<F>
}

type Parsed<Rows> = { readonly [K in keyof Rows]: Rows[K] extends Setting<infer T> ? T : never }

function feedConfiguration<F extends FeedName>(feed: F, values: Parsed<NamedRows<F>>): FeedConfiguration {
  const value = <K extends keyof FeedRows>(key: K) =>
    (values as Record<string, unknown>)[`${feed}_${key}`] as Parsed<FeedRows>[K]
  return Object.freeze({
    sources: value('FEED_URL'),
    key: value('FEED_KEY'),
    timeoutMs: value('FEED_TIMEOUT_MS'),
    breaker: Object.freeze({
      failures: value('BREAKER_FAILURES'),
      windowSeconds: value('BREAKER_WINDOW_SECONDS'),
      openSeconds: value('BREAKER_OPEN_SECONDS'),
      successes: value('BREAKER_SUCCESSES'),
    }),
    callsAtOnceMax: value('FEED_CALLS_AT_ONCE'),
    callsPerMinuteMax: value('FEED_CALLS_PER_MINUTE'),
  })
}

// ---- misspelt names ----

/** A name this near to a setting's is taken for a slip. */
const SLIP_DISTANCE_MAX = 2
/** Short names are near to too many others. */
const SLIP_LENGTH_MIN = 7

function misspelt(environment: Environment): string[] {
  const names = SETTINGS.map((setting) => setting.name)
  const hints: string[] = []
  for (const name of Object.keys(environment)) {
    if (name.length < SLIP_LENGTH_MIN || name.length > 60 || names.includes(name)) continue
    const near = names.find((known) => distance(name, known) <= SLIP_DISTANCE_MAX)
    if (near !== undefined) hints.push(`${name} is not a setting; ${near} is`)
  }
  return hints
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > SLIP_DISTANCE_MAX) return SLIP_DISTANCE_MAX + 1
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
