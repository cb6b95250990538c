// What may stand in a ConfigMap: settings that the service reads, and nothing that is a secret.
import type { ServiceName } from '../../tools/local-cluster.ts'

/** Settings of every service, and those of each. */
const ALL =
  /^(HOST|PORT|INTERNAL_(PORT|TLS)|TLS_(CERT|KEY|CA)_FILE|LOG_LEVEL|OTEL_\w+|REDIS_\w+|OVERLOAD_\w+|REQUESTS_\w+)$/
const OWN: Readonly<Record<ServiceName, RegExp>> = {
  'api-gateway':
    /^(HTTPS_PORT|(CALCULATION|DATA|AUDIT|CACHE)_URL|DATABASE_(?!REPLICA)\w+|JWT_\w+|WEBHOOK_\w+|RATE_LIMIT_\w+|STREAMS_\w+|CORS_ORIGINS|TRUSTED_PROXIES|DASHBOARD_LINKS)$/,
  'calculation-service':
    /^(DATA_URL|DATABASE_(URL(_FILE)?|PASSWORD_FILE|PREPARED)|AUDIT_(LANES|QUEUE_MAX)|LOCAL_COPY_SECONDS|\w+_(FRESH|STALE)_SECONDS|STAND_IN_RATE_\w+)$/,
  'data-service':
    /^(DATABASE_\w+|REQUIRE_APPROVAL|RATE_HISTORY_DAYS|\w+_(FRESH|STALE)_SECONDS|STAND_IN_RATE_\w+|\w+_FEED_\w+|FEED_FETCH_SCHEDULE|\w+_BREAKER_\w+)$/,
  'cache-service': /^DATA_URL$/,
  'audit-service': /^(DATA_URL|DATABASE_\w+|AUDIT_(?!LANES|QUEUE)\w+)$/,
}

/** Names that the service does not read. */
export function unreadSettings(service: ServiceName, names: readonly string[], known: readonly string[]): string[] {
  return names.filter((name) => !known.includes(name) || (!ALL.test(name) && !OWN[service].test(name)))
}

/** What of these looks like a secret, as sentences that do not repeat it. */
export function secretFaults(data: Readonly<Record<string, string>>): string[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const why = secretIn(name, value)
    return why === null ? [] : [`${name} ${why}`]
  })
}

function secretIn(name: string, value: string): string | null {
  if (/(PASSWORD|SECRET|TOKEN|_KEY)$/i.test(name)) return 'is the name of a secret'
  if (/\b[a-z][\w+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i.test(value)) return 'holds an address with a password'
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value)) return 'holds a private key'
  if (/\b(AKIA|ASIA)[0-9A-Z]{16}\b/.test(value)) return 'holds an access key of AWS'
  if (/\bpassword\s*=\s*\S/i.test(value)) return 'holds a password'
  const dense = value.match(/[A-Za-z0-9+=_-]{32,}/g) ?? []
  if (!value.includes('-----BEGIN CERTIFICATE-----') && dense.some(isRandom)) return 'looks like a key'
  return null
}

/** Letters of both cases and digits, mixed, and no word of ours. */
function isRandom(text: string): boolean {
  return [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(text))
}
