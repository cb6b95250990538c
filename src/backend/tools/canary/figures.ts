// The figures of the gateway's two versions, asked of Prometheus. The engine counts, the scraper says of which pod; the canary's pods
// carry another name, and nothing else tells the two apart.
//
// A counter begins with the first thing it counts, so `increase()` would not see the first error of its kind, and a canary may make no
// second one before the next look. Instead each series is compared with what it was at the beginning, and with nothing where it was not;
// a scrape that failed at that moment is looked behind.
import type { Figures } from './verdict.ts'

/** Asks a question now. @returns the number; null: no data. @throws Error when Prometheus cannot be asked */
export type Ask = (question: string) => Promise<number | null>

export type Version = 'canary' | 'stable'

export interface Gateway {
  readonly namespace: string
  /** Of the Deployment: `api-gateway`. The canary's ends in `-canary`. */
  readonly name: string
}

const ANSWER_TIMEOUT_MS = 10_000
const PERCENTILE = 0.95
const LOOK_BEHIND = '5m'

/** @param url of Prometheus: `http://127.0.0.1:9090` */
export function prometheusAt(url: string): Ask {
  return async (question) => {
    const asked = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`)
    const answer = await fetch(asked, {
      method: 'POST',
      body: new URLSearchParams({ query: question }),
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Prometheus says ${answer.status} to ${question}: ${text.slice(0, 200)}`)
    const { data } = JSON.parse(text) as { data?: { result?: { value?: [number, string] }[] } }
    const value = data?.result?.[0]?.value?.[1]
    // NaN: a percentile of nothing.
    return value === undefined || Number.isNaN(Number(value)) ? null : Number(value)
  }
}

/** @returns null when Prometheus knows no request of that version's pods */
export async function figuresOf(
  ask: Ask,
  gateway: Gateway,
  version: Version,
  lookBackMs: number,
): Promise<Figures | null> {
  const { requests, errors, p95 } = questions(gateway, version, lookBackMs)
  const [counted, failed, seconds] = await Promise.all([ask(requests), ask(errors), ask(p95)])
  if (counted === null) return null
  // Without a failure there is no series of failures.
  return {
    requests: Math.round(counted),
    errors: Math.round(failed ?? 0),
    p95Ms: seconds === null ? null : seconds * 1000,
  }
}

/** What is asked, in PromQL. Probes and scrapes are no traffic. */
export function questions({ namespace, name }: Gateway, version: Version, lookBackMs: number) {
  const pods = version === 'canary' ? `pod=~"${name}-canary-.+"` : `pod=~"${name}-.+",pod!~"${name}-canary-.+"`
  const traffic = `namespace="${namespace}",${pods},route!~"/health.*|/metrics"`
  const since = `${Math.max(1, Math.round(lookBackMs / 1000))}s`
  const before = (series: string) => `last_over_time(${series}[${LOOK_BEHIND}] offset ${since})`
  const grown = (series: string) => `clamp_min(${series} - (${before(series)} or ${series} * 0), 0)`
  return {
    requests: `sum(${grown(`http_requests_total{${traffic}}`)})`,
    errors: `sum(${grown(`http_requests_total{${traffic},status=~"5.."}`)})`,
    p95: `histogram_quantile(${PERCENTILE}, sum by (le) (${grown(`http_request_duration_seconds_bucket{${traffic}}`)}))`,
  }
}
