// The objectives: 99.95 % of what clients ask is answered without a fault of ours, and 95 % of quotes within 100 ms. What is left is the
// budget, and the alerts say how fast it is used up: at 14.4 times the allowed speed a month's is gone in two days, at once in 30 days.
// Each looks at a long window, so that a short trouble wakes nobody, and at a short one, so that it ends soon after the trouble does
// (the multiwindow alerts of Google's "The Site Reliability Workbook", chapter 5).
import type { Alert, Duration, Priority, RuleGroup, Windows } from './rule.ts'

/** Of requests. */
export const AVAILABILITY_BUDGET = 0.0005
/** Of quotes: may take longer than the bucket's bound. */
export const LATENCY_BUDGET = 0.05
/** Seconds, as the histogram has it. */
const FAST_BUCKET = '0.1'

/** What clients ask for: probes and scrapes are no traffic. The canary's requests are clients' too. */
const CLIENTS = 'job=~"api-gateway|api-gateway-canary",route=~"/api/v1/.+",route!~"/api/v1/health.*"'
const QUOTES = 'job=~"api-gateway|api-gateway-canary",route=~"/api/v1/calculate-locate|/api/v1/rates/:ticker/calculate"'

interface Burn {
  readonly long: Duration
  readonly short: Duration
  readonly speed: number
  readonly for: Duration
  /** Of availability, of latency. */
  readonly priorities: readonly [Priority, Priority]
}

const BURNS: readonly Burn[] = [
  { long: '1h', short: '5m', speed: 14.4, for: '2m', priorities: ['P1', 'P2'] },
  { long: '6h', short: '30m', speed: 6, for: '15m', priorities: ['P2', 'P3'] },
  { long: '1d', short: '2h', speed: 3, for: '1h', priorities: ['P3', 'P3'] },
  { long: '3d', short: '6h', speed: 1, for: '3h', priorities: ['P4', 'P4'] },
]
const WINDOWS_OF_BURNS = [...new Set(BURNS.flatMap(({ long, short }) => [short, long]))]

const faultsOver = (window: Duration) => `gateway:request_faults:ratio_rate${window}`
const slowOver = (window: Duration) => `gateway:slow_quotes:ratio_rate${window}`

/** Shares over each window, and what dashboards ask again and again. A name says production's window, also in a test. */
export function objectiveRecordings(windows: Windows): RuleGroup {
  const by = 'sum by (namespace)'
  const rate = (series: string, labels: string, window: Duration) =>
    `${by} (rate(${series}{${labels}}[${windows(window)}]))`
  return {
    name: 'objectives',
    interval: windows('30s'),
    rules: [
      ...WINDOWS_OF_BURNS.map((window) => ({
        record: faultsOver(window),
        // Without a fault there is no series of faults: none of them is a share of 0, not of nothing.
        expr: `(${rate('http_requests_total', `${CLIENTS},status=~"5.."`, window)} or 0 * ${rate('http_requests_total', CLIENTS, window)}) / ${rate('http_requests_total', CLIENTS, window)}`,
      })),
      ...WINDOWS_OF_BURNS.map((window) => ({
        record: slowOver(window),
        expr: `1 - ${rate('http_request_duration_seconds_bucket', `${QUOTES},le="${FAST_BUCKET}"`, window)} / ${rate('http_request_duration_seconds_count', QUOTES, window)}`,
      })),
      {
        record: 'gateway:quote_duration_seconds:p95_rate5m',
        expr: `histogram_quantile(0.95, sum by (namespace, le) (rate(http_request_duration_seconds_bucket{${QUOTES}}[${windows('5m')}])))`,
      },
      { record: 'gateway:requests:rate5m', expr: rate('http_requests_total', CLIENTS, '5m') },
      {
        record: 'quotes:by_outcome:rate5m',
        expr: `sum by (namespace, outcome) (rate(quotes_total[${windows('5m')}]))`,
      },
    ],
  }
}

export function objectiveAlerts(windows: Windows): readonly Alert[] {
  const burning = (record: (window: Duration) => string, { long, short, speed }: Burn, budget: number) =>
    `${record(long)} > ${speed} * ${budget} and ${record(short)} > ${speed} * ${budget}`
  return [
    ...BURNS.map(
      (burn): Alert => ({
        name: 'AvailabilityBudgetBurns',
        priority: burn.priorities[0],
        kind: 'availability',
        expr: burning(faultsOver, burn, AVAILABILITY_BUDGET),
        for: windows(burn.for),
        labels: { window: burn.long },
        summary: `Faults use up the month's budget ${burn.speed} times as fast as they may`,
        description: `Of what clients asked in the last ${burn.long}, {{ $value | humanizePercentage }} ended in a fault of ours; the objective lets 0.05% through. It was so in the last ${burn.short} too.`,
        clients: 'Answers with status 500 to 599, for that share of their requests.',
        runbook: 'runbooks/api-gateway.md#how-it-fails-and-what-clients-see',
      }),
    ),
    ...BURNS.map(
      (burn): Alert => ({
        name: 'LatencyBudgetBurns',
        priority: burn.priorities[1],
        kind: 'latency',
        expr: burning(slowOver, burn, LATENCY_BUDGET),
        for: windows(burn.for),
        labels: { window: burn.long },
        summary: `Slow quotes use up the month's budget ${burn.speed} times as fast as they may`,
        description: `Of the quotes of the last ${burn.long}, {{ $value | humanizePercentage }} took longer than 100 ms; the objective lets 5% through. It was so in the last ${burn.short} too.`,
        clients: 'Quotes that take longer than 100 ms.',
        runbook: 'runbooks/calculation-service.md#first-five-minutes',
      }),
    ),
    {
      name: 'QuotesSlow',
      priority: 'P3',
      kind: 'latency',
      expr: 'gateway:quote_duration_seconds:p95_rate5m > 0.1',
      for: windows('10m'),
      summary: 'Quotes are slow',
      description: 'One quote in twenty takes longer than {{ $value | humanizeDuration }}; 100 ms is the objective.',
      clients: 'Quotes that take longer than 100 ms.',
      runbook: 'runbooks/calculation-service.md#first-five-minutes',
    },
  ]
}
